// A viewer beside the page that knows nothing of the page's code: what the run itself says over its WebSocket.

/** Runs in the browser, on a file of the run's server that does nothing by itself. */
async function watch() {
  const { PAGE } = await import("/version.js");
  const text = new TextDecoder();
  const seen = { status: undefined, about: undefined, control: "", bursts: [], struck: undefined, band: -1, pictures: 0 };
  globalThis.seen = seen;
  const socket = new WebSocket(`ws://${location.host}/socket?page=${PAGE}`);
  socket.binaryType = "arraybuffer";
  socket.onclose = (event) => { seen.closed = `${event.code} ${event.reason}`; };
  socket.onmessage = ({ data }) => {
    const view = new DataView(data), kind = view.getUint8(0);
    const json = () => JSON.parse(text.decode(new Uint8Array(data, 24)));
    if (kind === 1) {
      seen.band = view.getUint16(2, true);
      for (let at = 24, left = view.getUint32(4, true); left > 0; left--) {
        const [array, , width, height] = new Uint16Array(data, at, 4);
        if (seen.struck?.array === array) look(seen.struck, width, height, new Uint8Array(data, at + 8, 2 * width * height));
        at += 8 + 2 * width * height;
      }
      seen.pictures++;
      socket.send(JSON.stringify({ ack: Number(view.getBigUint64(8, true)) }));
    }
    if (kind === 4) ({ status: seen.status } = json());
    if (kind === 5) json().bursts.forEach((row, array) => { seen.bursts[array] = row.reduce((sum, n) => sum + n, seen.bursts[array] ?? 0); });
    if (kind === 6) seen.about = json();
  };
}

/** Runs there too: the most that a disc of sites rose over the mean of its sheet. */
function look(struck, width, height, bytes) {
  let near = 0, sites = 0, all = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const amplitude = bytes[2 * (row * width + column) + 1];
      all += amplitude;
      if (Math.hypot(row - struck.row, column - struck.column) <= 3) { near += amplitude; sites++; }
    }
  }
  struck.most = Math.max(struck.most, (near / sites) / (all / (width * height)));
}

/** Begins to watch the run at `url`. */
export async function witness(browser, url) {
  const page = await browser.page(new URL("/version.js", url).href);
  await page.evaluate(`globalThis.look = ${look}; (${watch})()`);
  await page.waitForFunction(() => globalThis.seen.status && globalThis.seen.about);
  return {
    status: () => page.evaluate(() => globalThis.seen.status),
    about: () => page.evaluate(() => globalThis.seen.about),
    band: () => page.evaluate(() => globalThis.seen.band),
    pictures: () => page.evaluate(() => globalThis.seen.pictures),
    /** Bursts that entered each array so far. */
    bursts: () => page.evaluate(() => globalThis.seen.bursts),
    /** From now on looks at what becomes of a site's surroundings; gives how far above the sheet's mean they came. */
    expect: (array, row, column) => page.evaluate((struck) => { globalThis.seen.struck = struck; }, { array, row, column, most: 0 }),
    rose: () => page.evaluate(() => globalThis.seen.struck.most),
    close: () => page.context().close(),
  };
}
