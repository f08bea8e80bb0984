//! What people are shown of a picture: a small copy, and where it raised bursts.

use crate::sense::retina::Retina;
use crate::signal::{BURST_SIDE, Burst, Frame, InputPicture, Sign};

/// The longest side of the picture that people are shown.
const SHOWN_SIDE: usize = 256;

/// A copy of a frame at a whole fraction of its size that fits the page, and where it raised `bursts`.
pub(super) fn shown_of(frame: &Frame, retina: &Retina, bursts: &[Burst]) -> InputPicture {
    let step = frame.width.max(frame.height).div_ceil(SHOWN_SIDE).max(1);
    let (width, height) = (frame.width.div_ceil(step), frame.height.div_ceil(step));
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in (0..frame.height).step_by(step) {
        for x in (0..frame.width).step_by(step) {
            rgb.extend_from_slice(&frame.pixel(x, y));
        }
    }
    InputPicture { time: frame.stamp.time, width, height, rgb, bursts: counted(retina, bursts) }
}

/// How many bursts of light a picture raised in each of its cells, On before Off.
fn counted(retina: &Retina, bursts: &[Burst]) -> Vec<u8> {
    let mut counts = vec![0u8; 2 * BURST_SIDE * BURST_SIDE];
    // Those of colour, which have a phase, are neither of brighter nor of darker.
    for burst in bursts.iter().filter(|burst| burst.phase <= 0.0) {
        let cell = |part: f64| ((part * BURST_SIDE as f64) as usize).min(BURST_SIDE - 1);
        let [x, y] = retina.place(burst.site).map(cell);
        let off = usize::from(burst.sign == Sign::Off);
        let count = &mut counts[(off * BURST_SIDE + y) * BURST_SIDE + x];
        *count = count.saturating_add(1);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::retina::RetinaParameters;
    use crate::signal::{ArrayId, Stamp};
    use crate::time::Timestamp;

    #[test]
    fn a_picture_is_shown_with_its_bursts_where_it_raised_them() {
        let mut retina = Retina::new(&RetinaParameters::default(), 64, 64, ArrayId(0)).unwrap();
        // Of 96 columns the middle 64 are seen; the bar covers the first eight of those.
        let frame = |number: i64, bar: u8| Frame {
            stamp: Stamp::recorded(Timestamp(40_000_000 * number)),
            sequence: number as u64,
            width: 96,
            height: 64,
            rgb: (0..96 * 64).flat_map(|at| [if at % 96 < 24 { bar } else { 90 }; 3]).collect(),
        };
        let mut bursts = Vec::new();
        for (number, bar) in [(0, 30), (1, 255)] {
            retina.encode(&frame(number, bar), &mut |burst| bursts.push(burst));
        }
        let shown = shown_of(&frame(1, 255), &retina, &bursts);
        assert_eq!((shown.width, shown.height), (96, 64));
        let counts = shown.bursts;
        assert_eq!(counts.len(), 2 * BURST_SIDE * BURST_SIDE);
        let of = |x: usize| counts[..BURST_SIDE * BURST_SIDE].iter().skip(x).step_by(BURST_SIDE);
        let on: Vec<u32> = (0..BURST_SIDE).map(|x| of(x).map(|count| u32::from(*count)).sum()).collect();
        assert!(on[5] > 0 && on[6] > 0 && on[7] > 0, "{on:?}");
        assert_eq!(on[..5].iter().chain(&on[9..]).sum::<u32>(), 0, "{on:?}");
    }
}
