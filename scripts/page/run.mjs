// Starts the program and a browser for the checks, and ends both.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PAGE = resolve(import.meta.dirname, "../../src/view/page");
const KINDS = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** What a check was called with: `[--page-files] [--seconds N] [--pictures DIR] [PROGRAM]`. */
export function called() {
  const given = process.argv.slice(2);
  const taken = (name) => { const at = given.indexOf(name); return at < 0 ? undefined : given.splice(at, 2)[1]; };
  const fresh = given.indexOf("--page-files");
  if (fresh >= 0) given.splice(fresh, 1);
  return {
    seconds: Number(taken("--seconds") ?? 10),
    pictures: taken("--pictures"),
    fresh: fresh >= 0,
    program: resolve(given[0] ?? resolve(import.meta.dirname, "../../target/release/napot")),
  };
}

/** A folder that is gone when the check ends. */
export function folder() {
  const made = mkdtempSync(join(tmpdir(), "napot-page-"));
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Starts `program` and waits for the address that it prints. */
export async function run(program, where, ...words) {
  const child = spawn(program, words, { cwd: where, stdio: ["ignore", "ignore", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  const ended = new Promise((done) => child.on("exit", (code, signal) => { process.off("exit", kill); done(code ?? signal); }));
  const said = [];
  const url = await new Promise((found, failed) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const address = /http:\/\/\S+/.exec(line)?.[0];
      if (address) found(address.replace(/[.,]$/, ""));
    });
    ended.then((code) => failed(new Error(`${basename(program)} ended with ${code}: ${said.join("\n")}`)));
  });
  return {
    url,
    said,
    /** Lets it stand still, or go on, as a machine without time for it does. */
    halt: (still) => child.kill(still ? "SIGSTOP" : "SIGCONT"),
    /** Ends the run as Ctrl-C does; its exit code. */
    async stop() { child.kill("SIGINT"); return ended; },
    kill: async () => { kill(); await ended; },
    report: (out) => JSON.parse(readFileSync(join(where, out, "report.json"), "utf8")),
  };
}

/** What a program prints, as JSON. */
export async function told(program, ...words) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const part of child.stdout) text += part;
  return JSON.parse(text);
}

/** The browser's program. One that root starts would put itself before all others, which nobody else's may. */
function chosen() {
  const program = process.env.NAPOT_CHROMIUM ?? "/usr/bin/chromium";
  if (process.getuid() !== 0) return program;
  const wrapper = join(folder(), "chromium");
  writeFileSync(wrapper, `#!/bin/sh\nexec setpriv --bounding-set -sys_nice --inh-caps -sys_nice "${program}" "$@"\n`, { mode: 0o755 });
  return wrapper;
}

/** Opens a browser. With `fresh` its pages come from the source folder: all but their version, which is the program's. */
export async function browser(fresh) {
  const opened = await chromium.launch({
    executablePath: chosen(),
    args: [
      "--mute-audio",
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      // What comes from a folder has no address: as if from the internet, it would not reach the run.
      ...(fresh ? ["--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"] : []),
    ],
  });
  return {
    close: () => opened.close(),
    /** A page of its own browser profile, in a context of these options. */
    async page(url, options = {}) {
      const context = await opened.newContext({ viewport: { width: 1440, height: 900 }, ...options });
      if (fresh) {
        await context.route((at) => /^\/$|\.(js|css|svg)$/.test(at.pathname) && at.pathname !== "/version.js", async (route) => {
          const name = basename(new URL(route.request().url()).pathname) || "index.html";
          await route.fulfill({ path: join(PAGE, name), contentType: KINDS[name.split(".").pop()] });
        });
      }
      const page = await context.newPage();
      page.wrong = [];
      page.on("pageerror", (error) => page.wrong.push(error.message));
      page.on("console", (line) => { if (line.type() === "error" && !/WebSocket|Failed to load/.test(line.text())) page.wrong.push(line.text()); });
      await page.goto(url);
      return page;
    },
  };
}

/** Waits until a run is shown and its first figures came. */
export const live = (page) => page.waitForFunction(() => document.body.dataset.state === "live" && document.getElementById("clock").textContent !== "0:00.0");
