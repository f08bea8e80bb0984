// @ts-check
// The run's clock as this page sees it, and devices' clocks as this page sees them.

/** Exchanges of which the quickest counts; at 1 a second, clocks of two machines part by less than a millisecond in that time. */
const KEPT = 16;
/** Exchanges at the start that come quickly after each other, their interval and the later one, in ms. */
const FIRST = 8, QUICK = 100, REFRESH = 1_000;

/** Exchanges times with the server as NTP does. @param {(microseconds: number) => void} ask sends this page's time */
export function runClock(ask) {
  /** @type {{ trip: number, ahead: number }[]} */
  let exchanges = [];
  let asked = 0;
  /** @type {number | undefined} */
  let timer;
  const exchange = () => {
    ask(Math.round(1_000 * performance.now()));
    timer = setTimeout(exchange, ++asked < FIRST ? QUICK : REFRESH);
  };
  const stop = () => clearTimeout(timer);
  return {
    /** Begins anew: another run, another clock. */
    start() {
      stop();
      exchanges = [];
      asked = 0;
      exchange();
    },
    stop,
    /** @param {{ asked: number, now: number }} answer this page's time in us, the run's in ns */
    answer({ asked, now }) {
      const back = 1_000 * performance.now();
      exchanges.push({ trip: back - asked, ahead: now - 500 * (asked + back) });
      if (exchanges.length > KEPT) exchanges.shift();
    },
    /** The run's time in ns at a time of this page in ms; `undefined` before the first answer. @param {number} milliseconds */
    at(milliseconds) {
      if (exchanges.length === 0) return undefined;
      const best = exchanges.reduce((one, other) => (other.trip < one.trip ? other : one));
      return Math.round(1e6 * milliseconds + best.ahead);
    },
  };
}

/** Maps a device's own times to this page's, both in ms. What took the least time to come shows how far they are apart:
 * all else came late. @param {number} kept arrivals that are looked at */
export function deviceClock(kept) {
  /** @type {number[]} */
  const delays = [];
  return (/** @type {number} */ device, /** @type {number} */ arrived) => {
    delays.push(arrived - device);
    if (delays.length > kept) delays.shift();
    return device + Math.min(...delays);
  };
}
