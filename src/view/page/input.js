// @ts-check
// The picture that comes in. It is not ours to keep from flashing, so it is drawn small: below a quarter of the
// 341 x 256 pixel block of WCAG 2.3.1 (21,824 px), where no flash counts as one. The bursts that it raised lie faintly on it,
// and nowhere beside it.

import { say } from "./canvas.js";

/** CSS pixels that the picture may cover, so that what moves beside it in a block has room, too. */
const AREA = 17_000;
/** And how wide or high it may be. */
const WIDEST = 240, HIGHEST = 132;
/** How much a cell of bursts covers, of one and of many. */
const FAINT = 0.15, FULL = 0.45;

/** @param {HTMLCanvasElement} canvas @param {HTMLElement} none @param {HTMLElement} note @param {HTMLElement} key */
export function inputPanel(canvas, none, note, key) {
  const context = canvas.getContext("2d", { alpha: false });
  /** @type {ImageData | undefined} */
  let image;
  /** Bursts On and Off of the picture that is shown, or none told. @type {[number, number] | undefined} */
  let raised;
  canvas.hidden = true;

  /** Lays the picture's bursts on it. @param {import("./wire.js").Picture} picture @param {import("./canvas.js").Theme} theme */
  function lay({ width, height, side, bursts }, theme) {
    key.hidden = side === 0;
    raised = side === 0 ? undefined : [0, 0];
    if (!context || !raised) return;
    const wide = width / side, high = height / side;
    for (const [sign, colour] of [theme.phasic, theme.tonic].entries()) {
      context.fillStyle = colour;
      for (let at = 0; at < side * side; at++) {
        const count = bursts[sign * side * side + at];
        if (!count) continue;
        raised[sign] += count;
        context.globalAlpha = Math.min(FULL, FAINT * count);
        context.fillRect((at % side) * wide, Math.floor(at / side) * high, wide, high);
      }
    }
    context.globalAlpha = 1;
  }

  return {
    /** @param {import("./wire.js").Picture} picture @param {import("./canvas.js").Theme} theme */
    draw(picture, theme) {
      const { width, height, rgb } = picture;
      if (!context || rgb.length < 3 * width * height) return;
      if (image?.width !== width || image?.height !== height) {
        canvas.width = width;
        canvas.height = height;
        image = context.createImageData(width, height);
        image.data.fill(255);
        const scale = Math.min(Math.sqrt(AREA / (width * height)), WIDEST / width, HIGHEST / height);
        canvas.style.width = `${Math.floor(width * scale)}px`;
        canvas.style.height = `${Math.floor(height * scale)}px`;
        canvas.hidden = false;
        none.hidden = true;
        say(note, `${width} × ${height}`);
      }
      for (let from = 0, to = 0; from < 3 * width * height; from += 3, to += 4) {
        image.data[to] = rgb[from];
        image.data[to + 1] = rgb[from + 1];
        image.data[to + 2] = rgb[from + 2];
      }
      context.putImageData(image, 0, 0);
      lay(picture, theme);
    },
    /** Another run: there is no picture yet. */
    forget() {
      image = undefined;
      canvas.hidden = key.hidden = true;
      none.hidden = false;
      say(note, "");
      canvas.setAttribute("aria-label", "Input picture: none yet");
    },
    /** Says in words what is shown. */
    describe() {
      if (!image) return;
      let sum = 0;
      for (let i = 0; i < image.data.length; i += 4) sum += image.data[i] + image.data[i + 1] + image.data[i + 2];
      const mean = Math.round((100 * sum) / (255 * 0.75 * image.data.length));
      const bursts = raised ? `, raised ${raised[0]} bursts On and ${raised[1]} Off` : "";
      canvas.setAttribute("aria-label", `Input picture, ${image.width} by ${image.height} pixels, mean brightness ${mean} %${bursts}`);
    },
  };
}
