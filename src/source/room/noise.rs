//! Hashes and value noise for textures: the same everywhere, from integers only.

use rapier3d::prelude::Vector;

use super::vector::floor;

/// A mixed word of three integers, after the finalisers of `MurmurHash3` (A. Appleby).
#[inline]
pub(super) fn hash(x: i32, y: i32, z: i32) -> u32 {
    let mut word = x.cast_unsigned().wrapping_mul(0x9e37_79b9)
        ^ y.cast_unsigned().wrapping_mul(0x85eb_ca6b)
        ^ z.cast_unsigned().wrapping_mul(0xc2b2_ae35);
    word = (word ^ (word >> 15)).wrapping_mul(0x7feb_352d);
    word = (word ^ (word >> 13)).wrapping_mul(0x846c_a68b);
    word ^ (word >> 16)
}

/// A number in `[0, 1)` of three integers.
#[inline]
pub(super) fn uniform(x: i32, y: i32, z: i32) -> f32 {
    (hash(x, y, z) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Value noise in the plane, 0 to 1, one bump per unit.
#[inline]
pub(super) fn plane(x: f32, y: f32, layer: i32) -> f32 {
    let ((ix, fx), (iy, fy)) = (floor(x), floor(y));
    let (u, v) = (fade(x - fx), fade(y - fy));
    let row = |iy: i32| lerp(uniform(ix, iy, layer), uniform(ix + 1, iy, layer), u);
    lerp(row(iy), row(iy + 1), v)
}

/// Value noise in space, 0 to 1, one bump per unit.
#[inline]
pub(super) fn space(p: Vector) -> f32 {
    let ((ix, fx), (iy, fy), (iz, fz)) = (floor(p.x), floor(p.y), floor(p.z));
    let (u, v, w) = (fade(p.x - fx), fade(p.y - fy), fade(p.z - fz));
    let row = |iy: i32, iz: i32| lerp(uniform(ix, iy, iz), uniform(ix + 1, iy, iz), u);
    let sheet = |iz: i32| lerp(row(iy, iz), row(iy + 1, iz), v);
    lerp(sheet(iz), sheet(iz + 1), w)
}

#[inline]
fn fade(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

/// The way from `a` to `b`.
#[inline]
pub(super) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}
