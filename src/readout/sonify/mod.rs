//! The field as sound, a millisecond at a time: a pink ground that is always there, and grains where something is new.
//!
//! ```text
//!  fields ──> tonic: carriers ───┐
//!                                ├─> DC blocker ──> leveller ──> look-ahead limiter ──> fades ──> 48 stereo frames
//!  bursts ──> phasic: grains ────┘
//! ```
//!
//! [`Sonifier::tick`] runs on the real-time thread: it allocates nothing, locks nothing, and its loops are
//! bounded by the counts of carriers and voices and by the number of bursts it is handed.
//!
//! Sound is downstream of the array's state, but it is a product of the run all the same: every figure in it
//! comes from integer phases and from separate products and sums, so a replay gives the same file on every
//! processor.
//!
//! To add a kind of sound: write its file here, give it an `add(..., left, right)` that fills planar blocks,
//! and call it in [`Sonifier::tick`].

mod blocker;
mod fades;
mod leveller;
mod limiter;
mod parameters;
mod phasic;
pub mod scenes;
mod tonic;

#[cfg(test)]
mod measure;
#[cfg(test)]
mod tests;

pub use parameters::SonifyParameters;

use crate::error::{Error, Result};
use crate::kernel::carriers::BLOCK;
use crate::signal::{Burst, FieldView, SheetShape};
use crate::time::{SAMPLES_PER_TICK, Tick};
use crate::units::Decibels;
use blocker::Blocker;
use fades::Fades;
use leveller::Leveller;
use limiter::Limiter;
use phasic::Phasic;
use tonic::Tonic;

const _: () = assert!(BLOCK == SAMPLES_PER_TICK, "the kernel's block is the engine's tick");

/// Frames from the end of a tick's field, or from a burst's own time, until it is heard: one tick in which
/// the carriers move from the last field to this one, and the limiter's look-ahead.
pub const DELAY_FRAMES: usize = SAMPLES_PER_TICK + limiter::LOOK_AHEAD;

/// How the rows and columns of a sheet sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voicing<'a> {
    /// A picture: rows are pitches, the top row the highest; columns are places from left to right.
    Picture,
    /// Each row has a pitch of its own, in Hz from 20 to 20000, one value per row. Columns are no places in
    /// the world (hearing's are rates of modulation), so they spread over the middle half of the stage only.
    Pitches(&'a [f64]),
}

impl Voicing<'_> {
    /// The place of a column: 0 is left, 1 is right.
    fn place(self, column: usize, width: usize) -> f64 {
        let place = (column as f64 + 0.5) / width as f64;
        match self {
            Self::Picture => place,
            Self::Pitches(_) => 0.25 + 0.5 * place,
        }
    }
}

/// One sheet that is heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice<'a> {
    /// The sheet's shape.
    pub shape: SheetShape,
    /// How it sounds.
    pub voicing: Voicing<'a>,
}

/// Left and right gain of a place, equal in power: the squares sum to 1.
fn pan(place: f64) -> [f64; 2] {
    let angle = place.clamp(0.0, 1.0) * core::f64::consts::FRAC_PI_2;
    [libm::cos(angle), libm::sin(angle)]
}

/// Turns fields and bursts into sound at 48 kHz.
#[derive(Debug)]
pub struct Sonifier {
    tonic: Tonic,
    phasic: Phasic,
    blocker: Blocker,
    leveller: Leveller,
    limiter: Limiter,
    fades: Fades,
    left: [f32; BLOCK],
    right: [f32; BLOCK],
}

