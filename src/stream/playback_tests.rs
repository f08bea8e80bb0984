//! A speaker in virtual time: what it plays is the run's sound, whole, at a steady delay.

use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::random::Stream;

/// A device that asks for blocks of `block` frames at `rate` frames a second of the run's time.
struct Device {
    spout: Spout,
    rate: f64,
    block: u64,
    asked: u64,
    jitter: Stream,
    played: Vec<f32>,
}

impl Device {
    fn run(&mut self, now: Timestamp) {
        loop {
            let due = self.asked as f64 / self.rate * 1e9;
            if due > now.0 as f64 {
                return;
            }
            self.asked += self.block;
            let late = (self.jitter.uniform() * 100_000.0) as i64;
            let played = &mut self.played;
            let put = |_, frame: [f32; 2]| played.push(frame[0]);
            self.spout.fill(self.block as usize, Timestamp(due as i64 + late), Duration::from_millis(2), put);
        }
    }
}

fn setting(rate: u32, ppm: f64, block: u64) -> (Device, Playback, Arc<Tally>, Socket<PlaybackLink>) {
    let (mut socket, playback) = playback();
    let (spout, link, tally) = link(rate, Margin::smallest()).unwrap();
    socket.plug(link);
    let rate = f64::from(rate) * (1.0 + ppm * 1e-6);
    let jitter = Stream::new(4, 0);
    (Device { spout, rate, block, asked: 0, jitter, played: Vec::new() }, playback, tally, socket)
}

/// A tick of 440 Hz.
fn tone(tick: i64) -> [[f32; 2]; 48] {
    std::array::from_fn(|n| {
        let seconds = tick as f64 * 1e-3 + n as f64 / 48_000.0;
        [(seconds * 440.0 * std::f64::consts::TAU).sin() as f32; 2]
    })
}

#[test]
fn every_rate_and_block_is_played_without_a_fault() {
    for (rate, ppm, block) in [
        (48_000, 0.0, 64),
        (48_000, 480.0, 128),
        (48_000, -300.0, 1_024),
        (44_100, 50.0, 256),
        (96_000, 0.0, 512),
    ] {
        let (mut device, mut playback, tally, _socket) = setting(rate, ppm, block);
        for tick in 0..60_000 {
            let now = Timestamp(tick * 1_000_000 + 200_000);
            device.run(now);
            playback.give(now, &tone(tick));
        }
        assert_eq!(tally.faults.load(Relaxed), 0, "{rate} {block}");
        assert!((tally.drift().unwrap() - ppm).abs() < 3.0, "{ppm}: {:?}", tally.drift());
        // The last second is a pure tone: of three frames in a row, the outer ones sum to 2 cos(w) of the middle one.
        let last = &device.played[device.played.len() - rate as usize..];
        let factor = 2.0 * (440.0 * std::f64::consts::TAU / device.rate).cos();
        let worst = last.windows(3).map(|w| f64::from(w[0] + w[2]) - factor * f64::from(w[1]));
        let worst = worst.fold(0.0_f64, |worst, off| worst.max(off.abs()));
        assert!(worst < 1e-4, "{rate} {block}: {worst}");
    }
}

#[test]
fn an_engine_that_stops_for_a_moment_is_silence_and_the_delay_is_as_before() {
    let (mut device, mut playback, tally, _socket) = setting(48_000, 0.0, 64);
    let mut waits = Vec::new();
    let mut tick = 0;
    for ms in 0..20_000_i64 {
        let now = Timestamp(ms * 1_000_000 + 200_000);
        device.run(now);
        if (10_000..10_040).contains(&ms) {
            continue;
        }
        // It then plays all ticks that are due.
        while tick <= ms {
            waits.extend(playback.give(now, &tone(tick)).map(|played| played.waits));
            tick += 1;
        }
    }
    assert_eq!(tally.faults.load(Relaxed), 1);
    let filled = tally.filled.load(Relaxed);
    // Before its clock is known it plays silence too.
    assert!(filled > 40 * 48 - 300, "{filled}");
    let (before, after) = (waits[5_000], *waits.last().unwrap());
    assert!(after < before + Duration::from_millis(1), "{before:?} {after:?}");
}

#[test]
fn a_device_that_stops_and_goes_on_is_met_again() {
    let (mut device, mut playback, tally, _socket) = setting(48_000, 200.0, 256);
    let mut silent = 0;
    for tick in 0..20_000_i64 {
        let now = Timestamp(tick * 1_000_000 + 200_000);
        if (10_000..12_000).contains(&tick) {
            // Its clock goes on while it asks for nothing.
            device.asked = (now.0 as f64 * 1e-9 * device.rate) as u64;
        } else {
            device.run(now);
        }
        silent += u64::from(playback.give(now, &tone(tick)).is_none());
    }
    assert!((2_000..3_500).contains(&silent), "{silent}");
    assert_eq!(tally.dropped.load(Relaxed) / 48, silent);
    let counts = tally.counts().ended_out();
    assert_eq!(counts.moved, counts.used + counts.filled, "{counts:?}");
    assert_eq!((counts.used + counts.dropped).cast_signed() - counts.resampled, 20_000 * 48, "{counts:?}");
    let last = &device.played[device.played.len() - 4_800..];
    let factor = 2.0 * (440.0 * std::f64::consts::TAU / device.rate).cos();
    assert!(last.windows(3).all(|w| (f64::from(w[0] + w[2]) - factor * f64::from(w[1])).abs() < 1e-4));
}
