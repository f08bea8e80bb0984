// @ts-check
// Electrode traces, one above the other, newest at the right, with a scale bar.

import { fit, font, kept, roundDown, say, sizeOf } from "./canvas.js";

/** Seconds across the panel. */
const SECONDS = 8;
/** The share of a sweep that is empty before the pen. */
const GAP = 0.02;
const LEFT = 40, RIGHT = 46, FOOT = 22;
/** How much larger than by themselves traces are drawn at most, and how much smaller: three steps of the keys. */
const LARGEST = 1.5 ** 3;
/** Least pixels from name to name. */
const LINE = 12;

/** Where and how a sweep is drawn.
 * @typedef {{ context: CanvasRenderingContext2D, theme: import("./canvas.js").Theme, span: number, foot: number, spacing: number, gain: number, stride: number }} Area */

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function tracePanel(canvas, note) {
  /** @type {string[]} */
  let names = [];
  let rate = 0, end = 0, scale = 0, larger = 1, followed = 0;
  /** One ring for each electrode; a gap holds NaN. @type {Float32Array[]} */
  let rings = [];
  /** The samples up to which it is drawn, and all else that it was drawn by. */
  let drawn = 0, drawnLook = "";

  /** @param {import("./messages.d.ts").TraceChunk} chunk */
  function begin(chunk) {
    names = chunk.names;
    rate = chunk.rate_hz;
    rings = names.map(() => new Float32Array(SECONDS * rate).fill(NaN));
    scale = 0;
    say(note, `${names.length} at ${rate} Hz`);
  }

  /** Microvolts between two baselines: five times the median rms, held still until it is far off; looked at once a second. */
  function follow() {
    if (scale > 0 && end - followed < rate && end >= followed) return;
    followed = end;
    const rms = rings.map((ring) => {
      let sum = 0, count = 0;
      for (const v of ring) if (v === v) { sum += v * v; count++; }
      return count ? Math.sqrt(sum / count) : 0;
    }).sort((a, b) => a - b);
    const wanted = 5 * rms[rms.length >> 1];
    if (wanted > 0 && (scale === 0 || wanted > 1.6 * scale || wanted < scale / 2.2)) scale = wanted;
  }

  return {
    /** @param {import("./messages.d.ts").TraceChunk} chunk */
    add(chunk) {
      if (chunk.rate_hz !== rate || chunk.names.join() !== names.join()) begin(chunk);
      const length = chunk.microvolts[0]?.length ?? 0;
      const first = Math.round((chunk.first_tick * rate) / 1000);
      const size = SECONDS * rate;
      if (first < end || first - end > size) {
        rings.forEach((ring) => ring.fill(NaN));
        drawnLook = "";
      } else for (let i = end; i < first; i++) rings.forEach((ring) => { ring[i % size] = NaN; });
      chunk.microvolts.forEach((row, k) => row.forEach((v, i) => { rings[k][(first + i) % size] = v ?? NaN; }));
      end = first + length;
    },
    forget() { names = []; rings = []; rate = 0; end = 0; drawnLook = ""; },
    /** Draws so many times larger. @param {number} by */
    grow(by) { larger = Math.min(LARGEST, Math.max(1 / LARGEST, larger * by)); },
    /** Draws what has come; all of it anew where anything but the pen has moved.
     * @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      follow();
      const look = [...Object.values(sizeOf(canvas)), window.devicePixelRatio, scale, larger, ...names, ...Object.values(theme)].join();
      const goesOn = rings.length > 0 && look === drawnLook && end >= drawn && end - drawn < (SECONDS * rate) / 2;
      const sheet = goesOn ? kept(canvas) : fit(canvas);
      if (!sheet) return;
      const { context, width, height } = sheet;
      context.font = font(11.5);
      context.textBaseline = "middle";
      if (!rings.length) {
        drawnLook = "";
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText("Waiting for the electrodes", width / 2, height / 2);
        return;
      }
      const span = width - LEFT - RIGHT, spacing = (height - FOOT) / rings.length;
      const size = SECONDS * rate, gain = scale > 0 ? (larger * spacing) / scale : 0;
      // No more points than pixels: beyond that a line only costs.
      const stride = Math.max(1, Math.floor(size / (1.5 * span)));
      const area = { context, theme, span, foot: height - FOOT, spacing, gain, stride };
      if (goesOn) {
        // From some pixels before the pen, where a line may yet bend, to the end of the gap before it; round the end in two parts.
        const from = Math.floor(((drawn % size) * span) / size) - 3;
        const to = from + 3 + Math.ceil(((end - drawn) * span) / size + GAP * span);
        const since = drawn - 12 * stride;
        strip(area, Math.max(0, from), Math.min(span, to), since);
        if (to > span) strip(area, 0, to - span, since);
      } else {
        context.textAlign = "left";
        context.fillStyle = theme.quiet;
        let above = -Infinity;
        rings.forEach((_, k) => {
          const place = Math.max(7, (k + 0.5) * spacing);
          if (place - above < LINE) return;
          above = place;
          context.fillText(names[k], 0, place);
        });
        strip(area, 0, span, end - size);
        scaleBar(context, theme, width, height, span / SECONDS, gain);
        canvas.setAttribute("aria-label",
          `${names.length} electrode traces, the last ${SECONDS} s, ${scale ? (scale / larger).toFixed(0) : "?"} microvolts from line to line`);
      }
      drawn = end;
      drawnLook = look;
    },
  };

  /** The grid and the traces between two places of the sweep, in pixels from its left, and from a sample on; nothing lies beyond.
   * @param {Area} area @param {number} from @param {number} to @param {number} since */
  function strip({ context, theme, span, foot, spacing, gain, stride }, from, to, since) {
    const size = SECONDS * rate;
    context.save();
    context.beginPath();
    context.rect(LEFT + from, -4, to - from, foot + 8);
    context.clip();
    context.clearRect(LEFT + from, -4, to - from, foot + 8);
    context.strokeStyle = theme.grid;
    context.lineWidth = 1;
    for (let s = 0; s <= SECONDS; s++) {
      const x = Math.round(LEFT + span - (s * span) / SECONDS) + 0.5;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, foot);
      context.stroke();
    }
    context.strokeStyle = theme.tonic;
    context.lineWidth = 1;
    context.lineJoin = "round";
    // A sweep, as a paper recorder has it: what is drawn stays in its place until the pen comes round. Traces that travel
    // would flash where what they show is periodic (WCAG 2.3.1). Whole strides: the same samples are drawn each time.
    const oldest = Math.ceil(Math.max(0, since, end - size + GAP * size) / stride) * stride;
    rings.forEach((ring, k) => {
      const base = (k + 0.5) * spacing;
      let pen = false;
      context.beginPath();
      for (let i = oldest; i < end; i += stride) {
        const v = ring[i % size];
        if (v !== v) { pen = false; continue; }
        const x = LEFT + ((i % size) * span) / size, y = base - v * gain;
        if (pen && i % size >= stride) context.lineTo(x, y);
        else context.moveTo(x, y);
        pen = true;
      }
      context.stroke();
    });
    context.restore();
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./canvas.js").Theme} theme @param {number} width @param {number} height
   * @param {number} second pixels in a second @param {number} gain pixels in a microvolt */
  function scaleBar(context, theme, width, height, second, gain) {
    const bottom = height - FOOT - 0.5, x = width - RIGHT + 8.5;
    context.strokeStyle = theme.text;
    context.fillStyle = theme.text;
    context.lineWidth = 1.5;
    context.beginPath();
    const microvolts = gain > 0 ? roundDown(56 / gain) : 0;
    context.moveTo(x, bottom - microvolts * gain);
    context.lineTo(x, bottom);
    context.stroke();
    context.beginPath();
    context.moveTo(width - RIGHT - second, height - 10.5);
    context.lineTo(width - RIGHT, height - 10.5);
    context.stroke();
    context.textAlign = "left";
    if (microvolts > 0) {
      const middle = bottom - (microvolts * gain) / 2;
      context.fillText(String(microvolts), x + 6, middle - 7);
      context.fillText("µV", x + 6, middle + 7);
    }
    context.fillText("1 s", width - RIGHT + 6, height - 10);
  }
}
