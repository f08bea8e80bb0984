//! A microphone in virtual time: its frames say their own number, so nothing can be lost or shifted unseen.

use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::random::Stream;

/// A device of `rate` frames a second by its own clock, which runs `ppm` fast, in blocks of `block`.
struct Device {
    tap: Option<Tap>,
    rate: f64,
    block: u64,
    given: u64,
    jitter: Stream,
}

impl Device {
    /// Calls back for all that is due by `now`; frames carry a slow sine of their own time.
    fn run(&mut self, now: Timestamp) {
        loop {
            let end = (self.given + self.block) as f64 / self.rate * 1e9;
            if end > now.0 as f64 {
                return;
            }
            let first = self.given;
            self.given += self.block;
            let late = (self.jitter.uniform() * 100_000.0) as i64;
            if let Some(tap) = &mut self.tap {
                let rate = self.rate;
                let frames = (0..self.block as usize).map(|n| [tone((first + n as u64) as f64 / rate); 2]);
                tap.give(frames, Timestamp(end as i64 + late), Duration::from_millis(1));
            }
        }
    }
}

/// 440 Hz at a time in seconds.
fn tone(seconds: f64) -> f32 {
    (seconds * 440.0 * std::f64::consts::TAU).sin() as f32
}

fn setting(rate: u32, ppm: f64, block: u64) -> (Device, Capture, Arc<Tally>, Socket<CaptureLink>) {
    let (mut socket, capture) = capture();
    let (tap, link, tally) = link(rate, Margin::smallest()).unwrap();
    socket.plug(link);
    let rate = f64::from(rate) * (1.0 + ppm * 1e-6);
    (Device { tap: Some(tap), rate, block, given: 0, jitter: Stream::new(3, 0) }, capture, tally, socket)
}

/// The delay at which the tick's sound is the tone, in frames at 48 kHz, and the rms of what is left.
fn delay_of(tick: u64, out: &[[f32; 2]; 48]) -> (f64, f64) {
    // Least squares of a sine and a cosine at the tick's own time.
    let (mut a, mut b) = (0.0, 0.0);
    let angle = |n: usize| (tick as f64 * 1e-3 + n as f64 / 48_000.0) * 440.0 * std::f64::consts::TAU;
    // 48 frames are no whole number of cycles: solve the two equations.
    let (mut ss, mut cc, mut sc) = (0.0, 0.0, 0.0);
    for (n, frame) in out.iter().enumerate() {
        let (s, c) = angle(n).sin_cos();
        (a, b) = (a + f64::from(frame[0]) * s, b + f64::from(frame[0]) * c);
        (ss, cc, sc) = (ss + s * s, cc + c * c, sc + s * c);
    }
    let det = ss * cc - sc * sc;
    let (x, y) = ((a * cc - b * sc) / det, (b * ss - a * sc) / det);
    let left = out.iter().enumerate().map(|(n, frame)| {
        let (s, c) = angle(n).sin_cos();
        (f64::from(frame[0]) - x * s - y * c).powi(2)
    });
    let phase = (-y).atan2(x).rem_euclid(std::f64::consts::TAU);
    (phase / std::f64::consts::TAU / 440.0 * 48_000.0, (left.sum::<f64>() / 48.0).sqrt())
}

#[test]
fn every_rate_and_block_comes_through_whole_with_a_steady_delay() {
    for (rate, ppm, block) in [
        (48_000, 0.0, 64),
        (48_000, 480.0, 128),
        (48_000, -300.0, 1_024),
        (44_100, 50.0, 256),
        (96_000, 0.0, 512),
        (16_000, 20.0, 160),
        (192_000, 0.0, 512),
    ] {
        let (mut device, mut capture, tally, _socket) = setting(rate, ppm, block);
        let mut out = [[0.0; 2]; 48];
        let mut first = None;
        let mut delays = Vec::new();
        for tick in 0..60_000 {
            let now = Timestamp(tick * 1_000_000);
            device.run(now);
            let heard = capture.take(now, &mut out);
            if heard.is_none() {
                assert_eq!(first, None, "{rate} {block}: a gap at {tick}");
                continue;
            }
            let first = *first.get_or_insert(tick);
            if tick > first + 40_000 {
                let (delay, left) = delay_of(tick as u64, &out);
                assert!(left < 2e-3, "{rate} {block}: {left} at {tick}");
                delays.push(delay);
            }
        }
        let span = delays.iter().fold((f64::MAX, f64::MIN), |(low, high), d| (low.min(*d), high.max(*d)));
        assert!(span.1 - span.0 < 2.0, "{rate} {block}: the delay wanders over {span:?}");
        assert!(first.unwrap() < 1_000, "{first:?}");
        assert_eq!(tally.faults.load(Relaxed), 0);
        assert!((tally.drift().unwrap() - ppm).abs() < 5.0, "{ppm}: {:?}", tally.drift());
    }
}

