//! A band's step on a run of rows; driven and twin share the noise. Real-time code.
//!
//! A row is swept three times: its noise, the step up to it, the cascade. One sweep that did all would be a chain
//! of operations so long that the processor could not look far enough ahead to fill its units. The noise comes sixteen
//! sites at a time; the other sweeps go from register to register, for all that they hold at once must fit into registers.

use super::super::lanes::{Instructions, LANES, Lanes, Register, Work};
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
    let (p, parts) = (l.part(), LANES / L::Part::WIDTH);
    let k = Spread::new(p, step.factors);
    let mut draws = Draws::new(l, step.key, step.keys, &step.factors.noise, first_block(width, step.y));
    let mut totals = [[p.splat(0.0); CAUSES]; LANES];
    for (part, totals) in totals.iter_mut().enumerate().take(parts) {
        for (total, sums) in totals.iter_mut().zip(&sums.0) {
            *total = p.load(lanes::<L::Part>(sums, part * L::Part::WIDTH));
        }
    }
    let mut row = 0;
    while row < sites {
        let mut x = 0;
        while x < width {
            let [re, im] = draws.next(l);
            l.store(lanes_mut::<L>(noise[0], x), re);
            l.store(lanes_mut::<L>(noise[1], x), im);
            if x + LANES <= width {
                // The row after the next comes from far away: it is on its way while the units are busy.
                expect(l, driven, row + x);
                if TWIN {
                    expect(l, twin, row + x);
                }
            }
            x += LANES;
        }
        step_row::<L::Part, DRIVEN, true, CASCADE>(p, &k, driven, row, drive, noise, &mut totals);
        if CASCADE {
            cascade_row::<L::Part, true>(p, &k, driven, row, &mut totals);
        }
        if TWIN {
            step_row::<L::Part, false, false, CASCADE>(p, &k, twin, row, drive, noise, &mut totals);
            if CASCADE {
                cascade_row::<L::Part, false>(p, &k, twin, row, &mut totals);
            }
        }
        row += width;
    }
    for (part, totals) in totals.iter().enumerate().take(parts) {
        for (total, sums) in totals.iter().zip(&mut sums.0) {
            p.store(lanes_mut::<L::Part>(sums, part * L::Part::WIDTH), *total);
        }
    }
}

#[inline(always)]
fn expect<L: Lanes>(l: L, rows: &Rows<'_>, x: usize) {
    let width = rows.north[0].len();
    l.expect(lanes::<L>(rows.own[0], x), 2 * width);
    l.expect(lanes::<L>(rows.own[1], x), 2 * width);
}

/// The sums over a row, of each register that sixteen sites take.
type Totals<P> = [[<P as Register>::F; CAUSES]; LANES];

/// The step up to the noise of the row that begins at `row`. Where a cascade follows, that one books the energy after the
/// noise: it has the squares anyway.
#[inline(always)]
fn step_row<P: Register, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    p: P,
    k: &Spread<P>,
    rows: &mut Rows<'_>,
    row: usize,
    drive: [&[f32]; 2],
    noise: &[&mut [f32]; 2],
    totals: &mut Totals<P>,
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
    step_line::<P, DRIVEN, BOOKED, CASCADE>(p, k, line, totals);
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
fn step_line<P: Register, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    p: P,
    k: &Spread<P>,
    line: Line<'_>,
    totals: &mut Totals<P>,
) {
    let Line { mut own, mut north, south, noise, drive } = line;
    let width = own[0].len();
    // What was there before the step: the row's first sites are the east of its last, and the other way round.
    let first = [p.splat(own[0][0]), p.splat(own[1][0])];
    let mut west = [p.splat(own[0][width - 1]), p.splat(own[1][width - 1])];
    let mut x = 0;
    while x + LANES <= width {
        for totals in totals.iter_mut().take(LANES / P::WIDTH) {
            let here = load2(p, &own, x);
            let sites = Sites::<P> {
                here,
                west: [p.after(west[0], here[0]), p.after(west[1], here[1])],
                east: if x + P::WIDTH < width {
                    load2(p, &own, x + 1)
                } else {
                    [p.ahead(here[0], first[0]), p.ahead(here[1], first[1])]
                },
                north: load2(p, &north, x),
                south: load2(p, &south, x),
            };
            west = here;
            store2(p, &mut north, x, here);
            let push = if DRIVEN { load2(p, &drive, x) } else { here };
            let z = advance::<P, DRIVEN, BOOKED>(p, k, &sites, None, push, load2(p, &noise, x), totals);
            if BOOKED && !CASCADE {
                totals[NOISY] = p.add(totals[NOISY], square(p, z));
            }
            store2(p, &mut own, x, z);
            x += P::WIDTH;
        }
    }
    if x < width {
        let line = Line { own, north, south, noise, drive };
        end_line::<P, DRIVEN, BOOKED, CASCADE>(p, k, line, [first, west], totals);
    }
}

/// The same for the row's last sites, fewer than sixteen.
#[inline(always)]
fn end_line<P: Register, const DRIVEN: bool, const BOOKED: bool, const CASCADE: bool>(
    p: P,
    k: &Spread<P>,
    line: Line<'_>,
    [first, mut west]: [[P::F; 2]; 2],
    totals: &mut Totals<P>,
) {
    let Line { mut own, mut north, south, noise, drive } = line;
    let width = own[0].len();
    let whole = width / LANES * LANES;
    for (x, totals) in (whole..width).step_by(P::WIDTH).zip(totals) {
        let here = part2(p, &own, x);
        let sites = Sites::<P> {
            here,
            west: [p.after(west[0], here[0]), p.after(west[1], here[1])],
            east: [joined(p, own[0], x, first[0]), joined(p, own[1], x, first[1])],
            north: part2(p, &north, x),
            south: part2(p, &south, x),
        };
        west = here;
        put2(p, &mut north, x, here);
        let push = if DRIVEN { part2(p, &drive, x) } else { here };
        let real = Some(part(p, &[1.0; LANES][..width - whole], x - whole));
        let z = advance::<P, DRIVEN, BOOKED>(p, k, &sites, real, push, load2(p, &noise, x), totals);
        put2(p, &mut own, x, z);
        if BOOKED && !CASCADE {
            // Beyond the row there is noise and nothing else: it is not counted.
            totals[NOISY] = p.add(totals[NOISY], square(p, part2(p, &own, x)));
        }
    }
}

