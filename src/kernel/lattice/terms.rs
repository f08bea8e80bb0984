//! The sub-steps of a band on sixteen sites at a time; real-time code.

use super::super::lanes::Lanes;
use super::{CAUSES, Factors};

/// Where a sum of [`super::Sums`] stands.
pub(super) const DIFFUSED: usize = 0;
pub(super) const PUSHED: usize = 1;
pub(super) const PULLED: usize = 2;
pub(super) const NOISY: usize = 3;
pub(super) const CASCADED: usize = 4;
pub(super) const FAST: usize = 5;

/// The factors in every lane.
pub(super) struct Spread<L: Lanes> {
    one: L::F,
    centre: L::F,
    share: L::F,
    drive: L::F,
    ceiling: L::F,
    pull: [L::F; 3],
    cascade: [L::F; 4],
}

impl<L: Lanes> Spread<L> {
    #[inline(always)]
    pub(super) fn new(l: L, factors: &Factors) -> Self {
        let ([p0, p1, p2], [k, half, quarter, eighth]) = (factors.pull, factors.cascade);
        Self {
            one: l.splat(1.0),
            centre: l.splat(factors.centre),
            share: l.splat(factors.spread),
            drive: l.splat(factors.drive),
            ceiling: l.splat(factors.ceiling),
            pull: [l.splat(p0), l.splat(p1), l.splat(p2)],
            cascade: [l.splat(k), l.splat(half), l.splat(quarter), l.splat(eighth)],
        }
    }
}

/// Sixteen sites before the step, with their neighbours.
pub(super) struct Sites<L: Lanes> {
    pub(super) here: [L::F; 2],
    pub(super) west: [L::F; 2],
    pub(super) east: [L::F; 2],
    pub(super) north: [L::F; 2],
    pub(super) south: [L::F; 2],
}

/// The sub-steps up to the noise, in their order; `real` is 1 in the lanes that are sites, where not all are.
#[inline(always)]
pub(super) fn advance<L: Lanes, const DRIVEN: bool, const BOOKED: bool>(
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
    l.fma(k.share, sum, l.mul(k.centre, sites.here[part]))
}

/// Turns the pair `a` and `c`; `size` is the square of `a`.
#[inline(always)]
pub(super) fn cascade<L: Lanes>(
    l: L,
    k: &Spread<L>,
    a: [L::F; 2],
    size: L::F,
    c: [L::F; 2],
) -> ([L::F; 2], [L::F; 2]) {
    let [whole, half, quarter, eighth] = k.cascade;
    let less = l.fnma(eighth, size, k.one);
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
pub(super) fn square<L: Lanes>(l: L, z: [L::F; 2]) -> L::F {
    l.fma(z[0], z[0], l.mul(z[1], z[1]))
}

#[inline(always)]
pub(super) fn add_square<L: Lanes>(l: L, z: [L::F; 2], to: L::F) -> L::F {
    l.fma(z[0], z[0], l.fma(z[1], z[1], to))
}

/// `c ā`.
#[inline(always)]
fn times_conjugate<L: Lanes>(l: L, c: [L::F; 2], a: [L::F; 2]) -> [L::F; 2] {
    [l.fma(c[0], a[0], l.mul(c[1], a[1])), l.fms(c[1], a[0], l.mul(c[0], a[1]))]
}
