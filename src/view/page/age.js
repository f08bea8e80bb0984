// @ts-check
// How old the field is when it is drawn: behind the fastest picture of the last half minute, which was underway for less than can be
// told here.

/** Pictures that are looked back on: 10 s; the least distance of clocks is that of half a minute. */
const PICTURES = 600, HALF_MINUTE = 30_000;

export function ages() {
  /** @type {number[]} */
  let late = [];
  /** Page time less that at which a tick was due, the least of this half minute and of the one before. */
  let least = Infinity, before = Infinity, since = -Infinity;
  return {
    /** A field was drawn. @param {number} tick @param {number} speed at which ticks are due, in thousandths of real time; 0 where none is due
     * @param {number} now in ms, of the page's clock */
    drawn(tick, speed, now) {
      if (!speed) return;
      const due = (1000 * tick) / speed;
      if (now - since > HALF_MINUTE) { before = least; least = Infinity; since = now; }
      least = Math.min(least, now - due);
      late.push(now - due - Math.min(least, before));
      if (late.length > PICTURES) late = late.slice(-PICTURES / 2);
    },
    /** Model time stood still, or went at another pace. */
    forget() { late = []; least = before = Infinity; since = -Infinity; },
    /** Median and 95th percentile in ms; `null` before there are enough. @returns {[number, number] | null} */
    figures() {
      if (late.length < 60) return null;
      const sorted = [...late].sort((a, b) => a - b);
      return [sorted[sorted.length >> 1], sorted[Math.floor(0.95 * sorted.length)]];
    },
  };
}
