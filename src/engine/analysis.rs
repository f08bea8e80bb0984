//! What a run is found to be: spectra, exponent, bursts, order, information, latency, gathered while it runs.

use std::time::Duration;

use crate::readout::aperiodic::{FitSettings, Mode, exponent_interval, exponent_interval_of, fit};
use crate::readout::bands::octave_powers;
use crate::readout::information::BurstMeter;
use crate::readout::moments::{Moments, mean_excess_kurtosis};
use crate::readout::onset::{Onset, OnsetDetector, OnsetParameters};
use crate::readout::spectrum::Welch;
use crate::signal::Origin;
use crate::stream::trace::Hop;
use crate::time::{TICKS_PER_SECOND, Tick};
use crate::units::Hertz;

use super::tick::{MOST_ARRAYS, STAGES, TickReport};

/// The range of the aperiodic fit in Hz: two decades.
pub const FIT_RANGE_HZ: (f64, f64) = (1.0, 80.0);

/// The fit of the tonic spectrum.
#[derive(Clone, Debug, PartialEq)]
pub struct TonicFit {
    /// The aperiodic exponent of the fixed model.
    pub exponent: f64,
    /// Its 95 % interval; `None` where there are too few segments.
    pub interval: Option<[f64; 2]>,
    /// The largest mean residual of an octave in dB.
    pub max_residual_db: f64,
    /// The exponent of the knee model, and its knee in Hz where it has one; `None` where that model was not fitted.
    pub knee: Option<(f64, Option<f64>)>,
    /// The fixed model's power at the spectrum's frequencies.
    pub line: Vec<f32>,
}

/// A second of a run in numbers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct SecondFigures {
    /// Bursts that entered in this second.
    pub bursts: u64,
    /// Their surprisal in bits.
    pub bits: f64,
    /// Bursts that were expected and did not enter.
    #[serde(default)]
    pub expected: u64,
    /// Bits that the slow memory explained away.
    #[serde(default)]
    pub explained_bits: f64,
    /// Bits about the input that the field held at its end; `null` without a twin.
    pub bits_held: Option<f64>,
    /// Rms of `driven - twin` over the tonic rms at its end, all bands, of the array that differs most; `null` without a twin.
    pub differential: Option<f64>,
}

/// Everything that is gathered.
pub struct Analysis {
    /// Spectra of the driven electrodes.
    pub driven: Welch,
    /// Spectra of the twin's.
    pub twin: Option<Welch>,
    moments: Vec<Moments>,
    electrodes: usize,
    centres: Vec<Hertz>,
    onsets: OnsetDetector,
    /// Times of the onsets that were heard.
    pub heard: Vec<Onset>,
    /// Rates of bursts and bits.
    pub meter: BurstMeter,
    /// Rates of the bursts that were expected, and of what was explained away.
    pub explained: BurstMeter,
    /// Order parameter per band of the first array.
    pub order: Vec<Moments>,
    /// The same since the last change of a parameter.
    pub order_since: Vec<Moments>,
    /// Latest order parameter per band of the first array.
    pub order_now: Vec<f32>,
    held: Vec<f32>,
    /// Per band, of each array.
    differential: Vec<[f32; MOST_ARRAYS]>,
    /// `E_b` of every band.
    variances: Vec<f32>,
    has_twin: bool,
    /// A line per whole second.
    pub seconds: Vec<SecondFigures>,
    second: SecondFigures,
    /// Engine time per tick.
    pub tick_hop: Hop,
    /// From due to done, in paced runs.
    pub late_hop: Hop,
    /// Engine time per stage in ns, summed.
    pub stage_ns: [u64; STAGES],
    /// Ticks seen.
    pub ticks: u64,
    /// The tick after the one that was reported last.
    next: Tick,
    /// Ticks of a paced run that ended over a block of sound (10 ms) late.
    pub misses: u64,
    /// Bits of the bursts of each array.
    pub array_bits: [f64; MOST_ARRAYS],
    /// Bursts of each array.
    pub array_bursts: [u64; MOST_ARRAYS],
    /// Bursts of each array that were expected and did not enter.
    pub array_expected: [u64; MOST_ARRAYS],
}

/// A block of sound: what is asked for at once.
const BLOCK: Duration = Duration::from_millis(10);

