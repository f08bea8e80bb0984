//! Who gets in: every combination of host, origin and token, on the loopback address and elsewhere.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Engine, Viewer, any_port, ask, get, json, served, status_of};
use crate::view::server::Limits;
use crate::view::{Running, ViewParameters, bind, start_within};

/// What every answer says, whatever it is.
const HEADERS: [&str; 9] = [
    "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options: nosniff",
    "x-frame-options: DENY",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "cross-origin-embedder-policy: require-corp",
    "cache-control: no-store",
    "permissions-policy: camera=(), microphone=(), geolocation=()",
];

/// A server that every address of this machine reaches, and its token.
struct Elsewhere {
    page: Running,
    address: SocketAddr,
    token: String,
    _engine: Engine,
}

impl Elsewhere {
    fn start() -> Self {
        let (engine, feeds) = Engine::new();
        let listen = Ipv4Addr::UNSPECIFIED.into();
        let parameters = ViewParameters { listen, hosts: vec!["studio.example".into()], ..any_port() };
        let limits = Limits { viewers: 100, ..Limits::default() };
        let page = start_within(bind(&parameters).unwrap(), feeds, limits).unwrap();
        let token = page.url().split_once("?token=").unwrap().1.to_owned();
        let address = (Ipv4Addr::LOCALHOST, page.address().port()).into();
        Self { page, address, token, _engine: engine }
    }

