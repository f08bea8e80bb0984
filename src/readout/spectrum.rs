//! Power spectral density by Welch's method, streaming, with what an honest interval needs kept beside it.
//!
//! Welch 1967 (IEEE Transactions on Audio and Electroacoustics 15:70): segments that overlap by half, mean
//! removed, Hann window (periodic), squared magnitudes averaged. One-sided density: the integral over
//! frequency is the variance. The definition is that of `scipy.signal.welch` with its defaults.
//!
//! Memory is bounded however long it runs: sums per channel, at most [`MOST_BLOCKS`] sums over stretches of time,
//! which merge in pairs when they run out, and the last [`RECENT_SEGMENTS`] segments. Nothing is allocated after `new`.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// The segment at 1000 samples per second; other rates scale it, so that the resolution stays 0.244 Hz.
const SEGMENT_AT_1_KHZ: u64 = 4_096;
/// Stretches of time that are kept apart at most.
pub const MOST_BLOCKS: usize = 32;
/// Segments of the recent estimate at most: 30.7 s.
pub const RECENT_SEGMENTS: usize = 14;
/// From so many stretches of time on they are the units of an interval, before that the channels.
pub const LEAST_BLOCKS: usize = 8;

/// A streaming Welch estimate of several channels.
pub struct Welch {
    rate_hz: u32,
    segment: usize,
    window: Vec<f64>,
    /// `1 / (rate * sum window^2)`.
    scale: f64,
    fft: Arc<dyn RealToComplex<f64>>,
    history: Vec<Vec<f64>>,
    filled: usize,
    /// Summed density per channel.
    sums: Vec<Vec<f64>>,
    segments: u64,
    blocks: Vec<Block>,
    block_segments: u64,
    recent: Recent,
    scratch: Scratch,
}

#[derive(Clone, Debug)]
struct Block {
    /// Density summed over channels and segments.
    sum: Vec<f64>,
    segments: u64,
}

/// The last segments, none of which holds a sample from before the last change.
struct Recent {
    /// Density summed over channels, of each segment: a ring.
    segments: Vec<Vec<f64>>,
    /// Summed density per channel, of the first segments after the change: as long as they are fewer than [`LEAST_BLOCKS`].
    channels: Vec<Vec<f64>>,
    /// Segments since the change.
    count: usize,
    /// Samples at the beginning of the histories that are from before the change.
    stale: usize,
}

struct Scratch {
    time: Vec<f64>,
    frequency: Vec<Complex<f64>>,
    fft: Vec<Complex<f64>>,
}

impl Welch {
    /// An estimate for `channels` channels at `rate_hz` samples per second, with segments of 4096 samples at
    /// 1000 Hz and of equal duration at other rates (at least 16 samples).
    #[must_use]
    pub fn new(channels: usize, rate_hz: u32) -> Self {
        let segment = (SEGMENT_AT_1_KHZ * u64::from(rate_hz) / 1_000).max(16) as usize;
        Self::with_segment(channels, rate_hz, segment.next_multiple_of(2))
    }

    /// The same with segments of `segment` samples (made even, at least 4).
    #[must_use]
    pub fn with_segment(channels: usize, rate_hz: u32, segment: usize) -> Self {
        let segment = segment.max(4).next_multiple_of(2);
        let bins = segment / 2 + 1;
        let turn = core::f64::consts::TAU / segment as f64;
        let window: Vec<f64> = (0..segment).map(|i| 0.5 - 0.5 * libm::cos(turn * i as f64)).collect();
        let squares: f64 = window.iter().map(|w| w * w).sum();
        let fft = RealFftPlanner::new().plan_fft_forward(segment);
        let scratch = Scratch {
            time: fft.make_input_vec(),
            frequency: fft.make_output_vec(),
            fft: fft.make_scratch_vec(),
        };
        Self {
            rate_hz: rate_hz.max(1),
            segment,
            window,
            scale: 1.0 / (f64::from(rate_hz.max(1)) * squares),
            fft,
            history: vec![vec![0.0; segment]; channels],
            filled: 0,
            sums: vec![vec![0.0; bins]; channels],
            segments: 0,
            blocks: (0..MOST_BLOCKS).map(|_| Block { sum: vec![0.0; bins], segments: 0 }).collect(),
            block_segments: 1,
            recent: Recent {
                segments: vec![vec![0.0; bins]; RECENT_SEGMENTS],
                channels: vec![vec![0.0; bins]; channels],
                count: 0,
                stale: 0,
            },
            scratch,
        }
    }

