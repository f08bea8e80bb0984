// @ts-check
// The page: joins the connection, the panels and the keys.

import { bandSelector, hertz } from "./bands.js";
import { byId, canvasById, say, theme } from "./canvas.js";
import { fieldPanel } from "./field.js";
import { healthLine } from "./health.js";
import { inputPanel } from "./input.js";
import { meterPanel } from "./meters.js";
import { drawWheel, fieldTable } from "./palette.js";
import { sensePanel } from "./senses.js";
import { soundPlayer } from "./sound.js";
import { spectrumPanel } from "./spectrum.js";
import { tracePanel } from "./traces.js";
import { connect } from "./wire.js";

/** Least time between drawings in ms where less motion is asked for: one update a second. */
const CALM = 1_000;
/** How long in ms it is told what was kept. */
const TOLD = 10_000;

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const calmQuery = matchMedia("(prefers-reduced-motion: reduce)");

const field = fieldPanel(byId("sheets"));
const input = inputPanel(canvasById("input"), byId("input-none"), byId("input-sub"));
const meters = meterPanel(byId("meters"));
const spectrum = spectrumPanel(canvasById("spectrum"), byId("exponent"));
const traces = tracePanel(canvasById("traces"), byId("traces-sub"));
// The sheets leave room for the health line, which takes more rows the more there is to tell.
const HEALTH_ROW = 34;
new ResizeObserver(([entry]) => {
  const height = entry.target.getBoundingClientRect().height;
  document.documentElement.style.setProperty("--health", `${Math.max(0, Math.ceil(height) - HEALTH_ROW)}px`);
}).observe(/** @type {Element} */ (byId("health").parentElement));
const health = healthLine(byId("health"), byId("health-sources"), (kind, name) => {
  const other = window.prompt(`Use another ${kind}: its name, or a part of it (\`napot devices\` lists them)`, name);
  if (other !== null && other !== name) link.use(kind, other);
});
const bands = bandSelector(byId("bands"), (band) => link.band(band));
const sound = soundPlayer((wanted) => link.sound(wanted), (text, playing) => {
  health.sound(text);
  say(byId("sound-label"), playing ? "Stop sound" : "Play sound");
  byId("sound").setAttribute("aria-pressed", String(playing));
});

const senses = sensePanel({
  request: (request) => link.request(request),
  give: (...item) => link.give(...item),
});

let colours = theme();
let frozen = false;
/** What came and was not drawn yet. */
const fresh = {
  /** @type {import("./wire.js").FieldFrame | undefined} */ field: undefined,
  /** @type {import("./wire.js").Picture | undefined} */ input: undefined,
  traces: false,
  status: false,
};
/** @type {{ status: import("./wire.js").Status, viewer: import("./wire.js").Counts } | undefined} */
let figures;
/** @type {import("./wire.js").About | undefined} */
let about;
/** @type {import("./wire.js").LinkState} */
let linkState = "connecting", linkWhy = "";
let lastKept = "", keptAt = 0;
let drawnFrames = 0, drawnRate = 0, rateFrom = performance.now(), lastDrawn = -Infinity, shownBand = -1;

const link = connect({
  field(frame) {
    // A frame that will not be drawn is acknowledged at once: the newest must not wait behind it.
    if (fresh.field) link.ack(fresh.field.sequence);
    fresh.field = frame;
    if (document.hidden || frozen || calmQuery.matches) link.ack(frame.sequence);
  },
  input(picture) { fresh.input = picture; },
  sound: (samples) => sound.push(samples),
  status(status, viewer) {
    figures = { status, viewer };
    meters.add(status);
    fresh.status = true;
  },
  traces(chunk) {
    traces.add(chunk);
    fresh.traces = true;
  },
  about(run) {
    const same = about && about.seed === run.seed && about.title === run.title && JSON.stringify(about.arrays) === JSON.stringify(run.arrays);
    about = run;
    if (!same) begin(run);
    senses.offer(run.senses);
  },
  answer: (answer) => senses.answer(answer),
  state(state, why = "") {
    linkState = state;
    linkWhy = state === "lost" ? why.trim().replace(/\.$/, "") : "";
    if (state === "lost" || state === "ended") senses.rest();
    showState();
  },
});

/** A run begins: its sheets, bands and names. @param {import("./wire.js").About} run */
function begin(run) {
  field.setArrays(run.arrays);
  bands.setBands(run.band_hz);
  spectrum.forget();
  traces.forget();
  meters.forget();
  health.forget();
  shownBand = -1;
  say(byId("title"), run.title);
  say(byId("sources"), run.sources.join("   ·   "));
  byId("sources").title = run.sources.join("\n");
  say(byId("help-run"), `NAPOT ${run.version}, seed ${run.seed}`);
  document.title = `${run.title} – NAPOT`;
}

const STATES = {
  connecting: ["Connecting", ""],
  live: ["Live", ""],
  ended: ["Ended", "The run has ended. The last picture is kept; a new run will show here by itself."],
  lost: ["Connection lost", "The connection is lost. The last picture is kept; trying again."],
};

