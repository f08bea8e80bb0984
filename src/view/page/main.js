// @ts-check
// The page: joins the connection, the panels and the keys.

import { ages } from "./age.js";
import { belongingPanel } from "./belonging.js";
import { bindingPanel } from "./binding.js";
import { bandSelector, hertz } from "./bands.js";
import { byId, canvasById, say, theme } from "./canvas.js";
import { cochleagramPanel } from "./cochleagram.js";
import { commandPalette, freeKeys } from "./commands.js";
import { devicePanel } from "./devices.js";
import { energyPanel } from "./energy.js";
import { fieldPanel } from "./field.js";
import { handsPanel } from "./hands.js";
import { headPanel } from "./head.js";
import { healthLine } from "./health.js";
import { inputPanel } from "./input.js";
import { latencyPanel } from "./latency.js";
import { eventLog, logChanges } from "./log.js";
import { meterPanel } from "./meters.js";
import { mindPanel } from "./mind.js";
import { noticeLine } from "./notice.js";
import { objectsPanel } from "./objects.js";
import { recognitionPanel } from "./recognition.js";
import { PALETTES, VIEWS, drawWheel, fieldTable } from "./palette.js";
import { rasterPanel } from "./raster.js";
import { scopePanel } from "./scope.js";
import { sensePanel } from "./senses.js";
import { shownLink } from "./shown.js";
import { soundPlayer } from "./sound.js";
import { spectrumPanel } from "./spectrum.js";
import { onStage, stageView } from "./stage.js";
import { tabs } from "./tabs.js";
import { tracePanel } from "./traces.js";
import { waterfallPanel } from "./waterfall.js";
import { connect } from "./wire.js";

/** Least time between drawings in ms where less motion is asked for: one update a second. */
const CALM = 1_000;
/** How long in ms before a drawing the newest field is asked for where there is one a second: time to come. */
const AHEAD = 100;

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const calmQuery = matchMedia("(prefers-reduced-motion: reduce)");

/** Radius in sites and strength in thresholds of what the pointer strikes. */
const STRIKE = { radius: 3, magnitude: 16 };

const field = fieldPanel(byId("sheets"), (array, row, column) => ask({ poke: { array, row, column, ...STRIKE } }));
const input = inputPanel(canvasById("input"), byId("input-none"), byId("input-sub"), byId("input-key"));
const mind = mindPanel(canvasById("mind"), byId("mind-none"), byId("mind-sub"), byId("mind-facts"));
const belonging = belongingPanel(canvasById("belonging"));
const binding = bindingPanel(ask, (text) => log.add(text, "own"));
const objects = objectsPanel();
const meters = meterPanel(byId("meters"));
const spectrum = spectrumPanel(canvasById("spectrum"), byId("exponent"), byId("spectrum-sub"));
const traces = tracePanel(canvasById("traces"), byId("traces-sub"));
const waterfall = waterfallPanel(canvasById("waterfall"), byId("waterfall-sub"));
const head = headPanel(canvasById("head"), byId("head-sub"));
const raster = rasterPanel(canvasById("raster"), byId("raster-sub"));
const cochlea = cochleagramPanel(canvasById("cochlea"), byId("cochlea-sub"));
const scope = scopePanel(canvasById("scope"), byId("scope-sub"));
const energy = energyPanel(byId("energy"), byId("information"));
const age = ages();
const latency = latencyPanel(byId("hops"));
const log = eventLog(byId("log"), () => clock(figures?.status.seconds ?? 0));
const notice = noticeLine(log.add);
const hands = handsPanel(ask, (text) => log.add(text, "own"));
const recognition = recognitionPanel(ask, (text) => log.add(text, "own"));
// The sheets leave room for the health line, which takes more rows the more there is to tell.
const HEALTH_ROW = 34;
new ResizeObserver(([entry]) => {
  const height = entry.target.getBoundingClientRect().height;
  document.documentElement.style.setProperty("--health", `${Math.max(0, Math.ceil(height) - HEALTH_ROW)}px`);
}).observe(/** @type {Element} */ (byId("health").parentElement));
const devices = devicePanel(ask);
const health = healthLine(byId("health"), byId("health-sources"), devices.open);
const bands = bandSelector(byId("bands"), byId("metastability"), (band) => ask({ band }));
const sound = soundPlayer((wanted) => link.sound(wanted), (text, playing) => {
  health.sound(text);
  say(byId("sound-label"), playing ? "Stop sound" : "Play sound");
  scope.playing(playing);
  byId("sound").setAttribute("aria-pressed", String(playing));
}, notice.refuse, remember);
const stage = stageView(() => { remember(); redraw(); });
const shown = shownLink(ask);

