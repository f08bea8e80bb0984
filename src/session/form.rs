//! The form of a session's messages: bytes for what the engine takes back, JSON for what people's tools show.
//!
//! | topic | encoding | holds |
//! |---|---|---|
//! | `/entered` | `x-napot` | what entered in some ticks: sound, bursts; lossless |
//! | `/state` | `x-napot` | the whole state between two ticks |
//! | `/electrodes` | `x-napot` | microvolts as f32, sample after sample |
//! | `/ledger` | `json` | `tick`, `state`, `inputs` of each ledger line |
//! | `/marks` | `json` | what happened, as Foxglove's log messages |
//!
//! A message's time is model time in nanoseconds. Numbers are little-endian; columns of a table stand one after the
//! other and floats are split into planes of bytes, which is what a compressor makes most of.

use serde::{Deserialize, Serialize};

use crate::signal::{ArrayId, Burst, Entered, LedgerLine, Sign, StateItem};
use crate::time::{SAMPLES_PER_TICK, TICK_NANOSECONDS, Tick, Timestamp};

/// What a message's bytes may be wrong about.
pub(super) type Parsed<T> = Result<T, &'static str>;

/// What the bytes of each topic are, for whoever opens the file with other tools.
pub(super) const ENTERED_SCHEMA: &str = "little-endian: first tick u64, ticks u32, bursts u32; sound: 0 none, 1 16 bits, 2 \
     float32, as u8, then for left and right each byte of all samples, the lowest first (16 bits: of the changes); a column \
     of all bursts each: tick less first u32, time in ns i64, array u8, on u8, site u32, phase f32, magnitude f32, bits f32";
/// See [`ENTERED_SCHEMA`].
pub(super) const STATE_SCHEMA: &str = "little-endian: next tick u64, numbers u32, words u32; each byte of all numbers, the \
     lowest first: float32, array after array, copy after copy, real parts of all bands, then imaginary ones, then three \
     planes of drive; words u32: what drives and senses remember";
/// See [`ENTERED_SCHEMA`].
pub(super) const ELECTRODES_SCHEMA: &str =
    "little-endian: number of the first sample u64, then microvolts as float32, sample after sample";

/// The most bursts of a block that are read.
const MOST_BURSTS: u32 = 1 << 30;
/// The latest tick whose time can be told.
const LAST_TICK: u64 = i64::MAX as u64 / TICK_NANOSECONDS as u64 - 1;
/// Full scale of 16 bits.
const SCALE: f32 = 32_768.0;

/// How a block's sound is written.
const NO_SOUND: u8 = 0;
const SIXTEEN_BITS: u8 = 1;
const FLOATS: u8 = 2;

/// The bytes of a block.
pub(super) fn entered_bytes(entered: &Entered) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + 8 * entered.sound.len() + 34 * entered.bursts.len());
    out.extend(entered.first.0.to_le_bytes());
    out.extend(entered.ticks.to_le_bytes());
    out.extend((entered.bursts.len() as u32).to_le_bytes());
    put_sound(&mut out, &entered.sound);
    let bursts = &entered.bursts;
    let mut column = |of: &dyn Fn(&(Tick, Burst)) -> u64, bytes: usize| {
        for burst in bursts {
            out.extend(&of(burst).to_le_bytes()[..bytes]);
        }
    };
    column(&|(tick, _)| tick.0.wrapping_sub(entered.first.0), 4);
    column(&|(_, burst)| burst.time.0.cast_unsigned(), 8);
    column(&|(_, burst)| u64::from(burst.array.0), 1);
    column(&|(_, burst)| u64::from(burst.sign == Sign::On), 1);
    column(&|(_, burst)| u64::from(burst.site), 4);
    column(&|(_, burst)| u64::from(burst.phase.to_bits()), 4);
    column(&|(_, burst)| u64::from(burst.magnitude.to_bits()), 4);
    column(&|(_, burst)| u64::from(burst.surprisal_bits.to_bits()), 4);
    out
}

fn put_sound(out: &mut Vec<u8>, sound: &[[f32; 2]]) {
    if sound.is_empty() {
        out.push(NO_SOUND);
        return;
    }
    let whole: Option<Vec<[i16; 2]>> = sound.iter().map(|frame| sixteen_bits(*frame)).collect();
    let Some(whole) = whole else {
        out.push(FLOATS);
        for (side, byte) in (0..2).flat_map(|side| (0..4).map(move |byte| (side, byte))) {
            out.extend(sound.iter().map(|frame| frame[side].to_le_bytes()[byte]));
        }
        return;
    };
    out.push(SIXTEEN_BITS);
    for (side, byte) in (0..2).flat_map(|side| (0..2).map(move |byte| (side, byte))) {
        let mut before = 0i16;
        out.extend(whole.iter().map(|frame| {
            let change = frame[side].wrapping_sub(before);
            before = frame[side];
            change.to_le_bytes()[byte]
        }));
    }
}

