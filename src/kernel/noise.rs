//! Complex normal noise from counted random words; runs on the real-time thread.
//!
//! `ξ(seed, array, tick, band, site)` is a pure function of its key. A site has two words of [`super::ars`].
//! Each part of `ξ` is an odd polynomial of a sum: the four bytes of one word, nearly normal already, and five
//! bits of the other word that fill the steps between two sums. The two sums count their bytes with opposite
//! signs, so that what the fill shares between them cancels.
//!
//! The polynomial was fitted to the law of that sum (32,672 levels): variance 1 and kurtosis 3 within 3e-8, tail
//! masses from 0.5 to 4 standard deviations within 1.4 %. The largest value is 5.43 standard deviations.

use super::ars::{self, ROUNDS};
use super::lanes::{Instructions, LANES, Lanes, Work};

/// Weight of the sum of bytes: a step of it, in units of the fill.
const WEIGHT: i8 = 64;
/// The bits of the other word that fill a step; with the centring bit of [`FLOAT`] they count 1, 3, .. 63.
const FILL: u32 = 0b11_1110;
/// The bits of `1.5 2^23`, to which whole numbers can be added as they are, and the fill's centring bit.
const FLOAT: u32 = 0x4B40_0001;
/// What a sum is scaled by.
const SCALE: f32 = 1.0 / 16_384.0;
/// `1.5 2^23` and the mean of a sum, scaled: with positive, then with negative weights.
const CENTRES: [f32; 2] =
    [(12_582_912.0 + 32_640.0 + 32.0) * SCALE, (12_582_912.0 - 32_640.0 + 32.0) * SCALE];
/// Coefficients of the odd polynomial, from its first power up.
const POLYNOMIAL: [f64; TERMS] = [
    1.636_113_233_075_994_4,
    0.242_057_314_337_257,
    -0.309_557_893_579_287_9,
    0.220_813_049_594_000_5,
    -0.067_431_778_766_201_2,
    0.008_044_049_208_300_484,
];
const TERMS: usize = 6;
/// Blocks of four words that sixteen sites use.
const BLOCKS: u32 = 8;
/// The upper half of the generator's key: sets this noise apart from any other use under the same seed.
const PURPOSE: [u32; 2] = [0x6E6F_6973, 0x4C41_5454];

/// What a step's noise is keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseKey {
    /// Seed, as (low, high) words.
    pub seed: [u32; 2],
    /// Tick, as (low, high) words.
    pub tick: [u32; 2],
    /// `array << 16 | band`.
    pub lane: u32,
}

/// The keys of the generator's rounds; they depend on the seed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundKeys([[u32; 4]; ROUNDS + 1]);

impl RoundKeys {
    /// The keys of a seed, given as (low, high) words.
    #[must_use]
    pub fn new(seed: [u32; 2]) -> Self {
        Self(ars::round_keys([seed[0], seed[1], PURPOSE[0], PURPOSE[1]]))
    }

    /// The key of every round, for a generator that runs elsewhere.
    #[must_use]
    pub fn rounds(&self) -> &[[u32; 4]; ROUNDS + 1] {
        &self.0
    }
}

/// The polynomial for noise whose parts have a given standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape([f32; TERMS]);

impl Shape {
    /// Noise with `amplitude` as the standard deviation of each part.
    #[must_use]
    pub fn new(amplitude: f32) -> Self {
        Self(POLYNOMIAL.map(|coefficient| (coefficient * f64::from(amplitude)) as f32))
    }

    /// Whether there is no noise at all.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.0.iter().all(|coefficient| *coefficient == 0.0)
    }

    /// The polynomial's coefficients, from its first power up.
    #[must_use]
    pub fn coefficients(&self) -> &[f32; TERMS] {
        &self.0
    }

    fn at(&self, s: f32) -> f32 {
        let u = s * s;
        let rest = &self.0[..TERMS - 1];
        s * rest.iter().rev().fold(self.0[TERMS - 1], |p, coefficient| p.mul_add(u, *coefficient))
    }
}

/// The first block of row `y` of a sheet of `width` columns.
pub(super) fn first_block(width: usize, y: usize) -> u32 {
    (y as u32).wrapping_mul(width.div_ceil(LANES) as u32 * BLOCKS)
}

/// The two words of one site.
///
/// Site `x` has word `x % 4` of the blocks `8 (x / 16) + x % 16 / 4` of its row and of the fourth after it.
#[must_use]
pub fn words_at_site(key: &NoiseKey, keys: &RoundKeys, width: usize, y: usize, x: usize) -> [u32; 2] {
    let lane = x % LANES;
    let block = first_block(width, y).wrapping_add((x / LANES) as u32 * BLOCKS + (lane / 4) as u32);
    let word = |block: u32| ars::words([block, key.lane, key.tick[0], key.tick[1]], &keys.0)[lane % 4];
    [word(block), word(block.wrapping_add(BLOCKS / 2))]
}

