//! What a browser and a stranger notice of the page's server, over real sockets.

mod access;
mod refused;
mod senses;
mod viewers;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::server::Limits;
use super::{About, Bell, DEFAULT_PORT, Feeds, Running, ViewParameters, bind, start, start_within};
use crate::signal::{
    ArrayId, BURST_SIDE, BindingPicture, BoundArray, BoundWhole, Control, FieldFrame, FieldImage, Hands,
    InputPicture, MindPicture, ObjectsPicture, SeenObject, SheetShape, Status, TraceChunk,
};
use crate::stream::latest::{Writer, latest};
use crate::stream::ring::{Counters, Producer, ring};
use crate::time::Tick;

/// The engine's side of the feeds.
struct Engine {
    field: Writer<FieldFrame>,
    input: Writer<InputPicture>,
    mind: Writer<MindPicture>,
    binding: Writer<BindingPicture>,
    objects: Writer<ObjectsPicture>,
    status: Writer<Status>,
    traces: Sender<TraceChunk>,
    sound: Producer<[f32; 2]>,
    sound_counts: std::sync::Arc<Counters>,
    wishes: Receiver<Control>,
    ticks: u64,
    difference: bool,
}

impl Engine {
    fn new() -> (Self, Feeds) {
        let (field, field_out) = latest(&FieldFrame::default());
        let (input, input_out) = latest(&InputPicture::default());
        let (mind, mind_out) = latest(&MindPicture::default());
        let (binding, binding_out) = latest(&BindingPicture::default());
        let (objects, objects_out) = latest(&ObjectsPicture::default());
        let (status, status_out) = latest(&Status::default());
        let (traces, traces_out) = crossbeam_channel::bounded(16);
        let (sound, sound_out, sound_counts) = ring(4_800);
        let (control, wishes) = crossbeam_channel::bounded(1);
        let about = About {
            title: "test".into(),
            version: "0".into(),
            seed: u64::MAX,
            arrays: vec![("vision".into(), SheetShape { height: 2, width: 3, bands: 8 })],
            band_hz: vec![1.0; 8],
            sources: Vec::new(),
            twin: false,
            electrodes: Vec::new(),
            pitch_hz: [0.0; 2],
            hands: Hands::default(),
        };
        let feeds = Feeds {
            field: field_out,
            input: input_out,
            mind: mind_out,
            binding: binding_out,
            objects: objects_out,
            status: status_out,
            traces: traces_out,
            sound: sound_out,
            control,
            watched: Arc::default(),
            bell: Bell::default(),
            senses: None,
            sent: None,
            devices: None,
            about,
        };
        (
            Self {
                field,
                input,
                mind,
                binding,
                objects,
                status,
                traces,
                sound,
                sound_counts,
                wishes,
                ticks: 0,
                difference: false,
            },
            feeds,
        )
    }

    fn field(&mut self) {
        self.ticks += 33;
        let bytes = vec![7; 12];
        let image = FieldImage { array: ArrayId(0), width: 3, height: 2, phase_amplitude: bytes };
        self.field.write(FieldFrame {
            tick: Tick(self.ticks),
            band: 5,
            difference: self.difference,
            images: vec![image],
            ..FieldFrame::default()
        });
    }
}

fn quick() -> Limits {
    Limits {
        head: Duration::from_millis(150),
        patience: Duration::from_millis(400),
        farewell: Duration::from_millis(150),
        ..Limits::default()
    }
}

fn any_port() -> ViewParameters {
    ViewParameters { port: 0, ..ViewParameters::default() }
}

fn served(limits: Limits) -> (Engine, Running) {
    let (engine, feeds) = Engine::new();
    (engine, start_within(bind(&any_port()).unwrap(), feeds, limits).unwrap())
}

fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

