//! Which rows of a memory are near: to a query the nearest, to a block of queries all that a coarse look cannot rule out.
//!
//! A look is fewer numbers than a key has, such as its lowest frequencies. The rows' laws are applied to the products of looks; a
//! row is near where its logit comes within `reach` of the largest of all rows, for one query of the block at least. So a
//! row counts for a block or does not, and which do depends on neither instructions nor threads.

use super::attention::{
    Bank, Each, LOWEST, Law, Pair, QUERIES, ROWS, fma, larger, load, products, splat, store, sub,
};
use super::lanes::{Instructions, Lanes, Work};

/// Looks at keys and queries.
#[derive(Clone, Copy, Debug)]
pub struct Coarse<'a> {
    /// `rows x dims`: of the keys.
    pub keys: &'a [f32],
    /// Numbers of a look, at least 1.
    pub dims: usize,
    /// `blocks x dims`: of the queries.
    pub asked: &'a [Each],
    /// How far below the largest logit a row is still near, above 0.
    pub reach: f32,
}

impl Coarse<'_> {
    /// Whether there is a look at each of so many rows and blocks.
    pub(super) fn fits(&self, rows: usize, blocks: usize) -> bool {
        self.dims > 0 && self.keys.len() == rows * self.dims && self.asked.len() == blocks * self.dims
    }

    /// For some blocks.
    pub(super) fn part(&self, own: &std::ops::Range<usize>) -> Self {
        Self { asked: &self.asked[own.start * self.dims..own.end * self.dims], ..*self }
    }
}

/// Looks at blocks of queries by a matrix of `out x dims`: `blocks x out`.
///
/// # Panics
/// Where lengths do not agree.
#[must_use]
pub fn looks(matrix: &[f32], dims: usize, asked: &[Each]) -> Vec<Each> {
    assert!(dims > 0 && matrix.len().is_multiple_of(dims) && asked.len().is_multiple_of(dims), "whole rows");
    Instructions::best().run(Looks { matrix, dims, asked })
}

struct Looks<'a> {
    matrix: &'a [f32],
    dims: usize,
    asked: &'a [Each],
}

impl Work for Looks<'_> {
    type Output = Vec<Each>;

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Self::Output {
        let out = self.matrix.len() / self.dims;
        let mut found = vec![[0.0; QUERIES]; self.asked.len() / self.dims * out];
        for (found, asked) in found.chunks_exact_mut(out).zip(self.asked.chunks_exact(self.dims)) {
            products::<L, 0>(l, self.matrix, asked, found);
        }
        found
    }
}

/// For every query of `asked`, `blocks x dims`, the row of `keys` that lies nearest, and the square of its distance. Of
/// rows that are equally near it is the first.
///
/// # Panics
/// Where lengths do not agree, or there is no row.
#[must_use]
pub fn nearest(keys: &[f32], dims: usize, asked: &[Each]) -> Vec<([u32; QUERIES], Each)> {
    assert!(!keys.is_empty() && keys.len().is_multiple_of(dims), "a memory of at least one row");
    asked.chunks_exact(dims).map(|asked| Instructions::best().run(Nearest { keys, asked })).collect()
}

/// One block in search of its nearest rows.
struct Nearest<'a> {
    keys: &'a [f32],
    asked: &'a [Each],
}

impl Work for Nearest<'_> {
    type Output = ([u32; QUERIES], Each);

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) -> Self::Output {
        let dims = self.asked.len();
        let (mut rows, mut best) = ([0; QUERIES], [LOWEST; QUERIES]);
        let mut found = [[0.0; QUERIES]; ROWS];
        for (first, keys) in self.keys.chunks(ROWS * dims).enumerate() {
            let count = keys.len() / dims;
            products::<L, 0>(l, keys, self.asked, &mut found[..count]);
            for (at, (found, key)) in found.iter().zip(keys.chunks_exact(dims)).enumerate() {
                let half = 0.5 * key.iter().map(|x| x * x).sum::<f32>();
                let row = (first * ROWS + at) as u32;
                for lane in 0..QUERIES {
                    if found[lane] - half > best[lane] {
                        (best[lane], rows[lane]) = (found[lane] - half, row);
                    }
                }
            }
        }
        let square = |lane: usize| self.asked.iter().map(|part| part[lane] * part[lane]).sum::<f32>();
        let apart = std::array::from_fn(|lane| (square(lane) - 2.0 * best[lane]).max(0.0));
        (rows, apart)
    }
}

