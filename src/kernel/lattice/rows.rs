//! A band's step on a run of rows, sixteen sites at a time; driven and twin share the noise. Real-time code.
//!
//! A row is swept three times: its noise, the step up to it, the cascade. One sweep that did all would be a chain
//! of operations so long that the processor could not look far enough ahead to fill its units.

use super::super::lanes::{Instructions, LANES, Lanes, Work};
use super::super::noise::{Draws, NoiseKey, RoundKeys, first_block};
use super::terms::{CASCADED, FAST, NOISY, Sites, Spread, add_square, advance, cascade, square};
use super::{CAUSES, Factors, TINY};

/// A run of neighbouring rows of one copy of the sheet.
pub struct Rows<'a> {
    /// This band's rows, stepped in place: real and imaginary parts.
    pub own: [&'a mut [f32]; 2],
    /// The same rows of the next faster band; empty for the fastest.
    pub fast: [&'a mut [f32]; 2],
    /// The row above as it was before the step; takes what the last row was.
    pub north: [&'a mut [f32]; 2],
    /// The row below as it was before the step.
    pub south: [&'a [f32]; 2],
}

/// Sums of `|u|²` over the sites of driven rows, lane by lane: after diffusion (where a drive follows), before
/// saturation, after damping, after noise, after the cascade; and of the faster band after the cascade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums([[f32; LANES]; CAUSES]);

impl Sums {
    /// Nothing summed.
    pub const ZERO: Self = Self([[0.0; LANES]; CAUSES]);

    /// The sums over all lanes, halves onto halves.
    pub(super) fn totals(&self) -> [f64; CAUSES] {
        self.0.map(|lanes| {
            let mut lanes = lanes.map(f64::from);
            for half in [8, 4, 2, 1] {
                for lane in 0..half {
                    lanes[lane] += lanes[lane + half];
                }
            }
            lanes[0]
        })
    }
}

/// The step of a run of rows.
#[derive(Clone, Copy, Debug)]
pub struct RowsStep<'a> {
    /// The band's numbers.
    pub factors: &'a Factors,
    /// The noise's key: seed, tick and band.
    pub key: &'a NoiseKey,
    /// The same for the generator.
    pub keys: &'a RoundKeys,
    /// Which row of the sheet the first one is.
    pub y: usize,
}

/// Steps rows of one band: the driven copy with `drive` (complex amplitudes in units of the tonic rms, one per site),
/// and the twin with the same noise and no drive. Adds the driven rows' energies to `sums`.
///
/// `noise` is scratch: two rows, rounded up to whole lanes.
///
/// # Panics
/// Where there is no site, or the lengths do not fit each other.
pub fn step_rows<'a>(
    with: Instructions,
    step: &RowsStep<'_>,
    driven: &mut Rows<'a>,
    twin: Option<&mut Rows<'a>>,
    drive: Option<[&[f32]; 2]>,
    noise: [&mut [f32]; 2],
    sums: &mut Sums,
) {
    check(driven);
    let (width, sites) = (driven.north[0].len(), driven.own[0].len());
    if let Some(twin) = &twin {
        assert!(twin.north[0].len() == width && twin.own[0].len() == sites, "driven and twin have one shape");
        check(twin);
    }
    assert!(drive.iter().flatten().all(|row| row.len() == sites), "a drive for every site");
    assert!(noise.iter().all(|row| row.len() == width.next_multiple_of(LANES)), "scratch in whole lanes");
    with.run(Step { what: step, driven, twin, drive, noise, sums });
}

struct Step<'s, 'r> {
    what: &'s RowsStep<'s>,
    driven: &'s mut Rows<'r>,
    twin: Option<&'s mut Rows<'r>>,
    drive: Option<[&'s [f32]; 2]>,
    noise: [&'s mut [f32]; 2],
    sums: &'s mut Sums,
}

impl Work for Step<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { what: step, driven, twin, drive, mut noise, sums } = self;
        let fastest = driven.fast[0].is_empty();
        match (fastest, drive) {
            (false, None) => copies::<L, true, false>(l, step, driven, twin, [&[]; 2], &mut noise, sums),
            (false, Some(drive)) => copies::<L, true, true>(l, step, driven, twin, drive, &mut noise, sums),
            (true, None) => copies::<L, false, false>(l, step, driven, twin, [&[]; 2], &mut noise, sums),
            (true, Some(drive)) => copies::<L, false, true>(l, step, driven, twin, drive, &mut noise, sums),
        }
    }
}

/// Holds the lengths to each other, so that the sweeps need not.
fn check(rows: &Rows<'_>) {
    let (width, sites) = (rows.north[0].len(), rows.own[0].len());
    assert!(width > 0 && sites > 0 && sites.is_multiple_of(width), "whole rows");
    assert!(rows.own[1].len() == sites && rows.north[1].len() == width, "both parts of one length");
    assert!(rows.south.iter().all(|row| row.len() == width), "rows of one length");
    assert!(rows.fast.iter().all(|row| row.is_empty() || row.len() == sites), "as many of the faster band");
    assert!(rows.fast[0].len() == rows.fast[1].len(), "both parts of one length");
}

#[inline(always)]
fn copies<'a, L: Lanes, const CASCADE: bool, const DRIVEN: bool>(
    l: L,
    step: &RowsStep<'_>,
    driven: &mut Rows<'a>,
    twin: Option<&mut Rows<'a>>,
    drive: [&[f32]; 2],
    noise: &mut [&mut [f32]; 2],
    sums: &mut Sums,
) {
    let silent = step.factors.noise.is_silent();
    if let Some(twin) = twin {
        sweep::<L, CASCADE, DRIVEN, true>(l, step, driven, twin, drive, noise, sums);
        if silent {
            flush(&mut twin.own);
        }
    } else {
        let mut none = Rows {
            own: [&mut [], &mut []],
            fast: [&mut [], &mut []],
            north: [&mut [], &mut []],
            south: [&[]; 2],
        };
        sweep::<L, CASCADE, DRIVEN, false>(l, step, driven, &mut none, drive, noise, sums);
    }
    if silent {
        flush(&mut driven.own);
    }
}