const senses = sensePanel({
  request: (request) => link.ask(request),
  give: (...item) => link.give(...item),
});

let colours = theme();
/** What came and was not drawn yet. */
const fresh = {
  /** @type {import("./wire.js").FieldFrame | undefined} */ field: undefined,
  /** @type {import("./wire.js").Picture | undefined} */ input: undefined,
  traces: false,
  status: false,
};
/** @typedef {{ status: import("./messages.d.ts").Status, viewer: import("./messages.d.ts").Counts, control: import("./messages.d.ts").InControl }} Figures */
/** @type {Figures | undefined} */
let figures;
const look = { view: "phase", palette: "even" };
/** @type {import("./messages.d.ts").About | undefined} */
let about;
/** @type {import("./wire.js").LinkState} */
let linkState = "connecting";
/** What is written down when the run's clock is known: that of the run before may show yet. @type {string[]} */
let arrived = [];
/** The newest field that was not acknowledged. @type {number | undefined} */
let owed;
let acknowledgedAt = 0;
let drawnFrames = 0, drawnRate = 0, rateFrom = performance.now(), lastDrawn = -Infinity, shownBand = -1, shownDifference = false;

const link = connect({
  field(frame) {
    // A frame that will not be drawn is acknowledged at once: the newest must not wait behind it.
    if (fresh.field && !rests()) acknowledge();
    fresh.field = frame;
    cochlea.add(frame);
    owed = frame.sequence;
  },
  input(picture) { fresh.input = picture; },
  mind(picture) { mind.take(picture); },
  binding(bound) { binding.take(bound); },
  objects(seen) { objects.take(seen); },
  sound(samples) {
    scope.add(samples);
    sound.push(samples);
  },
  status(status, viewer, control, viewers) {
    const before = figures;
    figures = { status, viewer, control };
    notice.follow(status);
    for (const text of arrived.splice(0)) log.add(text);
    if (before) tellChanges(before, figures);
    meters.add(status);
    belonging.add(status.senses);
    energy.add(status);
    hands.follow(status.hand, control);
    // Here and not by a timer: a browser lets those of a hidden page wait for a minute.
    if (rests() && performance.now() - acknowledgedAt > CALM + AHEAD) acknowledge();
    sound.follow(status.hand.paused ? 0 : status.hand.speed / 1000 || 1);
    if (about && shown.settle(about, control, viewers)) remember();
    fresh.status = true;
  },
  traces(chunk) {
    traces.add(chunk);
    waterfall.add(chunk);
    head.add(chunk);
    raster.add(chunk);
    fresh.traces = true;
  },
  about(run) {
    const same = about !== undefined && run.run === about.run;
    about = run;
    if (!same) begin(run);
    senses.offer(run.senses);
  },
  answer(answer) {
    if ("refused" in answer) refuse(answer.refused);
    else if ("devices" in answer) devices.show(answer.devices);
    else senses.answer(answer);
  },
  state(state, why = "") {
    if (state === "live") arrived = [notice.name(state)];
    else if (state !== linkState) log.add(notice.name(state), state === "lost" ? "bad" : "quiet");
    linkState = state;
    notice.state(state, why);
    if (state === "lost" || state === "ended") {
      senses.rest();
      hands.gone();
    }
  },
  heard() { notice.heard(); },
});

/** Whether a field a second is enough. The server closes where none is acknowledged for five. */
function rests() { return document.hidden || calmQuery.matches; }

/** The server may send another field. */
function acknowledge() {
  if (owed === undefined) return;
  link.ack(owed);
  owed = undefined;
  acknowledgedAt = performance.now();
}

/** Tells why something was not done, and that nothing waits for it any more. @param {string} why */
function refuse(why) {
  hands.refused();
  recognition.refused(why);
  notice.refuse(why);
  fresh.status = true;
}

/** Asks the run for something; says so, and gives `false`, where it can't be asked. @param {import("./messages.d.ts").Request} request */
function ask(request) {
  const asked = link.ask(request);
  if (!asked) refuse(linkState === "ended" ? "the run has ended: it takes nothing any more" : "there is no connection: the run was not asked");
  return asked;
}

