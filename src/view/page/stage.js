// @ts-check
// The stage: the field alone, as large as the screen; in and out by key, button and touch. Meanwhile the screen stays awake.

/** How long the pointer rests before it is hidden, in ms. */
const RESTS = 2_000;
/** How long a touch lasts that leaves, in ms, and how far it may move meanwhile, in px: a stroke strikes the field. */
const LONG = 2_000, SLACK = 12;

/** Whether the field stands alone: what is beside it is not seen, and not drawn. */
export const onStage = () => document.body.dataset.stage !== undefined;

/** @param {() => void} changed told when it was entered or left */
export function stageView(changed) {
  const { body } = document;
  /** @type {WakeLockSentinel | undefined} */
  let awake;
  let resting = 0, pressed = 0;
  const from = { x: 0, y: 0 };
  /** How often full screen was asked for and is not there yet: what ends meanwhile is the one before. */
  let entering = 0;

  /** A browser lets the screen sleep again when the page is hidden. */
  async function stayAwake() {
    if (!onStage() || document.hidden) return;
    const got = await navigator.wakeLock?.request("screen").catch(() => undefined);
    if (onStage() && got) { letSleep(); awake = got; } else got?.release().catch(() => {});
  }

  function letSleep() {
    awake?.release().catch(() => {});
    awake = undefined;
  }

  /** Shows the pointer until it rests again. */
  function stir() {
    clearTimeout(resting);
    delete body.dataset.resting;
    if (onStage()) resting = window.setTimeout(() => { body.dataset.resting = ""; }, RESTS);
  }

  /** Enters or leaves, within the window. @param {boolean} on */
  function set(on) {
    if (on === onStage()) return;
    if (on) { body.dataset.stage = ""; stayAwake(); } else { delete body.dataset.stage; letSleep(); }
    stir();
    changed();
  }

  /** Enters or leaves, with full screen. */
  async function toggle(on = !onStage()) {
    set(on);
    // Where the browser does not allow it the stage fills the window.
    if (on) {
      entering++;
      await document.documentElement.requestFullscreen?.().catch(() => {});
      entering--;
    }
    // It may have been left meanwhile.
    if (!onStage() && document.fullscreenElement) await document.exitFullscreen().catch(() => {});
  }

  document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement && !entering) set(false); });
  document.addEventListener("visibilitychange", stayAwake);
  document.addEventListener("keydown", (event) => {
    // In full screen the browser takes this key and leaves by itself.
    if (event.key === "Escape" && onStage() && !document.querySelector("dialog[open]")) toggle(false);
  });
  document.addEventListener("pointermove", (event) => {
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLACK) clearTimeout(pressed);
    // A pointer that is hidden may count as moved, by nothing.
    if (onStage() && (event.movementX || event.movementY)) stir();
  });
  document.addEventListener("pointerdown", (event) => {
    clearTimeout(pressed);
    if (!onStage() || event.pointerType !== "touch" || !event.isPrimary) return;
    [from.x, from.y] = [event.clientX, event.clientY];
    pressed = window.setTimeout(() => toggle(false), LONG);
  });
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => clearTimeout(pressed));

  return {
    set,
    toggle,
    /** To full screen, on the stage too; from there to the page. */
    full: () => toggle(!onStage() || !document.fullscreenElement),
  };
}
