//! The drive: bursts become short resonant pulses, sustained levels steady ones; real-time code.

use std::ops::Range;

use super::parameters::ArrayParameters;
use crate::kernel::aligned::Aligned;
use crate::kernel::archive::Archive;
use crate::kernel::pulse::fade;
use crate::kernel::sheet::RowsDrive;
use crate::signal::{Burst, SheetShape};

/// The largest phasic drive of a site in units of the tonic rms: what comes beyond is held here. At the default gain it is six
/// thresholds, as many as a strong colour and the change of light that comes with it add up to; lower, such colours would drive alike.
/// Where the fastest band steps once in many ticks it is less by the share that counts of a push.
pub const CEILING: f32 = 18.0;

/// The largest sustained level, in units of the tonic rms: lower, for it does not fade.
pub const LEVEL_CEILING: f32 = 12.0;

/// The largest pulse before it is held: its square is still a number.
const MOST: f32 = 1e18;

/// A millionth of the tonic rms drives nothing.
pub const LEAST: f32 = 1e-6;

/// A burst's pulse: amplitude `gain * magnitude`, phase by sign and hue; `None` where the burst is not finite.
#[must_use]
pub fn pulse(gain: f32, burst: &Burst) -> Option<[f32; 2]> {
    if !(burst.magnitude.is_finite() && burst.phase.is_finite()) {
        return None;
    }
    let amplitude = (gain * burst.sign.factor() * burst.magnitude).clamp(-MOST, MOST);
    // Bursts without a hue are the most of them.
    let (sin, cos) = if burst.phase == 0.0 { (0.0, 1.0) } else { libm::sincosf(burst.phase) };
    Some([amplitude * cos, amplitude * sin])
}

/// A sustained level as it is held: at least 0, at most [`LEVEL_CEILING`], and 0 where it is not finite.
#[must_use]
#[inline]
pub fn held(level: f32) -> f32 {
    // Without a branch: there are thousands of them in a tick.
    if level.is_finite() { level.clamp(0.0, LEVEL_CEILING) } else { 0.0 }
}

/// For every band, the runs of columns that belong to it.
fn runs(bands: usize, width: usize, band_of_column: impl Fn(usize) -> usize) -> Vec<Vec<Range<usize>>> {
    let mut columns: Vec<Vec<Range<usize>>> = vec![Vec::new(); bands];
    for column in 0..width {
        let runs = &mut columns[band_of_column(column)];
        match runs.last_mut() {
            Some(run) if run.end == column => run.end += 1,
            _ => runs.push(column..column + 1),
        }
    }
    columns
}

/// Amplitudes per site, relative to the carrier.
#[derive(Clone, Debug)]
pub(super) struct Drive {
    width: usize,
    /// Share of the phasic drive that is left after a step of the fastest band.
    decay: f32,
    /// Share of a push that counts: where the fastest band steps once in many ticks, what fades between two steps is taken
    /// off all pushes alike.
    weight: f32,
    gain: f32,
    phasic_re: Aligned,
    phasic_im: Aligned,
    sustained: Aligned,
    /// For every band, the columns whose sustained drive it takes.
    columns: Vec<Vec<Range<usize>>>,
    refused: u64,
    active: bool,
    /// Whether a sustained level was ever set.
    sustains: bool,
}

impl Drive {
    pub(super) fn new(shape: SheetShape, parameters: &ArrayParameters) -> Self {
        let [decay, weight] = parameters.phasic_shares().map(|share| share as f32);
        Self {
            width: shape.width,
            decay,
            weight,
            gain: parameters.burst_gain as f32,
            phasic_re: Aligned::zeros(shape.sites()),
            phasic_im: Aligned::zeros(shape.sites()),
            sustained: Aligned::zeros(shape.sites()),
            columns: runs(shape.bands, shape.width, |_| shape.bands - 1),
            refused: 0,
            active: false,
            sustains: false,
        }
    }

    /// Goes on with the gain of `parameters` and the shares that its bursts' length leaves.
    pub(super) fn retune(&mut self, parameters: &ArrayParameters) {
        self.gain = parameters.burst_gain as f32;
        [self.decay, self.weight] = parameters.phasic_shares().map(|share| share as f32);
    }

    /// Bursts and levels that were refused: not finite, or beyond the sheet.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Says to which band each column's sustained drive belongs.
    pub(super) fn tune(&mut self, band_of_column: impl Fn(usize) -> usize) {
        self.columns = runs(self.columns.len(), self.width, band_of_column);
    }

    /// Adds a burst's pulse.
    pub(super) fn strike(&mut self, burst: &Burst) {
        let site = burst.site as usize;
        match pulse(self.gain, burst) {
            Some([re, im]) if site < self.phasic_re.len() => self.add(site, re, im),
            _ => self.refused += 1,
        }
    }

