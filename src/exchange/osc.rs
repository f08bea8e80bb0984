//! Open Sound Control over UDP: electrodes and onsets out, channels in.
//!
//! Out, each in a bundle whose time tag is the calendar's time of its first content:
//!
//! | path | arguments | when |
//! |---|---|---|
//! | `/napot/electrodes` | a float per electrode, in microvolts | every sample, in order; a bundle holds up to 10 ms of them and about 1,400 bytes |
//! | `/napot/onset` | a float: seconds of model time | when an onset has been heard |
//! | `/napot/mark` | a string: its text; a float: seconds of model time | at every other mark: a note, what was recognised |
//! | `/napot/names` | a string per electrode | each second |
//! | `/napot/rate` | an int: samples per second | each second |
//!
//! Samples within a bundle follow each other at that rate. In: `/napot/in` with a number per channel (`f`, `d`, `i`,
//! `h`); channels that a message leaves out repeat their last. It counts from its arrival; time tags are not obeyed.
//! Other paths, other arguments and packets that can't be read are counted and ignored.
//!
//! UDP promises nothing: what the network or a slow listener loses, neither end is told.

use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};

use super::account::Account;
use super::inlet::{Arrival, Receive};
use super::outlet::{Electrodes, ONSET, Transmit};
use crate::error::{Error, Kind, Result};
use crate::signal::ElectrodeItem;
use crate::time::{Timestamp, since_1900};

/// The most bytes of a bundle of samples: what passes through Ethernet in one piece.
const BUNDLE_BYTES: usize = 1_400;
/// Bytes of a bundle without content.
const EMPTY_BUNDLE_BYTES: usize = 16;
/// Bundles of samples a second, where they have room.
const BUNDLES_PER_SECOND: u32 = 100;
/// The longest packet that is read. It bounds how deep bundles and arrays in it can lie in each other.
const PACKET_BYTES: usize = 4_096;

/// Sends electrodes.
pub(super) struct OscSender {
    socket: UdpSocket,
    to: SocketAddr,
    electrodes: Electrodes,
    account: Arc<Account>,
    /// Samples in a bundle.
    batch: usize,
    /// The calendar's time of model time 0, known with the first item, and anew after a time that stood still.
    begun: Option<Duration>,
    /// Samples that wait for their bundle, and the times of the first and the newest.
    waiting: Vec<OscPacket>,
    from: Timestamp,
    newest: Timestamp,
    /// Samples until the names are told again.
    untold: u32,
}

impl OscSender {
    /// A sender to `host`.
    ///
    /// # Errors
    /// Where the host is not known or there is no socket.
    pub(super) fn open(
        host: &str,
        port: u16,
        electrodes: &Electrodes,
        account: Arc<Account>,
    ) -> Result<Self> {
        let to = resolve(host, port)?;
        let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
        let socket = UdpSocket::bind(any).map_err(|cause| no_socket(&to, cause))?;
        let sample = message("/napot/electrodes", vec![OscType::Float(0.0); electrodes.names.len()]);
        let size = rosc::encoder::encode(&sample).map_or(BUNDLE_BYTES, |bytes| bytes.len() + 4);
        let fit = (BUNDLE_BYTES - EMPTY_BUNDLE_BYTES) / size;
        let batch = fit.min((electrodes.rate_hz / BUNDLES_PER_SECOND) as usize).max(1);
        let electrodes = electrodes.clone();
        let (from, newest) = (Timestamp::ZERO, Timestamp::ZERO);
        let waiting = Vec::new();
        Ok(Self { socket, to, electrodes, account, batch, begun: None, waiting, from, newest, untold: 0 })
    }

    /// Sends a bundle that stands for `count` items; what the system refuses is counted as lost.
    fn bundle(&mut self, time: Timestamp, content: Vec<OscPacket>, count: u64) {
        // The first item is a sample, which came so much after its time.
        let delay = self.electrodes.delay();
        let begun = *self.begun.get_or_insert_with(|| since_1900().saturating_sub(since_start(time) + delay));
        let bundle = OscBundle { timetag: time_tag(begun + since_start(time)), content };
        let sent = rosc::encoder::encode(&OscPacket::Bundle(bundle))
            .ok()
            .and_then(|bytes| self.socket.send_to(&bytes, self.to).ok());
        if sent.is_some() { self.account.pass(count) } else { self.account.lose(count) }
    }

    fn send_samples(&mut self) {
        let count = self.waiting.len() as u64;
        if count > 0 {
            let content = std::mem::take(&mut self.waiting);
            self.bundle(self.from, content, count);
        }
    }

