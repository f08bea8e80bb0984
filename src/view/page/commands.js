// @ts-check
// Every command of the page by its name and its key: the keyboard, the palette (Ctrl-K) and the list in the help.

/** @typedef {{ name: string, key?: string, run(): void, hidden?: boolean }} Command */

/** A key as it is printed on a keyboard. @param {string} key */
const printed = (key) => ({ " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" })[key] ?? (key.length === 1 ? key.toUpperCase() : key);

/** @param {Element | null} pane */
const scrolls = (pane) => pane !== null && pane.scrollHeight > pane.clientHeight;

/** Takes the focus from what a pointer has used, or keys would go on to act on it: Space would press a button again. */
export function freeKeys() {
  /** The slider or list on which the pointer is, until a key is pressed. @type {Element | null} */
  let pointed = null;
  const free = () => {
    if (document.activeElement === pointed) /** @type {HTMLElement | null} */ (pointed)?.blur();
    pointed = null;
  };
  document.addEventListener("pointerdown", ({ target }) => { pointed = target instanceof Element ? target.closest("select, input[type=range]") : null; }, true);
  document.addEventListener("keydown", () => { pointed = null; }, true);
  document.addEventListener("change", ({ target }) => { if (target === pointed) free(); });
  document.addEventListener("click", (event) => {
    if (event.detail === 0 || !(event.target instanceof Element)) return;
    // A list that was clicked is open yet.
    if (pointed instanceof HTMLInputElement) free();
    const button = event.target.closest("button");
    if (button && !button.closest("dialog, [role=tablist]")) button.blur();
  });
}

/** Where a key writes text, or does something of its own. @param {EventTarget | null} target @param {string} key */
function isBusy(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === "range") return /^(Arrow|Page|Home|End)/.test(key);
  if (target instanceof HTMLInputElement && target.type !== "checkbox") return true;
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  if (/^Arrow(Up|Down)$/.test(key) && scrolls(target.closest("[role=tabpanel].scroll"))) return true;
  const isPressed = target instanceof HTMLButtonElement || target instanceof HTMLInputElement || target.getAttribute("role") === "button";
  const isTab = target.getAttribute("role") === "tab";
  // A tab that is selected has nothing to be pressed for.
  const isPressable = isPressed && !(isTab && target.getAttribute("aria-selected") === "true");
  return (isPressable && key === " ") || (isTab && key.startsWith("Arrow"));
}

/**
 * @param {HTMLDialogElement} box @param {HTMLElement} help the help's list of keys
 * @param {() => Command[]} all @param {() => boolean} single whether keys without Ctrl do something
 */
export function commandPalette(box, help, all, single) {
  const query = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const list = /** @type {HTMLElement} */ (box.querySelector("ul"));
  let chosen = 0;
  /** @type {Command[]} */
  let found = [];

  function draw() {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = all().filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
    chosen = Math.max(0, Math.min(chosen, found.length - 1));
    list.replaceChildren(...found.map(({ name, key }, k) => {
      const item = document.createElement("li"), what = document.createElement("span");
      item.id = `command-${k}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(k === chosen));
      what.textContent = name;
      item.append(what);
      if (key) { const pressed = document.createElement("kbd"); pressed.textContent = printed(key); item.append(pressed); }
      item.addEventListener("click", () => run(k));
      return item;
    }));
    query.setAttribute("aria-activedescendant", found.length ? `command-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {number} k */
  function run(k) {
    box.close();
    found[k]?.run();
  }

  query.addEventListener("input", () => { chosen = 0; draw(); });
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      chosen += event.key === "ArrowDown" ? 1 : -1;
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(chosen);
    }
  });

  function open() {
    query.value = "";
    chosen = 0;
    draw();
    box.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (box.open) box.close(); else if (!document.querySelector("dialog[open]")) open();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBusy(event.target, event.key)) return;
    const dialog = document.querySelector("dialog[open]");
    if (!single() && event.key.length === 1 || dialog && event.key !== "?") return;
    const command = all().find(({ key }) => key !== undefined && key.toLowerCase() === event.key.toLowerCase());
    if (!command) return;
    event.preventDefault();
    command.run();
  });

  return {
    open,
    /** Writes the list of keys in the help. */
    tell() {
      help.replaceChildren(...all().filter(({ key, hidden }) => key && !hidden).flatMap(({ name, key }) => {
        const term = document.createElement("dt"), pressed = document.createElement("kbd"), what = document.createElement("dd");
        pressed.textContent = printed(key ?? "");
        term.append(pressed);
        what.textContent = name;
        return [term, what];
      }));
    },
  };
}
