// Whether everyone can use the page: axe-core by WCAG 2.2 A and AA, the keyboard, names, visible focus, narrow screens.
//
//   node access.mjs [--page-files] [--pictures DIR] [PROGRAM]      --pictures: what each width looks like

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { check, end, hold } from "./check.mjs";
import { browser, called, folder, live, run, sleep } from "./run.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const SIZES = [[1440, 900], [1024, 768], [390, 844]];
const SCHEMES = { dark: { colorScheme: "dark" }, light: { colorScheme: "light" }, forced: { colorScheme: "dark", forcedColors: "active" } };

const { program, fresh, pictures } = called();
const demo = await run(program, folder(), "demo", "--set", "view.port=0");
const chromium = await browser(fresh);

/** Everything that the page can show, one state after another: its name, how to come to it, how to leave it. */
const STATES = [
  ["as it opens", () => {}],
  ...["waterfall", "latency", "log"].map((id) => [id, (page) => page.locator(`#${id}-panel-tab`).click()]),
  ...["head", "raster", "cochlea", "scope", "mind", "belonging", "binding", "objects"].map((id) => [id, (page) => page.locator(`#${id}-panel-tab`).click()]),
  ["controls", (page) => page.locator("#controls").click()],
  ["paused", (page) => page.locator("#pause").click(), (page) => page.locator("#pause").click()],
  ["help", (page) => page.locator("#help").click(), (page) => page.keyboard.press("Escape")],
  ["commands", (page) => page.keyboard.press("Control+k"), (page) => page.keyboard.press("Escape")],
  ["stage", (page) => page.keyboard.press("z"), (page) => page.keyboard.press("z")],
];

/** What axe-core finds wrong: rule, and where. */
async function violations(page, tags) {
  const found = await page.evaluate(async (tags) => {
    const { violations, passes } = await globalThis.axe.run(document, { runOnly: tags, rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] });
    return { rules: passes.length + violations.length, violations: violations.map(({ id, nodes }) => `${id} at ${nodes.map(({ target }) => target.join(" ")).slice(0, 3).join(", ")}`) };
  }, tags);
  return found;
}

/** What lies beyond the right edge, where the page can be scrolled to it. */
const overflow = (page) => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return "";
  const wide = [...document.body.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5);
  return `${scrollWidth - clientWidth} px: ${wide.map(({ id, className, tagName }) => `${tagName} ${id || className}`).slice(-3).join(", ")}`;
});

for (const [width, height] of SIZES) {
  for (const [scheme, options] of Object.entries(SCHEMES)) {
    await check(`axe-core at ${width} x ${height}, ${scheme}`, async () => {
      const page = await chromium.page(demo.url, { viewport: { width, height }, ...options });
      await live(page);
      await page.evaluate(AXE);
      const wrong = [], advice = new Set();
      let rules = 0;
      for (const [name, enter, leave] of STATES) {
        await enter(page);
        await sleep(150);
        const { rules: count, violations: found } = await violations(page, RULES);
        rules = Math.max(rules, count);
        wrong.push(...found.map((what) => `${name}: ${what}`));
        for (const what of (await violations(page, ["best-practice"])).violations) advice.add(what);
        const beyond = await overflow(page);
        if (beyond) wrong.push(`${name}: beyond the right edge ${beyond}`);
        if (pictures && scheme !== "forced") await page.screenshot({ path: `${pictures}/${width}-${scheme}-${name.replaceAll(" ", "-")}.png`, fullPage: width < 1080 });
        await leave?.(page);
      }
      await page.context().close();
      hold(wrong.length === 0, wrong.join("\n"));
      return `0 violations of ${rules} rules in each of ${STATES.length} states; best practice: ${[...advice].join("; ") || "0"}`;
    });
  }
}

/** Goes round by Tab once; the elements that had the focus, with name and whether it was seen. */
async function round(page) {
  const stops = [];
  await page.evaluate(() => { document.activeElement?.blur(); getSelection()?.removeAllRanges(); });
  for (let k = 0; k < 200; k++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const first = element.dataset.stop === undefined;
      element.dataset.stop = "";
      const { outlineStyle, outlineWidth } = getComputedStyle(element), box = element.getBoundingClientRect();
      const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      return { first, what: element.id || element.outerHTML.slice(0, 60), ring: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2, covered: !(middle && (element.contains(middle) || middle.contains(element))) };
    });
    if (!stop) { if (stops.length) break; continue; }
    if (!stop.first) break;
    stops.push(stop);
  }
  return stops;
}

for (const [width, height] of SIZES) {
  await check(`by Tab every control is reached, named, in sight and ringed at ${width}`, async () => {
    const page = await chromium.page(`${demo.url.replace(/\/$/, "")}/#controls=1`, { viewport: { width, height } });
    await live(page);
    await sleep(500);
    const stops = await round(page);
    const missed = await page.evaluate(() => [...document.querySelectorAll("button, input, select, a[href], [tabindex='0']")]
      .filter((element) => element.checkVisibility() && !element.disabled && element.tabIndex >= 0 && element.dataset.stop === undefined)
      .map((element) => element.id || element.outerHTML.slice(0, 80)));
    hold(missed.length === 0, `not reached: ${missed.join(", ")}`);
    const unseen = stops.filter(({ ring, covered }) => !ring || covered);
    hold(unseen.length === 0, `not seen: ${unseen.map(({ what, ring, covered }) => `${what}${ring ? "" : " (no ring)"}${covered ? " (covered)" : ""}`).join(", ")}`);
    const session = await page.context().newCDPSession(page), { nodes } = await session.send("Accessibility.getFullAXTree");
    const roles = ["button", "slider", "combobox", "textbox", "tab", "checkbox", "image"];
    const nameless = nodes.filter(({ ignored, role, name }) => !ignored && roles.includes(role?.value) && !name?.value?.trim());
    hold(nameless.length === 0, `without a name: ${nameless.map(({ role }) => role.value).join(", ")}`);
    await page.context().close();
    return `${stops.length} stops`;
  });
}

await chromium.close();
await demo.stop();
end();