    fn get(&self, path: &str, extra: &str) -> String {
        let host = self.address;
        ask(self.address, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{extra}\r\n"))
    }

    fn count(&self, kind: &str) -> u64 {
        self.page.figures().refused.get(kind).copied().unwrap_or(0)
    }
}

/// The code of a request with these headers; for the WebSocket, of its upgrade.
fn code(address: SocketAddr, path: &str, host: &str, extra: &str) -> u16 {
    if path == "/socket" {
        return Viewer::knock_at(address, path, host, extra).1;
    }
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{extra}\r\n");
    status_of(&ask(address, &head))
}

/// Every host with every origin: the headers, and whether they may be.
fn doors(port: u16, names: &[&str]) -> Vec<(String, String, bool, bool)> {
    let mut found = Vec::new();
    let ours = names.iter().map(|name| (format!("{name}:{port}"), true));
    let others = ["evil.example", "127.0.0.1.evil.com"].map(|name| (format!("{name}:{port}"), false));
    for (host, host_is_ours) in ours.chain(others).chain([("127.0.0.1".to_owned(), false)]) {
        let origins = [
            (String::new(), true),
            (format!("Origin: http://{}:{port}\r\n", names[0]), true),
            ("Origin: null\r\n".to_owned(), false),
            ("Origin: http://evil.example\r\n".to_owned(), false),
            (format!("Origin: https://{}:{port}\r\n", names[0]), false),
        ];
        for (origin, origin_is_ours) in origins {
            found.push((host.clone(), origin, host_is_ours, origin_is_ours));
        }
    }
    found
}

#[test]
fn on_the_loopback_address_host_and_origin_decide_and_no_token_is_asked_for() {
    let (_engine, page) = served(Limits { viewers: 100, ..Limits::default() });
    let address = page.address();
    assert!(!page.url().contains("token"));
    let (mut hosts, mut origins) = (0, 0);
    for path in ["/", "/main.js", "/socket"] {
        for (host, origin, host_is_ours, origin_is_ours) in
            doors(address.port(), &["127.0.0.1", "localhost", "[::1]"])
        {
            let welcome = if path == "/socket" { 101 } else { 200 };
            let expected = if host_is_ours && origin_is_ours { welcome } else { 403 };
            assert_eq!(code(address, path, &host, &origin), expected, "{path} {host} {origin}");
            hosts += u64::from(!host_is_ours);
            origins += u64::from(host_is_ours && !origin_is_ours);
        }
    }
    let refused = page.figures().refused;
    assert_eq!((refused["host"], refused["origin"], refused.len()), (hosts, origins, 2 + 1));
    assert!(refused["old_page"] > 0, "a browser that does not say which page it has");
}

#[test]
fn elsewhere_host_origin_and_token_must_all_be_right() {
    let server = Elsewhere::start();
    let port = server.address.port();
    let tokens = [
        (format!("Cookie: napot-{port}={}\r\n", server.token), 0),
        (format!("Authorization: Bearer {}\r\n", server.token), 0),
        (String::new(), 401),
        (format!("Cookie: napot-{}={}\r\n", port ^ 1, server.token), 401),
        (format!("Cookie: napot-{port}={}x\r\n", server.token), 403),
        (format!("Authorization: Bearer {}\r\n", &server.token[1..]), 403),
    ];
    let (mut missing, mut wrong) = (0, 0);
    for path in ["/", "/main.js", "/socket"] {
        for (host, origin, host_is_ours, origin_is_ours) in doors(port, &["127.0.0.1", "studio.example"]) {
            for (token, refusal) in &tokens {
                let welcome = if path == "/socket" { 101 } else { 200 };
                let expected = match (host_is_ours && origin_is_ours, *refusal) {
                    (false, _) => 403,
                    (true, 0) => welcome,
                    (true, refusal) => refusal,
                };
                let got = code(server.address, path, &host, &format!("{origin}{token}"));
                assert_eq!(got, expected, "{path} {host} {origin} {token}");
                let judged = u64::from(host_is_ours && origin_is_ours);
                missing += judged * u64::from(*refusal == 401);
                wrong += judged * u64::from(*refusal == 403);
            }
        }
    }
    assert_eq!((server.count("no_token"), server.count("wrong_token")), (missing, wrong));
    assert!(missing > 0 && wrong > 0);
}

#[test]
fn the_token_in_the_address_becomes_a_strict_cookie_and_a_clean_address() {
    let server = Elsewhere::start();
    let answer = server.get(&format!("/?token={}&give=camera", server.token), "");
    assert_eq!(status_of(&answer), 303, "{answer}");
    let line = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_eq!(line("location: "), "/?give=camera");
    let cookie = line("set-cookie: ");
    let (pair, how) = cookie.split_once("; ").unwrap();
    assert_eq!(how, "HttpOnly; SameSite=Strict; Path=/");
    let page = server.get("/?give=camera", &format!("Cookie: {pair}\r\n"));
    assert_eq!(status_of(&page), 200);
    assert!(!page.contains(&server.token) && !page.contains("set-cookie"));
    let host = server.address.to_string();
    let query = format!("/socket?page={}", crate::view::assets::version());
    let extra = format!("Origin: http://{host}\r\nCookie: {pair}\r\n");
    let (mut viewer, code) = Viewer::knock_at(server.address, &query, &host, &extra);
    assert_eq!(code, 101);
    assert_eq!(json(&viewer.next(6))["title"], "test");
    // No other address takes it: it would stand in logs and histories for nothing.
    let socket = format!("/socket?token={}", server.token);
    assert_eq!(Viewer::knock_at(server.address, &socket, &host, "").1, 401);
    assert_eq!(status_of(&server.get(&format!("/main.js?token={}", server.token), "")), 401);
}

#[test]
fn whoever_guesses_is_told_to_wait_and_counted() {
    let server = Elsewhere::start();
    // Fifty in ten seconds are heard; on a busy machine the ten seconds may end meanwhile, and the count begin anew.
    let mut guesses = 0;
    let told = loop {
        let answer = server.get(&format!("/?token={guesses}"), "");
        guesses += 1;
        match status_of(&answer) {
            429 => break answer,
            code => assert_eq!(code, 403),
        }
        assert!(guesses < 500, "every guess is heard");
    };
    assert!(guesses > 50 && told.ends_with("try again in ten seconds.\n"), "{guesses}: {told}");
    assert_eq!((server.count("wrong_token"), server.count("tries")), (guesses - 1, 1));
    assert_eq!(status_of(&server.get("/", "")), 401, "who shows nothing does not guess");
}

#[test]
fn every_answer_carries_the_security_headers_and_every_refusal_a_sentence() {
    let server = Elsewhere::start();
    let bearer = format!("Authorization: Bearer {}\r\n", server.token);
    let host = server.address;
    let post =
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n{bearer}\r\n");
    for (expected, answer) in [
        (200, server.get("/", &bearer)),
        (303, server.get(&format!("/?token={}", server.token), "")),
        (401, server.get("/", "")),
        (403, server.get("/?token=x", "")),
        (403, get(server.address, "/", "evil.example")),
        (403, server.get("/", "Origin: null\r\n")),
        (404, server.get("/../../etc/passwd", &bearer)),
        (404, server.get("/%2e%2e/Cargo.toml", &bearer)),
        (405, ask(server.address, &post)),
        (426, server.get("/socket", &bearer)),
    ] {
        assert_eq!(status_of(&answer), expected, "{answer}");
        for header in HEADERS {
            assert!(answer.contains(header), "{expected}: no `{header}` in {answer}");
        }
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        assert!(expected < 400 || body.ends_with(".\n") && body.len() > 20, "{expected} says {body:?}");
    }
    assert!(server.get("/", "").contains("www-authenticate: Bearer"));
    for (kind, count) in [("path", 2), ("method", 1), ("upgrade", 1), ("host", 1), ("origin", 1)] {
        assert_eq!(server.count(kind), count, "{kind}");
    }
}

#[test]
fn the_token_is_in_the_url_alone() {
    let server = Elsewhere::start();
    assert!(server.page.url().starts_with("http://"));
    assert!(!format!("{:?} {:?}", server.page, server.page.figures()).contains(&server.token));
}
