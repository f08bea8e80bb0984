//! What one dispatch is made of besides the state, as the shaders read it: 256 bytes.

use super::drive::Bounds;
use crate::kernel::lattice::Numbers;
use crate::signal::SheetShape;

/// Bytes from one record to the next: every device can begin a uniform there.
pub(super) const BYTES: usize = 256;
/// Sites of a row that one invocation steps.
pub(super) const GROUP: usize = 4;

/// The words of a record.
pub(super) type Record = [u32; BYTES / 4];

/// Flags of a step's record, as `step.wgsl` has them.
pub(super) const PHASIC: u32 = 1;
/// As above.
pub(super) const SUSTAINED: u32 = 2;
/// As above.
pub(super) const SILENT: u32 = 4;

/// Groups of sites in a row.
pub(super) fn groups_in_row(shape: SheetShape) -> usize {
    shape.width.div_ceil(GROUP)
}

/// Groups of sites on a sheet.
pub(super) fn groups(shape: SheetShape) -> usize {
    shape.height * groups_in_row(shape)
}

/// The record of a band's step, but for its tick and what drives it.
pub(super) fn of_band(
    shape: SheetShape,
    band: usize,
    lane: u32,
    numbers: &Numbers,
    rounds: &[[u32; 4]; 6],
) -> Record {
    let mut record = [0; BYTES / 4];
    record[..4].copy_from_slice(&sheet(shape, band));
    let silent = numbers.noise.iter().all(|coefficient| *coefficient == 0.0);
    record[4..8].copy_from_slice(&[0, 0, lane, if silent { SILENT } else { 0 }]);
    let [centre, spread] = numbers.spread;
    let floats = [centre, spread, numbers.drive, numbers.ceiling]
        .into_iter()
        .chain(numbers.pull)
        .chain([0.0])
        .chain(numbers.noise)
        .chain([0.0; 2])
        .chain(numbers.cascade);
    for (word, value) in record[8..].iter_mut().zip(floats) {
        *word = value.to_bits();
    }
    record[28..52].copy_from_slice(rounds.as_flattened());
    record
}

/// The same for a tick: its words, and the flags of what drives the band.
pub(super) fn at_tick(mut record: Record, tick: [u32; 2], flags: u32) -> Record {
    record[4..6].copy_from_slice(&tick);
    record[7] |= flags;
    record
}

/// The record of a pass over the drive: the pushes that it adds, as (first, count).
pub(super) fn of_drive(shape: SheetShape, pushes: [u32; 2], bounds: &Bounds) -> Record {
    let mut record = [0; BYTES / 4];
    record[..2].copy_from_slice(&pushes);
    record[2..4].copy_from_slice(&[shape.width as u32, groups_in_row(shape) as u32]);
    for (word, value) in record[4..].iter_mut().zip([bounds.left, bounds.least, bounds.most]) {
        *word = value.to_bits();
    }
    record[8] = groups(shape) as u32;
    record
}

fn sheet(shape: SheetShape, band: usize) -> [u32; 4] {
    [shape.width as u32, shape.height as u32, groups_in_row(shape) as u32, band as u32]
}
