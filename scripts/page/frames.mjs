// How fluently a page shows the default room with all that it can show open: frames a second, age of what is drawn, misses.
//
//   node frames.mjs [--seconds N] [--page-files] [PROGRAM]

import { check, end, hold } from "./check.mjs";
import { browser, called, folder, live, run, sleep } from "./run.mjs";

const { program, fresh, seconds } = called();

/** Shows a run for a while; what the page said of itself each second. `painter` is of the page's address. */
async function shown(painter) {
  const where = folder();
  const demo = await run(program, where, "demo", "--set", "view.port=0", "--out", "out");
  const chromium = await browser(fresh);
  const page = await chromium.page(`${demo.url}#upper=waterfall&controls=1${painter}`);
  await live(page);
  // The first seconds are those of a page that is being built.
  await sleep(5000);
  const rates = [], ages = [];
  for (let i = 0; i < seconds; i++) {
    await sleep(1000);
    const told = await page.evaluate(() => document.getElementById("health").textContent);
    rates.push(Number(/page(\d+) fps/.exec(told)?.[1] ?? 0));
    ages.push(Number(/ \/ (\d+) ms old/.exec(told)?.[1] ?? NaN));
  }
  await chromium.close();
  await demo.stop();
  const { deadline_misses: misses, ticks } = demo.report("out");
  // A second that told no age is none that was young enough: the greatest is then no number, and holds nothing.
  const sorted = [...rates].sort((a, b) => a - b);
  return { least: sorted[0], median: sorted[sorted.length >> 1], age: Math.max(...ages), misses, ticks };
}

// As the page chooses; where no graphics card is, that is Canvas2D.
for (const [name, painter, bar] of [["as chosen", "", 50], ["Canvas2D", "&painter=canvas", 30]]) {
  await check(`${name}: at least ${bar} fields a second, 95 % of them at most 50 ms old, no deadline missed`, async () => {
    const { least, median, age, misses, ticks } = await shown(painter);
    const told = `${median} a second (least ${least}), 95th percentile ${age} ms, ${misses} deadlines missed of ${ticks}`;
    hold(median >= bar && age <= 50 && misses === 0, told);
    return told;
  });
}
end();
