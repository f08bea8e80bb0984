// @ts-check
// The sound that is played: a ring that holds about 120 ms (more after it ran dry), read at a speed that follows the engine's clock,
// and model time where that is slowed down: what is slow sounds low, what stands still is silent.

/** Frames gathered before playing starts: 120 ms. Each time it ran dry a fifth more, up to 300 ms. */
const TARGET = 5_760, GROWTH = 1.2, MOST = 14_400;
/** Frames above the target at which it has fallen behind and skips: 240 ms. */
const LATE = 11_520;
/** Frames in the ring: 680 ms. */
const SIZE = 32_768;
/** Frames that are gathered at least, however slow model time is. */
const LEAST = 256;
/** Largest change of speed, to follow the engine's clock: 0.2 %, 3.5 cents. */
const BEND = 0.002;
/** Gain per frame: 400 ms to fade in, 20 ms to fade out. */
const RISE = 1 / 19_200, FALL = 1 / 960;
/** Frames between reports: a second. */
const REPORT = 48_000;

/** @typedef {{ buffered_ms: number, underruns: number, skipped: number, received: number, level: number }} Report */
/** @typedef {{ play?: boolean, pace?: number, samples?: Float32Array }} Message */

export class Player {
  /** @param {(report: Report) => void} report told once a second */
  constructor(report) {
    this.report = report;
    this.left = new Float32Array(SIZE);
    this.right = new Float32Array(SIZE);
    this.written = 0;
    this.read = 0;
    this.target = TARGET;
    this.fill = TARGET;
    this.gain = 0;
    this.wanted = false;
    this.flowing = false;
    this.late = false;
    this.pace = 1;
    this.held = this.refills = false;
    this.underruns = 0;
    this.skipped = 0;
    this.peak = 0;
    this.since = 0;
  }

  /** Frames to gather at the present pace. */
  goal() { return Math.max(LEAST, this.target * this.pace); }

  /** Goes on at model time over real time; 0 stands still. @param {number} pace */
  follow(pace) {
    this.held = pace === 0;
    if (this.held || pace === this.pace) return;
    this.pace = pace;
    this.fill = this.written - this.read;
    // Not an underrun: what is faster needs more at hand.
    this.refills = this.flowing && this.fill < this.goal();
  }

  /** @param {Message} message */
  take({ play, pace, samples }) {
    if (pace !== undefined) this.follow(pace);
    if (play !== undefined) {
      this.wanted = play;
      if (play) { this.read = this.written; this.flowing = false; this.target = TARGET; }
    }
    if (!samples) return;
    for (let i = 0; i + 1 < samples.length; i += 2) {
      const at = this.written % SIZE;
      this.left[at] = samples[i];
      this.right[at] = samples[i + 1];
      this.written++;
    }
    if (this.written - this.read > this.goal() + LATE * this.pace) this.late = true;
  }

  /** Leaves out what is too old, once faded out: a jump in the middle of a wave would click. */
  skip() {
    this.late = false;
    const behind = Math.floor(this.written - this.read - this.goal());
    if (behind <= 0) return;
    this.skipped += behind;
    this.read += behind;
  }

  /** Catmull-Rom between frames. @param {Float32Array} ring @param {number} whole @param {number} part */
  between(ring, whole, part) {
    const a = ring[(whole + SIZE - 1) % SIZE], b = ring[whole % SIZE], c = ring[(whole + 1) % SIZE], d = ring[(whole + 2) % SIZE];
    return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)));
  }

  /** The next frames. @param {Float32Array} left @param {Float32Array} right */
  fillNext(left, right) {
    const waiting = this.written - this.read, goal = this.goal();
    if (!this.flowing && waiting >= goal) { this.flowing = true; this.fill = waiting; }
    this.fill += 0.01 * (waiting - this.fill);
    const bend = Math.max(-1, Math.min(1, (this.fill - goal) / goal));
    const speed = this.pace * (1 + BEND * bend);
    for (let i = 0; i < left.length; i++) {
      const left_over = this.written - this.read;
      if (this.flowing && left_over < 4) {
        this.flowing = false;
        if (this.wanted) {
          this.underruns++;
          this.target = Math.min(MOST, Math.round(this.target * GROWTH));
        }
      }
      // The last frames before it runs dry fade out: silence must not begin with a click.
      const sounding = this.wanted && this.flowing && !this.late && !this.held && !this.refills && left_over > 1_000 * this.pace;
      this.gain = Math.max(0, Math.min(1, this.gain + (sounding ? RISE : -FALL)));
      if (this.late && this.gain === 0) this.skip();
      if (this.refills && this.gain === 0) { this.refills = this.flowing = false; }
      if (!this.flowing || (this.held && this.gain === 0)) { left[i] = right[i] = 0; continue; }
      const whole = Math.floor(this.read), part = this.read - whole;
      left[i] = this.gain * this.between(this.left, whole, part);
      right[i] = this.gain * this.between(this.right, whole, part);
      this.peak = Math.max(this.peak, Math.abs(left[i]));
      this.read += speed;
    }
    this.since += left.length;
    if (this.since >= REPORT) {
      this.since = 0;
      this.report({
        buffered_ms: Math.max(0, this.written - this.read) / 48, underruns: this.underruns,
        skipped: this.skipped, received: this.written, level: this.peak,
      });
      this.peak = 0;
    }
  }
}
