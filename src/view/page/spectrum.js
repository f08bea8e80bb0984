// @ts-check
// The spectrum on logarithmic axes, with the aperiodic fit and its exponent.

import { fit, font, say, short } from "./canvas.js";

const MARGIN = { left: 58, right: 12, top: 8, bottom: 36 };
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} exponent a whole number */
function powerOfTen(exponent) {
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** Frequencies 1, 2, 5 times powers of ten in a range. @param {number} low @param {number} high */
function ticks(low, high) {
  const list = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const lead of [1, 2, 5]) {
      const hz = lead * 10 ** power;
      if (hz >= low * 0.999 && hz <= high * 1.001) list.push(hz);
    }
  }
  return list;
}

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} figure */
export function spectrumPanel(canvas, figure) {
  let range = { low: -1, high: 1, set: false };

  /** Grows at once and shrinks only when far too wide: the axis stays still. @param {number[]} powers above 0 */
  function follow(powers) {
    const low = Math.floor(2 * (Math.log10(Math.min(...powers)) - 0.12)) / 2;
    const high = Math.ceil(2 * (Math.log10(Math.max(...powers)) + 0.12)) / 2;
    const far = !range.set || low < range.low || high > range.high || range.high - range.low > high - low + 1;
    if (far) range = { low, high, set: true };
  }

  /** @param {import("./messages.d.ts").Status} status */
  function print(status) {
    const { exponent, exponent_interval: interval } = status;
    if (exponent === null) {
      say(figure, "exponent not measured yet");
      return "exponent not measured yet";
    }
    const spread = interval ? ` ± ${((interval[1] - interval[0]) / 2).toFixed(2)}` : "";
    const text = `1/f exponent ${exponent.toFixed(2)}${spread}`;
    if (figure.dataset.text !== text) {
      figure.dataset.text = text;
      figure.innerHTML = '<span class="quiet"></span> <b></b> <span class="quiet"></span>';
      const [name, value, kind] = [...figure.children];
      name.textContent = "1/f exponent";
      value.textContent = exponent.toFixed(2) + spread;
      kind.textContent = interval ? "(95 %)" : "";
    }
    return text;
  }

  return {
    forget() { range.set = false; },
    /** @param {import("./messages.d.ts").Status} status @param {import("./canvas.js").Theme} theme */
    draw(status, theme) {
      const told = print(status);
      const sheet = fit(canvas);
      const { spectrum_hz: hz, spectrum_power: power, spectrum_fit: line } = status;
      if (!sheet) return;
      const { context, width, height } = sheet;
      context.font = font(11.5);
      const shown = hz.map((_, i) => i).filter((i) => hz[i] > 0 && power[i] > 0);
      if (shown.length < 2) {
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText("Gathering the first spectrum", width / 2, height / 2);
        return;
      }
      follow(shown.map((i) => power[i]));
      const first = hz[shown[0]], last = hz[shown[shown.length - 1]];
      const right = width - MARGIN.right, bottom = height - MARGIN.bottom;
      const x = (/** @type {number} */ f) => MARGIN.left + (Math.log(f / first) / Math.log(last / first)) * (right - MARGIN.left);
      const y = (/** @type {number} */ p) => bottom - ((Math.log10(p) - range.low) / (range.high - range.low)) * (bottom - MARGIN.top);

      context.lineWidth = 1;
      context.strokeStyle = theme.grid;
      context.fillStyle = theme.quiet;
      context.textAlign = "center";
      context.textBaseline = "top";
      for (const f of ticks(first, last)) {
        context.beginPath();
        context.moveTo(Math.round(x(f)) + 0.5, MARGIN.top);
        context.lineTo(Math.round(x(f)) + 0.5, bottom);
        context.stroke();
        context.fillText(String(Number(f.toPrecision(1))), x(f), bottom + 5);
      }
      context.textAlign = "right";
      context.textBaseline = "middle";
      const step = Math.max(1, Math.ceil(((range.high - range.low) * 22) / (bottom - MARGIN.top)));
      for (let p = Math.ceil(range.low); p <= range.high; p += step) {
        const at = Math.round(y(10 ** p)) + 0.5;
        context.beginPath();
        context.moveTo(MARGIN.left, at);
        context.lineTo(right, at);
        context.stroke();
        context.fillText(powerOfTen(p), MARGIN.left - 7, at);
      }
      context.textAlign = "center";
      context.textBaseline = "bottom";
      context.fillText("Frequency (Hz)", (MARGIN.left + right) / 2, height);
      context.save();
      context.translate(11, (MARGIN.top + bottom) / 2);
      context.rotate(-Math.PI / 2);
      context.textBaseline = "middle";
      context.fillText("Power (µV²/Hz)", 0, 0);
      context.restore();

      context.save();
      context.beginPath();
      context.rect(MARGIN.left, MARGIN.top - 4, right - MARGIN.left, bottom - MARGIN.top + 8);
      context.clip();
      const trace = (/** @type {number[]} */ values) => {
        context.beginPath();
        shown.filter((i) => values[i] > 0).forEach((i, k) => {
          if (k === 0) context.moveTo(x(hz[i]), y(values[i]));
          else context.lineTo(x(hz[i]), y(values[i]));
        });
        context.stroke();
      };
      context.lineJoin = "round";
      context.strokeStyle = theme.tonic;
      context.lineWidth = 1.6;
      trace(power);
      if (line.length === hz.length) {
        context.strokeStyle = theme.text;
        context.lineWidth = 1.4;
        context.setLineDash([6, 4]);
        trace(line);
      }
      context.restore();
      canvas.setAttribute("aria-label", `Spectrum from ${short(first)} to ${short(last)} Hz, ${told}`);
    },
  };
}
