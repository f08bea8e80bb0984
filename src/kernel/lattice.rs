//! One row of one step of the oscillator lattice: the reference; runs on the real-time thread.
//!
//! The sub-steps, in this order, are the schedule that `array::step` documents: diffusion, drive, cascade,
//! saturation, rotation with damping, noise. Every product that is added is a fused multiply-add and every
//! sum has a fixed order, so that the bits depend neither on the instruction set nor on the team.

use super::noise::{NoiseKey, counters_per_row, fill_row};

/// Sub-steps that change a band's energy, in the order in which they run.
pub const CAUSES: usize = 6;
/// Partial sums of an energy.
const LANES: usize = 16;
/// Magnitudes below this become zero, so that a decaying band never slows the processor down.
const TINY: f32 = 1e-25;

/// The numbers of one band for one step of length `h`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BandStep {
    /// `D h`, the weight of each neighbour's difference.
    pub diffusion: f32,
    /// `γ h sqrt(E)` times the carrier `e^{iωt}` of this tick: real and imaginary part.
    pub drive: [f32; 2],
    /// `κ γ h / sqrt(E)`: the triad of this band with the next faster one; 0 for the fastest.
    pub cascade: f32,
    /// `2 g h`.
    pub saturation: f32,
    /// `e^{(-γ + iω) h}`: real and imaginary part.
    pub rotation: [f32; 2],
    /// Standard deviation of each part of the noise that a step adds.
    pub noise: f32,
}

/// A row of every band: real and imaginary parts, `bands * width` values each, band by band.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    width: usize,
    /// Real parts.
    pub re: Vec<f32>,
    /// Imaginary parts.
    pub im: Vec<f32>,
}

impl Row {
    /// A row of zeros.
    #[must_use]
    pub fn new(bands: usize, width: usize) -> Self {
        Self { width, re: vec![0.0; bands * width], im: vec![0.0; bands * width] }
    }

    #[inline(always)]
    fn band(&mut self, band: usize) -> (&mut [f32], &mut [f32]) {
        let range = band * self.width..(band + 1) * self.width;
        (&mut self.re[range.clone()], &mut self.im[range])
    }
}

/// The whole sheet before a step: `bands * height * width` values each, band by band, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Real parts.
    pub re: &'a [f32],
    /// Imaginary parts.
    pub im: &'a [f32],
}

/// What drives a row: amplitudes in units of the tonic rms, one per site.
#[derive(Clone, Copy, Debug)]
pub struct RowDrive<'a> {
    /// Phasic drive of the fastest band, real part (in phase with the carrier).
    pub phasic_re: &'a [f32],
    /// Phasic drive of the fastest band, imaginary part.
    pub phasic_im: &'a [f32],
    /// Sustained drive, at least 0; empty where the sheet has none.
    pub sustained: &'a [f32],
    /// The band that each column's sustained drive belongs to.
    pub sustained_band: &'a [u8],
}

/// The energy of one band of one row, and how it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BandBook {
    /// `Σ|z|²` now. It is carried from step to step, so that a step never measures the same state twice.
    pub energy: f64,
    /// Changes by cause in this step.
    pub changes: [f64; CAUSES],
}

/// One row's books, band by band.
pub type RowBook = [BandBook];

/// Fills `noise` with the noise of row `y`: every band, `E|ξ|² = 2`.
///
/// `key.lane` is that of band 0; band `b` adds `b`.
pub fn draw_noise(key: NoiseKey, y: usize, noise: &mut Row) {
    #[cfg(target_arch = "x86_64")]
    if has_fma() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { draw_noise_avx2(key, y, noise) };
    }
    draw_noise_body(key, y, noise);
}

/// Steps row `y` of `sheet` into `out`, with the noise that [`draw_noise`] gave; books the change of
/// energy by cause where a book is given (one entry per band).
pub fn step_row(
    bands: &[BandStep],
    sheet: &Sheet<'_>,
    y: usize,
    drive: Option<&RowDrive<'_>>,
    noise: &Row,
    out: &mut Row,
    book: Option<&mut RowBook>,
) {
    #[cfg(target_arch = "x86_64")]
    if has_fma() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { step_row_avx2(bands, sheet, y, drive, noise, out, book) };
    }
    step_row_body(bands, sheet, y, drive, noise, out, book);
}

/// Which compilation of the kernels this processor runs.
#[must_use]
pub fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if has_fma() {
        return "avx2+fma";
    }
    "baseline"
}