    /// Takes one sample per channel, in microvolts. A value that is not finite counts as 0.
    ///
    /// # Panics
    /// Where `sample` does not hold one value per channel.
    pub fn push(&mut self, sample: &[f32]) {
        assert!(sample.len() == self.history.len(), "one value per channel");
        for (history, value) in self.history.iter_mut().zip(sample) {
            history[self.filled] = if value.is_finite() { f64::from(*value) } else { 0.0 };
        }
        self.filled += 1;
        if self.filled == self.segment {
            self.transform();
            for history in &mut self.history {
                history.copy_within(self.segment / 2.., 0);
            }
            self.filled = self.segment / 2;
            self.recent.stale = self.recent.stale.saturating_sub(self.segment / 2);
        }
    }

    /// What follows is of something else: the recent estimate begins anew with the next sample.
    pub fn change(&mut self) {
        self.recent.count = 0;
        self.recent.stale = self.filled;
        self.recent.channels.iter_mut().for_each(|sums| sums.fill(0.0));
    }

    /// Adds the spectra of the full segments that the histories hold.
    fn transform(&mut self) {
        let block = self.open_block();
        let block = &mut self.blocks[block];
        block.segments += 1;
        self.segments += 1;
        let recent = &mut self.recent;
        let fresh = recent.stale == 0;
        let early = fresh && recent.count + 1 < LEAST_BLOCKS;
        let newest = &mut recent.segments[recent.count % RECENT_SEGMENTS];
        if fresh {
            newest.fill(0.0);
            recent.count += 1;
        }
        for ((history, sums), own) in self.history.iter().zip(&mut self.sums).zip(&mut recent.channels) {
            let mean = history.iter().sum::<f64>() / self.segment as f64;
            let scratch = &mut self.scratch;
            for ((time, value), window) in scratch.time.iter_mut().zip(history).zip(&self.window) {
                *time = (value - mean) * window;
            }
            self.fft
                .process_with_scratch(&mut scratch.time, &mut scratch.frequency, &mut scratch.fft)
                .expect("the plan made these buffers");
            let last = scratch.frequency.len() - 1;
            for (bin, value) in scratch.frequency.iter().enumerate() {
                // One-sided: the negative frequencies' half joins all bins but 0 and Nyquist.
                let sides = if bin == 0 || bin == last { 1.0 } else { 2.0 };
                let density = sides * self.scale * value.norm_sqr();
                sums[bin] += density;
                block.sum[bin] += density;
                if fresh {
                    newest[bin] += density;
                }
                if early {
                    own[bin] += density;
                }
            }
        }
    }

    /// The index of the block that the next segment belongs to; merges pairs where none is free.
    fn open_block(&mut self) -> usize {
        if let Some(open) = self.blocks.iter().position(|block| block.segments < self.block_segments) {
            return open;
        }
        for pair in 0..MOST_BLOCKS / 2 {
            let (low, high) = self.blocks.split_at_mut(2 * pair + 1);
            let (into, from) = (&mut low[2 * pair], &high[0]);
            into.segments += from.segments;
            for (into, from) in into.sum.iter_mut().zip(&from.sum) {
                *into += from;
            }
            self.blocks.swap(pair, 2 * pair);
        }
        for block in &mut self.blocks[MOST_BLOCKS / 2..] {
            block.segments = 0;
            block.sum.fill(0.0);
        }
        self.block_segments *= 2;
        MOST_BLOCKS / 2
    }

    /// Samples per second.
    #[must_use]
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Segments that the estimate averages, per channel; 0 before the first is full.
    #[must_use]
    pub fn segments(&self) -> u64 {
        self.segments
    }

    /// The frequencies in Hz, from 0 to Nyquist.
    #[must_use]
    pub fn frequencies(&self) -> Vec<f64> {
        let resolution = f64::from(self.rate_hz) / self.segment as f64;
        (0..=self.segment / 2).map(|bin| bin as f64 * resolution).collect()
    }

