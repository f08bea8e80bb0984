//! A band's step on a run of rows, sixteen sites at a time; driven and twin share the noise. Real-time code.
//!
//! A row is swept three times: its noise, the step up to it, the cascade. One sweep that did all would be a chain
//! of operations so long that the processor could not look far enough ahead to fill its units.

#[cfg(target_arch = "x86_64")]
use super::super::lanes::{Avx2, Avx512};
use super::super::lanes::{LANES, Lanes, Portable};
use super::super::noise::{Draws, NoiseKey, RoundKeys, first_block};
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

/// Where a sum of [`Sums`] stands.
const DIFFUSED: usize = 0;
const PUSHED: usize = 1;
const PULLED: usize = 2;
const NOISY: usize = 3;
const CASCADED: usize = 4;
const FAST: usize = 5;

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

/// Which instructions run the kernel. Every choice gives the same bits.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Set);

#[derive(Clone, Copy, Debug)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

impl Instructions {
    /// What this processor runs, the fastest first, by the names of [`Self::name`].
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Set::Avx512));
            all.extend(Avx2::detect().map(Set::Avx2));
        }
        all.push(Set::Portable(Portable));
        all.into_iter().map(Self).collect()
    }

    /// The fastest that this processor runs.
    #[must_use]
    pub fn best() -> Self {
        Self::all()[0]
    }

    /// `avx512+vaes`, `avx2+aes` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512+vaes",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2+aes",
            Set::Portable(_) => "portable",
        }
    }
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
    match with.0 {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a value of the type exists only where the processor has the instructions.
        Set::Avx512(l) => unsafe { avx512(l, step, driven, twin, drive, noise, sums) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Set::Avx2(l) => unsafe { avx2(l, step, driven, twin, drive, noise, sums) },
        Set::Portable(l) => any(l, step, driven, twin, drive, noise, sums),
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

macro_rules! compiled_for {
    ($name:ident, $lanes:ty, $features:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        fn $name<'a>(
            l: $lanes,
            step: &RowsStep<'_>,
            driven: &mut Rows<'a>,
            twin: Option<&mut Rows<'a>>,
            drive: Option<[&[f32]; 2]>,
            noise: [&mut [f32]; 2],
            sums: &mut Sums,
        ) {
            any(l, step, driven, twin, drive, noise, sums);
        }
    };
}
compiled_for!(avx512, Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,vaes,avx2,fma,aes");
compiled_for!(avx2, Avx2, "avx2,fma,aes");

#[inline(always)]
fn any<'a, L: Lanes>(
    l: L,
    step: &RowsStep<'_>,
    driven: &mut Rows<'a>,
    twin: Option<&mut Rows<'a>>,
    drive: Option<[&[f32]; 2]>,
    noise: [&mut [f32]; 2],
    sums: &mut Sums,
) {
    let fastest = driven.fast[0].is_empty();
    match (fastest, drive) {
        (false, None) => copies::<L, true, false>(l, step, driven, twin, [&[]; 2], noise, sums),
        (false, Some(drive)) => copies::<L, true, true>(l, step, driven, twin, drive, noise, sums),
        (true, None) => copies::<L, false, false>(l, step, driven, twin, [&[]; 2], noise, sums),
        (true, Some(drive)) => copies::<L, false, true>(l, step, driven, twin, drive, noise, sums),
    }
}

#[inline(always)]
fn copies<'a, L: Lanes, const CASCADE: bool, const DRIVEN: bool>(
    l: L,
    step: &RowsStep<'_>,
    driven: &mut Rows<'a>,
    twin: Option<&mut Rows<'a>>,
    drive: [&[f32]; 2],
    noise: [&mut [f32]; 2],
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

/// The factors in every lane.
struct Spread<L: Lanes> {
    one: L::F,
    centre: L::F,
    spread: L::F,
    drive: L::F,
    ceiling: L::F,
    pull: [L::F; 3],
    cascade: [L::F; 4],
}

impl<L: Lanes> Spread<L> {
    #[inline(always)]
    fn new(l: L, factors: &Factors) -> Self {
        let ([p0, p1, p2], [k, half, quarter, eighth]) = (factors.pull, factors.cascade);
        Self {
            one: l.splat(1.0),
            centre: l.splat(factors.centre),
            spread: l.splat(factors.spread),
            drive: l.splat(factors.drive),
            ceiling: l.splat(factors.ceiling),
            pull: [l.splat(p0), l.splat(p1), l.splat(p2)],
            cascade: [l.splat(k), l.splat(half), l.splat(quarter), l.splat(eighth)],
        }
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
    noise: [&mut [f32]; 2],
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
            x += LANES;
        }
        step_row::<L, DRIVEN, true>(l, &k, driven, row, drive, &noise, &mut totals);
        if CASCADE {
            cascade_row::<L, true>(l, &k, driven, row, &mut totals);
        }
        if TWIN {
            step_row::<L, false, false>(l, &k, twin, row, drive, &noise, &mut totals);
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

/// Sixteen sites before the step, with their neighbours.
struct Sites<L: Lanes> {
    here: [L::F; 2],
    west: [L::F; 2],
    east: [L::F; 2],
    north: [L::F; 2],
    south: [L::F; 2],
}

/// The step up to the noise of the row that begins at `row`.
#[inline(always)]
fn step_row<L: Lanes, const DRIVEN: bool, const BOOKED: bool>(
    l: L,
    k: &Spread<L>,
    rows: &mut Rows<'_>,
    row: usize,
    drive: [&[f32]; 2],
    noise: &[&mut [f32]; 2],
    totals: &mut [L::F; CAUSES],
) {
    let width = rows.north[0].len();
    let whole = width / LANES * LANES;
    let last = row + width == rows.own[0].len();
    // What was there before the step: the row's first sites are the east of its last, and the other way round.
    let first = [l.splat(rows.own[0][row]), l.splat(rows.own[1][row])];
    let mut west = [l.splat(rows.own[0][row + width - 1]), l.splat(rows.own[1][row + width - 1])];
    let mut x = 0;
    while x < whole {
        let at = row + x;
        let here = load2(l, &rows.own, at);
        let sites = Sites::<L> {
            here,
            west: [l.after(west[0], here[0]), l.after(west[1], here[1])],
            east: if x + LANES < width {
                load2(l, &rows.own, at + 1)
            } else {
                [l.ahead(here[0], first[0]), l.ahead(here[1], first[1])]
            },
            north: load2(l, &rows.north, x),
            south: if last {
                [l.load(lanes(rows.south[0], x)), l.load(lanes(rows.south[1], x))]
            } else {
                load2(l, &rows.own, at + width)
            },
        };
        west = here;
        store2(l, &mut rows.north, x, here);
        let push = if DRIVEN { [l.load(lanes(drive[0], at)), l.load(lanes(drive[1], at))] } else { here };
        let z = advance::<L, DRIVEN, BOOKED>(l, k, &sites, None, push, load2(l, noise, x), totals);
        if BOOKED {
            totals[NOISY] = l.add(totals[NOISY], square(l, z));
        }
        store2(l, &mut rows.own, at, z);
        x += LANES;
    }
    if x < width {
        end_row::<L, DRIVEN, BOOKED>(l, k, rows, row, [first, west], drive, noise, totals);
    }
}

/// The same for the row's last sites, fewer than sixteen.
#[allow(clippy::too_many_arguments)] // one row's registers
#[inline(always)]
fn end_row<L: Lanes, const DRIVEN: bool, const BOOKED: bool>(
    l: L,
    k: &Spread<L>,
    rows: &mut Rows<'_>,
    row: usize,
    [first, west]: [[L::F; 2]; 2],
    drive: [&[f32]; 2],
    noise: &[&mut [f32]; 2],
    totals: &mut [L::F; CAUSES],
) {
    let width = rows.north[0].len();
    let (x, count) = (width / LANES * LANES, width % LANES);
    let at = row + x;
    let last = row + width == rows.own[0].len();
    let here = part2(l, &rows.own, at, count);
    let mut sites = Sites::<L> {
        here,
        west: [l.after(west[0], here[0]), l.after(west[1], here[1])],
        east: [joined(l, rows.own[0], at, count, first[0]), joined(l, rows.own[1], at, count, first[1])],
        north: part2(l, &rows.north, x, count),
        south: here,
    };
    sites.south = if last {
        [part(l, rows.south[0], x, count), part(l, rows.south[1], x, count)]
    } else {
        part2(l, &rows.own, at + width, count)
    };
    put2(l, &mut rows.north, x, count, here);
    let push = if DRIVEN { [part(l, drive[0], at, count), part(l, drive[1], at, count)] } else { here };
    let mut real = [0.0; LANES];
    real[..count].fill(1.0);
    let real = Some(l.load(&real));
    let z = advance::<L, DRIVEN, BOOKED>(l, k, &sites, real, push, load2(l, noise, x), totals);
    put2(l, &mut rows.own, at, count, z);
    if BOOKED {
        // Beyond the row there is noise and nothing else: it is not counted.
        totals[NOISY] = l.add(totals[NOISY], square(l, part2(l, &rows.own, at, count)));
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
    let (whole, count) = (width / LANES * LANES, width % LANES);
    let mut x = row;
    while x < row + whole {
        let (a, c) = cascade(l, k, load2(l, &rows.own, x), load2(l, &rows.fast, x));
        if BOOKED {
            totals[CASCADED] = add_square(l, a, totals[CASCADED]);
            totals[FAST] = add_square(l, c, totals[FAST]);
        }
        store2(l, &mut rows.own, x, a);
        store2(l, &mut rows.fast, x, c);
        x += LANES;
    }
    if count > 0 {
        let (a, c) = cascade(l, k, part2(l, &rows.own, x, count), part2(l, &rows.fast, x, count));
        if BOOKED {
            totals[CASCADED] = add_square(l, a, totals[CASCADED]);
            totals[FAST] = add_square(l, c, totals[FAST]);
        }
        put2(l, &mut rows.own, x, count, a);
        put2(l, &mut rows.fast, x, count, c);
    }
}

/// The sub-steps up to the noise, in their order; `real` is 1 in the lanes that are sites, where not all are.
#[inline(always)]
fn advance<L: Lanes, const DRIVEN: bool, const BOOKED: bool>(
    l: L,
    k: &Spread<L>,
    sites: &Sites<L>,
    real: Option<L::F>,
    push: [L::F; 2],
    noise: [L::F; 2],
    totals: &mut [L::F; CAUSES],
) -> [L::F; 2] {
    let mut a = [diffuse(l, k, sites, 0), diffuse(l, k, sites, 1)];
    if let Some(real) = real {
        a = [l.mul(a[0], real), l.mul(a[1], real)];
    }
    if DRIVEN {
        if BOOKED {
            totals[DIFFUSED] = l.add(totals[DIFFUSED], square(l, a));
        }
        a = [l.fma(k.drive, push[0], a[0]), l.fma(k.drive, push[1], a[1])];
    }
    let size = square(l, a);
    let held = l.min(size, k.ceiling);
    let pull = l.fma(l.fma(held, k.pull[2], k.pull[1]), held, k.pull[0]);
    if BOOKED {
        totals[PUSHED] = l.add(totals[PUSHED], size);
        totals[PULLED] = l.fma(l.mul(pull, pull), size, totals[PULLED]);
    }
    [l.fma(pull, a[0], noise[0]), l.fma(pull, a[1], noise[1])]
}

#[inline(always)]
fn diffuse<L: Lanes>(l: L, k: &Spread<L>, sites: &Sites<L>, part: usize) -> L::F {
    let sum = l.add(l.add(sites.west[part], sites.east[part]), l.add(sites.north[part], sites.south[part]));
    l.fma(k.spread, sum, l.mul(k.centre, sites.here[part]))
}

/// Turns the pair `a` and `c`.
#[inline(always)]
fn cascade<L: Lanes>(l: L, k: &Spread<L>, a: [L::F; 2], c: [L::F; 2]) -> ([L::F; 2], [L::F; 2]) {
    let [whole, half, quarter, eighth] = k.cascade;
    let less = l.fnma(eighth, square(l, a), k.one);
    let product = times_conjugate(l, c, a);
    let m = [l.fma(half, product[0], l.mul(less, a[0])), l.fma(half, product[1], l.mul(less, a[1]))];
    let size = square(l, m);
    let inverse = l.div(k.one, l.fma(quarter, size, k.one));
    let stay = l.mul(l.fnma(quarter, size, k.one), inverse);
    let turn = l.mul(whole, inverse);
    let up = times_conjugate(l, c, m);
    let down = [l.fms(m[0], a[0], l.mul(m[1], a[1])), l.fma(m[0], a[1], l.mul(m[1], a[0]))];
    (
        [l.fma(turn, up[0], l.mul(stay, a[0])), l.fma(turn, up[1], l.mul(stay, a[1]))],
        [l.fnma(turn, down[0], l.mul(stay, c[0])), l.fnma(turn, down[1], l.mul(stay, c[1]))],
    )
}

#[inline(always)]
fn square<L: Lanes>(l: L, z: [L::F; 2]) -> L::F {
    l.fma(z[0], z[0], l.mul(z[1], z[1]))
}

#[inline(always)]
fn add_square<L: Lanes>(l: L, z: [L::F; 2], to: L::F) -> L::F {
    l.fma(z[0], z[0], l.fma(z[1], z[1], to))
}

/// `c ā`.
#[inline(always)]
fn times_conjugate<L: Lanes>(l: L, c: [L::F; 2], a: [L::F; 2]) -> [L::F; 2] {
    [l.fma(c[0], a[0], l.mul(c[1], a[1])), l.fms(c[1], a[0], l.mul(c[0], a[1]))]
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
fn load2<L: Lanes>(l: L, rows: &[&mut [f32]; 2], x: usize) -> [L::F; 2] {
    [l.load(lanes(rows[0], x)), l.load(lanes(rows[1], x))]
}

#[inline(always)]
fn store2<L: Lanes>(l: L, rows: &mut [&mut [f32]; 2], x: usize, z: [L::F; 2]) {
    l.store(lanes_mut(rows[0], x), z[0]);
    l.store(lanes_mut(rows[1], x), z[1]);
}

/// `count` numbers from `x` on, then zeros.
#[inline(always)]
fn part<L: Lanes>(l: L, row: &[f32], x: usize, count: usize) -> L::F {
    let mut padded = [0.0; LANES];
    padded[..count].copy_from_slice(&row[x..x + count]);
    l.load(&padded)
}

#[inline(always)]
fn part2<L: Lanes>(l: L, rows: &[&mut [f32]; 2], x: usize, count: usize) -> [L::F; 2] {
    [part(l, rows[0], x, count), part(l, rows[1], x, count)]
}

/// The right neighbours of the `count` sites from `x` on, the last of them `first`.
#[inline(always)]
fn joined<L: Lanes>(l: L, row: &[f32], x: usize, count: usize, first: L::F) -> L::F {
    let mut padded = [0.0; LANES];
    l.store(&mut padded, first);
    padded[..count - 1].copy_from_slice(&row[x + 1..x + count]);
    l.load(&padded)
}

#[inline(always)]
fn put2<L: Lanes>(l: L, rows: &mut [&mut [f32]; 2], x: usize, count: usize, z: [L::F; 2]) {
    for (row, z) in rows.iter_mut().zip(z) {
        let mut lanes = [0.0; LANES];
        l.store(&mut lanes, z);
        row[x..x + count].copy_from_slice(&lanes[..count]);
    }
}
