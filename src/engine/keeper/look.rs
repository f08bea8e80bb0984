//! What the keeper shows people, and what it does for them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Desk, Keeper, Moments, Told, push};
use crate::readout::moments::Moments as Spread;
use crate::readout::paint::{DIFFERENCE_SCALE, FULL_SCALE, paint};
use crate::signal::{ArrayId, Control, FieldImage, HopFigures, InHand, SessionItem, Stamp, Status};
use crate::stream::device::{is_muted, mute};
use crate::stream::trace::{Counts, HopReport};
use crate::time::{TICKS_PER_SECOND, Timestamp};

/// Between two figures for the page.
const STATUS_EVERY: Duration = Duration::from_millis(200);
/// Between two fits for the page.
const FIT_EVERY: Duration = Duration::from_secs(1);

/// A hop's figures for people.
fn figures(name: String, hop: &HopReport, counts: &Counts) -> HopFigures {
    HopFigures { name, count: hop.count, p50: hop.p50, p99: hop.p99, max: hop.max, counts: counts.to_vec() }
}

impl Keeper {
    /// Does what the page asks.
    pub(super) fn obey(&mut self, desk: &mut Desk) {
        while let Some(control) = self.publish.as_ref().and_then(|publish| publish.control.try_recv().ok()) {
            match control {
                Control::ShowBand(band) => {
                    let last = self.facts.centres.len() - 1;
                    let band = usize::from(band).min(last);
                    self.aim.show_band(band);
                    self.shown(format!("view.band={band}"), desk);
                }
                Control::ShowDifference(difference) => {
                    self.aim.show_difference(difference);
                    self.shown(format!("view.difference={difference}"), desk);
                }
                Control::UseDevice(kind, name) => {
                    let device = self.keep.devices.iter().find(|device| device.figures().kind == kind);
                    if let Some(device) = device {
                        device.use_another(&name);
                    }
                }
                // Of the hall's sound alone: the run's own and its session are as they were.
                Control::Mute(muted) => mute(&self.keep.devices, muted),
                Control::KeepLast => self.keep.monitor.iter().for_each(|monitor| monitor.keep_last()),
                Control::Annotate(text) => self.mark(self.gathering.played().next().start(), text, desk),
                Control::Teach(name) => self.teach(&name, desk),
                Control::Hold(array, held) => self.hold(array, held, desk),
                other => self.hands.take(&other, self.gathering.played().next()),
            }
        }
    }

    /// Has an array hold or see again, and keeps that before what enters next: so a replay finds it in time.
    fn hold(&mut self, array: u8, held: bool, desk: &mut Desk) {
        let next = self.gathering.played().next();
        if let Some(text) = self.hands.hold(array, held, next) {
            self.give_session(desk);
            let item = SessionItem::Control(next.start(), text);
            push(&mut self.keep.session, &item, &mut desk.failures);
        }
    }

    /// Gives what was seen last a name, keeps that, and says what became of it.
    fn teach(&mut self, name: &str, desk: &mut Desk) {
        let Some(recogniser) = &mut self.recogniser else { return };
        match recogniser.teach(name) {
            Ok(()) => {
                // One that could not be kept now is kept with the next.
                let kept = self.keep.taught.as_mut().map_or(Ok(()), |sink| sink.push(recogniser.known()));
                recogniser.say(match &kept {
                    Ok(()) => format!("taught: {name}"),
                    Err(failure) => format!("taught for this run alone: {name}; {failure}"),
                });
                desk.failures.extend(kept.err());
                self.mark(self.gathering.played().next().start(), format!("taught: {name}"), desk);
            }
            Err(refused) => recogniser.say(refused.to_string()),
        }
    }

    /// Writes into the session what people were shown from here on.
    fn shown(&mut self, what: String, desk: &mut Desk) {
        let changed = SessionItem::Control(self.gathering.played().start(), what);
        push(&mut self.keep.session, &changed, &mut desk.failures);
    }

