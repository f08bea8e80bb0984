//! Who may ask for the page, and with which headers its answers go out.
//!
//! A page of another site can send requests to the loopback address too, and by rebinding its name
//! to it can read the answers. So every request must name this server as its host, and a WebSocket
//! from a browser must come from this server's own page.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::protocol::Sense;

/// The names under which this machine reaches its own loopback address.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Sent with every answer. Scripts, styles and connections only from here, nothing inline, no frames. What a page
/// captures is no load from anywhere: it needs no source here, only a permission.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cache-control", "no-store"),
];

/// What every request and every answer is held to.
#[derive(Clone)]
pub(super) struct Guard {
    port: u16,
    permissions: HeaderValue,
}

impl Guard {
    /// The server at `port` lets its own page use the devices that the run wants, and no others.
    pub(super) fn new(port: u16, wanted: &[Sense]) -> Self {
        let permissions = match (wanted.contains(&Sense::Camera), wanted.contains(&Sense::Microphone)) {
            (false, false) => "camera=(), microphone=(), geolocation=()",
            (true, false) => "camera=(self), microphone=(), geolocation=()",
            (false, true) => "camera=(), microphone=(self), geolocation=()",
            (true, true) => "camera=(self), microphone=(self), geolocation=()",
        };
        Self { port, permissions: HeaderValue::from_static(permissions) }
    }
}

/// Whether `host` names this server: a loopback name and our port.
fn is_ours(host: &str, port: u16) -> bool {
    NAMES.iter().any(|name| {
        host.strip_prefix(name)
            .is_some_and(|rest| rest.strip_prefix(':').is_some_and(|text| text == port.to_string()))
    })
}

/// Whether the request names this server, once, as its host.
pub(super) fn names_us(uri: &Uri, headers: &HeaderMap, port: u16) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    host.to_str().is_ok_and(|host| is_ours(host, port))
        && uri.authority().is_none_or(|authority| is_ours(authority.as_str(), port))
}

/// Whether a WebSocket may open: from this server's page, or from a program that is no browser
/// (browsers always send an Origin).
pub(super) fn may_open(headers: &HeaderMap, port: u16) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => origin
            .to_str()
            .is_ok_and(|origin| origin.strip_prefix("http://").is_some_and(|host| is_ours(host, port))),
        _ => false,
    }
}

/// Refuses requests for another host, and gives every answer its headers.
pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let Guard { port, permissions } = guard;
    let mut response = if names_us(request.uri(), request.headers(), port) {
        next.run(request).await
    } else {
        let told = format!("This is NAPOT's page; ask for it as http://127.0.0.1:{port}/.\n");
        (StatusCode::FORBIDDEN, told).into_response()
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().insert("permissions-policy", permissions);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_loopback_names_with_our_port_are_ours() {
        let asked = |values: &[&str]| names_us(&Uri::from_static("/"), &headers(&header::HOST, values), 8787);
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"] {
            assert!(asked(&[host]), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:08787",
            "evil.example",
            "evil.example:8787",
            "127.0.0.1.evil.com:8787",
            "localhost.evil.com:8787",
            "127.0.0.1:8787.evil.com",
            "",
        ] {
            assert!(!asked(&[host]), "{host}");
        }
        assert!(!asked(&[]));
        assert!(!asked(&["127.0.0.1:8787", "evil.example"]));
        let absolute = Uri::from_static("http://evil.example/");
        assert!(!names_us(&absolute, &headers(&header::HOST, &["localhost:8787"]), 8787));
    }

    #[test]
    fn only_our_own_page_or_no_browser_may_open_a_socket() {
        let may = |values: &[&str]| may_open(&headers(&header::ORIGIN, values), 8787);
        assert!(may(&[]));
        assert!(may(&["http://127.0.0.1:8787"]));
        assert!(may(&["http://localhost:8787"]));
        for origin in [
            "null",
            "",
            "http://127.0.0.1",
            "https://127.0.0.1:8787",
            "http://evil.example",
            "127.0.0.1:8787",
        ] {
            assert!(!may(&[origin]), "{origin}");
        }
        assert!(!may(&["http://127.0.0.1:8787", "http://evil.example"]));
    }
}
