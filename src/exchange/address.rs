//! Where a run sends to and receives from: the addresses of the command line.

use std::fmt;

/// The most channels that an inlet of OSC takes: a message of them fits one datagram.
pub const MOST_CHANNELS: usize = 256;
/// Channels of an inlet of OSC where the address names no number.
const CHANNELS: usize = 8;
/// The host that is meant where none is named: nothing leaves or enters this machine unasked.
const HERE: &str = "127.0.0.1";
/// What a stream of LSL is called where the address names none.
const STREAM: &str = "NAPOT";

/// The other end of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Open Sound Control over UDP.
    Osc {
        /// Whom to send to, or on which of this machine's addresses to listen.
        host: String,
        /// The UDP port.
        port: u16,
        /// How many channels come in, 1 to [`MOST_CHANNELS`]; of no use to an outlet.
        channels: usize,
    },
    /// A MIDI port.
    Midi {
        /// A part of the port's name; empty for a virtual port of our own, called `NAPOT`.
        port: String,
    },
    /// A stream of the Lab Streaming Layer.
    Lsl {
        /// The stream's name.
        stream: String,
    },
}

impl Address {
    /// The address of an outlet: `osc:HOST:PORT`, `midi:PORT NAME`, `lsl:NAME`.
    ///
    /// # Errors
    /// In a sentence: what is allowed, or how to build what this build lacks.
    pub fn to_send(text: &str) -> Result<Self, String> {
        Self::parse(text, "osc:HOST:PORT, midi:PORT NAME, lsl:NAME", |rest| {
            let (host, port) = rest.rsplit_once(':').filter(|(host, _)| !host.is_empty())?;
            Some(Self::Osc { host: host.to_owned(), port: parse_port(port)?, channels: CHANNELS })
        })
    }

    /// The address of an inlet: `osc:PORT`, `osc:HOST:PORT`, `osc:PORT?channels=N`, `midi:PORT NAME`, `lsl:NAME`.
    ///
    /// # Errors
    /// As [`Self::to_send`].
    pub fn to_receive(text: &str) -> Result<Self, String> {
        let allowed = "osc:PORT, osc:HOST:PORT, either with ?channels=1 to 256, midi:PORT NAME, lsl:NAME";
        Self::parse(text, allowed, |rest| {
            let (place, query) = rest.split_once('?').map_or((rest, None), |(a, b)| (a, Some(b)));
            let channels = match query {
                None => CHANNELS,
                Some(query) => query.strip_prefix("channels=")?.parse().ok()?,
            };
            let (host, port) = place.rsplit_once(':').unwrap_or((HERE, place));
            let valid = (1..=MOST_CHANNELS).contains(&channels) && !host.is_empty();
            let port = parse_port(port)?;
            valid.then(|| Self::Osc { host: host.to_owned(), port, channels })
        })
    }

    fn parse(text: &str, allowed: &str, osc: impl Fn(&str) -> Option<Self>) -> Result<Self, String> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "osc" => osc(rest).ok_or_else(|| format!("allowed: {allowed}")),
            "midi" => built("midi", cfg!(feature = "midi"), Self::Midi { port: rest.to_owned() }),
            "lsl" => {
                let stream = if rest.is_empty() { STREAM } else { rest };
                built("lsl", cfg!(feature = "lsl"), Self::Lsl { stream: stream.to_owned() })
            }
            _ => Err(format!("allowed: {allowed}")),
        }
    }
}

fn parse_port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

fn built(feature: &str, there: bool, address: Address) -> Result<Address, String> {
    if there {
        return Ok(address);
    }
    Err(format!(
        "this build has no `{feature}:`; build it with `cargo install --path . --locked --features {feature}`"
    ))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Osc { host, port, .. } => write!(f, "osc:{host}:{port}"),
            Self::Midi { port } => write!(f, "midi:{port}"),
            Self::Lsl { stream } => write!(f, "lsl:{stream}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn osc(host: &str, port: u16, channels: usize) -> Address {
        Address::Osc { host: host.to_owned(), port, channels }
    }

    #[test]
    fn an_address_names_its_kind_its_place_and_its_channels() {
        assert_eq!(Address::to_send("osc:localhost:9000").unwrap(), osc("localhost", 9_000, 8));
        assert_eq!(Address::to_send("osc:[::1]:9000").unwrap(), osc("[::1]", 9_000, 8));
        assert_eq!(Address::to_receive("osc:9000").unwrap(), osc("127.0.0.1", 9_000, 8));
        assert_eq!(Address::to_receive("osc:0.0.0.0:9000?channels=3").unwrap(), osc("0.0.0.0", 9_000, 3));
        assert_eq!(Address::to_receive("osc:9000?channels=256").unwrap(), osc("127.0.0.1", 9_000, 256));
        assert_eq!(Address::to_send("osc:a:1").unwrap().to_string(), "osc:a:1");
    }

    #[test]
    fn a_wrong_address_is_refused_with_what_is_allowed() {
        for text in
            ["", "osc", "osc:9000", "osc::9000", "osc:a:0", "osc:a:70000", "udp:a:1", "osc:a:1?channels=2"]
        {
            assert!(Address::to_send(text).unwrap_err().contains("osc:HOST:PORT"), "{text}");
        }
        for text in
            ["osc:", "osc:x", "osc::9", "osc:9?channels=0", "osc:9?channels=257", "osc:9?rate=4", "file:x"]
        {
            assert!(Address::to_receive(text).unwrap_err().contains("?channels=1 to 256"), "{text}");
        }
    }

    #[test]
    fn what_this_build_lacks_is_refused_with_how_to_build_it() {
        for (feature, there) in [("lsl", cfg!(feature = "lsl")), ("midi", cfg!(feature = "midi"))] {
            let parsed = Address::to_send(&format!("{feature}:X"));
            assert_eq!(parsed.is_ok(), there);
            assert!(parsed.is_ok() || parsed.unwrap_err().contains(&format!("--features {feature}")));
        }
    }
}
