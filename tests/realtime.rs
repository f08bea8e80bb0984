//! The real-time thread's tick allocates nothing; the guard that says so can fire.

#![allow(clippy::cast_precision_loss)] // small counts
#![cfg_attr(napot_rtsan, feature(sanitize))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napot::config::{Config, Session};
use napot::engine::instrument::Instrument;
use napot::engine::senses::{Sampler, Senses};
use napot::engine::{Pace, StageTimer, mind, recognition};
use napot::kernel::team::Team;
use napot::readout::signature::Grid;
use napot::readout::signature::known::Known;
use napot::signal::{ArrayId, Burst, Sign};
use napot::stream::bridge::Margin;
use napot::stream::{capture, playback};
use napot::time::{ManualClock, Tick, Timestamp};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting per thread what it is asked for.
struct Counting;

fn count() {
    // A thread that is ending has no counter any more, and no tick either.
    let _ = ALLOCATIONS.try_with(|counter| counter.set(counter.get() + 1));
}

// SAFETY: every call goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations and releases on this thread while `body` runs.
fn allocations(body: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    body();
    ALLOCATIONS.get() - before
}

#[test]
fn the_guard_catches_a_planted_allocation() {
    assert!(allocations(|| drop(std::hint::black_box(vec![0u8; 64]))) >= 2);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn a_tick_with_sound_and_thousands_of_bursts_allocates_nothing() {
    for learns in [false, true] {
        allocates_nothing(learns);
    }
}

fn allocates_nothing(learns: bool) {
    let mut config = Config::default();
    config.learning.enabled = learns;
    config.learning.coherence = 0.0;
    config.vision.height = 32;
    config.vision.width = 32;
    let session = Session { pace: Pace::Max, seconds: None, tail_seconds: 0.0, layout: None };
    let mut instrument = Instrument::new(&config.plan(&session)).unwrap();
    let shape = instrument.shapes()[0];
    let (mut probe, _moments, _mind) = mind::mind(&config.mind, (0, shape), 0, [false, true]);
    let (mut feeler, mut recogniser) =
        recognition::recognition(Known::new(Grid::of(shape)), (0, shape)).unwrap();
    let sampler = Sampler::of(&instrument).unwrap();
    let mut gathers = Senses::new(None);
    let mut team = Team::new(1);
    let clock = ManualClock::new();
    let mut state = Vec::with_capacity(instrument.state_values());
    let mut senses = Vec::with_capacity(instrument.sense_words());
    let bursts: Vec<Burst> = (0..4_096)
        .map(|n| Burst {
            time: Tick(0).start(),
            array: ArrayId(0),
            site: n % 1_024,
            sign: if n % 3 == 0 { Sign::Off } else { Sign::On },
            phase: 0.0,
            magnitude: 1.0 + (n % 5) as f32,
            surprisal_bits: 4.0,
        })
        .collect();
    for tick in 0..400 {
        let mut heard = [[0.0; 2]; 48];
        for (n, frame) in heard.iter_mut().enumerate() {
            let beat = if tick % 100 < 20 { 0.5 } else { 0.001 };
            *frame = [beat * if n % 8 < 4 { 1.0 } else { -1.0 }; 2];
        }
        let mut measured = napot::engine::Sensed::default();
        let seen = if tick % 10 == 0 { &bursts[..] } else { &[] };
        let counted = allocations(|| {
            let mut timer = StageTimer::start(&clock);
            instrument.tick(Tick(tick), &heard, seen, &mut team, &mut timer);
            instrument.electrodes();
            probe.tick(Tick(tick), &instrument);
            feeler.tick(Tick(tick), &instrument);
            measured = sampler.tick(&heard, seen, &instrument);
            if tick % 100 == 99 {
                instrument.take_input_hash();
                instrument.copy_state(&mut state);
                instrument.copy_senses(&mut senses);
            }
        });
        assert_eq!(counted, 0, "tick {tick} allocated (learning: {learns})");
        gathers.take(Tick(tick), &measured);
    }
    // Its slots were taken, so it did what it does.
    recogniser.look(Tick(400));
    assert!(recogniser.figures().last.is_some(), "no onset was seen");
    let said = gathers.into_said();
    assert!([said.differential, said.level].iter().all(|bins| bins.iter().any(|x| *x > 0.0)));
}

/// A microphone and a speaker beside the engine: calls of both, ticks between, and links that are exchanged on the way.
#[test]
fn devices_callbacks_and_the_ways_to_them_allocate_nothing() {
    let (mut in_socket, mut capture) = capture::capture();
    let (mut out_socket, mut playback) = playback::playback();
    let muted = Arc::<AtomicBool>::default();
    playback.follow(Arc::clone(&muted));
    for rate in [48_000, 44_100] {
        let (mut tap, in_link, _) = capture::link(rate, Margin::smallest()).unwrap();
        let (mut spout, out_link, _) = playback::link(rate, Margin::smallest()).unwrap();
        in_socket.plug(in_link);
        out_socket.plug(out_link);
        let mut heard = [[0.0; 2]; 48];
        let mut played = 0.0;
        let mut blocks = 0_u64;
        for tick in 0..3_000_i64 {
            let now = Timestamp(tick * 1_000_000);
            muted.store(tick > 2_500, Ordering::Relaxed);
            let counted = allocations(|| {
                while blocks * 256 * 1_000 / u64::from(rate) <= tick.cast_unsigned() {
                    blocks += 1;
                    // For a while the microphone says nothing.
                    if !(1_500..1_900).contains(&tick) {
                        tap.give((0..256).map(|n| [n as f32 * 1e-3; 2]), now, std::time::Duration::ZERO);
                    }
                    spout.fill(256, now, std::time::Duration::ZERO, |_, frame| played += frame[0]);
                }
                capture.take(now, &mut heard);
                playback.give(now, &heard);
            });
            assert_eq!(counted, 0, "tick {tick} at {rate} Hz allocated");
        }
        assert!(played > 0.0);
    }
}

/// What `make check-realtime` shows to fail: the sanitizer ends the process here.
#[cfg(napot_rtsan)]
#[test]
#[ignore = "ends the process"]
fn a_planted_allocation_ends_the_process() {
    #[sanitize(realtime = "nonblocking")]
    fn planted() {
        drop(std::hint::black_box(vec![0_u8; 64]));
    }
    planted();
}
