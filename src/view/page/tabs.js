// @ts-check
// Panels that share a place: tabs as the ARIA practices have them (arrows go round, only the chosen one is in the tab order).

/** @param {HTMLElement} host holds a `role=tablist` and its `role=tabpanel`s @param {(id: string) => void} changed */
export function tabs(host, changed) {
  const list = /** @type {HTMLButtonElement[]} */ ([...host.querySelectorAll("[role=tab]")]);
  /** @param {string} id the panel's */
  function show(id) {
    if (!list.some((tab) => tab.getAttribute("aria-controls") === id)) return;
    for (const tab of list) {
      const panel = tab.getAttribute("aria-controls") ?? "", own = panel === id;
      tab.setAttribute("aria-selected", String(own));
      tab.tabIndex = own ? 0 : -1;
      const element = document.getElementById(panel);
      if (element) element.hidden = !own;
    }
    changed(id);
  }
  list.forEach((tab, k) => {
    tab.addEventListener("click", () => show(tab.getAttribute("aria-controls") ?? ""));
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = list[(k + by + list.length) % list.length];
      next.focus();
      next.click();
    });
  });
  return {
    show,
    /** The panel that is shown. */
    shown: () => list.find((tab) => tab.getAttribute("aria-selected") === "true")?.getAttribute("aria-controls") ?? "",
  };
}