function showState() {
  const [name, usual] = STATES[linkState];
  const told = linkWhy ? `Not connected: ${linkWhy}. The last picture is kept; trying again.` : usual;
  const held = frozen && linkState === "live";
  document.body.dataset.state = held ? "frozen" : linkState;
  say(byId("state"), held ? "Frozen" : name);
  const notice = byId("notice");
  const text = [told, held ? "The display is frozen; the run goes on. Space goes on with it." : "", figures?.status.notice ?? "", kept()].filter(Boolean).join(" ");
  say(notice, text);
  notice.hidden = text === "";
}

/** What became of the last wish to keep something, for a while; what could not be kept, until something is. */
function kept() {
  const told = figures?.status.recording?.kept ?? "";
  if (told !== lastKept) { lastKept = told; keptAt = performance.now(); }
  const stays = figures?.status.recording?.failed || performance.now() - keptAt < TOLD;
  return told && stays ? `${told[0].toUpperCase()}${told.slice(1)}.` : "";
}

/** @param {number} seconds */
function clock(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const hours = Math.floor(tenths / 36_000), minutes = Math.floor(tenths / 600) % 60;
  const rest = `${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function drawField() {
  const frame = fresh.field;
  if (!frame) return;
  field.draw(frame);
  link.ack(frame.sequence);
  fresh.field = undefined;
  drawnFrames++;
  if (frame.band !== shownBand) {
    shownBand = frame.band;
    bands.show(shownBand);
    const hz = about?.band_hz[shownBand];
    say(byId("field-sub"), hz === undefined ? "" : `${hertz(hz)} band`);
  }
}

function drawFigures() {
  if (!figures) return;
  const { status, viewer } = figures;
  const now = performance.now();
  if (now - rateFrom >= 1_000) {
    drawnRate = (1_000 * drawnFrames) / (now - rateFrom);
    drawnFrames = 0;
    rateFrom = now;
    field.describe(about && shownBand >= 0 ? `${hertz(about.band_hz[shownBand])} band` : "no band");
    input.describe();
  }
  say(byId("clock"), clock(status.seconds));
  bands.setOrder(status.order);
  meters.draw(colours);
  spectrum.draw(status, colours);
  health.show(status, viewer, drawnRate);
  const remembered = status.recording?.retro_seconds ?? null;
  byId("keep").hidden = remembered === null;
  say(byId("keep-seconds"), (remembered ?? 0).toFixed(0));
  showState();
}

/** @param {number} now */
function frame(now) {
  requestAnimationFrame(frame);
  if (frozen || (calmQuery.matches && now - lastDrawn < CALM)) return;
  lastDrawn = now;
  drawField();
  if (fresh.input) { input.draw(fresh.input); fresh.input = undefined; }
  if (fresh.traces) { traces.draw(colours); fresh.traces = false; }
  if (fresh.status) { drawFigures(); fresh.status = false; }
}

function recolour() {
  colours = theme();
  const table = fieldTable(darkQuery.matches);
  field.setTable(table);
  drawWheel(canvasById("wheel"), table);
  redraw();
}

function redraw() {
  traces.draw(colours);
  meters.draw(colours);
  if (figures) spectrum.draw(figures.status, colours);
}

function freeze() {
  frozen = !frozen;
  if (frozen && fresh.field) { link.ack(fresh.field.sequence); }
  fresh.field = undefined;
  fresh.traces = fresh.status = true;
  byId("freeze").setAttribute("aria-pressed", String(frozen));
  showState();
}

const helpBox = /** @type {HTMLDialogElement} */ (byId("help-box"));
byId("help").addEventListener("click", () => helpBox.showModal());
byId("freeze").addEventListener("click", freeze);
byId("sound").addEventListener("click", () => sound.toggle());
byId("keep").addEventListener("click", () => link.keep());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "?") { if (helpBox.open) helpBox.close(); else helpBox.showModal(); return; }
  if (helpBox.open) return;
  const digit = Number(event.key);
  if (digit >= 1 && digit <= bands.count()) link.band(digit - 1);
  else if (event.key === "r" || event.key === "R") link.keep();
  else if (event.key === "s" || event.key === "S") sound.toggle();
  else if (event.key === " " && !(event.target instanceof HTMLButtonElement)) {
    // Space on a button presses that button.
    event.preventDefault();
    freeze();
  }
});
document.addEventListener("click", (event) => {
  // A button that was clicked with a pointer must not keep the focus, or Space would press it again.
  const button = event.detail > 0 && event.target instanceof Element ? event.target.closest("button") : null;
  if (button && !helpBox.contains(button)) button.blur();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && fresh.field) link.ack(fresh.field.sequence);
});
darkQuery.addEventListener("change", recolour);
new ResizeObserver(redraw).observe(byId("traces"));

recolour();
drawFigures();
requestAnimationFrame(frame);
