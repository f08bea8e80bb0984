// @ts-check
// Band and twin in the page's address: a link asks the run for the same.

/** @import { About, InControl, Request } from "./messages.d.ts" */

/** @param {(request: Request) => void} ask */
export function shownLink(ask) {
  /** What the address asks for: a link's, or what was chosen since. @type {{ band: number | undefined, twin: boolean }} */
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
    /** Writes what is shown; before that is known, what the address asks for. @param {URLSearchParams} state for the address */
    write(state) {
      const { band, twin } = (!waits && shown) || held;
      if (band !== undefined) state.set("band", String(band + 1));
      if (twin) state.set("twin", "1");
    },
    /** Another run. */
    begin() {
      shown = undefined;
      waits = true;
    },
    /** The run shows something else; says whether the address is to follow, which it does once what it asks for is settled.
     * @param {number} band @param {boolean} twin whether the twin is taken away */
    follow(band, twin) {
      shown = { band, twin };
      if (!waits) held = shown;
      return !waits;
    },
    /** Asks for what the address holds, once, where nobody else watches, who would see something else; says whether that was done now.
     * @param {About} run @param {InControl} control @param {number} viewers */
    settle(run, control, viewers) {
      if (!waits || !shown) return false;
      waits = false;
      /** @type {Request} */
      const request = {};
      if (held.band !== undefined && held.band !== shown.band && held.band < run.band_hz.length) request.band = held.band;
      if (held.twin && run.twin && !shown.twin) request.difference = true;
      // Who opens a link asks; nobody is locked out by it.
      if (control === "nobody") request.control = false;
      if (control !== "other" && viewers <= 1 && (request.band !== undefined || request.difference)) ask(request);
      return true;
    },
  };
}
