//! The bytes that the engine takes back from a session: what entered, states; and long columns of numbers.
//!
//! Numbers are little-endian; columns of a table stand one after the other and floats are split into planes of bytes,
//! which is what a compressor makes most of.

use crate::signal::{ArrayId, Burst, ChannelsItem, Entered, LatencyItem, Sign, StateItem};
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

/// See [`ENTERED_SCHEMA`].
pub(super) const LATENCY_SCHEMA: &str = "little-endian: first tick u64, then for every tick, in ns: from when it was due to \
     its end u32 (4294967295: ticks were not paced), its work u32";

/// See [`ENTERED_SCHEMA`].
pub(super) const CHANNELS_SCHEMA: &str = "little-endian: samples u32; time of each in ns i64; float32 of all channels, sample \
     after sample";

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
        let offset = word(ticks, at);
        if offset >= entered.ticks {
            return Err("a burst lies beyond its block");
        }
        let tick = Tick(first.0 + u64::from(offset));
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
pub(super) fn tick(value: u64) -> Parsed<Tick> {
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

/// The bytes of samples of channels.
pub(super) fn channels_bytes(channels: &ChannelsItem) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + 8 * channels.times.len() + 4 * channels.values.len());
    out.extend((channels.times.len() as u32).to_le_bytes());
    out.extend(channels.times.iter().flat_map(|time| time.0.to_le_bytes()));
    out.extend(channels.values.iter().flat_map(|value| value.to_le_bytes()));
    out
}

/// Reads what [`channels_bytes`] wrote.
pub(super) fn channels(bytes: &[u8]) -> Parsed<ChannelsItem> {
    let mut rest = Bytes(bytes);
    let count = rest.word()? as usize;
    let times = rest.take(count.checked_mul(8).ok_or("a count is out of range")?)?;
    let (values, odd) = rest.0.as_chunks();
    if !odd.is_empty() || count == 0 || !values.len().is_multiple_of(count) {
        return Err("a sample is cut");
    }
    Ok(ChannelsItem {
        times: times.as_chunks().0.iter().map(|time| Timestamp(i64::from_le_bytes(*time))).collect(),
        values: values.iter().map(|value| f32::from_le_bytes(*value)).collect(),
    })
}

/// What stands for a tick that was not due at a time of its own.
const NOT_PACED: u32 = u32::MAX;

/// The bytes of how long ticks took.
pub(super) fn latency_bytes(latency: &LatencyItem) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + 8 * latency.ticks.len());
    out.extend(latency.first.0.to_le_bytes());
    for (late, work) in &latency.ticks {
        out.extend(late.unwrap_or(NOT_PACED).to_le_bytes());
        out.extend(work.to_le_bytes());
    }
    out
}

/// Reads what [`latency_bytes`] wrote.
pub(super) fn latency(bytes: &[u8]) -> Parsed<LatencyItem> {
    let mut rest = Bytes(bytes);
    let first = tick(rest.long()?)?;
    let (ticks, odd) = rest.0.as_chunks::<8>();
    if !odd.is_empty() {
        return Err("a value is cut");
    }
    let word = |bytes: &[u8; 8], at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
    let one = |bytes| (Some(word(bytes, 0)).filter(|late| *late != NOT_PACED), word(bytes, 4));
    tick(first.0 + ticks.len() as u64)?;
    Ok(LatencyItem { first, ticks: ticks.iter().map(one).collect() })
}

/// Bytes from the front.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the message is cut")?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn word(&mut self) -> Parsed<u32> {
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

    pub(super) fn end(&self) -> Parsed<()> {
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
        let item =
            ChannelsItem { times: vec![Timestamp(-3), Timestamp(5)], values: vec![1.0, 2.0, 3.0, -0.5] };
        assert_eq!(channels(&channels_bytes(&item)).unwrap(), item);
        let latency_item = LatencyItem { first: Tick(5), ticks: vec![(None, 7), (Some(8), 9)] };
        assert_eq!(latency(&latency_bytes(&latency_item)).unwrap(), latency_item);
    }

    #[test]
    fn ticks_without_a_time_and_values_that_are_no_numbers_are_refused() {
        let late = Entered { first: Tick(LAST_TICK), ticks: 1, ..Entered::default() };
        assert_eq!(entered(&entered_bytes(&late)), Err("a tick is out of range"));
        let late = StateItem { next: Tick(u64::MAX), ..StateItem::default() };
        assert_eq!(state(&state_bytes(&late)), Err("a tick is out of range"));
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
                    let _ = (entered(&damaged), state(&damaged), electrodes(&damaged), latency(&damaged));
                    let _ = channels(&damaged);
                }
            }
        }
    }
}
