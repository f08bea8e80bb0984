// @ts-check
// Objects: what is seen in grey, and what stands out from it in the colour of its label, which it keeps as it moves.

import { byId, canvasById, say, whole } from "./canvas.js";
import { LIGHT, approachColours, draw, dusk, moments } from "./light.js";

/** Share of the label's colour within an object, and at its edge. */
const WITHIN = 0.35, EDGE = 0.8;
/** Light of every part of a label's colour: from where, and how much of its own. So none is a saturated red (WCAG 2.3.1). */
const LEAST = 0.05, OWN = 0.85;

/** @typedef {import("./wire.js").Objects} Objects */

/** How many stand out, in words. @param {number} count */
const many = (count) => (count === 0 ? "nothing stands out" : count === 1 ? "1 object stands out" : `${count} objects stand out`);
/** @param {number} share */
const percent = (share) => `${Math.round(100 * share)} %`;

/** The labels of four cells, and their shares in a pixel: the same for all pixels, of which there are many. */
const near = new Uint8Array(4), weights = new Float64Array(4);

/** The label of each pixel that is shown: that of most of the four cells about it. @param {Objects} seen */
function labelled({ width, height, columns, rows, labels }) {
  const found = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const v = Math.max(0, Math.min(rows - 1, ((y + 0.5) * rows) / height - 0.5)), up = Math.floor(v), down = Math.min(up + 1, rows - 1);
    for (let x = 0; x < width; x++, at++) {
      const u = Math.max(0, Math.min(columns - 1, ((x + 0.5) * columns) / width - 0.5)), left = Math.floor(u), right = Math.min(left + 1, columns - 1);
      near[0] = labels[up * columns + left];
      near[1] = labels[up * columns + right];
      near[2] = labels[down * columns + left];
      near[3] = labels[down * columns + right];
      if (near[0] === near[1] && near[0] === near[2] && near[0] === near[3]) { found[at] = near[0]; continue; }
      const b = v - up, a = u - left;
      weights[0] = (1 - b) * (1 - a);
      weights[1] = (1 - b) * a;
      weights[2] = b * (1 - a);
      weights[3] = b * a;
      let most = -1;
      for (let k = 0; k < 4; k++) {
        let sum = 0;
        for (let l = 0; l < 4; l++) if (near[l] === near[k]) sum += weights[l];
        if (sum > most) { most = sum; found[at] = near[k]; }
      }
    }
  }
  return found;
}

/** The light that is wanted of each pixel, red, green and blue. @param {Objects} seen @param {Float32Array} wanted */
function tint(seen, wanted) {
  const { width, height, grey, objects } = seen, labels = labelled(seen);
  const colours = new Map(objects.map(({ label, colour }) => [label, colour.map((part) => LEAST + OWN * LIGHT[part])]));
  for (let at = 0; at < width * height; at++) {
    const own = labels[at], colour = colours.get(own), x = at % width, light = LIGHT[grey[at]];
    const edge = (x > 0 && labels[at - 1] !== own) || (x + 1 < width && labels[at + 1] !== own)
      || (at >= width && labels[at - width] !== own) || (at + width < labels.length && labels[at + width] !== own);
    const share = colour ? (edge ? EDGE : WITHIN) : 0;
    for (let part = 0; part < 3; part++) wanted[3 * at + part] = (1 - share) * light + share * (colour?.[part] ?? 0);
  }
}

export function objectsPanel() {
  const canvas = canvasById("objects"), none = byId("objects-none"), told = byId("objects-sub"), list = byId("objects-list"), facts = byId("objects-facts");
  const box = /** @type {HTMLElement} */ (canvas.closest(".mind")), context = canvas.getContext("2d", { alpha: false });
  /** @type {ImageData | undefined} */
  let image;
  /** @type {Float32Array} */
  let shown = dusk(0), wanted = dusk(0);
  /** @type {Objects | undefined} */
  let seen;
  let fresh = false;
  const light = moments();
  canvas.hidden = true;

  /** How many stand out, and the list of them: at one time, or they contradict each other. @param {Objects} now */
  function name({ objects }) {
    say(told, many(objects.length));
    while (list.children.length > objects.length) list.lastElementChild?.remove();
    objects.forEach(({ label, colour, share, confidence }, k) => {
      if (!list.children[k]) {
        const row = document.createElement("li");
        row.append(document.createElement("i"), document.createElement("b"), document.createElement("span"), document.createElement("span"));
        list.append(row);
      }
      const [swatch, number, size, sure] = /** @type {HTMLElement[]} */ ([...list.children[k].children]);
      swatch.style.background = `rgb(${colour.join()})`;
      say(number, String(label));
      say(size, percent(share));
      say(sure, confidence.toFixed(2));
    });
  }

  return {
    /** @param {Objects} now */
    take(now) {
      if (!context) return;
      seen = now;
      fresh = true;
      if (image?.width !== now.width || image?.height !== now.height) {
        canvas.width = now.width;
        canvas.height = now.height;
        image = context.createImageData(now.width, now.height);
        image.data.fill(255);
        shown = dusk(3 * now.width * now.height);
        wanted = dusk(3 * now.width * now.height);
        box.style.setProperty("--shape", String(now.width / now.height));
        canvas.hidden = false;
        none.hidden = true;
      }
    },
    /** Moves on towards what was taken, until it is there: time may stand still meanwhile. @param {number} now in ms */
    draw(now) {
      if (!context || !image || !seen) return;
      const ms = light.due(fresh, now);
      if (ms === undefined) return;
      if (fresh) {
        tint(seen, wanted);
        name(seen);
      }
      fresh = false;
      light.reached(approachColours(shown, wanted, ms));
      draw(image, shown);
      context.putImageData(image, 0, 0);
    },
    /** @param {import("./messages.d.ts").ObjectsFigures | null} figures */
    tell(figures) {
      if (!figures) {
        say(none, "nothing is told apart in this run");
        say(told, "this run sees nothing, or objects.enabled is false");
      }
      if (!figures?.updates) return;
      const values = [figures.mean_objects?.toFixed(1) ?? "–", `${figures.size[1]} × ${figures.size[0]}`,
        figures.update_ms === null ? "–" : `${figures.update_ms.toFixed(1)} ms`, whole(figures.skipped)];
      facts.querySelectorAll("dd").forEach((value, k) => say(value, values[k]));
    },
    /** Another run: nothing is seen yet. */
    forget() {
      image = seen = undefined;
      fresh = false;
      canvas.hidden = true;
      none.hidden = false;
      say(none, "nothing is seen yet");
      say(told, "");
      say(byId("objects-said"), "");
      list.replaceChildren();
      facts.querySelectorAll("dd").forEach((value) => say(value, "–"));
      canvas.setAttribute("aria-label", "Objects: nothing yet");
    },
    /** Says in words what is shown; once a second, for it is read aloud. */
    describe() {
      if (!seen) return;
      say(byId("objects-said"), many(seen.objects.length));
      const each = seen.objects.map(({ label, share, confidence }) => `object ${label}, ${percent(share)} of the picture, confidence ${confidence.toFixed(2)}`);
      canvas.setAttribute("aria-label", `Seen at ${seen.columns} by ${seen.rows}: ${[many(seen.objects.length), ...each].join("; ")}`);
    },
  };
}
