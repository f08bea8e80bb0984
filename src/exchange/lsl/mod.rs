//! The Lab Streaming Layer: electrodes as a stream of EEG and marks beside it out, a stream of numbers in.
//!
//! Out: `NAME` of type `EEG`, float32, a labelled channel per electrode in microvolts; and `NAME-markers` of type
//! `Markers`, text, with a sample per onset. A stamp is the model time plus one constant: the least by which LSL's clock
//! was ahead of an item's model time in the run's first quarter of a second, which waits for that. So stamps have no
//! jitter, lie no further behind the tick than the fastest item was, and both streams share the constant. After a pause
//! of the run it is found anew.
//!
//! In: the stream of that name, of any format but text. LSL brings stamps onto this machine's clock.

mod binding;

use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::inlet::{Arrival, Receive};
use super::outlet::{Electrodes, Transmit};
use crate::error::{Error, Kind, Result};
use crate::signal::{ElectrodeItem, ScalarLayout};
use crate::time::Timestamp;

/// The most samples that go out in one piece.
const CHUNK: usize = 64;
/// How long the streams stay open after the last sample, so that receivers get it.
const LINGER: Duration = Duration::from_millis(500);
/// Seconds for which a stream is looked for and opened.
const PATIENCE: f64 = 5.0;
/// Model time in which the start of the run is found on LSL's clock, in ns.
const LISTENING: i64 = 250_000_000;
/// The most channels that come in: what the scalar sense has room for.
const MOST_CHANNELS: usize = 4_096;
/// The most samples that are taken at once.
const MOST_AT_ONCE: usize = 1_024;

/// Sends electrodes and marks.
pub(super) struct LslSender {
    lsl: Arc<binding::Lsl>,
    samples: binding::Outlet,
    marks: binding::Outlet,
    account: Arc<Account>,
    start: Start,
    /// Seconds by which samples come after their time.
    delay: f64,
    /// Items that wait until that is known.
    held: Vec<(Timestamp, ElectrodeItem)>,
    values: Vec<f32>,
    stamps: Vec<f64>,
}

impl LslSender {
    /// Opens both streams.
    ///
    /// # Errors
    /// Where liblsl is missing or refuses.
    pub(super) fn open(stream: &str, electrodes: &Electrodes, account: Arc<Account>) -> Result<Self> {
        let lsl = binding::Lsl::load()?;
        let open = |name: &str, kind: &str, rate: f64, labels: &[String]| {
            let info = binding::Info::new(&lsl, name, kind, rate, labels);
            info.as_ref().and_then(binding::Outlet::open).ok_or_else(|| {
                Error::new(Kind::Device, format!("lsl:{stream}"), "liblsl can't open this stream").value(name)
            })
        };
        let samples = open(stream, "EEG", f64::from(electrodes.rate_hz), &electrodes.names)?;
        let marks = open(&format!("{stream}-markers"), "Markers", 0.0, &[])?;
        let (start, held, values, stamps) = (Start::default(), Vec::new(), Vec::new(), Vec::new());
        let delay = electrodes.delay().as_secs_f64();
        Ok(Self { lsl, samples, marks, account, start, delay, held, values, stamps })
    }

    /// Sends an item with model time 0 at `zero` on LSL's clock.
    fn put(&mut self, zero: f64, time: Timestamp, item: &ElectrodeItem) {
        let stamp = zero + time.seconds_for_print();
        match item {
            ElectrodeItem::Sample(values) => {
                self.values.extend_from_slice(values);
                self.stamps.push(stamp);
                if self.stamps.len() >= CHUNK {
                    self.push();
                }
            }
            ElectrodeItem::Mark(_, text) => {
                let taken = self.marks.push_text(text, stamp);
                self.count(taken, 1);
            }
        }
    }

    fn put_held(&mut self) {
        for (time, item) in std::mem::take(&mut self.held) {
            self.put(self.start.zero, time, &item);
        }
    }

    fn count(&self, taken: bool, count: u64) {
        if taken { self.account.pass(count) } else { self.account.lose(count) }
    }

    fn push(&mut self) {
        if !self.stamps.is_empty() {
            let taken = self.samples.push(&self.values, &self.stamps);
            self.count(taken, self.stamps.len() as u64);
            self.values.clear();
            self.stamps.clear();
        }
    }
}