    /// The density of one channel in uV^2/Hz; `None` before the first segment is full.
    #[must_use]
    pub fn channel(&self, channel: usize) -> Option<Vec<f64>> {
        (self.segments > 0).then(|| scaled(&self.sums[channel], self.segments as f64))
    }

    /// The density of every channel in uV^2/Hz; empty before the first segment is full.
    #[must_use]
    pub fn channels(&self) -> Vec<Vec<f64>> {
        (0..self.sums.len()).filter_map(|channel| self.channel(channel)).collect()
    }

    /// The mean density over channels in uV^2/Hz; `None` before the first segment is full or without channels.
    #[must_use]
    pub fn mean(&self) -> Option<Vec<f64>> {
        if self.segments == 0 || self.sums.is_empty() {
            return None;
        }
        let mut sum = vec![0.0; self.segment / 2 + 1];
        for block in &self.blocks {
            for (sum, value) in sum.iter_mut().zip(&block.sum) {
                *sum += value;
            }
        }
        Some(scaled(&sum, self.segments as f64 * self.sums.len() as f64))
    }

    /// The mean density over channels of each stretch of time, for a jackknife: at most [`MOST_BLOCKS`], all of
    /// equal length but for the last, which is left out where it is shorter and others are there.
    #[must_use]
    pub fn blocks(&self) -> Vec<Vec<f64>> {
        let full = self.blocks.iter().filter(|block| block.segments == self.block_segments);
        full.map(|block| scaled(&block.sum, block.segments as f64 * self.sums.len().max(1) as f64)).collect()
    }

    /// The segments that the recent estimate is of.
    fn recent_segments(&self) -> &[Vec<f64>] {
        &self.recent.segments[..self.recent.count.min(RECENT_SEGMENTS)]
    }

    /// Seconds that the recent estimate is of: since the last [`Self::change`], 30.7 at most; 0 before its first segment is full.
    #[must_use]
    pub fn recent_seconds(&self) -> f64 {
        let segments = self.recent_segments().len();
        let halves = if segments == 0 { 0 } else { segments + 1 };
        halves as f64 * (self.segment / 2) as f64 / f64::from(self.rate_hz)
    }

    /// The mean density over channels of that time, in uV^2/Hz; `None` before its first segment is full or without channels.
    #[must_use]
    pub fn recent_mean(&self) -> Option<Vec<f64>> {
        let segments = self.recent_segments();
        if segments.is_empty() || self.sums.is_empty() {
            return None;
        }
        let mut sum = vec![0.0; self.segment / 2 + 1];
        for segment in segments {
            for (sum, value) in sum.iter_mut().zip(segment) {
                *sum += value;
            }
        }
        Some(scaled(&sum, (segments.len() * self.sums.len()) as f64))
    }

    /// Spectra of that time for a jackknife: of each segment, or of each channel where the segments are too few.
    #[must_use]
    pub fn recent_units(&self) -> Vec<Vec<f64>> {
        let segments = self.recent_segments();
        let (units, count) = if segments.len() < LEAST_BLOCKS {
            (&self.recent.channels[..], segments.len().max(1))
        } else {
            (segments, self.sums.len().max(1))
        };
        units.iter().map(|sum| scaled(sum, count as f64)).collect()
    }
}

