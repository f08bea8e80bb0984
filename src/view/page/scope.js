// @ts-check
// The sound that this page plays: level of both sides in dB of full scale, peaks, clips, and the goniometer.

import { fit, font, say } from "./canvas.js";

/** The lowest level that is shown, in dB of full scale. */
const FLOOR = -60;
/** Frames that the goniometer shows: 40 ms. */
const SHOWN = 1920;
/** How long a peak stays, in ms. */
const HOLD = 1500;
/** Full scale: what reaches it is counted as clipped. */
const FULL = 0.999;

const decibels = (/** @type {number} */ amplitude) => 20 * Math.log10(Math.max(1e-6, amplitude));

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} note */
export function scopePanel(canvas, note) {
  const left = new Float32Array(SHOWN), right = new Float32Array(SHOWN);
  let at = 0, heard = false, clips = 0;
  const squares = [0, 0], peaks = [0, 0], since = [0, 0];
  return {
    /** @param {boolean} playing */
    playing(playing) { heard = playing; if (!playing) { left.fill(0); right.fill(0); squares.fill(0); peaks.fill(0); } },
    /** @param {Float32Array} samples left and right in turn */
    add(samples) {
      const now = performance.now();
      for (let i = 0; i + 1 < samples.length; i += 2) {
        left[at] = samples[i];
        right[at] = samples[i + 1];
        at = (at + 1) % SHOWN;
        for (const side of [0, 1]) {
          const value = Math.abs(samples[i + side]);
          // 300 ms, as a volume meter has (IEC 60268-17).
          squares[side] += (value * value - squares[side]) / 14_400;
          if (value >= peaks[side] || now - since[side] > HOLD) { peaks[side] = value; since[side] = now; }
          if (value >= FULL) clips++;
        }
      }
    },
    /** @param {import("./canvas.js").Theme} theme */
    draw(theme) {
      const sheet = fit(canvas);
      if (!sheet) return;
      const { context, width, height } = sheet;
      say(note, heard ? `${clips} clipped` : "");
      context.font = font(11.5);
      context.textBaseline = "middle";
      if (!heard) {
        context.fillStyle = theme.quiet;
        context.textAlign = "center";
        context.fillText("Play sound to see it", width / 2, height / 2);
        canvas.setAttribute("aria-label", "Sound: not playing");
        return;
      }
      const size = Math.min(height, width * 0.42), x0 = width - size / 2 - 6, y0 = height / 2;
      context.strokeStyle = theme.grid;
      context.beginPath();
      context.moveTo(x0, y0 - size / 2);
      context.lineTo(x0 + size / 2, y0);
      context.lineTo(x0, y0 + size / 2);
      context.lineTo(x0 - size / 2, y0);
      context.closePath();
      context.moveTo(x0, y0 - size / 2);
      context.lineTo(x0, y0 + size / 2);
      context.stroke();
      context.fillStyle = theme.phasic;
      // Mid upwards, left to the left: a sound on both sides alike is a vertical line.
      for (let i = 0; i < SHOWN; i += 2) {
        const x = ((right[i] - left[i]) / 2) * size * 2, y = ((left[i] + right[i]) / 2) * size * 2;
        context.fillRect(Math.max(-size / 2, Math.min(size / 2, x)) + x0, y0 - Math.max(-size / 2, Math.min(size / 2, y)), 1.2, 1.2);
      }
      const wide = width - size - 60, bar = Math.min(26, height / 5);
      const place = (/** @type {number} */ db) => 18 + Math.max(0, Math.min(1, 1 - db / FLOOR)) * wide;
      ["L", "R"].forEach((name, side) => {
        const y = height / 2 + (side ? 8 : -8 - bar);
        const level = decibels(Math.sqrt(squares[side])), peak = decibels(peaks[side]);
        context.fillStyle = theme.quiet;
        context.textAlign = "left";
        context.fillText(name, 0, y + bar / 2);
        context.fillStyle = theme.grid;
        context.fillRect(18, y, wide, bar);
        context.fillStyle = theme.tonic;
        context.fillRect(18, y, place(level) - 18, bar);
        context.fillStyle = theme.text;
        context.fillRect(place(peak) - 1, y, 2, bar);
      });
      context.fillStyle = theme.quiet;
      context.textAlign = "center";
      for (let db = FLOOR; db <= 0; db += 12) context.fillText(String(db), place(db), height / 2 + bar + 22);
      context.fillText("dB of full scale", 18 + wide / 2, height / 2 + bar + 40);
      canvas.setAttribute("aria-label", `Sound: left ${decibels(Math.sqrt(squares[0])).toFixed(0)}, right ${decibels(Math.sqrt(squares[1])).toFixed(0)} dB of full scale, ${clips} clipped`);
    },
  };
}
