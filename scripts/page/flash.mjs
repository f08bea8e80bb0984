// Shows the most violent films to the page, and looks for flashes on it as WCAG 2.3.1 defines them.
//
//   node flash.mjs [--seconds N] [--page-files] [PROGRAM]      N seconds of each film and look
//
// Where the machine can't take enough pictures a second, the run's time is slowed by the page's own control, and flashes are
// counted in the run's time: all that a page draws comes with the run's messages.

import { check, end, hold, until } from "./check.mjs";
import { writeClip } from "./clip.mjs";
import { SCALE, flashes } from "./flashes.mjs";
import { readPng } from "./png.mjs";
import { browser, called, folder, live, run, sleep } from "./run.mjs";

/** Pictures for each second of a film, below which its flashes could be missed. */
const LEAST = 25;
/** Two pictures, and how often they change and back in a second. What is looked at ten times a second sees every change of the last. */
const FILMS = [["black", "white", 10], ["black", "red", 10], ["bars", "bars beside them", 5]];
const LOOKS = ["", "upper=cochlea", "lower=mind", "lower=binding", "lower=objects", "view=wave", "view=amplitude", "view=travel", "palette=colour-blind"];

const { program, fresh, seconds } = called();
const where = folder();

/** The pictures of a page for some seconds of the run's time, as the browser composes them. */
async function film(page, seconds, pace) {
  const { width, height } = page.viewportSize(), shots = [];
  const session = await page.context().newCDPSession(page);
  session.on("Page.screencastFrame", ({ data, metadata, sessionId }) => {
    session.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
    shots.push({ seconds: pace * metadata.timestamp, data });
  });
  await session.send("Page.startScreencast", { format: "png", maxWidth: width * SCALE, maxHeight: height * SCALE });
  await sleep((1000 * seconds) / pace);
  await session.send("Page.stopScreencast");
  await session.detach();
  return shots;
}

const rateOf = (shots) => (shots.length - 1) / (shots.at(-1).seconds - shots[0].seconds);

/** Slows the run until enough pictures are taken of it; the share of real time at which it then goes. */
async function slowed(page) {
  const pace = async () => Number(await page.locator("#speed").inputValue()) / 1000;
  await page.keyboard.press("c");
  for (;;) {
    const now = await pace();
    if (rateOf(await film(page, 2 * now, now)) > 1.3 * LEAST || now < 0.05) break;
    await page.keyboard.press("ArrowDown");
    await until("a slower run", async () => await pace() < now);
  }
  const found = await pace();
  await page.keyboard.press("c");
  return found;
}

/** Where an element is in the pictures. */
async function place(page, selector) {
  const box = await page.locator(selector).first().boundingBox();
  const x = Math.ceil(box.x * SCALE), y = Math.ceil(box.y * SCALE);
  return { x, y, width: Math.floor((box.x + box.width) * SCALE) - x, height: Math.floor((box.y + box.height) * SCALE) - y };
}

/** Judges some pictures of a page. */
function judge(shots, regions) {
  const looks = regions.map(([name, region]) => [name, flashes(region)]);
  for (const { seconds, data } of shots) {
    const picture = readPng(Buffer.from(data, "base64"));
    for (const [, look] of looks) look.add(picture, seconds);
  }
  return looks.map(([name, look]) => [name, look.found()]);
}

const chromium = await browser(fresh);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
await proof();
for (const [one, other, hz] of FILMS) {
  const clip = `${where}/${other}.y4m`;
  writeClip(clip, one, other, hz);
  const replay = await run(program, where, "replay", clip, "--loop", "--set", "view.port=0");
  if (other === FILMS[0][1]) await palettes(replay.url);
  for (const look of LOOKS) {
    await check(`${one} and ${other} at ${hz} Hz, ${look || "as the page opens"}`, async () => {
      const page = await chromium.page(`${replay.url.replace(/\/$/, "")}/#${look}`, { colorScheme: "dark" });
      await live(page);
      await sleep(1000);
      const { width, height } = page.viewportSize();
      const regions = [["page", { x: 0, y: 0, width: width * SCALE, height: height * SCALE }],
        ["field", await place(page, "#sheets canvas")], ["input", await place(page, "#input")]];
      const box = await page.locator("#input").boundingBox(), pace = await slowed(page);
      const shots = await film(page, seconds, pace);
      await page.context().close();
      const rate = rateOf(shots);
      hold(rate >= LEAST, `only ${rate.toFixed(1)} pictures a second were taken`);
      const found = judge(shots, regions);
      const figures = found.map(([name, { general, red, where }]) => `${name} ${percent(general)} general, ${percent(red)} red${general + red ? ` (block at ${where})` : ""}`).join("; ");
      hold(found.every(([, { fails }]) => !fails), `flashes: ${figures}`);
      return `of a block flashes, of 25 % allowed: ${figures}; input ${Math.round(box.width * box.height)} px²; ${rate.toFixed(0)} pictures/s for ${seconds} s at ${pace} of real time`;
    });
  }
  await replay.stop();
}
await chromium.close();
end();

/** Whatever a field did: no two colours of any view and palette differ by a flash. */
async function palettes(url) {
  await check("no two colours of a view and palette are a flash apart", async () => {
    const page = await chromium.page(url);
    const bounds = await page.evaluate(async () => {
      const { VIEWS, PALETTES, fieldTable, flashBounds } = await import("/palette.js");
      return [true, false].flatMap((dark) => VIEWS.flatMap((view) => PALETTES.map((palette) => ({ dark, view, palette, ...flashBounds(fieldTable(dark, view, palette)) }))));
    });
    await page.context().close();
    for (const found of bounds) hold(found.high - found.low < 0.1 && found.red < 0.8, JSON.stringify(found));
    const most = (of) => Math.max(...bounds.map(of)).toFixed(3);
    return `${bounds.length} tables; luminance differs by ${most(({ high, low }) => high - low)} at most, red is ${most(({ red }) => red)} of a colour`;
  });
}

/** What the judge is worth: it finds a screen that flashes, and not one that flashes three times a second. */
async function proof() {
  await check("the judge finds 10 Hz of black and white and of red, and lets 2.5 Hz and what is small pass", () => {
    const region = { x: 0, y: 0, width: 430, height: 270 };
    const see = (colours, hz, share) => {
      const look = flashes(region);
      for (let k = 0; k < 60; k++) {
        const rgb = new Uint8Array(3 * region.width * region.height);
        const colour = colours[Math.floor((2 * hz * k) / 30) % 2];
        for (let i = 0; i < share * rgb.length; i += 3) rgb.set(colour, i);
        look.add({ rgb, width: region.width }, k / 30);
      }
      return look.found();
    };
    const [black, white, red] = [[0, 0, 0], [255, 255, 255], [255, 0, 0]];
    hold(see([black, white], 10, 1).fails && see([black, white], 10, 1).red === 0, "black and white pass");
    hold(see([black, red], 10, 1).red > 0.9, "red passes");
    hold(see([[60, 0, 0], [110, 0, 0]], 10, 1).general === 0 && see([[60, 0, 0], [110, 0, 0]], 10, 1).fails, "dark red passes");
    hold(!see([black, white], 2.5, 1).fails, "2.5 Hz does not pass");
    hold(!see([black, white], 10, 0.05).fails, "a twentieth of the screen does not pass");
    hold(!see([[150, 150, 150], [158, 158, 158]], 10, 1).fails, "a faint change does not pass");
  });
}
