//! A symmetric blur of a sheet along its rows, then along its columns; its edges go on as they end.

use super::wide::compile_wide;

/// Sites of a row that are summed side by side.
const STRIP: usize = 64;

/// A symmetric kernel and the room that blurring takes.
#[derive(Clone, Debug)]
pub struct Blur {
    /// The centre and one side, from the centre on.
    side: Vec<f32>,
    /// One row with its ends drawn out.
    drawn_out: Vec<f32>,
    /// The sheet after its rows.
    rows: Vec<f32>,
}

impl Blur {
    /// A blur of sheets of `height` x `width` by the kernel with this centre and side (at least the centre).
    #[must_use]
    pub fn new(side: Vec<f32>, height: usize, width: usize) -> Self {
        let drawn_out = vec![0.0; width + 2 * (side.len().max(1) - 1)];
        Self { side, drawn_out, rows: vec![0.0; height * width] }
    }

    /// Blurs `sheet` into `out`.
    ///
    /// # Panics
    /// Where either has another size than the blur was made for.
    pub fn apply(&mut self, sheet: &[f32], out: &mut [f32]) {
        assert!(sheet.len() == self.rows.len() && out.len() == sheet.len(), "a blur fits one size of sheet");
        blur(self, sheet, out);
    }
}

/// The centre and one side of a Gaussian cut at 3 standard deviations, whose whole sums to 1; `deviation` in sites, above 0.
#[must_use]
pub fn half_gaussian(deviation: f32) -> Vec<f32> {
    let reach = (3.0 * deviation).ceil() as usize;
    let value =
        |at: usize| libm::exp(-0.5 * (at as f64 / f64::from(deviation)) * (at as f64 / f64::from(deviation)));
    let total = 1.0 + 2.0 * (1..=reach).map(value).sum::<f64>();
    (0..=reach).map(|at| (value(at) / total) as f32).collect()
}

compile_wide! {
    fn blur, blur_on(with: &mut Blur, sheet: &[f32], out: &mut [f32]) = blur_body
}

#[inline(always)]
fn blur_body(with: &mut Blur, sheet: &[f32], out: &mut [f32]) {
    let Blur { side, drawn_out, rows } = with;
    let Some((&centre, side)) = side.split_first() else { return };
    let reach = side.len();
    let width = drawn_out.len() - 2 * reach;
    let height = rows.len() / width;
    for (row, out) in sheet.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
        drawn_out[..reach].fill(row[0]);
        drawn_out[reach..reach + width].copy_from_slice(row);
        drawn_out[reach + width..].fill(row[width - 1]);
        let beside = |away: usize| (&drawn_out[reach - away..][..width], &drawn_out[reach + away..][..width]);
        weigh(out, centre, row, side, beside);
    }
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        let row = |y: usize| &rows[y * width..(y + 1) * width];
        weigh(out, centre, row(y), side, |away| {
            (row(y.saturating_sub(away)), row((y + away).min(height - 1)))
        });
    }
}

/// `out = centre * row + sum over n of side[n] * (the pair of rows n + 1 away)`, in the order of the distances.
#[inline(always)]
fn weigh<'a>(
    out: &mut [f32],
    centre: f32,
    row: &[f32],
    side: &[f32],
    pair: impl Fn(usize) -> (&'a [f32], &'a [f32]),
) {
    let width = out.len();
    let (strips, rest) = out.as_chunks_mut::<STRIP>();
    for (n, strip) in strips.iter_mut().enumerate() {
        // Sums stay in registers over all distances.
        let at = n * STRIP;
        let mut sum: [f32; STRIP] = core::array::from_fn(|l| centre * row[at + l]);
        for (away, &weight) in (1..).zip(side) {
            let (a, b) = pair(away);
            let (a, b) = (&a[at..at + STRIP], &b[at..at + STRIP]);
            for l in 0..STRIP {
                sum[l] += weight * (a[l] + b[l]);
            }
        }
        *strip = sum;
    }
    let at = width - rest.len();
    for (out, x) in rest.iter_mut().zip(&row[at..]) {
        *out = centre * x;
    }
    for (away, &weight) in (1..).zip(side) {
        let (a, b) = pair(away);
        for ((out, a), b) in rest.iter_mut().zip(&a[at..]).zip(&b[at..]) {
            *out += weight * (a + b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wide::Isa;
    use super::*;

    const SIDE: [f32; 4] = [0.4, 0.15, 0.1, 0.05];

    fn sheet(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 7_919) % 1_009) as f32 * 0.01 - 5.0).collect()
    }

    #[test]
    fn each_site_is_the_weighted_mean_of_its_neighbours() {
        for (height, width) in [(1, 1), (2, 5), (9, 4), (37, 19), (5, 150)] {
            let sheet = sheet(height, width);
            let mut out = vec![f32::NAN; height * width];
            Blur::new(SIDE.to_vec(), height, width).apply(&sheet, &mut out);
            let at = |y: isize, x: isize| {
                let y = y.clamp(0, height.cast_signed() - 1).cast_unsigned();
                let x = x.clamp(0, width.cast_signed() - 1).cast_unsigned();
                f64::from(sheet[y * width + x])
            };
            for (site, &value) in out.iter().enumerate() {
                let (y, x) = ((site / width).cast_signed(), (site % width).cast_signed());
                let mut expected = 0.0;
                for dy in -3isize..=3 {
                    for dx in -3isize..=3 {
                        let weight = SIDE[dy.unsigned_abs()] * SIDE[dx.unsigned_abs()];
                        expected += f64::from(weight) * at(y + dy, x + dx);
                    }
                }
                assert!((f64::from(value) - expected).abs() < 1e-5, "{height} x {width}: {value} {expected}");
            }
        }
    }

    #[test]
    fn no_set_of_vector_instructions_changes_a_bit() {
        let sheet = sheet(21, 37);
        let run = |isa| {
            let mut out = vec![0.0; sheet.len()];
            blur_on(isa, &mut Blur::new(SIDE.to_vec(), 21, 37), &sheet, &mut out);
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        for &isa in Isa::all() {
            assert_eq!(run(isa), run(Isa::Portable), "{isa:?}");
        }
    }
}
