//! Reading a memory by attention: every query meets every row, and what it reads is their weighted mean.
//!
//! Queries are the lanes, 32 to a block; rows are broadcast. So a softmax is one lane's own affair, no sum crosses lanes,
//! rows lie as they were stored, and the order of every sum is that of the rows whatever the instructions or the number of
//! threads: the same bits. A block takes `ROWS` rows at a time with a running maximum, so that no more than
//! these products are kept (Milakov and Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135).

use super::lanes::{Instructions, LANES, Lanes, Register, Work};
use super::shortlist::{Coarse, Short};
use super::team::share;

/// Queries of a block.
pub const QUERIES: usize = 2 * LANES;
/// A number for each query of a block.
pub type Each = [f32; QUERIES];
/// Rows taken at a time: their products stay in the first-level cache.
pub(super) const ROWS: usize = 128;
/// Rows, or values, whose sums are kept in registers together.
const TILE: usize = 8;
/// The least logit below its maximum that is told from the others: `e^-80` is still a normal number.
const LEAST: f32 = -80.0;
/// Below every logit.
pub(super) const LOWEST: f32 = -1e30;

/// How a row answers to its product `s` with the query, where all parts of a query count alike:
/// logit `(square s + line) s + fixed`, and its values enter times `slope s + level`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Law {
    /// Coefficient of `s²` in the logit.
    pub square: f32,
    /// Coefficient of `s` in the logit.
    pub line: f32,
    /// The logit of `s = 0`.
    pub fixed: f32,
    /// Coefficient of `s` in what the values are multiplied by.
    pub slope: f32,
    /// What the values of a row with `s = 0` are multiplied by.
    pub level: f32,
}

/// The rows that are read.
#[derive(Clone, Copy, Debug)]
pub struct Bank<'a> {
    /// `rows x dims`: what queries are held against.
    pub keys: &'a [f32],
    /// Numbers of a key and of a query.
    pub dims: usize,
    /// `rows x width`: what is read.
    pub values: &'a [f32],
    /// Numbers of a value.
    pub width: usize,
    /// One per row.
    pub laws: &'a [Law],
}

/// Queries of which each part has its own precision, the inverse of its noise's variance; 0 is unknown.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// `blocks x dims`: the precisions `w`.
    pub precisions: &'a [Each],
    /// Per block: the precisions' sum inverted, where a common offset of query and row is left open; 0 where not.
    pub open: &'a [Each],
}

/// What blocks of queries read.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// `blocks x width`: the values' weighted mean; before division by the weights.
    pub values: Vec<Each>,
    /// Per block: the sum of the weights, in units of the largest.
    pub norms: Vec<Each>,
    /// Per block: the largest logit.
    pub peaks: Vec<Each>,
    /// Per block: the weighted offset of the query from the rows; 0 where it is not open.
    pub offsets: Vec<Each>,
}

/// Reads `asked`, `blocks x dims`, on `threads` threads: by the rows' laws, or, with precisions `w`, by the logit
/// `-Σ w (q - k)² / 2 + fixed` less what an open offset explains. `asked` then holds `w q`.
///
/// Each answer is a mean over the rows, weighted by the softmax of their logits.
///
/// # Panics
/// Where lengths do not agree, or there is no row.
#[must_use]
pub fn attend(bank: &Bank<'_>, asked: &[Each], weighted: Option<&Weighted<'_>>, threads: usize) -> Answer {
    let how = weighted.map_or(How::Alike, |weighted| How::Weighted(*weighted));
    attend_with(Instructions::best(), bank, asked, how, threads)
}

/// Reads `asked` by the rows' laws as [`attend`] does, but each block of queries only by the rows that a coarse look finds near:
/// all others count as nothing.
///
/// # Panics
/// Where lengths do not agree, or there is no row.
#[must_use]
pub fn attend_near(bank: &Bank<'_>, asked: &[Each], coarse: &Coarse<'_>, threads: usize) -> Answer {
    attend_with(Instructions::best(), bank, asked, How::Near(*coarse), threads)
}

/// How rows answer.
#[derive(Clone, Copy)]
enum How<'a> {
    /// By their laws.
    Alike,
    /// By precisions of the queries' parts.
    Weighted(Weighted<'a>),
    /// By their laws, those alone that are near.
    Near(Coarse<'a>),
}

impl How<'_> {
    /// For some blocks, of keys with `dims` numbers.
    fn part(&self, own: &std::ops::Range<usize>, dims: usize) -> Self {
        match *self {
            Self::Alike => Self::Alike,
            Self::Weighted(w) => Self::Weighted(Weighted {
                precisions: &w.precisions[own.start * dims..own.end * dims],
                open: &w.open[own.clone()],
            }),
            Self::Near(coarse) => Self::Near(coarse.part(own)),
        }
    }
}

