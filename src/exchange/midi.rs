//! MIDI: onsets as notes and the first electrodes' levels as controllers out, controllers and notes in.
//!
//! | out, on channel 1 | message |
//! |---|---|
//! | an onset | note 60 on with velocity 100, off 50 ms later |
//! | level of electrode `n` of the first 8 | controller 19 + `n`, each 50 ms where it has changed: 64 is its usual level, 127 twice that |
//!
//! A level is the root mean square over 50 ms, its usual level the mean of those with a memory of 10 s.
//!
//! | in, on any channel | becomes |
//! |---|---|
//! | controllers 20 to 27 | channels `cc 20` to `cc 27`, 0 to 1 |
//! | notes | channel `note`: velocity from 0 to 1 while the newest note is held |
//!
//! On Linux this is ALSA's sequencer, or JACK by the feature `midi-jack`.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, TrySendError, bounded};
use midir::{MidiIO, MidiInput, MidiInputConnection, MidiOutput, MidiOutputConnection};

use super::account::Account;
use super::inlet::{Arrival, Receive};
use super::outlet::{Electrodes, ONSET, Transmit};
use crate::error::{Error, Kind, Result};
use crate::signal::{ElectrodeItem, ScalarLayout};
use crate::time::Timestamp;

/// What our client and its virtual port are called.
const NAME: &str = "NAPOT";
/// The first controller, and how many there are.
const FIRST_CONTROLLER: u8 = 20;
const CONTROLLERS: usize = 8;
/// The note of an onset, and its velocity.
const NOTE: u8 = 60;
const VELOCITY: u8 = 100;
/// Levels a second; a note is as long as a level.
const LEVELS_PER_SECOND: u32 = 20;
/// How many levels the usual one remembers: 10 s of them.
const MEMORY_LEVELS: f32 = 200.0;
/// Messages that may wait for the run.
const ROOM: usize = 1_024;

const NOTE_OFF: u8 = 0x80;
const NOTE_ON: u8 = 0x90;
const CONTROL: u8 = 0xb0;

/// What becomes of items: messages of three bytes.
struct Score {
    window: u32,
    samples: u32,
    squares: [f32; CONTROLLERS],
    usual: [f32; CONTROLLERS],
    last: [u8; CONTROLLERS],
    /// Samples until the note ends.
    sounding: u32,
}

impl Score {
    fn new(rate_hz: u32) -> Self {
        Self {
            window: (rate_hz / LEVELS_PER_SECOND).max(1),
            samples: 0,
            squares: [0.0; CONTROLLERS],
            usual: [0.0; CONTROLLERS],
            last: [u8::MAX; CONTROLLERS],
            sounding: 0,
        }
    }

    fn play(&mut self, item: &ElectrodeItem, emit: &mut dyn FnMut([u8; 3])) {
        match item {
            ElectrodeItem::Sample(values) => self.sample(values, emit),
            ElectrodeItem::Mark(_, text) if text == ONSET => {
                self.silence(emit);
                self.sounding = self.window;
                emit([NOTE_ON, NOTE, VELOCITY]);
            }
            // Notes and what was recognised are no sounds.
            ElectrodeItem::Mark(..) => {}
        }
    }

    fn sample(&mut self, values: &[f32], emit: &mut dyn FnMut([u8; 3])) {
        if self.sounding == 1 {
            self.silence(emit);
        }
        self.sounding = self.sounding.saturating_sub(1);
        for (sum, value) in self.squares.iter_mut().zip(values) {
            *sum += value * value;
        }
        self.samples += 1;
        if self.samples == self.window {
            self.levels(values.len().min(CONTROLLERS), emit);
        }
    }

    fn levels(&mut self, electrodes: usize, emit: &mut dyn FnMut([u8; 3])) {
        for index in 0..electrodes {
            let level = (self.squares[index] / self.window as f32).sqrt();
            let usual = &mut self.usual[index];
            *usual = if *usual > 0.0 { *usual + (level - *usual) / MEMORY_LEVELS } else { level };
            let value = if *usual > 0.0 { (64.0 * level / *usual).min(127.0) as u8 } else { 0 };
            if value != self.last[index] {
                self.last[index] = value;
                emit([CONTROL, FIRST_CONTROLLER + index as u8, value]);
            }
        }
        self.squares = [0.0; CONTROLLERS];
        self.samples = 0;
    }

    /// Ends the note that sounds.
    fn silence(&mut self, emit: &mut dyn FnMut([u8; 3])) {
        if std::mem::take(&mut self.sounding) > 0 {
            emit([NOTE_OFF, NOTE, 0]);
        }
    }
}

/// Plays electrodes and onsets.
pub(super) struct MidiSender {
    port: MidiOutputConnection,
    score: Score,
    account: Arc<Account>,
}

