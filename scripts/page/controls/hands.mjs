// The hands: parameters, states, time, strikes, notes and keeping.

import { existsSync } from "node:fs";
import { check, hold, until } from "../check.mjs";
import { sleep } from "../run.mjs";

const near = (a, b, by = 1e-6) => Math.abs(a - b) <= by;
const isPressed = (element) => element.getAttribute("aria-pressed").then((value) => value === "true");

/** Everything in "Controls"; how many changes it made at least, and where it struck. */
export async function hands(page, seen, where) {
  const notes = { changes: 0 };
  const { hands: may } = await seen.about();
  const now = async () => (await seen.status()).hand;
  const value = async (k) => (await now()).values[k];

  await check("with the controls closed Space holds the run each time, and arrows go a step slower and faster", async () => {
    hold(await page.locator("#hands").isHidden(), "the controls are open");
    for (const paused of [true, false, true, false]) {
      await page.keyboard.press(" ");
      await until(`paused: ${paused}`, async () => (await now()).paused === paused);
      await page.waitForFunction((paused) => (document.body.dataset.state === "paused") === paused, paused);
    }
    for (const [key, speed] of [["ArrowDown", 500], ["ArrowDown", 200], ["ArrowUp", 500], ["ArrowUp", 1000]]) {
      await page.keyboard.press(key);
      await until(`speed ${speed}`, async () => (await now()).speed === speed);
      await until("the page follows", async () => await page.locator("#speed").inputValue() === String(speed));
    }
  });

  await check("without a speaker nothing offers to mute it; one that is there can be muted, and shows that it is", async () => {
    hold(await page.locator("#mute").isHidden(), "there is no speaker");
    const [shown, pressed, asked] = await page.evaluate(async () => {
      const { handsPanel } = await import("/hands.js");
      const asked = [], button = document.getElementById("mute");
      handsPanel((request) => asked.push(request), () => {}).follow({ values: [], speed: 1000, paused: false, muted: true, refused: "" });
      const told = [!button.hidden, button.getAttribute("aria-pressed"), asked];
      button.click();
      return told;
    });
    hold(shown && pressed === "true" && asked.length === 1 && asked[0].mute === false, `${shown} ${pressed} ${JSON.stringify(asked)}`);
  });

  await check("C and the button open and close the controls", async () => {
    const box = page.locator("#hands"), button = page.locator("#controls");
    await page.keyboard.press("c");
    hold(await box.isVisible() && await button.getAttribute("aria-expanded") === "true", "C does not open");
    await button.click();
    hold(await box.isHidden() && await button.getAttribute("aria-expanded") === "false", "the button does not close");
    await button.click();
    hold(await box.isVisible(), "the button does not open");
  });

  await check("every slider sets its parameter by keyboard and by pointer, and goes back", async () => {
    hold(may.parameters.length > 3, "no parameters");
    for (const [k, { key, name, low, high, default: usual }] of may.parameters.entries()) {
      const slider = page.getByRole("slider", { name, exact: true });
      await slider.focus();
      await page.keyboard.press(usual < high ? "ArrowRight" : "ArrowLeft");
      await until(`${key} left ${usual} by the keyboard`, async () => !near(await value(k), usual));
      const { x, y, width, height } = await slider.boundingBox();
      await page.mouse.click(x + 0.7 * width, y + height / 2);
      const shown = await slider.evaluate((element) => Number(element.value));
      hold(near((shown - low) / (high - low), 0.7, 0.06), `${key}: a click at 0.7 shows ${shown}`);
      hold(await slider.evaluate((element) => element !== document.activeElement), `${key}: a slider that was clicked keeps the keys`);
      await until(`${key} is ${shown}`, async () => near(await value(k), shown, 1e-4 * (high - low)));
      hold(/\d/.test(await slider.getAttribute("aria-valuetext")), `${key} has no value in words`);
      await until(`the way back of ${key} is open`, async () => page.getByRole("button", { name: new RegExp(`^${name}: back`) }).isEnabled());
      await page.getByRole("button", { name: new RegExp(`^${name}: back`) }).click();
      await until(`${key} is ${usual} again`, async () => near(await value(k), usual));
      await until(`the slider of ${key} follows`, async () => near(await slider.evaluate((element) => Number(element.value)), usual, (high - low) / 300));
      notes.changes += 3;
    }
    return `${may.parameters.length} of them`;
  });

  await check("every state sets its parameters, and \"all back\" the configured ones", async () => {
    const names = may.parameters.map(({ key }) => key);
    for (const { name, values } of [...may.states].reverse()) {
      const button = page.locator("#states").getByRole("button", { name, exact: false });
      await button.click();
      await until(`${name} is set`, async () => { const hand = await now(); return values.every(([key, wanted]) => near(hand.values[names.indexOf(key)], wanted)); });
      await until(`${name} is shown as pressed`, () => isPressed(button));
      notes.changes++;
    }
    await page.locator("#states button").nth(2).click();
    await page.locator("#defaults").click();
    await until("all are as configured", async () => (await now()).values.every((found, k) => near(found, may.parameters[k].default)));
    return may.states.map(({ name }) => name).join(", ");
  });

  await time(page, seen, now);
  notes.places = await strikes(page, seen);

  await check("A writes a note", async () => {
    await page.keyboard.press("a");
    await page.keyboard.type("eyes closed");
    await page.keyboard.press("Enter");
    await page.getByRole("tab", { name: "Log" }).click();
    await page.locator("#log", { hasText: "note: eyes closed" }).waitFor();
    notes.changes++;
  });
  await check("A on the stage leaves it and waits for the note; what is typed there is no command", async () => {
    await page.keyboard.press("z");
    await page.waitForFunction(() => document.body.dataset.stage !== undefined);
    await page.keyboard.press("a");
    await page.keyboard.type("pz ");
    hold(await page.evaluate(() => document.body.dataset.stage === undefined), "the stage stays");
    hold(await page.locator("#annotate-text").inputValue() === "pz " && !(await now()).paused, "what was typed is not the note");
    await page.locator("#annotate-text").fill("");
    await page.locator("#annotate-text").blur();
  });
  await check("Space holds the run also where a tab was clicked last", async () => {
    for (const paused of [true, false]) {
      await page.getByRole("tab", { name: "Log" }).click();
      await page.keyboard.press(" ");
      await until(`paused: ${paused}`, async () => (await now()).paused === paused);
    }
  });
  await check("R and the button keep the last seconds in a file, and the stage tells that, too", async () => {
    await page.keyboard.press("z");
    await page.keyboard.press("r");
    await until("retro-1.mcap", () => existsSync(`${where}/out/retro-1.mcap`));
    await page.locator("#notice", { hasText: "Kept the last" }).waitFor();
    await page.keyboard.press("z");
    await page.locator("#log", { hasText: "kept the last" }).waitFor();
    await page.locator("#keep").click();
    await until("retro-2.mcap", () => existsSync(`${where}/out/retro-2.mcap`));
    await page.locator("#notice", { hasText: "Kept the last" }).waitFor();
  });
  return notes;
}

