// @ts-check
// What appeared last and what it was taken for; and a name for it, from one showing.

import { byId, say } from "./canvas.js";

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
 * @param {(request: import("./messages.d.ts").Request) => void} ask
 * @param {(text: string) => void} note writes an event down
 */
export function recognitionPanel(ask, note) {
  const form = /** @type {HTMLFormElement} */ (byId("teach")), name = /** @type {HTMLInputElement} */ (byId("teach-name"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = name.value.trim();
    if (given) { ask({ teach: given }); note(`teach: ${given}`); }
    name.value = "";
    name.blur();
  });
  return {
    /** @param {import("./messages.d.ts").RecognitionFigures | null} figures */
    show(figures) {
      byId("seen").hidden = byId("teach-box").hidden = !figures;
      if (!figures) return;
      say(byId("seen"), `Recognised: ${told(figures.last)}`);
      say(byId("teach-told"), figures.told || `${figures.names.length} names are known`);
    },
  };
}
