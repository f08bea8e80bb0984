//! Activity: what sounds or moves in a recording, as one line of numbers, a millisecond each.
//!
//! Of sound it is how much the level rises, for a level differs from one microphone to the next and the time of an onset does not; of
//! pictures it is how fast they change.

use crate::signal::{AudioBlock, Frame};
use crate::time::SAMPLE_RATE;

/// Frames of sound in a millisecond.
const FRAMES: u64 = SAMPLE_RATE as u64 / 1_000;
/// Milliseconds on each side over which a level is smoothed.
const SMOOTH: usize = 5;
/// Milliseconds over which a level rises.
const RISE: usize = 5;
/// The part of the mean power below which nothing is heard.
const FLOOR: f64 = 1e-4;
/// Rows and columns of cells in which pictures change.
const CELLS: usize = 16;

/// What happens in a recording, millisecond by millisecond of its own clock.
#[derive(Clone, Debug)]
pub struct Line {
    /// A number for each millisecond, 0 or more.
    pub numbers: Vec<f32>,
    /// How finely it tells when something happens, in milliseconds: the time from one picture to the next, 1 of sound.
    pub grain: f64,
}

/// Gathers the line of a sound.
#[derive(Clone, Debug, Default)]
pub struct Sound {
    /// Sums of squares of each millisecond.
    power: Vec<f64>,
}

impl Sound {
    /// Hears a block, wherever it stands.
    pub fn hear(&mut self, block: &AudioBlock) {
        for (frame, at) in block.frames.iter().zip(block.position..) {
            let at = (at / FRAMES) as usize;
            if at >= self.power.len() {
                self.power.resize(at + 1, 0.0);
            }
            let [left, right] = frame.map(f64::from);
            self.power[at] += left * left + right * right;
        }
    }

    /// Milliseconds so far.
    #[must_use]
    pub fn milliseconds(&self) -> usize {
        self.power.len()
    }

    /// How much the level rises, in the natural logarithm of power over 5 ms; none of silence.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        let mean = self.power.iter().sum::<f64>() / self.power.len().max(1) as f64;
        let tap =
            |away: usize| 0.5 + 0.5 * libm::cos(core::f64::consts::PI * away as f64 / (SMOOTH + 1) as f64);
        let smooth = |at: usize| -> f64 {
            let near = at.saturating_sub(SMOOTH)..(at + SMOOTH + 1).min(self.power.len());
            near.map(|near| tap(near.abs_diff(at)) * self.power[near]).sum::<f64>() / (SMOOTH + 1) as f64
        };
        let level: Vec<f64> = (0..self.power.len())
            .map(|at| libm::log(smooth(at) + FLOOR * mean + f64::MIN_POSITIVE))
            .collect();
        // A rise counts at its middle.
        let rise = |at: usize| {
            let (from, to) = (at.checked_sub(RISE / 2)?, level.get(at + RISE - RISE / 2)?);
            Some((to - level[from]).max(0.0) as f32)
        };
        let numbers: Vec<f32> = (0..level.len()).map(|at| rise(at).unwrap_or_default()).collect();
        (mean > 0.0).then_some(Line { numbers, grain: 1.0 }).filter(tells)
    }
}

/// Gathers the line of pictures.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// The last picture's time in milliseconds, and its cells.
    last: Option<(f64, Vec<f64>)>,
    /// Times in milliseconds in the middle between two pictures, and how fast these changed, a second.
    changes: Vec<(f64, f64)>,
    steps: Vec<f64>,
}

impl Pictures {
    /// Sees a picture; one that does not come later than the last is left out.
    pub fn see(&mut self, frame: &Frame) {
        let (time, cells) = (frame.stamp.time.0 as f64 / 1e6, cells(frame));
        if let Some((before, last)) = &self.last {
            if time <= *before {
                return;
            }
            let change: f64 = last.iter().zip(&cells).map(|(x, y)| (x - y).abs()).sum();
            self.changes
                .push((f64::midpoint(*before, time), change / cells.len() as f64 / (time - before) * 1e3));
            self.steps.push(time - before);
        }
        self.last = Some((time, cells));
    }

    /// Milliseconds so far.
    #[must_use]
    pub fn milliseconds(&self) -> usize {
        self.last.as_ref().map_or(0, |(time, _)| time.max(0.0) as usize)
    }

