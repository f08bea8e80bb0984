//! What pages give of their devices: who may, what is believed, what is counted, and what hostile pages reach.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Said, Viewer, any_port, get, json, served};
use crate::signal::{DeviceState, EncodedPicture, Origin, SoundChunk};
use crate::time::{ManualClock, Timestamp};
use crate::view::server::Limits;
use crate::view::{FromPages, Running, Senses, bind, start_within};

const SECOND: Duration = Duration::from_secs(1);
/// Where the run's clock stands when a test begins.
const START: i64 = 60_000_000_000;

/// A run that wants both senses, by a clock that stands still.
struct Run {
    clock: Arc<ManualClock>,
    camera: FromPages<EncodedPicture>,
    microphone: FromPages<SoundChunk>,
    page: Running,
    _engine: Engine,
}

impl Run {
    fn start() -> Self {
        let clock = Arc::new(ManualClock::new());
        clock.advance(60 * SECOND);
        let mut senses = Senses::new(clock.clone());
        let (camera, microphone) = (senses.camera(), senses.microphone());
        let (engine, mut feeds) = Engine::new();
        feeds.senses = Some(senses);
        let page = start_within(bind(&any_port()).unwrap(), feeds, Limits::default()).unwrap();
        Self { clock, camera, microphone, page, _engine: engine }
    }

    /// A page that gives `sense`.
    fn giver(&self, sense: &str) -> Viewer {
        let mut viewer = Viewer::open(self.page.address());
        assert!(viewer.begin(sense));
        viewer
    }

    fn chunk(&self) -> SoundChunk {
        self.microphone.items.recv_timeout(5 * SECOND).unwrap()
    }

    fn picture(&self) -> EncodedPicture {
        self.camera.items.recv_timeout(5 * SECOND).unwrap()
    }
}

impl Viewer {
    /// The server's next answer.
    fn answer(&mut self) -> serde_json::Value {
        json(&self.next(9))
    }

