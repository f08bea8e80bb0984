//! What is refused: with which code, how it is counted, and that nothing of it stays.

use std::io::{Read, Write};
use std::time::Duration;

use super::{Said, Viewer, ask, dial, json, quick, served, status_of};
use crate::signal::Status;
use crate::view::Running;
use crate::view::server::Limits;

/// Waits until `kind` was refused this often; the count follows the code by a moment.
fn await_count(page: &Running, kind: &str, expected: u64) {
    let count = || page.figures().refused.get(kind).copied().unwrap_or(0);
    let came = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        count() == expected
    });
    assert!(came, "{} of {kind}, {expected} were expected", count());
}

#[test]
fn a_page_of_another_program_is_told_to_reload_and_one_of_this_is_not() {
    let (_engine, page) = served(Limits::default());
    let address = page.address();
    let host = address.to_string();
    let origin = format!("Origin: http://{host}\r\n");
    let version = crate::view::assets::version();
    for (path, extra, is_old) in [
        ("/socket?page=0123456789abcdef".to_owned(), &origin[..], true),
        ("/socket?page=".to_owned(), "", true),
        ("/socket".to_owned(), &origin, true),
        (format!("/socket?x=1&page={version}"), &origin, false),
        (format!("/socket?page={version}"), "", false),
        ("/socket".to_owned(), "", false),
    ] {
        let (mut viewer, code) = Viewer::knock_at(address, &path, &host, extra);
        assert_eq!(code, 101);
        let old = viewer.hear() == Said::Close(4001);
        assert_eq!(old, is_old, "{path} {extra}");
    }
    assert_eq!(page.figures().refused["old_page"], 3);
    assert_eq!(page.figures().viewers, 3);
}

#[test]
fn frames_that_break_the_protocol_are_closed_with_a_code_and_counted() {
    let (_engine, page) = served(Limits::default());
    let close = |bytes: &[u8]| {
        let mut viewer = Viewer::open(page.address());
        let _ = viewer.stream.write_all(bytes);
        viewer.end()
    };
    let mask = [0; 4];
    let endless = [&[0x81, 0xFF][..], &(1_u64 << 62).to_be_bytes(), &mask].concat();
    for (bytes, code) in [
        (&[0x81, 0x02, b'{', b'}'][..], 1002),
        (&[0xF1, 0x80, 0, 0, 0, 0], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),
        (&[0x80, 0x80, 0, 0, 0, 0], 1002),
        (&[0x09, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
    ] {
        assert_eq!(close(bytes), Said::Close(code), "{bytes:?}");
    }
    assert_eq!(close(&endless), Said::Close(1009));
    await_count(&page, "broken_frame", 6);
    await_count(&page, "too_long", 1);
}

#[test]
fn values_out_of_bounds_are_closed_with_a_code_and_counted() {
    let (_engine, page) = served(Limits::default());
    let long = format!(r#"{{"device":["speaker","{}"]}}"#, "x".repeat(257));
    let unknown = [
        r#"{"band":8}"#,
        r#"{"band":-1}"#,
        r#"{"band":1e99}"#,
        r#"{"band":NaN}"#,
        r#"{"ack":-1}"#,
        r#"{"sound":"yes"}"#,
        r#"{"device":["nose","x"]}"#,
        r#"{"run":"rm"}"#,
        "[]",
        "[1]",
        "field",
        &long,
    ];
    for request in unknown {
        let mut viewer = Viewer::open(page.address());
        viewer.request(request);
        assert_eq!(viewer.end(), Said::Close(1008), "{request}");
    }
    await_count(&page, "unknown", unknown.len() as u64);
    let mut viewer = Viewer::open(page.address());
    viewer.request(r#"{"begin":"camera"}"#);
    assert_eq!(viewer.end(), Said::Close(1008));
    await_count(&page, "not_wanted", 1);
}

#[test]
fn a_connection_too_many_is_closed_and_counted_until_one_leaves() {
    let (_engine, page) = served(Limits { connections: 3, ..Limits::default() });
    let host = page.address().to_string();
    let mut held: Vec<_> = (0..3).map(|_| dial(page.address())).collect();
    let mut answer = Vec::new();
    let _ = dial(page.address()).read_to_end(&mut answer);
    assert!(answer.is_empty());
    await_count(&page, "connections", 1);
    held.pop();
    let let_in = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        status_of(&super::get(page.address(), "/", &host)) == 200
    });
    assert!(let_in);
}

#[test]
fn late_heads_and_heads_that_are_none_are_counted() {
    let (_engine, page) = served(quick());
    let mut half = dial(page.address());
    half.write_all(b"GET / HT").unwrap();
    let _ = half.read_to_end(&mut Vec::new());
    await_count(&page, "late", 1);
    assert_eq!(status_of(&ask(page.address(), "\x01\x02\r\n\r\n")), 400);
    let endless = format!("GET / HTTP/1.1\r\nHost: {}\r\n", "x".repeat(100_000));
    assert!(
        [0, 431].contains(&status_of(&ask(page.address(), &endless))),
        "cut off, with or without an answer"
    );
    await_count(&page, "garbage", 2);
    // One that was answered, and then stays without asking, was not late.
    let mut idle = dial(page.address());
    write!(idle, "GET / HTTP/1.1\r\nHost: {}\r\n\r\n", page.address()).unwrap();
    let _ = idle.read_to_end(&mut Vec::new());
    assert_eq!(page.figures().refused["late"], 1);
}

#[test]
fn one_that_asks_and_never_reads_loses_its_place() {
    let (_engine, page) = served(Limits { stay: Duration::from_millis(400), ..quick() });
    let mut stream = dial(page.address());
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let request = format!("GET /main.js HTTP/1.1\r\nHost: {}\r\n\r\n", page.address()).repeat(100);
    // Ends when the server hangs up: a server that never did would let the time limit pass.
    let end = loop {
        if let Err(end) = stream.write_all(request.as_bytes()) {
            break end;
        }
    };
    assert!(!matches!(end.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{end}");
    await_count(&page, "late", 1);
}

#[test]
fn a_page_is_told_what_was_refused() {
    let (mut engine, page) = served(Limits::default());
    let mut viewer = Viewer::open(page.address());
    assert_eq!(json(&viewer.next(4))["refused"], serde_json::json!({}));
    super::get(page.address(), "/", "evil.example");
    engine.status.write(Status::default());
    assert_eq!(json(&viewer.next(4))["refused"], serde_json::json!({ "host": 1 }));
}
