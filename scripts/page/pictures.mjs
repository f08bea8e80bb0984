// Takes the README's pictures: the page in the room and with a clip, and the stage in motion.
//
//   node pictures.mjs --pictures DIR [--clip FILE] [--page-files] [PROGRAM]

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { browser, called, folder, live, run, sleep } from "./run.mjs";

/** Frames of the film, its rate, and thousandths of real time at which a browser keeps up with taking them. */
const FRAMES = 48, RATE = 16, SLOW = 50;

const at = process.argv.indexOf("--clip");
const clip = at < 0 ? undefined : resolve(process.argv.splice(at, 2)[1]);
const { program, fresh, pictures = "docs" } = called();
mkdirSync(pictures, { recursive: true });
const chromium = await browser(fresh);

/** Waits for a second of model time. @param {import("playwright-core").Page} page */
const second = (page, wanted) => page.waitForFunction((seconds) => {
  const [minutes, rest] = document.getElementById("clock").textContent.split(":").map(Number);
  return 60 * minutes + rest >= seconds;
}, wanted, { timeout: 120_000 });

/** A picture of the page, or of a part of it, at a moment of model time; six seconds before, a button is pressed where one is named. */
async function still(name, hash, moment, keys, words, colorScheme = "dark", part = undefined, button = undefined) {
  const shown = await run(program, folder(), ...words, "--set", "view.port=0");
  const page = await chromium.page(shown.url + hash, { colorScheme });
  await live(page);
  for (const key of keys) await page.keyboard.press(key);
  if (button) {
    await second(page, moment - 6);
    await page.locator(button).click();
  }
  await second(page, moment);
  await (part ? page.locator(part) : page).screenshot({ path: join(pictures, name) });
  await page.context().close();
  await shown.stop();
  console.log(join(pictures, name));
}

/** A film of the stage: model time runs slowly, so that every frame is there. */
async function film(name, moment, keys, words) {
  const where = folder();
  const shown = await run(program, where, ...words, "--set", "view.port=0");
  const page = await chromium.page(`${shown.url}#stage=1`, { viewport: { width: 600, height: 480 } });
  await live(page);
  for (const key of keys) await page.keyboard.press(key);
  await second(page, moment);
  await page.evaluate((slow) => {
    const speed = document.getElementById("speed");
    speed.value = String(slow);
    speed.dispatchEvent(new Event("change"));
  }, SLOW);
  await sleep(500);
  const begun = performance.now();
  for (let frame = 0; frame < FRAMES; frame++) {
    await sleep(begun + (frame * 1000 * 1000) / RATE / SLOW - performance.now());
    await page.screenshot({ path: join(where, `${String(frame).padStart(3, "0")}.png`) });
  }
  await page.context().close();
  await shown.stop();
  execFileSync("ffmpeg", ["-loglevel", "error", "-y", "-framerate", String(RATE), "-i", join(where, "%03d.png"), "-vf", "scale=480:-1",
    "-c:v", "libwebp_anim", "-q:v", "45", "-loop", "0", join(pictures, name)]);
  console.log(join(pictures, name));
}

const room = ["demo", "--seed", "3"];
await still("page.png", "", 14, [], room);
await still("page-light.png", "#upper=waterfall&lower=head&controls=1", 14, [], room, "light");
await still("mind.png", "#lower=mind", 24, [], room, "dark", ".side");
await still("binding.png", "#lower=binding", 14, [], room, "dark", "#lower", "#binding-ring button:nth-of-type(3)");
await still("objects.png", "#lower=objects", 14, [], room, "dark", "#lower");
// What moves, in the field less its twin.
await film("stage.webp", 1.5, ["8", "d"], room);
if (clip && existsSync(clip)) await still("clip.png", "#upper=energy&lower=raster", 9, ["8", "d"], ["replay", clip, "--loop"]);
else console.log(`left out: the page with a clip, as there is no ${clip ?? "--clip"}`);
await chromium.close();