    /// Asks to give, and says whether that may be.
    fn begin(&mut self, sense: &str) -> bool {
        self.request(&format!(r#"{{"begin":"{sense}"}}"#));
        let answer = self.answer();
        assert_eq!(answer["sense"], sense);
        answer["granted"].as_bool().unwrap()
    }

    /// Returns once the server has read all that was sent.
    fn settle(&mut self) {
        self.request(r#"{"clock":77}"#);
        while self.answer()["asked"] != 77 {}
    }

    /// Gives a picture, and waits for its answer.
    fn show(&mut self, sequence: u64, captured: i64, jpeg: &[u8]) {
        self.frame(2, &item(8, 0, 1, sequence, captured, jpeg));
        assert_eq!(self.answer()["picture"], sequence);
    }

    /// Gives sound of one channel.
    fn play(&mut self, sequence: u64, captured: i64, samples: &[f32]) {
        self.frame(2, &item(7, 1, samples.len() as u32, sequence, captured, &bytes(samples)));
    }
}

fn item(kind: u8, detail: u16, count: u32, sequence: u64, captured: i64, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 1];
    message.extend(detail.to_le_bytes());
    message.extend(count.to_le_bytes());
    message.extend(sequence.to_le_bytes());
    message.extend(captured.to_le_bytes());
    message.extend(body);
    message
}

fn bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn a_page_is_told_what_the_run_wants_and_may_use_only_that() {
    let run = Run::start();
    let about = json(&Viewer::open(run.page.address()).next(6));
    assert_eq!(about["senses"], serde_json::json!(["camera", "microphone"]));
    assert_eq!(about["title"], "test");
    let policy = |page: &Running| get(page.address(), "/", &page.address().to_string());
    assert!(policy(&run.page).contains("permissions-policy: camera=(self), microphone=(self)"));

    let (_engine, page) = served(Limits::default());
    assert_eq!(json(&Viewer::open(page.address()).next(6))["senses"], serde_json::json!([]));
    assert!(policy(&page).contains("permissions-policy: camera=(), microphone=()"));
}

#[test]
fn a_page_that_asks_is_told_the_runs_time() {
    let run = Run::start();
    let mut viewer = Viewer::open(run.page.address());
    viewer.request(r#"{"clock":123456}"#);
    assert_eq!(viewer.answer(), serde_json::json!({ "asked": 123_456, "now": START }));
    run.clock.advance(SECOND);
    viewer.request(r#"{"clock":0}"#);
    assert_eq!(viewer.answer()["now"], START + 1_000_000_000);
}

#[test]
fn pictures_and_sound_arrive_with_their_capture_times() {
    let run = Run::start();
    let mut viewer = run.giver("camera");
    assert!(viewer.begin("microphone"));
    viewer.show(41, START - 5, b"a");
    viewer.show(42, START - 4, b"b");
    let picture = run.picture();
    assert_eq!((picture.jpeg, picture.captured), (b"a".to_vec(), Timestamp(START - 5)));
    assert_eq!((picture.origin, picture.sequence, run.picture().sequence), (Origin::Device, 0, 1));

    viewer.play(1, START - 9, &[0.5, -0.25]);
    let stereo = bytes(&[0.1, 0.2, 0.3, 0.4]);
    viewer.frame(2, &item(7, 2, 2, 2, START - 8, &stereo));
    let frames = vec![[0.5, 0.5], [-0.25, -0.25]];
    assert_eq!(
        run.chunk(),
        SoundChunk { frames, captured: Timestamp(START - 9), sequence: 0, lost_before: 0 }
    );
    assert_eq!(run.chunk().frames, [[0.1, 0.2], [0.3, 0.4]]);
    let (eye, ear) = (run.camera.monitor.figures(), run.microphone.monitor.figures());
    assert_eq!((eye.state, eye.opened, eye.delivered, eye.dropped), (DeviceState::Running, 1, 2, 0));
    assert_eq!((ear.state, ear.opened, ear.delivered, ear.dropped), (DeviceState::Running, 1, 4, 0));
    assert_eq!((&eye.name[..], &ear.name[..]), ("browser camera", "browser microphone"));
}

#[test]
fn a_second_page_is_refused_until_the_first_leaves() {
    let run = Run::start();
    let mut first = run.giver("camera");
    first.show(7, START, b"a");
    let mut second = Viewer::open(run.page.address());
    assert!(!second.begin("camera"));
    assert!(second.begin("microphone"), "another sense is free");
    second.show(1, START, b"not granted");
    assert!(first.begin("camera"), "the giver itself may ask again");

    drop(first);
    let took_over = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        second.begin("camera")
    });
    assert!(took_over);
    assert_eq!(run.camera.monitor.figures().problem.as_deref(), Some("its page has left"));
    second.show(1, START, b"b");
    assert_eq!((run.picture().sequence, run.picture().sequence), (0, 1), "numbers go on over pages");
    let figures = run.camera.monitor.figures();
    assert_eq!((figures.opened, figures.delivered, figures.missed), (2, 2, 0));

    second.request(r#"{"end":"camera"}"#);
    second.settle();
    assert_eq!(run.camera.monitor.figures().state, DeviceState::Lost);
    assert!(run.giver("camera").begin("camera"));
}

#[test]
fn gaps_count_as_missed_and_what_came_before_is_dropped() {
    let run = Run::start();
    let mut viewer = run.giver("microphone");
    for sequence in [10, 13, 12, 13, 14] {
        viewer.play(sequence, START, &[0.0; 480]);
    }
    let chunks: Vec<SoundChunk> = (0..3).map(|_| run.chunk()).collect();
    viewer.settle();
    let told: Vec<(u64, u64)> = chunks.iter().map(|chunk| (chunk.sequence, chunk.lost_before)).collect();
    assert_eq!(told, [(0, 0), (3, 960), (4, 0)]);
    let figures = run.microphone.monitor.figures();
    assert_eq!((figures.delivered, figures.missed, figures.dropped), (5 * 480, 960, 960));
    // A gap without end counts for a thousand chunks, so that the count stays one.
    viewer.play(u64::MAX, START, &[0.0; 480]);
    assert_eq!(run.chunk().lost_before, 1_000 * 480);
}

#[test]
fn the_oldest_picture_gives_way_and_is_counted() {
    let run = Run::start();
    let mut viewer = run.giver("camera");
    for sequence in 1..=5 {
        viewer.show(sequence, START, &[sequence as u8]);
    }
    assert_eq!((run.picture().jpeg, run.picture().jpeg), (vec![4], vec![5]));
    let figures = run.camera.monitor.figures();
    assert_eq!((figures.delivered, figures.dropped, figures.missed), (5, 3, 0));
}

#[test]
fn sound_without_room_is_counted_and_shows_as_lost_in_the_next_chunk() {
    let run = Run::start();
    let mut viewer = run.giver("microphone");
    for sequence in 1..=66 {
        viewer.play(sequence, START, &[0.0; 10]);
    }
    viewer.settle();
    assert_eq!(run.microphone.items.len(), 64);
    assert_eq!(run.microphone.monitor.figures().dropped, 20);
    while run.microphone.items.try_recv().is_ok() {}
    viewer.play(67, START, &[0.0; 10]);
    let chunk = run.chunk();
    assert_eq!((chunk.sequence, chunk.lost_before), (66, 20));
}

#[test]
fn a_time_that_cannot_be_becomes_that_of_arrival() {
    let run = Run::start();
    let mut viewer = run.giver("camera");
    assert!(viewer.begin("microphone"));
    let oldest = START - 10_000_000_000;
    for (sequence, captured) in (1..).zip([START + 1, oldest - 1, oldest, i64::MIN, i64::MAX]) {
        viewer.show(sequence, captured, b"a");
        let believed = captured == oldest;
        let picture = run.picture();
        assert_eq!(picture.captured, Timestamp(if believed { captured } else { START }), "{captured}");
        assert_eq!(picture.origin, if believed { Origin::Device } else { Origin::Arrival });
    }
    assert_eq!(run.camera.monitor.figures().restamped, 4);
    viewer.play(1, START + 1, &[0.0; 480]);
    assert_eq!(run.chunk().captured, Timestamp(START - 10_000_000), "its last frame came just now");
    assert_eq!(run.microphone.monitor.figures().restamped, 1);
}

#[test]
fn values_that_are_not_finite_become_silence_and_are_counted() {
    let run = Run::start();
    let mut viewer = run.giver("microphone");
    viewer.play(1, START, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5]);
    assert_eq!(run.chunk().frames, [[0.0; 2], [0.0; 2], [0.0; 2], [0.5; 2]]);
    assert_eq!(run.microphone.monitor.figures().not_finite, 3);
}

#[test]
fn a_flood_of_sound_is_dropped_beyond_four_times_what_sound_needs() {
    let run = Run::start();
    let mut viewer = run.giver("microphone");
    let chunk = vec![0; 8 * 4_800];
    for sequence in 1..=41 {
        viewer.frame(2, &item(7, 2, 4_800, sequence, START, &chunk));
    }
    viewer.settle();
    assert_eq!(run.microphone.items.len(), 40);
    assert_eq!(run.microphone.monitor.figures().dropped, 4_800);
    while run.microphone.items.try_recv().is_ok() {}
    run.clock.advance(SECOND);
    viewer.frame(2, &item(7, 2, 4_800, 42, START, &chunk));
    assert_eq!(run.chunk().lost_before, 4_800);
}

#[test]
fn silence_is_told_and_so_is_its_end() {
    let run = Run::start();
    let state = || run.camera.monitor.figures().state;
    let mut viewer = run.giver("camera");
    run.clock.advance(5 * SECOND);
    viewer.settle();
    assert_eq!(state(), DeviceState::Opening, "a page may wait for its person's permission");
    viewer.show(1, START, b"a");
    run.clock.advance(SECOND + Duration::from_millis(1));
    while state() != DeviceState::Silent {
        std::thread::yield_now();
    }
    viewer.show(2, START, b"b");
    assert_eq!((state(), run.camera.monitor.figures().opened), (DeviceState::Running, 1));
}

#[test]
fn what_is_no_picture_and_no_sound_closes_its_own_connection_only() {
    let run = Run::start();
    let close = |message: &[u8]| {
        let mut viewer = Viewer::open(run.page.address());
        viewer.frame(2, message);
        viewer.end()
    };
    let four = bytes(&[0.0]);
    let mut version = item(8, 0, 1, 1, START, b"a");
    version[1] = 2;
    for message in [
        Vec::new(),
        vec![7; 23],
        version,
        item(3, 0, 1, 1, START, &four),
        item(7, 0, 1, 1, START, &four),
        item(7, 3, 1, 1, START, &bytes(&[0.0; 3])),
        item(7, 1, 0, 1, START, &[]),
        item(7, 1, 2, 1, START, &four),
        item(7, 1, u32::MAX, 1, START, &four),
        item(7, 1, 4_801, 1, START, &vec![0; 4 * 4_801]),
        item(8, 0, 1, 1, START, &[]),
        item(8, 1, 1, 1, START, b"a"),
        item(8, 0, 2, 1, START, b"a"),
    ] {
        assert_eq!(close(&message), Said::Close(1008), "{:?}", &message[..message.len().min(24)]);
    }
    assert_eq!(close(&item(8, 0, 1, 1, START, &vec![0; 4_000_001])), Said::Close(1009));
    let mut viewer = Viewer::open(run.page.address());
    viewer.request(&" ".repeat(64 * 1024 + 1));
    assert_eq!(viewer.end(), Said::Close(1009), "a request is no picture");

    let mut viewer = run.giver("camera");
    viewer.show(1, START, &vec![0; 4_000_000]);
    assert_eq!(run.picture().jpeg.len(), 4_000_000);
    assert_eq!(run.camera.monitor.figures().delivered, 1);
}

#[test]
fn a_run_that_wants_no_device_takes_none() {
    let (_engine, page) = served(Limits::default());
    for request in [r#"{"begin":"camera"}"#, r#"{"clock":1}"#, r#"{"begin":"speaker"}"#] {
        let mut viewer = Viewer::open(page.address());
        viewer.request(request);
        assert_eq!(viewer.end(), Said::Close(1008), "{request}");
    }
    let mut viewer = Viewer::open(page.address());
    viewer.frame(2, &item(8, 0, 1, 1, START, b"a"));
    assert_eq!(viewer.end(), Said::Close(1003));
}
