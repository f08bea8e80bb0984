// Checks by name: one line each, and an exit code.

let failed = 0;

/** Does one check; what it returns is printed behind its name. */
export async function check(name, act) {
  const from = performance.now();
  try {
    const figures = await act();
    console.log(`ok    ${name}${figures ? `: ${figures}` : ""}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}: ${error.message.split("\n").slice(0, 6).join(" | ")} (after ${((performance.now() - from) / 1000).toFixed(1)} s)`);
  }
}

/** Fails with `what` unless it holds. */
export function hold(condition, what) {
  if (!condition) throw new Error(what);
}

/** Waits until `look` gives something, and gives that. */
export async function until(what, look, seconds = 10) {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Ends the process. */
export function end() {
  if (failed) console.log(`${failed} failed`);
  process.exit(failed ? 1 : 0);
}