/** Writes down what is different now. @param {Figures} before @param {Figures} now */
function tellChanges(before, now) {
  logChanges(log, before, now);
  // What another page's control refused is not refused any more.
  if (before.control === "other" && now.control !== "other") notice.allow();
  const was = before.status.hand, hand = now.status.hand;
  if (hand.refused && hand.refused !== was.refused) refuse(hand.refused);
  if (hand.speed !== was.speed || hand.paused !== was.paused) age.forget();
}

/** A run begins: its sheets, bands and names. @param {import("./messages.d.ts").About} run */
function begin(run) {
  figures = fresh.field = fresh.input = undefined;
  for (const panel of [input, mind, binding, objects]) panel.forget();
  field.setArrays(run.arrays);
  bands.setBands(run.band_hz);
  energy.setBands(run.band_hz);
  byId("difference").hidden = !run.twin;
  spectrum.forget();
  traces.forget();
  waterfall.forget();
  latency.forget();
  head.setPlaces(run.electrodes);
  raster.setArrays(run.arrays.map(([name]) => name));
  cochlea.begin(run);
  hands.offer(run.hands);
  field.setPokes(run.hands.pokes);
  binding.offer(run.hands.holds);
  palette.tell();
  arrived.push(`run: ${run.title}, seed ${run.seed}`);
  notice.begin();
  meters.forget();
  belonging.forget();
  health.forget();
  age.forget();
  shownBand = -1;
  shown.begin();
  say(byId("title"), run.title);
  say(byId("sources"), run.sources.join("   ·   "));
  byId("sources").title = run.sources.join("\n");
  say(byId("help-run"), `NAPOT ${run.version}, seed ${run.seed}`);
  document.title = `${run.title} – NAPOT`;
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
  fresh.field = undefined;
  drawnFrames++;
  const hand = figures?.status.hand;
  age.drawn(frame.tick, !hand || hand.paused ? 0 : hand.speed, performance.now());
  if (frame.band !== shownBand || frame.difference !== shownDifference) {
    shownBand = frame.band;
    shownDifference = frame.difference;
    bands.show(shownBand);
    byId("difference").setAttribute("aria-pressed", String(shownDifference));
    say(byId("field-sub"), whatIsShown());
    if (shown.follow(shownBand, shownDifference)) remember();
  }
}

/** The band, and whether its twin is taken away. */
function whatIsShown() {
  const hz = about?.band_hz[shownBand];
  return hz === undefined ? "" : `${hertz(hz)} band${shownDifference ? ", less its twin" : ""}`;
}

function drawFigures() {
  if (!figures) return;
  const { status, viewer, control } = figures;
  const now = performance.now();
  if (now - rateFrom >= 1_000) {
    drawnRate = (1_000 * drawnFrames) / (now - rateFrom);
    drawnFrames = 0;
    rateFrom = now;
    field.describe(whatIsShown() || "no band", shownDifference);
    if (!onStage()) for (const panel of [input, mind, binding, objects]) panel.describe();
  }
  say(byId("clock"), clock(status.seconds));
  notice.show();
  if (onStage()) return;
  bands.setOrder(status.order, status.metastability);
  meters.draw(colours);
  if (shownPanel("spectrum-panel")) spectrum.draw(status, colours);
  if (shownPanel("energy-panel")) energy.draw(status);
  if (shownPanel("latency-panel")) latency.draw(status);
  if (shownPanel("mind-panel")) mind.tell(status.mind);
  if (shownPanel("belonging-panel")) belonging.draw(colours);
  if (shownPanel("binding-panel")) binding.tell(status.binding);
  if (shownPanel("objects-panel")) objects.tell(status.objects);
  recognition.show(status.recognition);
  health.show(status, viewer, drawnRate, age.figures());
  if (shownPanel("hands")) {
    hands.show(status.hand, control);
    devices.offer(status.devices);
  }
  const remembered = status.recording?.retro_seconds ?? null;
  byId("keep").hidden = remembered === null;
  say(byId("keep-seconds"), (remembered ?? 0).toFixed(0));
}

/** Draws what goes with the traces, as far as it is seen. */
function drawTraces() {
  if (shownPanel("traces-panel")) traces.draw(colours);
  else if (shownPanel("head-panel")) head.draw(colours);
  else if (shownPanel("raster-panel")) raster.draw(colours);
  else if (shownPanel("scope-panel")) scope.draw(colours);
  if (shownPanel("waterfall-panel")) waterfall.draw(colours);
  else if (shownPanel("cochlea-panel")) cochlea.draw(colours);
}

