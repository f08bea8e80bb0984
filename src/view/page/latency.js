// @ts-check
// Latency per hop: how many took how long, on logarithmic scales, with the median; and in numbers.

import { say, short, whole } from "./canvas.js";

/** The scale in ms, in which the counts have six steps a decade (src/stream/trace.rs, STEPS_US); one more stands at each end. */
const LOW = 0.01, HIGH = 1000, STEPS = 32;

/** What a hop is called for people. @param {string} name */
const words = (name) => name.replaceAll("_", " ").replace(" to ", " → ");

/** The place of a time, 0 to 1. @param {number} ms */
const place = (ms) => (1 + (STEPS - 2) * Math.log(Math.min(HIGH, Math.max(LOW, ms)) / LOW) / Math.log(HIGH / LOW)) / STEPS;

/** The bound below a step in ms: the E6 series. @param {number} step from 1 on */
const bound = (step) => LOW * [1, 1.5, 2.2, 3.3, 4.7, 6.8][(step - 1) % 6] * 10 ** Math.floor((step - 1) / 6);

/** The steps as an outline in a box of `STEPS` by 1; one alone among many is still seen. @param {number[]} counts */
function outline(counts) {
  const most = Math.log1p(Math.max(1, ...counts));
  return counts.map((count, step) => (count ? `M${step} 1V${(1 - Math.max(0.08, Math.log1p(count) / most)).toFixed(3)}h1V1z` : "")).join("");
}

/** The same in words. @param {number[]} counts */
function inWords(counts) {
  const from = counts.findIndex((count) => count > 0), to = counts.findLastIndex((count) => count > 0);
  if (from < 0) return "none measured yet";
  const most = counts.indexOf(Math.max(...counts));
  const between = (/** @type {number} */ low, /** @type {number} */ high) =>
    `${low === 0 ? "below" : `from ${short(bound(low))} to`} ${high === STEPS - 1 ? "over 1000" : short(bound(high + 1))} ms`;
  return `${between(from, to)}, most ${between(most, most)}`;
}

/** @param {HTMLElement} host a table's body */
export function latencyPanel(host) {
  /** @type {Map<string, { cells: HTMLElement[], steps: Element, middle: HTMLElement, path: Element }>} */
  const rows = new Map();

  /** @param {string} name */
  function makeRow(name) {
    const row = document.createElement("tr");
    row.innerHTML = `<th scope="row"></th><td class="range"><svg viewBox="0 0 ${STEPS} 1" preserveAspectRatio="none" role="img"><path/></svg><b></b></td><td></td><td></td><td></td><td></td>`;
    host.append(row);
    const cells = /** @type {HTMLElement[]} */ ([...row.children]);
    say(cells[0], words(name));
    const [steps, middle] = [...cells[1].children];
    const made = { cells, steps, middle: /** @type {HTMLElement} */ (middle), path: /** @type {Element} */ (steps.firstElementChild) };
    rows.set(name, made);
    return made;
  }

  return {
    forget() { rows.clear(); host.replaceChildren(); },
    /** @param {import("./messages.d.ts").Status} status */
    draw(status) {
      for (const hop of status.latency) {
        const { cells, steps, middle, path } = rows.get(hop.name) ?? makeRow(hop.name);
        const drawn = outline(hop.counts);
        if (path.getAttribute("d") !== drawn) path.setAttribute("d", drawn);
        const told = inWords(hop.counts);
        if (steps.getAttribute("aria-label") !== told) steps.setAttribute("aria-label", told);
        middle.hidden = hop.p50 === null;
        middle.style.left = `${100 * place(hop.p50 ?? LOW)}%`;
        [hop.p50, hop.p99, hop.max].forEach((value, k) => say(cells[k + 2], short(value)));
        say(cells[5], whole(hop.count));
      }
    },
  };
}
