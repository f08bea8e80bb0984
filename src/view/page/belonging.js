// @ts-check
// Whether what is heard belongs to what is seen, and by how much it is late: the evidence of the last minute, and each slow band's phase.

import { byId, fit, font, say } from "./canvas.js";

/** Windows kept: a minute, two a second. */
const HISTORY = 120;
/** Evidence from the middle to the edge: in spreads. */
const MOST = 3;
const FOOT = 18, GAP = 14;
/** Evidence from which the sentence decides. */
const DECIDED = 0.3;
/** Pixels below which the dials stand above the line. */
const NARROW = 460;

/** A number with its sign. @param {number} x */
const signed = (x, digits = 1) => `${x < 0 ? "\u2212" : "+"}${Math.abs(x).toFixed(digits)}`;
/** A probability that is not all. @param {number} p */
const sure = (p) => `${Math.min(99, Math.round(100 * p))} %`;

/** @typedef {import("./messages.d.ts").SensesFigures} Figures */

/** What it says of the last ten seconds, in words. @param {Figures | null} figures */
function told(figures) {
  if (!figures) return "this run does not both see and hear";
  if (figures.lack === "silence") return "nothing to tell: nothing is heard";
  if (figures.lack === "stillness") return "nothing to tell: nothing stops in the picture";
  if (figures.lately === null) return "the first seconds are being gathered";
  if (Math.abs(figures.lately) < DECIDED) return "sound and picture: undecided";
  return figures.lately > 0 ? "sound and picture belong together" : "sound and picture do not belong together";
}

/** The numbers behind it. @param {Figures | null} figures */
const numbers = (figures) => (figures?.now ? `evidence ${signed(figures.now.evidence)}, order ${figures.now.order.toFixed(2)}` : "");

/** By how much the sound is late, in words. @param {Figures | null} figures */
function late(figures) {
  const found = figures?.asynchrony;
  if (!found) return "";
  const ms = Math.abs(found.late_ms).toFixed(0);
  return found.confidence < 0.5 ? "late or early: unsure" : `sound ${ms} ms ${found.late_ms < 0 ? "early" : "late"}, ${sure(found.confidence)} sure`;
}

/** @param {HTMLCanvasElement} canvas */
export function belongingPanel(canvas) {
  const note = byId("belonging-sub"), figure = byId("belonging-late");
  /** @type {(number | null)[]} */
  const history = [];
  /** @type {Figures | null} */
  let figures = null;
  let count = 0;

  /** Dials beside the line, or above it where it is narrow: radius, middles, and the line's left and top. @param {number} width @param {number} height @param {number} dials */
  function places(width, height, dials) {
    const beside = width >= NARROW;
    const room = beside ? height : 0.45 * height, across = (beside ? 0.6 : 1) * width;
    const radius = Math.max(6, Math.min((room - FOOT) / 2 - 4, across / dials / 2 - 5));
    const pitch = beside ? 2 * radius + 10 : width / dials;
    return { radius, y: beside ? (room - FOOT) / 2 : radius + 2, x: (/** @type {number} */ k) => (k + 0.5) * pitch, left: beside ? dials * pitch + GAP : 0, top: beside ? 0 : 2 * radius + FOOT + GAP };
  }

  /** @param {CanvasRenderingContext2D} context @param {import("./canvas.js").Theme} theme @param {number} left @param {number} top @param {number} width @param {number} height */
  function line(context, theme, left, top, width, height) {
    const half = (height - top - 2 * FOOT) / 2, middle = top + FOOT + half;
    const x = (/** @type {number} */ i) => width - ((history.length - 1 - i) * (width - left)) / (HISTORY - 1);
    const y = (/** @type {number} */ v) => middle - (Math.max(-MOST, Math.min(MOST, v)) / MOST) * half;
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, middle);
    context.lineTo(width, middle);
    context.stroke();
    context.strokeStyle = theme.phasic;
    context.lineWidth = 1.5;
    context.beginPath();
    let pen = false;
    history.forEach((v, i) => {
      if (v === null) { pen = false; return; }
      if (pen) context.lineTo(x(i), y(v));
      else context.moveTo(x(i), y(v));
      pen = true;
    });
    context.stroke();
    context.fillStyle = theme.quiet;
    context.textAlign = "left";
    context.fillText("belongs", left, top + 11);
    context.fillText("does not", left, height - 5);
    context.textAlign = "right";
    context.fillText(numbers(figures), width, top + 11);
    context.fillText("the last minute", width, height - 5);
  }

  return {
    /** Takes what a window found. @param {Figures | null} now */
    add(now) {
      figures = now;
      const windows = now ? now.told + now.untold : 0;
      if (windows < count) history.length = 0;
      if (windows !== count) history.push(now?.now?.evidence ?? null);
      if (history.length > HISTORY) history.shift();
      count = windows;
    },
    forget() { history.length = 0; count = 0; },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      say(note, told(figures));
      say(figure, late(figures));
      const bands = figures?.now?.bands ?? [];
      const phases = bands.map(({ hz, coherence, phase_degrees: phase }) => `${hz} Hz ${coherence.toFixed(2)} at ${Math.round(phase)}°`);
      canvas.setAttribute("aria-label", [told(figures), numbers(figures), late(figures), phases.join(", ")].filter(Boolean).join("; "));
      const sheet = fit(canvas);
      if (!sheet) return;
      const { context, width, height } = sheet;
      const { radius, x, y, left, top } = places(width, height, 5);
      context.font = font(11);
      context.textAlign = "center";
      for (let k = 0; k < 5; k++) {
        context.strokeStyle = theme.line;
        context.lineWidth = 1;
        context.beginPath();
        context.arc(x(k), y, radius, 0, 2 * Math.PI);
        // Up is where the band stands when sound and picture belong together.
        context.moveTo(x(k), y - radius);
        context.lineTo(x(k), y - radius + 5);
        context.stroke();
        const band = bands[k];
        if (!band) continue;
        const turn = (band.phase_degrees * Math.PI) / 180, size = radius * band.coherence;
        context.strokeStyle = theme.tonic;
        context.lineWidth = 3;
        context.beginPath();
        context.moveTo(x(k), y);
        context.lineTo(x(k) + size * Math.sin(turn), y - size * Math.cos(turn));
        context.stroke();
        context.fillStyle = theme.quiet;
        context.fillText(`${band.hz} Hz`, x(k), y + radius + 15);
      }
      line(context, theme, left, top, width, height);
    },
  };
}