impl Analysis {
    /// Empty, for `electrodes` driven electrodes at `rate_hz` (and as many of a twin) and bands at `centres`.
    ///
    /// # Panics
    /// Never: the onset detector's default parameters are in bounds.
    #[must_use]
    pub fn new(electrodes: usize, rate_hz: u32, centres: Vec<Hertz>, has_twin: bool) -> Self {
        let bands = centres.len();
        Self {
            driven: Welch::new(electrodes, rate_hz),
            twin: has_twin.then(|| Welch::new(electrodes, rate_hz)),
            moments: vec![Moments::new(); electrodes],
            electrodes,
            centres,
            onsets: OnsetDetector::new(&OnsetParameters::default())
                .expect("the default parameters are in bounds"),
            heard: Vec::new(),
            meter: BurstMeter::new(TICKS_PER_SECOND as usize, TICKS_PER_SECOND),
            explained: BurstMeter::new(TICKS_PER_SECOND as usize, TICKS_PER_SECOND),
            order: vec![Moments::new(); bands],
            order_since: vec![Moments::new(); bands],
            order_now: vec![0.0; bands],
            held: vec![0.0; bands],
            differential: vec![[0.0; MOST_ARRAYS]; bands],
            variances: vec![1.0; bands],
            has_twin,
            seconds: Vec::new(),
            second: SecondFigures::default(),
            tick_hop: Hop::new(Origin::Clock),
            late_hop: Hop::new(Origin::Clock),
            stage_ns: [0; STAGES],
            ticks: 0,
            next: Tick(0),
            misses: 0,
            array_bits: [0.0; MOST_ARRAYS],
            array_bursts: [0; MOST_ARRAYS],
            array_expected: [0; MOST_ARRAYS],
        }
    }

    /// From now on bands have these tonic variances `E_b`, slowest first; at first they are alike.
    pub fn set_variances(&mut self, variances: &[f32]) {
        variances.clone_into(&mut self.variances);
    }

    /// Parameters have changed, and `E_b` with them: what is recent begins anew.
    pub fn change(&mut self, variances: &[f32]) {
        self.set_variances(variances);
        self.order_since.fill(Moments::new());
        self.driven.change();
        self.twin.iter_mut().for_each(Welch::change);
    }

    /// Takes a sample: driven electrodes, then the twin's where there is one.
    pub fn sample(&mut self, values: &[f32]) {
        let (driven, twin) = values.split_at(self.electrodes);
        self.driven.push(driven);
        if let Some(welch) = &mut self.twin {
            welch.push(twin);
            for (moments, value) in self.moments.iter_mut().zip(twin) {
                moments.push(f64::from(*value));
            }
        }
    }

    /// Takes a tick's report; gives the onset that it completes.
    pub fn tick(&mut self, report: &TickReport) -> Option<Onset> {
        self.ticks += 1;
        self.next = report.tick.next();
        let bursts: u32 = report.bursts.iter().sum();
        let bits: f64 = report.bits.iter().map(|bits| f64::from(*bits)).sum();
        self.meter.tick(bursts, bits);
        let expected: u32 = report.expected.iter().sum();
        let explained: f64 = report.explained_bits.iter().map(|bits| f64::from(*bits)).sum();
        self.explained.tick(expected, explained);
        for (sum, count) in self.array_bursts.iter_mut().zip(report.bursts) {
            *sum += u64::from(count);
        }
        for (sum, count) in self.array_expected.iter_mut().zip(report.expected) {
            *sum += u64::from(count);
        }
        for (sum, bits) in self.array_bits.iter_mut().zip(report.bits) {
            *sum += f64::from(bits);
        }
        self.order[report.band].push(f64::from(report.order[0]));
        self.order_since[report.band].push(f64::from(report.order[0]));
        self.order_now[report.band] = report.order[0];
        if let Some(held) = report.bits_held {
            self.held[report.band] = held;
        }
        if let Some(differential) = report.differential {
            self.differential[report.band] = differential;
        }
        self.second.bursts += u64::from(bursts);
        self.second.bits += bits;
        self.second.expected += u64::from(expected);
        self.second.explained_bits += explained;
        if (report.tick.0 + 1).is_multiple_of(TICKS_PER_SECOND) {
            self.second.bits_held = self.bits_held();
            self.second.differential = self.differential_now();
            self.seconds.push(self.second);
            self.second = SecondFigures::default();
        }
        self.time(report);
        let onset = self.onsets.push(report.tick, report.hearing_activity);
        self.heard.extend(onset);
        onset
    }

