//! The token that every address but the loopback one demands: made at the start, shown once, exchanged for a cookie.
//!
//! It comes from the system's own randomness, which nobody can guess or repeat; the model's ([`crate::random`]) is
//! made to be repeated from a seed, and neither knows of the other. No log and no figure holds it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::header::{self, HeaderMap};
use axum::http::{Method, Uri};
use data_encoding::BASE64URL_NOPAD;

use crate::error::{Error, Kind, Result};

/// Random bytes of a token: 192 bits, as many as Jupyter's.
const TOKEN_BYTES: usize = 24;
/// Wrong tokens from one address between two calls of [`Key::forget_tries`]. A page that is left open over a restart
/// still shows its old cookie, twice at every try to connect, and must not shut its own address out.
const MOST_TRIES: u32 = 50;
/// Addresses that are told apart; all further ones count as one.
const MOST_ADDRESSES: usize = 1_024;

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds the token.
    Welcome,
    /// It holds the token in its address: it gets this cookie, and goes on to this address without it.
    Exchange {
        /// The value of `Set-Cookie`.
        cookie: String,
        /// The value of `Location`.
        location: String,
    },
    /// It holds no token.
    Missing,
    /// It holds another.
    Wrong,
    /// It comes from an address that has shown too many wrong ones, and is not looked at.
    TooMany,
}

/// A text of `BYTES` random bytes.
pub(super) fn unlike_any<const BYTES: usize>() -> std::result::Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// The token of one server.
pub(super) struct Key {
    token: String,
    hash: blake3::Hash,
    cookie: String,
    tries: Mutex<BTreeMap<IpAddr, u32>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A new token for the server at `port`.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub(super) fn new(port: u16) -> Result<Self> {
        let token = unlike_any::<TOKEN_BYTES>().map_err(|cause| {
            Error::new(Kind::Device, "the page's token", "the system gives no random bytes").value(cause)
        })?;
        // Cookies know no ports: two servers of one machine would overwrite each other's.
        Ok(Self {
            hash: blake3::hash(token.as_bytes()),
            cookie: format!("napot-{port}"),
            token,
            tries: Mutex::default(),
        })
    }

    /// The token, for the one address that is shown.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Judges a request that comes `from` an address.
    pub(super) fn judge(&self, from: IpAddr, method: &Method, uri: &Uri, headers: &HeaderMap) -> Verdict {
        let in_address =
            uri.query().filter(|_| uri.path() == "/" && matches!(*method, Method::GET | Method::HEAD));
        let in_address = in_address.and_then(|query| split(query));
        let shown = match &in_address {
            Some((token, _)) => Some(*token),
            None => bearer(headers).or_else(|| self.in_cookie(headers)),
        };
        let Some(shown) = shown else { return Verdict::Missing };
        if self.tried(from) >= MOST_TRIES {
            return Verdict::TooMany;
        }
        if !self.is_right(shown) {
            self.count_try(from);
            return Verdict::Wrong;
        }
        match in_address {
            None => Verdict::Welcome,
            Some((_, rest)) => Verdict::Exchange {
                cookie: format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie, self.token),
                location: if rest.is_empty() { "/".to_owned() } else { format!("/?{rest}") },
            },
        }
    }

    /// Compares in a time that depends on what was shown alone: hashes, which `blake3` compares in constant time.
    fn is_right(&self, shown: &str) -> bool {
        blake3::hash(shown.as_bytes()) == self.hash
    }

    /// The first cookie of our name; more than one would be more than one guess.
    fn in_cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie).map(|(_, value)| value)
    }

    /// Never held across a wait.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, u32>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tried(&self, from: IpAddr) -> u32 {
        let tries = self.lock();
        tries.get(&counted_as(&tries, from)).copied().unwrap_or(0)
    }

    fn count_try(&self, from: IpAddr) {
        let mut tries = self.lock();
        let address = counted_as(&tries, from);
        *tries.entry(address).or_default() += 1;
    }

    /// Every address may try again.
    pub(super) fn forget_tries(&self) {
        self.lock().clear();
    }
}

/// The address under which `from` is counted: its own while there is room.
fn counted_as(tries: &BTreeMap<IpAddr, u32>, from: IpAddr) -> IpAddr {
    let known = tries.len() < MOST_ADDRESSES || tries.contains_key(&from);
    if known { from } else { IpAddr::from([0; 4]) }
}

