//! Lengths, units and floors of vectors from exact operations that compile to single instructions.
//!
//! The vector type's own go through software routines in its deterministic build; per pixel that is too slow.

use rapier3d::prelude::Vector;

/// Euclidean length.
#[inline]
pub(super) fn length(v: Vector) -> f32 {
    v.dot(v).sqrt()
}

/// The vector of length one in this direction.
#[inline]
pub(super) fn unit(v: Vector) -> Vector {
    v * (1.0 / length(v))
}

/// Every component without its sign.
#[inline]
pub(super) fn absolute(v: Vector) -> Vector {
    Vector::new(v.x.abs(), v.y.abs(), v.z.abs())
}

/// One with the sign of `x`.
#[inline]
pub(super) fn sign(x: f32) -> f32 {
    if x < 0.0 { -1.0 } else { 1.0 }
}

/// The greatest whole number not above `x`, for `x` within the range of `i32`.
#[inline]
pub(super) fn floor(x: f32) -> (i32, f32) {
    let cut = x as i32;
    let whole = if cut as f32 > x { cut - 1 } else { cut };
    (whole, whole as f32)
}
