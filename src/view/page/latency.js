// @ts-check
// Latency per hop: median, 99th percentile and longest on one logarithmic scale, and in numbers.

import { say, short, whole } from "./canvas.js";

/** The scale in ms. */
const LOW = 0.01, HIGH = 1000;

/** What a hop is called for people. @param {string} name */
const words = (name) => name.replaceAll("_", " ").replace(" to ", " → ");

/** @param {HTMLElement} host a table's body */
export function latencyPanel(host) {
  /** @type {Map<string, HTMLElement[]>} */
  const rows = new Map();
  const place = (/** @type {number} */ ms) => `${(100 * Math.log(Math.min(HIGH, Math.max(LOW, ms)) / LOW)) / Math.log(HIGH / LOW)}%`;
  return {
    forget() { rows.clear(); host.replaceChildren(); },
    /** @param {import("./messages.d.ts").Status} status */
    draw(status) {
      const [p50, p99] = status.tick_ms;
      const tick = { name: "tick", count: Math.round(1000 * status.seconds), p50, p99, max: null };
      for (const hop of [tick, ...status.latency]) {
        let cells = rows.get(hop.name);
        if (!cells) {
          const row = document.createElement("tr");
          row.innerHTML = '<th scope="row"></th><td class="range" aria-hidden="true"><i></i><b></b></td><td></td><td></td><td></td><td></td>';
          host.append(row);
          cells = /** @type {HTMLElement[]} */ ([...row.children]);
          say(cells[0], words(hop.name));
          rows.set(hop.name, cells);
        }
        const [line, middle] = /** @type {HTMLElement[]} */ ([...cells[1].children]);
        const from = place(hop.p50 ?? LOW), to = place(hop.max ?? hop.p99 ?? hop.p50 ?? LOW);
        line.style.left = from;
        line.style.width = `calc(${to} - ${from})`;
        middle.style.left = from;
        [hop.p50, hop.p99, hop.max].forEach((value, k) => say(cells[k + 2], short(value)));
        say(cells[5], whole(hop.count));
      }
    },
  };
}
