//! Two clocks in virtual time: a day with drift, jitter and steps; with the correction, and without it.

use super::*;
use crate::random::Stream;

/// What a run of virtual time found.
#[derive(Debug, Default)]
struct Found {
    faults: u64,
    /// Largest distance of the level from its target after the first minute, as a share of the target.
    level: f64,
    /// Fastest change of the correction in ppm/s.
    slew: f64,
    /// Mean difference of correction and drift in ppm, more than a minute after start and steps.
    error: f64,
}

/// A device that gives blocks of `BLOCK` frames, on average at 48 kHz and `drift` ppm, each up to 0.3 ms late; the run
/// takes 48 a millisecond.
fn run(hours: u64, control: bool, drift: impl Fn(u64) -> f64) -> Found {
    const BLOCK: u64 = 1_024;
    const TARGET: f64 = 2_048.0;
    let mut jitter = Stream::new(5, 0);
    let (mut clock, mut controller) = (DeviceClock::new(48_000), Controller::default());
    let (mut found, mut running) = (Found::default(), false);
    let (mut given, mut exact, mut taken) = (0_u64, 0.0_f64, 0.0_f64);
    let (mut due, mut sum, mut counted, mut settled) = (Timestamp::ZERO, 0.0, 0_u64, 0_u64);
    for tick in 0..hours * 3_600_000 {
        let now = Timestamp(i64::try_from(tick).unwrap() * 1_000_000);
        let ppm = drift(tick);
        if tick > 0 && (drift(tick - 1) - ppm).abs() > 1.0 {
            settled = tick + 60_000;
        }
        while due <= now {
            let late = (jitter.uniform() * 300_000.0) as i64;
            given += BLOCK;
            clock.update(Timestamp(due.0 + late), given, BLOCK as u32);
            exact += BLOCK as f64 / 48_000.0 / (1.0 + ppm * 1e-6) * 1e9;
            due = Timestamp(exact as i64);
        }
        if !running {
            if clock.is_known() {
                running = true;
                settled = tick + 60_000;
                controller = Controller::starting(clock.ppm());
                taken = clock.past(now, 0) - TARGET;
            }
            continue;
        }
        let excess = clock.past(now, 0) - taken - TARGET;
        let before = controller.ppm();
        if control {
            controller.step(1e-3, clock.ppm(), excess, 48_000.0);
        } else {
            controller = Controller::default();
        }
        found.slew = found.slew.max((controller.ppm() - before).abs() * 1e3);
        taken += 48.0 * (1.0 + controller.ppm() * 1e-6);
        found.faults += u64::from(taken > given as f64 || given as f64 - taken > 8_192.0);
        if tick > 60_000 {
            found.level = found.level.max((excess / TARGET).abs());
        }
        if tick > settled {
            sum += controller.ppm() - ppm;
            counted += 1;
        }
    }
    found.error = (sum / counted.max(1) as f64).abs();
    found
}

fn steps(tick: u64) -> f64 {
    match tick / 3_600_000 % 3 {
        0 => 200.0,
        1 => -200.0,
        _ => 0.0,
    }
}

#[test]
fn a_day_with_steps_of_the_clock_passes_without_a_fault() {
    let found = run(24, true, steps);
    assert_eq!(found.faults, 0, "{found:?}");
    assert!(found.level < 0.25 && found.error < 1.0, "{found:?}");
    assert!(found.slew <= MOST_SLEW + 1e-6, "{found:?}");
}

#[test]
fn the_same_without_the_correction_fails() {
    let found = run(1, false, steps);
    assert!(found.faults > 0 && found.level > 0.25, "{found:?}");
}

#[test]
fn a_clock_that_is_far_off_from_the_start_is_followed() {
    let found = run(1, true, |_| 500.0);
    assert_eq!(found.faults, 0, "{found:?}");
    assert!(found.level < 0.05 && found.error < 1.0, "{found:?}");
}

#[test]
fn a_slow_wander_is_followed() {
    let found = run(1, true, |tick| 100.0 * (tick as f64 * 1e-3 / 600.0).sin());
    assert_eq!(found.faults, 0, "{found:?}");
    assert!(found.level < 0.05, "{found:?}");
}