impl Transmit for LslSender {
    fn send(&mut self, time: Timestamp, item: &ElectrodeItem) -> Result<()> {
        if self.start.is_known() {
            self.put(self.start.zero, time, item);
        } else {
            self.held.push((time, item.clone()));
            let late = if matches!(item, ElectrodeItem::Sample(_)) { self.delay } else { 0.0 };
            if self.start.hear(self.lsl.clock() - late, time) {
                self.put_held();
            }
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<()> {
        self.push();
        Ok(())
    }

    fn begin_anew(&mut self) {
        self.put_held();
        self.push();
        self.start = Start::default();
    }

    fn finish(&mut self) -> Result<()> {
        self.put_held();
        self.push();
        if self.samples.has_receivers() || self.marks.has_receivers() {
            std::thread::sleep(LINGER);
        }
        Ok(())
    }
}

/// Where model time 0 lies on LSL's clock, as far as it is known.
#[derive(Default)]
struct Start {
    zero: f64,
    first: Option<Timestamp>,
    known: bool,
}

impl Start {
    fn is_known(&self) -> bool {
        self.known
    }

    /// Hears of an item of model time `time` when LSL's clock is at `now`; `true` once the start is known.
    fn hear(&mut self, now: f64, time: Timestamp) -> bool {
        let zero = now - time.seconds_for_print();
        self.zero = if self.first.is_some() { self.zero.min(zero) } else { zero };
        let first = *self.first.get_or_insert(time);
        self.known = time.0 - first.0 >= LISTENING;
        self.known
    }
}

/// Receives a stream of numbers.
pub(super) struct LslReceiver {
    lsl: Arc<binding::Lsl>,
    inlet: binding::Inlet,
    wait: f64,
    sample: Vec<f32>,
    /// Whether what came before the run has been let go.
    begun: bool,
}

impl LslReceiver {
    /// Finds a stream and opens it; its channels and its format for people. [`Receive::receive`] waits at most `wait`.
    ///
    /// # Errors
    /// Where liblsl is missing, no stream of this name answers (the message names those that do), or it is of text.
    pub(super) fn open(stream: &str, wait: Duration) -> Result<(Self, ScalarLayout, String)> {
        let lsl = binding::Lsl::load()?;
        let subject = format!("lsl:{stream}");
        let found = lsl.resolve(stream, PATIENCE).ok_or_else(|| {
            let there = lsl.streams();
            let there = if there.is_empty() { "no stream answers".to_owned() } else { there.join(", ") };
            Error::new(Kind::Device, &subject, "no stream of this name answers").bound(there)
        })?;
        if found.is_text() {
            return Err(Error::input(&subject, "its samples are text").bound("a stream of numbers"));
        }
        if !(1..=MOST_CHANNELS).contains(&found.channels()) {
            let error = Error::input(&subject, "its channel count is out of range").value(found.channels());
            return Err(error.bound(format!("1 to {MOST_CHANNELS}")));
        }
        let (inlet, info) = binding::Inlet::open(&found, PATIENCE)
            .ok_or_else(|| Error::new(Kind::Device, &subject, "the stream can't be opened"))?;
        let format = format!("LSL, {} channels at {} Hz", info.channels(), info.rate_hz());
        let sample = vec![0.0; inlet.channels()];
        let receiver = Self { lsl, inlet, wait: wait.as_secs_f64(), sample, begun: false };
        Ok((receiver, layout(stream, info.labels()), format))
    }

    fn let_go(&mut self) -> Result<()> {
        while self.inlet.pull(&mut self.sample, 0.0)?.is_some() {}
        Ok(())
    }
}

/// Channels by their labels, or by their numbers where the stream names none.
fn layout(stream: &str, labels: Vec<[String; 2]>) -> ScalarLayout {
    let mut layout = ScalarLayout { names: Vec::new(), units: Vec::new() };
    for (index, [label, unit]) in labels.into_iter().enumerate() {
        layout.names.push(if label.is_empty() { format!("{stream} {}", index + 1) } else { label });
        layout.units.push(unit);
    }
    layout
}

impl Receive for LslReceiver {
    fn receive(&mut self, take: &mut dyn FnMut(Arrival)) -> Result<()> {
        if !self.begun {
            self.begun = true;
            self.let_go()?;
        }
        let mut wait = self.wait;
        for _ in 0..MOST_AT_ONCE {
            let Some(stamp) = self.inlet.pull(&mut self.sample, wait)? else { break };
            wait = 0.0;
            let age = Duration::try_from_secs_f64((self.lsl.clock() - stamp).max(0.0)).unwrap_or_default();
            take(Arrival { age, values: self.sample.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_that_of_the_item_that_came_soonest() {
        let mut start = Start::default();
        let ms = |ms: i64| Timestamp(5_000_000_000 + ms * 1_000_000);
        // The first items come late, as where threads only start; then one comes 2 ms behind its time.
        for (time, delay) in [(0, 0.045), (1, 0.044), (100, 0.002), (200, 0.004)] {
            let now = 1_000.0 + ms(time).seconds_for_print() + delay;
            assert!(!start.hear(now, ms(time)) && !start.is_known());
        }
        assert!(start.hear(1_010.0, ms(250)) && start.is_known());
        assert!((start.zero - 1_000.002).abs() < 1e-9, "{}", start.zero);
    }

    #[test]
    fn a_channel_without_a_label_is_called_by_its_stream_and_number() {
        let labels = [["Cz", "microvolts"], ["", ""]].map(|pair| pair.map(str::to_owned));
        let layout = layout("amp", labels.to_vec());
        assert_eq!(
            (&layout.names[..], &*layout.units[0]),
            (&["Cz".to_owned(), "amp 2".to_owned()][..], "microvolts")
        );
    }
}
