// Several pages of one run, and one page of several runs.

import { check, hold, until } from "../check.mjs";
import { live, run, sleep } from "../run.mjs";

/** A second page beside `page`. */
export async function pages(chromium, url, page, seen) {
  const other = await chromium.page(`${url.replace(/\/$/, "")}/#view=amplitude&controls=1`);
  const says = (which, words) => until(`"${words}"`, async () => (await which.locator("#in-control").textContent()).includes(words));

  await check("two pages agree on band, values and time", async () => {
    await live(other);
    await page.keyboard.press("3");
    for (const each of [page, other]) {
      await until("band 3 on both", async () => await each.locator("#bands button").nth(2).getAttribute("aria-pressed") === "true");
    }
    const shown = (which) => which.evaluate(() => [...document.querySelectorAll("#parameters output")].map((value) => value.textContent).join());
    await until("the same values", async () => await shown(page) === await shown(other));
    return shown(page);
  });
  await check("one page is in control; another is refused, told so, and may take over", async () => {
    await page.locator("#defaults").click();
    await says(page, "This page");
    await says(other, "Another page");
    // What all pages show is the run's, too.
    await other.keyboard.press("5");
    await other.locator("#notice", { hasText: "another page is in control" }).waitFor();
    await sleep(500);
    for (const each of [page, other]) {
      hold(await each.locator("#bands button").nth(2).getAttribute("aria-pressed") === "true", "a page that is not in control shows or sets another band");
    }
    await other.locator("#states button").nth(1).click();
    const text = other.locator("#annotate-text");
    await text.fill("not mine to write");
    await other.keyboard.press("Enter");
    await sleep(1500);
    hold(await text.inputValue() === "not mine to write", `the text of a note that was refused is gone: ${await other.locator("#log").textContent()}`);
    const log = await other.locator("#log").textContent();
    hold(!/note:|state:/.test(log), `what was refused is written down as done: ${log}`);
    await text.fill("");
    await text.blur();
    await other.locator("#take").click();
    await says(other, "This page");
    await says(page, "Another page");
    hold(!/another page/i.test(await other.locator("#notice").textContent()), "it still says that another page is in control");
    await other.locator("#states button").nth(1).click();
    for (const each of [page, other]) {
      await until("the state on both", async () => await each.locator("#states button").nth(1).getAttribute("aria-pressed") === "true");
    }
    await other.context().close();
    await says(page, "Whoever changes");
    const { hand } = await seen.status();
    await page.locator("#defaults").click();
    await until("control again", async () => (await seen.status()).hand.values.join() !== hand.values.join());
  });
}

/** The page of a run that ends, is killed and comes again on its port. */
export async function again(chromium, program, where) {
  const start = (port) => run(program, where, "demo", "--set", `view.port=${port}`);
  let demo = await start(0);
  const port = new URL(demo.url).port;
  const page = await chromium.page(demo.url);
  const state = () => page.evaluate(() => document.body.dataset.state);
  await check("a page tells when its run ends or is killed, keeps its picture, and comes back with the run", async () => {
    await live(page);
    await page.keyboard.press("c");
    const waits = [];
    for (const [how, wanted] of [["stop", "ended"], ["kill", "lost"]]) {
      await demo[how]();
      await until(wanted, async () => await state() === wanted);
      hold(await page.locator("#notice").isVisible(), "nothing is told");
      const text = page.locator("#annotate-text");
      await text.fill(wanted);
      await page.keyboard.press("Enter");
      await page.locator("#notice", { hasText: wanted === "ended" ? "takes nothing" : "was not asked" }).waitFor();
      hold(await text.inputValue() === wanted, "the text of a note that was not sent is gone");
      hold(!/note:/.test(await page.locator("#log").textContent()), "a note that was not sent is written down as done");
      await sleep(500);
      demo = await start(port);
      const from = performance.now();
      await until("the run again", async () => await state() === "live", 15);
      waits.push(`${((performance.now() - from) / 1000).toFixed(1)} s`);
    }
    hold(page.wrong.length === 0, page.wrong.join("; "));
    return `back after ${waits.join(" and ")}`;
  });
  await check("a page tells that nothing comes while its connection is open, on the stage too, and for how long", async () => {
    const chip = page.locator("#state"), silence = page.locator("#silence");
    for (const stage of [false, true]) {
      if (stage) await page.evaluate(() => { location.hash = "#stage=1"; });
      await live(page);
      demo.halt(true);
      await until("it is told", async () => await state() === "silent", 8);
      hold(await chip.isVisible() && await chip.textContent() === "No picture", await chip.textContent());
      await until("it counts", async () => /for 4 s/.test(await silence.textContent()), 4);
      demo.halt(false);
      await until("it is told no more", async () => await state() === "live" && await silence.textContent() === "");
    }
  });
  await page.context().close();
  await demo.stop();
}