/// The token of a query, and the rest of the query.
fn split(query: &str) -> Option<(&str, String)> {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("token="))?;
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("token=")).collect();
    Some((token, rest.join("&")))
}

/// The token of `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn judge_from(key: &Key, from: IpAddr, address: &str, name: header::HeaderName, value: &str) -> Verdict {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        key.judge(from, &Method::GET, &address.parse().unwrap(), &headers)
    }

    fn judge(key: &Key, address: &str, name: header::HeaderName, value: &str) -> Verdict {
        judge_from(key, HERE, address, name, value)
    }

    #[test]
    fn a_token_has_192_bits_and_no_two_are_the_same() {
        let keys: Vec<Key> = (0..100).map(|_| Key::new(8787).unwrap()).collect();
        let tokens: std::collections::BTreeSet<&str> = keys.iter().map(Key::token).collect();
        assert_eq!(tokens.len(), 100);
        for token in tokens {
            assert_eq!(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap().len() * 8, 192);
        }
        assert!(!format!("{:?}", keys[0]).contains(keys[0].token()), "a log would hold the token");
    }

    #[test]
    fn the_token_is_taken_from_the_address_once_and_then_from_cookie_or_header() {
        let key = Key::new(8787).unwrap();
        let token = key.token();
        let exchange = |rest: &str| Verdict::Exchange {
            cookie: format!("napot-8787={token}; HttpOnly; SameSite=Strict; Path=/"),
            location: format!("/{rest}"),
        };
        let none = |address: &str| judge(&key, address, header::ACCEPT, "*/*");
        assert_eq!(none(&format!("/?token={token}")), exchange(""));
        assert_eq!(none(&format!("/?give=camera&token={token}&x")), exchange("?give=camera&x"));
        assert_eq!(none(&format!("/main.js?token={token}")), Verdict::Missing, "only the page exchanges it");
        assert_eq!(none("/"), Verdict::Missing);
        let cookie = |value: &str| judge(&key, "/socket", header::COOKIE, value);
        assert_eq!(cookie(&format!("a=b; napot-8787={token}; c=d")), Verdict::Welcome);
        assert_eq!(cookie(&format!("napot-8788={token}")), Verdict::Missing, "another server's");
        assert_eq!(cookie("napot-8787="), Verdict::Wrong);
        assert_eq!(
            cookie(&format!("napot-8787=x; napot-8787={token}")),
            Verdict::Wrong,
            "one guess a request"
        );
        let bearer = |value: &str| judge(&key, "/socket", header::AUTHORIZATION, value);
        assert_eq!(bearer(&format!("Bearer {token}")), Verdict::Welcome);
        assert_eq!(bearer(&format!("bearer {token}")), Verdict::Welcome);
        assert_eq!(bearer(&format!("Basic {token}")), Verdict::Missing);
        for wrong in ["", &token[1..], &format!("{token}x"), Key::new(8787).unwrap().token()] {
            assert_eq!(none(&format!("/?token={wrong}")), Verdict::Wrong, "{wrong}");
        }
    }

    #[test]
    fn an_address_that_tries_too_often_waits_and_no_other_does() {
        let key = Key::new(8787).unwrap();
        let right = format!("Bearer {}", key.token());
        for _ in 0..MOST_TRIES {
            assert_eq!(judge(&key, "/", header::AUTHORIZATION, "Bearer x"), Verdict::Wrong);
        }
        assert_eq!(judge(&key, "/", header::AUTHORIZATION, "Bearer x"), Verdict::TooMany);
        assert_eq!(
            judge(&key, "/", header::AUTHORIZATION, &right),
            Verdict::TooMany,
            "guesses are not looked at"
        );
        let other = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(judge_from(&key, other, "/", header::AUTHORIZATION, &right), Verdict::Welcome);
        key.forget_tries();
        assert_eq!(judge(&key, "/", header::AUTHORIZATION, &right), Verdict::Welcome);
    }

    #[test]
    fn addresses_beyond_a_thousand_count_as_one() {
        let key = Key::new(8787).unwrap();
        for number in 1..3_000_u32 {
            judge_from(&key, IpAddr::from(number.to_be_bytes()), "/", header::AUTHORIZATION, "Bearer x");
        }
        assert_eq!(key.lock().len(), MOST_ADDRESSES + 1);
        let late = IpAddr::from([198, 51, 100, 7]);
        assert_eq!(judge_from(&key, late, "/", header::AUTHORIZATION, "Bearer x"), Verdict::TooMany);
    }
}
