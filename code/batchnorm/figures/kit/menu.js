import { imported } from "./blob.js";
import { html } from "./svg.js";
import { say } from "./words.js";

/**
 * A button for what can be taken along: pictures, numbers, links. The script that makes them (see
 * take/) is loaded when the menu is first opened: a page has it beside its figures' scripts; in
 * JupyterLab a figure carries it.
 *
 * @param {import("./figure.js").Model} model
 */
export function menu(model) {
  const label = say("Save, copy, embed");
  const button = html("button", {
    type: "button",
    class: "bn-menu",
    title: label,
    "aria-label": label,
    "aria-haspopup": "menu",
    "aria-expanded": "false",
  });
  button.textContent = "⋯";
  button.addEventListener("click", async () => {
    try {
      (await take(model)).open(button, model);
    } catch (error) {
      console.warn(error);
      button.title = say("The menu could not be loaded. Press again to try once more.");
      button.setAttribute("aria-label", button.title);
    }
  });
  return button;
}

/** The script, as a module. @param {import("./figure.js").Model} model */
async function take(model) {
  const page = /** @type {any} */ (globalThis);
  page.bnScripts ??= {};
  page.bnScripts.take ??= await (model.get("_take") ? carried(model.get("_take")) : beside());
  return page.bnScripts.take().default;
}

/** @param {string} source */
async function carried(source) {
  const module = await imported(source);
  return () => module;
}

/** @returns {Promise<() => any>} */
function beside() {
  const figure = document.querySelector("script[src*='figures/figure_']");
  const src = new URL("take.js", /** @type {HTMLScriptElement} */ (figure)?.src).href;
  return new Promise((resolve, reject) => {
    const script = html("script", { src, error: reject });
    script.addEventListener("load", () => resolve(/** @type {any} */ (globalThis).bnScripts.take));
    document.head.append(script);
  });
}
