// @ts-check
// The mind's eye: what the array still holds of what it saw, or what it dreams.

import { say, whole } from "./canvas.js";
import { LIGHT, approachColours, draw, dusk, moments } from "./light.js";

const FACTS = [
  ["Remembered", "pictures that it holds"],
  ["Learned", "pictures that the field did not recall when they came"],
  ["Recalled", "pictures that the field recalled already, and that were not learned therefore"],
  ["Read, R²", "how much of what bursts left is read from the field"],
];

/** A correlation. @param {number | null} r */
const signed = (r) => (r === null ? "–" : r.toFixed(2).replace("-", "\u2212"));

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} none @param {HTMLElement} note @param {HTMLElement} facts */
export function mindPanel(canvas, none, note, facts) {
  const context = canvas.getContext("2d", { alpha: false });
  /** @type {ImageData | undefined} */
  let image;
  /** @type {Float32Array} */
  let shown = new Float32Array(0), wanted = new Float32Array(0);
  let dream = false, fresh = false;
  const light = moments();
  const box = /** @type {HTMLElement} */ (canvas.closest(".mind"));
  canvas.hidden = true;
  const cells = FACTS.map(([name, title]) => {
    const value = document.createElement("dd"), term = document.createElement("dt");
    term.textContent = name;
    term.title = title;
    facts.append(term, value);
    return value;
  });
  return {
    /** Takes a picture. @param {import("./wire.js").MindPicture} picture */
    take(picture) {
      const { width, height, rgb } = picture;
      if (!context || rgb.length < 3 * width * height) return;
      dream = picture.dream;
      if (image?.width !== width || image?.height !== height) {
        canvas.width = width;
        canvas.height = height;
        image = context.createImageData(width, height);
        image.data.fill(255);
        shown = dusk(3 * width * height);
        wanted = new Float32Array(3 * width * height);
        canvas.hidden = false;
        none.hidden = true;
      }
      for (let at = 0; at < wanted.length; at++) wanted[at] = LIGHT[rgb[at]];
      fresh = true;
    },
    /** Another run: nothing is remembered yet. */
    forget() {
      image = undefined;
      fresh = false;
      canvas.hidden = true;
      none.hidden = false;
      say(none, "nothing is remembered yet");
      say(note, "");
      cells.forEach((cell) => say(cell, ""));
      canvas.setAttribute("aria-label", "The mind's eye: nothing yet");
    },
    /** Moves on towards what was taken, until it is there: time may stand still meanwhile. @param {number} now in ms */
    draw(now) {
      if (!context || !image) return;
      const ms = light.due(fresh, now);
      if (ms === undefined) return;
      fresh = false;
      light.reached(approachColours(shown, wanted, ms));
      draw(image, shown);
      context.putImageData(image, 0, 0);
    },
    /** Gives it the shape of what is seen, which it remembers as a square. @param {import("./wire.js").Picture} input */
    shape({ width, height }) {
      const shape = String(width / height);
      if (width && height && box.style.getPropertyValue("--shape") !== shape) box.style.setProperty("--shape", shape);
    },
    /** Says how it does. @param {import("./messages.d.ts").MindFigures | null} figures */
    tell(figures) {
      if (!figures) {
        say(none, "there is none in this run");
        return;
      }
      if (canvas.hidden) say(none, "nothing is remembered yet");
      say(note, figures.dreaming
        ? "Dreaming: tonic noise runs back to what is known"
        : `Recalled from the field: ${signed(figures.alike)} like what is seen, ${signed(figures.elsewhere)} by chance`);
      const values = [whole(figures.episodes), whole(figures.written), whole(figures.predicted),
        figures.explained === null ? "–" : `${Math.round(100 * figures.explained)} %`];
      cells.forEach((cell, k) => say(cell, values[k]));
    },
    /** Says in words what is shown. */
    describe() {
      if (!image) return;
      let sum = 0;
      for (const light of shown) sum += light;
      const mean = Math.round((100 * sum) / shown.length);
      canvas.setAttribute("aria-label", `The mind's eye ${dream ? "dreams" : "recalls"}: ${image.width} by ${image.height} pixels, mean light ${mean} %`);
    },
  };
}
