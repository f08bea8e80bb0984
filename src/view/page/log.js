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
