// The looks: bands, views, palettes, panels, traces, stage, commands, help, sound, and the address that shows the same again.

import { createHash } from "node:crypto";
import { check, hold, until } from "../check.mjs";
import { live } from "../run.mjs";

/** Changes what is shown in every way. */
export async function looks(page, seen) {
  const drawn = async (id) => createHash("sha1").update(await page.locator(id).screenshot()).digest("hex");

  await check("every band is shown by its button, its digit and the arrows", async () => {
    const { band_hz: hz } = await seen.about();
    const shows = (band) => until(`band ${band + 1}`, async () => await seen.band() === band
      && await page.locator("#bands button").nth(band).getAttribute("aria-pressed") === "true");
    for (let band = 0; band < hz.length; band++) {
      await page.locator("#bands button").nth(band).click();
      await shows(band);
      await page.keyboard.press(String(((band + 3) % hz.length) + 1));
      await shows((band + 3) % hz.length);
    }
    await page.keyboard.press("1");
    await shows(0);
    await page.keyboard.press("ArrowRight");
    await shows(1);
    await page.keyboard.press("ArrowLeft");
    await shows(0);
    return `${hz.length} bands`;
  });

  await check("every view and palette has its own colours, its key and its place in the address", async () => {
    const looks = new Set(), view = page.locator("#view"), palette = page.locator("#palette");
    const values = (list) => list.locator("option").evaluateAll((options) => options.map(({ value }) => value));
    const [views, palettes] = [await values(view), await values(palette)];
    for (const _view of views) {
      for (const _palette of palettes) {
        looks.add(`${await drawn("#wheel")} ${await page.locator("#key-words").textContent()}`);
        await page.keyboard.press("p");
      }
      await page.keyboard.press("v");
    }
    hold(looks.size === views.length * palettes.length, `${looks.size} of ${views.length * palettes.length} looks differ`);
    await view.focus();
    await page.keyboard.press("ArrowDown");
    await palette.focus();
    await page.keyboard.press("ArrowDown");
    hold(await view.inputValue() === views[1] && await palette.inputValue() === palettes[1], "the lists do not follow the keyboard");
    hold(page.url().includes(`view=${views[1]}`) && page.url().includes(`palette=${palettes[1]}`), page.url());
    await palette.blur();
    return `${views.join(", ")} in ${palettes.join(", ")}`;
  });

  await check("every panel is shown by pointer and by arrows, and says in words what it draws", async () => {
    const told = [];
    for (const list of await page.locator("[role=tablist]").all()) {
      const tabs = await list.getByRole("tab").all();
      for (const [k, tab] of tabs.entries()) {
        await tab.click();
        const panel = page.locator(`#${await tab.getAttribute("aria-controls")}`);
        hold(await panel.isVisible(), `${await tab.textContent()} is not shown`);
        const canvas = panel.locator("canvas[role=img]");
        if (await canvas.count() && await canvas.isHidden()) {
          // Nothing came in, and it says so.
          hold(/nothing/.test(await panel.textContent()), `${await tab.textContent()} is empty`);
        } else if (await canvas.count()) {
          await until(`${await tab.textContent()} says what it draws`, async () => /\d|not playing|nothing to tell/.test(await canvas.getAttribute("aria-label") ?? ""));
        } else {
          await until(`${await tab.textContent()} has rows`, async () => await panel.locator("tr, li").count() > 1);
        }
        await page.keyboard.press("ArrowRight");
        const next = tabs[(k + 1) % tabs.length];
        hold(await next.getAttribute("aria-selected") === "true" && await next.evaluate((tab) => tab === document.activeElement), "the arrow does not go on");
        told.push(await tab.textContent());
      }
      await tabs[0].evaluate((tab) => tab.blur());
    }
    return told.join(", ");
  });

  await check("+ and - change the scale of the traces", async () => {
    await page.getByRole("tab", { name: "Electrodes" }).click();
    const label = () => page.locator("#traces").getAttribute("aria-label");
    const scale = await until("a scale", label);
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    const larger = await until("another scale", async () => { const now = await label(); return now !== scale && now; });
    for (let k = 0; k < 3; k++) await page.keyboard.press("-");
    return `${larger}`;
  });

  await check("a reload shows the same again", async () => {
    await page.getByRole("tab", { name: "Spectrogram" }).click();
    await page.getByRole("tab", { name: "Bursts" }).click();
    const shown = () => page.evaluate(() => [document.getElementById("view").value, document.getElementById("palette").value,
      ...["waterfall-panel", "raster-panel", "hands"].map((id) => !document.getElementById(id).hidden)].join());
    const before = await shown();
    hold(/,true,true,true$/.test(before), before);
    await page.reload();
    await live(page);
    hold(await shown() === before, `${before} became ${await shown()}`);
    return new URL(page.url()).hash;
  });
  await sounds(page);
  await boxes(page, seen);
}

