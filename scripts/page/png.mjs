// Reads a PNG picture as browsers write it: 8 bits, RGB or RGBA, not interlaced (ISO/IEC 15948).

import { inflateSync } from "node:zlib";

/** What each row's filter takes from the bytes to the left, above, and above to the left. */
function paeth(a, b, c) {
  const p = a + b - c, pa = Math.abs(p - a), pb = Math.abs(p - b), pc = Math.abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

/** Width, height and RGB bytes of a picture. */
export function readPng(file) {
  const width = file.readUInt32BE(16), height = file.readUInt32BE(20), [depth, kind, , , interlaced] = file.subarray(24, 29);
  const wide = { 2: 3, 6: 4 }[kind];
  if (depth !== 8 || !wide || interlaced) throw new Error(`a PNG of depth ${depth}, kind ${kind} is not read`);
  const parts = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  const data = inflateSync(Buffer.concat(parts)), row = width * wide;
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0, from = 1; y < height; y++, from += row + 1) {
    const filter = data[from - 1], above = from - row - 1;
    for (let i = 0; i < row; i++) {
      const a = i < wide ? 0 : data[from + i - wide], b = y ? data[above + i] : 0;
      if (filter === 1) data[from + i] += a;
      else if (filter === 2) data[from + i] += b;
      else if (filter === 3) data[from + i] += (a + b) >> 1;
      else if (filter === 4) data[from + i] += paeth(a, b, i < wide || !y ? 0 : data[above + i - wide]);
    }
    for (let x = 0; x < width; x++) {
      const to = 3 * (y * width + x), at = from + wide * x;
      rgb[to] = data[at]; rgb[to + 1] = data[at + 1]; rgb[to + 2] = data[at + 2];
    }
  }
  return { width, height, rgb };
}