/// The rows that are near, side by side.
#[derive(Default)]
pub(super) struct Short {
    keys: Vec<f32>,
    values: Vec<f32>,
    laws: Vec<Law>,
    /// Whether what is read are the keys themselves.
    alike: bool,
    /// Rows that were near as far as was known when they were met, and their logits.
    met: Vec<(u32, Each)>,
    logits: Vec<Each>,
}

impl Short {
    /// They as a bank.
    pub(super) fn bank(&self, dims: usize, width: usize) -> Bank<'_> {
        let values = if self.alike { &self.keys } else { &self.values };
        Bank { keys: &self.keys, dims, values, width, laws: &self.laws }
    }

    /// Chooses rows for a block.
    #[inline(always)]
    pub(super) fn choose<L: Lanes>(&mut self, l: L, bank: &Bank<'_>, coarse: &Coarse<'_>, block: usize) {
        let asked = &coarse.asked[block * coarse.dims..][..coarse.dims];
        self.logits.resize(ROWS, [0.0; QUERIES]);
        self.met.clear();
        let mut peak = [LOWEST; QUERIES];
        for (chunk, (keys, laws)) in
            coarse.keys.chunks(ROWS * coarse.dims).zip(bank.laws.chunks(ROWS)).enumerate()
        {
            let logits = &mut self.logits[..laws.len()];
            products::<L, 0>(l, keys, asked, logits);
            raise(l, laws, logits, &mut peak);
            let least = lowered(l, &peak, coarse.reach);
            for (at, logit) in logits.iter().enumerate() {
                if any_above(logit, &least) {
                    self.met.push(((chunk * ROWS + at) as u32, *logit));
                }
            }
        }
        let least = lowered(l, &peak, coarse.reach);
        self.alike = core::ptr::eq(bank.keys, bank.values) && bank.dims == bank.width;
        self.keys.clear();
        self.values.clear();
        self.laws.clear();
        for (row, logit) in &self.met {
            if any_above(logit, &least) {
                let row = *row as usize;
                self.keys.extend_from_slice(&bank.keys[row * bank.dims..][..bank.dims]);
                if !self.alike {
                    self.values.extend_from_slice(&bank.values[row * bank.width..][..bank.width]);
                }
                self.laws.push(bank.laws[row]);
            }
        }
    }
}

/// Turns products into logits, and raises the largest so far to them.
#[inline(always)]
fn raise<L: Lanes>(l: L, laws: &[Law], logits: &mut [Each], peak: &mut Each) {
    let mut most: Pair<L> = load(l, peak);
    for (law, logit) in laws.iter().zip(logits) {
        let s = load(l, logit);
        let line = fma(l, splat(l, law.square), s, splat(l, law.line));
        let found = fma(l, line, s, splat(l, law.fixed));
        most = larger(l, most, found);
        store(l, logit, found);
    }
    store(l, peak, most);
}

/// `peak - reach`.
#[inline(always)]
fn lowered<L: Lanes>(l: L, peak: &Each, reach: f32) -> Each {
    let mut least = [0.0; QUERIES];
    store(l, &mut least, sub(l, load(l, peak), splat(l, reach)));
    least
}

/// Whether one of the numbers lies above its bound.
#[inline(always)]
fn any_above(logit: &Each, least: &Each) -> bool {
    let mut any = 0;
    for lane in 0..QUERIES {
        any |= u32::from(logit[lane] > least[lane]);
    }
    any > 0
}
