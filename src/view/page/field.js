// @ts-check
// The field: one canvas for each array, by WebGL2, or by Canvas2D where there is none or the processor would have to compute it.
// WebGL interpolates between sites in the complex plane, so that colours between two sites lie between
// their oscillations; Canvas2D draws one pixel a site.

import { AMPLITUDES, PHASES } from "./palette.js";

/** Drawn pixels for each site and direction: filling pixels costs more than sending sites. */
const FINENESS = 2;

const VERTEX = `#version 300 es
out vec2 at;
uniform float up;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0;
  at = vec2(corner.x, up > 0.0 ? corner.y : 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
const float TAU = 6.28318530718;
uniform bool travel;
uniform float up;
uniform sampler2D sites;
uniform sampler2D colours;
in vec2 at;
out vec4 colour;
vec2 site(ivec2 p, ivec2 size) {
  vec2 value = texelFetch(sites, clamp(p, ivec2(0), size - 1), 0).rg;
  float phase = value.r * (255.0 / 256.0) * TAU;
  return value.g * vec2(cos(phase), sin(phase));
}
void main() {
  ivec2 size = textureSize(sites, 0);
  if (travel) {
    // |z| times the phase's slope, per site; a wave runs to where the phase falls.
    ivec2 s = ivec2(at * vec2(size));
    vec2 here = site(s, size), right = site(s + ivec2(1, 0), size) - site(s - ivec2(1, 0), size);
    vec2 down = site(s + ivec2(0, 1), size) - site(s - ivec2(0, 1), size);
    vec2 slope = vec2(here.x * right.y - here.y * right.x, here.x * down.y - here.y * down.x) / max(length(here), 1e-3);
    float way = length(slope) > 0.0 ? atan(up > 0.0 ? -slope.y : slope.y, -slope.x) / TAU : 0.0;
    colour = vec4(texture(colours, vec2(way + 0.5 / 256.0, length(slope))).rgb, 1.0);
    return;
  }
  vec2 p = at * vec2(size) - 0.5;
  ivec2 i = ivec2(floor(p));
  vec2 f = p - vec2(i);
  vec2 z = mix(mix(site(i, size), site(i + ivec2(1, 0), size), f.x),
               mix(site(i + ivec2(0, 1), size), site(i + ivec2(1, 1), size), f.x), f.y);
  float phase = length(z) > 0.0 ? atan(z.y, z.x) / TAU : 0.0;
  colour = vec4(texture(colours, vec2(phase + 0.5 / 256.0, length(z))).rgb, 1.0);
}`;

/** Names of what computes WebGL on the processor: there Canvas2D takes a third of the time. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Whether a graphics card draws; `painter=webgl` or `painter=canvas` in the page's address says otherwise. */
function hasCard() {
  const asked = new URLSearchParams(location.hash.slice(1)).get("painter");
  if (asked) return asked === "webgl";
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}

/** @typedef {{ draw(width: number, height: number, bytes: Uint8Array): void, paint(table: Uint8ClampedArray, travel: boolean): void, lost(): boolean, release(): void }} Painter */

/** @param {HTMLCanvasElement} canvas @param {boolean} up whether row 0 lies at the bottom @returns {Painter | null} */
function webglPainter(canvas, up) {
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, desynchronized: false, powerPreference: "low-power" });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = gl.createShader(kind);
    if (!shader) return null;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.uniform1f(gl.getUniformLocation(program, "up"), up ? 1 : 0);
  gl.uniform1i(gl.getUniformLocation(program, "sites"), 0);
  gl.uniform1i(gl.getUniformLocation(program, "colours"), 1);
  const texture = (/** @type {number} */ unit, /** @type {number} */ filter, /** @type {number} */ wrap) => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, wrap);
    // Only the phase is cyclic: amplitude 4 must not bleed into amplitude 0.
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  };
  texture(0, gl.NEAREST, gl.CLAMP_TO_EDGE);
  texture(1, gl.LINEAR, gl.REPEAT);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return {
    draw(width, height, bytes) {
      gl.activeTexture(gl.TEXTURE0);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RG8, width, height, 0, gl.RG, gl.UNSIGNED_BYTE, bytes);
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    },
    paint(table, travel) {
      gl.uniform1i(gl.getUniformLocation(program, "travel"), travel ? 1 : 0);
      gl.activeTexture(gl.TEXTURE1);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, PHASES, AMPLITUDES, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(table.buffer));
    },
    lost: () => gl.isContextLost(),
    release() { gl.getExtension("WEBGL_lose_context")?.loseContext(); },
  };
}

