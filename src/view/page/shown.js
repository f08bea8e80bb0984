// @ts-check
// Band and twin in the page's address: a link asks the run for the same.

/** @import { About, InControl, Request } from "./messages.d.ts" */

/** @param {(request: Request) => void} ask */
export function shownLink(ask) {
  /** What the address holds. @type {{ band: number | undefined, twin: boolean }} */
  let held = { band: undefined, twin: false };
  /** What the run shows; nothing before its first picture. @type {typeof held | undefined} */
  let shown;
  let waits = false;
  return {
    /** @param {URLSearchParams} state of the address */
    read(state) {
      const band = Number(state.get("band")) - 1;
      held = { band: Number.isInteger(band) && band >= 0 ? band : undefined, twin: state.get("twin") === "1" };
      waits = true;
    },
    /** @param {URLSearchParams} state for the address */
    write(state) {
      if (held.band !== undefined) state.set("band", String(held.band + 1));
      if (held.twin) state.set("twin", "1");
    },
    /** Another run. */
    begin() {
      shown = undefined;
      waits = true;
    },
    /** The run shows something else; says whether the address is to follow, which it does from the second picture on.
     * @param {number} band @param {boolean} twin whether the twin is taken away */
    follow(band, twin) {
      const follows = shown !== undefined;
      shown = { band, twin };
      if (follows) held = shown;
      return follows;
    },
    /** Asks for what the address holds, once, where nobody else is in control. @param {About} run @param {InControl} control */
    settle(run, control) {
      if (!waits || !shown) return;
      waits = false;
      /** @type {Request} */
      const request = {};
      if (held.band !== undefined && held.band !== shown.band && held.band < run.band_hz.length) request.band = held.band;
      if (held.twin && run.twin && !shown.twin) request.difference = true;
      if (control !== "other" && Object.keys(request).length) ask(request);
    },
  };
}
