/**
 * Copies the code of a cell: as much of clipboard.js as sphinx-copybutton needs, which makes one
 * for all buttons.
 */

import { copied } from "../../code/batchnorm/figures/kit/clipboard.js";

/** @typedef {(event: { trigger: Element }) => void} Handler */

class ClipboardJS {
  /** @type {Record<string, Handler | undefined>} */
  handlers = {};

  /** @param {string} buttons @param {{ text: (button: Element) => string }} options */
  constructor(buttons, { text }) {
    document.addEventListener("click", async ({ target }) => {
      const trigger = target instanceof Element ? target.closest(buttons) : null;
      if (trigger)
        this.handlers[(await copied(text(trigger))) ? "success" : "error"]?.({ trigger });
    });
  }

  /** @param {"success" | "error"} what @param {Handler} handler */
  on(what, handler) {
    this.handlers[what] = handler;
  }
}

Object.assign(globalThis, { ClipboardJS });