    /// Adds a complex amplitude at a site and holds the sum below the ceiling.
    pub(super) fn add(&mut self, site: usize, re: f32, im: f32) {
        let re = self.phasic_re[site] + re * self.weight;
        let im = self.phasic_im[site] + im * self.weight;
        let size = (re * re + im * im).sqrt();
        let ceiling = CEILING * self.weight;
        let scale = if size > ceiling { ceiling / size } else { 1.0 };
        self.phasic_re[site] = re * scale;
        self.phasic_im[site] = im * scale;
        self.active = true;
    }

    /// Sets the sustained levels, one per site, at least 0.
    pub(super) fn sustain(&mut self, levels: &[f32]) {
        for (own, level) in self.sustained.iter_mut().zip(levels) {
            *own = held(*level);
            self.refused += u64::from(!level.is_finite());
        }
        self.active = true;
        self.sustains = true;
    }

    /// What drives some rows of a band; `None` where nothing does.
    pub(super) fn rows(&self, band: usize, rows: Range<usize>) -> Option<RowsDrive<'_>> {
        let sites = rows.start * self.width..rows.end * self.width;
        let columns = &self.columns[band];
        let sustained = self.sustains && !columns.is_empty();
        let fastest = band + 1 == self.columns.len();
        (self.active && (fastest || sustained)).then(|| RowsDrive {
            phasic: fastest.then(|| [&self.phasic_re[sites.clone()], &self.phasic_im[sites.clone()]]),
            sustained: sustained.then(|| (&self.sustained[sites], &columns[..])),
        })
    }

    /// Lets the phasic drive fade by one step of the fastest band.
    pub(super) fn fade(&mut self) {
        if !self.active {
            return;
        }
        // Both are faded, whatever the first says.
        let left = [&mut self.phasic_re, &mut self.phasic_im].map(|part| fade(part, self.decay, LEAST));
        self.active = left != [false; 2] || self.sustained.iter().any(|level| *level > 0.0);
    }

    /// Whether anything drives the sheet, and whether a sustained level was ever set.
    pub(super) fn flags(&self) -> [bool; 2] {
        [self.active, self.sustains]
    }

    /// Hands the flags to `archive`.
    pub(super) fn archive(&mut self, archive: &mut impl Archive) {
        for flag in [&mut self.active, &mut self.sustains] {
            let mut word = u32::from(*flag);
            archive.word(&mut word);
            *flag = word != 0;
        }
    }

    /// Takes what [`Self::flags`] gave.
    pub(super) fn set_flags(&mut self, [active, sustains]: [bool; 2]) {
        self.active = active;
        self.sustains = sustains;
    }

    /// Takes what [`Self::planes`] gave.
    pub(super) fn put_planes(&mut self, planes: [&[f32]; 3]) {
        let own = [&mut self.phasic_re, &mut self.phasic_im, &mut self.sustained];
        for (own, plane) in own.into_iter().zip(planes) {
            own.copy_from_slice(plane);
        }
    }

    /// Writes what drives the sheet, as the state's hash sees it.
    pub(super) fn planes(&self) -> [&[f32]; 3] {
        [&self.phasic_re, &self.phasic_im, &self.sustained]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{ArrayId, Sign};
    use crate::time::Timestamp;

    /// The size of what drives a site after bursts of so many thresholds of light and of red.
    fn struck(light: f32, red: f32) -> f32 {
        let shape = SheetShape { height: 1, width: 1, bands: 1 };
        let mut drive = Drive::new(shape, &ArrayParameters::default());
        let burst = |phase, magnitude| Burst {
            time: Timestamp::ZERO,
            array: ArrayId(0),
            site: 0,
            sign: Sign::On,
            phase,
            magnitude,
            surprisal_bits: 0.0,
        };
        drive.strike(&burst(0.0, light));
        drive.strike(&burst(f32::EPSILON, red));
        drive.phasic_re[0].hypot(drive.phasic_im[0])
    }

    #[test]
    fn strong_colours_with_their_light_drive_unlike_and_what_is_beyond_is_held() {
        let near = |size: f32, wanted: f32| (size - wanted).abs() < 1e-4;
        assert!(near(struck(2.0, 3.0), 15.0) && near(struck(2.0, 4.0), 18.0));
        assert!(near(struck(2.0, 5.0), CEILING) && near(struck(1e6, 1.0), CEILING));
        // What is absurd too, and it stays a number.
        assert!(near(struck(1e30, 1.0), CEILING) && near(struck(1.0, f32::MAX), CEILING));
    }

    #[test]
    fn levels_are_held_between_nothing_and_their_ceiling() {
        let levels = [-1.0, 3.0, 1e30, f32::NAN, f32::INFINITY];
        assert_eq!(levels.map(held), [0.0, 3.0, LEVEL_CEILING, 0.0, 0.0]);
    }
}
