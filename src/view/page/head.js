// @ts-check
// The montage: where the electrodes lie, and what each has now.

import { fit, font, say } from "./canvas.js";

/** Weight of a new sample: the shown value follows within a tenth of a second, so that nothing flickers. */
const SLOW = 0.01;

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function headPanel(canvas, note) {
  /** @type {import("./messages.d.ts").ElectrodePlace[]} */
  let places = [];
  let values = new Float64Array(0), squares = new Float64Array(0);
  return {
    /** @param {import("./messages.d.ts").ElectrodePlace[]} electrodes */
    setPlaces(electrodes) {
      places = electrodes;
      values = new Float64Array(places.length);
      squares = new Float64Array(places.length);
      say(note, places.length ? `${places.length} electrodes, mean of 0.1 s` : "no electrodes");
    },
    /** @param {import("./messages.d.ts").TraceChunk} chunk */
    add(chunk) {
      const slow = (SLOW * 1000) / chunk.rate_hz;
      chunk.microvolts.slice(0, values.length).forEach((row, k) => {
        for (const v of row) {
          values[k] += slow * ((v ?? 0) - values[k]);
          squares[k] += 0.1 * slow * (values[k] ** 2 - squares[k]);
        }
      });
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      const sheet = fit(canvas);
      if (!sheet) return;
      const { context, width, height } = sheet;
      const others = places.filter((place) => place.array !== 0);
      const side = others.length ? 64 : 0;
      const radius = Math.max(20, Math.min((width - side) / 2 - 8, height / 2 - 16));
      const middle = { x: (width - side) / 2, y: height / 2 + 6 };
      context.strokeStyle = theme.line;
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(middle.x, middle.y, radius, 0, 2 * Math.PI);
      context.moveTo(middle.x - 0.11 * radius, middle.y - 0.99 * radius);
      context.lineTo(middle.x, middle.y - 1.1 * radius);
      context.lineTo(middle.x + 0.11 * radius, middle.y - 0.99 * radius);
      context.stroke();
      const scale = 2 * Math.sqrt(squares.reduce((sum, v) => sum + v, 0) / Math.max(1, squares.length)) || 1;
      const dot = Math.max(7, Math.min(15, radius / 9));
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.font = font(Math.max(9, dot * 0.8), 600);
      let strongest = 0;
      places.forEach((place, k) => {
        const x = place.array === 0 ? middle.x + (2 * place.column - 1) * radius : width - side / 2;
        const y = place.array === 0 ? middle.y + (2 * place.row - 1) * radius : 14 + (1 - place.row) * (height - 28);
        const share = Math.max(-1, Math.min(1, values[k] / scale));
        if (Math.abs(values[k]) > Math.abs(values[strongest])) strongest = k;
        context.beginPath();
        context.arc(x, y, dot, 0, 2 * Math.PI);
        context.fillStyle = theme.panel;
        context.fill();
        context.globalAlpha = Math.abs(share);
        context.fillStyle = share < 0 ? theme.tonic : theme.phasic;
        context.fill();
        context.globalAlpha = 1;
        context.strokeStyle = theme.quiet;
        context.lineWidth = 1;
        context.stroke();
        context.fillStyle = theme.text;
        context.fillText(place.name, x, y);
      });
      const told = places[strongest];
      canvas.setAttribute("aria-label", told ? `Montage of ${places.length} electrodes; strongest now: ${told.name}, ${values[strongest].toFixed(1)} microvolts` : "Montage: no electrodes yet");
    },
  };
}
