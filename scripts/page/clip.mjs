// Writes the most violent films there are, as Y4M: the whole picture changes between two colours, or between bars and those beside them.

import { writeFileSync } from "node:fs";

/** Pictures a second. */
const RATE = 40;
const WIDTH = 320, HEIGHT = 240, SECONDS = 4;

/** Y'CbCr of the studio's range (ITU-R BT.601). */
const COLOURS = { black: [16, 128, 128], white: [235, 128, 128], red: [81, 90, 240] };

/** White bars on black: whether a bar is at an eighth of the width. */
const BARS = { bars: (eighth) => eighth % 2 === 1, "bars beside them": (eighth) => eighth % 2 === 0 && eighth > 0 };

/** The light of each pixel of a picture of bars. */
function bars(isBar) {
  const light = Buffer.alloc(WIDTH * HEIGHT, COLOURS.black[0]);
  for (let y = HEIGHT / 8; y < (7 * HEIGHT) / 8; y++) {
    for (let x = 0; x < (7 * WIDTH) / 8; x++) if (isBar(Math.floor((8 * x) / WIDTH))) light[y * WIDTH + x] = COLOURS.white[0];
  }
  return light;
}

/** Writes `file`, which changes between `one` and `other` and back `hz` times a second. */
export function writeClip(file, one, other, hz) {
  const each = RATE / hz / 2;
  const picture = (name) => {
    const [y, cb, cr] = COLOURS[name] ?? COLOURS.black, colours = (WIDTH * HEIGHT) / 4;
    const light = BARS[name] ? bars(BARS[name]) : Buffer.alloc(WIDTH * HEIGHT, y);
    return Buffer.concat([Buffer.from("FRAME\n"), light, Buffer.alloc(colours, cb), Buffer.alloc(colours, cr)]);
  };
  const pictures = [picture(one), picture(other)];
  const all = Array.from({ length: SECONDS * RATE }, (_, k) => pictures[Math.floor(k / each) % 2]);
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`), ...all]));
}
