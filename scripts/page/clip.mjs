// Writes the most violent films there are, as Y4M: the whole picture changes between two colours.

import { writeFileSync } from "node:fs";

/** Pictures a second, and the changes of colour among them: 10 flashes a second. */
const RATE = 40, EACH = 2;
const WIDTH = 320, HEIGHT = 240, SECONDS = 4;

/** Y'CbCr of the studio's range (ITU-R BT.601). */
const COLOURS = { black: [16, 128, 128], white: [235, 128, 128], red: [81, 90, 240] };

/** Writes `file`, which changes between `one` and `other` 10 times a second and back. */
export function writeClip(file, one, other) {
  const picture = (name) => {
    const [y, cb, cr] = COLOURS[name], colours = (WIDTH * HEIGHT) / 4;
    return Buffer.concat([Buffer.from("FRAME\n"), Buffer.alloc(WIDTH * HEIGHT, y), Buffer.alloc(colours, cb), Buffer.alloc(colours, cr)]);
  };
  const pictures = [picture(one), picture(other)];
  const all = Array.from({ length: SECONDS * RATE }, (_, k) => pictures[Math.floor(k / EACH) % 2]);
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${RATE}:1 Ip A1:1 C420jpeg\n`), ...all]));
}
