// @ts-check
// "Use this device": offers the run this device's camera and microphone, and says how that goes.

import { openCamera } from "./camera.js";
import { byId, say } from "./canvas.js";
import { runClock } from "./clock.js";
import { openMicrophone } from "./microphone.js";

/** @import { Answer, Request, Sense } from "./messages.d.ts" */
/** Sends one item: channels, frames, its number, when it was captured in this page's ms, its bytes.
 * @typedef {(channels: number, count: number, sequence: number, captured: number, body: ArrayBuffer) => boolean} Give */
/** @typedef {{ close(): void, answered(sequence: number): void, tell(): string }} Device */
/** @typedef {{ request(request: Request): void,
 *   give(kind: number, channels: number, count: number, sequence: number, captured: number, body: ArrayBuffer): boolean }} Link */

/** Their message kinds (src/view/protocol.rs). */
const KINDS = { microphone: 7, camera: 8 };
const OPENERS = { microphone: openMicrophone, camera: openCamera };
/** How long to wait in ms before asking again while another page gives, and between figures. */
const AGAIN = 1_000;
/** Where this page remembers over a reload what it was giving. */
const MEMORY = "napot-gives";

/** Why a device could not be had, for people. @param {Sense} name @param {unknown} error */
function explain(name, error) {
  const kind = error instanceof DOMException ? error.name : "";
  switch (kind) {
    case "NotAllowedError": return `The browser does not allow this page the ${name}: allow it beside the page's address, then press again.`;
    case "NotFoundError":
    case "OverconstrainedError": return `This device has no ${name}: plug one in, then press again.`;
    case "NotReadableError": return `The ${name} can't be opened: end the program that uses it, then press again.`;
  }
  return `The ${name} can't be used: ${error instanceof Error ? error.message : error}`;
}

/** What was being given before a reload, and what the address asks for (`?give=camera,microphone`). @returns {Set<string>} */
function remembered() {
  const asked = new URLSearchParams(location.search).get("give") ?? "";
  return new Set(`${sessionStorage.getItem(MEMORY) ?? ""},${asked}`.split(",").filter(Boolean));
}

/** One toggle and the device behind it. @param {Sense} name @param {Link} link @param {(time: number) => number | undefined} runTime
 * @param {() => void} changed */
function sense(name, link, runTime, changed) {
  const button = byId(`give-${name}`), told = byId(`${name}-told`);
  let wanted = false, granted = false, opening = false;
  /** @type {Device | undefined} */
  let device;
  /** @type {number | undefined} */
  let retry;

  const show = (/** @type {string} */ text, problem = false) => {
    button.setAttribute("aria-pressed", String(wanted));
    say(told, text);
    told.classList.toggle("bad", problem);
    // Problems are read aloud, figures are not.
    told.setAttribute("role", problem ? "alert" : "note");
  };
  /** @type {Give} */
  const give = (channels, count, sequence, captured, body) => {
    const time = runTime(captured);
    return wanted && time !== undefined && link.give(KINDS[name], channels, count, sequence, time, body);
  };
  const close = () => {
    clearTimeout(retry);
    device?.close();
    device = undefined;
  };
  const ask = () => {
    if (!isSecureContext || !navigator.mediaDevices) {
      return stop(`A browser lends its ${name} only to a secure page: open this one on the machine that runs it, as localhost.`);
    }
    show("asking");
    link.request({ begin: name });
  };
  const stop = (problem = "") => {
    wanted = false;
    close();
    link.request({ end: name });
    show(problem, problem !== "");
    changed();
  };
  const open = async () => {
    if (opening) return;
    opening = true;
    show("waiting for the browser's permission");
    try {
      const opened = await OPENERS[name](give, () => stop(`The ${name} is gone: plug it in, then press again.`));
      device = opened;
      // Meanwhile it may have been switched off, or another page may give.
      if (wanted && granted) show("starting");
      else close();
    } catch (error) {
      if (wanted) stop(explain(name, error));
    } finally {
      opening = false;
    }
  };

  return {
    /** Whether it is given, or is to be. */
    wanted: () => wanted,
    ask() {
      wanted = true;
      ask();
      changed();
    },
    toggle() { if (wanted) stop(); else this.ask(); },
    /** Not wanted by this run. */
    drop() { if (wanted) { wanted = false; close(); show(""); } },
    /** No run takes it now: the device is closed, the wish stays. */
    rest() {
      granted = false;
      close();
      if (wanted) show("waiting for a run");
    },
    /** @param {boolean} may */
    answer(may) {
      granted = may;
      if (!wanted) return;
      clearTimeout(retry);
      if (!granted) {
        close();
        show(`Another page gives its ${name}. This one takes over when that one leaves.`);
        retry = setTimeout(ask, AGAIN);
      } else if (!device) void open();
    },
    /** @param {number} sequence */
    answered: (sequence) => device?.answered(sequence),
    figures() { if (device) show(device.tell()); },
  };
}

/** @param {Link} link */
export function sensePanel(link) {
  const host = byId("senses");
  const clock = runClock((asked) => link.request({ clock: asked }));
  const remember = () => sessionStorage.setItem(MEMORY, names.filter((name) => senses[name].wanted()).join());
  const make = (/** @type {Sense} */ name) => sense(name, link, clock.at, remember);
  /** @type {Record<Sense, ReturnType<typeof sense>>} */
  const senses = { camera: make("camera"), microphone: make("microphone") };
  const names = /** @type {Sense[]} */ (Object.keys(senses));
  const before = remembered();
  for (const name of names) byId(`give-${name}`).addEventListener("click", () => senses[name].toggle());
  setInterval(() => names.forEach((name) => senses[name].figures()), AGAIN);

  return {
    /** The page is connected to a run that wants these. @param {string[]} wanted */
    offer(wanted) {
      host.hidden = wanted.length === 0;
      if (wanted.length > 0) clock.start();
      for (const name of names) {
        const offered = wanted.includes(name);
        byId(`${name}-gives`).hidden = !offered;
        if (!offered) senses[name].drop();
        else if (senses[name].wanted() || before.delete(name)) senses[name].ask();
      }
    },
    /** What was asked about senses; the rest goes elsewhere. @param {Exclude<Answer, { refused: string } | { devices: unknown }>} answer */
    answer(answer) {
      if ("asked" in answer) clock.answer(answer);
      else if ("sense" in answer) senses[answer.sense].answer(answer.granted);
      else senses.camera.answered(answer.picture);
    },
    /** The connection is lost, or the run has ended. */
    rest() {
      clock.stop();
      names.forEach((name) => senses[name].rest());
    },
  };
}
