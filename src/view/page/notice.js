// @ts-check
// What is told of the connection and the run: the state in the page's corner, and sentences above the field; on the stage both lie on it.

import { byId, say } from "./canvas.js";
import { onStage } from "./stage.js";

/** @import { Status } from "./messages.d.ts" */

/** How long in ms it is told what was refused or kept; on the stage everything. */
const TOLD = 10_000;
/** After how long in ms it is told that nothing comes, and the most of it that one drawing counts: a page that is hidden or busy
 * draws nothing, and hears late. */
const SILENT = 3_000, LOOK = 1_000;

const STATES = {
  connecting: ["Connecting", ""],
  live: ["Live", ""],
  paused: ["Paused", ""],
  silent: ["No picture", "Nothing comes from the run. The last picture is kept."],
  ended: ["Ended", "The run has ended. The last picture is kept; a new run will show here by itself."],
  lost: ["Connection lost", "The connection is lost. The last picture is kept; trying again."],
};

/** A sentence of what the run says in its log's way; a path or a key at its start keeps its letters. @param {string} text */
export function sentence(text) {
  const begun = text.replace(/^[a-z](?=[a-z']*([ ,:;]|$))/, (letter) => letter.toUpperCase());
  return begun && !/[.!?]$/.test(begun) ? `${begun}.` : begun;
}

/** News: what is told while it is new. */
function news() {
  let text = "", since = -Infinity;
  return {
    /** @param {string} now @param {boolean} isNew whether it is to count as new where it is another */
    take(now, isNew = true) {
      if (now === text) return;
      text = now;
      since = isNew ? performance.now() : -Infinity;
    },
    /** The same again is new, too. @param {string} now */
    anew(now) { text = ""; this.take(now); },
    /** @param {boolean} stays */
    told: (stays = false) => (stays || performance.now() - since < TOLD ? sentence(text) : ""),
  };
}

/** @param {(text: string, kind?: "quiet" | "bad") => void} log */
export function noticeLine(log) {
  /** @type {import("./wire.js").LinkState} */
  let state = "connecting";
  /** Why there is no connection, where that is known. */
  let why = "";
  /** The newest of this run. @type {Status | undefined} */
  let status;
  let silence = 0, looked = 0, shownAt = 0;
  const refused = news(), kept = news(), notice = news();
  const isSilent = () => state === "live" && silence >= SILENT;

  function show() {
    const box = byId("notice"), stage = onStage();
    const name = isSilent() ? "silent" : state === "live" && status?.hand.paused ? "paused" : state;
    document.body.dataset.state = name;
    say(byId("state"), STATES[name][0]);
    // Beside what is read aloud: it is another each second.
    say(byId("silence"), name === "silent" ? `for ${Math.floor(silence / 1_000)} s` : "");
    const usual = why ? `Not connected: ${why}. The last picture is kept; trying again.` : STATES[name][1];
    const text = [stage ? "" : usual, refused.told(), notice.told(!stage), kept.told(!stage && status?.recording?.failed)].filter(Boolean).join(" ");
    say(box, text);
    box.hidden = text === "";
  }

  return {
    show,
    /** The words for a state. @param {import("./wire.js").LinkState} of */
    name: (of) => STATES[of][0],
    /** @param {import("./wire.js").LinkState} now @param {string} reason */
    state(now, reason) {
      state = now;
      why = now === "lost" ? reason.trim().replace(/\.$/, "") : "";
      silence = 0;
      show();
    },
    /** Something came, whatever it is. */
    heard() {
      const was = isSilent(), seconds = Math.floor(silence / 1_000);
      silence = 0;
      if (!was) return;
      log(`pictures again after ${seconds} s`);
      show();
    },
    /** The page draws. @param {number} now in ms */
    look(now) {
      const was = isSilent();
      silence += Math.min(LOOK, now - looked);
      looked = now;
      if (isSilent() && !was) log(`no picture for ${SILENT / 1_000} s`, "bad");
      // Where nothing comes, what is told still grows old.
      if (isSilent() !== was || now - shownAt >= LOOK) {
        shownAt = now;
        show();
      }
    },
    /** Tells why something was not done. @param {string} text */
    refuse(text) {
      refused.anew(text);
      log(text, "bad");
      show();
    },
    /** What was refused is so no more. */
    allow: () => refused.take(""),
    /** What the run tells; what stood in its first figures is no news. @param {Status} now */
    follow(now) {
      kept.take(now.recording?.kept ?? "", status !== undefined);
      notice.take(now.notice);
      status = now;
    },
    /** Another run. */
    begin() { status = undefined; },
  };
}
