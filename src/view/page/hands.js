// @ts-check
// The hands: parameters with their units and defaults, named states, time, notes, and who is in control.

import { byId, say } from "./canvas.js";

/** Steps of a slider from its least to its greatest value. */
const STEPS = 400;
/** Between two requests while a slider moves, in ms. */
const PAUSE = 60;
/** How long a slider that was moved does not follow the run, in ms: its own value is on its way. */
const OWN = 700;
/** How long it takes at least until a note counts as written, and how long it or a state may take until it is, in ms. */
const ANSWER = 500, PATIENCE = 5_000;

/** A value for people: three digits at most behind the point. @param {number} value */
const print = (value) => String(Number(value.toFixed(value >= 10 ? 1 : 2)));

/** A speed that the list does not have. @param {number} thousandths */
const pacePrinted = (thousandths) => (thousandths ? `× ${thousandths / 1000}` : "as fast as can be");

/**
 * @param {(request: import("./messages.d.ts").Request) => boolean} ask says whether it could be asked
 * @param {(text: string) => void} note writes an event down
 */
export function handsPanel(ask, note) {
  const parameters = byId("parameters"), states = byId("states"), notes = /** @type {HTMLFormElement} */ (byId("annotate"));
  const text = /** @type {HTMLInputElement} */ (byId("annotate-text"));
  const speed = /** @type {HTMLSelectElement} */ (byId("speed"));
  /** @type {import("./messages.d.ts").Hands} */
  let may = { parameters: [], states: [], pokes: false, tempo: false, holds: false };
  /** @type {{ slider: HTMLInputElement, value: HTMLElement, back: HTMLButtonElement, moved: number }[]} */
  let rows = [];
  /** @type {Record<string, number>} */
  let waiting = {};
  let timer = 0, paused = false;
  /** Whether the speaker of the run's machine is muted; null where it has none. @type {boolean | null} */
  let muted = null;
  /** The run's speed in thousandths of real time, 0 for as fast as can be; none before it is known. */
  let pace = NaN;
  /** Values that were asked for and do not stand yet: written down when they do. @type {{ text: string, values: [string, number][], asked: number }[]} */
  let wishes = [];
  /** The note that was asked for and may be refused yet. @type {{ told: string, asked: number } | undefined} */
  let written;

  /** Asks for a value soon: the newest of each, not every step on the way. @param {string} key @param {number} value */
  function set(key, value) {
    waiting[key] = value;
    if (timer) return;
    timer = window.setTimeout(() => {
      timer = 0;
      ask({ set: waiting });
      waiting = {};
    }, PAUSE);
  }

  /** Whether these values stand. @param {[string, number][]} values @param {import("./messages.d.ts").InHand} hand */
  const isSet = (values, hand) => values.every(([key, value]) => {
    const at = may.parameters.findIndex((parameter) => parameter.key === key);
    return Math.abs((hand.values[at] ?? NaN) - value) < 1e-6;
  });

  /** @param {string} text what is written down once it is done @param {[string, number][]} values */
  function wish(text, values) {
    if (ask({ set: Object.fromEntries(values) })) wishes.push({ text, values, asked: performance.now() });
  }
  /** @param {import("./messages.d.ts").LiveState} state */
  const choose = ({ name, values }) => wish(`state: ${name}`, values);

  /** Writes down what was asked for and is done. A page whose note is taken is in control.
   * @param {import("./messages.d.ts").InHand} hand @param {import("./messages.d.ts").InControl} control */
  function settle(hand, control) {
    const now = performance.now();
    for (const { text } of wishes.filter(({ values }) => isSet(values, hand))) note(text);
    wishes = wishes.filter(({ values, asked }) => !isSet(values, hand) && now - asked < PATIENCE);
    if (!written || now - written.asked < ANSWER) return;
    if (control === "own") {
      note(`note: ${written.told}`);
      if (text.value.trim() === written.told) text.value = "";
      written = undefined;
    } else if (now - written.asked > PATIENCE) doubt();
  }

  /** What became of a note is not known: its text stays. */
  function doubt() {
    if (written) note(`perhaps not written: ${written.told}`);
    written = undefined;
  }

  /** Shows the run's speed; one that the list does not have is its own as long as it stands. */
  function showSpeed() {
    const own = speed.querySelector("[data-own]"), value = String(pace);
    if (own && own.getAttribute("value") !== value) own.remove();
    if (Number.isFinite(pace) && ![...speed.options].some((option) => option.value === value)) {
      const option = new Option(pacePrinted(pace), value);
      option.dataset.own = "";
      speed.append(option);
    }
    if (document.activeElement !== speed) speed.value = value;
  }

  function begin() {
    rows = may.parameters.map((parameter, k) => {
      const row = document.createElement("div");
      row.className = "parameter";
      row.innerHTML = '<label></label><output></output><button type="button" class="back">↺</button><input type="range">';
      const [label, value, back, slider] = /** @type {[HTMLLabelElement, HTMLElement, HTMLButtonElement, HTMLInputElement]} */ ([...row.children]);
      label.textContent = parameter.name;
      label.htmlFor = slider.id = `parameter-${k}`;
      row.title = `${parameter.what}. ${parameter.key}, ${parameter.low} to ${parameter.high}${parameter.unit ? ` ${parameter.unit}` : ""}`;
      slider.min = String(parameter.low);
      slider.max = String(parameter.high);
      slider.step = String((parameter.high - parameter.low) / STEPS);
      slider.setAttribute("aria-description", parameter.what);
      back.setAttribute("aria-label", `${parameter.name}: back to ${print(parameter.default)}`);
      back.title = `back to ${print(parameter.default)}`;
      const own = { slider, value, back, moved: -Infinity };
      const show = (/** @type {number} */ now) => {
        say(value, `${print(now)}${parameter.unit ? ` ${parameter.unit}` : ""}`);
        slider.setAttribute("aria-valuetext", value.textContent ?? "");
      };
      slider.addEventListener("input", () => {
        own.moved = performance.now();
        show(Number(slider.value));
        set(parameter.key, Number(slider.value));
      });
      back.addEventListener("click", () => set(parameter.key, parameter.default));
      parameters.append(row);
      return own;
    });
    states.replaceChildren(...may.states.map((state) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = state.name.charAt(0).toUpperCase() + state.name.slice(1);
      button.title = state.what;
      button.addEventListener("click", () => choose(state));
      return button;
    }));
  }

  const pause = () => { if (may.tempo) ask({ pause: !paused }); };
  const step = () => { if (may.tempo) ask({ step: true }); };
  const mute = () => { if (muted !== null) ask({ mute: !muted }); };
  byId("pause").addEventListener("click", pause);
  byId("mute").addEventListener("click", mute);
  byId("step").addEventListener("click", step);
  speed.addEventListener("change", () => ask({ speed: Number(speed.value) }));
  byId("defaults").addEventListener("click", () => {
    wish("all parameters back to the configuration", may.parameters.map(({ key, default: value }) => [key, value]));
  });
  byId("take").addEventListener("click", () => ask({ control: true }));
  notes.addEventListener("submit", (event) => {
    event.preventDefault();
    const told = text.value.trim();
    if (written || (told && !ask({ annotate: told }))) return;
    // The text stays until the run has taken it.
    if (told) written = { told, asked: performance.now() };
    text.blur();
  });

  return {
    pause,
    step,
    mute,
    mayMute: () => muted !== null,
    mayTempo: () => may.tempo,
    mayPoke: () => may.pokes,
    states: () => may.states,
    choose,
    /** Waits for a note's text. */
    write() {
      text.focus();
      text.select();
    },
    /** Something was not done, or can't be now: nothing waits any more, and all shows what stands. */
    refused() {
      wishes = [];
      written = undefined;
      for (const row of rows) row.moved = -Infinity;
      if (Number.isFinite(pace)) speed.value = String(pace);
    },
    /** @param {import("./messages.d.ts").Hands} hands */
    offer(hands) {
      may = hands;
      parameters.replaceChildren();
      byId("parameters-none").hidden = may.parameters.length > 0;
      byId("states-box").hidden = byId("defaults").hidden = may.parameters.length === 0;
      byId("tempo-none").hidden = may.tempo;
      byId("strike-told").hidden = !may.pokes;
      for (const id of ["pause", "step", "speed"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = !may.tempo;
      begin();
    },
    /** Goes to the list's next speed from the run's own, which need not be in it: slower below 0, else faster. @param {number} by */
    faster(by) {
      if (!may.tempo) return;
      const speeds = [...speed.options].filter(({ dataset }) => dataset.own === undefined).map(({ value }) => Number(value)), now = pace || Infinity;
      const next = by < 0 ? speeds.findLast((value) => value < now) : speeds.find((value) => value > now);
      if (next !== undefined) ask({ speed: next });
    },
    /** Follows the run's time, whether the controls are open or not: keys act on it.
     * @param {import("./messages.d.ts").InHand} hand @param {import("./messages.d.ts").InControl} control */
    follow(hand, control) {
      paused = hand.paused;
      pace = hand.speed;
      say(byId("pause-label"), paused ? "Go on" : "Pause");
      byId("pause").setAttribute("aria-pressed", String(paused));
      muted = hand.muted;
      byId("mute").hidden = muted === null;
      byId("mute").setAttribute("aria-pressed", String(muted === true));
      showSpeed();
      settle(hand, control);
    },
    /** The run is gone, and perhaps before it did what was asked for. */
    gone() {
      wishes = [];
      doubt();
    },
    /** @param {import("./messages.d.ts").InHand} hand @param {import("./messages.d.ts").InControl} control */
    show(hand, control) {
      rows.forEach(({ slider, value, back, moved }, k) => {
        const now = hand.values[k], parameter = may.parameters[k];
        if (now === undefined || performance.now() - moved < OWN) return;
        slider.value = String(now);
        say(value, `${print(now)}${parameter.unit ? ` ${parameter.unit}` : ""}`);
        slider.setAttribute("aria-valuetext", value.textContent ?? "");
        back.disabled = Math.abs(now - parameter.default) < 1e-9;
      });
      [...states.children].forEach((button, k) => button.setAttribute("aria-pressed", String(isSet(may.states[k].values, hand))));
      const told = { own: "This page is in control.", other: "Another page is in control.", nobody: "Whoever changes something first is in control." };
      say(byId("in-control"), told[control]);
      byId("take").hidden = control !== "other";
    },
  };
}