fn flush(own: &mut [&mut [f32]; 2]) {
    for part in own.iter_mut().flat_map(|row| row.iter_mut()) {
        *part = if part.abs() < TINY { 0.0 } else { *part };
    }
}

/// Sweeps the rows one by one.
#[inline(always)]
fn sweep<L: Lanes, const CASCADE: bool, const DRIVEN: bool, const TWIN: bool>(
    l: L,
    step: &RowsStep<'_>,
    driven: &mut Rows<'_>,
    twin: &mut Rows<'_>,
    drive: [&[f32]; 2],
    noise: &mut [&mut [f32]; 2],
    sums: &mut Sums,
) {
    let width = driven.north[0].len();
    let sites = driven.own[0].len();
    let k = Spread::new(l, step.factors);
    let mut draws = Draws::new(l, step.key, step.keys, &step.factors.noise, first_block(width, step.y));
    let mut totals = [l.splat(0.0); CAUSES];
    for (total, lanes) in totals.iter_mut().zip(&sums.0) {
        *total = l.load(lanes);
    }
    let mut row = 0;
    while row < sites {
        let mut x = 0;
        while x < width {
            let [re, im] = draws.next(l);
            l.store(lanes_mut(noise[0], x), re);
            l.store(lanes_mut(noise[1], x), im);
            if x + LANES <= width {
                // The row after the next comes from far away: it is on its way while the units are busy.
                expect(l, driven, row + x);
                if TWIN {
                    expect(l, twin, row + x);
                }
            }
            x += LANES;
        }
        step_row::<L, DRIVEN, true, CASCADE>(l, &k, driven, row, drive, noise, &mut totals);
        if CASCADE {
            cascade_row::<L, true>(l, &k, driven, row, &mut totals);
        }
        if TWIN {
            step_row::<L, false, false, CASCADE>(l, &k, twin, row, drive, noise, &mut totals);
            if CASCADE {
                cascade_row::<L, false>(l, &k, twin, row, &mut totals);
            }
        }
        row += width;
    }
    for (total, lanes) in totals.iter().zip(&mut sums.0) {
        l.store(lanes, *total);
    }
}

#[inline(always)]
fn expect<L: Lanes>(l: L, rows: &Rows<'_>, x: usize) {
    let width = rows.north[0].len();
    l.expect(lanes(rows.own[0], x), 2 * width);
    l.expect(lanes(rows.own[1], x), 2 * width);
}

