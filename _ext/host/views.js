/** Views: what the page shows of a model, be it a figure, a control or a box of these. */
import { element } from "./element.js";
import { CONTROLS, REASONS } from "./controls.js";
import { render } from "./figures.js";
import { find, lookUp, message, nameOf, Refusal } from "./models.js";
import { loadScript } from "./script.js";
import { say } from "./words.js";

const page = /** @type {any} */ (globalThis);
const host = /** @type {HTMLScriptElement | null} */ (document.currentScript);

/** @typedef {import("./models.js").Model} Model */

/** A custom element knows when it leaves the page, at no cost to a figure that redraws itself. */
class View extends HTMLElement {
  /** @type {() => void} */
  dispose = () => {};
  /** @type {Model | undefined} what it shows */
  model;

  disconnectedCallback() {
    queueMicrotask(() => this.isConnected || this.dispose()); // a move is not a removal
  }
}

export const defineViews = () => customElements.define("bn-view", View);

/** @type {Set<Model | undefined>} the models that have a view */
export const shown = new Set();

/** @type {Promise<unknown>[]} what is not done yet, or was */
export const pending = [];

/**
 * Names on the page what could not be shown, and why.
 * @param {Element} where
 * @param {string} what
 * @param {string} why
 */
export function missing(where, what, why) {
  where.append(
    element(
      "p",
      { className: "bn-missing", role: "alert" },
      say("Cannot show {what}: {why}.", { what, why }),
    ),
  );
}

/** A new element that shows the model with this id, or says why not. @param {unknown} reference */
export function view(reference) {
  const el = /** @type {View} */ (document.createElement("bn-view"));
  const controller = new AbortController();
  const model = lookUp(reference);
  el.dispose = () => controller.abort();
  el.model = model;
  shown.add(model);
  pending.push(
    draw(reference, el, controller.signal).catch((error) => {
      if (!(error instanceof Refusal)) console.error(error);
      controller.abort();
      el.replaceChildren();
      missing(el, model ? nameOf(model) : `widget ${reference}`, message(error));
    }),
  );
  return el;
}

const BOXES = new Map([
  ["BoxModel", "bn-hbox"],
  ["HBoxModel", "bn-hbox"],
  ["VBoxModel", "bn-vbox"],
  ["GridBoxModel", "bn-grid"],
]);

/**
 * Draws a control before it returns; an anywidget as soon as its module is loaded.
 * @param {unknown} reference
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 */
async function draw(reference, el, signal) {
  const model = find(reference);
  signal.addEventListener("abort", () => model.off(null, null, el));
  if (model.get("layout")) lay(find(model.get("layout")), el, signal);
  if (model.module === "anywidget") return drawFigure(model, el, signal);
  const box = BOXES.get(model.name);
  if (box) {
    el.className = box;
    el.classList.add(...(model.get("_dom_classes") ?? []));
    el.append(...model.get("children").map(view));
    return;
  }
  const [build, className] = CONTROLS.get(model.name) ?? [];
  if (!build || !className)
    throw new Refusal(REASONS[model.name] ?? "this page does not know this kind of control");
  el.className = className;
  const update = build(model, el);
  model.on("change", update, el);
  update();
}

/**
 * Gives an element what its layout says, now and later.
 * @param {Model} layout
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 */
function lay(layout, el, signal) {
  const apply = () => {
    for (const key of layout.keys().filter((key) => !key.startsWith("_")))
      el.style.setProperty(key.replaceAll("_", "-"), layout.get(key) ?? "");
  };
  layout.on("change", apply, el);
  signal.addEventListener("abort", () => layout.off(null, null, el));
  apply();
}

/**
 * Holds the figure's place, so that nothing jumps when it comes.
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 */
async function drawFigure(model, el, signal) {
  el.style.setProperty("--bn-min-height", `${model.get("_min_height") ?? 0}px`);
  el.style.setProperty("--bn-aspect", model.get("_aspect") ?? "auto");
  el.className = "bn-anywidget bn-waiting";
  el.translate = false; // its words are placed where they fit
  try {
    await render(model, el, signal);
    // A graph's names are joined to code, where there is some
    if (model.get("picture") && document.querySelector("pre"))
      pending.push(joinNames(model, el, signal).catch(console.warn));
  } finally {
    el.classList.remove("bn-waiting");
  }
}

/**
 * Joins a graph to its code, once names.js is there: only a page with both loads it.
 * @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal
 */
async function joinNames(model, el, signal) {
  if (!host?.src) return; // a saved page has no such script beside it
  await loadScript(new URL("names.js", host.src).href);
  page.bnJoinNames(model, el, signal);
}