/// Sends a request's head as written and returns the whole answer.
fn ask(address: SocketAddr, head: &str) -> String {
    let mut stream = dial(address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A server that keeps the connection open is cut off by the time limit; what came counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(address: SocketAddr, path: &str, host: &str) -> String {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
}

fn status_of(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// A WebSocket client that does only what a test tells it.
struct Viewer {
    stream: TcpStream,
}

#[derive(Debug, PartialEq)]
enum Said {
    Binary(Vec<u8>),
    Close(u16),
    Gone,
}

impl Viewer {
    fn knock(address: SocketAddr, extra: &str) -> (Self, u16) {
        Self::knock_at(address, "/socket", &address.to_string(), extra)
    }

    fn knock_at(address: SocketAddr, path: &str, host: &str, extra: &str) -> (Self, u16) {
        let mut stream = dial(address);
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extra}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
            answer.push(byte[0]);
        }
        (Self { stream }, status_of(&String::from_utf8_lossy(&answer)))
    }

    fn open(address: SocketAddr) -> Self {
        let (viewer, status) = Self::knock(address, "");
        assert_eq!(status, 101);
        viewer
    }

    /// Sends one masked frame (RFC 6455, section 5.2), the mask being zero.
    fn frame(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend_from_slice(payload);
        // The server may have closed already: then what it said is what counts.
        let _ = self.stream.write_all(&frame);
    }

    fn request(&mut self, json: &str) {
        self.frame(1, json.as_bytes());
    }

    fn hear(&mut self) -> Said {
        let mut head = [0; 2];
        if self.stream.read_exact(&mut head).is_err() {
            return Said::Gone;
        }
        let mut wide = [0; 8];
        let width = match head[1] {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.stream.read_exact(&mut wide[8 - width..]).is_err() {
            return Said::Gone;
        }
        let length = if width == 0 { usize::from(head[1]) } else { u64::from_be_bytes(wide) as usize };
        let mut payload = vec![0; length];
        if self.stream.read_exact(&mut payload).is_err() {
            return Said::Gone;
        }
        match head[0] & 0x0F {
            8 => Said::Close(u16::from_be_bytes([payload[0], payload[1]])),
            _ => Said::Binary(payload),
        }
    }

    /// The next message of `kind`; panics where the connection ends before.
    fn next(&mut self, kind: u8) -> Vec<u8> {
        loop {
            match self.hear() {
                Said::Binary(bytes) if bytes[0] == kind => return bytes,
                Said::Binary(_) => {}
                end => panic!("{end:?} came before a message of kind {kind}"),
            }
        }
    }

    fn end(&mut self) -> Said {
        loop {
            match self.hear() {
                Said::Binary(_) => {}
                end => return end,
            }
        }
    }
}

fn sequence(message: &[u8]) -> u64 {
    u64::from_le_bytes(message[8..16].try_into().unwrap())
}

fn json(message: &[u8]) -> serde_json::Value {
    serde_json::from_slice(&message[24..]).unwrap()
}

#[test]
fn the_page_and_all_its_files_are_served_with_their_types_and_strict_headers() {
    let (_engine, page) = served(Limits::default());
    let host = page.address().to_string();
    let version = super::assets::version();
    for asset in super::assets::ASSETS {
        let answer = get(page.address(), asset.path, &host);
        assert_eq!(status_of(&answer), 200, "{}", asset.path);
        assert!(answer.contains(&format!("content-type: {}", asset.kind)), "{answer}");
        assert!(
            answer
                .contains("content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'")
        );
        assert!(answer.contains("x-content-type-options: nosniff"));
        assert!(answer.contains("referrer-policy: no-referrer"));
        assert!(answer.ends_with(&*String::from_utf8_lossy(&asset.served(&version))), "{}", asset.path);
    }
    assert_eq!(status_of(&get(page.address(), "/../Cargo.toml", &host)), 404);
    let post = format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(status_of(&ask(page.address(), &post)), 405);
}

#[test]
fn the_page_holds_nothing_inline_and_names_no_other_place() {
    for asset in super::assets::ASSETS {
        let text = String::from_utf8_lossy(asset.bytes);
        assert!(!text.contains("https://"), "{}", asset.path);
        assert!(!text.contains("style=") && !text.contains("onclick"), "{}", asset.path);
        if asset.kind.starts_with("text/javascript") {
            assert!(text.starts_with("// @ts-check"), "{}", asset.path);
            // What a comment names is for editors: types, which no page asks for.
            let code = text.lines().filter(|line| !line.starts_with("/**"));
            let imports = code.filter_map(|line| line.split(" from \"./").nth(1));
            for import in imports {
                let path = format!("/{}", import.trim_end_matches("\";"));
                assert!(super::assets::ASSETS.iter().any(|other| other.path == path), "{path}");
            }
        }
    }
}

#[test]
fn pictures_come_before_the_field_that_they_belong_to() {
    let (mut engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    viewer.next(6);
    let rgb = vec![9; 3 * 4 * 2];
    let bursts = vec![3; 2 * BURST_SIDE * BURST_SIDE];
    let picture = InputPicture { width: 4, height: 2, rgb: rgb.clone(), bursts, ..InputPicture::default() };
    engine.input.write(picture);
    engine.mind.write(MindPicture { tick: Tick(700), dream: true, width: 2, height: 4, rgb: rgb.clone() });
    engine.binding.write(BindingPicture {
        tick: Tick(699),
        side: 2,
        arrays: vec![BoundArray { whole: None, held: true, phase: 0.5, amplitude: 3.5 }],
        wholes: vec![BoundWhole { name: 1, arrays: 7, confidence: 1.0, psnr_db: None }],
        grey: vec![3; 8],
    });
    engine.objects.write(ObjectsPicture {
        tick: Tick(698),
        size: [1, 2],
        labels: vec![0, 3],
        shown: [1, 3],
        grey: vec![7, 8, 9],
        objects: vec![SeenObject { label: 3, colour: [1, 2, 3], share: 0.5, confidence: 1.0 }],
    });
    engine.field();
    let input = viewer.next(2);
    assert_eq!((&input[2..4], &input[24..32]), (&[0, 0][..], &[4, 0, 2, 0, 32, 0, 0, 0][..]));
    assert_eq!((&input[32..56], &input[56..]), (&rgb[..], &[3; 2 * BURST_SIDE * BURST_SIDE][..]));
    let Said::Binary(mind) = viewer.hear() else { panic!("the mind's eye comes with it") };
    assert_eq!((mind[0], &mind[2..4], &mind[24..28]), (10, &[1, 0][..], &[2, 0, 4, 0][..]));
    assert_eq!(u64::from_le_bytes(mind[16..24].try_into().unwrap()), 700);
    let Said::Binary(bound) = viewer.hear() else { panic!("what is bound comes with it") };
    assert_eq!((bound[0], &bound[24..32]), (11, &[2, 0, 1, 0, 1, 0, 0, 0][..]));
    assert_eq!(bound[32..], [255, 1, 0, 128, 128, 3, 1, 7, 255, 0, 3, 3, 3, 3, 3, 3, 3, 3]);
    let Said::Binary(objects) = viewer.hear() else { panic!("what stands out comes with it") };
    assert_eq!((objects[0], &objects[24..36]), (12, &[2, 0, 1, 0, 3, 0, 1, 0, 1, 0, 0, 0][..]));
    assert_eq!(objects[36..], [3, 1, 2, 3, 255, 127, 255, 0, 0, 3, 7, 8, 9]);
    viewer.next(1);
}

#[test]
fn a_request_for_another_host_is_refused() {
    let (_engine, page) = served(Limits::default());
    let port = page.address().port();
    for name in ["127.0.0.1", "localhost", "[::1]"] {
        assert_eq!(status_of(&get(page.address(), "/", &format!("{name}:{port}"))), 200, "{name}");
    }
    for host in ["evil.example", "127.0.0.1.evil.com", "127.0.0.1:1", &format!("evil.example:{port}")] {
        let answer = get(page.address(), "/", host);
        assert_eq!(status_of(&answer), 403, "{host}");
        assert!(answer.contains("nosniff"), "a refusal carries the headers too");
    }
    assert_eq!(status_of(&ask(page.address(), "GET / HTTP/1.0\r\n\r\n")), 403);
}

#[test]
fn a_socket_opens_for_our_page_and_for_programs_but_for_no_other_page() {
    let (_engine, page) = served(Limits::default());
    let knock = |extra: &str| Viewer::knock(page.address(), extra).1;
    assert_eq!(knock(""), 101);
    assert_eq!(knock(&format!("Origin: http://{}\r\n", page.address())), 101);
    for origin in
        ["null", "http://evil.example", "http://127.0.0.1:1", &format!("https://{}", page.address())]
    {
        assert_eq!(knock(&format!("Origin: {origin}\r\n")), 403, "{origin}");
    }
}

#[test]
fn half_a_request_does_not_stay() {
    let (_engine, page) = served(quick());
    for half in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: 127"] {
        let mut stream = dial(page.address());
        stream.write_all(half.as_bytes()).unwrap();
        let mut answer = Vec::new();
        assert!(stream.read_to_end(&mut answer).is_ok(), "the connection with {half:?} stayed open");
    }
}

#[test]
fn a_named_port_that_is_taken_is_an_error_and_the_default_one_moves_on() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = bind(&ViewParameters { port, ..ViewParameters::default() }).unwrap_err();
    let told = error.to_string();
    assert!(told.contains("view.port: the port is taken") && told.contains(&port.to_string()), "{told}");

    // Whoever has the default port, this test or another program: the page must go elsewhere.
    let _default = TcpListener::bind((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
    let page = start(bind(&ViewParameters::default()).unwrap(), Engine::new().1).unwrap();
    assert!((DEFAULT_PORT + 1..=DEFAULT_PORT + 10).contains(&page.address().port()));
    page.stop();
}

#[test]
fn a_port_that_needs_a_privilege_is_refused_by_its_key() {
    let error = ViewParameters { port: 80, ..ViewParameters::default() }.check().unwrap_err();
    assert_eq!(error.kind().exit_code(), 2);
    assert!(error.to_string().starts_with("view.port: "));
    assert!(any_port().check().is_ok());
}
