//! Who may ask for the page, and with which headers its answers go out.
//!
//! A page of another site can send requests to this server too, and by rebinding its name to the address can read the
//! answers. So every request must name this server as its host, and one that a browser sends for a page must come from
//! this server's own. Where the server listens on another address than the loopback one, every request must show the
//! token besides.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::accounts::{Accounts, Refusal};
use super::key::{Key, Verdict};
use super::protocol::Sense;

/// The names under which this machine reaches its own loopback address.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

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

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// Who asks.
    pub(super) peer: IpAddr,
    /// The address that was asked.
    pub(super) local: IpAddr,
}

/// The names by which a request may call this server.
#[derive(Debug)]
pub(super) struct Names {
    port: u16,
    known: Vec<String>,
    /// Listening on every address of the machine: then the one that was asked is a name, too.
    every: bool,
}

/// An address as it stands in a URL.
pub(super) fn literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl Names {
    /// The names of a server on `address`. On the loopback address they are fixed; elsewhere `hosts` are added to the
    /// address itself.
    pub(super) fn new(address: SocketAddr, hosts: &[String]) -> Self {
        let ip = address.ip().to_canonical();
        let mut known = Vec::new();
        if ip.is_loopback() {
            known.extend(LOOPBACK.map(str::to_owned));
        } else {
            known.extend_from_slice(hosts);
        }
        if !ip.is_unspecified() {
            known.push(literal(ip));
        }
        Self { port: address.port(), known, every: ip.is_unspecified() }
    }

    /// Whether `host` is one of them, with our port, for a request that came to `local`.
    fn is_ours(&self, host: &str, local: IpAddr) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        let local = local.to_canonical();
        let asked =
            || self.every && (literal(local) == name || local.is_loopback() && LOOPBACK.contains(&name));
        port == self.port.to_string()
            && (self.known.iter().any(|ours| ours.eq_ignore_ascii_case(name)) || asked())
    }

    /// Whether the request names this server, once, as its host.
    fn are_asked(&self, uri: &Uri, headers: &HeaderMap, local: IpAddr) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return false;
        };
        host.to_str().is_ok_and(|host| self.is_ours(host, local))
            && uri.authority().is_none_or(|authority| self.is_ours(authority.as_str(), local))
    }

    /// Whether the request comes from this server's page, or from no page at all: browsers send an Origin with every
    /// WebSocket and with whatever one site asks of another.
    fn sent_it(&self, headers: &HeaderMap, local: IpAddr) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
                origin.strip_prefix("http://").is_some_and(|host| self.is_ours(host, local))
            }),
            _ => false,
        }
    }

    /// A name to ask for, for people.
    fn best(&self, local: IpAddr) -> String {
        format!("{}:{}", self.known.first().cloned().unwrap_or_else(|| literal(local)), self.port)
    }
}

/// What every request and every answer is held to.
#[derive(Debug)]
pub(super) struct Guard {
    names: Names,
    key: Option<Arc<Key>>,
    permissions: HeaderValue,
    accounts: Arc<Accounts>,
}

impl Guard {
    /// The server of these names lets its own page use the devices that the run wants, and no others.
    pub(super) fn new(
        names: Names,
        key: Option<Arc<Key>>,
        wanted: &[Sense],
        accounts: Arc<Accounts>,
    ) -> Self {
        let permissions = match (wanted.contains(&Sense::Camera), wanted.contains(&Sense::Microphone)) {
            (false, false) => "camera=(), microphone=(), geolocation=()",
            (true, false) => "camera=(self), microphone=(), geolocation=()",
            (false, true) => "camera=(), microphone=(self), geolocation=()",
            (true, true) => "camera=(self), microphone=(self), geolocation=()",
        };
        Self { names, key, permissions: HeaderValue::from_static(permissions), accounts }
    }