/// A frame as 16 bits, where that loses nothing.
fn sixteen_bits(frame: [f32; 2]) -> Option<[i16; 2]> {
    let whole = frame.map(|x| (x * SCALE) as i16);
    let back = whole.map(|x| f32::from(x) / SCALE);
    (back.map(f32::to_bits) == frame.map(f32::to_bits)).then_some(whole)
}

/// Reads what [`entered_bytes`] wrote.
pub(super) fn entered(bytes: &[u8]) -> Parsed<Entered> {
    let mut rest = Bytes(bytes);
    let (first, ticks, count) = (tick(rest.long()?)?, rest.word()?, rest.word()?);
    if count > MOST_BURSTS {
        return Err("a count is out of range");
    }
    let mut entered = Entered { first, ticks, ..Entered::default() };
    tick(entered.end().0)?;
    let frames = ticks as usize * SAMPLES_PER_TICK;
    match rest.take(1)?[0] {
        NO_SOUND => {}
        SIXTEEN_BITS => {
            let planes = rest.planes::<4>(frames)?;
            entered.sound = (0..frames).map(|_| [0.0; 2]).collect();
            for side in 0..2 {
                let mut value = 0i16;
                for (frame, out) in entered.sound.iter_mut().enumerate() {
                    let change = [planes[2 * side][frame], planes[2 * side + 1][frame]];
                    value = value.wrapping_add(i16::from_le_bytes(change));
                    out[side] = f32::from(value) / SCALE;
                }
            }
        }
        FLOATS => {
            let planes = rest.planes::<8>(frames)?;
            let value = |side: usize, frame: usize| {
                f32::from_le_bytes(std::array::from_fn(|byte| planes[4 * side + byte][frame]))
            };
            entered.sound = (0..frames).map(|frame| [value(0, frame), value(1, frame)]).collect();
        }
        _ => return Err("the sound is in no known form"),
    }
    let count = count as usize;
    let columns = [4, 8, 1, 1, 4, 4, 4, 4].map(|bytes| rest.take(bytes * count));
    let [ticks, times, arrays, signs, sites, phases, magnitudes, surprisals] = columns;
    let (ticks, times, arrays, signs) = (ticks?, times?, arrays?, signs?);
    let (sites, phases, magnitudes, surprisals) = (sites?, phases?, magnitudes?, surprisals?);
    let word =
        |column: &[u8], at: usize| u32::from_le_bytes(std::array::from_fn(|byte| column[4 * at + byte]));
    for at in 0..count {
        let offset = u64::from(word(ticks, at));
        let tick = tick(first.0 + offset)?;
        let time = i64::from_le_bytes(std::array::from_fn(|byte| times[8 * at + byte]));
        let burst = Burst {
            time: Timestamp(time),
            array: ArrayId(arrays[at]),
            site: word(sites, at),
            sign: if signs[at] == 1 { Sign::On } else { Sign::Off },
            phase: f32::from_bits(word(phases, at)),
            magnitude: f32::from_bits(word(magnitudes, at)),
            surprisal_bits: f32::from_bits(word(surprisals, at)),
        };
        entered.bursts.push((tick, burst));
    }
    rest.end()?;
    // Nothing else is ever recorded: a sense gives no such number.
    let numbers = |(_, burst): &(Tick, Burst)| [burst.phase, burst.magnitude, burst.surprisal_bits];
    let mut all = entered.bursts.iter().flat_map(numbers).chain(entered.sound.iter().copied().flatten());
    if all.any(|number| !number.is_finite()) {
        return Err("a value is no number");
    }
    Ok(entered)
}

/// A tick whose time can be told.
fn tick(value: u64) -> Parsed<Tick> {
    if value <= LAST_TICK { Ok(Tick(value)) } else { Err("a tick is out of range") }
}

/// The bytes of a state.
pub(super) fn state_bytes(state: &StateItem) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + 4 * (state.values.len() + state.senses.len()));
    out.extend(state.next.0.to_le_bytes());
    out.extend((state.values.len() as u32).to_le_bytes());
    out.extend((state.senses.len() as u32).to_le_bytes());
    for byte in 0..4 {
        out.extend(state.values.iter().map(|value| value.to_le_bytes()[byte]));
    }
    out.extend(state.senses.iter().flat_map(|word| word.to_le_bytes()));
    out
}

