// Teaching on the page: what appeared last is given a name, from one showing.

import { existsSync } from "node:fs";
import { check, hold, until } from "../check.mjs";
import { live, run } from "../run.mjs";

/** A run of the room that recognises, and knows nothing yet. */
export async function teach(chromium, program, where) {
  const file = "taught.safetensors";
  const demo = await run(program, where, "demo", "--set", "view.port=0", "--signatures", file, "--out", "taught");
  const page = await chromium.page(demo.url);
  await live(page);
  await page.keyboard.press("c");
  const seen = page.locator("#seen"), told = page.locator("#teach-told"), name = page.locator("#teach-name");
  await check("what appeared last is given a name, once", async () => {
    await until("something appears", async () => /something new/.test(await seen.textContent()), 30);
    await name.fill("ball");
    await page.keyboard.press("Enter");
    await until("the name is known", async () => /taught: ball/.test(await told.textContent()));
    await until("the file", () => existsSync(`${where}/${file}`));
    await until("what appears is held against it", async () => /ball/.test(await seen.textContent()), 30);
    const held = await seen.textContent();
    await name.fill("ball");
    await page.getByRole("button", { name: "Teach", exact: true }).click();
    await until("the name is refused", async () => /known already/.test(await told.textContent()));
    return held;
  });
  await page.context().close();
  await check("the report holds the names", async () => {
    hold(await demo.stop() === 0, demo.said.join("\n"));
    const { recognition } = demo.report("taught");
    hold(recognition.names.join() === "ball", JSON.stringify(recognition));
  });
}
