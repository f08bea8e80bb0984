// @ts-check
// The list of devices: chooses another microphone, camera or speaker for the run.

import { byId, say } from "./canvas.js";

/** @param {(request: import("./messages.d.ts").Request) => void} ask */
export function devicePanel(ask) {
  const box = /** @type {HTMLDialogElement} */ (byId("device-box")), list = byId("device-list"), told = byId("device-told");
  /** @type {import("./messages.d.ts").DeviceKind} */
  let kind = "camera";
  let present = "";

  /** @param {import("./messages.d.ts").DeviceListing} device */
  function row({ host, name, formats, error }) {
    const item = document.createElement("li"), button = document.createElement("button"), about = document.createElement("span");
    button.type = "button";
    button.textContent = name || host;
    button.disabled = error !== null || name === "";
    button.setAttribute("aria-pressed", String(name === present));
    about.className = "quiet";
    about.textContent = error === null ? `${host}, ${formats.length > 1 ? `${formats[0]}, ${formats.length - 1} more` : formats[0] ?? "no formats"}` : `${host}: ${error}`;
    button.addEventListener("click", () => {
      ask({ device: [kind, name] });
      box.close();
    });
    item.append(button, about);
    return item;
  }

  /** The rows of the drawer by kind. @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();

  return {
    /** Another browser takes over by opening the page. @param {import("./messages.d.ts").Status["devices"]} devices */
    choices: (devices) => devices.filter(({ name }) => !name.startsWith("browser ")),
    /** Shows in the drawer what is in use. @param {import("./messages.d.ts").Status["devices"]} devices */
    offer(devices) {
      const own = this.choices(devices);
      byId("devices-box").hidden = own.length === 0;
      for (const [of, button] of buttons) button.hidden = !own.some(({ kind }) => kind === of);
      for (const { kind: of, name } of own) {
        let button = buttons.get(of);
        if (!button) {
          button = document.createElement("button");
          button.type = "button";
          button.addEventListener("click", () => this.open(of, button?.dataset.name ?? ""));
          buttons.set(of, button);
          byId("devices").append(button);
        }
        button.dataset.name = name;
        say(button, `Another ${of}`);
        button.title = `in use: ${name}`;
      }
    },
    /** Asks which devices there are. @param {import("./messages.d.ts").DeviceKind} wanted @param {string} now the one in use */
    open(wanted, now) {
      [kind, present] = [wanted, now];
      say(byId("device-head"), `Use another ${wanted}`);
      say(told, "Asking what is connected …");
      list.replaceChildren();
      box.showModal();
      ask({ devices: wanted });
    },
    /** @param {import("./messages.d.ts").DeviceListing[]} found */
    show(found) {
      const own = found.filter((device) => device.kind === kind);
      // The answer to a question before this one.
      if (found.length && !own.length) return;
      say(told, own.length ? `In use: ${present}.` : `No ${kind} was found.`);
      list.replaceChildren(...own.map(row));
    },
  };
}
