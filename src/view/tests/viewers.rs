//! What viewers notice: what is published, when they are slow, careless or too many, and how it ends.

use std::net::TcpStream;
use std::time::Duration;

use super::{Engine, Said, Viewer, any_port, get, json, quick, sequence, served, status_of};
use crate::signal::{Control, DeviceKind, DeviceListing, InputPicture, Status, TraceChunk};
use crate::view::server::Limits;
use crate::view::{bind, start_within};

#[test]
fn a_viewer_learns_what_runs_and_sees_all_that_is_published() {
    let (mut engine, page) = served(Limits::default());
    engine.field();
    engine.input.write(InputPicture { width: 1, height: 1, rgb: vec![1, 2, 3], ..InputPicture::default() });
    let mut viewer = Viewer::open(page.address());
    let about = json(&viewer.next(6));
    assert_eq!(about["seed"], u64::MAX.to_string());
    assert_eq!(about["arrays"][0][1]["width"], 3);

    let input = viewer.next(2);
    assert_eq!(&input[24..], [1, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3]);
    let field = viewer.next(1);
    assert_eq!(field[..8], [1, 1, 5, 0, 1, 0, 0, 0]);
    assert_eq!(u64::from_le_bytes(field[16..24].try_into().unwrap()), 33);
    assert_eq!(field[24..32], [0, 0, 0, 0, 3, 0, 2, 0]);
    assert_eq!(field[32..], [7; 12]);

    let names = vec!["Cz".to_owned()];
    let chunk = TraceChunk {
        first_tick: 50,
        rate_hz: 250,
        names,
        microvolts: vec![vec![1.234_567]],
        bursts: vec![vec![3]],
    };
    engine.traces.send(chunk).unwrap();
    assert_eq!(json(&viewer.next(5))["microvolts"][0][0], 1.23);

    engine.status.write(Status { bursts_per_second: 12.5, ..Status::default() });
    loop {
        let status = json(&viewer.next(4));
        if status["status"]["bursts_per_second"] == 12.5 {
            assert_eq!(status["viewers"], 1);
            assert_eq!(status["ended"], false);
            assert!(status["status"]["exponent"].is_null(), "what was not measured is null");
            break;
        }
    }
}

#[test]
fn sound_comes_only_when_asked_for_and_the_ring_is_emptied_all_the_same() {
    let (mut engine, page) = served(Limits::default());
    for _ in 0..480 {
        engine.sound.push([0.5, -0.5]);
    }
    while engine.sound_counts.read().delivered < 480 {
        std::thread::yield_now();
    }
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"sound":true}"#);
    let heard = loop {
        // The request and the sound take different ways: push until some is heard.
        engine.sound.push([0.25, -0.25]);
        engine.status.write(Status::default());
        if let Said::Binary(bytes) = viewer.hear()
            && bytes[0] == 3
        {
            break bytes;
        }
    };
    assert_eq!(heard[24..32], [0.25f32.to_le_bytes(), (-0.25f32).to_le_bytes()].concat());
    assert!(u64::from_le_bytes(heard[16..24].try_into().unwrap()) >= 480, "its place counts from the start");
}

