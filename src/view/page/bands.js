// @ts-check
// The band selector: a button for each band, with its order parameter and metastability.

import { say } from "./canvas.js";

/** A frequency for people. @param {number} hz */
export const hertz = (hz) => `${hz >= 10 ? Math.round(hz) : Number(hz.toPrecision(2))} Hz`;

/** @param {HTMLElement} host @param {HTMLElement} note tells the metastability of the band that is shown
 * @param {(band: number) => void} choose */
export function bandSelector(host, note, choose) {
  /** @type {{ button: HTMLButtonElement, order: HTMLElement, swing: HTMLElement, name: string, bar: HTMLElement }[]} */
  let rows = [];
  let chosen = -1;
  return {
    /** @param {number[]} frequencies in Hz */
    setBands(frequencies) {
      rows = frequencies.map((hz, band) => {
        const button = document.createElement("button");
        button.type = "button";
        // What is read aloud is what is seen, with the words that the eye does without.
        button.innerHTML = '<span><span class="aloud"></span><span class="hz"></span><span class="aloud"> Hz,</span></span>' +
          '<span><span class="aloud">order </span><span class="order"></span><span class="aloud"></span></span><span class="bar"><i></i></span>';
        const [label, value, track] = /** @type {HTMLElement[]} */ ([...button.children]);
        const [, order, swing] = /** @type {HTMLElement[]} */ ([...value.children]);
        say(label.children[0], `Band ${band + 1}, `);
        say(label.children[1], hertz(hz).replace(" Hz", ""));
        button.title = `${hertz(hz)}: key ${band + 1}`;
        button.addEventListener("click", () => choose(band));
        return { button, order, swing, name: button.title, bar: /** @type {HTMLElement} */ (track.firstElementChild) };
      });
      host.replaceChildren(...rows.map((row) => row.button));
      this.setOrder([], []);
      this.show(-1);
    },
    /** @param {number} shown */
    show(shown) {
      chosen = shown;
      rows.forEach(({ button }, band) => button.setAttribute("aria-pressed", String(band === shown)));
    },
    /** @param {number[]} values @param {(number | null)[]} metastability */
    setOrder(values, metastability) {
      const here = metastability[chosen] ?? null;
      say(note, here === null ? "" : `; metastability here ${here.toFixed(2)}`);
      rows.forEach(({ button, order, swing, name, bar }, band) => {
        const value = values[band], spread = metastability[band] ?? null;
        const known = Number.isFinite(value);
        say(order, known ? value.toFixed(2) : "–");
        say(swing, spread === null ? "" : `, metastability ${spread.toFixed(2)}`);
        const title = spread === null ? name : `${name}; order ${known ? value.toFixed(2) : "–"}, metastability ${spread.toFixed(3)}`;
        if (button.title !== title) button.title = title;
        bar.style.transform = `scaleX(${known ? Math.min(1, Math.max(0, value)) : 0})`;
      });
    },
    count: () => rows.length,
  };
}
