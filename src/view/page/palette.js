// @ts-check
// Colours for the field: hue is the phase, chroma the amplitude, and luminance is the same everywhere,
// so that no field, whatever it does, can flash (WCAG 2.3.1: general and red flashes).

/** Phases in a table. */
export const PHASES = 256;
/** Amplitudes in a table: 0 to 4 times the tonic rms. */
export const AMPLITUDES = 256;

/** OKLab to linear sRGB (B. Ottosson, "A perceptual color space for image processing", 2020).
 * @param {number} lightness @param {number} chroma @param {number} hue in radians */
function linearRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos(hue), b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** Relative luminance as WCAG defines it. @param {number[]} rgb linear */
const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** The colour of this hue and chroma whose luminance is `target`; OKLab's lightness alone would let it vary by a tenth.
 * @param {number} target @param {number} chroma @param {number} hue */
function atLuminance(target, chroma, hue) {
  let low = 0, high = 1.2;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (luminance(linearRgb(middle, chroma, hue)) < target) low = middle;
    else high = middle;
  }
  return linearRgb(low, chroma, hue);
}

/** The largest chroma up to `limit` that a screen can show at this hue and luminance.
 * @param {number} target @param {number} hue @param {number} limit */
function reach(target, hue, limit) {
  let low = 0, high = limit;
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    const inside = atLuminance(target, middle, hue).every((part) => part >= 0 && part <= 1);
    if (inside) low = middle;
    else high = middle;
  }
  return low;
}

/** sRGB's transfer curve. @param {number} value linear */
const encode = (value) => 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

/** How vivid an amplitude (in units of 4 times the tonic rms) is shown: the tonic rhythm at four ninths.
 * @param {number} amplitude 0 to 1 */
const vividness = (amplitude) => amplitude ** 0.6;

/** What the field shows of its oscillations, and by which colours. */
export const VIEWS = ["phase", "wave", "amplitude", "travel"], PALETTES = ["even", "colour-blind"];

/** Half the luminance that the colour-blind wheel spans: a change within it is less than the tenth that makes a flash. */
const SWING = 0.045;
/** Hues in radians that dichromats tell apart, and one between them. */
const BLUE = 4.45, YELLOW = 1.55, ORANGE = 1.05, VIOLET = 5.5;
/** The most chroma. */
const MOST = 0.155;

/** The most vivid colour of this hue at a luminance. @param {number} target @param {number} hue */
const vivid = (target, hue) => atLuminance(target, reach(target, hue, MOST), hue);

/** The wheel of hues, one colour per phase, as vivid as all its neighbours can be. @param {number} target */
function wheel(target) {
  // Phase 0 is red, as in the retina's chroma.
  const hues = Array.from({ length: PHASES }, (_, i) => (i / PHASES) * 2 * Math.PI + 0.35);
  const limits = hues.map((hue) => reach(target, hue, MOST));
  // A kink in chroma would show as a false edge: take the least nearby, then smooth.
  const span = 16;
  const around = (/** @type {number[]} */ list, /** @type {number} */ i) =>
    Array.from({ length: 2 * span + 1 }, (_, k) => list[(i + k - span + PHASES) % PHASES]);
  const least = limits.map((_, i) => Math.min(...around(limits, i)));
  const chroma = least.map((_, i) => around(least, i).reduce((a, b) => a + b) / (2 * span + 1));
  return hues.map((hue, i) => atLuminance(target, chroma[i], hue));
}

/** Blue to yellow across, darker to lighter down: a wheel for eyes that tell only one pair of hues apart. @param {number} target */
function blindWheel(target) {
  return Array.from({ length: PHASES }, (_, i) => {
    const turn = (i / PHASES) * 2 * Math.PI, across = Math.cos(turn);
    const level = target + SWING * Math.sin(turn), hue = across < 0 ? BLUE : YELLOW;
    const colour = vivid(level, hue);
    return colour.map((part) => level + Math.abs(across) * (part - level));
  });
}

/** From one colour over another to a third. @param {number[][]} colours @param {number} share 0 to 1 */
function along(colours, share) {
  const at = share * (colours.length - 1), first = Math.min(colours.length - 2, Math.floor(at)), part = at - first;
  return colours[first].map((value, k) => value + part * (colours[first + 1][k] - value));
}

/**
 * The table: RGBA bytes, one row per amplitude, one column per phase.
 *
 * Colours are mixed with the grey in linear light, where a mixture of equal luminances keeps it: whatever the field does, no
 * view and no palette can flash. Amplitudes and waves have no luminance to go by either, so hue and chroma tell them.
 * @param {boolean} dark whether the page is dark @param {string} view @param {string} palette
 */
export function fieldTable(dark, view = "phase", palette = "even") {
  const target = dark ? 0.22 : 0.42;
  const grey = [target, target, target], blind = palette === "colour-blind";
  const colours = blind ? blindWheel(target) : wheel(target);
  const cold = vivid(target, BLUE), warm = vivid(target, blind ? YELLOW : ORANGE);
  const ramp = blind ? [cold, grey, warm] : [grey, cold, vivid(target, VIOLET), warm];
  const table = new Uint8ClampedArray(PHASES * AMPLITUDES * 4);
  for (let row = 0; row < AMPLITUDES; row++) {
    const share = vividness(row / (AMPLITUDES - 1));
    for (let column = 0; column < PHASES; column++) {
      const at = 4 * (row * PHASES + column);
      const wave = Math.cos((2 * Math.PI * column) / PHASES) * share;
      const colour = view === "amplitude" ? along(ramp, share)
        : view === "wave" ? along([grey, wave < 0 ? cold : warm], Math.abs(wave))
        : along([grey, colours[column]], share);
      for (let part = 0; part < 3; part++) table[at + part] = encode(colour[part]);
      table[at + 3] = 255;
    }
  }
  return table;
}

/** The luminances (WCAG's) of a table, and the greatest share of red in it: what a flash is measured by.
 * @param {Uint8ClampedArray} table */
export function flashBounds(table) {
  const linear = (/** @type {number} */ byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  let low = 1, high = 0, red = 0;
  for (let at = 0; at < table.length; at += 4) {
    const rgb = [table[at], table[at + 1], table[at + 2]].map(linear);
    const level = luminance(rgb);
    low = Math.min(low, level);
    high = Math.max(high, level);
    red = Math.max(red, rgb[0] / (rgb[0] + rgb[1] + rgb[2]));
  }
  return { low, high, red };
}

/** Draws the phase wheel of the key. @param {HTMLCanvasElement} canvas @param {Uint8ClampedArray} table */
export function drawWheel(canvas, table) {
  const context = canvas.getContext("2d");
  if (!context) return;
  const size = canvas.width;
  const image = context.createImageData(size, size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const dx = (x + 0.5) / size - 0.5, dy = 0.5 - (y + 0.5) / size;
      const radius = 2 * Math.hypot(dx, dy);
      const phase = Math.floor(((Math.atan2(dy, dx) / (2 * Math.PI) + 1) % 1) * PHASES) % PHASES;
      const row = Math.min(AMPLITUDES - 1, Math.floor(radius * AMPLITUDES));
      const from = 4 * (row * PHASES + phase), to = 4 * (y * size + x);
      image.data.set(table.subarray(from, from + 3), to);
      image.data[to + 3] = 255 * Math.max(0, Math.min(1, (1 - radius) * size * 0.5));
    }
  }
  context.putImageData(image, 0, 0);
}
