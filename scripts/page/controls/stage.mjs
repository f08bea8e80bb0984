// The stage: in and out, its pointer, its screen, and what it tells when the run is gone; what a link asks of a run; sound without a sound thread.

import { check, hold, until } from "../check.mjs";
import { live, run, sleep } from "../run.mjs";

const isStage = (page) => page.evaluate(() => document.body.dataset.stage !== undefined);
const isFull = (page) => page.evaluate(() => document.fullscreenElement !== null);
const pressed = (page, id) => until(`${id} pressed`, async () => await page.locator(id).getAttribute("aria-pressed") === "true");

/** Runs in the page before its scripts: counts how often the screen is kept awake. */
function countLocks() {
  globalThis.locks = { held: 0, asked: 0 };
  const request = async () => {
    globalThis.locks.held++;
    globalThis.locks.asked++;
    return { release: async () => { globalThis.locks.held--; } };
  };
  Object.defineProperty(navigator, "wakeLock", { value: { request } });
}

/** A run of its own, which is killed. */
export async function stages(chromium, program, where) {
  const demo = await run(program, where, "demo", "--set", "view.port=0");
  const open = async (hash, options) => { const page = await chromium.page(`${demo.url.replace(/\/$/, "")}/${hash}`, options); await live(page); return page; };
  const page = await open("#stage=1");

  await check("a stage opened by a link is left by Escape, and Escape does nothing else", async () => {
    hold(await isStage(page) && !await isFull(page), "no stage within the window");
    await page.keyboard.press("Escape");
    await until("the page", async () => !await isStage(page));
    const before = page.url();
    await page.keyboard.press("Escape");
    hold(!await isStage(page) && page.url() === before, "Escape does something on the page");
  });
  await check("the button enters; F11 makes a stage within the window one of full screen, and leaves from there", async () => {
    await page.evaluate(() => { location.hash = "#stage=1"; });
    await until("the stage", () => isStage(page));
    await page.keyboard.press("F11");
    await until("full screen", () => isFull(page));
    hold(await isStage(page), "F11 left the stage");
    await page.keyboard.press("F11");
    await until("the page", async () => !await isStage(page) && !await isFull(page));
    await page.getByRole("button", { name: "Stage", exact: true }).focus();
    await page.keyboard.press("Enter");
    await until("the stage by its button", async () => await isStage(page) && await isFull(page));
    await page.keyboard.press("z");
    await until("the page again", async () => !await isStage(page) && !await isFull(page));
  });
  await check("a pointer that rests on the stage is hidden until it moves", async () => {
    const cursor = () => page.locator("#sheets canvas").first().evaluate((canvas) => getComputedStyle(canvas).cursor);
    await page.keyboard.press("z");
    await page.mouse.move(300, 300);
    hold(await cursor() === "crosshair", await cursor());
    await until("no pointer", async () => await cursor() === "none");
    await page.mouse.move(310, 300);
    hold(await cursor() === "crosshair", "it stays hidden");
    await until("no pointer again", async () => await cursor() === "none");
    await page.keyboard.press("z");
    hold(await cursor() === "crosshair", "it is hidden on the page");
  });
  await check("band and twin are in the address, which keeps its query; a link asks the run for them", async () => {
    await page.goto(`${demo.url.replace(/\/$/, "")}/?give=nothing`);
    await live(page);
    await page.keyboard.press("7");
    await until("band 7", () => /band=7/.test(page.url()));
    await page.locator("#difference").click();
    await until("less its twin", () => /twin=1/.test(page.url()));
    const link = page.url();
    await page.keyboard.press("2");
    await page.keyboard.press("d");
    await until("another band", () => /band=2$/.test(page.url()));
    await page.goto("about:blank");
    await page.goto(link);
    await live(page);
    await pressed(page, "#difference");
    await pressed(page, "#bands button:nth-child(7)");
    hold(/\?give=nothing#/.test(page.url()), page.url());
    // Who only looks does not change what another page shows, and what is not to be had leaves the address.
    const other = await open("#band=3&view=none");
    await sleep(1500);
    await pressed(other, "#bands button:nth-child(7)");
    hold(/#band=7&twin=1$/.test(other.url()), other.url());
    await other.context().close();
    // The page is told of it in a task of its own.
    await page.evaluate(() => new Promise((done) => { addEventListener("hashchange", done, { once: true }); location.hash = ""; }));
    await page.keyboard.press("v");
    for (let k = 0; k < 3; k++) await page.keyboard.press("v");
    hold(/\?give=nothing#band=7&twin=1$/.test(page.url()), `the query, or what is shown, is gone: ${page.url()}`);
  });
  await check("the volume is this page's, in dB, and in the address", async () => {
    await page.getByRole("tab", { name: "Sound" }).click();
    const slider = page.getByRole("slider", { name: "Volume" });
    const sound = () => page.evaluate(() => JSON.parse(document.body.dataset.sound ?? "{}"));
    await page.locator("#sound").click();
    await until("full volume", async () => (await sound()).gain > 0.99);
    await slider.focus();
    for (let k = 0; k < 20; k++) await page.keyboard.press("ArrowLeft");
    hold(await slider.getAttribute("aria-valuetext") === "−20 dB", await slider.getAttribute("aria-valuetext"));
    hold(/volume=-20/.test(page.url()), page.url());
    const heard = await until("a tenth", async () => { const now = await sound(); return Math.abs(now.gain - 0.1) < 0.01 && now.behind > now.buffered_ms && now; });
    await until("the lag in words", async () => /\d ms behind/.test(await page.locator("#health").textContent()));
    await page.reload();
    await live(page);
    hold(await slider.inputValue() === "-20", "a reload forgets it");
    return `${heard.behind.toFixed(0)} ms behind, ${heard.buffered_ms.toFixed(0)} of them buffered`;
  });
  await page.context().close();

  const bare = async (script) => {
    const page = await chromium.page("about:blank");
    await page.addInitScript(script);
    await page.goto(demo.url);
    await live(page);
    return page;
  };
  await check("where there is no sound thread the page plays itself", async () => {
    const plain = await bare(() => { Object.defineProperty(AudioContext.prototype, "audioWorklet", { value: undefined }); });
    await plain.locator("#sound").click();
    const heard = await until("sound", () => plain.evaluate(() => { const now = JSON.parse(document.body.dataset.sound ?? "{}"); return now.level > 1e-4 && now; }));
    hold(plain.wrong.length === 0, plain.wrong.join("; "));
    await plain.context().close();
    return `${heard.received} frames came, peak ${heard.level.toFixed(3)}, ${heard.underruns} underruns`;
  });
  await check("sound that can't start is told where it is seen", async () => {
    const mute = await bare(() => { globalThis.AudioContext = class { constructor() { throw new Error("no device"); } }; });
    await mute.locator("#sound").click();
    await mute.locator("#notice", { hasText: "no sound: no device" }).waitFor();
    hold(await mute.locator("#sound-label").textContent() === "Play sound", "the button says that it plays");
    await mute.context().close();
  });
  await check("on the stage the screen stays awake, a long touch leaves, and a run that is gone is told", async () => {
    const touch = await chromium.page("about:blank", { hasTouch: true, viewport: { width: 390, height: 844 } });
    await touch.addInitScript(countLocks);
    await touch.goto(demo.url);
    await live(touch);
    await touch.getByRole("button", { name: "Stage", exact: true }).tap();
    await until("the stage", () => isStage(touch));
    const locks = () => touch.evaluate(() => globalThis.locks);
    await until("one lock", async () => (await locks()).held === 1);
    await touch.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await until("asked again", async () => (await locks()).asked > 1 && (await locks()).held === 1);
    const session = await touch.context().newCDPSession(touch), touchPoints = [{ x: 200, y: 60 }];
    const hand = (type, points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
    await hand("touchStart", touchPoints);
    await sleep(800);
    await hand("touchEnd", []);
    await sleep(1600);
    hold(await isStage(touch), "a short touch leaves");
    await hand("touchStart", touchPoints);
    await until("the page", async () => !await isStage(touch), 4);
    await hand("touchEnd", []);
    await until("no lock", async () => (await locks()).held === 0);
    await touch.locator("#stage").tap();
    const chip = touch.locator("#state");
    hold(await chip.isHidden(), `over the field stands: ${await chip.textContent()}, ${await touch.locator("#notice").textContent()}`);
    await demo.kill();
    await until("the loss is told", () => chip.isVisible());
    hold(await chip.textContent() === "Connection lost" && await touch.locator("#health").isHidden(), "other words than the state's");
    await touch.context().close();
  });
}
