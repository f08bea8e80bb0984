// Presses every control of the page as a person does, and asks the run whether it did what it says.
//
//   node controls.mjs [--page-files] [PROGRAM]      --page-files: the page from src/view/page, without another build

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { check, end, hold } from "./check.mjs";
import { hands } from "./controls/hands.mjs";
import { looks } from "./controls/looks.mjs";
import { again, pages } from "./controls/pages.mjs";
import { stages } from "./controls/stage.mjs";
import { teach } from "./controls/teach.mjs";
import { browser, called, folder, live, run, told } from "./run.mjs";
import { witness } from "./witness.mjs";

const { program, fresh } = called();
const where = folder();
// No input: whatever bursts there are came from the page.
const demo = await run(program, where, "demo", "--set", "room.enabled=false", "--set", "view.port=0", "--out", "out", "--record", "take.mcap");
const chromium = await browser(fresh);
const seen = await witness(chromium, demo.url);
const page = await chromium.page(demo.url);
await check("the page shows the run", async () => { await live(page); return page.title(); });

const notes = await hands(page, seen, where);
await looks(page, seen);
await pages(chromium, demo.url, page, seen);

await check("the page told of no error", () => hold(page.wrong.length === 0, [...new Set(page.wrong)].join("; ")));
await page.context().close();
await seen.close();

await check("the run ends by Ctrl-C, and its report holds the run", async () => {
  const code = await demo.stop();
  hold(code === 0, `exit code ${code}: ${demo.said.join("\n")}`);
  const { seconds, deadline_misses: misses, view, failures } = demo.report("out");
  hold(failures.length === 0, failures.join("; "));
  hold(view.viewers >= 4, `${view.viewers} viewers`);
  return `${seconds} s, ${misses} deadline misses, view ${JSON.stringify(view)}`;
});
await check("the session holds what was done", async () => {
  const info = await told(program, "session", "info", `${where}/take.mcap`, "--json");
  hold(info.controls >= notes.changes, `${info.controls} changes are kept, at least ${notes.changes} were made`);
  hold(info.marks > 0 && info.damage === null, JSON.stringify(info));
  return `${info.controls} changes, ${info.marks} marks, ${info.bursts} bursts`;
});
await check("the session holds every strike at its place", () => {
  execFileSync(program, ["export", "take.mcap", "--to", "bursts"], { cwd: where, stdio: "ignore" });
  const rows = readFileSync(`${where}/take.bursts.csv`, "utf8").trim().split("\n").slice(1).map((line) => line.split(","));
  const sites = notes.places.map(({ name, row, column }) => rows.filter(([, , array, r, c]) => array === name && Math.hypot(r - row, c - column) <= 4).length);
  hold(sites.every((count) => count > 10), `sites near each strike: ${sites}`);
  hold(rows.length === sites.reduce((sum, count) => sum + count, 0), `${rows.length} bursts, ${sites} of them near a strike`);
  return `${sites.join(", ")} sites, and no other burst`;
});
await again(chromium, program, where);
await teach(chromium, program, where);
await stages(chromium, program, where);
await chromium.close();
end();