fn attend_with(with: Instructions, bank: &Bank<'_>, asked: &[Each], how: How<'_>, threads: usize) -> Answer {
    let (rows, dims, width) = (bank.laws.len(), bank.dims, bank.width);
    assert!(rows > 0 && dims > 0, "a memory of at least one row");
    assert!(bank.keys.len() == rows * dims && bank.values.len() == rows * width, "a key and a value per law");
    let blocks = asked.len() / dims;
    assert!(match &how {
        How::Alike => true,
        How::Weighted(w) => w.precisions.len() == asked.len() && w.open.len() == blocks,
        How::Near(coarse) => coarse.fits(rows, blocks),
    });
    let mut answer = Answer {
        values: vec![[0.0; QUERIES]; blocks * width],
        norms: vec![[0.0; QUERIES]; blocks],
        peaks: vec![[LOWEST; QUERIES]; blocks],
        offsets: vec![[0.0; QUERIES]; blocks],
    };
    let threads = threads.clamp(1, blocks.max(1));
    std::thread::scope(|scope| {
        let (mut values, mut norms) = (&mut answer.values[..], &mut answer.norms[..]);
        let (mut peaks, mut offsets) = (&mut answer.peaks[..], &mut answer.offsets[..]);
        for member in 0..threads {
            let own = share(blocks, member, threads);
            let part = Part {
                bank: *bank,
                asked: &asked[own.start * dims..own.end * dims],
                how: how.part(&own, dims),
                values: values.split_off_mut(..own.len() * width).unwrap_or_default(),
                norms: norms.split_off_mut(..own.len()).unwrap_or_default(),
                peaks: peaks.split_off_mut(..own.len()).unwrap_or_default(),
                offsets: offsets.split_off_mut(..own.len()).unwrap_or_default(),
            };
            if member + 1 < threads {
                scope.spawn(move || with.run(part));
            } else {
                with.run(part);
            }
        }
    });
    answer
}

/// Some blocks, and where their answers go.
struct Part<'a> {
    bank: Bank<'a>,
    asked: &'a [Each],
    how: How<'a>,
    values: &'a mut [Each],
    norms: &'a mut [Each],
    peaks: &'a mut [Each],
    offsets: &'a mut [Each],
}

impl Work for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Bank { dims, width, .. } = self.bank;
        let zeros = || vec![[0.0; QUERIES]; ROWS];
        let mut room = Room { logits: zeros(), others: [zeros(), zeros()] };
        let mut short = Short::default();
        for block in 0..self.norms.len() {
            let asked = &self.asked[block * dims..][..dims];
            let sums = &mut self.values[block * width..][..width];
            let mut state =
                State { peak: self.peaks[block], norm: self.norms[block], offset: self.offsets[block] };
            match &self.how {
                How::Alike => read_block(l, &self.bank, asked, None, &mut room, &mut state, sums),
                How::Weighted(w) => {
                    let weighted = (&w.precisions[block * dims..][..dims], &w.open[block]);
                    read_block(l, &self.bank, asked, Some(weighted), &mut room, &mut state, sums);
                }
                How::Near(coarse) => {
                    short.choose(l, &self.bank, coarse, block);
                    read_block(l, &short.bank(dims, width), asked, None, &mut room, &mut state, sums);
                }
            }
            (self.peaks[block], self.norms[block], self.offsets[block]) =
                (state.peak, state.norm, state.offset);
        }
    }
}

/// Reads all rows of a bank for one block.
#[inline(always)]
fn read_block<L: Lanes>(
    l: L,
    bank: &Bank<'_>,
    asked: &[Each],
    weighted: Option<(&[Each], &Each)>,
    room: &mut Room,
    state: &mut State,
    sums: &mut [Each],
) {
    let Bank { keys, dims, values, width, laws } = *bank;
    for first in (0..laws.len()).step_by(ROWS) {
        let count = ROWS.min(laws.len() - first);
        let laws = &laws[first..][..count];
        let keys = &keys[first * dims..][..count * dims];
        products::<L, 0>(l, keys, asked, &mut room.logits[..count]);
        if let Some((precisions, open)) = weighted {
            products::<L, 1>(l, keys, precisions, &mut room.others[0][..count]);
            products::<L, 2>(l, keys, precisions, &mut room.others[1][..count]);
            distances(l, laws, (asked, open), room);
        } else {
            lawful(l, laws, room);
        }
        let shrink = soften(l, count, weighted.is_some(), room, state);
        gather(l, &room.logits[..count], &values[first * width..][..count * width], &shrink, sums);
    }
}