const COS = Float32Array.from({ length: PHASES }, (_, i) => Math.cos((2 * Math.PI * i) / PHASES));
const SIN = Float32Array.from({ length: PHASES }, (_, i) => Math.sin((2 * Math.PI * i) / PHASES));

/** The way waves run, as phase and amplitude, as the shader finds it. @param {number} width @param {number} height
 * @param {Uint8Array} bytes @param {boolean} up */
function travelOf(width, height, bytes, up) {
  const ways = new Uint8Array(bytes.length);
  const difference = (/** @type {number} */ at, /** @type {number} */ to, /** @type {number} */ from) => {
    const [c, s] = [COS[bytes[at]], SIN[bytes[at]]];
    const x = bytes[to + 1] * COS[bytes[to]] - bytes[from + 1] * COS[bytes[from]];
    const y = bytes[to + 1] * SIN[bytes[to]] - bytes[from + 1] * SIN[bytes[from]];
    return c * y - s * x;
  };
  for (let row = 0; row < height; row++) {
    const above = Math.max(0, row - 1) * width, below = Math.min(height - 1, row + 1) * width;
    for (let column = 0; column < width; column++) {
      const at = 2 * (row * width + column);
      const right = difference(at, 2 * (row * width + Math.min(width - 1, column + 1)), 2 * (row * width + Math.max(0, column - 1)));
      const down = difference(at, 2 * (below + column), 2 * (above + column));
      ways[at] = Math.round((Math.atan2(up ? -down : down, -right) / (2 * Math.PI)) * PHASES) & 255;
      ways[at + 1] = Math.min(255, Math.hypot(right, down));
    }
  }
  return ways;
}

/** @param {HTMLCanvasElement} canvas @param {boolean} up @returns {Painter} */
function plainPainter(canvas, up) {
  const context = canvas.getContext("2d");
  /** @type {Uint32Array} */
  let words = new Uint32Array(0);
  /** @type {ImageData | undefined} */
  let image;
  let travels = false;
  return {
    draw(width, height, sent) {
      if (!context) return;
      const bytes = travels ? travelOf(width, height, sent, up) : sent;
      if (image?.width !== width || image?.height !== height) image = context.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      for (let row = 0; row < height; row++) {
        const from = row * width, to = (up ? height - 1 - row : row) * width;
        for (let column = 0; column < width; column++) {
          const at = 2 * (from + column);
          pixels[to + column] = words[bytes[at + 1] * PHASES + bytes[at]];
        }
      }
      context.putImageData(image, 0, 0);
    },
    paint(table, travel) { words = new Uint32Array(table.buffer); travels = travel; },
    lost: () => false,
    release() {},
  };
}

/** What an array's directions mean, where its name tells; hearing has its lowest channel in row 0, drawn at the bottom.
 * @param {string} name */
const axes = (name) => (name === "hearing" ? { up: true, text: "pitch ↑ rate →" } : { up: false, text: "" });

/** Least time between two strikes of one stroke in ms. */
const STRIKE = 33;

/** All sheets of a run. @param {HTMLElement} host
 * @param {(array: number, row: number, column: number) => void} strike told where the pointer strikes */
