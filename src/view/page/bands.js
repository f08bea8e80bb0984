// @ts-check
// The band selector: a button for each band, with its order parameter.

import { say } from "./canvas.js";

/** A frequency for people. @param {number} hz */
export const hertz = (hz) => `${hz >= 10 ? Math.round(hz) : Number(hz.toPrecision(2))} Hz`;

/** @param {HTMLElement} host @param {(band: number) => void} choose */
export function bandSelector(host, choose) {
  /** @type {{ button: HTMLButtonElement, order: HTMLElement, bar: HTMLElement, name: string }[]} */
  let rows = [];
  return {
    /** @param {number[]} frequencies in Hz */
    setBands(frequencies) {
      rows = frequencies.map((hz, band) => {
        const button = document.createElement("button");
        button.type = "button";
        button.innerHTML = '<span class="hz"></span><span class="order"></span><span class="bar"><i></i></span>';
        const [label, order, track] = /** @type {HTMLElement[]} */ ([...button.children]);
        label.textContent = hertz(hz).replace(" Hz", "");
        button.addEventListener("click", () => choose(band));
        return { button, order, bar: /** @type {HTMLElement} */ (track.firstElementChild), name: hertz(hz) };
      });
      host.replaceChildren(...rows.map((row) => row.button));
      this.setOrder([]);
      this.show(-1);
    },
    /** @param {number} shown */
    show(shown) {
      rows.forEach(({ button }, band) => button.setAttribute("aria-pressed", String(band === shown)));
    },
    /** @param {number[]} values */
    setOrder(values) {
      rows.forEach(({ button, order, bar, name }, band) => {
        const value = values[band];
        const known = Number.isFinite(value);
        say(order, known ? value.toFixed(2) : "–");
        bar.style.transform = `scaleX(${known ? Math.min(1, Math.max(0, value)) : 0})`;
        button.setAttribute("aria-label", `Band ${band + 1}, ${name}, order ${known ? value.toFixed(2) : "not measured"}`);
        button.title = `${name}: key ${band + 1}`;
      });
    },
    count: () => rows.length,
  };
}