/// What is worked on for [`ROWS`] rows.
struct Room {
    /// Products, then logits, then the weights of the values.
    logits: Vec<Each>,
    /// What values are multiplied by; or products of the precisions with rows and with their squares.
    others: [Vec<Each>; 2],
}

/// What a softmax carries from rows to rows.
struct State {
    peak: Each,
    norm: Each,
    offset: Each,
}

/// A number for each query, in two vectors. What works on them are functions, never closures: a closure is compiled
/// without the instructions of whoever calls it.
pub(super) type Pair<L> = [<L as Register>::F; 2];

#[inline(always)]
pub(super) fn load<L: Lanes>(l: L, each: &Each) -> Pair<L> {
    let (halves, _) = each.as_chunks::<LANES>();
    [l.load(&halves[0]), l.load(&halves[1])]
}

#[inline(always)]
pub(super) fn store<L: Lanes>(l: L, each: &mut Each, [low, high]: Pair<L>) {
    let (halves, _) = each.as_chunks_mut::<LANES>();
    l.store(&mut halves[0], low);
    l.store(&mut halves[1], high);
}

#[inline(always)]
pub(super) fn splat<L: Lanes>(l: L, x: f32) -> Pair<L> {
    [l.splat(x), l.splat(x)]
}

#[inline(always)]
fn add<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    [l.add(a[0], b[0]), l.add(a[1], b[1])]
}

#[inline(always)]
pub(super) fn sub<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    [l.sub(a[0], b[0]), l.sub(a[1], b[1])]
}

#[inline(always)]
fn mul<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    [l.mul(a[0], b[0]), l.mul(a[1], b[1])]
}

/// `a b + c`.
#[inline(always)]
pub(super) fn fma<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>, c: Pair<L>) -> Pair<L> {
    [l.fma(a[0], b[0], c[0]), l.fma(a[1], b[1], c[1])]
}

/// `c - a b`.
#[inline(always)]
fn fnma<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>, c: Pair<L>) -> Pair<L> {
    [l.fnma(a[0], b[0], c[0]), l.fnma(a[1], b[1], c[1])]
}

#[inline(always)]
pub(super) fn larger<L: Lanes>(l: L, a: Pair<L>, b: Pair<L>) -> Pair<L> {
    let none = splat(l, 0.0);
    let (a, b) = (sub(l, none, a), sub(l, none, b));
    sub(l, none, [l.min(a[0], b[0]), l.min(a[1], b[1])])
}

/// The products of rows with queries: of the rows themselves (`KIND` 0 and 2) or of their squares (1).
#[inline(always)]
pub(super) fn products<L: Lanes, const KIND: u8>(l: L, keys: &[f32], asked: &[Each], out: &mut [Each]) {
    let dims = asked.len();
    let mut tiles = out.chunks_exact_mut(TILE);
    let mut keys = keys.chunks_exact(TILE * dims);
    for (out, keys) in tiles.by_ref().zip(keys.by_ref()) {
        product_tile::<L, KIND, TILE>(l, keys, asked, out);
    }
    for (out, key) in tiles.into_remainder().chunks_mut(1).zip(keys.remainder().chunks_exact(dims)) {
        product_tile::<L, KIND, 1>(l, key, asked, out);
    }
}

#[inline(always)]
fn product_tile<L: Lanes, const KIND: u8, const N: usize>(
    l: L,
    keys: &[f32],
    asked: &[Each],
    out: &mut [Each],
) {
    let dims = asked.len();
    let keys = &keys[..N * dims];
    let mut sums = [splat(l, 0.0); N];
    for (at, query) in asked.iter().enumerate() {
        let query = load(l, query);
        for row in 0..N {
            let key = keys[row * dims + at];
            sums[row] = fma(l, splat(l, if KIND == 1 { key * key } else { key }), query, sums[row]);
        }
    }
    for row in 0..N {
        store(l, &mut out[row], sums[row]);
    }
}

/// Logits by the rows' laws, and what their values are multiplied by.
#[inline(always)]
fn lawful<L: Lanes>(l: L, laws: &[Law], room: &mut Room) {
    for (row, law) in laws.iter().enumerate() {
        let s = load(l, &room.logits[row]);
        let line = fma(l, splat(l, law.square), s, splat(l, law.line));
        store(l, &mut room.logits[row], fma(l, line, s, splat(l, law.fixed)));
        store(l, &mut room.others[0][row], fma(l, splat(l, law.slope), s, splat(l, law.level)));
    }
}

