// @ts-check
// The event log: what happened, with model time, newest first.

/** Lines that are kept. */
const MOST = 200;

/** @param {HTMLElement} host an ordered list @param {() => string} clock the model's time for people */
export function eventLog(host, clock) {
  let last = "", counted = 0;
  /** @param {string} text @param {"quiet" | "bad" | "own"} kind */
  function add(text, kind = "quiet") {
    if (!text || text === last) return;
    last = text;
    counted = 0;
    const item = document.createElement("li"), time = document.createElement("time"), what = document.createElement("span");
    time.textContent = clock();
    what.textContent = text;
    item.className = kind;
    item.append(time, what);
    host.prepend(item);
    while (host.children.length > MOST) host.lastElementChild?.remove();
  }
  return {
    add,
    /** So many more of something bad: one line as long as nothing else happens. @param {number} more @param {string} what */
    count(more, what) {
      const sum = counted + more;
      if (counted) { host.firstElementChild?.remove(); last = ""; }
      add(`${sum} ${what}`, "bad");
      counted = sum;
    },
  };
}

/** @typedef {import("./messages.d.ts").Status} Status */
/** @typedef {import("./messages.d.ts").InControl} InControl */

const CONTROL = { own: "this page took control", other: "another page took control", nobody: "nobody is in control any more" };

/** Writes down what is different now. @param {ReturnType<typeof eventLog>} log @param {{ status: Status, control: InControl }} was
 * @param {{ status: Status, control: InControl }} is */
export function logChanges(log, was, is) {
  const before = was.status, now = is.status;
  if (is.control !== was.control) log.add(CONTROL[is.control]);
  if (now.hand.paused !== before.hand.paused) log.add(now.hand.paused ? "paused" : "goes on");
  if (now.hand.muted !== before.hand.muted) log.add(now.hand.muted ? "speaker muted" : "speaker sounds");
  if (now.hand.speed !== before.hand.speed) log.add(`speed ${now.hand.speed / 1000}`);
  if (now.deadline_misses > before.deadline_misses) log.count(now.deadline_misses - before.deadline_misses, "deadlines missed");
  if (now.notice !== before.notice) log.add(now.notice, "bad");
  if (now.recording?.kept !== before.recording?.kept) log.add(now.recording?.kept ?? "", now.recording?.failed ? "bad" : "own");
  for (const device of now.devices) {
    const own = before.devices.find((other) => other.kind === device.kind);
    if (own && (own.state !== device.state || own.name !== device.name)) {
      log.add(`${device.kind} ${device.name}: ${device.state}${device.problem ? ` (${device.problem})` : ""}`, device.state === "running" ? "quiet" : "bad");
    }
  }
}
