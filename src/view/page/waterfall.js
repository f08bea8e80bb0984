// @ts-check
// The spectrogram: power over the pink line, log frequency upwards, newest at the right.

import { fit, font, say, sizeOf } from "./canvas.js";
import { powerOf } from "./fourier.js";

/** Samples of one transform, and between two of them, at 1000 a second. */
const SIZE = 1024, HOP = 100;
/** Columns that are kept: 30 s. */
const COLUMNS = 300;
/** Rows: frequencies from LOW to HIGH Hz, evenly in octaves. */
const ROWS = 96, LOW = 1, HIGH = 250;
/** Decibels over and under the pink line that the colours span. */
const SPAN = 12;
const LEFT = 40, FOOT = 22;
/** Least pixels between two times. */
const APART = 64;

/** Colours that were asked for once. @type {Map<string, number[]>} */
const known = new Map();

/** A colour of the page as numbers. @param {string} css */
function numbers(css) {
  const told = known.get(css) ?? measured(css);
  known.set(css, told);
  return told;
}

/** @param {string} css */
function measured(css) {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return [128, 128, 128];
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function waterfallPanel(canvas, note) {
  let transform = powerOf(SIZE);
  let rate = 0, taken = 0, from = "", line = 0;
  /** The mean of the electrodes, a ring. */
  let ring = new Float64Array(SIZE);
  const stretch = new Float64Array(SIZE);
  /** Decibels over the pink line, column after column. */
  const columns = new Float32Array(COLUMNS * ROWS).fill(NaN);
  let newest = -1, mean = 0;
  /** What is on the canvas: the newest column and all else that it was drawn by. */
  let drawn = "";
  const image = new OffscreenCanvas(COLUMNS, ROWS);

  function analyse() {
    for (let i = 0; i < SIZE; i++) stretch[i] = ring[(taken + i) % SIZE];
    const power = transform(stretch, rate);
    newest = (newest + 1) % COLUMNS;
    // The pink line: the mean of power times frequency, in dB, slowly.
    let sum = 0, told = 0;
    for (let row = 0; row < ROWS; row++) {
      const [low, high] = [row, row + 1].map((edge) => LOW * (HIGH / LOW) ** (edge / ROWS));
      const first = Math.max(1, Math.floor((low * SIZE) / rate)), last = Math.min(power.length - 1, Math.max(first, Math.floor((high * SIZE) / rate)));
      // Beyond half the rate there is nothing.
      if (last < first) { columns[newest * ROWS + row] = NaN; continue; }
      let part = 0;
      for (let bin = first; bin <= last; bin++) part += power[bin] * ((bin * rate) / SIZE);
      const value = 10 * Math.log10(part / (last - first + 1) + 1e-12);
      columns[newest * ROWS + row] = value;
      sum += value;
      told++;
    }
    mean = sum / told;
    line = Number.isFinite(line) && line !== 0 ? line + 0.05 * (mean - line) : mean;
  }

  return {
    forget() { columns.fill(NaN); taken = 0; line = 0; newest = -1; },
    /** @param {import("./messages.d.ts").TraceChunk} chunk */
    add(chunk) {
      if (chunk.rate_hz !== rate || chunk.names.join() !== from) {
        rate = chunk.rate_hz;
        from = chunk.names.join();
        this.forget();
        note.innerHTML = '<span class="wide">mean of </span><span></span><span class="wide"></span>';
        say(note.children[1], `${chunk.names.length} electrodes`);
        say(note.children[2], `, ${((1000 * SIZE) / rate / 1000).toFixed(1)} s a column`);
      }
      const count = chunk.microvolts[0]?.length ?? 0;
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (const row of chunk.microvolts) sum += row[i] ?? 0;
        ring[taken % SIZE] = sum / chunk.microvolts.length;
        taken++;
        if (taken >= SIZE && taken % Math.round((HOP * rate) / 1000) === 0) analyse();
      }
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      const look = [newest, ...Object.values(sizeOf(canvas)), window.devicePixelRatio, ...Object.values(theme)].join();
      if (look === drawn) return;
      const sheet = fit(canvas);
      if (!sheet) return;
      drawn = look;
      const { context, width, height } = sheet;
      context.font = font(11.5);
      const bottom = height - FOOT, span = width - LEFT;
      const paint = image.getContext("2d");
      if (!paint || newest < 0) {
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText("Gathering the first second", width / 2, height / 2);
        return;
      }
      const [cold, ground, warm] = [theme.tonic, theme.panel, theme.phasic].map(numbers);
      const pixels = paint.createImageData(COLUMNS, ROWS);
      for (let x = 0; x < COLUMNS; x++) {
        const column = (newest + 1 + x) % COLUMNS;
        for (let row = 0; row < ROWS; row++) {
          const value = columns[column * ROWS + row];
          if (value !== value) continue;
          const share = Math.max(-1, Math.min(1, (value - line) / SPAN));
          const to = share < 0 ? cold : warm, at = 4 * ((ROWS - 1 - row) * COLUMNS + x);
          for (let k = 0; k < 3; k++) pixels.data[at + k] = ground[k] + Math.abs(share) * (to[k] - ground[k]);
          pixels.data[at + 3] = 255;
        }
      }
      paint.putImageData(pixels, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(image, LEFT, 0, span, bottom);
      context.fillStyle = theme.quiet;
      context.textAlign = "right";
      context.textBaseline = "middle";
      for (const hz of [1, 3, 10, 30, 100, 250]) {
        const y = bottom * (1 - Math.log(hz / LOW) / Math.log(HIGH / LOW));
        context.fillText(hz === 1 ? "1 Hz" : String(hz), LEFT - 7, Math.min(bottom - 6, Math.max(7, y)));
      }
      context.textAlign = "center";
      context.textBaseline = "bottom";
      for (let s = 0; s <= 30; s += (5 * span) / 30 < APART ? 10 : 5) {
        const x = LEFT + span * (1 - s / 30);
        context.textAlign = s === 0 ? "right" : s === 30 ? "left" : "center";
        context.fillText(s === 0 ? "now" : `−${s} s`, x, height);
      }
      canvas.setAttribute("aria-label", `Spectrogram of the last 30 s, ${LOW} to ${Math.min(HIGH, rate / 2)} Hz: ${mean >= line ? "above" : "below"} its slow mean by ${Math.abs(mean - line).toFixed(1)} dB now`);
    },
  };
}
