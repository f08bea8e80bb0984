// @ts-check
// The health line: what the engine and this page manage, always in sight.

import { say, short, whole } from "./canvas.js";

/** A list of named figures that keeps its elements. @param {HTMLElement} host */
function list(host) {
  /** @type {Map<string, HTMLElement>} */
  const items = new Map();
  return {
    /** @param {string} name @param {string} value @param {boolean} bad @param {string} title */
    set(name, value, bad = false, title = "") {
      let item = items.get(name);
      if (!item) {
        const row = document.createElement("div"), term = document.createElement("dt");
        item = document.createElement("dd");
        term.textContent = name;
        if (title) row.title = title;
        row.append(term, item);
        host.append(row);
        items.set(name, item);
      }
      say(item, value);
      item.className = bad ? "bad" : "";
      return /** @type {HTMLElement} */ (item.parentElement);
    },
    /** @param {string} name */
    drop(name) { items.get(name)?.parentElement?.remove(); items.delete(name); },
    clear() { items.clear(); host.replaceChildren(); },
  };
}

/** Makes a row a button. @param {HTMLElement} row @param {() => void} act */
function ask(row, act) {
  row.tabIndex = 0;
  row.setAttribute("role", "button");
  row.addEventListener("click", act);
  row.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    // Space would scroll, too.
    event.preventDefault();
    act();
  });
}

/**
 * @param {HTMLElement} figures @param {HTMLElement} sources
 * @param {(kind: import("./messages.d.ts").DeviceKind, name: string) => void} choose asks for another device
 */
export function healthLine(figures, sources, choose) {
  const health = list(figures), flows = list(sources);
  /** The pace that was asked for a status ago: what was measured since may be of that. */
  let before = 0;
  return {
    /** @param {import("./messages.d.ts").Status} status @param {import("./messages.d.ts").Counts} viewer @param {number} drawn frames a second
     * @param {[number, number] | null} age of what is drawn, in ms */
    show(status, viewer, drawn, age) {
      const [median, tail] = status.tick_ms;
      health.set("tick", `${short(median)} / ${short(tail)} ms`, (tail ?? 0) > 1, "engine time per 1 ms tick: median / 99th percentile");
      const asked = status.hand.paused ? 0 : status.hand.speed / 1000;
      // In slow motion a tick more or less in a fifth of a second is much of the pace: some four are no fault.
      health.set("real time", status.realtime_factor === null ? "–" : `× ${status.realtime_factor.toFixed(2)}`,
        (status.realtime_factor ?? Infinity) < Math.min(asked, before) - 0.02, "model time over wall time; held against the speed that was asked for");
      before = asked;
      health.set("deadline misses", whole(status.deadline_misses), status.deadline_misses > 0, "ticks of a millisecond that ended more than 10 ms late");
      health.set("CPU", status.cpu === null ? "–" : `${status.cpu.toFixed(2)} cores`, false, "cores that the program keeps busy, over the last second");
      health.set("page", `${drawn.toFixed(0)} fps${age ? `, ${age.map((ms) => ms.toFixed(0)).join(" / ")} ms old` : ""}`, false,
        "field frames drawn in a second; how old they are when drawn, median / 95th percentile, behind the fastest of the last half minute");
      health.set("frames dropped", `${whole(viewer.dropped)} of ${whole(viewer.produced)}`, false,
        "field frames that this page passed over, of those made since it opened");
      const { recording } = status;
      if (recording && recording.bytes !== null) {
        const left = recording.hours_left;
        const room = left === null ? "" : left >= 2 ? `, room for ${left.toFixed(0)} h` : `, room for ${(60 * left).toFixed(0)} min`;
        health.set("recorded", `${(recording.bytes / 1e6).toFixed(1)} MB${room}`, left !== null && left < 0.5,
          "the session's file, and how long its disk has room at this rate");
      }
      if (recording && recording.retro_seconds !== null) {
        health.set("remembered", `${recording.retro_seconds.toFixed(0)} s`, false, "the last seconds, in memory: R keeps them in a file");
      }
      for (const device of status.devices) {
        const drift = device.drift_ppm === null ? "" : ` ${device.drift_ppm >= 0 ? "+" : "−"}${Math.abs(device.drift_ppm).toFixed(0)} ppm`;
        const value = device.state === "running" ? `${device.name}${drift}` : `${device.name}: ${device.state}`;
        const lost = `${whole(device.delivered)} came, ${whole(device.dropped)} not used, ${whole(device.filled)} filled in, ${whole(device.faults)} faults`;
        const row = health.set(device.kind, value, device.state !== "running", "");
        row.title = `${device.format}; ${lost}${device.problem ? `; last trouble: ${device.problem}` : ""}. `;
        // Another browser takes over by opening the page.
        if (device.name.startsWith("browser ")) continue;
        row.title += "Click to use another.";
        if (!row.dataset.device) ask(row, () => choose(device.kind, row.dataset.device ?? ""));
        row.dataset.device = device.name;
      }
      for (const [name, produced, delivered, dropped] of status.sources) {
        flows.set(name, `${whole(produced)} / ${whole(delivered)} / ${whole(dropped)}`, dropped > 0, "produced / delivered / dropped");
      }
    },
    /** @param {string} text */
    sound(text) { health.set("sound", text, false, "how long after it came what is heard is heard (buffer and device), and how often it ran dry"); },
    /** Another run may have other sources and devices, and record something else. */
    forget() {
      flows.clear();
      for (const name of ["recorded", "remembered", "microphone", "camera", "speaker"]) health.drop(name);
      before = 0;
    },
  };
}