export function fieldPanel(host, strike) {
  /** @type {{ name: string, canvas: HTMLCanvasElement, painter: Painter, note: HTMLElement, last?: import("./wire.js").FieldImage }[]} */
  let sheets = [];
  /** @type {Uint8ClampedArray} */
  let table = new Uint8ClampedArray(PHASES * AMPLITUDES * 4), travels = false;
  const byCard = hasCard();

  /** @param {string} name @param {{ width: number, height: number }} shape */
  function makeSheet(name, shape) {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    const label = document.createElement("b"), note = document.createElement("span");
    const { up, text } = axes(name);
    label.textContent = name.charAt(0).toUpperCase() + name.slice(1);
    note.textContent = text || `${shape.width} × ${shape.height} sites`;
    caption.title = `${name}: ${shape.width} columns, ${shape.height} rows`;
    caption.append(label, note);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name} field: nothing yet`);
    canvas.style.aspectRatio = `${shape.width} / ${shape.height}`;
    canvas.width = shape.width * FINENESS;
    canvas.height = shape.height * FINENESS;
    let painter = byCard ? webglPainter(canvas, up) : null;
    if (!painter) {
      canvas.width = shape.width;
      canvas.height = shape.height;
      painter = plainPainter(canvas, up);
    }
    painter.paint(table, travels);
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      const again = webglPainter(canvas, up);
      if (again) { sheet.painter = again; again.paint(table, travels); }
    });
    figure.append(canvas, caption);
    const sheet = { name, canvas, painter, note };
    strikes(canvas, shape, up, sheets.length);
    sheets.push(sheet);
    return figure;
  }

  /** Has the pointer strike where it is, while it is down. @param {HTMLCanvasElement} canvas @param {{ width: number, height: number }} shape
   * @param {boolean} up @param {number} array */
  function strikes(canvas, shape, up, array) {
    let last = 0;
    const at = (/** @type {PointerEvent} */ event) => {
      if (canvas.dataset.pokes === undefined || event.timeStamp - last < STRIKE) return;
      last = event.timeStamp;
      const box = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * shape.width);
      const row = Math.floor(((event.clientY - box.top) / box.height) * shape.height);
      if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) return;
      strike(array, up ? shape.height - 1 - row : row, column);
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); at(event); });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons & 1) at(event); });
  }

  return {
    /** Whether the field may be struck. @param {boolean} may */
    setPokes(may) {
      for (const { canvas } of sheets) {
        if (may) canvas.dataset.pokes = "";
        else delete canvas.dataset.pokes;
      }
    },
    /** @param {import("./messages.d.ts").About["arrays"]} arrays */
    setArrays(arrays) {
      // A browser lends some sixteen contexts, and takes the oldest where more are wanted.
      for (const { painter } of sheets) painter.release();
      sheets = [];
      const [first, ...others] = arrays.map(([name, shape]) => makeSheet(name, shape));
      const more = document.createElement("div");
      more.className = "more";
      more.append(...others);
      host.replaceChildren(...(first ? [first] : []), ...(others.length ? [more] : []));
      document.documentElement.style.setProperty("--columns", others.length ? "1.25" : "1");
    },
    /** @param {Uint8ClampedArray} fresh @param {boolean} travel whether the way of waves is shown, not their phase */
    setTable(fresh, travel) {
      table = fresh;
      travels = travel;
      for (const { painter, last } of sheets) {
        painter.paint(table, travels);
        if (last) painter.draw(last.width, last.height, last.bytes);
      }
    },
    /** @param {import("./wire.js").FieldFrame} frame */
    draw(frame) {
      for (const image of frame.images) {
        const sheet = sheets[image.array];
        if (!sheet || sheet.painter.lost()) continue;
        sheet.painter.draw(image.width, image.height, image.bytes);
        sheet.last = image;
      }
    },
    /** Says in words what is shown. @param {string} band @param {boolean} less whether its twin is taken away */
    describe(band, less) {
      for (const { name, canvas, last } of sheets) {
        if (!last) continue;
        let sum = 0;
        for (let i = 1; i < last.bytes.length; i += 2) sum += last.bytes[i];
        const mean = ((less ? 1 : 4) * sum) / 255 / (last.bytes.length / 2);
        canvas.setAttribute("aria-label", `${name} field, ${band}: mean amplitude ${mean.toFixed(2)} times the tonic rms`);
      }
    },
  };
}

