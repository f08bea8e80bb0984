//! Two clocks: how fast a device's runs against the run's, and the correction that keeps a ring between them level.
//!
//! [`DeviceClock`] filters the jitter out of when a device gave or took its blocks, as a delay-locked loop (F. Adriaensen,
//! "Using a DLL to filter time", Linux Audio Conference 2005). [`Controller`] steers a resampler from its figures: the
//! correction's own rate of change is what it chooses and what is bounded, so it has no integral that could wind up.
//! Runs on the real-time thread: nothing here allocates.

use crate::time::Timestamp;

/// Bandwidth of the loop in Hz: at first, and when it has settled.
const BANDWIDTH: [f64; 2] = [1.0, 0.1];
/// Seconds in which the one becomes the other.
const NARROWING: f64 = 8.0;
/// Seconds that are measured before the clock is said to be known.
const LEAST_SECONDS: f64 = 0.5;
/// Blocks that are measured before that.
const LEAST_BLOCKS: u32 = 12;
/// Ns without a block after which a device has stalled, where its blocks are short.
const MOST_QUIET: f64 = 50e6;
/// Ns that one callback may be off the clock in what it teaches it.
const MOST_ERROR: f64 = 1e6;
/// Ns beyond half a block that one may be off the first while the clock is being measured; more than the largest drift.
const MOST_OFF: f64 = 3e6;
/// Seconds after the first block that are left out of the measurement: the rest of a heap that it stood in.
const HEAP_SECONDS: f64 = 0.1;
/// Blocks in a row that are far off before it is a jump, and ns of sound in them: what a thread that was late hands on at
/// once is none.
const FAR_BLOCKS: u32 = 4;
/// See there.
const FAR_TIME: f64 = 50e6;
/// The largest difference of two clocks that is believed, in parts per million.
pub const MOST_PPM: f64 = 5_000.0;
/// The fastest change of the correction, in parts per million a second: well below what is heard as a glide.
pub const MOST_SLEW: f64 = 20.0;
/// The speed of the correction in rad/s: it settles in some 20 s where the slew allows it.
const SPEED: f64 = 0.3;
/// The share of the fastest approach from which the slew could still stop at the level: the rest is room for error.
const APPROACH: f64 = 0.8;

/// A least-squares line.
#[derive(Clone, Debug, Default)]
struct Line {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Line {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
    }

    /// Slope, and height at `x`.
    fn at(&self, x: f64) -> (f64, f64) {
        let spread = self.n * self.xx - self.x * self.x;
        let slope = if spread > 0.0 { (self.n * self.xy - self.x * self.y) / spread } else { 0.0 };
        (slope, self.y / self.n.max(1.0) + slope * (x - self.x / self.n.max(1.0)))
    }
}

/// The count of frames of a device as a smooth function of the run's time.
#[derive(Clone, Debug)]
pub struct DeviceClock {
    nominal: f64,
    /// The first block's end.
    first: (Timestamp, u64),
    blocks: u32,
    /// A line through the first blocks: how late each is by the nominal rate, in ns, over its count.
    line: Line,
    /// The filtered time of `count`, in ns after `anchor`.
    anchor: Timestamp,
    offset: f64,
    count: u64,
    /// Ns per frame.
    period: f64,
    last: Timestamp,
    block: u32,
    /// Blocks in a row that came far off, all on the same side, and the least of their distances in ns.
    far: (u32, f64),
}