    /// Ends the run: gives the onsets that still wait for their look-ahead.
    pub fn end(&mut self) -> Vec<Onset> {
        let first = self.next.0;
        let last = first + self.onsets.look_ahead_ticks() as u64;
        let late: Vec<Onset> = (first..last).filter_map(|tick| self.onsets.push(Tick(tick), 0.0)).collect();
        self.heard.extend(&late);
        late
    }

    fn time(&mut self, report: &TickReport) {
        let mut total = 0;
        for (sum, ns) in self.stage_ns.iter_mut().zip(report.stage_ns) {
            *sum += u64::from(ns);
            total += u64::from(ns);
        }
        self.tick_hop.record(Duration::from_nanos(total));
        if let Some(late) = report.late_ns {
            let late = Duration::from_nanos(late);
            self.late_hop.record(late);
            self.misses += u64::from(late > BLOCK);
        }
    }

    /// Bits about the input that the field holds now.
    #[must_use]
    pub fn bits_held(&self) -> Option<f64> {
        self.has_twin.then(|| self.held.iter().map(|bits| f64::from(*bits)).sum())
    }

    /// Rms of `driven - twin` over the tonic rms, all bands as [`crate::readout::differential::relative_rms_of_bands`] has
    /// them, of the array that differs most: 1 where it differs as much as the tonic rhythm itself varies.
    #[must_use]
    pub fn differential_now(&self) -> Option<f64> {
        let tonic: f64 = self.variances.iter().map(|variance| f64::from(*variance)).sum();
        let of = |array: usize| {
            let bands = self.differential.iter().zip(&self.variances);
            let power = bands.map(|(rms, variance)| f64::from(rms[array]).powi(2) * f64::from(*variance));
            (power.sum::<f64>() / tonic).sqrt()
        };
        self.has_twin.then(|| (0..MOST_ARRAYS).map(of).fold(0.0, f64::max))
    }

    /// Mean excess kurtosis of the twin's electrodes.
    #[must_use]
    pub fn excess_kurtosis(&self) -> Option<f64> {
        self.twin.as_ref().and_then(|_| mean_excess_kurtosis(&self.moments))
    }

    /// Power of the twin's electrodes in each band's octave, uV².
    #[must_use]
    pub fn band_power(&self) -> Option<Vec<Option<f64>>> {
        let welch = self.twin.as_ref()?;
        Some(octave_powers(&welch.frequencies(), &welch.mean()?, &self.centres))
    }

    /// The fit of the tonic spectrum of the whole run; `None` without a twin or before its first segments.
    #[must_use]
    pub fn tonic_fit(&self) -> Option<TonicFit> {
        let welch = self.twin.as_ref()?;
        let (frequencies, mean) = (welch.frequencies(), welch.mean()?);
        let fixed = fit(&frequencies, &mean, FIT_RANGE_HZ, &settings(Mode::Fixed)).ok()?;
        let knee = fit(&frequencies, &mean, FIT_RANGE_HZ, &settings(Mode::Knee)).ok();
        Some(TonicFit {
            exponent: fixed.exponent,
            interval: exponent_interval_of(welch, FIT_RANGE_HZ, &settings(Mode::Fixed)),
            max_residual_db: fixed.max_residual_db,
            knee: knee.map(|fit| (fit.exponent, fit.knee_hz())),
            line: frequencies.iter().skip(1).map(|hz| fixed.power_at(*hz) as f32).collect(),
        })
    }

    /// The same of the last half minute, or of the time since the last change of a parameter, without a knee.
    #[must_use]
    pub fn recent_fit(&self) -> Option<TonicFit> {
        let welch = self.twin.as_ref()?;
        let (frequencies, mean) = (welch.frequencies(), welch.recent_mean()?);
        let settings = settings(Mode::Fixed);
        let fixed = fit(&frequencies, &mean, FIT_RANGE_HZ, &settings).ok()?;
        Some(TonicFit {
            exponent: fixed.exponent,
            interval: exponent_interval(&frequencies, &welch.recent_units(), FIT_RANGE_HZ, &settings),
            max_residual_db: fixed.max_residual_db,
            knee: None,
            line: frequencies.iter().skip(1).map(|hz| fixed.power_at(*hz) as f32).collect(),
        })
    }
}

