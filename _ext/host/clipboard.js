/**
 * Copies the code of a cell: as much of clipboard.js as sphinx-copybutton needs, which makes one
 * for all buttons. It copies without `navigator.clipboard`, which pages have over HTTPS only.
 */

import { element } from "./element.js";

/** @typedef {(event: { trigger: Element }) => void} Handler */

class ClipboardJS {
  /** @type {Record<string, Handler | undefined>} */
  handlers = {};

  /** @param {string} buttons @param {{ text: (button: Element) => string }} options */
  constructor(buttons, { text }) {
    document.addEventListener("click", ({ target }) => {
      const trigger = target instanceof Element ? target.closest(buttons) : null;
      if (trigger) this.handlers[copied(text(trigger)) ? "success" : "error"]?.({ trigger });
    });
  }

  /** @param {"success" | "error"} what @param {Handler} handler */
  on(what, handler) {
    this.handlers[what] = handler;
  }
}

/** Whether the browser has copied it. @param {string} text */
function copied(text) {
  const had = /** @type {HTMLElement | null} */ (document.activeElement);
  const area = element("textarea", { readOnly: true, value: text });
  area.style.cssText = "position: fixed; top: 0; opacity: 0"; // else the page scrolls to it
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  had?.focus();
  return done;
}

Object.assign(globalThis, { ClipboardJS });