/** @param {number} now */
function frame(now) {
  requestAnimationFrame(frame);
  notice.look(now);
  if (calmQuery.matches && now - lastDrawn < CALM) {
    if (now - lastDrawn > CALM - AHEAD) acknowledge();
    return;
  }
  lastDrawn = now;
  drawField();
  if (!calmQuery.matches) acknowledge();
  if (fresh.input && !onStage()) { input.draw(fresh.input, colours); mind.shape(fresh.input); binding.shape(fresh.input); fresh.input = undefined; }
  if (shownPanel("mind-panel")) mind.draw(now);
  if (shownPanel("binding-panel")) binding.draw(now, colours);
  if (shownPanel("objects-panel")) objects.draw(now);
  if (fresh.traces) { drawTraces(); fresh.traces = false; }
  if (fresh.status) { drawFigures(); fresh.status = false; }
}

function recolour() {
  colours = theme();
  const table = fieldTable(darkQuery.matches, look.view, look.palette);
  field.setTable(table, look.view === "travel");
  drawWheel(canvasById("wheel"), table);
  redraw();
}

function redraw() {
  drawTraces();
  if (!onStage()) meters.draw(colours);
  if (figures && shownPanel("spectrum-panel")) spectrum.draw(figures.status, colours);
  fresh.status = true;
}

/** What the views' colours mean. */
const KEYS = { phase: "hue: phase\nchroma: amplitude", wave: "warm: crest\ncool: trough", amplitude: "grey: still\nwarm: strong", travel: "hue: where waves run\nchroma: how steep" };

/** @param {string} view @param {string} colours */
function setLook(view, colours) {
  look.view = VIEWS.includes(view) ? view : VIEWS[0];
  look.palette = PALETTES.includes(colours) ? colours : PALETTES[0];
  /** @type {HTMLSelectElement} */ (byId("view")).value = look.view;
  /** @type {HTMLSelectElement} */ (byId("palette")).value = look.palette;
  say(byId("key-words"), KEYS[/** @type {"phase"} */ (look.view)]);
  recolour();
  remember();
}

/** The one after. @param {string[]} list @param {string} now */
const after = (list, now) => list[(list.indexOf(now) + 1) % list.length];

/** To what the stage hides, if it hides it. */
function leaveStage() { if (onStage()) stage.toggle(false); }

function toggleHands(open = byId("hands").hidden) {
  byId("hands").hidden = !open;
  byId("controls").setAttribute("aria-expanded", String(open));
  if (figures) hands.show(figures.status.hand, figures.control);
  redraw();
  remember();
}

const single = /** @type {HTMLInputElement} */ (byId("single-keys"));
const upper = tabs(byId("upper"), () => { remember(); redraw(); });
const lower = tabs(byId("lower"), () => { remember(); redraw(); });
/** @param {string} id */
function shownPanel(id) { return !onStage() && !byId(id).hidden; }

/** The view's state in the address: a link shows the same. */
function remember() {
  if (!restored) return;
  const state = new URLSearchParams();
  if (look.view !== VIEWS[0]) state.set("view", look.view);
  if (look.palette !== PALETTES[0]) state.set("palette", look.palette);
  if (upper.shown() !== "spectrum-panel") state.set("upper", upper.shown().replace("-panel", ""));
  if (lower.shown() !== "traces-panel") state.set("lower", lower.shown().replace("-panel", ""));
  if (!byId("hands").hidden) state.set("controls", "1");
  if (onStage()) state.set("stage", "1");
  if (!single.checked) state.set("keys", "0");
  if (sound.volume()) state.set("volume", String(sound.volume()));
  shown.write(state);
  const painter = new URLSearchParams(location.hash.slice(1)).get("painter");
  if (painter) state.set("painter", painter);
  history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
}

let restored = false;
function restore() {
  restored = false;
  const state = new URLSearchParams(location.hash.slice(1));
  stage.set(state.get("stage") === "1");
  setLook(state.get("view") ?? "", state.get("palette") ?? "");
  upper.show(`${state.get("upper") ?? "spectrum"}-panel`);
  lower.show(`${state.get("lower") ?? "traces"}-panel`);
  toggleHands(state.get("controls") === "1");
  single.checked = state.get("keys") !== "0";
  sound.setVolume(Number(state.get("volume")) || 0);
  shown.read(state);
  restored = true;
  // What it asked for and is not to be had leaves the address.
  remember();
}