#[test]
fn a_level_that_is_far_off_is_approached_without_going_beyond_it() {
    const RATE: f64 = 48_000.0;
    for excess in [1.0, 3.0, 8.0, 20.0] {
        for drift in [0.0, 200.0, -200.0, 500.0] {
            // Above the level and below it.
            for side in [1.0, -1.0] {
                let mut controller = Controller::starting(drift);
                let mut ms = side * excess;
                let mut beyond = 0.0_f64;
                for _ in 0..120_000 {
                    let ppm = controller.step(1e-3, drift, ms * 1e-3 * RATE, RATE);
                    ms -= (ppm - drift) * 1e-6;
                    beyond = beyond.max(-side * ms);
                }
                assert!(beyond < 0.1, "{beyond} ms beyond, from {excess} ms at {drift} ppm");
                assert!(ms.abs() < 0.01, "{ms} ms are left of {excess} ms");
            }
        }
    }
}

#[test]
fn a_step_of_the_clock_while_the_level_is_off_takes_it_no_further_beyond() {
    const RATE: f64 = 48_000.0;
    for drift in [0.0, 200.0, -200.0, 500.0] {
        let mut controller = Controller::starting(0.0);
        let mut ms = 8.0_f64;
        let mut least = ms;
        for _ in 0..120_000 {
            let ppm = controller.step(1e-3, drift, ms * 1e-3 * RATE, RATE);
            ms -= (ppm - drift) * 1e-6;
            least = least.min(ms);
        }
        assert!(least > -0.5 && ms.abs() < 0.05, "{least} ms at the least, {ms} ms at last, {drift} ppm");
    }
}

#[test]
fn a_device_that_stops_stops_its_clock() {
    let mut clock = DeviceClock::new(48_000);
    for block in 1..=100_u64 {
        clock.update(Timestamp(i64::try_from(block).unwrap() * 10_000_000), block * 480, 480);
    }
    assert!(clock.is_known() && clock.ppm().abs() < 1.0);
    let past = |ms: i64| clock.past(Timestamp(ms * 1_000_000), 0);
    assert!((past(1_005) - 48_240.0).abs() < 1.0);
    assert!((past(60_000) - 48_960.0).abs() < 1.0);
}

#[test]
fn a_count_that_jumps_is_seen_and_does_not_bend_the_rate() {
    let mut clock = DeviceClock::new(48_000);
    let mut jumps = 0;
    for block in 1..=4_000_i64 {
        // From the 2000th on, three blocks of 10 ms were left out; the 1000th alone is late.
        let left_out = if block >= 2_000 { 3 } else { 0 };
        let late = if block == 1_000 { 8_000_000 } else { 0 };
        let time = Timestamp((block + left_out) * 10_000_000 + late);
        jumps += u64::from(clock.update(time, block.cast_unsigned() * 480, 480));
        assert!(clock.ppm().abs() < 20.0, "{block}: {}", clock.ppm());
    }
    assert_eq!(jumps, 1);
    assert!((clock.past(Timestamp(40_035_000_000), 0) - 4_000.5 * 480.0).abs() < 2.0);
}

/// The drift that is found, in ppm, by a clock that has heard blocks of 128 frames for a second and a half: those due in the first
/// `held` ms all come at their end, and of each of them `kept` thousandths are in the count.
fn found_after(held: i64, kept: u64) -> f64 {
    let mut clock = DeviceClock::new(48_000);
    let mut count = 0;
    for block in 1..564 {
        let due = block * 128 * 1_000_000_000 / 48_000;
        let held = held * 1_000_000;
        count += if due < held { 128 * kept / 1_000 } else { 128 };
        clock.update(Timestamp(due.max(held)), count, 128);
    }
    assert!(clock.is_known());
    clock.ppm()
}

#[test]
fn what_piled_up_before_or_was_left_out_says_nothing_of_the_clock() {
    for (held, kept) in [(0, 1_000), (40, 1_000), (300, 1_000), (300, 100), (600, 500)] {
        let found = found_after(held, kept);
        assert!(found.abs() < 30.0, "{found} ppm after {held} ms of which {kept} thousandths came");
    }
}
