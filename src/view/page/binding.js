// @ts-check
// Binding: what each array makes of its own few views, in a ring around the wholes that those who agree make together. An
// array that is pressed holds: it goes on seeing what it saw, until it is pressed again.

import { byId, canvasById, fit, font, say } from "./canvas.js";
import { BYTE, LIGHT, approach, dusk, moments } from "./light.js";

/** @typedef {import("./canvas.js").Theme} Theme */

/** A whole's name for people. @param {number} name */
const letter = (name) => String.fromCharCode(65 + (name % 26));

/** A whole's colour; its letter tells it, too. @param {number} name @param {Theme} theme */
const colourOf = (name, theme) => [theme.tonic, theme.phasic, theme.text, theme.quiet][name % 4];

/** The amplitude, in tonic rms of a site, at the circle's rim: a sheet that is pulled swings with some 3.5, one alone with a third. */
const RIM = 4;

/** @param {number | null} db */
const decibels = (db) => (db === null ? "–" : `${db.toFixed(1)} dB`);

/** A pixel of each 4095th of light. */
const GREYS = new Uint32Array(Uint8Array.from({ length: 4 * BYTE.length }, (_, at) => (at % 4 === 3 ? 255 : BYTE[at >> 2])).buffer);

/** A grey picture on a canvas of its own. */
function picture() {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d", { alpha: false });
  /** @type {ImageData | undefined} */
  let image;
  let pixels = new Uint32Array(0);
  /** @type {Float32Array} */
  let shown = dusk(0), wanted = dusk(0);
  return {
    canvas,
    /** @param {Uint8Array} grey @param {number} side */
    take(grey, side) {
      if (!context || grey.length < side * side) return;
      if (image?.width !== side) {
        canvas.width = canvas.height = side;
        image = context.createImageData(side, side);
        pixels = new Uint32Array(image.data.buffer);
        shown = dusk(side * side);
        wanted = dusk(side * side);
      }
      for (let at = 0; at < wanted.length; at++) wanted[at] = LIGHT[grey[at]];
    },
    /** Says whether light has reached what was taken. @param {number} ms since it was drawn last */
    draw(ms) {
      if (!context || !image) return true;
      const reached = approach(shown, wanted, ms);
      for (let at = 0; at < shown.length; at++) pixels[at] = GREYS[Math.round(4095 * shown[at])];
      context.putImageData(image, 0, 0);
      return reached;
    },
  };
}

/**
 * @param {(request: import("./messages.d.ts").Request) => void} ask
 * @param {(text: string) => void} note writes an event down
 */
