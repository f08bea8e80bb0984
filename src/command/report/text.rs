//! The report in a few lines for people.

use std::fmt::Write as _;

use super::{Report, SourceReport};
use crate::memory::mind::MOMENT_TICKS;
use crate::signal::{
    BindingFigures, DeviceFigures, DeviceKind, MindFigures, ObjectsFigures, RecognitionFigures,
    SensesFigures, SensesLack,
};

impl Report {
    /// A few lines for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let figure = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.digits$}"))
        };
        let mut text = format!(
            "{:.1} s of model time in {:.1} s; the engine alone runs at {} x real time.\n",
            self.seconds,
            self.wall_seconds,
            figure(self.realtime_factor, 2)
        );
        if let Some(session) = &self.session {
            let _ = writeln!(text, "{}", session.text());
        }
        if let (Some(misses @ 1..), Some(late)) = (self.deadline_misses, self.latency_ms.get("due_to_read")) {
            let _ = writeln!(
                text,
                "late: {misses} of {} ticks ended more than 10 ms after they were due; half of all within {} ms, the latest after {} ms.",
                self.ticks,
                figure(late.p50, 1),
                figure(late.max, 0)
            );
        }
        for source in &self.sources {
            let decoding =
                source.decoding_seconds.map_or_else(String::new, |s| format!("; {s:.1} s to decode"));
            let SourceReport {
                kind, name, format, produced, delivered, dropped, damaged, not_finite, ..
            } = source;
            let part =
                |count: u64, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
            let wrong = part(*damaged, "damaged") + &part(*not_finite, "not finite");
            let _ = writeln!(
                text,
                "{kind}: {name} ({format}): {produced} in, {delivered} used, {dropped} not used{wrong}{decoding}."
            );
        }
        for device in self.devices.iter().filter(|device| device.kind != DeviceKind::Camera) {
            let DeviceFigures { name, format, delivered, filled, faults, .. } = device;
            let drift = device.drift_ppm.map_or_else(String::new, |ppm| format!(", drift {ppm:+.1} ppm"));
            let _ = writeln!(
                text,
                "{}: {name} ({format}): {delivered} frames, {filled} filled in, {faults} faults{drift}.",
                device.kind.name()
            );
        }
        for exchange in &self.exchange {
            let _ = writeln!(text, "{}", exchange.text());
        }
        let each =
            self.bursts.mean_surprisal_bits.map_or_else(String::new, |bits| format!(", {bits:.1} bit each"));
        let _ = writeln!(
            text,
            "bursts: {} ({} a second), {} bit/s{each}.",
            self.bursts.count,
            figure(self.bursts.per_second, 0),
            figure(self.bursts.bits_per_second, 0),
        );
        if let Some(explained) = &self.bursts.explained {
            let _ = writeln!(
                text,
                "expected: {} more bursts did not enter ({} % of all), {} bit/s explained away.",
                explained.count,
                figure(explained.share.map(|share| 100.0 * share), 0),
                figure(explained.bits_per_second, 0)
            );
        }
        if let Some(recognition) = &self.recognition {
            let _ = writeln!(text, "{}", recognition_text(recognition));
        }
        if let Some(senses) = &self.senses {
            let _ = writeln!(text, "{}", senses_text(senses));
        }
        if let Some(mind) = &self.mind {
            let _ = writeln!(text, "{}", mind_text(mind));
        }
        if let Some(binding) = self.binding.as_ref().filter(|binding| binding.updates > 0) {
            let _ = writeln!(text, "{}", binding_text(binding));
        }
        if let Some(objects) = self.objects.as_ref().filter(|objects| objects.updates > 0) {
            let _ = writeln!(text, "{}", objects_text(objects));
        }
        if let Some(tonic) = &self.tonic {
            let interval = tonic
                .exponent_ci
                .map_or_else(String::new, |[low, high]| format!(" (95 %: {low:.3} to {high:.3})"));
            let _ = writeln!(
                text,
                "tonic: exponent {:.3}{interval} over {} to {} Hz, largest octave residual {:.2} dB, excess kurtosis {}.",
                tonic.exponent,
                tonic.range_hz[0],
                tonic.range_hz[1],
                tonic.max_residual_db,
                figure(tonic.excess_kurtosis, 3)
            );
        }
        let twin = self.differential.map_or_else(String::new, |left| {
            format!("; difference from the twin at the end: {left:.4} of the tonic rms")
        });
        let _ = writeln!(text, "energy book: closes within {:.1e}{twin}.", self.energy.relative_error);
        let _ = write!(text, "ledger: {}", self.ledger_hash);
        text
    }
}