#[cfg(target_arch = "x86_64")]
fn has_fma() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn draw_noise_avx2(key: NoiseKey, y: usize, noise: &mut Row) {
    draw_noise_body(key, y, noise);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn step_row_avx2(
    bands: &[BandStep],
    sheet: &Sheet<'_>,
    y: usize,
    drive: Option<&RowDrive<'_>>,
    noise: &Row,
    out: &mut Row,
    book: Option<&mut RowBook>,
) {
    step_row_body(bands, sheet, y, drive, noise, out, book);
}

#[inline(always)]
fn draw_noise_body(key: NoiseKey, y: usize, noise: &mut Row) {
    let width = noise.width;
    let first = (y as u32).wrapping_mul(counters_per_row(width));
    for band in 0..noise.re.len() / width {
        let key = NoiseKey { lane: key.lane + band as u32, ..key };
        let (re, im) = noise.band(band);
        fill_row(key, first, re, im);
    }
}

#[inline(always)]
fn step_row_body(
    bands: &[BandStep],
    sheet: &Sheet<'_>,
    y: usize,
    drive: Option<&RowDrive<'_>>,
    noise: &Row,
    out: &mut Row,
    book: Option<&mut RowBook>,
) {
    let mut books = Bookkeeper { book };
    for (band, step) in bands.iter().enumerate() {
        let range = band * sheet.width..(band + 1) * sheet.width;
        let (re, im) = (&mut out.re[range.clone()], &mut out.im[range]);
        diffuse(sheet.re, sheet, band, y, step.diffusion, re);
        diffuse(sheet.im, sheet, band, y, step.diffusion, im);
        books.close(band, 0, re, im);
    }
    if let Some(drive) = drive {
        for (band, step) in bands.iter().enumerate() {
            let (re, im) = out.band(band);
            if band + 1 == bands.len() {
                strike(step.drive, drive, re, im);
            } else if drive.sustained.is_empty() {
                continue;
            }
            sustain(step.drive, band, drive, re, im);
            books.close(band, 1, re, im);
        }
    }
    for slow in (0..bands.len().saturating_sub(1)).rev() {
        cascade(bands[slow].cascade, slow, out, &mut books);
    }
    for (band, step) in bands.iter().enumerate() {
        let (re, im) = out.band(band);
        saturate(step.saturation, re, im);
        books.close(band, 3, re, im);
        rotate(step.rotation, re, im);
        books.close(band, 4, re, im);
        let range = band * sheet.width..(band + 1) * sheet.width;
        add_noise(step.noise, &noise.re[range.clone()], &noise.im[range], re, im);
        books.close(band, 5, re, im);
    }
}

/// `z += D h ∇²z` on the torus; reads the sheet, writes a row.
#[inline(always)]
fn diffuse(plane: &[f32], sheet: &Sheet<'_>, band: usize, y: usize, d: f32, out: &mut [f32]) {
    const BLOCK: usize = 8;
    let (height, width) = (sheet.height, sheet.width);
    let row = |y: usize| &plane[(band * height + y) * width..][..width];
    let (here, north, south) = (row(y), row((y + height - 1) % height), row((y + 1) % height));
    if width < BLOCK + 2 {
        for (x, out) in out.iter_mut().enumerate() {
            *out = diffuse_site(d, x, here, north, south);
        }
        return;
    }
    out[0] = diffuse_site(d, 0, here, north, south);
    out[width - 1] = diffuse_site(d, width - 1, here, north, south);
    let mut x = 1;
    while x + BLOCK < width {
        diffuse_block::<BLOCK>(d, x, here, north, south, out);
        x += BLOCK;
    }
    // The last block overlaps the one before: the same values again, and no loop over single sites.
    diffuse_block::<BLOCK>(d, width - 1 - BLOCK, here, north, south, out);
}

/// One site of a row, the ends of the row joined.
#[inline(always)]
fn diffuse_site(d: f32, x: usize, here: &[f32], north: &[f32], south: &[f32]) -> f32 {
    let width = here.len();
    let (west, east) = (here[(x + width - 1) % width], here[(x + 1) % width]);
    let sum = (west + east) + (north[x] + south[x]);
    d.mul_add((-4.0f32).mul_add(here[x], sum), here[x])
}

/// The sites `x .. x + N` of a row, none of them at its ends. A function, not a closure: a closure need not
/// be inlined, and outside the caller's instruction set a fused multiply-add is a call.
#[inline(always)]
fn diffuse_block<const N: usize>(
    d: f32,
    x: usize,
    here: &[f32],
    north: &[f32],
    south: &[f32],
    out: &mut [f32],
) {
    let (west, z, east) = (&here[x - 1..][..N], &here[x..][..N], &here[x + 1..][..N]);
    let (north, south, out) = (&north[x..][..N], &south[x..][..N], &mut out[x..][..N]);
    for lane in 0..N {
        let sum = (west[lane] + east[lane]) + (north[lane] + south[lane]);
        out[lane] = d.mul_add((-4.0f32).mul_add(z[lane], sum), z[lane]);
    }
}

/// The phasic drive of the fastest band: `z += γ h sqrt(E) a e^{iωt}` with complex amplitude `a`.
#[inline(always)]
fn strike([c, s]: [f32; 2], drive: &RowDrive<'_>, re: &mut [f32], im: &mut [f32]) {
    for ((re, im), (a, b)) in
        re.iter_mut().zip(im.iter_mut()).zip(drive.phasic_re.iter().zip(drive.phasic_im))
    {
        *re = c.mul_add(*a, (-s).mul_add(*b, *re));
        *im = s.mul_add(*a, c.mul_add(*b, *im));
    }
}

/// The sustained drive of the columns that belong to `band`.
#[inline(always)]
fn sustain([c, s]: [f32; 2], band: usize, drive: &RowDrive<'_>, re: &mut [f32], im: &mut [f32]) {
    let columns = drive.sustained.iter().zip(drive.sustained_band);
    for ((re, im), (a, belongs)) in re.iter_mut().zip(im.iter_mut()).zip(columns) {
        let a = if usize::from(*belongs) == band { *a } else { 0.0 };
        *re = c.mul_add(a, *re);
        *im = s.mul_add(a, *im);
    }
}

/// The resonant triad of a band `a` with the next faster one `c`, an octave above:
/// `da = k c ā`, `dc = -k a²`, by the explicit midpoint rule, then scaled back to the pair's energy,
/// which the exact flow conserves.
#[inline(always)]
fn cascade(k: f32, slow: usize, out: &mut Row, books: &mut Bookkeeper<'_>) {
    let width = out.width;
    let range = slow * width..(slow + 2) * width;
    let (slow_re, fast_re) = out.re[range.clone()].split_at_mut(width);
    let (slow_im, fast_im) = out.im[range].split_at_mut(width);
    for_lanes([slow_re, slow_im, fast_re, fast_im], |[ar, ai, cr, ci]| triad(k, [*ar, *ai, *cr, *ci]));
    books.close(slow, 2, slow_re, slow_im);
    books.close(slow + 1, 2, fast_re, fast_im);
}

/// One triad step of the pair `a = [0] + i [1]`, `c = [2] + i [3]`.
#[inline(always)]
fn triad(k: f32, [ar, ai, cr, ci]: [f32; 4]) -> [f32; 4] {
    let (a, c) = ((ar, ai), (cr, ci));
    let half = 0.5 * k;
    let am = add_product(a, half, c, conjugate(a));
    let cm = add_product(c, -half, a, a);
    let a_new = add_product(a, k, cm, conjugate(am));
    let c_new = add_product(c, -k, am, am);
    // The floor keeps 0/0 out; a branch here would keep the loop from running in lanes.
    let grown = (square(a_new) + square(c_new)).max(TINY);
    let scale = ((square(a) + square(c)) / grown).sqrt();
    [a_new.0 * scale, a_new.1 * scale, c_new.0 * scale, c_new.1 * scale]
}

/// Maps four rows in place, sixteen sites at a time and then the rest one by one: with arrays of a fixed
/// length the compiler sees that the rows do not overlap and keeps them in registers.
#[inline(always)]
fn for_lanes(rows: [&mut [f32]; 4], map: impl Fn([&f32; 4]) -> [f32; 4]) {
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(<[f32]>::as_chunks_mut::<LANES>);
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let old = (*a, *b, *c, *d);
        for lane in 0..LANES {
            [a[lane], b[lane], c[lane], d[lane]] =
                map([&old.0[lane], &old.1[lane], &old.2[lane], &old.3[lane]]);
        }
    }
    for (((a, b), c), d) in a_rest.iter_mut().zip(b_rest).zip(c_rest).zip(d_rest) {
        [*a, *b, *c, *d] = map([a, b, c, d]);
    }
}