impl MidiSender {
    /// Opens a port whose name holds `port`, or one of our own where that is empty.
    ///
    /// # Errors
    /// Where there is no MIDI, or no such port: then it names those that are there.
    pub(super) fn open(port: &str, electrodes: &Electrodes, account: Arc<Account>) -> Result<Self> {
        let output = MidiOutput::new(NAME).map_err(|cause| no_midi(port).value(cause))?;
        let connection = if port.is_empty() {
            own_output(output)?
        } else {
            let found = find(&output, port)?;
            output.connect(&found, "electrodes").map_err(|cause| refused(port, &cause.to_string()))?
        };
        Ok(Self { port: connection, score: Score::new(electrodes.rate_hz), account })
    }

    fn send_all(&mut self, play: impl FnOnce(&mut Score, &mut dyn FnMut([u8; 3]))) {
        let Self { port, score, account } = self;
        play(score, &mut |message| {
            if port.send(&message).is_ok() { account.pass(1) } else { account.lose(1) }
        });
    }
}

impl Transmit for MidiSender {
    fn send(&mut self, _: Timestamp, item: &ElectrodeItem) -> Result<()> {
        self.send_all(|score, emit| score.play(item, emit));
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.send_all(Score::silence);
        Ok(())
    }
}

/// What the messages that came make of the channels.
#[derive(Default)]
struct Controls {
    values: [f32; CONTROLLERS + 1],
    held: Option<u8>,
}

impl Controls {
    /// Takes a message; says whether it is one of ours.
    fn take(&mut self, message: &[u8]) -> bool {
        let [status, first, second] = *message else { return false };
        let amount = f32::from(second.min(127)) / 127.0;
        match status & 0xf0 {
            CONTROL => {
                let index = usize::from(first.wrapping_sub(FIRST_CONTROLLER));
                if index >= CONTROLLERS {
                    return false;
                }
                self.values[index] = amount;
            }
            NOTE_ON if second > 0 => {
                self.held = Some(first);
                self.values[CONTROLLERS] = amount;
            }
            // A note on without velocity is a note off.
            NOTE_ON | NOTE_OFF => {
                if self.held == Some(first) {
                    self.held = None;
                    self.values[CONTROLLERS] = 0.0;
                }
            }
            _ => return false,
        }
        true
    }
}

/// Receives controllers and notes.
pub(super) struct MidiReceiver {
    /// The open port, whose thread fills `arrivals`.
    _port: MidiInputConnection<()>,
    arrivals: Receiver<Arrival>,
    wait: Duration,
}

impl MidiReceiver {
    /// Opens a port whose name holds `port`, or one of our own where that is empty.
    ///
    /// # Errors
    /// As [`MidiSender::open`].
    pub(super) fn open(port: &str, wait: Duration, account: Arc<Account>) -> Result<Self> {
        let input = MidiInput::new(NAME).map_err(|cause| no_midi(port).value(cause))?;
        let (sender, arrivals) = bounded(ROOM);
        let mut controls = Controls::default();
        let hear = move |_: u64, message: &[u8], (): &mut ()| {
            if !controls.take(message) {
                return account.ignore();
            }
            let arrival = Arrival { age: Duration::ZERO, values: controls.values.to_vec() };
            if let Err(TrySendError::Full(_)) = sender.try_send(arrival) {
                account.lose(1);
            }
        };
        let connection = if port.is_empty() {
            own_input(input, hear)?
        } else {
            let found = find(&input, port)?;
            input.connect(&found, "channels", hear, ()).map_err(|cause| refused(port, &cause.to_string()))?
        };
        Ok(Self { _port: connection, arrivals, wait })
    }
}

/// The channels that come in.
pub(super) fn layout() -> ScalarLayout {
    let controllers = (0..CONTROLLERS).map(|n| format!("cc {}", usize::from(FIRST_CONTROLLER) + n));
    ScalarLayout { names: controllers.chain(["note".to_owned()]).collect(), units: Vec::new() }
}

impl Receive for MidiReceiver {
    fn receive(&mut self, take: &mut dyn FnMut(Arrival)) -> Result<()> {
        match self.arrivals.recv_timeout(self.wait) {
            Ok(arrival) => {
                take(arrival);
                self.arrivals.try_iter().take(ROOM).for_each(take);
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Error::input("midi:", "the port is gone")),
        }
    }
}

#[cfg(unix)]
fn own_output(output: MidiOutput) -> Result<MidiOutputConnection> {
    use midir::os::unix::VirtualOutput;
    output.create_virtual(NAME).map_err(|cause| refused("", &cause.to_string()))
}

#[cfg(unix)]
fn own_input(
    input: MidiInput,
    hear: impl FnMut(u64, &[u8], &mut ()) + Send + 'static,
) -> Result<MidiInputConnection<()>> {
    use midir::os::unix::VirtualInput;
    input.create_virtual(NAME, hear, ()).map_err(|cause| refused("", &cause.to_string()))
}