/// What was recognised, in a line.
fn recognition_text(found: &RecognitionFigures) -> String {
    let times = found.times.iter().map(|(name, times)| format!("{name} {times} x"));
    let times = times.collect::<Vec<String>>().join(", ");
    let of = format!(
        "{} of {} that appeared; {} names are known",
        found.recognised,
        found.onsets,
        found.names.len()
    );
    if times.is_empty() { format!("recognised: {of}.") } else { format!("recognised: {of}: {times}.") }
}

/// Whether sound and picture belonged together, in a line.
fn senses_text(senses: &SensesFigures) -> String {
    let of = senses.told + senses.untold;
    let (Some(evidence), Some(belongs), Some(order)) =
        (senses.mean_evidence, senses.belongs, senses.mean_order)
    else {
        let why = match senses.lack {
            Some(SensesLack::Silence) => "nothing was heard",
            Some(SensesLack::Stillness) => "nothing stopped in the picture",
            None => "the run was too short",
        };
        return format!("sound and picture: nothing to tell: {why}.");
    };
    let late = senses.median_late_ms.map_or_else(
        || "by how much the sound was late is not sure".to_owned(),
        |ms| format!("sound {:.0} ms {}", ms.abs(), if ms < 0.0 { "early" } else { "late" }),
    );
    format!(
        "sound and picture: evidence {evidence:+.1} on the mean, for belonging together in {:.0} % of {} windows of 2 s ({of} in all), order {order:.2}; {late} ({} of {} windows of 10 s are sure).",
        100.0 * belongs,
        senses.told,
        senses.sure[0],
        senses.sure[1]
    )
}

/// How arrays bound, in a line.
fn binding_text(binding: &BindingFigures) -> String {
    let wholes = if binding.wholes.len() == 1 {
        "1 whole".to_owned()
    } else {
        format!("{} wholes", binding.wholes.len())
    };
    let bound: usize = binding.wholes.iter().map(|whole| usize::from(whole.arrays)).sum();
    format!(
        "binding: {bound} of {} arrays in {wholes} at the end; PSNR {} bound, {} the best alone, {} uncoupled; {} an update.",
        binding.arrays.len(),
        tenths(binding.mean_whole_db, " dB"),
        tenths(binding.mean_apart_db, " dB"),
        tenths(binding.mean_uncoupled_db, " dB"),
        tenths(binding.update_ms, " ms"),
    )
}

/// A number with its unit.
fn tenths(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "not measured".to_owned(), |x| format!("{x:.1}{unit}"))
}

/// What stood out from what was seen, in a line.
fn objects_text(objects: &ObjectsFigures) -> String {
    let ObjectsFigures { updates, skipped, size: [rows, columns], .. } = objects;
    let skipped = if *skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!(
        "objects: {} at the end, {} on the mean of {updates} updates{skipped}, seen as {columns} x {rows}; {} an update.",
        objects.objects.len(),
        tenths(objects.mean_objects, ""),
        tenths(objects.update_ms, " ms"),
    )
}

/// What the mind's eye did, in a line.
fn mind_text(mind: &MindFigures) -> String {
    let recall = match (mind.alike, mind.elsewhere) {
        (Some(alike), Some(chance)) => {
            format!("recall and sight correlate by {alike:.2} (by chance {chance:.2})")
        }
        _ => "nothing that it recalled could be compared with what was seen".to_owned(),
    };
    let skipped = if mind.skipped > 0 {
        format!(" (skipped {} of {} moments)", mind.skipped, mind.skipped + mind.moments)
    } else {
        String::new()
    };
    format!(
        "mind's eye{skipped}: {} pictures learned, {} recalled already; {recall}; dreamt {:.1} s.",
        mind.written,
        mind.predicted,
        mind.dreamt as f64 * MOMENT_TICKS as f64 / 1_000.0
    )
}