/// `d|z|²/dt = -2 g |z|⁴`, solved exactly: `z /= sqrt(1 + 2 g h |z|²)`.
#[inline(always)]
fn saturate(two_g_h: f32, re: &mut [f32], im: &mut [f32]) {
    for (re, im) in re.iter_mut().zip(im) {
        let scale = 1.0 / two_g_h.mul_add(square((*re, *im)), 1.0).sqrt();
        *re *= scale;
        *im *= scale;
    }
}

/// `z *= e^{(-γ + iω) h}`, exactly; what has become tiny becomes zero.
#[inline(always)]
fn rotate([c, s]: [f32; 2], re: &mut [f32], im: &mut [f32]) {
    for (re, im) in re.iter_mut().zip(im) {
        let (x, y) = (*re, *im);
        let a = c.mul_add(x, -(s * y));
        let b = s.mul_add(x, c * y);
        *re = if a.abs() < TINY { 0.0 } else { a };
        *im = if b.abs() < TINY { 0.0 } else { b };
    }
}

#[inline(always)]
fn add_noise(amplitude: f32, xi_re: &[f32], xi_im: &[f32], re: &mut [f32], im: &mut [f32]) {
    for ((re, im), (x, y)) in re.iter_mut().zip(im).zip(xi_re.iter().zip(xi_im)) {
        *re = amplitude.mul_add(*x, *re);
        *im = amplitude.mul_add(*y, *im);
    }
}