    /// Shows people the field and the figures.
    pub(super) fn look(&mut self, desk: &mut Desk) {
        let Some(publish) = &mut self.publish else { return };
        desk.painted &= !self.field.update();
        // One who comes while time stands still sees where it stands.
        if !desk.painted
            && publish.watched.load(Ordering::Acquire)
            && !self.field.output_buffer().planes.is_empty()
        {
            desk.painted = true;
            let raw = self.field.output_buffer();
            let frame = publish.field.input_buffer_mut();
            frame.tick = raw.tick;
            frame.band = raw.band;
            frame.difference = raw.difference;
            let on_clock =
                |stamp: Stamp, start| Stamp { time: start + (stamp.time - Timestamp::ZERO), ..stamp };
            frame.captured = raw.captured.zip(self.start).map(|(stamp, start)| on_clock(stamp, start));
            frame.levels.clear();
            frame.levels.extend(raw.levels.iter().map(|level| (255.0 * level).round() as u8));
            frame.images.resize_with(raw.planes.len(), FieldImage::default);
            let variance = self.facts.variances[raw.band];
            let scale = if raw.difference { DIFFERENCE_SCALE } else { FULL_SCALE };
            for (index, ((re, im), image)) in raw.planes.iter().zip(&mut frame.images).enumerate() {
                let width = self.facts.arrays[index].width;
                paint(ArrayId(index as u8), width, (re, im), variance, scale, image);
            }
            publish.field.publish();
            (publish.shown)();
        }
        let now = self.clock.now();
        if now - desk.fitted >= FIT_EVERY {
            desk.fit = self.analysis.recent_fit();
            desk.fitted = now;
        }
        if now - desk.told >= STATUS_EVERY {
            desk.busy.look(now);
            let status = self.status(desk, now);
            desk.told = now;
            desk.ticks_told = self.analysis.ticks;
            if let Some(publish) = &mut self.publish {
                publish.status.write(status);
            }
        }
    }

    fn status(&self, desk: &Desk, now: Timestamp) -> Status {
        let analysis = &self.analysis;
        let spectrum = analysis.driven.recent_mean().unwrap_or_default();
        let narrow = |values: &[f64]| values.iter().skip(1).map(|v| *v as f32).collect::<Vec<f32>>();
        let hop = analysis.tick_hop.report();
        let wall = (now - desk.told).as_secs_f64();
        let model = (analysis.ticks - desk.ticks_told) as f64 / TICKS_PER_SECOND as f64;
        Status {
            seconds: analysis.ticks as f64 / TICKS_PER_SECOND as f64,
            realtime_factor: (wall > 0.0).then(|| model / wall),
            deadline_misses: analysis.misses,
            bursts_per_second: analysis.meter.bursts_per_second().unwrap_or(0.0),
            bits_per_second: analysis.meter.bits_per_second().unwrap_or(0.0),
            explained_per_second: (self.facts.learns)
                .then(|| analysis.explained.bits_per_second().unwrap_or(0.0)),
            bits_held: analysis.bits_held(),
            mind: self.moments.as_ref().map(Moments::figures),
            binding: self.binding.as_ref().map(Told::read),
            objects: self.objects.as_ref().map(Told::read),
            recognition: self.recogniser.as_ref().map(|recogniser| recogniser.figures().clone()),
            senses: self.senses.as_ref().map(|senses| senses.figures().clone()),
            spectrum_seconds: analysis.driven.recent_seconds(),
            spectrum_hz: if spectrum.is_empty() {
                Vec::new()
            } else {
                narrow(&analysis.driven.frequencies())
            },
            spectrum_power: narrow(&spectrum),
            spectrum_fit: desk.fit.as_ref().map_or_else(Vec::new, |fit| fit.line.clone()),
            exponent: desk.fit.as_ref().map(|fit| fit.exponent),
            exponent_interval: desk.fit.as_ref().and_then(|fit| fit.interval),
            order: analysis.order_now.clone(),
            metastability: analysis.order_since.iter().map(Spread::standard_deviation).collect(),
            energy: desk.energy.per_second.clone(),
            tick_ms: [hop.p50, hop.p99],
            cpu: desk.busy.cores(),
            latency: self.hops(&hop),
            sources: self
                .facts
                .sources
                .iter()
                .map(|(name, counters)| {
                    let counts = counters.read();
                    (name.clone(), counts.produced, counts.delivered, counts.dropped)
                })
                .collect(),
            devices: self.keep.devices.iter().map(|device| device.figures()).collect(),
            hand: InHand { muted: is_muted(&self.keep.devices), ..self.hands.in_hand() },
            recording: self.keep.monitor.as_ref().map(|monitor| monitor.figures()),
            notice: desk.failures.first().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// How long a tick's work takes, and what comes and goes.
    fn hops(&self, tick: &HopReport) -> Vec<HopFigures> {
        let tick = figures("tick".to_owned(), tick, self.analysis.tick_hop.counts());
        let others = self.trace.distributions().into_iter();
        let others = others.map(|(name, (report, counts))| figures(name, &report, &counts));
        std::iter::once(tick).chain(others).collect()
    }
}