impl Sonifier {
    /// A sonifier of the sheets `voices`, in the order of the engine's arrays, whose band `b` has centre
    /// frequency `carrier_hz[b]` in Hz and tonic variance `band_variances[b]`. `seed` decides which sites
    /// are heard at which frequency.
    ///
    /// # Errors
    /// Where a parameter is out of bounds, there is no sheet, a sheet has no site or not the bands that the
    /// variances name, a pitch list does not fit its sheet, or no carrier falls into the range of hearing.
    pub fn new(
        parameters: &SonifyParameters,
        voices: &[Voice<'_>],
        band_variances: &[f32],
        carrier_hz: &[f64],
        seed: u64,
    ) -> Result<Self> {
        parameters.check()?;
        check_bands(band_variances, carrier_hz)?;
        check_voices(voices, carrier_hz.len())?;
        let rms = Decibels(parameters.level_db).amplitude();
        Ok(Self {
            tonic: Tonic::new(parameters, voices, band_variances, carrier_hz, rms, seed)?,
            phasic: Phasic::new(parameters, voices, rms),
            blocker: Blocker::default(),
            leveller: Leveller::new(parameters.loudness_lufs),
            limiter: Limiter::new(),
            fades: Fades::new(parameters.fade_in_ms, parameters.fade_out_ms),
            left: [0.0; BLOCK],
            right: [0.0; BLOCK],
        })
    }

    /// The sound of one tick: `fields` are the arrays after the step of `tick`, `bursts` what entered it;
    /// `out` is left and right, never beyond -1 dBFS, never NaN or infinite.
    ///
    /// Ticks are handed over one by one. A field that is missing or has another shape than its voice is
    /// silent; a burst of an unknown array or site is not heard.
    pub fn tick(
        &mut self,
        tick: Tick,
        fields: &[FieldView<'_>],
        bursts: &[Burst],
        out: &mut [[f32; 2]; SAMPLES_PER_TICK],
    ) {
        self.tonic.play(tick, fields, &mut self.left, &mut self.right);
        self.phasic.add(tick, bursts, &mut self.left, &mut self.right);
        for (frame, (&left, &right)) in out.iter_mut().zip(self.left.iter().zip(&self.right)) {
            *frame = self.blocker.pass([left, right]);
        }
        self.leveller.pass_block(out);
        self.limiter.pass_block(out);
        self.fades.pass_block(out);
    }

    /// Hears bands of these tonic variances from now on.
    pub fn retune(&mut self, band_variances: &[f32]) {
        self.tonic.retune(band_variances);
    }

    /// Starts the fade-out; a second call changes nothing.
    pub fn begin_fade_out(&mut self) {
        self.fades.begin_fade_out();
    }

    /// Ticks from the start of the fade-out to silence.
    #[must_use]
    pub fn fade_out_ticks(&self) -> u64 {
        u64::from(self.fades.out_frames()).div_ceil(SAMPLES_PER_TICK as u64)
    }

    /// Whether the fade-out has ended: from here on every frame is 0.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.fades.is_silent()
    }

    /// Carriers that sound all the time.
    #[must_use]
    pub fn carriers(&self) -> usize {
        self.tonic.carriers()
    }

    /// Frames that were not finite and were replaced by silence.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.blocker.quarantined()
    }
}

fn check_bands(band_variances: &[f32], carrier_hz: &[f64]) -> Result<()> {
    if carrier_hz.is_empty() || band_variances.len() != carrier_hz.len() {
        return Err(Error::configuration("array.bands", "each band needs one frequency and one variance")
            .value(format!("{} frequencies, {} variances", carrier_hz.len(), band_variances.len()))
            .bound("at least 1 of each, as many of one as of the other"));
    }
    for (band, (&variance, &frequency)) in band_variances.iter().zip(carrier_hz).enumerate() {
        if !(variance.is_finite() && variance > 0.0) {
            return Err(Error::configuration("array.bands", "a band's tonic variance cannot be heard")
                .at(format!("band {band}"))
                .value(variance)
                .bound("greater than 0, finite"));
        }
        // Beyond half the tick rate a band has no frequency of its own.
        if !(frequency > 0.0 && frequency < 500.0) {
            return Err(Error::configuration("array.bands", "a band's frequency is out of range")
                .at(format!("band {band}"))
                .value(format!("{frequency} Hz"))
                .bound("above 0 Hz, below 500 Hz"));
        }
    }
    Ok(())
}

fn check_voices(voices: &[Voice<'_>], bands: usize) -> Result<()> {
    if voices.is_empty() {
        return Err(Error::configuration("sound", "there is no array to listen to")
            .value("0 arrays")
            .bound("at least 1"));
    }
    for (index, voice) in voices.iter().enumerate() {
        if voice.shape.sites() == 0 || voice.shape.bands != bands {
            return Err(Error::configuration("sound", "an array's sheet cannot be heard")
                .at(format!("array {index}"))
                .value(format!("{} sites, {} bands", voice.shape.sites(), voice.shape.bands))
                .bound(format!("at least 1 site, {bands} bands")));
        }
        if let Voicing::Pitches(pitches) = voice.voicing {
            check_pitches(index, pitches, voice.shape.height)?;
        }
    }
    Ok(())
}

fn check_pitches(index: usize, pitches: &[f64], rows: usize) -> Result<()> {
    if pitches.len() != rows {
        return Err(Error::configuration("sound", "an array needs one pitch per row")
            .at(format!("array {index}"))
            .value(pitches.len())
            .bound(rows));
    }
    match pitches.iter().position(|&p| !(20.0..=20_000.0).contains(&p)) {
        None => Ok(()),
        Some(row) => Err(Error::configuration("sound", "a row's pitch cannot be heard")
            .at(format!("array {index}, row {row}"))
            .value(format!("{} Hz", pitches[row]))
            .bound("20 Hz to 20000 Hz")),
    }
}
