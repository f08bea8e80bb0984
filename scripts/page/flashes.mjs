// Finds flashes in pictures of a screen as WCAG 2.2 defines them (success criterion 2.3.1):
//
//   general  a pair of opposing changes of relative luminance by a tenth or more, the darker state below 0.80
//   red      a pair of opposing changes of (R - G - B) x 320 by more than 20, either state with R / (R + G + B) >= 0.8
//   fails    where more than three within one second cover a quarter of any block of 341 x 256 CSS pixels
//
// Each pixel's changes are counted by themselves, from its last extreme, however slow they come; of more than six changes
// within a second some are of a fourth flash. So a wave that passes over a screen counts like one that flashes as a whole.
// A pixel is a tenth of a degree here, the mean of CELL x CELL of the pictures': finer patterns are none that flash.

const BLOCK = { width: 341, height: 256 }, SHARE = 0.25;
const ALLOWED = 6;
/** Pictures are taken at this share of the page's size: then a cell is 3.3 CSS pixels, of 34 a degree. */
export const SCALE = 0.6;
const CELL = 2;

const LINEAR = Float32Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** The changes of one quantity at each pixel, by `least` or more from the extreme before. */
function changes(count, least) {
  const low = new Float32Array(count).fill(Infinity), high = new Float32Array(count).fill(-Infinity), going = new Int8Array(count);
  const times = new Float64Array(count * (ALLOWED + 1)).fill(-Infinity), next = new Uint8Array(count);
  const mark = new Uint8Array(count);
  return {
    /** The pixels that changed more often than is allowed within the last second. */
    mark,
    /** Takes the next picture's values. `counts(darker, pixel)`: whether a change of such a darker state counts. */
    add(values, seconds, counts) {
      for (let i = 0; i < count; i++) {
        const value = values[i], at = i * (ALLOWED + 1);
        if (going[i] >= 0 && value > high[i]) high[i] = value;
        if (going[i] <= 0 && value < low[i]) low[i] = value;
        const falls = going[i] >= 0 && high[i] - value >= least && counts(value, i);
        if (falls || going[i] <= 0 && value - low[i] >= least && counts(low[i], i)) {
          going[i] = falls ? -1 : 1;
          low[i] = high[i] = value;
          times[at + next[i]] = seconds;
          next[i] = (next[i] + 1) % (ALLOWED + 1);
        }
        // The oldest of one change more than is allowed.
        mark[i] = seconds - times[at + next[i]] < 1 ? 1 : 0;
      }
    },
  };
}

/** The greatest share of a block that marked pixels cover, and its corner; a screen smaller than a block is a part of one. */
function worst(mark, width, height) {
  const [bw, bh] = [BLOCK.width, BLOCK.height].map((side) => Math.round((side * SCALE) / CELL)), wide = width + 1;
  const sums = new Uint32Array(wide * (height + 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0, row = 0; x < width; x++) {
      row += mark[y * width + x];
      sums[(y + 1) * wide + x + 1] = sums[y * wide + x + 1] + row;
    }
  }
  const w = Math.min(bw, width), h = Math.min(bh, height), css = CELL / SCALE;
  let most = 0, corner = [0, 0];
  for (let y = h; y <= height; y++) {
    for (let x = w; x <= width; x++) {
      const sum = sums[y * wide + x] - sums[(y - h) * wide + x] - sums[y * wide + x - w] + sums[(y - h) * wide + x - w];
      if (sum > most) { most = sum; corner = [x - w, y - h]; }
    }
  }
  return { share: most / (bw * bh), x: Math.round(corner[0] * css), y: Math.round(corner[1] * css) };
}

/** Looks at a region of pictures one after another. */
export function flashes(region) {
  const width = Math.floor(region.width / CELL), height = Math.floor(region.height / CELL), count = width * height;
  const luminance = new Float32Array(count), redness = new Float32Array(count);
  /** Whether a pixel is saturated red, and whether it was at any time since its last change. */
  const red = new Uint8Array(count), wasRed = new Uint8Array(count);
  const general = changes(count, 0.1), reds = changes(count, 20 / 320);
  const found = { general: 0, red: 0, where: "" };
  const isRed = (_darker, i) => {
    if (!wasRed[i]) return false;
    wasRed[i] = red[i];
    return true;
  };
  return {
    add({ rgb, width: wide }, seconds) {
      for (let y = 0, i = 0; y < height; y++) {
        for (let x = 0; x < width; x++, i++) {
          let r = 0, g = 0, b = 0;
          for (let part = 0; part < CELL * CELL; part++) {
            const at = 3 * ((region.y + CELL * y + (part >> 1)) * wide + region.x + CELL * x + (part & 1));
            r += LINEAR[rgb[at]] / 4; g += LINEAR[rgb[at + 1]] / 4; b += LINEAR[rgb[at + 2]] / 4;
          }
          luminance[i] = 0.2126 * r + 0.7152 * g + 0.0722 * b;
          redness[i] = Math.max(0, r - g - b);
          red[i] = r > 0 && r / (r + g + b) >= 0.8 ? 1 : 0;
          wasRed[i] |= red[i];
        }
      }
      general.add(luminance, seconds, (darker) => darker < 0.8);
      reds.add(redness, seconds, isRed);
      for (const [kind, { mark }] of [["general", general], ["red", reds]]) {
        const most = worst(mark, width, height);
        if (most.share > found[kind]) { found[kind] = most.share; found.where = `${most.x}, ${most.y}`; }
      }
    },
    /** The greatest shares of a block with more than three flashes in a second, where, and whether they fail. */
    found: () => ({ ...found, fails: found.general >= SHARE || found.red >= SHARE }),
  };
}
