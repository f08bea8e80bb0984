//! The sub-steps of a band on a register of sites at a time; real-time code.

use super::super::lanes::Register;
use super::{CAUSES, Factors};

/// Where a sum of [`super::Sums`] stands.
pub(super) const DIFFUSED: usize = 0;
pub(super) const PUSHED: usize = 1;
pub(super) const PULLED: usize = 2;
pub(super) const NOISY: usize = 3;
pub(super) const CASCADED: usize = 4;
pub(super) const FAST: usize = 5;

/// The factors in every lane.
pub(super) struct Spread<R: Register> {
    one: R::F,
    centre: R::F,
    share: R::F,
    drive: R::F,
    ceiling: R::F,
    pull: [R::F; 3],
    cascade: [R::F; 4],
}

impl<R: Register> Spread<R> {
    #[inline(always)]
    pub(super) fn new(r: R, factors: &Factors) -> Self {
        let ([p0, p1, p2], [k, half, quarter, eighth]) = (factors.pull, factors.cascade);
        Self {
            one: r.splat(1.0),
            centre: r.splat(factors.centre),
            share: r.splat(factors.spread),
            drive: r.splat(factors.drive),
            ceiling: r.splat(factors.ceiling),
            pull: [r.splat(p0), r.splat(p1), r.splat(p2)],
            cascade: [r.splat(k), r.splat(half), r.splat(quarter), r.splat(eighth)],
        }
    }
}

/// Sites before the step, with their neighbours.
pub(super) struct Sites<R: Register> {
    pub(super) here: [R::F; 2],
    pub(super) west: [R::F; 2],
    pub(super) east: [R::F; 2],
    pub(super) north: [R::F; 2],
    pub(super) south: [R::F; 2],
}

/// The sub-steps up to the noise, in their order; `real` is 1 in the lanes that are sites, where not all are.
#[inline(always)]
pub(super) fn advance<R: Register, const DRIVEN: bool, const BOOKED: bool>(
    r: R,
    k: &Spread<R>,
    sites: &Sites<R>,
    real: Option<R::F>,
    push: [R::F; 2],
    noise: [R::F; 2],
    totals: &mut [R::F; CAUSES],
) -> [R::F; 2] {
    let mut a = [diffuse(r, k, sites, 0), diffuse(r, k, sites, 1)];
    if let Some(real) = real {
        a = [r.mul(a[0], real), r.mul(a[1], real)];
    }
    if DRIVEN {
        if BOOKED {
            totals[DIFFUSED] = r.add(totals[DIFFUSED], square(r, a));
        }
        a = [r.fma(k.drive, push[0], a[0]), r.fma(k.drive, push[1], a[1])];
    }
    let size = square(r, a);
    let held = r.min(size, k.ceiling);
    let pull = r.fma(r.fma(held, k.pull[2], k.pull[1]), held, k.pull[0]);
    if BOOKED {
        totals[PUSHED] = r.add(totals[PUSHED], size);
        totals[PULLED] = r.fma(r.mul(pull, pull), size, totals[PULLED]);
    }
    [r.fma(pull, a[0], noise[0]), r.fma(pull, a[1], noise[1])]
}

#[inline(always)]
fn diffuse<R: Register>(r: R, k: &Spread<R>, sites: &Sites<R>, part: usize) -> R::F {
    let sum = r.add(r.add(sites.west[part], sites.east[part]), r.add(sites.north[part], sites.south[part]));
    r.fma(k.share, sum, r.mul(k.centre, sites.here[part]))
}

/// Turns the pair `a` and `c`; `size` is the square of `a`.
#[inline(always)]
pub(super) fn cascade<R: Register>(
    r: R,
    k: &Spread<R>,
    a: [R::F; 2],
    size: R::F,
    c: [R::F; 2],
) -> ([R::F; 2], [R::F; 2]) {
    let [whole, half, quarter, eighth] = k.cascade;
    let less = r.fnma(eighth, size, k.one);
    let product = times_conjugate(r, c, a);
    let m = [r.fma(half, product[0], r.mul(less, a[0])), r.fma(half, product[1], r.mul(less, a[1]))];
    let size = square(r, m);
    let inverse = r.div(k.one, r.fma(quarter, size, k.one));
    let stay = r.mul(r.fnma(quarter, size, k.one), inverse);
    let turn = r.mul(whole, inverse);
    let up = times_conjugate(r, c, m);
    let down = [r.fms(m[0], a[0], r.mul(m[1], a[1])), r.fma(m[0], a[1], r.mul(m[1], a[0]))];
    (
        [r.fma(turn, up[0], r.mul(stay, a[0])), r.fma(turn, up[1], r.mul(stay, a[1]))],
        [r.fnma(turn, down[0], r.mul(stay, c[0])), r.fnma(turn, down[1], r.mul(stay, c[1]))],
    )
}

#[inline(always)]
pub(super) fn square<R: Register>(r: R, z: [R::F; 2]) -> R::F {
    r.fma(z[0], z[0], r.mul(z[1], z[1]))
}

#[inline(always)]
pub(super) fn add_square<R: Register>(r: R, z: [R::F; 2], to: R::F) -> R::F {
    r.fma(z[0], z[0], r.fma(z[1], z[1], to))
}

/// `c ā`.
#[inline(always)]
fn times_conjugate<R: Register>(r: R, c: [R::F; 2], a: [R::F; 2]) -> [R::F; 2] {
    [r.fma(c[0], a[0], r.mul(c[1], a[1])), r.fms(c[1], a[0], r.mul(c[0], a[1]))]
}