#[test]
fn the_delay_is_a_block_a_tick_and_the_margin() {
    let (mut device, mut capture, ..) = setting(48_000, 0.0, 64);
    let mut out = [[0.0; 2]; 48];
    let mut heard = None;
    for tick in 0..30_000 {
        device.run(Timestamp(tick * 1_000_000));
        heard = capture.take(Timestamp(tick * 1_000_000), &mut out);
    }
    let (delay, _) = delay_of(29_999, &out);
    // 440 Hz has 109.09 frames a cycle; the resampler takes 16 frames, callbacks are 50 us late on average.
    let expected: f64 = 64.0 + 48.0 + 33.6 + 16.0 + 2.4;
    let off = (delay - expected.rem_euclid(48_000.0 / 440.0) + 54.5).rem_euclid(48_000.0 / 440.0) - 54.5;
    assert!(off.abs() < 6.0, "{delay} {expected}");
    // What is told of it leaves out how late callbacks are.
    let told = heard.unwrap().waited.as_secs_f64() * 48_000.0;
    assert!((told - (expected - 2.4)).abs() < 2.0, "{told} {expected}");
}

#[test]
fn a_device_that_runs_long_before_the_first_tick_is_heard_as_any_other() {
    for (rate, ppm, block) in [(48_000, 0.0, 64), (48_000, 200.0, 1_024), (192_000, -100.0, 512)] {
        let (mut device, mut capture, tally, _socket) = setting(rate, ppm, block);
        // More than the ring holds finds no room.
        let begins = 2_500;
        for tick in 0..begins {
            device.run(Timestamp(tick * 1_000_000));
        }
        assert!(tally.dropped.load(Relaxed) > 0);
        let mut out = [[0.0; 2]; 48];
        let (mut first, mut delays) = (None, Vec::new());
        for tick in begins..begins + 30_000 {
            let now = Timestamp(tick * 1_000_000);
            device.run(now);
            let heard = capture.take(now, &mut out);
            if heard.is_none() {
                assert_eq!(first, None, "{rate} {block}: a gap at {tick}");
                continue;
            }
            let first = *first.get_or_insert(tick);
            let found = tally.drift().unwrap();
            assert!((found - ppm).abs() < 300.0, "{rate} {block}: {found} ppm at {tick}");
            if tick > first + 20_000 {
                let (delay, left) = delay_of(tick as u64, &out);
                assert!(left < 2e-3, "{rate} {block}: {left} at {tick}");
                delays.push(delay);
            }
        }
        let span = delays.iter().fold((f64::MAX, f64::MIN), |(low, high), d| (low.min(*d), high.max(*d)));
        assert!(span.1 - span.0 < 2.0, "{rate} {block}: the delay wanders over {span:?}");
        assert!(first.unwrap() < begins + 1_000, "{first:?}");
        assert_eq!(tally.faults.load(Relaxed), 0);
        let counts = tally.counts();
        let run = (counts.used + counts.filled).cast_signed() + counts.resampled;
        assert_eq!(run, 30_000 * 48, "{counts:?}");
        let waits = counts.moved - counts.used - counts.dropped;
        assert!(waits < 4 * block + u64::from(rate) / 100, "what waits: {counts:?}");
    }
}

#[test]
fn a_ring_that_is_full_restarts_the_clock_and_loses_the_level() {
    let (mut device, mut capture, tally, _socket) = setting(48_000, 0.0, 256);
    let mut out = [[0.0; 2]; 48];
    let (mut silent, mut worst) = (0, 0.0_f64);
    for tick in 0..20_000_i64 {
        let now = Timestamp(tick * 1_000_000);
        device.run(now);
        // The engine stands still for two seconds.
        if (10_000..12_000).contains(&tick) {
            continue;
        }
        let heard = capture.take(now, &mut out);
        silent += u64::from(tick > 1_000 && heard.is_none());
        if heard.is_some() {
            worst = worst.max(tally.drift().unwrap().abs());
        }
    }
    assert!((400..1_000).contains(&silent), "{silent}");
    assert!(worst < 300.0, "{worst} ppm");
    assert!(delay_of(19_999, &out).1 < 2e-3);
}