const helpBox = /** @type {HTMLDialogElement} */ (byId("help-box"));
const help = () => { if (helpBox.open) return helpBox.close(); palette.tell(); helpBox.showModal(); helpBox.scrollTop = 0; };
const keep = () => { ask({ keep: true }); };
const band = (/** @type {number} */ by) => {
  const next = shownBand + by;
  if (next >= 0 && next < bands.count()) ask({ band: next });
};
const palette = commandPalette(/** @type {HTMLDialogElement} */ (byId("command-box")), byId("keys"), () => [
  { name: "Pause the run, or go on", key: " ", run: hands.pause },
  { name: "One picture more, then stand still", key: ".", run: hands.step },
  { name: "Slower", key: "ArrowDown", run: () => hands.faster(-1) },
  { name: "Faster", key: "ArrowUp", run: () => hands.faster(1) },
  { name: "Show the slower band", key: "ArrowLeft", run: () => band(-1) },
  { name: "Show the faster band", key: "ArrowRight", run: () => band(1) },
  ...Array.from({ length: bands.count() }, (_, k) => ({ name: `Show band ${k + 1}`, key: String(k + 1), hidden: true, run: () => ask({ band: k }) })),
  { name: "Controls: parameters, states, time, notes", key: "c", run: () => { toggleHands(onStage() || undefined); leaveStage(); } },
  { name: "Another view of the field", key: "v", run: () => setLook(after(VIEWS, look.view), look.palette) },
  { name: "The field less its twin: what the input did", key: "d", run: () => ask({ difference: !shownDifference }) },
  { name: "Another palette", key: "p", run: () => setLook(look.view, after(PALETTES, look.palette)) },
  { name: "Keep the last seconds in a file", key: "r", run: keep },
  { name: "Sound on or off", key: "s", run: () => sound.toggle() },
  ...(hands.mayMute() ? [{ name: "Mute the speaker, or let it sound", key: "m", run: hands.mute }] : []),
  { name: "Write a note", key: "a", run: () => { leaveStage(); toggleHands(true); hands.write(); } },
  { name: "Traces larger", key: "+", run: () => { traces.grow(1.5); drawTraces(); } },
  { name: "Traces smaller", key: "-", run: () => { traces.grow(1 / 1.5); drawTraces(); } },
  { name: "Stage: the field alone, full screen; Escape or a touch of 2 s leaves", key: "z", run: () => stage.toggle() },
  { name: "Stage, full screen", key: "F11", hidden: true, run: stage.full },
  { name: "This help", key: "?", run: help },
  ...["spectrum", "waterfall", "cochlea", "energy", "latency", "log"].map((id) => ({ name: `Show: ${byId(`${id}-panel-tab`).textContent}`, run: () => upper.show(`${id}-panel`) })),
  ...["traces", "head", "raster", "scope", "mind", "belonging", "binding", "objects"].map((id) => ({ name: `Show: ${byId(`${id}-panel-tab`).textContent}`, run: () => lower.show(`${id}-panel`) })),
  ...devices.choices(figures?.status.devices ?? []).map(({ kind, name }) => ({ name: `Use another ${kind}`, run: () => devices.open(kind, name) })),
  ...binding.choices().map(({ name, run }) => ({ name, run })),
  ...hands.states().map((state) => ({ name: `State: ${state.name}`, run: () => hands.choose(state) })),
], () => single.checked);

byId("help").addEventListener("click", help);
byId("controls").addEventListener("click", () => toggleHands());
byId("sound").addEventListener("click", () => sound.toggle());
byId("stage").addEventListener("click", () => stage.toggle(true));
byId("difference").addEventListener("click", () => ask({ difference: !shownDifference }));
byId("keep").addEventListener("click", keep);
byId("view").addEventListener("change", () => setLook(/** @type {HTMLSelectElement} */ (byId("view")).value, look.palette));
byId("palette").addEventListener("change", () => setLook(look.view, /** @type {HTMLSelectElement} */ (byId("palette")).value));
single.addEventListener("change", remember);
window.addEventListener("hashchange", restore);
freeKeys();
// Who looks again sees the newest.
document.addEventListener("visibilitychange", () => { if (!document.hidden) acknowledge(); });
darkQuery.addEventListener("change", recolour);
new ResizeObserver(redraw).observe(byId("lower"));

restore();
palette.tell();
drawFigures();
requestAnimationFrame(frame);
