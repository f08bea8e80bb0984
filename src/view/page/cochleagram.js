// @ts-check
// The cochleagram: how strongly hearing's field swings at each pitch, newest at the right.
// Its colours have nearly one luminance, so that nothing that is heard can flash.

import { hertz } from "./bands.js";
import { fit, font, say } from "./canvas.js";

/** Columns that are kept, and milliseconds of model time of one: 20 s. */
const COLUMNS = 400, COLUMN = 50;
/** Mean amplitude of the tonic rhythm in units of its rms (Rayleigh's), and what has the full colour. */
const TONIC = Math.sqrt(Math.PI) / 2, FULL = 2.5;
/** What 255 is in a field's image, in units of the tonic rms: of the field, and of it less its twin. */
const SCALE = 4, DIFFERENCE_SCALE = 1;
/** How much of the page's colours there is in the image's; the rest is its ground. */
const VIVID = 0.7;
const LEFT = 52, FOOT = 22;

/** The number of equivalent rectangular bandwidths below a pitch, and back (Glasberg and Moore 1990). @param {number} hz */
const erbs = (hz) => 21.4 * Math.log10(1 + 0.00437 * hz);
/** @param {number} number */
const pitchOf = (number) => (10 ** (number / 21.4) - 1) / 0.00437;

/** A colour of the page as numbers. @param {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} context @param {string} css */
function numbers(context, css) {
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function cochleagramPanel(canvas, note) {
  let array = -1, rows = 0, low = 0, high = 0;
  /** @type {number[]} */
  let bands = [];
  let band = -1, less = false;
  /** Mean amplitude in tonic rms, column after column, a ring by model time. */
  let means = new Float32Array(0);
  /** The newest column by its number since the run's start, and the last one that is on the image. */
  let newest = -1, painted = -1;
  let image = new OffscreenCanvas(1, 1), drawn = "";
  let cool = new Uint8ClampedArray(4), warm = cool;

  function forget() {
    means.fill(NaN);
    newest = painted = -1;
  }

  /** Paints the columns that came, and all where colours changed. @param {import("./canvas.js").Theme} theme */
  function paint(theme) {
    const context = image.getContext("2d", { willReadFrequently: true });
    if (!context) return;
    const look = [theme.tonic, theme.phasic, theme.panel].join();
    if (look !== drawn) {
      drawn = look;
      // Toned down alike: a whole sheet of them is brighter than a line.
      const ground = numbers(context, theme.panel);
      [cool, warm] = [theme.tonic, theme.phasic].map((css) => numbers(context, css).map((value, k) => VIVID * value + (1 - VIVID) * ground[k]));
      painted = -1;
    }
    const column = context.createImageData(1, rows);
    const base = less ? 0 : TONIC, full = less ? DIFFERENCE_SCALE : FULL;
    for (let number = Math.max(painted + 1, newest - COLUMNS + 1); number <= newest; number++) {
      const from = (number % COLUMNS) * rows;
      for (let row = 0; row < rows; row++) {
        const value = means[from + row], at = 4 * (rows - 1 - row);
        const share = Math.max(0, Math.min(1, (value - base) / (full - base)));
        for (let k = 0; k < 3; k++) column.data[at + k] = cool[k] + share * (warm[k] - cool[k]);
        column.data[at + 3] = Number.isNaN(value) ? 0 : 255;
      }
      context.putImageData(column, number % COLUMNS, 0);
    }
    painted = newest;
  }

  /** What is heard most of, now. */
  function inWords() {
    const now = means.subarray((newest % COLUMNS) * rows, (newest % COLUMNS + 1) * rows);
    const most = now.indexOf(Math.max(...now));
    const pitch = pitchOf(erbs(low) + (most / Math.max(1, rows - 1)) * (erbs(high) - erbs(low)));
    return `strongest at ${hertz(pitch)} now, ${now[most].toFixed(1)} times the tonic rms`;
  }

  return {
    /** @param {import("./messages.d.ts").About} run */
    begin(run) {
      array = run.arrays.findIndex(([name]) => name === "hearing");
      rows = array < 0 ? 0 : run.arrays[array][1].height;
      [low, high] = run.pitch_hz;
      bands = run.band_hz;
      means = new Float32Array(COLUMNS * rows);
      image = new OffscreenCanvas(COLUMNS, Math.max(1, rows));
      drawn = "";
      band = -1;
      forget();
      say(note, "");
      canvas.setAttribute("aria-label", array < 0 ? "Cochleagram: nothing to tell, this run does not hear" : "Cochleagram: nothing yet");
    },
    /** @param {import("./wire.js").FieldFrame} frame */
    add(frame) {
      const heard = frame.images.find((one) => one.array === array);
      if (!heard || heard.height !== rows) return;
      const number = Math.floor(frame.tick / COLUMN);
      if (frame.band !== band || frame.difference !== less || number < newest || number - newest > COLUMNS) forget();
      band = frame.band;
      less = frame.difference;
      const unit = (less ? DIFFERENCE_SCALE : SCALE) / 255 / heard.width, at = (number % COLUMNS) * rows;
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let site = row * heard.width; site < (row + 1) * heard.width; site++) sum += heard.bytes[2 * site + 1];
        means[at + row] = unit * sum;
      }
      // Where fields come seldom, each stands for the time since the one before.
      for (let k = Math.max(newest + 1, number - COLUMNS + 1); newest >= 0 && k < number; k++) means.copyWithin((k % COLUMNS) * rows, at, at + rows);
      newest = number;
      painted = Math.min(painted, number - 1);
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      const sheet = fit(canvas);
      if (!sheet) return;
      const { context, width, height } = sheet;
      context.font = font(11.5);
      if (newest < 0 || !rows) {
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText(array < 0 ? "This run does not hear" : "Waiting for the field", width / 2, height / 2);
        return;
      }
      paint(theme);
      const bottom = height - FOOT, span = width - LEFT, pixel = span / COLUMNS;
      const split = (newest + 1) % COLUMNS;
      context.imageSmoothingEnabled = false;
      // The ring's older part, then its newer one.
      if (split < COLUMNS) context.drawImage(image, split, 0, COLUMNS - split, rows, LEFT, 0, (COLUMNS - split) * pixel, bottom);
      if (split > 0) context.drawImage(image, 0, 0, split, rows, LEFT + (COLUMNS - split) * pixel, 0, split * pixel, bottom);
      context.fillStyle = theme.quiet;
      context.textAlign = "right";
      context.textBaseline = "middle";
      let above = Infinity;
      for (const hz of [50, 100, 200, 500, 1000, 2000, 5000, 10000]) {
        if (hz < low || hz > high) continue;
        const y = bottom * (1 - (erbs(hz) - erbs(low)) / (erbs(high) - erbs(low)));
        const place = Math.min(bottom - 6, Math.max(7, y));
        // Low pitches lie close: what would stand on another is left out.
        if (above - place < 14) continue;
        above = place;
        context.fillText(hz >= 1000 ? `${hz / 1000} kHz` : `${hz} Hz`, LEFT - 7, place);
      }
      context.textBaseline = "bottom";
      for (let s = 0; s <= 20; s += 5) {
        context.textAlign = s === 0 ? "right" : s === 20 ? "left" : "center";
        context.fillText(s === 0 ? "now" : `−${s} s`, LEFT + span * (1 - s / 20), height);
      }
      const what = `${hertz(bands[band] ?? 0)} band${less ? ", less its twin" : ""}`;
      say(note, `hearing's mean amplitude at each pitch, ${what}`);
      canvas.setAttribute("aria-label", `Cochleagram of the last 20 s, ${what}: ${inWords()}`);
    },
  };
}
