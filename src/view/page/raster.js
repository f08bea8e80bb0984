// @ts-check
// The burst raster: how many bursts entered each array, 10 ms a column, newest at the right.

import { fit, font, say, whole } from "./canvas.js";

/** Ticks of a column, and columns that are kept: 8 s. */
const TICKS = 10, COLUMNS = 800;
const LEFT = 62, FOOT = 22;

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function rasterPanel(canvas, note) {
  /** @type {{ name: string, counts: Float64Array }[]} */
  let rows = [];
  let column = 0, ticks = 0;
  return {
    /** @param {string[]} names */
    setArrays(names) {
      rows = names.map((name) => ({ name, counts: new Float64Array(COLUMNS) }));
      column = ticks = 0;
      say(note, "a column is 10 ms; height is the logarithm of the count");
    },
    /** @param {import("./messages.d.ts").TraceChunk} chunk */
    add({ bursts }) {
      const length = bursts[0]?.length ?? 0;
      for (let i = 0; i < length; i++) {
        if (ticks % TICKS === 0) {
          column = (column + 1) % COLUMNS;
          for (const { counts } of rows) counts[column] = 0;
        }
        ticks++;
        rows.forEach(({ counts }, k) => { counts[column] += bursts[k]?.[i] ?? 0; });
      }
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      const sheet = fit(canvas);
      if (!sheet || !rows.length) return;
      const { context, width, height } = sheet;
      const span = width - LEFT, tall = (height - FOOT) / rows.length;
      context.font = font(11.5);
      context.textBaseline = "middle";
      const told = rows.map(({ name, counts }, k) => {
        const base = (k + 1) * tall - 3, top = Math.log1p(Math.max(10, ...counts));
        context.fillStyle = theme.quiet;
        context.textAlign = "left";
        context.fillText(name.charAt(0).toUpperCase() + name.slice(1), 0, base - tall / 2);
        context.strokeStyle = theme.grid;
        context.beginPath();
        context.moveTo(LEFT, base + 0.5);
        context.lineTo(width, base + 0.5);
        context.stroke();
        context.fillStyle = theme.phasic;
        const wide = Math.max(1, span / COLUMNS);
        let sum = 0;
        for (let x = 0; x < COLUMNS; x++) {
          const count = counts[(column + 1 + x) % COLUMNS];
          sum += count;
          if (!count) continue;
          const bar = (Math.log1p(count) / top) * (tall - 12);
          context.fillRect(LEFT + (x * span) / COLUMNS, base - bar, wide, bar);
        }
        return `${name}: ${whole(sum)}`;
      });
      context.fillStyle = theme.quiet;
      context.textBaseline = "bottom";
      for (let s = 0; s <= 8; s += 2) {
        context.textAlign = s === 0 ? "right" : s === 8 ? "left" : "center";
        context.fillText(s === 0 ? "now" : `−${s} s`, LEFT + span * (1 - s / 8), height);
      }
      canvas.setAttribute("aria-label", `Bursts of the last 8 s; ${told.join(", ")}`);
    },
  };
}