    fn add_sample(&mut self, time: Timestamp, values: &[f32]) {
        if self.untold == 0 {
            self.send_names(time);
            self.untold = self.electrodes.rate_hz;
        }
        self.untold -= 1;
        // The samples of a bundle follow each other: one and a half periods are a gap.
        let half_periods = (time - self.newest).as_nanos() * 2 * u128::from(self.electrodes.rate_hz);
        if half_periods > 3_000_000_000 {
            self.send_samples();
        }
        if self.waiting.is_empty() {
            self.from = time;
        }
        self.newest = time;
        let values = values.iter().copied().map(OscType::Float).collect();
        self.waiting.push(message("/napot/electrodes", values));
        if self.waiting.len() >= self.batch {
            self.send_samples();
        }
    }

    fn send_names(&mut self, time: Timestamp) {
        let names = self.electrodes.names.iter().cloned().map(OscType::String).collect();
        let rate = OscType::Int(i32::try_from(self.electrodes.rate_hz).unwrap_or(i32::MAX));
        let content = vec![message("/napot/names", names), message("/napot/rate", vec![rate])];
        self.bundle(time, content, 0);
    }
}

impl Transmit for OscSender {
    fn send(&mut self, time: Timestamp, item: &ElectrodeItem) -> Result<()> {
        match item {
            ElectrodeItem::Sample(values) => self.add_sample(time, values),
            ElectrodeItem::Mark(_, text) => {
                let seconds = OscType::Float(time.seconds_for_print() as f32);
                // What people write is no part of an address.
                let mark = match &text[..] {
                    ONSET => message("/napot/onset", vec![seconds]),
                    text => message("/napot/mark", vec![OscType::String(text.to_owned()), seconds]),
                };
                self.bundle(time, vec![mark], 1);
            }
        }
        Ok(())
    }

    fn begin_anew(&mut self) {
        self.send_samples();
        self.begun = None;
    }

    fn finish(&mut self) -> Result<()> {
        self.send_samples();
        Ok(())
    }
}

/// Receives channels.
pub(super) struct OscReceiver {
    socket: UdpSocket,
    channels: usize,
    account: Arc<Account>,
    packet: Box<[u8]>,
}

impl OscReceiver {
    /// Listens on `host`; [`Receive::receive`] waits at most `wait`.
    ///
    /// # Errors
    /// Where the address is not this machine's or is taken.
    pub(super) fn open(
        host: &str,
        port: u16,
        channels: usize,
        wait: Duration,
        account: Arc<Account>,
    ) -> Result<Self> {
        let at = resolve(host, port)?;
        let socket = UdpSocket::bind(at).map_err(|cause| no_socket(&at, cause))?;
        socket.set_read_timeout(Some(wait)).map_err(|cause| no_socket(&at, cause))?;
        Ok(Self { socket, channels, account, packet: vec![0; PACKET_BYTES + 1].into() })
    }
}

impl Receive for OscReceiver {
    fn receive(&mut self, take: &mut dyn FnMut(Arrival)) -> Result<()> {
        match self.socket.recv_from(&mut self.packet) {
            Ok((length, _)) => read_packet(&self.packet[..length], self.channels, &self.account, take),
            Err(cause) if is_quiet(cause.kind()) => {}
            Err(cause) => return Err(Error::input("osc:", "nothing can be received any more").value(cause)),
        }
        Ok(())
    }
}

/// Whether a failed call only means that nothing came: a time limit, a signal, a packet that was too long (Windows).
fn is_quiet(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(kind, WouldBlock | TimedOut | Interrupted | ConnectionReset)
}

/// Hands the samples of a packet to `take`; counts what it can't use.
fn read_packet(packet: &[u8], channels: usize, account: &Account, take: &mut dyn FnMut(Arrival)) {
    let read = if packet.len() > PACKET_BYTES { None } else { rosc::decoder::decode_udp(packet).ok() };
    let Some((_, packet)) = read else { return account.ignore() };
    let mut packets = vec![packet];
    while let Some(packet) = packets.pop() {
        match packet {
            OscPacket::Message(message) => match values(&message, channels) {
                Some(values) => take(Arrival { age: Duration::ZERO, values }),
                None => account.ignore(),
            },
            OscPacket::Bundle(bundle) => packets.extend(bundle.content.into_iter().rev()),
        }
    }
}

