// @ts-check
// Energy and information: what comes in, is held and fades, in bits; where every band's energy comes from and goes to.

import { say, short } from "./canvas.js";
import { hertz } from "./bands.js";

/** The flows in the order of their columns. @type {("noise" | "drive" | "cascade" | "damping" | "diffusion" | "saturation")[]} */
const FLOWS = ["noise", "drive", "cascade", "damping", "diffusion", "saturation"];
/** How much of the newest second's fading is shown at once. */
const SHARE = 0.2;

/** Bits for people. @param {number} value @param {string} unit */
const bits = (value, unit) => `${short(value)}${/[a-zA-Z]$/.test(short(value)) ? "" : " "}${unit}`;

/** A flow for people: its sign is said. @param {number} value */
const signed = (value) => (Math.abs(value) < 0.005 ? "0" : `${value < 0 ? "−" : "+"}${short(Math.abs(value))}`);

/** @param {HTMLElement} host a table's body @param {HTMLElement} note */
export function energyPanel(host, note) {
  /** @type {HTMLElement[][]} */
  let rows = [];
  /** @type {{ seconds: number, held: number } | undefined} */
  let last;
  let faded = NaN;

  /** Bits that fade a second: what came in and is not held. @param {import("./messages.d.ts").Status} status */
  function fade({ seconds, bits_held: held, bits_per_second: came }) {
    if (held === null) return;
    const past = last ? seconds - last.seconds : 0;
    if (last && past > 0) {
      const now = came - (held - last.held) / past;
      faded = Number.isFinite(faded) ? faded + SHARE * (now - faded) : now;
    }
    if (!last || past !== 0) last = { seconds, held };
  }

  return {
    /** @param {number[]} frequencies of the bands in Hz */
    setBands(frequencies) {
      last = undefined;
      faded = NaN;
      rows = frequencies.map((hz) => {
        const row = document.createElement("tr");
        row.innerHTML = `<th scope="row">${hertz(hz)}</th><td class="range" aria-hidden="true"><i></i><b></b></td><td></td>${"<td></td>".repeat(FLOWS.length)}`;
        host.append(row);
        return /** @type {HTMLElement[]} */ ([...row.children]);
      });
      host.replaceChildren(...rows.map(([head]) => /** @type {HTMLElement} */ (head.parentElement)));
    },
    add: fade,
    /** @param {import("./messages.d.ts").Status} status */
    draw(status) {
      const away = status.explained_per_second;
      const explained = away === null ? "" : `${bits(away, "bit/s")} explained away, `;
      say(note, status.bits_held === null
        ? `Information: ${explained}${bits(status.bits_per_second, "bit/s")} in; what is held is measured against a twin, which this run has not`
        : `Information: ${explained}${bits(status.bits_per_second, "bit/s")} in, ${bits(status.bits_held, "bit")} held, ${bits(Math.max(0, faded), "bit/s")} fade`);
      const most = Math.max(2, ...status.energy.map(({ stored }) => stored));
      status.energy.forEach((band, k) => {
        const cells = rows[k];
        if (!cells) return;
        const [held, tonic] = /** @type {HTMLElement[]} */ ([...cells[1].children]);
        held.style.left = "0";
        held.style.width = `${(100 * band.stored) / most}%`;
        tonic.style.left = `${100 / most}%`;
        say(cells[2], short(band.stored));
        FLOWS.forEach((flow, column) => say(cells[3 + column], signed(band[flow])));
      });
    },
  };
}