fn scaled(sum: &[f64], count: f64) -> Vec<f64> {
    sum.iter().map(|value| value / count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// The input of the golden table: two sines, a trend and a constant, no noise to copy.
    fn golden_input(i: usize) -> [f32; 2] {
        let t = i as f64 / 250.0;
        let first = 3.0 * libm::sin(core::f64::consts::TAU * 10.3 * t) + 0.7 * libm::cos(t * t) + 5.0;
        let second = ((i * i * 7 + i * 13) % 101) as f64 / 10.0 - 5.0;
        [first as f32, second as f32]
    }

    #[test]
    fn the_density_is_that_of_scipy() {
        let mut welch = Welch::with_segment(2, 250, 64);
        for i in 0..1_000 {
            welch.push(&golden_input(i));
        }
        let frequencies = welch.frequencies();
        let channels = welch.channels();
        let table = include_str!("../../tests/data/welch-scipy.txt");
        let mut rows = 0;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let row: Vec<f64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
            assert!((frequencies[rows] - row[0]).abs() < 1e-9);
            for channel in 0..2 {
                let relative = (channels[channel][rows] / row[1 + channel] - 1.0).abs();
                assert!(relative < 1e-6, "{} Hz, channel {channel}: off by {relative}", row[0]);
            }
            rows += 1;
        }
        assert_eq!(rows, 33);
    }

    #[test]
    fn the_integral_over_frequency_is_the_variance() {
        let mut stream = Stream::new(3, 0);
        let mut welch = Welch::new(1, 1_000);
        for _ in 0..60_000 {
            welch.push(&[(10.0 * stream.normal()) as f32]);
        }
        let total: f64 = welch.mean().unwrap().iter().sum::<f64>() * 1_000.0 / 4_096.0;
        assert!((total - 100.0).abs() < 2.0, "{total} uV^2");
    }

    #[test]
    fn hours_fit_in_the_blocks_of_minutes() {
        let mut stream = Stream::new(4, 0);
        let mut welch = Welch::with_segment(2, 250, 8);
        for _ in 0..4 * 1_037 + 4 {
            welch.push(&[stream.normal() as f32, stream.normal() as f32]);
        }
        assert_eq!(welch.segments(), 1_037);
        let blocks = welch.blocks();
        assert!((16..=MOST_BLOCKS).contains(&blocks.len()), "{}", blocks.len());
        let (mean, channels) = (welch.mean().unwrap(), welch.channels());
        for bin in 0..mean.len() {
            let of_channels = f64::midpoint(channels[0][bin], channels[1][bin]);
            assert!((mean[bin] / of_channels - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn the_recent_estimate_is_of_the_last_segments_and_of_none_from_before_a_change() {
        let power = |spectrum: Option<Vec<f64>>| spectrum.map(|density| density.iter().sum::<f64>());
        let mut stream = Stream::new(5, 0);
        let mut welch = Welch::with_segment(2, 250, 64);
        let mut push = |welch: &mut Welch, samples: usize, sd: f64| {
            for _ in 0..samples {
                welch.push(&[(sd * stream.normal()) as f32, (sd * stream.normal()) as f32]);
            }
        };
        push(&mut welch, 64 + 32, 1.0);
        assert_eq!(welch.recent_mean(), welch.mean(), "as long as nothing is forgotten they are the same");
        assert_eq!(welch.recent_units(), welch.channels());
        push(&mut welch, 2_000, 1.0);
        let quiet = power(welch.recent_mean()).unwrap();
        // In the middle of a segment: what it held before counts no more.
        push(&mut welch, 7, 1.0);
        welch.change();
        assert_eq!((welch.recent_mean(), welch.recent_seconds()), (None, 0.0));
        push(&mut welch, 64 + 64, 10.0);
        let loud = power(welch.recent_mean()).unwrap();
        assert!((50.0..200.0).contains(&(loud / quiet)), "{loud} of {quiet}");
        assert!(welch.recent_units().len() == 2 && welch.recent_seconds() >= 64.0 / 250.0);
        // Without a change it forgets by itself.
        push(&mut welch, 32 * (RECENT_SEGMENTS + 2), 1.0);
        let after = power(welch.recent_mean()).unwrap();
        assert!((0.5..2.0).contains(&(after / quiet)), "{after} of {quiet}");
        assert_eq!(welch.recent_units().len(), RECENT_SEGMENTS);
        assert!((welch.recent_seconds() - 15.0 * 32.0 / 250.0).abs() < 1e-12);
    }

    #[test]
    fn there_is_no_spectrum_before_the_first_segment() {
        let mut welch = Welch::new(3, 1_000);
        for _ in 0..4_095 {
            welch.push(&[1.0; 3]);
        }
        assert!(welch.mean().is_none() && welch.channels().is_empty() && welch.blocks().is_empty());
    }

    #[test]
    fn a_value_that_is_no_number_does_not_spoil_the_spectrum() {
        let mut welch = Welch::with_segment(1, 250, 64);
        for i in 0..640 {
            welch.push(&[if i == 100 { f32::NAN } else { (i % 7) as f32 }]);
        }
        assert!(welch.mean().unwrap().iter().all(|value| value.is_finite()));
    }
}