/// How the tonic spectrum is fitted: the twin has no peaks.
fn settings(mode: Mode) -> FitSettings {
    FitSettings { mode, max_peaks: 0, ..FitSettings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Seconds of electrodes on which every twin shows noise whose exponent is 2, or 0.
    fn swing(
        analysis: &mut Analysis,
        stream: &mut Stream,
        level: &mut [f64; 4],
        seconds: usize,
        brown: bool,
    ) {
        for _ in 0..250 * seconds {
            let mut sample = [0.0; 8];
            for (value, level) in sample[4..].iter_mut().zip(level.iter_mut()) {
                let noise = stream.normal();
                *level = 0.999 * *level + noise;
                let shown = if brown { *level } else { noise };
                *value = shown as f32;
            }
            analysis.sample(&sample);
        }
    }

    #[test]
    fn the_recent_fit_follows_a_change_and_that_of_the_run_keeps_what_was_before() {
        let mut analysis = Analysis::new(4, 250, vec![Hertz(1.0)], true);
        let (mut stream, mut level) = (Stream::new(11, 0), [0.0; 4]);
        swing(&mut analysis, &mut stream, &mut level, 40, true);
        let before = analysis.recent_fit().unwrap();
        assert!(before.exponent > 1.2, "{}", before.exponent);
        analysis.change(&[2.0]);
        assert_eq!(analysis.recent_fit(), None, "nothing is known of it yet");
        swing(&mut analysis, &mut stream, &mut level, 12, false);
        let (recent, run) = (analysis.recent_fit().unwrap(), analysis.tonic_fit().unwrap());
        assert!(recent.exponent.abs() < 0.2, "{}", recent.exponent);
        assert!(recent.interval.is_some_and(|[low, high]| low < high && high < 0.5), "{:?}", recent.interval);
        assert!(run.exponent > 1.0, "{}", run.exponent);
    }

    #[test]
    fn metastability_is_that_of_the_run_until_a_parameter_changes() {
        let mut analysis = Analysis::new(1, 1_000, vec![Hertz(1.0)], true);
        for tick in 0..100 {
            let order = [(tick % 2) as f32, 0.0, 0.0, 0.0];
            analysis.tick(&TickReport { tick: Tick(tick), order, ..TickReport::default() });
        }
        assert_eq!(analysis.order_since[0], analysis.order[0]);
        assert!((analysis.order_since[0].standard_deviation().unwrap() - 0.5).abs() < 1e-9);
        analysis.change(&[1.0]);
        assert_eq!(analysis.order_since[0].standard_deviation(), None);
        analysis.tick(&TickReport { tick: Tick(100), order: [0.5; MOST_ARRAYS], ..TickReport::default() });
        assert_eq!(analysis.order_since[0].standard_deviation(), Some(0.0));
        assert!(analysis.order[0].standard_deviation().unwrap() > 0.4);
    }

    #[test]
    fn the_recent_fit_forgets_without_a_change() {
        let mut analysis = Analysis::new(4, 250, vec![Hertz(1.0)], true);
        let (mut stream, mut level) = (Stream::new(12, 0), [0.0; 4]);
        swing(&mut analysis, &mut stream, &mut level, 20, true);
        swing(&mut analysis, &mut stream, &mut level, 36, false);
        assert!(analysis.recent_fit().unwrap().exponent.abs() < 0.2);
        assert!(analysis.tonic_fit().unwrap().exponent > 0.8);
    }

    /// What is left of arrays that differ so from their twins, band by band.
    fn differential(variances: &[f32], bands: &[[f32; MOST_ARRAYS]]) -> f64 {
        let mut analysis = Analysis::new(1, 1_000, vec![Hertz(1.0); bands.len()], true);
        analysis.set_variances(variances);
        for (band, differential) in bands.iter().enumerate() {
            let tick = Tick(band as u64);
            let report =
                TickReport { tick, band, differential: Some(*differential), ..TickReport::default() };
            analysis.tick(&report);
        }
        analysis.differential_now().unwrap()
    }

    #[test]
    fn a_difference_of_the_tonic_rms_in_every_band_counts_as_one() {
        let variances = [9.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5];
        let found = differential(&variances, &[[1.0, 0.3, 0.0, 0.0]; 8]);
        assert!((found - 1.0).abs() < 1e-12, "{found}");
    }

    #[test]
    fn bands_count_by_their_variance_and_arrays_apart_from_each_other() {
        let found = differential(&[1.0, 9.0], &[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]);
        assert!((found - 0.9f64.sqrt()).abs() < 1e-12, "the second array, and none of the first: {found}");
    }

    #[test]
    fn without_a_twin_nothing_is_told() {
        assert_eq!(Analysis::new(1, 1_000, vec![Hertz(1.0); 8], false).differential_now(), None);
    }
}