/// Logits by distances under precisions, and the open offsets of the queries.
#[inline(always)]
fn distances<L: Lanes>(l: L, laws: &[Law], (asked, open): (&[Each], &Each), room: &mut Room) {
    let half = splat(l, 0.5);
    let mut whole = splat(l, 0.0);
    for part in asked {
        whole = add(l, whole, load(l, part));
    }
    let open = load(l, open);
    for (row, law) in laws.iter().enumerate() {
        let (s, square) = (load(l, &room.logits[row]), load(l, &room.others[0][row]));
        let apart = sub(l, whole, load(l, &room.others[1][row]));
        let offset = mul(l, apart, open);
        let explained = fma(l, mul(l, half, apart), offset, splat(l, law.fixed));
        store(l, &mut room.logits[row], add(l, fnma(l, half, square, s), explained));
        store(l, &mut room.others[0][row], offset);
    }
}

/// Turns logits into weights of the values; gives what all sums so far shrink by.
#[inline(always)]
fn soften<L: Lanes>(l: L, count: usize, weighted: bool, room: &mut Room, state: &mut State) -> Each {
    let before = load(l, &state.peak);
    let mut peak = before;
    for logit in &room.logits[..count] {
        peak = larger(l, peak, load(l, logit));
    }
    let shrink = exponential(l, sub(l, before, peak));
    let mut norm = mul(l, load(l, &state.norm), shrink);
    let mut offset = mul(l, load(l, &state.offset), shrink);
    for (logit, other) in room.logits[..count].iter_mut().zip(&room.others[0]) {
        let p = exponential(l, sub(l, load(l, logit), peak));
        let other = load(l, other);
        norm = add(l, norm, p);
        if weighted {
            offset = fma(l, p, other, offset);
            store(l, logit, p);
        } else {
            store(l, logit, mul(l, p, other));
        }
    }
    store(l, &mut state.peak, peak);
    store(l, &mut state.norm, norm);
    store(l, &mut state.offset, offset);
    let mut out = [0.0; QUERIES];
    store(l, &mut out, shrink);
    out
}

/// `e^x` of `x` up to 0 as `(e^(x/256))^256`, within 1e-5 of it above -20 and 1e-3 above -60; `e^-80` below that. No bit
/// is moved, so that every set of instructions has all it takes.
#[inline(always)]
fn exponential<L: Lanes>(l: L, x: Pair<L>) -> Pair<L> {
    let one = splat(l, 1.0);
    let y = mul(l, larger(l, x, splat(l, LEAST)), splat(l, 1.0 / 256.0));
    let p = fma(l, y, splat(l, 1.0 / 24.0), splat(l, 1.0 / 6.0));
    let p = fma(l, p, y, splat(l, 0.5));
    let mut p = fma(l, fma(l, p, y, one), y, one);
    for _ in 0..8 {
        p = mul(l, p, p);
    }
    p
}

/// Adds the rows' values, weighted, to sums that shrink first.
#[inline(always)]
fn gather<L: Lanes>(l: L, weights: &[Each], values: &[f32], shrink: &Each, sums: &mut [Each]) {
    let width = sums.len();
    let mut first = 0;
    while first + TILE <= width {
        gather_tile::<L, TILE>(l, weights, values, (first, width), shrink, &mut sums[first..]);
        first += TILE;
    }
    for at in first..width {
        gather_tile::<L, 1>(l, weights, values, (at, width), shrink, &mut sums[at..]);
    }
}

#[inline(always)]
fn gather_tile<L: Lanes, const N: usize>(
    l: L,
    weights: &[Each],
    values: &[f32],
    (first, width): (usize, usize),
    shrink: &Each,
    sums: &mut [Each],
) {
    let shrink = load(l, shrink);
    let mut own = [shrink; N];
    for at in 0..N {
        own[at] = mul(l, load(l, &sums[at]), shrink);
    }
    for (weight, row) in weights.iter().zip(values.chunks_exact(width)) {
        let weight = load(l, weight);
        let row = &row[first..first + N];
        for at in 0..N {
            own[at] = fma(l, splat(l, row[at]), weight, own[at]);
        }
    }
    for at in 0..N {
        store(l, &mut sums[at], own[at]);
    }
}

#[cfg(test)]
#[path = "attention_tests.rs"]
mod tests;
