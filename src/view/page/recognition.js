// @ts-check
// What appeared last and what it was taken for; and a name for it, from one showing.

import { byId, say } from "./canvas.js";
import { sentence } from "./notice.js";

/** How long it may take until it is told what became of a name, in ms. */
const PATIENCE = 3_000;

/** What something was taken for, in words. @param {import("./messages.d.ts").Recognition | null} last */
function told(last) {
  if (!last) return "nothing has appeared yet";
  const hue = last.hue_degrees === null ? "" : `, hue ${Math.round(last.hue_degrees) % 360}°`;
  const when = `at ${last.seconds.toFixed(1)} s${hue}`;
  if (last.nearest === null) return `something new ${when}`;
  const sure = last.confidence === null ? "–" : `${Math.floor(1000 * last.confidence) / 10} %`;
  if (last.recognised) return `${last.nearest}, ${sure} sure after ${last.after_ms} ms, ${when}`;
  return last.foreign ? `nothing that is known ${when}; nearest: ${last.nearest}` : `perhaps ${last.nearest}, ${sure} sure, ${when}`;
}

/**
 * @param {(request: import("./messages.d.ts").Request) => boolean} ask says whether it could be asked
 * @param {(text: string) => void} note writes an event down
 */
export function recognitionPanel(ask, note) {
  const form = /** @type {HTMLFormElement} */ (byId("teach")), name = /** @type {HTMLInputElement} */ (byId("teach-name"));
  /** The name that was asked for and of which nothing is told yet, and what stood there before. @type {{ given: string, before: string, asked: number } | undefined} */
  let waits;
  /** Why the last name did not come to the run, and what was told before. @type {{ why: string, before: string } | undefined} */
  let refused;
  let known = "";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = name.value.trim();
    if (waits || (given && !ask({ teach: given }))) return;
    // The name stays until it is known.
    if (given) waits = { given, before: known, asked: performance.now() };
    refused = undefined;
    name.blur();
  });

  /** What became of the name that was asked for. @param {import("./messages.d.ts").RecognitionFigures} figures */
  function settle({ told, names }) {
    if (!waits || (told === waits.before && performance.now() - waits.asked < PATIENCE)) return;
    if (told.startsWith("taught") && names.includes(waits.given) && told !== waits.before) {
      note(`teach: ${waits.given}`);
      if (name.value.trim() === waits.given) name.value = "";
    }
    waits = undefined;
  }

  return {
    /** Something was not done: if it was a name, its place tells that. @param {string} why */
    refused(why) {
      if (waits) refused = { why, before: known };
      waits = undefined;
    },
    /** @param {import("./messages.d.ts").RecognitionFigures | null} figures */
    show(figures) {
      byId("seen").hidden = byId("teach-box").hidden = !figures;
      if (!figures) return;
      settle(figures);
      known = figures.told;
      if (refused && refused.before !== known) refused = undefined;
      say(byId("seen"), `Recognised: ${told(figures.last)}`);
      say(byId("teach-told"), refused ? `Not taught: ${sentence(refused.why)}` : figures.told || `${figures.names.length} names are known`);
    },
  };
}