#[test]
fn two_frames_are_under_way_at_most_and_the_newest_comes_next() {
    let (mut engine, page) = served(Limits::default());
    engine.field();
    let mut viewer = Viewer::open(page.address());
    assert_eq!(sequence(&viewer.next(1)), 1);
    engine.field();
    assert_eq!(sequence(&viewer.next(1)), 2);
    // No credit left: the next frames must not come, only the newest of them after an acknowledgement.
    for _ in 0..5 {
        engine.field();
        while !engine.field.consumed() {
            std::thread::yield_now();
        }
    }
    engine.status.write(Status { seconds: 1.0, ..Status::default() });
    let mut status = serde_json::Value::Null;
    while status["status"]["seconds"] != 1.0 {
        match viewer.hear() {
            Said::Binary(bytes) if bytes[0] == 4 => status = json(&bytes),
            Said::Binary(bytes) => assert_ne!(bytes[0], 1, "a frame came without a credit"),
            end => panic!("{end:?}"),
        }
    }
    assert_eq!(status["viewer"]["produced"], 7);
    assert_eq!(status["viewer"]["delivered"], 2);
    assert_eq!(status["viewer"]["dropped"], 4, "one of the seven waits");
    viewer.request(r#"{"ack":2}"#);
    assert_eq!(sequence(&viewer.next(1)), 7);
}

#[test]
fn a_chosen_band_reaches_the_engine_and_one_that_is_not_there_does_not() {
    let (engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"band":8}"#);
    assert_eq!(viewer.end(), Said::Close(1008));
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"band":3}"#);
    let wish = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, Control::ShowBand(3));
    viewer.request(r#"{"keep":true}"#);
    let wish = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, Control::KeepLast);
    viewer.request(r#"{"device":["microphone","USB"]}"#);
    let wish = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, Control::UseDevice(DeviceKind::Microphone, "USB".to_owned()));
    viewer.request(r#"{"mute":true}"#);
    let wish = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, Control::Mute(true));
}

