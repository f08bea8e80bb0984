// @ts-check
// The burst raster: when bursts entered, and where on each sheet's rows; newest at the right.

import { fit, font, say, whole } from "./canvas.js";

/** Columns of 10 ms that are kept: 8 s; places of a column (src/engine/tick.rs, PLACES). */
const COLUMNS = 800, PLACES = 32;
const LEFT = 62, FOOT = 22, GAP = 8;

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function rasterPanel(canvas, note) {
  /** @type {{ name: string, counts: Uint32Array }[]} */
  let rows = [];
  let column = 0;
  return {
    /** @param {string[]} names */
    setArrays(names) {
      rows = names.map((name) => ({ name, counts: new Uint32Array(COLUMNS * PLACES) }));
      column = 0;
      say(note, "10 ms a column, a 32nd of a sheet's rows a line; the more bursts, the fuller");
    },
    /** @param {import("./messages.d.ts").TraceChunk} chunk */
    add({ bursts }) {
      for (let from = 0; from < (bursts[0]?.length ?? 0); from += PLACES) {
        column = (column + 1) % COLUMNS;
        rows.forEach(({ counts }, k) => counts.set(bursts[k].slice(from, from + PLACES), column * PLACES));
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
      context.textAlign = "left";
      const told = rows.map(({ name, counts }, k) => {
        const top = k * tall, line = (tall - GAP) / PLACES;
        // Hearing has its lowest pitch in row 0, drawn at the bottom as in the field.
        const up = name === "hearing";
        context.fillStyle = theme.quiet;
        context.fillText(name.charAt(0).toUpperCase() + name.slice(1), 0, top + (tall - GAP) / 2);
        context.fillStyle = theme.grid;
        context.fillRect(LEFT, top + tall - GAP, span, 1);
        context.fillStyle = theme.phasic;
        const most = Math.log1p(Math.max(8, counts.reduce((a, b) => Math.max(a, b), 0)));
        const wide = Math.max(1, span / COLUMNS);
        let sum = 0;
        for (let x = 0; x < COLUMNS; x++) {
          const at = ((column + 1 + x) % COLUMNS) * PLACES;
          for (let place = 0; place < PLACES; place++) {
            const count = counts[at + place];
            if (!count) continue;
            sum += count;
            context.globalAlpha = Math.min(1, 0.25 + (0.75 * Math.log1p(count)) / most);
            context.fillRect(LEFT + (x * span) / COLUMNS, top + (up ? PLACES - 1 - place : place) * line, wide, Math.max(1, line));
          }
        }
        context.globalAlpha = 1;
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