/// The step up to the noise of the row that begins at `row`. Where a cascade follows, that one books the energy after the
/// noise: it has the squares anyway.
#[inline(always)]
fn step_row<L: Lanes, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    l: L,
    k: &Spread<L>,
    rows: &mut Rows<'_>,
    row: usize,
    drive: [&[f32]; 2],
    noise: &[&mut [f32]; 2],
    totals: &mut [L::F; CAUSES],
) {
    let width = rows.north[0].len();
    let [re, im] = &mut rows.own;
    let (re, below_re) = re[row..].split_at_mut(width);
    let (im, below_im) = im[row..].split_at_mut(width);
    let [north_re, north_im] = &mut rows.north;
    let line = Line {
        own: [re, im],
        north: [north_re, north_im],
        south: if below_re.is_empty() { rows.south } else { [&below_re[..width], &below_im[..width]] },
        noise: [&noise[0][..], &noise[1][..]],
        drive: if DRIVEN { [&drive[0][row..row + width], &drive[1][row..row + width]] } else { drive },
    };
    step_line::<L, DRIVEN, BOOKED, CASCADE>(l, k, line, totals);
}

/// One row: what its step up to the noise reads and writes.
struct Line<'a> {
    own: [&'a mut [f32]; 2],
    north: [&'a mut [f32]; 2],
    south: [&'a [f32]; 2],
    /// In whole lanes.
    noise: [&'a [f32]; 2],
    drive: [&'a [f32]; 2],
}

#[inline(always)]
fn step_line<L: Lanes, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    l: L,
    k: &Spread<L>,
    line: Line<'_>,
    totals: &mut [L::F; CAUSES],
) {
    let Line { mut own, mut north, south, noise, drive } = line;
    let width = own[0].len();
    let whole = width / LANES * LANES;
    // What was there before the step: the row's first sites are the east of its last, and the other way round.
    let first = [l.splat(own[0][0]), l.splat(own[1][0])];
    let mut west = [l.splat(own[0][width - 1]), l.splat(own[1][width - 1])];
    let mut x = 0;
    while x < whole {
        let here = [l.load(lanes(own[0], x)), l.load(lanes(own[1], x))];
        let sites = Sites::<L> {
            here,
            west: [l.after(west[0], here[0]), l.after(west[1], here[1])],
            east: if x + LANES < width {
                [l.load(lanes(own[0], x + 1)), l.load(lanes(own[1], x + 1))]
            } else {
                [l.ahead(here[0], first[0]), l.ahead(here[1], first[1])]
            },
            north: [l.load(lanes(north[0], x)), l.load(lanes(north[1], x))],
            south: [l.load(lanes(south[0], x)), l.load(lanes(south[1], x))],
        };
        west = here;
        store2(l, &mut north, x, here);
        let push = if DRIVEN { [l.load(lanes(drive[0], x)), l.load(lanes(drive[1], x))] } else { here };
        let shake = [l.load(lanes(noise[0], x)), l.load(lanes(noise[1], x))];
        let z = advance::<L, DRIVEN, BOOKED>(l, k, &sites, None, push, shake, totals);
        if BOOKED && !CASCADE {
            totals[NOISY] = l.add(totals[NOISY], square(l, z));
        }
        store2(l, &mut own, x, z);
        x += LANES;
    }
    if x < width {
        let line = Line { own, north, south, noise, drive };
        end_line::<L, DRIVEN, BOOKED, CASCADE>(l, k, line, [first, west], totals);
    }
}

/// The same for the row's last sites, fewer than sixteen.
#[inline(always)]
fn end_line<L: Lanes, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    l: L,
    k: &Spread<L>,
    line: Line<'_>,
    [first, west]: [[L::F; 2]; 2],
    totals: &mut [L::F; CAUSES],
) {
    let Line { mut own, mut north, south, noise, drive } = line;
    let width = own[0].len();
    let x = width / LANES * LANES;
    let here = [part(l, own[0], x), part(l, own[1], x)];
    let sites = Sites::<L> {
        here,
        west: [l.after(west[0], here[0]), l.after(west[1], here[1])],
        east: [joined(l, own[0], x, first[0]), joined(l, own[1], x, first[1])],
        north: [part(l, north[0], x), part(l, north[1], x)],
        south: [part(l, south[0], x), part(l, south[1], x)],
    };
    put2(l, &mut north, x, here);
    let push = if DRIVEN { [part(l, drive[0], x), part(l, drive[1], x)] } else { here };
    let shake = [l.load(lanes(noise[0], x)), l.load(lanes(noise[1], x))];
    let mut real = [0.0; LANES];
    real[..width - x].fill(1.0);
    let real = Some(l.load(&real));
    let z = advance::<L, DRIVEN, BOOKED>(l, k, &sites, real, push, shake, totals);
    put2(l, &mut own, x, z);
    if BOOKED && !CASCADE {
        // Beyond the row there is noise and nothing else: it is not counted.
        totals[NOISY] = l.add(totals[NOISY], square(l, [part(l, own[0], x), part(l, own[1], x)]));
    }
}

/// The cascade of the row that begins at `row`.
#[inline(always)]
fn cascade_row<L: Lanes, const BOOKED: bool>(
    l: L,
    k: &Spread<L>,
    rows: &mut Rows<'_>,
    row: usize,
    totals: &mut [L::F; CAUSES],
) {
    let width = rows.north[0].len();
    let [re, im] = &mut rows.own;
    let [fast_re, fast_im] = &mut rows.fast;
    let mut own = [&mut re[row..row + width], &mut im[row..row + width]];
    let mut fast = [&mut fast_re[row..row + width], &mut fast_im[row..row + width]];
    let whole = width / LANES * LANES;
    let mut x = 0;
    while x < width {
        let ends = x == whole;
        let (a, c) = if ends {
            ([part(l, own[0], x), part(l, own[1], x)], [part(l, fast[0], x), part(l, fast[1], x)])
        } else {
            (
                [l.load(lanes(own[0], x)), l.load(lanes(own[1], x))],
                [l.load(lanes(fast[0], x)), l.load(lanes(fast[1], x))],
            )
        };
        let size = square(l, a);
        if BOOKED {
            totals[NOISY] = l.add(totals[NOISY], size);
        }
        let (a, c) = cascade(l, k, a, size, c);
        if BOOKED {
            totals[CASCADED] = add_square(l, a, totals[CASCADED]);
            totals[FAST] = add_square(l, c, totals[FAST]);
        }
        if ends {
            put2(l, &mut own, x, a);
            put2(l, &mut fast, x, c);
        } else {
            store2(l, &mut own, x, a);
            store2(l, &mut fast, x, c);
        }
        x += LANES;
    }
}

/// The sixteen numbers from `x` on.
#[inline(always)]
fn lanes(row: &[f32], x: usize) -> &[f32; LANES] {
    debug_assert!(x + LANES <= row.len());
    // SAFETY: `check` has held the lengths to each other, and every sweep stays within them.
    unsafe { &*row.as_ptr().add(x).cast() }
}

#[inline(always)]
fn lanes_mut(row: &mut [f32], x: usize) -> &mut [f32; LANES] {
    debug_assert!(x + LANES <= row.len());
    // SAFETY: as for `lanes`.
    unsafe { &mut *row.as_mut_ptr().add(x).cast() }
}

#[inline(always)]
fn store2<L: Lanes>(l: L, rows: &mut [&mut [f32]; 2], x: usize, z: [L::F; 2]) {
    l.store(lanes_mut(rows[0], x), z[0]);
    l.store(lanes_mut(rows[1], x), z[1]);
}

/// What is left of a row from `x` on, then zeros.
#[inline(always)]
fn part<L: Lanes>(l: L, row: &[f32], x: usize) -> L::F {
    let mut padded = [0.0; LANES];
    padded[..row.len() - x].copy_from_slice(&row[x..]);
    l.load(&padded)
}

/// The right neighbours of the sites that are left from `x` on, the last of them `first`.
#[inline(always)]
fn joined<L: Lanes>(l: L, row: &[f32], x: usize, first: L::F) -> L::F {
    let mut padded = [0.0; LANES];
    l.store(&mut padded, first);
    let rest = &row[x + 1..];
    padded[..rest.len()].copy_from_slice(rest);
    l.load(&padded)
}

#[inline(always)]
fn put2<L: Lanes>(l: L, rows: &mut [&mut [f32]; 2], x: usize, z: [L::F; 2]) {
    let mut lanes = [0.0; LANES];
    for part in 0..2 {
        l.store(&mut lanes, z[part]);
        let rest = &mut rows[part][x..];
        rest.copy_from_slice(&lanes[..rest.len()]);
    }
}