/// Reads what [`state_bytes`] wrote.
pub(super) fn state(bytes: &[u8]) -> Parsed<StateItem> {
    let mut rest = Bytes(bytes);
    let (next, values, senses) = (rest.long()?, rest.word()? as usize, rest.word()? as usize);
    let planes = rest.planes::<4>(values)?;
    let value = |at: usize| f32::from_le_bytes(std::array::from_fn(|byte| planes[byte][at]));
    let values = (0..values).map(value).collect();
    let words = rest.take(senses.checked_mul(4).ok_or("a count is out of range")?)?;
    rest.end()?;
    let senses = words.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
    Ok(StateItem { next: tick(next)?, values, senses })
}

/// The bytes of a stretch of electrodes: the number of its first sample, then the values.
pub(super) fn electrodes_bytes(first: u64, microvolts: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 4 * microvolts.len());
    out.extend(first.to_le_bytes());
    out.extend(microvolts.iter().flat_map(|value| value.to_le_bytes()));
    out
}

/// Reads what [`electrodes_bytes`] wrote.
pub(super) fn electrodes(bytes: &[u8]) -> Parsed<(u64, Vec<f32>)> {
    let mut rest = Bytes(bytes);
    // A sample is a tick or longer.
    let Tick(first) = tick(rest.long()?)?;
    let (values, odd) = rest.0.as_chunks();
    if !odd.is_empty() {
        return Err("a value is cut");
    }
    Ok((first, values.iter().map(|value| f32::from_le_bytes(*value)).collect()))
}

/// A ledger's line as JSON.
#[derive(Serialize, Deserialize)]
struct Line {
    tick: u64,
    state: String,
    inputs: String,
}

/// The bytes of a ledger's line.
pub(super) fn ledger_bytes(line: &LedgerLine) -> Vec<u8> {
    let hex = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    let line = Line { tick: line.tick.0, state: hex(line.state), inputs: hex(line.inputs) };
    serde_json::to_vec(&line).unwrap_or_default()
}

/// Reads what [`ledger_bytes`] wrote.
pub(super) fn ledger(bytes: &[u8]) -> Parsed<LedgerLine> {
    let line: Line = serde_json::from_slice(bytes).map_err(|_| "this is no line of a ledger")?;
    let hash = |text: &str| {
        let value = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value.map(u128::to_be_bytes).ok_or("a hash is no hash")
    };
    Ok(LedgerLine { tick: tick(line.tick)?, state: hash(&line.state)?, inputs: hash(&line.inputs)? })
}

/// A time as Foxglove writes it.
#[derive(Serialize, Deserialize)]
struct Moment {
    sec: u64,
    nsec: u64,
}

/// A mark as Foxglove's `foxglove.Log`.
#[derive(Serialize, Deserialize)]
struct Log {
    timestamp: Moment,
    level: u8,
    message: String,
    name: String,
    file: String,
    line: u32,
}

/// Foxglove's level of a plain message.
const INFO: u8 = 2;

/// The bytes of a mark.
pub(super) fn mark_bytes(time: Timestamp, text: &str) -> Vec<u8> {
    let nanoseconds = time.0.max(0).cast_unsigned();
    let log = Log {
        timestamp: Moment { sec: nanoseconds / 1_000_000_000, nsec: nanoseconds % 1_000_000_000 },
        level: INFO,
        message: text.to_owned(),
        name: "napot".to_owned(),
        file: String::new(),
        line: 0,
    };
    serde_json::to_vec(&log).unwrap_or_default()
}

/// Reads what [`mark_bytes`] wrote.
pub(super) fn mark(bytes: &[u8]) -> Parsed<(Timestamp, String)> {
    let log: Log = serde_json::from_slice(bytes).map_err(|_| "this is no mark")?;
    let whole = log.timestamp.sec.checked_mul(1_000_000_000);
    let nanoseconds = whole.and_then(|whole| whole.checked_add(log.timestamp.nsec));
    let time = nanoseconds.and_then(|nanoseconds| i64::try_from(nanoseconds).ok());
    Ok((Timestamp(time.ok_or("a time is out of range")?), log.message))
}