    /// The answer to a request that goes no further.
    fn stop(&self, request: &Request) -> Option<Response> {
        // Without its ends a connection has no name and no address: it is nobody's.
        let nobody = Ends { peer: IpAddr::from([0; 4]), local: IpAddr::from([0; 4]) };
        let Ends { peer, local } = request.extensions().get().copied().unwrap_or(nobody);
        let headers = request.headers();
        if !self.names.are_asked(request.uri(), headers, local) {
            let told = format!("This is NAPOT's page; ask for it as http://{}/.\n", self.names.best(local));
            return Some(self.refuse(Refusal::Host, StatusCode::FORBIDDEN, &told));
        }
        if !self.names.sent_it(headers, local) {
            let told = "Only NAPOT's own page may ask for this.\n";
            return Some(self.refuse(Refusal::Origin, StatusCode::FORBIDDEN, told));
        }
        let key = self.key.as_ref()?;
        let verdict = key.judge(peer.to_canonical(), request.method(), request.uri(), headers);
        let (why, code, told) = match verdict {
            Verdict::Welcome => return None,
            Verdict::Exchange { cookie, location } => {
                let to = [(header::SET_COOKIE, cookie), (header::LOCATION, location)];
                return Some((StatusCode::SEE_OTHER, to).into_response());
            }
            Verdict::Missing => (
                Refusal::NoToken,
                StatusCode::UNAUTHORIZED,
                "The token is missing: open the whole address that NAPOT printed when it started.\n",
            ),
            Verdict::Wrong => (
                Refusal::WrongToken,
                StatusCode::FORBIDDEN,
                "The token is wrong: each run has its own; open the address that this one printed.\n",
            ),
            Verdict::TooMany => (
                Refusal::Tries,
                StatusCode::TOO_MANY_REQUESTS,
                "Too many wrong tokens came from this address: try again in ten seconds.\n",
            ),
        };
        Some(self.refuse(why, code, told))
    }

    fn refuse(&self, why: Refusal, code: StatusCode, told: &str) -> Response {
        self.accounts.refuse(why);
        let mut response = (code, told.to_owned()).into_response();
        if code == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Refuses whom it must, and gives every answer its headers.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.stop(&request) {
        Some(answer) => answer,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().insert("permissions-policy", guard.permissions.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn headers(name: &HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn names(address: &str, hosts: &[&str]) -> Names {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        Names::new(address.parse().unwrap(), &hosts)
    }

    #[test]
    fn only_loopback_names_with_our_port_are_ours() {
        let ours = names("127.0.0.1:8787", &["studio.example"]);
        let asked = |values: &[&str]| {
            ours.are_asked(&Uri::from_static("/"), &headers(&header::HOST, values), NOWHERE)
        };
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "LocalHost:8787"] {
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
            "studio.example:8787",
            "0.0.0.0:8787",
            ":8787",
            "",
        ] {
            assert!(!asked(&[host]), "{host}");
        }
        assert!(!asked(&[]));
        assert!(!asked(&["127.0.0.1:8787", "evil.example"]));
        let absolute = Uri::from_static("http://evil.example/");
        assert!(!ours.are_asked(&absolute, &headers(&header::HOST, &["localhost:8787"]), NOWHERE));
    }

    #[test]
    fn elsewhere_the_address_itself_and_the_hosts_are_ours_and_nothing_else() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let one = names("192.0.2.5:8787", &["studio.example"]);
        assert!(one.is_ours("192.0.2.5:8787", at("192.0.2.5")));
        assert!(one.is_ours("Studio.example:8787", at("192.0.2.5")));
        for host in
            ["localhost:8787", "127.0.0.1:8787", "192.0.2.6:8787", "studio.example", "evil.example:8787"]
        {
            assert!(!one.is_ours(host, at("192.0.2.5")), "{host}");
        }
        let every = names("0.0.0.0:8787", &[]);
        assert!(every.is_ours("192.0.2.5:8787", at("192.0.2.5")));
        assert!(every.is_ours("localhost:8787", at("127.0.0.1")));
        for host in ["192.0.2.6:8787", "localhost:8787", "0.0.0.0:8787", "evil.example:8787"] {
            assert!(!every.is_ours(host, at("192.0.2.5")), "{host}");
        }
        let six = names("[::]:8787", &[]);
        assert!(six.is_ours("[2001:db8::5]:8787", at("2001:db8::5")));
        assert!(six.is_ours("192.0.2.5:8787", at("::ffff:192.0.2.5")));
    }

    #[test]
    fn only_our_own_page_or_no_page_may_ask() {
        let ours = names("127.0.0.1:8787", &[]);
        let may = |values: &[&str]| ours.sent_it(&headers(&header::ORIGIN, values), NOWHERE);
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