#[inline(always)]
fn square((x, y): (f32, f32)) -> f32 {
    x.mul_add(x, y * y)
}

#[inline(always)]
fn conjugate((x, y): (f32, f32)) -> (f32, f32) {
    (x, -y)
}

/// `z + k u v` for complex `z`, `u`, `v` and real `k`.
#[inline(always)]
fn add_product(z: (f32, f32), k: f32, u: (f32, f32), v: (f32, f32)) -> (f32, f32) {
    let re = u.0.mul_add(v.0, -(u.1 * v.1));
    let im = u.0.mul_add(v.1, u.1 * v.0);
    (k.mul_add(re, z.0), k.mul_add(im, z.1))
}

/// `Σ|z|²` of a row in fixed order: sixteen lanes, then halves onto halves.
#[inline(always)]
fn energy(re: &[f32], im: &[f32]) -> f64 {
    let mut lanes = [0f32; LANES];
    let (re_chunks, re_rest) = re.as_chunks::<LANES>();
    let (im_chunks, im_rest) = im.as_chunks::<LANES>();
    for (x, y) in re_chunks.iter().zip(im_chunks) {
        for lane in 0..LANES {
            lanes[lane] = x[lane].mul_add(x[lane], y[lane].mul_add(y[lane], lanes[lane]));
        }
    }
    let mut sum = fold(&lanes);
    for (x, y) in re_rest.iter().zip(im_rest) {
        sum += f64::from(x.mul_add(*x, *y * *y));
    }
    sum
}

/// The energies of row `y`, band by band, with no changes booked.
pub(super) fn energies_of_row<'a>(
    sheet: &'a Sheet<'_>,
    bands: usize,
    y: usize,
) -> impl Iterator<Item = BandBook> + use<'a> {
    (0..bands).map(move |band| {
        let range = (band * sheet.height + y) * sheet.width..(band * sheet.height + y + 1) * sheet.width;
        BandBook { energy: energy(&sheet.re[range.clone()], &sheet.im[range]), changes: [0.0; CAUSES] }
    })
}

/// Halves onto halves. Not inlined: the compiler would take the loop that fills the lanes apart for it.
#[inline(never)]
fn fold(lanes: &[f32; LANES]) -> f64 {
    let eight: [f32; 8] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 8]);
    let four: [f32; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
    f64::from((four[0] + four[2]) + (four[1] + four[3]))
}

/// `Σ|z|²` of a plane of `width` columns, row by row in the order in which the book sums it.
#[must_use]
pub fn plane_energy(re: &[f32], im: &[f32], width: usize) -> f64 {
    re.chunks(width).zip(im.chunks(width)).map(|(re, im)| energy(re, im)).sum()
}

/// Books the change of every band's energy over a sub-step; does nothing without a book.
struct Bookkeeper<'a> {
    book: Option<&'a mut RowBook>,
}

impl Bookkeeper<'_> {
    /// Books what has changed in a band since it was last looked at.
    #[inline(always)]
    fn close(&mut self, band: usize, cause: usize, re: &[f32], im: &[f32]) {
        if let Some(book) = &mut self.book {
            let after = energy(re, im);
            let entry = &mut book[band];
            entry.changes[cause] += after - entry.energy;
            entry.energy = after;
        }
    }
}

#[cfg(test)]
#[path = "lattice_tests.rs"]
mod tests;