    /// How fast pictures change, in parts of the range a second; none of a still.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        let (first, last) = (self.changes.first()?, self.changes.last()?);
        let mut after = 0;
        let number = |at: usize| {
            let time = at as f64;
            if time <= first.0 || time >= last.0 {
                // Before the first change and after the last one nothing is known.
                return if time <= first.0 { first.1 } else { last.1 } as f32;
            }
            while self.changes[after].0 < time {
                after += 1;
            }
            let ((from, x), (to, y)) = (self.changes[after - 1], self.changes[after]);
            (x + (y - x) * (time - from) / (to - from)) as f32
        };
        let numbers: Vec<f32> = (0..self.milliseconds()).map(number).collect();
        let mut steps = self.steps.clone();
        steps.sort_by(f64::total_cmp);
        let grain = steps[steps.len() / 2].max(1.0);
        Some(Line { numbers, grain }).filter(tells)
    }
}

/// Whether a line is not the same all along.
fn tells(line: &Line) -> bool {
    let Some(first) = line.numbers.first() else { return false };
    line.numbers.iter().any(|number| (number - first).abs() > 1e-6)
}

/// The mean luma of cells, 0 to 1.
fn cells(frame: &Frame) -> Vec<f64> {
    let mut sums = vec![[0.0, 0.0]; CELLS * CELLS];
    for (at, rgb) in frame.rgb.as_chunks::<3>().0.iter().enumerate() {
        let (y, x) = (at / frame.width, at % frame.width);
        let [red, green, blue] = rgb.map(f64::from);
        let cell = &mut sums[y * CELLS / frame.height * CELLS + x * CELLS / frame.width];
        cell[0] += (0.299 * red + 0.587 * green + 0.114 * blue) / 255.0;
        cell[1] += 1.0;
    }
    sums.into_iter().map(|[sum, count]| sum / f64::max(count, 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Origin, Stamp};
    use crate::time::Timestamp;

    fn stamp(nanoseconds: i64) -> Stamp {
        Stamp { time: Timestamp(nanoseconds), origin: Origin::Recorded }
    }

    fn block(position: u64, frames: Vec<[f32; 2]>) -> AudioBlock {
        AudioBlock { stamp: stamp(0), position, frames }
    }

    fn picture(milliseconds: i64, level: u8) -> Frame {
        let (width, height) = (20, 18);
        Frame {
            stamp: stamp(milliseconds * 1_000_000),
            sequence: 0,
            width,
            height,
            rgb: vec![level; 3 * width * height],
        }
    }

    /// Where a line is highest.
    fn highest(line: &Line) -> usize {
        (0..line.numbers.len())
            .max_by(|one, other| line.numbers[*one].total_cmp(&line.numbers[*other]))
            .unwrap()
    }

    #[test]
    fn a_sound_is_highest_where_it_sets_in_however_loud_it_is_and_silence_tells_nothing() {
        for loud in [1.0, 0.01] {
            let mut sound = Sound::default();
            sound.hear(&block(0, vec![[0.001 * loud; 2]; 48 * 300]));
            sound.hear(&block(48 * 300, vec![[0.3 * loud; 2]; 48 * 200]));
            let line = sound.line().unwrap();
            assert_eq!((line.numbers.len(), sound.milliseconds()), (500, 500));
            assert!((295..=303).contains(&highest(&line)), "{}", highest(&line));
        }
        let mut silent = Sound::default();
        silent.hear(&block(0, vec![[0.0; 2]; 48_000]));
        assert!(silent.line().is_none() && Sound::default().line().is_none());
    }

    #[test]
    fn pictures_are_highest_between_those_that_differ_and_a_still_tells_nothing() {
        let mut pictures = Pictures::default();
        for at in 0..20 {
            pictures.see(&picture(40 * at, if at < 7 { 20 } else { 220 }));
        }
        // What comes late is left out.
        pictures.see(&picture(100, 0));
        let line = pictures.line().unwrap();
        assert_eq!((highest(&line), line.numbers.len()), (260, 760));
        assert!((line.grain - 40.0).abs() < 1e-9);
        assert!((f64::from(line.numbers[260]) - 200.0 / 255.0 / 0.04).abs() < 1e-3);
        let mut still = Pictures::default();
        assert!(still.line().is_none());
        (0..9).for_each(|at| still.see(&picture(40 * at, 9)));
        assert!(still.line().is_none());
    }
}
