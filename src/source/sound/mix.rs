//! Mixes any number of channels down to left and right.
//!
//! Known loudspeaker positions follow Rec. ITU-R BS.775-4, table 2: `L' = L + 0.7071 C + 0.7071 Ls` and its
//! mirror image, low-frequency channels left out, channels overhead like those beside the listener. Both
//! rows are divided by the larger row's sum, so that full scale in every channel is full scale out.
//! Channels without known positions give their mean to both sides; ambisonics give their
//! omnidirectional component (channel 0).

use symphonia::core::audio::{ChannelLabel, Channels, Position};

/// The most channels that are taken in.
pub const MAX_CHANNELS: usize = 64;
const HALF_POWER: f32 = core::f32::consts::FRAC_1_SQRT_2;

/// Left and right gain of each channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Downmix {
    gains: Vec<[f32; 2]>,
}

impl Downmix {
    /// The gains for `channels`; one or two channels pass at gain 1.
    #[must_use]
    pub fn new(channels: &Channels) -> Self {
        let count = channels.count().max(1);
        let gains = match (count, channels) {
            (1, _) => vec![[1.0, 1.0]],
            (2, _) => vec![[1.0, 0.0], [0.0, 1.0]],
            (_, Channels::Positioned(positions)) => positioned(positions.iter()),
            (_, Channels::Custom(labels)) => positioned(labels.iter().map(|label| match label {
                ChannelLabel::Positioned(position) => *position,
                _ => Position::empty(),
            })),
            (_, Channels::Ambisonic(_)) => {
                let mut gains = vec![[0.0, 0.0]; count];
                gains[0] = [1.0, 1.0];
                gains
            }
            _ => vec![[1.0, 1.0]; count],
        };
        Self { gains: normalised(gains, count) }
    }

    /// Mixes interleaved samples, replacing what is not finite by zero; says how many those were.
    pub fn mix(&self, interleaved: &[f32], out: &mut Vec<[f32; 2]>) -> u64 {
        let mut not_finite = 0;
        for frame in interleaved.chunks_exact(self.gains.len()) {
            let mut sum = [0.0_f32; 2];
            for (&sample, gain) in frame.iter().zip(&self.gains) {
                // A finite sample may still be absurd (1e38): it would overflow further on.
                let sane = sample.is_finite() && sample.abs() <= LOUDEST;
                not_finite += u64::from(!sane);
                let sample = if sane { sample } else { 0.0 };
                sum[0] += gain[0] * sample;
                sum[1] += gain[1] * sample;
            }
            out.push(sum);
        }
        not_finite
    }
}

/// Beyond this a sample is damage, not sound: 120 dB over full scale.
const LOUDEST: f32 = 1e6;

/// Gains by position; channels that no rule reaches stay silent.
fn positioned(positions: impl Iterator<Item = Position>) -> Vec<[f32; 2]> {
    positions.map(gain).collect()
}

/// The gains of one loudspeaker position.
fn gain(position: Position) -> [f32; 2] {
    let left = Position::FRONT_LEFT | Position::FRONT_LEFT_CENTER | Position::FRONT_LEFT_WIDE;
    let right = Position::FRONT_RIGHT | Position::FRONT_RIGHT_CENTER | Position::FRONT_RIGHT_WIDE;
    let around_left = Position::REAR_LEFT
        | Position::SIDE_LEFT
        | Position::TOP_FRONT_LEFT
        | Position::TOP_REAR_LEFT
        | Position::TOP_SIDE_LEFT
        | Position::BOTTOM_FRONT_LEFT;
    let around_right = Position::REAR_RIGHT
        | Position::SIDE_RIGHT
        | Position::TOP_FRONT_RIGHT
        | Position::TOP_REAR_RIGHT
        | Position::TOP_SIDE_RIGHT
        | Position::BOTTOM_FRONT_RIGHT;
    let around_centre = Position::REAR_CENTER
        | Position::TOP_CENTER
        | Position::TOP_FRONT_CENTER
        | Position::TOP_REAR_CENTER
        | Position::BOTTOM_FRONT_CENTER;
    if position.intersects(left) {
        [1.0, 0.0]
    } else if position.intersects(right) {
        [0.0, 1.0]
    } else if position.intersects(Position::FRONT_CENTER) {
        [HALF_POWER, HALF_POWER]
    } else if position.intersects(around_left) {
        [HALF_POWER, 0.0]
    } else if position.intersects(around_right) {
        [0.0, HALF_POWER]
    } else if position.intersects(around_centre) {
        [0.5, 0.5]
    } else {
        [0.0, 0.0]
    }
}

/// Divides both rows by the larger row's sum where there are more than two channels.
fn normalised(mut gains: Vec<[f32; 2]>, count: usize) -> Vec<[f32; 2]> {
    if count <= 2 {
        return gains;
    }
    let sum = |side: usize, gains: &[[f32; 2]]| gains.iter().map(|g| g[side]).sum::<f32>();
    if sum(0, &gains) + sum(1, &gains) == 0.0 {
        gains.fill([1.0, 1.0]);
    }
    let larger = sum(0, &gains).max(sum(1, &gains));
    for gain in &mut gains {
        *gain = gain.map(|v| v / larger);
    }
    gains
}

#[cfg(test)]
mod tests {
    use super::*;
    use symphonia::core::audio::layouts;

    fn mixed(channels: &Channels, frame: &[f32]) -> [f32; 2] {
        let mut out = Vec::new();
        Downmix::new(channels).mix(frame, &mut out);
        out[0]
    }

    #[test]
    fn one_channel_sounds_on_both_sides_and_two_pass() {
        assert_eq!(mixed(&Channels::Discrete(1), &[0.5]), [0.5, 0.5]);
        assert_eq!(mixed(&Channels::Discrete(2), &[0.5, -0.25]), [0.5, -0.25]);
    }

    #[test]
    fn five_point_one_follows_the_recommendation() {
        let scale = 1.0 + 2.0 * HALF_POWER;
        let left = mixed(&layouts::CHANNEL_LAYOUT_5P1, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!((left[0] - 1.0 / scale).abs() < 1e-6 && left[1] == 0.0);
        let centre = mixed(&layouts::CHANNEL_LAYOUT_5P1, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert!((centre[0] - HALF_POWER / scale).abs() < 1e-6 && centre[0] == centre[1]);
        assert_eq!(mixed(&layouts::CHANNEL_LAYOUT_5P1, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), [0.0, 0.0]);
        let full = mixed(&layouts::CHANNEL_LAYOUT_5P1, &[1.0; 6]);
        assert!((full[0] - 1.0).abs() < 1e-6 && (full[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn sixty_four_channels_without_positions_give_their_mean() {
        let mut frame = [0.0; 64];
        frame[63] = 0.64;
        let out = mixed(&Channels::Discrete(64), &frame);
        assert!((out[0] - 0.01).abs() < 1e-6 && out[0] == out[1]);
    }

    #[test]
    fn what_is_not_finite_becomes_silence_and_is_counted() {
        let mut out = Vec::new();
        let samples = [f32::NAN, 0.5, f32::NEG_INFINITY, 0.25, 3e38, 0.125];
        assert_eq!(Downmix::new(&Channels::Discrete(2)).mix(&samples, &mut out), 3);
        assert_eq!(out, [[0.0, 0.5], [0.0, 0.25], [0.0, 0.125]]);
    }
}