#[cfg(not(unix))]
fn own_output(output: MidiOutput) -> Result<MidiOutputConnection> {
    Err(no_port("", &names(&output)))
}

#[cfg(not(unix))]
fn own_input(
    input: MidiInput,
    _: impl FnMut(u64, &[u8], &mut ()) + Send + 'static,
) -> Result<MidiInputConnection<()>> {
    Err(no_port("", &names(&input)))
}

fn names<T: MidiIO>(client: &T) -> Vec<String> {
    client.ports().iter().filter_map(|port| client.port_name(port).ok()).collect()
}

/// The first port whose name holds `part`.
fn find<T: MidiIO>(client: &T, part: &str) -> Result<T::Port> {
    let held = |port: &T::Port| client.port_name(port).is_ok_and(|name| name.contains(part));
    client.ports().into_iter().find(held).ok_or_else(|| no_port(part, &names(client)))
}

fn no_port(part: &str, there: &[String]) -> Error {
    let there = if there.is_empty() { "there is none".to_owned() } else { there.join(", ") };
    Error::new(Kind::Device, format!("midi:{part}"), "no MIDI port has this in its name").bound(there)
}

fn no_midi(port: &str) -> Error {
    let needed = if cfg!(feature = "midi-jack") { "a JACK server that runs" } else { "ALSA's sequencer" };
    Error::new(Kind::Device, format!("midi:{port}"), "there is no MIDI here")
        .help(format!("On Linux this build needs {needed}."))
}

fn refused(port: &str, cause: &str) -> Error {
    Error::new(Kind::Device, format!("midi:{port}"), "the port can't be opened").value(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(items: &[ElectrodeItem]) -> Vec<[u8; 3]> {
        let mut score = Score::new(1_000);
        let mut messages = Vec::new();
        for item in items {
            score.play(item, &mut |message| messages.push(message));
        }
        messages
    }

    #[test]
    fn an_onset_is_a_note_of_fifty_milliseconds() {
        let mut items = vec![ElectrodeItem::Mark(Timestamp::ZERO, "onset".to_owned())];
        items.resize(50, ElectrodeItem::Sample(Vec::new()));
        assert_eq!(played(&items), [[NOTE_ON, 60, 100]]);
        items.push(ElectrodeItem::Sample(Vec::new()));
        assert_eq!(played(&items), [[NOTE_ON, 60, 100], [NOTE_OFF, 60, 0]]);
        assert!(played(&[ElectrodeItem::Mark(Timestamp::ZERO, "eyes closed".to_owned())]).is_empty());
    }

    #[test]
    fn a_level_is_told_against_the_electrodes_usual_one_and_only_when_it_changes() {
        let sample = |scale: f32| ElectrodeItem::Sample(vec![scale; 9]);
        let mut items = vec![sample(1e-3); 1_000];
        let even = played(&items);
        assert_eq!(even.len(), 8, "eight electrodes, once: {even:?}");
        assert!(even.iter().zip(20..).all(|(message, controller)| *message == [CONTROL, controller, 64]));
        items.extend(vec![sample(1.5e-3); 50]);
        let louder = played(&items)[8..].to_vec();
        assert!(
            louder.len() == 8 && louder.iter().all(|message| (94..=96).contains(&message[2])),
            "{louder:?}"
        );
    }

    #[test]
    fn controllers_and_the_newest_note_are_channels_and_nothing_else_is() {
        let mut controls = Controls::default();
        assert!(controls.take(&[CONTROL | 5, 27, 127]) && controls.take(&[NOTE_ON, 40, 127]));
        assert!(controls.take(&[NOTE_ON, 41, 0]) && controls.take(&[NOTE_OFF, 42, 9]));
        assert_eq!(controls.values, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
        assert!(controls.take(&[NOTE_OFF | 3, 40, 0]) && controls.values[8] == 0.0);
        for other in
            [&[][..], &[0xf8], &[CONTROL, 19, 1], &[CONTROL, 28, 1], &[0xe0, 0, 64], &[0xf0, 1, 2, 0xf7]]
        {
            assert!(!controls.take(other), "{other:?}");
        }
        assert_eq!(layout().names.len(), controls.values.len());
    }

    #[test]
    fn a_port_that_is_not_there_is_told_with_those_that_are_or_with_what_midi_needs() {
        let electrodes = Electrodes { names: Vec::new(), rate_hz: 1_000, first: Timestamp::ZERO };
        let message =
            MidiSender::open("no such port", &electrodes, Arc::default()).err().unwrap().to_string();
        assert!(message.starts_with("midi:no such port: "), "{message}");
        assert!(message.contains("allowed: ") || message.contains("On Linux this build needs"), "{message}");
    }
}