/// Both parts of the noise at one site: the definition that the lanes are held to.
pub(super) fn at_site(
    (key, keys, shape): (&NoiseKey, &RoundKeys, &Shape),
    width: usize,
    y: usize,
    x: usize,
) -> [f32; 2] {
    let words = words_at_site(key, keys, width, y, x);
    std::array::from_fn(|part| {
        let bytes: i32 = words[part].to_le_bytes().map(i32::from).iter().sum();
        let weight = if part == 0 { WEIGHT } else { -WEIGHT };
        let fill = words[1 - part] & FILL | FLOAT;
        let sum = fill.wrapping_add((i32::from(weight) * bytes).cast_unsigned());
        shape.at(f32::from_bits(sum).mul_add(SCALE, -CENTRES[part]))
    })
}

/// Writes the noise of row `y` into `re` and `im` (same length), for what is not a step: `E|ξ|² = 2 amplitude²`.
///
/// # Panics
/// Where the parts differ in length.
pub fn fill_row(
    with: Instructions,
    key: &NoiseKey,
    amplitude: f32,
    y: usize,
    re: &mut [f32],
    im: &mut [f32],
) {
    assert!(re.len() == im.len(), "both parts of one length");
    with.run(Fill { key, shape: Shape::new(amplitude), y, re, im });
}

struct Fill<'a> {
    key: &'a NoiseKey,
    shape: Shape,
    y: usize,
    re: &'a mut [f32],
    im: &'a mut [f32],
}

impl Work for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let Self { key, shape, y, re, im } = self;
        let mut draws = Draws::new(l, key, &RoundKeys::new(key.seed), &shape, first_block(re.len(), y));
        for (re, im) in re.chunks_mut(LANES).zip(im.chunks_mut(LANES)) {
            let z = draws.next(l);
            let mut lanes = [[0.0; LANES]; 2];
            l.store(&mut lanes[0], z[0]);
            l.store(&mut lanes[1], z[1]);
            re.copy_from_slice(&lanes[0][..re.len()]);
            im.copy_from_slice(&lanes[1][..im.len()]);
        }
    }
}

/// Draws the noise of one row, sixteen sites at a time.
#[derive(Clone, Copy)]
pub(super) struct Draws<L: Lanes> {
    keys: [L::W; ROUNDS + 1],
    /// Counters of the next blocks.
    counter: L::W,
    half: L::W,
    fill: L::W,
    float: L::W,
    scale: L::F,
    centres: [L::F; 2],
    shape: [L::F; TERMS],
}

// Plain loops and functions instead of closures: a closure need not be compiled with its caller's instructions.
impl<L: Lanes> Draws<L> {
    #[inline(always)]
    pub(super) fn new(l: L, key: &NoiseKey, keys: &RoundKeys, shape: &Shape, first: u32) -> Self {
        let counter = l.four_words([first, key.lane, key.tick[0], key.tick[1]]);
        let mut draws = Self {
            keys: [l.splat_word(0); ROUNDS + 1],
            counter: l.add_words(counter, l.block_numbers()),
            half: l.four_words([BLOCKS / 2, 0, 0, 0]),
            fill: l.splat_word(FILL),
            float: l.splat_word(FLOAT),
            scale: l.splat(SCALE),
            centres: [l.splat(CENTRES[0]), l.splat(CENTRES[1])],
            shape: [l.splat(0.0); TERMS],
        };
        for (lanes, key) in draws.keys.iter_mut().zip(&keys.0) {
            *lanes = l.four_words(*key);
        }
        for (lanes, coefficient) in draws.shape.iter_mut().zip(&shape.0) {
            *lanes = l.splat(*coefficient);
        }
        draws
    }

    /// Both parts of the noise of the next sixteen sites.
    #[inline(always)]
    pub(super) fn next(&mut self, l: L) -> [L::F; 2] {
        let [a, b] = self.words(l);
        let first = l.weigh_bytes::<WEIGHT>(l.masked(b, self.fill, self.float), a);
        let second = l.weigh_bytes::<{ -WEIGHT }>(l.masked(a, self.fill, self.float), b);
        [self.shaped(l, first, self.centres[0]), self.shaped(l, second, self.centres[1])]
    }

    #[inline(always)]
    fn words(&mut self, l: L) -> [L::W; 2] {
        let next = l.add_words(self.counter, self.half);
        let mut state = [l.xor(self.counter, self.keys[0]), l.xor(next, self.keys[0])];
        self.counter = l.add_words(next, self.half);
        for key in &self.keys[1..ROUNDS] {
            state = [l.aes(state[0], *key), l.aes(state[1], *key)];
        }
        [l.aes_last(state[0], self.keys[ROUNDS]), l.aes_last(state[1], self.keys[ROUNDS])]
    }

    #[inline(always)]
    fn shaped(&self, l: L, sum: L::W, centre: L::F) -> L::F {
        let s = l.fms(l.as_floats(sum), self.scale, centre);
        let u = l.mul(s, s);
        let mut p = self.shape[TERMS - 1];
        for coefficient in self.shape[..TERMS - 1].iter().rev() {
            p = l.fma(p, u, *coefficient);
        }
        l.mul(s, p)
    }
}

#[cfg(test)]
#[path = "noise_tests.rs"]
mod tests;