export function bindingPanel(ask, note) {
  const ring = byId("binding-ring"), middle = byId("binding-wholes"), told = byId("binding-sub"), facts = byId("binding-facts");
  const ties = canvasById("binding-ties"), circle = canvasById("binding-phases"), release = byId("binding-release");
  const box = /** @type {HTMLElement} */ (ring.parentElement);
  /** @type {{ button: HTMLButtonElement, badge: HTMLElement, picture: ReturnType<typeof picture>, x: number, y: number }[]} */
  let arrays = [];
  /** @type {Map<number, { figure: HTMLElement, caption: HTMLElement, picture: ReturnType<typeof picture> }>} */
  const wholes = new Map();
  /** @type {import("./wire.js").Bound | undefined} */
  let bound;
  let may = false, fresh = false;
  const light = moments();

  /** @param {number} k @param {boolean} held */
  const hold = (k, held) => ask({ hold: [k, held] });
  release.addEventListener("click", () => bound?.arrays.forEach(({ held }, k) => { if (held) hold(k, false); }));

  /** @param {number} count */
  function begin(count) {
    arrays.forEach(({ button }) => button.remove());
    box.style.setProperty("--count", String(count));
    arrays = Array.from({ length: count }, (_, k) => {
      const button = document.createElement("button"), badge = document.createElement("span"), own = picture();
      const turn = (2 * Math.PI * k) / count - Math.PI / 2, x = Math.cos(turn), y = Math.sin(turn);
      button.type = "button";
      button.disabled = !may;
      button.style.setProperty("--x", x.toFixed(4));
      button.style.setProperty("--y", y.toFixed(4));
      button.append(own.canvas, badge);
      button.addEventListener("click", () => { if (bound) hold(k, !bound.arrays[k].held); });
      ring.append(button);
      return { button, badge, picture: own, x, y };
    });
  }

  /** Who is in which whole, in words. @param {import("./wire.js").Bound} now */
  function words({ arrays, wholes }) {
    const parts = wholes.map(({ name, arrays: count }) => `whole ${letter(name)}: ${count} of ${arrays.length} arrays`);
    const list = (/** @type {string} */ what, /** @type {boolean} */ alone, /** @type {boolean} */ held) => {
      const found = arrays.flatMap((array, k) => ((array.whole === undefined) === alone && array.held === held ? [k + 1] : []));
      if (found.length) parts.push(`${what}: ${found.join(", ")}`);
    };
    list("alone", true, false);
    list("held and alone", true, true);
    list("held", false, true);
    return parts.join("; ");
  }

  /** The wholes that there are now, in the order of their names. @param {import("./wire.js").Bound} now */
  function show(now) {
    for (const [name, { figure }] of wholes) {
      if (!now.wholes.some((whole) => whole.name === name)) { figure.remove(); wholes.delete(name); }
    }
    for (const whole of now.wholes) {
      let own = wholes.get(whole.name);
      if (!own) {
        own = { figure: document.createElement("div"), caption: document.createElement("span"), picture: picture() };
        own.figure.append(own.picture.canvas, own.caption);
        own.figure.style.order = String(whole.name);
        middle.append(own.figure);
        wholes.set(whole.name, own);
      }
      own.picture.take(whole.grey, now.side);
      say(own.caption, `${letter(whole.name)} ${whole.arrays}`);
    }
    box.style.setProperty("--wholes", String(Math.max(1, now.wholes.length)));
  }

  /** Lines from each array to its whole. @param {Theme} theme @param {import("./wire.js").Bound} now */
  function tie(theme, now) {
    const sheet = fit(ties);
    if (!sheet) return;
    const { context } = sheet, from = ring.getBoundingClientRect();
    const centre = (/** @type {Element} */ element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return [left - from.left + width / 2, top - from.top + height / 2];
    };
    context.lineWidth = 2;
    now.arrays.forEach(({ whole }, k) => {
      const own = whole === undefined ? undefined : wholes.get(whole);
      if (!own || whole === undefined) return;
      const [x, y] = centre(arrays[k].button), [to, down] = centre(own.figure);
      context.strokeStyle = colourOf(whole, theme);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(to, down);
      context.stroke();
    });
  }

  /** Each array's sheet as it swings, by phase and strength, and the mean of the phases as a hand. @param {Theme} theme @param {import("./wire.js").Bound} now */
  function turn(theme, now) {
    const sheet = fit(circle);
    if (!sheet) return;
    const { context, width, height } = sheet, x = width / 2, y = height / 2, dot = 8, radius = Math.min(x, y) - dot - 1;
    context.strokeStyle = theme.line;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
    const at = (/** @type {number} */ phase) => [Math.cos(2 * Math.PI * phase), -Math.sin(2 * Math.PI * phase)];
    const sum = now.arrays.map(({ phase }) => at(phase)).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    context.strokeStyle = theme.quiet;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + (radius - dot) * (sum[0] / now.arrays.length), y + (radius - dot) * (sum[1] / now.arrays.length));
    context.stroke();
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = font(10, 650);
    now.arrays.forEach(({ phase, amplitude, whole }, k) => {
      const out = radius * Math.min(1, amplitude / RIM);
      const [right, up] = at(phase), cx = x + out * right, cy = y + out * up;
      context.beginPath();
      context.arc(cx, cy, dot, 0, 2 * Math.PI);
      context.fillStyle = whole === undefined ? theme.panel : colourOf(whole, theme);
      context.fill();
      context.strokeStyle = whole === undefined ? theme.quiet : theme.panel;
      context.lineWidth = 1;
      context.stroke();
      context.fillStyle = whole === undefined ? theme.text : theme.panel;
      // Those of a whole lie on one another.
      context.fillText(whole === undefined ? String(k + 1) : letter(whole), cx, cy);
    });
  }

  return {
    /** Whether arrays may be held. @param {boolean} holds */
    offer(holds) {
      may = holds;
      arrays.forEach(({ button }) => { button.disabled = !may; });
    },
    /** @param {import("./wire.js").Bound} now */
    take(now) {
      now.arrays.forEach(({ held }, k) => {
        if (bound?.arrays[k] && bound.arrays[k].held !== held) note(`array ${k + 1}: ${held ? "holds what it sees" : "sees again"}`);
      });
      bound = now;
      fresh = true;
      if (arrays.length !== now.arrays.length) begin(now.arrays.length);
      now.arrays.forEach(({ grey }, k) => arrays[k].picture.take(grey, now.side));
      show(now);
      if (box.hidden) box.hidden = false;
    },
    /** Moves on towards what was taken, until it is there: time may stand still meanwhile. @param {number} now in ms @param {Theme} theme */
    draw(now, theme) {
      const ms = bound && light.due(fresh, now);
      if (!bound || ms === undefined) return;
      fresh = false;
      let reached = true;
      bound.arrays.forEach(({ whole, held }, k) => {
        const { button, badge, picture: own } = arrays[k];
        reached = own.draw(ms) && reached;
        say(badge, `${k + 1}${whole === undefined ? "" : letter(whole)}${held ? " held" : ""}`);
        button.style.borderColor = whole === undefined ? theme.quiet : colourOf(whole, theme);
        button.dataset.alone = String(whole === undefined);
        button.setAttribute("aria-pressed", String(held));
        button.setAttribute("aria-label", `${badge.textContent}: array ${k + 1}, ${whole === undefined ? "alone" : `of whole ${letter(whole)}`}, hold`);
        button.title = held ? "sees what it saw when it was pressed: press again to let it go" : "press to have it go on seeing what it sees now";
      });
      for (const [name, { figure, picture: own }] of wholes) {
        reached = own.draw(ms) && reached;
        figure.style.borderColor = colourOf(name, theme);
      }
      release.hidden = !may || !bound.arrays.some(({ held }) => held);
      tie(theme, bound);
      turn(theme, bound);
    },
    /** The shape of what is seen, which is bound as a square. @param {import("./wire.js").Picture} input */
    shape({ width, height }) {
      const shape = String(Math.max(0.5, Math.min(2, width / height)));
      if (width && height && box.style.getPropertyValue("--shape") !== shape) box.style.setProperty("--shape", shape);
    },
    /** @param {import("./messages.d.ts").BindingFigures | null} figures */
    tell(figures) {
      if (!figures) say(told, "nothing binds in this run");
      if (!figures?.updates) return;
      const rows = [
        ["Order", (figures.order ?? 0).toFixed(2), "Kuramoto's order parameter of the phases: 1 where all swing together"],
        ...figures.wholes.map(({ name, confidence, psnr_db }) => [`Whole ${letter(name)}`, `${Math.round(100 * confidence)} %, ${decibels(psnr_db)}`, "how well it explains its arrays; PSNR against what is seen now"]),
        ["Best alone", decibels(figures.apart_db), "PSNR of the best picture that one array makes of its own views"],
        ["Mean whole", decibels(figures.mean_whole_db), "the largest whole's since the start"],
        ["Mean alone", decibels(figures.mean_apart_db), "the best of one array's since the start"],
      ];
      while (facts.children.length > 2 * rows.length) facts.lastElementChild?.remove();
      rows.forEach(([name, value, title], k) => {
        if (!facts.children[2 * k]) facts.append(document.createElement("dt"), document.createElement("dd"));
        const term = /** @type {HTMLElement} */ (facts.children[2 * k]);
        say(term, name);
        term.title = title;
        say(facts.children[2 * k + 1], value);
      });
    },
    /** Another run: nothing is seen yet. */
    forget() {
      bound = undefined;
      fresh = false;
      box.hidden = release.hidden = true;
      arrays.forEach(({ button }) => button.remove());
      arrays = [];
      for (const { figure } of wholes.values()) figure.remove();
      wholes.clear();
      facts.replaceChildren();
      say(told, "nothing is seen yet");
    },
    /** Says in words what is shown; once a second, for it is read aloud. */
    describe() {
      if (!bound) return;
      say(told, words(bound));
      middle.setAttribute("aria-label", `Wholes: ${words(bound)}`);
      const phases = bound.arrays.map(({ phase, amplitude }, k) => `${k + 1} at ${Math.round(360 * phase)}°, ${amplitude.toFixed(1)}`);
      circle.setAttribute("aria-label", `The arrays' slow rhythms, phase and amplitude: ${phases.join("; ")}`);
    },
    /** What may be done, for the list of commands. */
    choices: () => (may && bound ? bound.arrays.map(({ held }, k) => ({
      name: held ? `Let array ${k + 1} go` : `Hold array ${k + 1}`,
      run: () => hold(k, !held),
    })) : []),
  };
}
