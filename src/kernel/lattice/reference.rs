//! A band's step on a whole sheet, site after site: the definition that the lanes are held to.

use super::super::noise::{NoiseKey, RoundKeys, at_site};
use super::{Factors, TINY};

/// A complex number of the arithmetic.
type Complex = [f32; 2];

/// One band of a sheet, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Columns.
    pub width: usize,
    /// Real parts.
    pub re: Vec<f32>,
    /// Imaginary parts.
    pub im: Vec<f32>,
}

impl Plane {
    fn at(&self, y: usize, x: usize) -> Complex {
        [self.re[y * self.width + x], self.im[y * self.width + x]]
    }

    fn set(&mut self, y: usize, x: usize, [re, im]: Complex) {
        self.re[y * self.width + x] = re;
        self.im[y * self.width + x] = im;
    }
}

/// Steps `slow`, a band's plane, with `fast`, that of the next faster one where there is one, and `drive`, a
/// complex amplitude per site in units of the tonic rms.
pub fn step_plane(
    factors: &Factors,
    key: &NoiseKey,
    drive: Option<&Plane>,
    slow: &mut Plane,
    mut fast: Option<&mut Plane>,
) {
    let keys = RoundKeys::new(key.seed);
    let old = slow.clone();
    let width = old.width;
    let height = old.re.len() / width;
    for y in 0..height {
        for x in 0..width {
            let mut a = diffuse(factors, &old, height, y, x);
            if let Some(drive) = drive {
                let [p, q] = drive.at(y, x);
                a = [factors.drive.mul_add(p, a[0]), factors.drive.mul_add(q, a[1])];
            }
            let noise = at_site((key, &keys, &factors.noise), width, y, x);
            a = pull_and_shake(factors, noise, a);
            if let Some(fast) = &mut fast {
                let (turned, other) = cascade(factors, a, fast.at(y, x));
                a = turned;
                fast.set(y, x, other);
            }
            if factors.noise.is_silent() {
                a = a.map(|part| if part.abs() < TINY { 0.0 } else { part });
            }
            slow.set(y, x, a);
        }
    }
}

fn diffuse(factors: &Factors, old: &Plane, height: usize, y: usize, x: usize) -> Complex {
    let width = old.width;
    let (west, east) = (old.at(y, (x + width - 1) % width), old.at(y, (x + 1) % width));
    let (north, south) = (old.at((y + height - 1) % height, x), old.at((y + 1) % height, x));
    let here = old.at(y, x);
    std::array::from_fn(|part| {
        let sum = (west[part] + east[part]) + (north[part] + south[part]);
        factors.spread.mul_add(sum, factors.centre * here[part])
    })
}

/// Saturation, damping, noise.
fn pull_and_shake(factors: &Factors, noise: Complex, a: Complex) -> Complex {
    let size = square(a);
    let held = if size < factors.ceiling { size } else { factors.ceiling };
    let [c0, c1, c2] = factors.pull;
    let pull = held.mul_add(c2, c1).mul_add(held, c0);
    std::array::from_fn(|part| pull.mul_add(a[part], noise[part]))
}

fn cascade(factors: &Factors, a: Complex, c: Complex) -> (Complex, Complex) {
    let [k, half, quarter, eighth] = factors.cascade;
    let less = (-eighth).mul_add(square(a), 1.0);
    let product = times_conjugate(c, a);
    let m = [half.mul_add(product[0], less * a[0]), half.mul_add(product[1], less * a[1])];
    let size = square(m);
    let inverse = 1.0 / quarter.mul_add(size, 1.0);
    let stay = (-quarter).mul_add(size, 1.0) * inverse;
    let turn = k * inverse;
    let up = times_conjugate(c, m);
    let down = [m[0].mul_add(a[0], -(m[1] * a[1])), m[0].mul_add(a[1], m[1] * a[0])];
    (
        std::array::from_fn(|part| turn.mul_add(up[part], stay * a[part])),
        std::array::from_fn(|part| (-turn).mul_add(down[part], stay * c[part])),
    )
}

fn square([re, im]: Complex) -> f32 {
    re.mul_add(re, im * im)
}

/// `c ā`.
fn times_conjugate(c: Complex, a: Complex) -> Complex {
    [c[0].mul_add(a[0], c[1] * a[1]), c[1].mul_add(a[0], -(c[0] * a[1]))]
}
