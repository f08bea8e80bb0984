// @ts-check
// Pictures that can't flash: a pixel's light moves by at most SLEW of its range a second, so that up and down three times a
// second (WCAG 2.3.1) is less than a tenth.

/** Share of the whole range of relative luminance that a pixel may go in a second. */
const SLEW = 0.55;
/** From one picture to the next in seconds of the run; they may come faster or slower. */
const MOMENT = 0.1;
/** Relative luminance of a byte, and the byte of a 4095th of it. */
export const LIGHT = Float32Array.from({ length: 256 }, (_, byte) => (byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4));
export const BYTE = Uint8Array.from({ length: 4096 }, (_, step) => {
  const light = step / 4095;
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});

/** Light of so many numbers that begins in between. @param {number} count */
export const dusk = (count) => new Float32Array(count).fill(LIGHT[60]);

/** Draws light, red, green and blue side by side, into an image. @param {ImageData} image @param {Float32Array} light */
export function draw({ data }, light) {
  for (let at = 0, to = 0; at < light.length; at++) {
    data[to] = BYTE[Math.round(4095 * light[at])];
    to += at % 3 === 2 ? 2 : 1;
  }
}

/** How far light may go. @param {number} ms since it moved last */
const reach = (ms) => SLEW * Math.min(ms / 1000, MOMENT);

/** After how long in ms without a picture light goes on by itself: where pictures come it moves with them alone, or what flickers
 * would go further between two of them. */
const STILL = 1_000;

/** When a panel draws: with each fresh picture, and, where time stands still, until light has reached the last one. */
export function moments() {
  let came = 0, drawn = 0, reached = false;
  return {
    /** How long ago in ms it drew; nothing where nothing is due. @param {boolean} fresh @param {number} now in ms */
    due(fresh, now) {
      const ms = now - drawn;
      if (fresh) came = now;
      else if (reached || now - came < STILL || ms < 1000 * MOMENT) return undefined;
      drawn = now;
      return ms;
    },
    /** @param {boolean} all whether light is there */
    reached(all) { reached = all; },
  };
}

/** Moves light towards what is wanted; says whether it is there. @param {Float32Array} shown @param {Float32Array} wanted
 * @param {number} ms since it moved last */
export function approach(shown, wanted, ms) {
  const most = reach(ms);
  let reached = true;
  for (let at = 0; at < wanted.length; at++) {
    const way = wanted[at] - shown[at];
    shown[at] += Math.max(-most, Math.min(most, way));
    reached &&= Math.abs(way) <= most;
  }
  return reached;
}

/** The same of red, green and blue side by side: a colour goes straight to another, so that none redder than both lies between.
 * @param {Float32Array} shown @param {Float32Array} wanted @param {number} ms since it moved last */
export function approachColours(shown, wanted, ms) {
  const most = reach(ms);
  let reached = true;
  for (let at = 0; at < wanted.length; at += 3) {
    const red = wanted[at] - shown[at], green = wanted[at + 1] - shown[at + 1], blue = wanted[at + 2] - shown[at + 2];
    const share = Math.min(1, most / Math.max(Math.abs(red), Math.abs(green), Math.abs(blue), 1e-9));
    shown[at] += share * red;
    shown[at + 1] += share * green;
    shown[at + 2] += share * blue;
    reached &&= share === 1;
  }
  return reached;
}
