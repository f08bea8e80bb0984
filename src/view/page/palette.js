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

/**
 * The table: RGBA bytes, one row per amplitude, one column per phase.
 * Colours are mixed with the grey in linear light, where a mixture of equal luminances keeps it.
 * @param {boolean} dark whether the page is dark
 */
export function fieldTable(dark) {
  const target = dark ? 0.22 : 0.42;
  const most = 0.155;
  // Phase 0 is red, as in the retina's chroma.
  const hues = Array.from({ length: PHASES }, (_, i) => (i / PHASES) * 2 * Math.PI + 0.35);
  const limits = hues.map((hue) => reach(target, hue, most));
  // A kink in chroma would show as a false edge: take the least nearby, then smooth.
  const span = 16;
  const around = (/** @type {number[]} */ list, /** @type {number} */ i) =>
    Array.from({ length: 2 * span + 1 }, (_, k) => list[(i + k - span + PHASES) % PHASES]);
  const least = limits.map((_, i) => Math.min(...around(limits, i)));
  const chroma = least.map((_, i) => around(least, i).reduce((a, b) => a + b) / (2 * span + 1));
  const colours = hues.map((hue, i) => atLuminance(target, chroma[i], hue));
  const table = new Uint8ClampedArray(PHASES * AMPLITUDES * 4);
  for (let row = 0; row < AMPLITUDES; row++) {
    const share = vividness(row / (AMPLITUDES - 1));
    for (let column = 0; column < PHASES; column++) {
      const at = 4 * (row * PHASES + column);
      for (let part = 0; part < 3; part++) {
        table[at + part] = encode(target + share * (colours[column][part] - target));
      }
      table[at + 3] = 255;
    }
  }
  return table;
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