/// A number per channel, of the first channels at least.
fn values(message: &OscMessage, channels: usize) -> Option<Vec<f32>> {
    let fits = message.addr == "/napot/in" && (1..=channels).contains(&message.args.len());
    fits.then(|| message.args.iter().map(number).collect())?
}

fn number(argument: &OscType) -> Option<f32> {
    match *argument {
        OscType::Float(value) => Some(value),
        OscType::Double(value) => Some(value as f32),
        OscType::Int(value) => Some(value as f32),
        OscType::Long(value) => Some(value as f32),
        _ => None,
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let name = format!("{host}:{port}");
    let found = name.to_socket_addrs().map(|mut found| found.next());
    let unknown = || Error::new(Kind::Device, format!("osc:{name}"), "the host is not known");
    found.map_err(|cause| unknown().value(cause))?.ok_or_else(unknown)
}

fn no_socket(at: &SocketAddr, cause: std::io::Error) -> Error {
    Error::new(Kind::Device, format!("osc:{at}"), "there is no socket for this address").value(cause)
}

fn message(path: &str, args: Vec<OscType>) -> OscPacket {
    OscPacket::Message(OscMessage { addr: path.to_owned(), args })
}

/// From model time 0; times before it are it.
fn since_start(time: Timestamp) -> Duration {
    time - Timestamp::ZERO
}

/// Seconds since 1900, which start anew in 2036, and the fraction in 2^-32 s.
fn time_tag(since_1900: Duration) -> OscTime {
    let fractional = (u64::from(since_1900.subsec_nanos()) << 32) / 1_000_000_000;
    OscTime { seconds: since_1900.as_secs() as u32, fractional: fractional as u32 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is taken of a packet for three channels, and what is ignored.
    fn taken(packet: &[u8]) -> (Vec<Vec<f32>>, u64) {
        let account = Account::default();
        let mut found = Vec::new();
        read_packet(packet, 3, &account, &mut |arrival| found.push(arrival.values));
        (found, account.read().ignored)
    }

    fn encoded(packet: &OscPacket) -> Vec<u8> {
        rosc::encoder::encode(packet).unwrap()
    }

    fn bundle(content: Vec<OscPacket>) -> OscPacket {
        OscPacket::Bundle(OscBundle { timetag: OscTime { seconds: 0, fractional: 1 }, content })
    }

    #[test]
    fn numbers_of_every_kind_are_channels_and_bundles_hold_samples_in_order() {
        let args = vec![OscType::Float(0.5), OscType::Double(2.0), OscType::Int(-3)];
        let inner = bundle(vec![message("/napot/in", vec![OscType::Long(4)])]);
        let both =
            bundle(vec![message("/napot/in", args), inner, message("/napot/in", vec![OscType::Float(5.0)])]);
        assert_eq!(taken(&encoded(&both)), (vec![vec![0.5, 2.0, -3.0], vec![4.0], vec![5.0]], 0));
    }

    #[test]
    fn what_is_not_for_us_is_counted_and_ignored() {
        let float = || OscType::Float(1.0);
        for packet in [
            message("/other", vec![float()]),
            message("/napot/in", vec![]),
            message("/napot/in", vec![float(); 4]),
            message("/napot/in", vec![float(), OscType::String("x".to_owned())]),
        ] {
            assert_eq!(taken(&encoded(&packet)), (vec![], 1), "{packet:?}");
        }
        assert_eq!(taken(b"").1, 1);
        assert_eq!(taken(&vec![b'/'; PACKET_BYTES + 1]).1, 1);
    }

    #[test]
    fn bundles_and_arrays_as_deep_as_a_packet_allows_are_harmless() {
        let mut deep = Vec::new();
        while deep.len() + 20 <= PACKET_BYTES {
            let inner = deep;
            deep = b"#bundle\0\0\0\0\0\0\0\0\x01".to_vec();
            deep.extend(u32::try_from(inner.len()).unwrap().to_be_bytes());
            deep.extend(inner);
        }
        let _ = taken(&deep);
        let open = (PACKET_BYTES - 20) / 2;
        let tags = [",", &"[".repeat(open), &"]".repeat(open)].concat();
        let mut arrays = b"/napot/in\0\0\0".to_vec();
        arrays.extend(tags.bytes());
        arrays.resize(arrays.len().next_multiple_of(4), 0);
        assert!(arrays.len() <= PACKET_BYTES);
        assert_eq!(taken(&arrays), (vec![], 1));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            cut in any::<prop::sample::Index>(),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        ) {
            let _ = taken(&bytes);
            let args = vec![OscType::Float(1.0), OscType::Blob(vec![7; 9]), OscType::String("seven".to_owned())];
            let mut real = encoded(&bundle(vec![message("/napot/in", args), bundle(vec![])]));
            for (at, value) in flips {
                let at = at.index(real.len());
                real[at] = value;
            }
            real.truncate(cut.index(real.len() + 1));
            let _ = taken(&real);
        }
    }

    #[test]
    fn a_time_tag_counts_from_1900_in_fractions_of_two_to_the_32() {
        let tag = time_tag(Duration::new(2_208_988_800, 500_000_000));
        assert_eq!((tag.seconds, tag.fractional), (2_208_988_800, 1 << 31));
    }

    /// A sender of one electrode, and who hears it.
    fn heard_sender() -> (UdpSocket, OscSender) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let electrodes = Electrodes { names: vec!["a".to_owned()], rate_hz: 1_000, first: Timestamp::ZERO };
        let sender = OscSender::open("127.0.0.1", port, &electrodes, Arc::default()).unwrap();
        (socket, sender)
    }

    /// The next bundle that comes, and its time in parts of 2^32 to a second.
    fn heard(socket: &UdpSocket) -> (u64, Vec<OscPacket>) {
        let mut packet = [0; 2_000];
        let length = socket.recv(&mut packet).unwrap();
        let OscPacket::Bundle(bundle) = rosc::decoder::decode_udp(&packet[..length]).unwrap().1 else {
            panic!("no bundle")
        };
        let ticks = (u64::from(bundle.timetag.seconds) << 32) + u64::from(bundle.timetag.fractional);
        (ticks, bundle.content)
    }

    #[test]
    fn a_lost_sample_begins_a_new_bundle_with_its_own_time() {
        let (socket, mut sender) = heard_sender();
        for ms in [0, 1, 3] {
            sender.send(Timestamp(ms * 1_000_000), &ElectrodeItem::Sample(vec![0.0])).unwrap();
        }
        sender.finish().unwrap();
        let next = || {
            let (ticks, content) = heard(&socket);
            (ticks, content.len())
        };
        let (names, two, one) = (next(), next(), next());
        assert_eq!((names.1, two.1, one.1), (2, 2, 1));
        let apart_us = ((one.0 - two.0) * 1_000_000) >> 32;
        assert!((2_999..=3_000).contains(&apart_us), "{apart_us}");
    }

    #[test]
    fn onsets_have_an_address_and_other_marks_share_one_whatever_they_say() {
        let (socket, mut sender) = heard_sender();
        let mut sent = |text: &str| {
            let time = Timestamp(1_500_000_000);
            sender.send(time, &ElectrodeItem::Mark(time, text.to_owned())).unwrap();
            heard(&socket).1.remove(0)
        };
        assert_eq!(sent("onset"), message("/napot/onset", vec![OscType::Float(1.5)]));
        let note = OscType::String("eyes closed, #1".to_owned());
        assert_eq!(sent("eyes closed, #1"), message("/napot/mark", vec![note, OscType::Float(1.5)]));
    }

    #[test]
    fn after_a_pause_time_tags_are_the_calendars_again() {
        let (socket, mut sender) = heard_sender();
        let tag = |sender: &mut OscSender, ms: i64| {
            let time = Timestamp(ms * 1_000_000);
            sender.send(time, &ElectrodeItem::Mark(time, "onset".to_owned())).unwrap();
            heard(&socket).0
        };
        let before = tag(&mut sender, 0);
        std::thread::sleep(Duration::from_millis(50));
        sender.begin_anew();
        let after_us = ((tag(&mut sender, 1) - before) * 1_000_000) >> 32;
        assert!(after_us >= 40_000, "a millisecond of model time, {after_us} us of the calendar's");
    }

    #[test]
    fn an_unknown_host_and_a_taken_port_are_told() {
        let electrodes = Electrodes { names: vec!["a".to_owned()], rate_hz: 1_000, first: Timestamp::ZERO };
        let unknown = OscSender::open("no host", 9, &electrodes, Arc::default()).err().unwrap();
        assert!(unknown.to_string().starts_with("osc:no host:9: the host is not known"), "{unknown}");
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let refused = OscReceiver::open("127.0.0.1", port, 1, Duration::from_millis(1), Arc::default());
        let message = refused.err().unwrap().to_string();
        assert!(message.contains(&format!("osc:127.0.0.1:{port}: there is no socket")), "{message}");
    }
}
