//! Value noise for textures: the same everywhere, from hashes of integers only.

#![allow(clippy::inline_always)] // for `wide`

use rapier3d::prelude::Vector;

use super::wide::{Wide, Words};

/// A number in `[0, 1)` of three integers.
#[inline(always)]
pub(super) fn uniform<const N: usize>(x: Words<N>, y: Words<N>, z: Words<N>) -> Wide<N> {
    Words::hash(x, y, z).fraction()
}

/// Value noise in the plane, 0 to 1, one bump per unit.
#[inline(always)]
pub(super) fn plane<const N: usize>(x: Wide<N>, y: Wide<N>, layer: Words<N>) -> Wide<N> {
    let ((ix, fx), (iy, fy)) = (x.floor(), y.floor());
    let (u, v) = (fade(x - fx), fade(y - fy));
    let row = |iy: Words<N>| Wide::lerp(uniform(ix, iy, layer), uniform(ix.plus(1), iy, layer), u);
    Wide::lerp(row(iy), row(iy.plus(1)), v)
}

/// Value noise in space, 0 to 1, one bump per unit.
#[inline]
pub(super) fn space(p: Vector) -> f32 {
    let [x, y, z] = p.to_array().map(|x| Wide([x]));
    let ((ix, fx), (iy, fy), (iz, fz)) = (x.floor(), y.floor(), z.floor());
    let (u, v, w) = (fade(x - fx), fade(y - fy), fade(z - fz));
    let row = |iy: Words<1>, iz: Words<1>| Wide::lerp(uniform(ix, iy, iz), uniform(ix.plus(1), iy, iz), u);
    let sheet = |iz: Words<1>| Wide::lerp(row(iy, iz), row(iy.plus(1), iz), v);
    Wide::lerp(sheet(iz), sheet(iz.plus(1)), w).0[0]
}

#[inline(always)]
fn fade<const N: usize>(t: Wide<N>) -> Wide<N> {
    t * t * (Wide::splat(3.0) - t * 2.0)
}
