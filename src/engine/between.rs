//! What waits between the real-time thread and the keeper: how much of it, and the copies that are filled.

use std::sync::Arc;

use super::gathering::EnteredIn;
use super::instrument::{ArrayInfo, Instrument, MOST_BURSTS};
use super::realtime::{EnteredOut, RawField, StateCopy};
use crate::stream::ring::{Consumer, Counters, Producer, ring};
use crate::time::SAMPLE_RATE;

/// Seconds of output that may wait for the keeper.
pub(super) const WAITING_SECONDS: usize = 4;
/// Copies of the state that may wait for the keeper.
const STATE_COPIES: usize = 3;

/// The ways of copies of the state.
pub(super) struct Copies {
    /// To the keeper, and what was lost on it.
    pub(super) states: (Producer<Box<StateCopy>>, Consumer<Box<StateCopy>>, Arc<Counters>),
    /// Back from it; at first all copies are in it.
    pub(super) spare: (Producer<Box<StateCopy>>, Consumer<Box<StateCopy>>),
}

/// The rings of copies, to the keeper and back.
pub(super) fn copies(instrument: &mut Instrument, keeps: bool) -> Copies {
    let (mut spare_in, spare_out, _) = ring(STATE_COPIES);
    for _ in 0..STATE_COPIES {
        spare_in.push(Box::new(empty_copy(instrument, keeps)));
    }
    Copies { states: ring(STATE_COPIES), spare: (spare_in, spare_out) }
}

/// A copy of the state to be filled; with what the senses remember where a session is kept.
fn empty_copy(instrument: &mut Instrument, keeps: bool) -> StateCopy {
    let values = Vec::with_capacity(instrument.state_values());
    let senses = Vec::with_capacity(if keeps { instrument.sense_words() } else { 0 });
    let energy = Vec::with_capacity(instrument.shapes().iter().map(|shape| shape.bands).sum());
    StateCopy { values, energy, senses, ..StateCopy::default() }
}

/// A picture of all arrays, and of what they hear, to be filled.
pub(super) fn empty_field(arrays: &[ArrayInfo], instrument: &Instrument) -> RawField {
    let planes = arrays.iter().map(|array| vec![0.0; array.height * array.width]);
    RawField {
        planes: planes.map(|plane| (plane.clone(), plane)).collect(),
        levels: instrument.heard_levels().to_vec(),
        ..RawField::default()
    }
}

/// The ways of what entered, from the engine to the keeper, where a session is kept.
pub(super) fn entered(kept: bool, hears: bool) -> (Option<EnteredOut>, Option<EnteredIn>) {
    if !kept {
        return (None, None);
    }
    let (sound_in, sound_out, _) = ring(WAITING_SECONDS * SAMPLE_RATE as usize);
    // A tick begins only where as many as it may take find room, so a quarter is never filled.
    let (bursts_in, bursts_out, _) = ring(4 * MOST_BURSTS);
    let out = EnteredOut { sound: hears.then_some(sound_in), bursts: bursts_in };
    (Some(out), Some(EnteredIn { sound: hears.then_some(sound_out), bursts: bursts_out }))
}