/// The cascade of the row that begins at `row`.
#[inline(always)]
fn cascade_row<P: Register, const BOOKED: bool>(
    p: P,
    k: &Spread<P>,
    rows: &mut Rows<'_>,
    row: usize,
    totals: &mut Totals<P>,
) {
    let width = rows.north[0].len();
    let [re, im] = &mut rows.own;
    let [fast_re, fast_im] = &mut rows.fast;
    let mut own = [&mut re[row..row + width], &mut im[row..row + width]];
    let mut fast = [&mut fast_re[row..row + width], &mut fast_im[row..row + width]];
    let mut x = 0;
    while x + LANES <= width {
        for totals in totals.iter_mut().take(LANES / P::WIDTH) {
            let (a, c) = turn::<P, BOOKED>(p, k, load2(p, &own, x), load2(p, &fast, x), totals);
            store2(p, &mut own, x, a);
            store2(p, &mut fast, x, c);
            x += P::WIDTH;
        }
    }
    for (x, totals) in (x..width).step_by(P::WIDTH).zip(totals) {
        let (a, c) = turn::<P, BOOKED>(p, k, part2(p, &own, x), part2(p, &fast, x), totals);
        put2(p, &mut own, x, a);
        put2(p, &mut fast, x, c);
    }
}

/// The cascade of one register's pairs, and its books.
#[inline(always)]
fn turn<P: Register, const BOOKED: bool>(
    p: P,
    k: &Spread<P>,
    a: [P::F; 2],
    c: [P::F; 2],
    totals: &mut [P::F; CAUSES],
) -> ([P::F; 2], [P::F; 2]) {
    let size = square(p, a);
    if BOOKED {
        totals[NOISY] = p.add(totals[NOISY], size);
    }
    let (a, c) = cascade(p, k, a, size, c);
    if BOOKED {
        totals[CASCADED] = add_square(p, a, totals[CASCADED]);
        totals[FAST] = add_square(p, c, totals[FAST]);
    }
    (a, c)
}

/// A register's numbers from `x` on.
#[inline(always)]
fn lanes<P: Register>(row: &[f32], x: usize) -> &P::Slot {
    const { P::PLAIN };
    debug_assert!(x + P::WIDTH <= row.len());
    // SAFETY: `check` has held the lengths to each other, and every sweep stays within them; a slot is plain numbers.
    unsafe { &*row.as_ptr().add(x).cast() }
}

#[inline(always)]
fn lanes_mut<P: Register>(row: &mut [f32], x: usize) -> &mut P::Slot {
    const { P::PLAIN };
    debug_assert!(x + P::WIDTH <= row.len());
    // SAFETY: as for `lanes`.
    unsafe { &mut *row.as_mut_ptr().add(x).cast() }
}

#[inline(always)]
fn load2<P: Register>(p: P, rows: &[impl AsRef<[f32]>; 2], x: usize) -> [P::F; 2] {
    [p.load(lanes::<P>(rows[0].as_ref(), x)), p.load(lanes::<P>(rows[1].as_ref(), x))]
}

#[inline(always)]
fn store2<P: Register>(p: P, rows: &mut [&mut [f32]; 2], x: usize, z: [P::F; 2]) {
    p.store(lanes_mut::<P>(rows[0], x), z[0]);
    p.store(lanes_mut::<P>(rows[1], x), z[1]);
}

/// What is left of a row from `x` on, if a register takes it all, then zeros.
#[inline(always)]
fn part<P: Register>(p: P, row: &[f32], x: usize) -> P::F {
    padded(p, [0.0; LANES], &row[x..])
}

#[inline(always)]
fn part2<P: Register>(p: P, rows: &[impl AsRef<[f32]>; 2], x: usize) -> [P::F; 2] {
    [part(p, rows[0].as_ref(), x), part(p, rows[1].as_ref(), x)]
}

/// The right neighbours of the sites that are left from `x` on, the last of them `first`.
#[inline(always)]
fn joined<P: Register>(p: P, row: &[f32], x: usize, first: P::F) -> P::F {
    let mut ends = [0.0; LANES];
    p.store(lanes_mut::<P>(&mut ends, 0), first);
    padded(p, ends, &row[x + 1..])
}

/// As many numbers as a register takes, and after the last of them what was `there`.
#[inline(always)]
fn padded<P: Register>(p: P, mut there: [f32; LANES], row: &[f32]) -> P::F {
    let count = row.len().min(P::WIDTH);
    there[..count].copy_from_slice(&row[..count]);
    p.load(lanes::<P>(&there, 0))
}

#[inline(always)]
fn put2<P: Register>(p: P, rows: &mut [&mut [f32]; 2], x: usize, z: [P::F; 2]) {
    let mut lanes = [0.0; LANES];
    for (row, z) in rows.iter_mut().zip(z) {
        p.store(lanes_mut::<P>(&mut lanes, 0), z);
        let count = P::WIDTH.min(row.len() - x);
        row[x..x + count].copy_from_slice(&lanes[..count]);
    }
}
