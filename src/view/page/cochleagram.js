// @ts-check
// The cochleagram: how loud each pitch is that is heard, newest at the right.
// Its colours have nearly one luminance, so that nothing that is heard can flash.

import { hertz } from "./bands.js";
import { fit, font, say } from "./canvas.js";

/** Columns that are kept, and milliseconds of model time of one: 20 s. */
const COLUMNS = 400, COLUMN = 50;
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
  /** Levels, 0 to 1, column after column, a ring by model time. */
  let levels = new Float32Array(0);
  /** The newest column by its number since the run's start, and the last one that is on the image. */
  let newest = -1, painted = -1;
  let image = new OffscreenCanvas(1, 1), drawn = "";
  let cool = new Uint8ClampedArray(4), warm = cool;

  function forget() {
    levels.fill(NaN);
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
    for (let number = Math.max(painted + 1, newest - COLUMNS + 1); number <= newest; number++) {
      const from = (number % COLUMNS) * rows;
      for (let row = 0; row < rows; row++) {
        const level = levels[from + row], at = 4 * (rows - 1 - row);
        for (let k = 0; k < 3; k++) column.data[at + k] = cool[k] + level * (warm[k] - cool[k]);
        column.data[at + 3] = Number.isNaN(level) ? 0 : 255;
      }
      context.putImageData(column, number % COLUMNS, 0);
    }
    painted = newest;
  }

  /** What is heard most of, now. */
  function inWords() {
    const now = levels.subarray((newest % COLUMNS) * rows, (newest % COLUMNS + 1) * rows);
    const most = now.indexOf(Math.max(...now));
    if (now[most] === 0) return "silence now";
    const pitch = pitchOf(erbs(low) + (most / Math.max(1, rows - 1)) * (erbs(high) - erbs(low)));
    return `loudest at ${hertz(pitch)} now, at ${Math.round(100 * now[most])} % of the range`;
  }

  return {
    /** @param {import("./messages.d.ts").About} run */
    begin(run) {
      array = run.arrays.findIndex(([name]) => name === "hearing");
      rows = array < 0 ? 0 : run.arrays[array][1].height;
      [low, high] = run.pitch_hz;
      levels = new Float32Array(COLUMNS * rows);
      image = new OffscreenCanvas(COLUMNS, Math.max(1, rows));
      drawn = "";
      forget();
      say(note, "");
      canvas.setAttribute("aria-label", array < 0 ? "Cochleagram: nothing to tell, this run does not hear" : "Cochleagram: nothing yet");
    },
    /** @param {import("./wire.js").FieldFrame} frame */
    add(frame) {
      if (!rows || frame.levels.length !== rows) return;
      const number = Math.floor(frame.tick / COLUMN), at = (number % COLUMNS) * rows;
      if (number < newest || number - newest > COLUMNS) forget();
      // Of the fields of one column the loudest: a click is short.
      for (let row = 0; row < rows; row++) levels[at + row] = Math.max(number === newest ? levels[at + row] : 0, frame.levels[row] / 255);
      // Where fields come seldom, each stands for the time since the one before.
      for (let k = Math.max(newest + 1, number - COLUMNS + 1); newest >= 0 && k < number; k++) levels.copyWithin((k % COLUMNS) * rows, at, at + rows);
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
        context.fillText(array < 0 ? "This run does not hear" : "Waiting for the sound", width / 2, height / 2);
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
      say(note, "level of each pitch, above the floor that hearing adapts to");
      canvas.setAttribute("aria-label", `Cochleagram of the last 20 s: ${inWords()}`);
    },
  };
}
