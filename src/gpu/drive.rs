//! The host's side of the drive: what was pushed since the last tick, and for how long the device has to let it fade.

use crate::array::ArrayParameters;
use crate::array::drive::{CEILING, LEAST, held, pulse};
use crate::signal::{Burst, SheetShape};

/// What bounds a phasic drive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    /// Share that is left after a step of the fastest band.
    pub(super) left: f32,
    pub(super) least: f32,
    pub(super) most: f32,
}

/// A push as the device takes it: site, real part, imaginary part, nothing.
pub(super) type Push = [u32; 4];

/// Pushes and levels on their way to the device.
#[derive(Clone, Debug)]
pub(super) struct Drive {
    bounds: Bounds,
    /// Share of a push that counts, as on the processor.
    weight: f32,
    gain: f32,
    sites: usize,
    pushes: Vec<Push>,
    /// Steps of the fastest band after which nothing is left of the strongest push.
    longest: u64,
    /// Steps for which something may be left.
    left: u64,
    levels: Vec<f32>,
    sustains: bool,
    /// Whether the levels are other than those that the device has.
    renewed: bool,
    /// The band of every column's sustained drive.
    bands: Vec<u32>,
    retuned: bool,
    refused: u64,
}

impl Drive {
    pub(super) fn new(shape: SheetShape, parameters: &ArrayParameters) -> Self {
        let [left, weight] = parameters.phasic_shares();
        let steps = libm::log(f64::from(LEAST) / f64::from(CEILING)) / libm::log(left);
        let weight = weight as f32;
        Self {
            bounds: Bounds { left: left as f32, least: LEAST, most: CEILING * weight },
            weight,
            gain: parameters.burst_gain as f32,
            sites: shape.sites(),
            pushes: Vec::new(),
            // Rounding may make the tail a little longer.
            longest: libm::ceil(steps * 1.001) as u64 + 2,
            left: 0,
            levels: vec![0.0; shape.sites()],
            sustains: false,
            renewed: false,
            bands: vec![shape.bands as u32 - 1; shape.width],
            retuned: true,
            refused: 0,
        }
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    pub(super) fn set_column_band(&mut self, column: usize, band: usize) {
        self.bands[column] = band as u32;
        self.retuned = true;
    }

    pub(super) fn strike(&mut self, burst: &Burst) {
        let site = burst.site as usize;
        match pulse(self.gain, burst) {
            Some([re, im]) if site < self.sites => self.add(site, re, im),
            _ => self.refused += 1,
        }
    }

    /// # Panics
    /// Where the site lies beyond the sheet.
    pub(super) fn add(&mut self, site: usize, re: f32, im: f32) {
        assert!(site < self.sites, "a site of this sheet");
        let [re, im] = [re, im].map(|part| (part * self.weight).to_bits());
        self.pushes.push([site as u32, re, im, 0]);
    }

    pub(super) fn sustain(&mut self, levels: &[f32]) {
        for (own, level) in self.levels.iter_mut().zip(levels) {
            let level_held = held(*level);
            self.renewed |= own.to_bits() != level_held.to_bits();
            *own = level_held;
            self.refused += u64::from(!level.is_finite());
        }
        self.sustains = true;
    }

    /// Levels that the device does not have yet.
    pub(super) fn take_levels(&mut self) -> Option<&[f32]> {
        std::mem::take(&mut self.renewed).then_some(&self.levels)
    }

    /// Bands of the columns that the device does not have yet.
    pub(super) fn take_bands(&mut self) -> Option<&[u32]> {
        std::mem::take(&mut self.retuned).then_some(&self.bands)
    }

    /// Hands over what was pushed since the last tick, site by site, and of one site in the order in which it came.
    pub(super) fn take_pushes(&mut self, into: &mut Vec<Push>) -> usize {
        self.pushes.sort_by_key(|push| push[0]);
        let count = self.pushes.len();
        into.append(&mut self.pushes);
        if count > 0 {
            self.left = self.longest;
        }
        count
    }

    /// Whether the device may hold a phasic drive.
    pub(super) fn is_phasic(&self) -> bool {
        self.left > 0
    }

    /// Whether a band takes a sustained drive.
    pub(super) fn sustains(&self, band: usize) -> bool {
        self.sustains && self.bands.contains(&(band as u32))
    }

    /// The fastest band has stepped.
    pub(super) fn fade(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}
