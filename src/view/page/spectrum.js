// @ts-check
// The spectrum of the last half minute, or since the last change, on logarithmic axes, with the aperiodic fit of the twin's, the tonic rhythm, and its exponent.

import { fit, font, say, short, sizeOf } from "./canvas.js";

const MARGIN = { left: 58, right: 12, top: 8, bottom: 36 };
/** Pixels below which the unit stands beside the frequencies and not below them, and below which there is no room for a plot. */
const LOW = 130, LEAST = 48;
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

/** @param {number[]} a @param {number[]} b */
const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} figure @param {HTMLElement} note */
export function spectrumPanel(canvas, figure, note) {
  let range = { low: -1, high: 1, set: false };
  /** What is on the canvas: its lines, and all else that it was drawn by. */
  let lines = { power: /** @type {number[]} */ ([]), fit: /** @type {number[]} */ ([]) }, drawn = "";

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
      figure.title = figure.dataset.text = "";
      return "exponent not measured yet";
    }
    const spread = interval ? ` ± ${((interval[1] - interval[0]) / 2).toFixed(2)}` : "";
    const text = `the twin's 1/f exponent ${exponent.toFixed(2)}${spread}`;
    if (figure.dataset.text !== text) {
      figure.dataset.text = text;
      figure.title = "The dashed line is fitted to the spectrum of the twin, which nothing drives: the tonic rhythm alone.";
      figure.innerHTML = '<span class="quiet"></span> <b></b> <span class="quiet"></span>';
      const [name, value, kind] = [...figure.children];
      name.innerHTML = 'twin\'s 1/f<span class="wide"> exponent</span>, dashed';
      value.textContent = exponent.toFixed(2) + spread;
      kind.textContent = interval ? "(95 %)" : "";
    }
    return text;
  }

  return {
    forget() { range.set = false; drawn = ""; },
    /** @param {import("./messages.d.ts").Status} status @param {import("./canvas.js").Theme} theme */
    draw(status, theme) {
      const told = print(status), of = `of the last ${status.spectrum_seconds.toFixed(0)} s`;
      if (!note.children.length) note.innerHTML = '<span class="wide">electrodes\' </span>mean<span> of <span class="wide">the last </span><span></span></span>';
      const [, time] = /** @type {HTMLElement[]} */ ([...note.children]);
      time.hidden = status.spectrum_seconds <= 0;
      say(time.children[1], `${status.spectrum_seconds.toFixed(0)} s`);
      const { spectrum_hz: hz, spectrum_power: power, spectrum_fit: line } = status;
      const look = [told, of, hz.length, hz.at(-1), ...Object.values(sizeOf(canvas)), window.devicePixelRatio, ...Object.values(theme)].join();
      if (look === drawn && same(power, lines.power) && same(line, lines.fit)) return;
      const sheet = fit(canvas);
      if (!sheet) return;
      drawn = look;
      lines = { power, fit: line };
      const { context, width, height } = sheet;
      context.font = font(11.5);
      const shown = hz.map((_, i) => i).filter((i) => hz[i] > 0 && power[i] > 0);
      if (height < LEAST) return;
      if (shown.length < 2) {
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText("Gathering a spectrum: some 5 s", width / 2, height / 2);
        canvas.setAttribute("aria-label", "Spectrum: not measured yet");
        return;
      }
      follow(shown.map((i) => power[i]));
      const first = hz[shown[0]], last = hz[shown[shown.length - 1]];
      const low = height < LOW, right = width - MARGIN.right, bottom = height - (low ? MARGIN.bottom - 16 : MARGIN.bottom);
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
        if (!low || x(f) < right - 26) context.fillText(String(Number(f.toPrecision(1))), x(f), bottom + 5);
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
      context.textBaseline = "bottom";
      context.textAlign = low ? "right" : "center";
      context.fillText(low ? "Hz" : "Frequency (Hz)", low ? right : (MARGIN.left + right) / 2, height);
      context.textAlign = "center";
      context.save();
      context.translate(11, height / 2);
      context.rotate(-Math.PI / 2);
      context.textBaseline = "middle";
      const named = "Power (µV²/Hz)";
      context.fillText(context.measureText(named).width < height ? named : "µV²/Hz", 0, 0);
      context.restore();

      context.save();
      context.beginPath();
      context.rect(MARGIN.left, MARGIN.top - 4, right - MARGIN.left, bottom - MARGIN.top + 8);
      context.clip();
      // A point a pixel column: many bins fall in one, and each would cost as much. Their mean is that of what is drawn, the logarithm.
      const trace = (/** @type {number[]} */ values) => {
        let column = NaN, count = 0, across = 0, up = 0;
        const point = () => { if (count) context.lineTo(across / count, up / count); };
        context.beginPath();
        for (const i of shown) {
          if (!(values[i] > 0)) continue;
          const at = x(hz[i]);
          if (Math.floor(at) !== column) {
            point();
            column = Math.floor(at);
            count = across = up = 0;
          }
          count++;
          across += at;
          up += y(values[i]);
        }
        point();
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
      canvas.setAttribute("aria-label", `Spectrum ${of} from ${short(first)} to ${short(last)} Hz, ${told}`);
    },
  };
}
