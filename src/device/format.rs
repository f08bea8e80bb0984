//! Which of a device's formats is opened: 48 kHz stereo in floating point, or what is nearest to it.

use cpal::{BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};

use crate::time::SAMPLE_RATE;

/// A format that a device offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) config: StreamConfig,
    pub(super) sample: SampleFormat,
    /// Frames of the device's only block, where it has no other.
    pub(super) only_block: Option<u32>,
}

impl Format {
    /// The best of `offered` for a wanted rate (0 for the run's) and block (0 for `block`).
    pub(super) fn choose(offered: &[SupportedStreamConfigRange], rate: u32, block: u32) -> Option<Self> {
        let wanted = if rate == 0 { SAMPLE_RATE } else { rate };
        let best = offered.iter().filter(|range| sample_cost(range.sample_format()).is_some()).min_by_key(
            |range| {
                let rate = wanted.clamp(range.min_sample_rate(), range.max_sample_rate());
                // A lower rate loses what a higher one only carries in vain.
                let off = if rate < wanted { 4 * (wanted - rate) } else { rate - wanted };
                (off, channel_cost(range.channels()), sample_cost(range.sample_format()))
            },
        )?;
        let sample_rate = wanted.clamp(best.min_sample_rate(), best.max_sample_rate());
        let buffer_size = match *best.buffer_size() {
            SupportedBufferSize::Range { min, max } if min <= max => BufferSize::Fixed(block.clamp(min, max)),
            _ => BufferSize::Fixed(block),
        };
        let config = StreamConfig { channels: best.channels(), sample_rate, buffer_size };
        let only_block = match *best.buffer_size() {
            SupportedBufferSize::Range { min, max } if min == max => Some(min),
            _ => None,
        };
        Some(Self { config, sample: best.sample_format(), only_block })
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        let block = match self.config.buffer_size {
            BufferSize::Fixed(block) => format!(", blocks of {block}"),
            BufferSize::Default => String::new(),
        };
        let channels = self.config.channels;
        format!("{} Hz, {channels} channels, {}{block}", self.config.sample_rate, self.sample)
    }
}

/// Two channels are what is heard; more carry some in vain, one is given to both ears.
fn channel_cost(channels: u16) -> u16 {
    match channels {
        2 => 0,
        1 => 1,
        more => more,
    }
}

/// The order in which sample formats are wanted; `None` where one is not read.
fn sample_cost(format: SampleFormat) -> Option<u8> {
    Some(match format {
        SampleFormat::F32 => 0,
        SampleFormat::I32 => 1,
        SampleFormat::I24 => 2,
        SampleFormat::F64 => 3,
        SampleFormat::I16 => 4,
        SampleFormat::U16 => 5,
        SampleFormat::U8 => 6,
        SampleFormat::I8 => 7,
        _ => return None,
    })
}

/// What a device offers, a line for each span of rates, the best sample formats first.
pub(super) fn lines(offered: &[SupportedStreamConfigRange]) -> Vec<String> {
    let mut spans: Vec<Span> = Vec::new();
    for range in offered.iter().filter(|range| sample_cost(range.sample_format()).is_some()) {
        let rates = (range.min_sample_rate(), range.max_sample_rate());
        let channels = (range.channels(), range.channels());
        let blocks = match *range.buffer_size() {
            SupportedBufferSize::Range { min, max } => Some((min, max)),
            SupportedBufferSize::Unknown => None,
        };
        match spans.iter_mut().find(|span| span.rates == rates) {
            Some(span) => {
                span.channels = wider(span.channels, channels);
                span.blocks = span.blocks.zip(blocks).map(|(one, other)| wider(one, other));
                span.samples.push(range.sample_format());
            }
            None => spans.push(Span { rates, channels, blocks, samples: vec![range.sample_format()] }),
        }
    }
    spans.iter_mut().map(Span::line).collect()
}

/// What is offered at the same rates.
struct Span {
    rates: (u32, u32),
    channels: (u16, u16),
    blocks: Option<(u32, u32)>,
    samples: Vec<SampleFormat>,
}

impl Span {
    fn line(&mut self) -> String {
        self.samples.sort_by_key(|sample| sample_cost(*sample));
        self.samples.dedup();
        let rates = match self.rates {
            (low, high) if low < 8_000 && high > 192_000 => "any rate".to_owned(),
            (low, high) => format!("{} Hz", between(low, high)),
        };
        let channels = between(self.channels.0, self.channels.1);
        let samples: Vec<String> = self.samples.iter().map(ToString::to_string).collect();
        let blocks = match self.blocks {
            Some((min, max)) if max <= 1 << 20 => format!(", blocks of {}", between(min, max)),
            _ => String::new(),
        };
        format!("{rates}, {channels} channels, {}{blocks}", samples.join(" "))
    }
}

fn wider<T: Ord + Copy>(one: (T, T), other: (T, T)) -> (T, T) {
    (one.0.min(other.0), one.1.max(other.1))
}

fn between<T: Ord + Copy + std::fmt::Display>(low: T, high: T) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, low: u32, high: u32, sample: SampleFormat) -> SupportedStreamConfigRange {
        let block = SupportedBufferSize::Range { min: 64, max: 4_096 };
        SupportedStreamConfigRange::new(channels, low, high, block, sample)
    }

    fn chosen(offered: &[SupportedStreamConfigRange], rate: u32) -> (u16, u32, SampleFormat) {
        let format = Format::choose(offered, rate, 32).unwrap();
        assert_eq!(format.config.buffer_size, BufferSize::Fixed(64));
        (format.config.channels, format.config.sample_rate, format.sample)
    }

    #[test]
    fn the_runs_own_rate_in_stereo_and_floating_point_is_best() {
        let offered = [
            range(8, 8_000, 192_000, SampleFormat::F32),
            range(2, 44_100, 44_100, SampleFormat::F32),
            range(2, 8_000, 192_000, SampleFormat::I16),
            range(2, 8_000, 192_000, SampleFormat::F32),
        ];
        assert_eq!(chosen(&offered, 0), (2, 48_000, SampleFormat::F32));
        assert_eq!(chosen(&offered[..3], 0), (2, 48_000, SampleFormat::I16));
        assert_eq!(chosen(&offered[..2], 0), (8, 48_000, SampleFormat::F32));
        assert_eq!(chosen(&offered, 96_000), (2, 96_000, SampleFormat::F32));
    }

    #[test]
    fn what_there_is_is_taken_whatever_it_is() {
        assert_eq!(chosen(&[range(1, 44_100, 44_100, SampleFormat::U8)], 0), (1, 44_100, SampleFormat::U8));
        assert_eq!(chosen(&[range(8, 8_000, 16_000, SampleFormat::I32)], 0), (8, 16_000, SampleFormat::I32));
        assert_eq!(Format::choose(&[], 0, 64), None);
    }

    #[test]
    fn formats_are_listed_by_rates_with_the_best_sample_first() {
        let offered = [
            range(2, 48_000, 48_000, SampleFormat::I16),
            range(1, 48_000, 48_000, SampleFormat::F32),
            range(8, 48_000, 48_000, SampleFormat::F32),
            range(2, 4_000, u32::MAX, SampleFormat::U8),
            range(2, 4_000, u32::MAX, SampleFormat::DsdU8),
        ];
        let expected = [
            "48000 Hz, 1 to 8 channels, f32 i16, blocks of 64 to 4096",
            "any rate, 2 channels, u8, blocks of 64 to 4096",
        ];
        assert_eq!(lines(&offered), expected);
    }
}