async function sounds(page) {
  await check("S and the button start and stop the sound", async () => {
    const button = page.locator("#sound");
    const plays = (wanted) => until(`aria-pressed ${wanted}`, async () => await button.getAttribute("aria-pressed") === String(wanted));
    await button.click();
    await plays(true);
    const got = await until("samples", () => page.evaluate(() => { const { received } = JSON.parse(document.body.dataset.sound ?? "{}"); return received > 24_000 && received; }));
    await page.getByRole("tab", { name: "Sound" }).click();
    await until("the level in words", async () => /left -?\d/.test(await page.locator("#scope").getAttribute("aria-label")));
    await page.keyboard.press("s");
    await plays(false);
    await page.keyboard.press("s");
    await plays(true);
    await button.click();
    await plays(false);
    return `${got} frames came`;
  });
}

async function boxes(page, seen) {
  await check("Z, F11 and Escape enter and leave the stage: the field alone", async () => {
    const isStage = () => page.evaluate(() => document.body.dataset.stage !== undefined);
    for (const [into, out] of [["z", "z"], ["F11", "F11"]]) {
      await page.keyboard.press(into);
      await until("the stage", isStage);
      hold(await page.locator("#pause").isHidden() && await page.locator(".side").isHidden() && await page.locator("#sheets canvas").first().isVisible(), "not the field alone");
      hold(/stage=1/.test(page.url()), page.url());
      await page.keyboard.press(out);
      await until("the page again", async () => !await isStage() && await page.locator("#pause").isVisible());
    }
    await page.keyboard.press("z");
    await until("the stage", isStage);
    await page.evaluate(() => document.exitFullscreen?.());
    await until("the page again, full screen left", async () => !await isStage());
  });

  await check("Ctrl-K finds every command and does it; Escape closes it", async () => {
    const box = page.locator("#command-box");
    await page.keyboard.press("Control+k");
    hold(await box.isVisible(), "it does not open");
    const count = await box.getByRole("option").count();
    hold(count > 25, `${count} commands`);
    await page.keyboard.type("state deep");
    hold(await box.getByRole("option").count() === 1, "not one command is found");
    await page.keyboard.press("Enter");
    hold(await box.isHidden(), "it stays open");
    const { hands } = await seen.about(), deep = hands.states.find(({ name }) => name === "deep").values[0];
    const at = hands.parameters.findIndex(({ key }) => key === deep[0]);
    await until("the deep state", async () => Math.abs((await seen.status()).hand.values[at] - deep[1]) < 1e-6);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("show");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    hold(await box.locator("[aria-selected=true]").count() === 1, "not one command is chosen");
    await page.keyboard.press("Escape");
    // The browser's own window tells the page that it closes.
    await until("Escape closes it", async () => await box.isHidden() && await page.evaluate(() => !document.activeElement?.closest("dialog")));
    return `${count} commands`;
  });

  await check("? and the button open the help; single keys can be switched off", async () => {
    const box = page.locator("#help-box"), hands = page.locator("#hands");
    await page.keyboard.press("?");
    await until("a list of keys", async () => await box.isVisible() && await page.locator("#keys dt").count() > 15);
    await page.keyboard.press("Escape");
    await page.locator("#help").click();
    await page.locator("#single-keys").click();
    await box.getByRole("button", { name: "Close" }).click();
    hold(await box.isHidden(), "it stays open");
    const open = await hands.isVisible();
    await page.keyboard.press("c");
    hold(await hands.isVisible() === open && /keys=0/.test(page.url()), "C still does something");
    await page.locator("#help").click();
    await page.locator("#single-keys").click();
    await page.keyboard.press("Escape");
    await page.keyboard.press("c");
    hold(await hands.isVisible() !== open, "C does nothing");
    await page.keyboard.press("c");
  });
}