#[test]
fn what_all_pages_show_is_changed_by_the_page_in_control_alone() {
    let (engine, page) = served(Limits::default());
    let next = || engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    let mut one = Viewer::open(page.address());
    one.request(r#"{"band":1}"#);
    assert_eq!(next(), Control::ShowBand(1));
    let mut other = Viewer::open(page.address());
    let device = r#"{"device":["camera","USB"]}"#;
    for request in [r#"{"band":2}"#, r#"{"difference":true}"#, device, r#"{"mute":true}"#] {
        other.request(request);
        assert_eq!(json(&other.next(9))["refused"], "another page is in control", "{request}");
    }
    other.request(r#"{"keep":true}"#);
    assert_eq!(next(), Control::KeepLast, "nothing came before it, and keeping is for all");
    other.request(r#"{"control":true,"band":2}"#);
    assert_eq!(next(), Control::ShowBand(2));
}

#[test]
fn the_difference_from_the_twin_is_asked_for_and_told_apart() {
    let (mut engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"difference":true}"#);
    let wish = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wish, Control::ShowDifference(true));
    engine.field();
    assert_eq!(viewer.next(1)[2..4], [5, 0]);
    engine.difference = true;
    engine.field();
    assert_eq!(viewer.next(1)[2..4], [5, 1]);
}

#[test]
fn devices_are_listed_where_the_run_has_any() {
    let (_engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"devices":"camera"}"#);
    assert_eq!(viewer.end(), Said::Close(1008));

    let (_engine, mut feeds) = Engine::new();
    feeds.devices = Some(|kind| {
        let name = format!("the {}", kind.name());
        vec![DeviceListing { kind, host: "test".into(), name, formats: Vec::new(), error: None }]
    });
    let page = start_within(bind(&any_port()).unwrap(), feeds, Limits::default()).unwrap();
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"devices":"speaker"}"#);
    let answer = json(&viewer.next(9));
    assert_eq!(answer["devices"][0]["name"], "the speaker");
}

#[test]
fn a_full_way_to_the_engine_keeps_the_newest_wish() {
    let (engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"band":1}"#);
    while engine.wishes.is_empty() {
        std::thread::yield_now();
    }
    for band in 2..6 {
        viewer.request(&format!(r#"{{"band":{band}}}"#));
    }
    // The status answers after the wishes were read.
    let mut last = Control::ShowBand(0);
    while last != Control::ShowBand(5) {
        last = engine.wishes.recv_timeout(Duration::from_secs(5)).unwrap();
    }
    assert!(engine.wishes.is_empty());
}

#[test]
fn the_ninth_viewer_is_refused_until_one_leaves() {
    let (_engine, page) = served(Limits::default());
    let mut viewers: Vec<Viewer> = (0..8).map(|_| Viewer::open(page.address())).collect();
    assert_eq!(Viewer::knock(page.address(), "").1, 503);
    // A page reads why at the same place, by a plain request.
    let told = get(page.address(), "/socket", &page.address().to_string());
    assert!(told.contains("503") && told.ends_with("8 viewers are watching already.\n"), "{told}");
    assert_eq!(page.figures().refused["viewers"], 2);
    viewers.pop();
    let place_came_free = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        Viewer::knock(page.address(), "").1 == 101
    });
    assert!(place_came_free);
}

#[test]
fn a_viewer_that_draws_nothing_is_closed_and_holds_nobody_up() {
    let (mut engine, page) = served(quick());
    let mut paused = Viewer::open(page.address());
    let mut other = Viewer::open(page.address());
    let mut drawn = 0;
    // The paused one reads nothing at all; the other goes on past the time at which that one is closed.
    while drawn < 40 {
        engine.field();
        drawn = sequence(&other.next(1));
        other.request(&format!(r#"{{"ack":{drawn}}}"#));
        std::thread::sleep(Duration::from_millis(25));
    }
    assert_eq!(paused.end(), Said::Close(1013));
    other.frame(8, &[]);
    while page.figures().produced < 40 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let figures = page.stop();
    assert_eq!((figures.viewers, figures.refused["paused"]), (2, 1));
    assert_eq!(figures.produced, figures.delivered + figures.dropped, "every frame is accounted for");
    assert!(figures.dropped > 0, "the paused viewer missed frames");
}

#[test]
fn careless_requests_close_their_own_connection_only() {
    let (_engine, page) = served(Limits::default());
    let close = |opcode: u8, payload: &[u8]| {
        let mut viewer = Viewer::open(page.address());
        viewer.frame(opcode, payload);
        viewer.end()
    };
    assert_eq!(close(1, b"{\"fly\":1}"), Said::Close(1008));
    assert_eq!(close(1, b"not JSON"), Said::Close(1008));
    assert_eq!(close(2, b"{}"), Said::Close(1003));
    assert_eq!(close(1, &vec![b' '; 64 * 1024 + 1]), Said::Close(1009));
    assert_eq!(status_of(&get(page.address(), "/", &page.address().to_string())), 200);
}

#[test]
fn a_flood_of_requests_is_cut_off() {
    let limits = Limits { requests_per_check: 20, ..quick() };
    let (_engine, page) = served(limits);
    let mut viewer = Viewer::open(page.address());
    for _ in 0..200 {
        viewer.frame(9, b"ping");
    }
    let mut end = viewer.hear();
    while matches!(end, Said::Binary(_)) {
        end = viewer.hear();
    }
    assert_eq!(end, Said::Close(1008));
}

#[test]
fn the_end_of_the_engine_is_told_and_the_last_picture_stays() {
    let (mut engine, page) = served(Limits::default());
    engine.field();
    engine.status.write(Status { seconds: 9.0, ..Status::default() });
    let mut viewer = Viewer::open(page.address());
    viewer.next(1);
    drop(engine);
    while json(&viewer.next(4))["ended"] != true {}
    let mut late = Viewer::open(page.address());
    assert_eq!(sequence(&late.next(1)), 1, "who comes late still sees the last frame");
}

#[test]
fn a_stop_is_told_and_does_not_wait_for_a_paused_viewer() {
    let (mut engine, page) = served(quick());
    let address = page.address();
    let _paused = Viewer::open(address);
    let mut viewer = Viewer::open(address);
    engine.field();
    viewer.next(1);
    let (done, stopped) = crossbeam_channel::bounded(1);
    std::thread::spawn(move || {
        page.stop();
        let _ = done.send(());
    });
    assert!(stopped.recv_timeout(Duration::from_secs(1)).is_ok(), "the server took more than a second");
    assert_eq!(json(&viewer.next(4))["ended"], true);
    assert_eq!(viewer.end(), Said::Close(1001));
    assert!(TcpStream::connect(address).is_err());
}