impl DeviceClock {
    /// The clock of a device that says it runs at `rate` frames a second.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let nominal = 1e9 / f64::from(rate.max(1));
        Self {
            nominal,
            first: (Timestamp::ZERO, 0),
            blocks: 0,
            line: Line::default(),
            anchor: Timestamp::ZERO,
            offset: 0.0,
            count: 0,
            period: nominal,
            last: Timestamp::ZERO,
            block: 0,
            far: (0, 0.0),
        }
    }

    /// At `time` the device had given, or taken, `count` frames in all, the last `block` of them just then. Says whether
    /// its count has jumped against time: blocks were left out or came in a heap.
    pub fn update(&mut self, time: Timestamp, count: u64, block: u32) -> bool {
        self.block = block;
        self.last = time;
        self.blocks = self.blocks.saturating_add(1);
        if self.blocks == 1 {
            self.begin(time, count);
            return false;
        }
        let frames = count.saturating_sub(self.count) as f64;
        if frames <= 0.0 {
            return false;
        }
        let mut jumped = false;
        let seconds = (time - self.first.0).as_secs_f64();
        let predicted = self.offset + frames * self.period;
        let error = (time.0 - self.anchor.0) as f64 - predicted;
        let fraction = (seconds / NARROWING).min(1.0);
        let bandwidth = BANDWIDTH[0] + (BANDWIDTH[1] - BANDWIDTH[0]) * fraction;
        let omega = (std::f64::consts::TAU * bandwidth * frames * self.nominal * 1e-9).min(0.5);
        if seconds < LEAST_SECONDS {
            // Early on, a line through what was seen is the better estimate.
            let from_first = count.saturating_sub(self.first.1) as f64;
            let since_first = (time.0 - self.first.0.0) as f64;
            if self.is_off(since_first - from_first * self.nominal) {
                self.begin(time, count);
                return false;
            }
            if seconds < HEAP_SECONDS {
                self.line = Line::default();
            }
            self.line.add(from_first, since_first - from_first * self.nominal);
            let (slope, late) = self.line.at(from_first);
            self.period = self.bounded(self.nominal + slope);
            self.anchor = self.first.0;
            self.offset = from_first * self.nominal + late;
        } else {
            // A callback that was held up says little of the clock; several in a row say that the count has jumped.
            let jump = self.jump(error);
            jumped = jump != 0.0;
            let error = if jumped { 0.0 } else { error.clamp(-MOST_ERROR, MOST_ERROR) };
            let predicted = predicted + jump;
            self.offset = predicted + std::f64::consts::SQRT_2 * omega * error;
            self.period = self.bounded(self.period + omega * omega * error / frames);
        }
        self.count = count;
        self.settle();
        jumped
    }

    /// Begins to measure with this block.
    fn begin(&mut self, time: Timestamp, count: u64) {
        self.blocks = 1;
        self.first = (time, count);
        self.line = Line::default();
        self.line.add(0.0, 0.0);
        self.far = (0, 0.0);
        (self.anchor, self.offset, self.count) = (time, 0.0, count);
    }

    /// Whether a block that is so late by the first one says that the first tells nothing of the clock: what had piled up
    /// comes at once, or some was left out.
    fn is_off(&mut self, late: f64) -> bool {
        let most = MOST_OFF + 0.5 * f64::from(self.block) * self.nominal;
        self.far = if late > most { (self.far.0 + 1, late) } else { (0, 0.0) };
        late < -most || self.is_jump()
    }

    /// Whether enough blocks in a row were far off.
    fn is_jump(&self) -> bool {
        let time = f64::from(self.far.0) * f64::from(self.block) * self.nominal;
        self.far.0 >= FAR_BLOCKS && time >= FAR_TIME
    }

    /// By how much the count is found to have jumped, in ns; 0 where it has not.
    fn jump(&mut self, error: f64) -> f64 {
        let far = (0.5 * f64::from(self.block) * self.period).max(MOST_ERROR);
        let (blocks, least) = self.far;
        if error.abs() < far {
            self.far = (0, 0.0);
        } else if blocks > 0 && least.signum() == error.signum() {
            self.far = (blocks + 1, least.abs().min(error.abs()).copysign(error));
        } else {
            self.far = (1, error);
        }
        if !self.is_jump() {
            return 0.0;
        }
        std::mem::take(&mut self.far).1
    }

    /// Moves the anchor along.
    fn settle(&mut self) {
        // The offset stays small, so that its bits stay fine.
        let whole = self.offset.trunc();
        self.anchor = Timestamp(self.anchor.0.saturating_add(whole as i64));
        self.offset -= whole;
    }

    /// Begins to measure anew, from the rate that was found: the device's count or time has jumped.
    pub fn restart(&mut self) {
        self.blocks = 0;
    }

    fn bounded(&self, period: f64) -> f64 {
        let most = self.nominal * MOST_PPM * 1e-6;
        period.clamp(self.nominal - most, self.nominal + most)
    }

    /// Whether nothing came for much longer than blocks take.
    #[must_use]
    pub fn is_stalled(&self, now: Timestamp) -> bool {
        let blocks = 4.0 * f64::from(self.block) * self.period;
        self.blocks > 0 && (now - self.last).as_nanos() as f64 > blocks.max(MOST_QUIET)
    }

    /// Whether enough was seen to rely on it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.blocks >= LEAST_BLOCKS && (self.last - self.first.0).as_secs_f64() >= LEAST_SECONDS
    }

    /// How much faster than the run's clock the device's runs, in parts per million.
    #[must_use]
    pub fn ppm(&self) -> f64 {
        (self.nominal / self.period - 1.0) * 1e6
    }

    /// Frames in the last block.
    #[must_use]
    pub fn block(&self) -> u32 {
        self.block
    }

    /// Frames by which the device's smooth position at `time` is past `count`; it stands still two blocks after the last.
    #[must_use]
    pub fn past(&self, time: Timestamp, count: u64) -> f64 {
        let elapsed = (time.0 - self.anchor.0) as f64 - self.offset;
        let frames = (elapsed / self.period).min(2.0 * f64::from(self.block.max(1)));
        frames + (i128::from(self.count) - i128::from(count)) as f64
    }
}

/// Steers the ratio of a resampler so that it follows a device's clock and keeps a level.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controller {
    ppm: f64,
}

impl Controller {
    /// A correction that starts at a device's measured difference.
    #[must_use]
    pub fn starting(ppm: f64) -> Self {
        Self { ppm: ppm.clamp(-MOST_PPM, MOST_PPM) }
    }

    /// The correction in parts per million: how much faster than nominal the device's frames are used.
    #[must_use]
    pub fn ppm(&self) -> f64 {
        self.ppm
    }

    /// The correction after `seconds` more, where the device runs `drift` ppm fast and the ring holds `excess` frames too
    /// many, at `rate` frames a second.
    pub fn step(&mut self, seconds: f64, drift: f64, excess: f64, rate: f64) -> f64 {
        // The excess in us changes by the mismatch in ppm, us a second. Near the level it is critically damped:
        // x'' = -2 w x' - w^2 x. From farther off that would come too fast to be stopped by the slew, so it approaches by
        // the mismatch m whose stopping distance m^2 / (2 slew) is shorter than what is left.
        let mismatch = self.ppm - drift;
        let left = (excess / rate * 1e6).abs();
        let most = APPROACH * (2.0 * MOST_SLEW * left).sqrt();
        let wanted = (0.5 * SPEED * left).min(most).copysign(excess);
        let wish = 2.0 * SPEED * (wanted - mismatch);
        self.ppm += wish.clamp(-MOST_SLEW, MOST_SLEW) * seconds;
        self.ppm = self.ppm.clamp(-2.0 * MOST_PPM, 2.0 * MOST_PPM);
        self.ppm
    }
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
