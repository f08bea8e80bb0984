// @ts-check
// Helpers for panels that draw on a canvas: size, colours, text.

/** The page's colours by their names in page.css, read again when the scheme changes. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour("text"), quiet: colour("quiet"), grid: colour("grid"), line: colour("line"),
    tonic: colour("tonic"), phasic: colour("phasic"), panel: colour("panel"),
  };
}

/** @typedef {ReturnType<typeof theme>} Theme */

/** The sizes of canvases in CSS pixels, as the browser tells them: to ask for one makes it lay the whole page out.
 * @type {WeakMap<Element, { width: number, height: number }>} */
const sizes = new WeakMap();
const watcher = new ResizeObserver((changes) => {
  for (const { target, contentRect } of changes) {
    sizes.set(target, { width: Math.round(contentRect.width), height: Math.round(contentRect.height) });
  }
});

/** @param {HTMLCanvasElement} canvas */
export function sizeOf(canvas) {
  const known = sizes.get(canvas);
  if (known?.width) return known;
  // Never seen, or hidden until now.
  if (!known) watcher.observe(canvas);
  const size = { width: canvas.clientWidth, height: canvas.clientHeight };
  sizes.set(canvas, size);
  return size;
}

/** Gives the canvas as many pixels as the screen shows, and a context whose unit is a CSS pixel.
 * @param {HTMLCanvasElement} canvas */
export function fit(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const { width, height } = sizeOf(canvas);
  const context = canvas.getContext("2d");
  if (!context || width < 2 || height < 2) return null;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** The same of a canvas that was fitted and has not changed since: what is drawn on it stays.
 * @param {HTMLCanvasElement} canvas */
export function kept(canvas) {
  const context = canvas.getContext("2d");
  return context && { context, ...sizeOf(canvas) };
}

/** @param {number} size in CSS pixels */
export const font = (size, weight = 400) => `${weight} ${size}px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif`;

/** The largest of 1, 2, 5 times a power of ten that is at most `value`. @param {number} value above 0 */
export function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead >= 5 ? 5 : lead >= 2 ? 2 : 1) * power;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A count with thousands apart. @param {number} value */
export const whole = (value) => grouped.format(value);

/** A number with about three digits; what was not measured is a dash. @param {number | null | undefined} value */
export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e7 ? 0 : 1)} M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(size >= 1e5 ? 0 : 1)} k`;
  return size >= 100 ? whole(value) : size >= 10 ? value.toFixed(1) : value.toFixed(size === 0 ? 0 : 2);
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** @param {string} id */
export const canvasById = (id) => /** @type {HTMLCanvasElement} */ (byId(id));

/** Sets text only where it differs: the layout is left alone. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