/// Bytes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the message is cut")?;
        self.0 = rest;
        Ok(taken)
    }

    fn word(&mut self) -> Parsed<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(std::array::from_fn(|at| bytes[at])))
    }

    fn long(&mut self) -> Parsed<u64> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(std::array::from_fn(|at| bytes[at])))
    }

    /// `N` planes of `count` bytes.
    fn planes<const N: usize>(&mut self, count: usize) -> Parsed<[&'a [u8]; N]> {
        let bytes = self.take(count.checked_mul(N).ok_or("a count is out of range")?)?;
        Ok(std::array::from_fn(|plane| &bytes[plane * count..(plane + 1) * count]))
    }

    fn end(&self) -> Parsed<()> {
        if self.0.is_empty() { Ok(()) } else { Err("the message is too long") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn block(fine: bool) -> Entered {
        let mut draws = Stream::new(3, 1);
        let mut x = || {
            let x = (0.2 * draws.normal()) as f32;
            if fine { x } else { (x * SCALE).round().clamp(-32_768.0, 32_767.0) / SCALE + 0.0 }
        };
        let burst = |n: u32| Burst {
            time: Timestamp(-5 + i64::from(n) * 1_000_003),
            array: ArrayId((n % 3) as u8),
            site: n * 977,
            sign: if n.is_multiple_of(3) { Sign::On } else { Sign::Off },
            phase: n as f32 * 0.1,
            magnitude: 1.0 + n as f32,
            surprisal_bits: n as f32 * 0.25,
        };
        Entered {
            first: Tick(100),
            ticks: 4,
            sound: (0..192).map(|_| [x(), x()]).collect(),
            bursts: (0..9).map(|n| (Tick(100 + u64::from(n) / 3), burst(n))).collect(),
        }
    }

    #[test]
    fn every_kind_of_message_is_read_back_to_the_bit() {
        for fine in [true, false] {
            let entered = block(fine);
            let bytes = entered_bytes(&entered);
            assert_eq!(super::entered(&bytes).unwrap(), entered);
            assert_eq!(bytes[16], if fine { FLOATS } else { SIXTEEN_BITS });
        }
        let negative_zero = Entered { ticks: 1, sound: vec![[-0.0, 0.0]; 48], ..Entered::default() };
        let back = entered(&entered_bytes(&negative_zero)).unwrap();
        assert!(back.sound.iter().all(|frame| frame[0].is_sign_negative()));
        let state_item =
            StateItem { next: Tick(7), values: vec![1.5, -0.0, 3e-39], senses: vec![u32::MAX, 4] };
        assert_eq!(state(&state_bytes(&state_item)).unwrap(), state_item);
        assert_eq!(electrodes(&electrodes_bytes(9, &[1.0, 2.0])).unwrap(), (9, vec![1.0, 2.0]));
        let line = LedgerLine { tick: Tick(999), state: [1; 16], inputs: [0xFE; 16] };
        assert_eq!(ledger(&ledger_bytes(&line)).unwrap(), line);
        let time = Timestamp(1_234_567_890_123);
        assert_eq!(mark(&mark_bytes(time, "onset")).unwrap(), (time, "onset".to_owned()));
    }

    #[test]
    fn ticks_without_a_time_and_values_that_are_no_numbers_are_refused() {
        let late = Entered { first: Tick(LAST_TICK), ticks: 1, ..Entered::default() };
        assert_eq!(entered(&entered_bytes(&late)), Err("a tick is out of range"));
        let late = StateItem { next: Tick(u64::MAX), ..StateItem::default() };
        assert_eq!(state(&state_bytes(&late)), Err("a tick is out of range"));
        let line = LedgerLine { tick: Tick(u64::MAX), state: [1; 16], inputs: [2; 16] };
        assert_eq!(ledger(&ledger_bytes(&line)), Err("a tick is out of range"));
        let mut loud = block(true);
        loud.sound[5][1] = f32::INFINITY;
        assert_eq!(entered(&entered_bytes(&loud)), Err("a value is no number"));
        let mut odd = block(true);
        odd.bursts[3].1.magnitude = f32::NAN;
        assert_eq!(entered(&entered_bytes(&odd)), Err("a value is no number"));
    }

    #[test]
    fn what_is_cut_or_flipped_is_refused_or_something_else_and_never_a_panic() {
        let whole = [
            entered_bytes(&block(true)),
            entered_bytes(&block(false)),
            state_bytes(&StateItem { next: Tick(7), values: vec![1.0; 5], senses: vec![1, 2] }),
        ];
        for bytes in &whole {
            for end in 0..bytes.len() {
                assert!(entered(&bytes[..end]).is_err() || state(&bytes[..end]).is_err());
            }
            for at in 0..bytes.len().min(64) {
                for value in [0, 0x7F, 0x80, 0xFF] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    let _ = (entered(&damaged), state(&damaged), electrodes(&damaged));
                }
            }
        }
    }
}
