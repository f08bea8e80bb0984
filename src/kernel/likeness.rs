//! Products of rows of numbers with one row: how much each is like it.

use super::wide::compile_wide;

/// Numbers of a row.
pub const NUMBERS: usize = 32;
/// Sums that a product is taken in, side by side.
const SUMS: usize = 8;

/// A row.
pub type Row = [f32; NUMBERS];

compile_wide! {
    /// The product with `one` of each row that `of` names, into as many of `out`.
    ///
    /// # Panics
    /// Where `of` names no row.
    pub fn products, products_on(rows: &[Row], of: &[usize], one: &Row, out: &mut [f32]) = products_body
}

#[inline(always)]
fn products_body(rows: &[Row], of: &[usize], one: &Row, out: &mut [f32]) {
    for (out, row) in out.iter_mut().zip(of) {
        *out = product(&rows[*row], one);
    }
}

/// The product of two rows: eight sums, added in pairs.
#[must_use]
#[inline(always)]
pub fn product(one: &Row, other: &Row) -> f32 {
    let mut sums = [0.0f32; SUMS];
    for (one, other) in one.as_chunks::<SUMS>().0.iter().zip(other.as_chunks::<SUMS>().0) {
        for l in 0..SUMS {
            sums[l] += one[l] * other[l];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;
    use crate::random::Stream;

    #[test]
    fn products_are_those_of_pairs_to_the_bit_and_of_the_rows_that_are_named() {
        let mut draws = Stream::new(5, 1);
        let mut row = || -> Row { std::array::from_fn(|_| draws.normal() as f32) };
        let (rows, one) = (vec![row(), row(), row(), row()], row());
        let of = [3, 0, 0, 2];
        for isa in Isa::all() {
            let mut out = [0.0; 5];
            products_on(*isa, &rows, &of, &one, &mut out);
            for (out, row) in out.iter().zip(of) {
                assert_eq!(out.to_bits(), product(&rows[row], &one).to_bits(), "{isa:?}");
            }
            assert_eq!(out[4], 0.0);
        }
        let of_itself = product(&one, &one);
        let squares: f32 = one.iter().map(|x| x * x).sum();
        assert!((of_itself - squares).abs() < 1e-4 * squares);
    }
}
