// @ts-check
// Bursts and bits: the figure now, and its last minute as a line.

import { fit, say, short } from "./canvas.js";

/** Seconds of model time that are kept, and the least between two values. */
const KEPT = 60, APART = 0.15;

/** @type {{ title: string, unit: string, tone: "phasic" | "tonic", read(status: import("./messages.d.ts").Status): number | null }[]} */
const METERS = [
  { title: "Bursts", unit: "per second", tone: "phasic", read: (status) => status.bursts_per_second },
  { title: "Information", unit: "bits per second", tone: "phasic", read: (status) => status.bits_per_second },
  { title: "Held", unit: "bits in the field", tone: "tonic", read: (status) => status.bits_held },
];

/** @param {HTMLElement} host */
export function meterPanel(host) {
  const meters = METERS.map((meter) => {
    const box = document.createElement("div");
    box.className = `meter ${meter.tone}`;
    box.innerHTML = '<h2></h2><span class="value">–</span><span class="unit"></span><div class="fill"><canvas role="img"></canvas></div>';
    const [title, value, unit, fill] = [...box.children];
    title.textContent = meter.title;
    unit.textContent = meter.unit;
    const canvas = /** @type {HTMLCanvasElement} */ (fill.firstElementChild);
    host.append(box);
    return { ...meter, value, canvas, history: /** @type {{ at: number, value: number | null }[]} */ ([]) };
  });
  return {
    /** One value by model time: a pause is not drawn as a plateau. @param {import("./messages.d.ts").Status} status */
    add(status) {
      const at = status.seconds;
      for (const meter of meters) {
        const { history } = meter, value = meter.read(status);
        // A replay that begins anew.
        if (at < (history.at(-1)?.at ?? 0)) history.length = 0;
        // The newest moves on until it is far enough from the one before it.
        if (history.length > 1 && at - history[history.length - 2].at < APART) history.pop();
        history.push({ at, value });
        while (history[0].at < at - KEPT) history.shift();
      }
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      for (const { title, unit, tone, value, canvas, history } of meters) {
        const { at: end, value: now } = history.at(-1) ?? { at: 0, value: null };
        say(value, short(now));
        canvas.setAttribute("aria-label", `${title}, the last minute: now ${short(now)} ${unit}`);
        const sheet = fit(canvas);
        if (!sheet) continue;
        const { context, width, height } = sheet;
        const top = Math.max(1e-9, ...history.map(({ value }) => value ?? 0));
        const x = (/** @type {number} */ at) => width - ((end - at) * width) / KEPT;
        const y = (/** @type {number} */ v) => height - 1 - (v / top) * (height - 4);
        context.strokeStyle = theme.line;
        context.beginPath();
        context.moveTo(0, height - 0.5);
        context.lineTo(width, height - 0.5);
        context.stroke();
        context.beginPath();
        let pen = false;
        history.forEach(({ at, value: v }) => {
          if (v === null || !Number.isFinite(v)) { pen = false; return; }
          if (pen) context.lineTo(x(at), y(v));
          else context.moveTo(x(at), y(v));
          pen = true;
        });
        context.strokeStyle = theme[tone];
        context.lineWidth = 1.5;
        context.lineJoin = "round";
        context.stroke();
        context.lineTo(width, height);
        context.lineTo(x(history[0]?.at ?? end), height);
        context.globalAlpha = 0.14;
        context.fillStyle = theme[tone];
        context.fill();
        context.globalAlpha = 1;
      }
    },
    forget() { for (const meter of meters) meter.history.length = 0; },
  };
}