async function time(page, seen, now) {
  const seconds = async () => (await seen.status()).seconds;
  await check("Space and the button hold the run and let it go on", async () => {
    for (const press of [() => page.keyboard.press(" "), () => page.locator("#pause").click()]) {
      await press();
      await page.waitForFunction(() => document.body.dataset.state === "paused" && document.getElementById("pause-label").textContent === "Go on");
      await sleep(400);
      const held = await seconds(), clock = await page.locator("#clock").textContent();
      await sleep(800);
      hold(await seconds() === held && await page.locator("#clock").textContent() === clock, "time goes on");
      await press();
      await page.waitForFunction(() => document.body.dataset.state === "live");
      await until("time goes on", async () => await seconds() > held);
    }
  });
  await check(". and the button step by a picture; another speed lets a run that is held stand still", async () => {
    await page.keyboard.press(" ");
    await until("the pause", async () => (await now()).paused);
    await sleep(400);
    const steps = [];
    for (const press of [() => page.keyboard.press("."), () => page.locator("#step").click()]) {
      const from = await seen.pictures();
      await press();
      await until("a picture more", async () => await seen.pictures() > from);
      await sleep(300);
      steps.push(await seen.pictures() - from);
      hold((await now()).paused, "it does not stand still after the step");
    }
    await page.locator("#speed").selectOption("500");
    await until("1/2", async () => (await now()).speed === 500);
    hold((await now()).paused, "another speed lets the run go on");
    await page.locator("#speed").selectOption("1000");
    await until("real time", async () => (await now()).speed === 1000);
    await page.locator("#speed").blur();
    await page.keyboard.press(" ");
    await page.waitForFunction(() => document.body.dataset.state === "live");
    hold(steps.every((count) => count === 1), `${steps} pictures came`);
  });
  await check("arrows and the list slow time down to 1/50, as the clock shows", async () => {
    const list = page.locator("#speed"), rates = [];
    await page.keyboard.press("ArrowDown");
    await until("1/2", async () => (await now()).speed === 500 && await list.inputValue() === "500");
    await page.keyboard.press("ArrowUp");
    await until("real time", async () => (await now()).speed === 1000);
    await list.focus();
    for (const wanted of [500, 200, 100, 50, 20]) {
      await page.keyboard.press("ArrowUp");
      await until(`speed ${wanted}`, async () => (await now()).speed === wanted);
      await until("the list follows", async () => await list.inputValue() === String(wanted));
      const [from, began] = [await seconds(), performance.now()];
      await sleep(1500);
      rates.push(((await seconds() - from) / ((performance.now() - began) / 1000)).toFixed(3));
      hold(near(rates.at(-1), wanted / 1000, 0.3 * wanted / 1000 + 0.01), `at ${wanted / 1000} time goes ${rates.at(-1)}`);
    }
    await page.keyboard.press("End");
    await until("real time", async () => (await now()).speed === 1000);
    return `model over wall time ${rates.join(", ")}`;
  });
}