#[test]
fn a_gap_is_silence_accounted_to_the_frame_and_nothing_after_it_is_shifted() {
    let (mut device, mut capture, tally, _socket) = setting(48_000, 0.0, 256);
    let mut out = [[0.0; 2]; 48];
    let (mut ticks, mut before, mut back) = (0_u64, 0.0, None);
    for tick in 0..20_000_i64 {
        let now = Timestamp(tick * 1_000_000);
        // The device goes on by its clock, but gives nothing for a second.
        let tap = (10_000..11_000).contains(&tick).then(|| device.tap.take()).flatten();
        device.run(now);
        device.tap = device.tap.take().or(tap);
        let heard = capture.take(now, &mut out);
        ticks += u64::from(heard.is_some());
        if tick == 9_999 {
            before = delay_of(9_999, &out).0;
        }
        if tick > 11_000 && heard.is_some() {
            back.get_or_insert(tick);
        }
    }
    assert!(back.unwrap() < 11_600, "{back:?}");
    let after = delay_of(19_999, &out).0;
    // The fault that the gap began with made the margin 24 frames longer.
    assert!((after - before - 24.0).abs() < 8.0, "{before} {after}");
    let (moved, dropped, filled) =
        (tally.moved.load(Relaxed), tally.dropped.load(Relaxed), tally.filled.load(Relaxed));
    // What the run got is what came, less what was left out and what still waits, plus what was filled in.
    assert!((47_600..48_400).contains(&(device.given - moved)));
    let waits = moved + filled - dropped - 20_000 * 48;
    assert!(waits < 1_024, "{moved} {dropped} {filled}");
    let counts = tally.counts();
    assert!(counts.moved - counts.used - counts.dropped < 1_024, "what waits: {counts:?}");
    assert_eq!((counts.used + counts.filled).cast_signed() + counts.resampled, 20_000 * 48, "{counts:?}");
    assert_eq!(counts.ended_in().dropped, counts.moved - counts.used);
    assert!(ticks > 18_000);
}

#[test]
fn a_stop_and_a_backlog_at_once_are_left_out() {
    let (mut device, mut capture, _tally, _socket) = setting(48_000, 0.0, 256);
    let mut out = [[0.0; 2]; 48];
    let mut silent = 0;
    for tick in 0..20_000_i64 {
        let now = Timestamp(tick * 1_000_000);
        // Blocks pile up for a second and come all at once.
        if !(10_000..11_000).contains(&tick) {
            device.run(now);
        }
        let heard = capture.take(now, &mut out);
        silent += u64::from(tick > 1_000 && heard.is_none());
    }
    assert!((950..1_700).contains(&silent), "{silent}");
    let (delay, left) = delay_of(19_999, &out);
    assert!(left < 2e-3 && delay < 110.0, "{delay} {left}");
}

#[test]
fn a_late_block_costs_its_own_place_and_makes_the_margin_longer() {
    let (mut device, mut capture, tally, _socket) = setting(48_000, 0.0, 64);
    let mut out = [[0.0; 2]; 48];
    for tick in 0..10_000_i64 {
        let now = Timestamp(tick * 1_000_000);
        if !(5_000..5_010).contains(&tick) {
            device.run(now);
        }
        capture.take(now, &mut out);
    }
    assert_eq!(tally.faults.load(Relaxed), 1);
    let filled = tally.filled.load(Relaxed);
    assert!((192..48 * 700).contains(&filled), "{filled}");
    assert!(delay_of(9_999, &out).1 < 2e-3);
}

#[test]
fn what_is_not_finite_becomes_silence_and_is_counted() {
    let (mut tap, _link, tally) = link(48_000, Margin::smallest()).unwrap();
    tap.give([[f32::NAN, 1.0], [f32::INFINITY, f32::NAN]].into_iter(), Timestamp(1), Duration::ZERO);
    assert_eq!(tally.not_finite.load(Relaxed), 3);
}

#[test]
fn a_new_link_replaces_the_old_which_goes_back_to_be_freed() {
    let (mut device, mut capture, old, mut socket) = setting(48_000, 0.0, 64);
    let mut out = [[0.0; 2]; 48];
    for tick in 0..2_000_i64 {
        device.run(Timestamp(tick * 1_000_000));
        capture.take(Timestamp(tick * 1_000_000), &mut out);
    }
    let (_tap, fresh, _) = link(44_100, Margin::smallest()).unwrap();
    socket.plug(fresh);
    assert_eq!(capture.take(Timestamp(2_000_000_000), &mut out), None);
    assert_eq!(Arc::strong_count(&old), 3);
    let (_tap, fresh, _) = link(44_100, Margin::smallest()).unwrap();
    socket.plug(fresh);
    assert_eq!(Arc::strong_count(&old), 2);
}