/** Strikes each sheet in two places; where that was, as the session should have it. */
async function strikes(page, seen) {
  const { arrays, hands: { parameters } } = await seen.about(), places = [];
  await check("a strike of the pointer raises bursts in its sheet, at its place", async () => {
    const figures = [];
    // The fastest band answers at once.
    await page.locator("#bands button").last().click();
    // As configured, one strike hardly rises above the tonic rhythm; of full gain and length it does.
    for (const key of ["array.burst_gain", "array.burst_ms"]) {
      const at = parameters.findIndex((parameter) => parameter.key === key);
      await page.getByRole("slider", { name: parameters[at].name, exact: true }).focus();
      await page.keyboard.press("End");
      await until(`the greatest ${key}`, async () => near((await seen.status()).hand.values[at], parameters[at].high));
    }
    for (const [array, [name, { width, height }]] of arrays.entries()) {
      for (const [x, y] of [[0.25, 0.25], [0.7, 0.6]]) {
        const canvas = page.locator("#sheets canvas").nth(array), box = await canvas.boundingBox();
        const row = Math.floor((name === "hearing" ? 1 - y : y) * height), column = Math.floor(x * width);
        const before = await seen.bursts();
        await seen.expect(array, row, column);
        await page.mouse.move(box.x + x * box.width, box.y + y * box.height);
        await page.mouse.down();
        await page.mouse.up();
        places.push({ name, row, column });
        const rose = await until(`${name} rises at ${row}, ${column}`, async () => { const most = await seen.rose(); return most > 1.5 && most; });
        const after = await until("its bursts", async () => { const found = await seen.bursts(); return found[array] > before[array] && found; });
        hold(after.every((count, k) => k === array || count === before[k]), `bursts in other sheets: ${before} -> ${after}`);
        figures.push(`${name} ${row}, ${column}: ${after[array] - before[array]} bursts, ${rose.toFixed(1)} x the sheet's mean`);
        await sleep(700);
      }
    }
    await page.locator("#defaults").click();
    return figures.join("; ");
  });
  return places;
}
