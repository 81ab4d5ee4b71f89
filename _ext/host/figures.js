/** Figures: anywidget's modules, and their lifecycle as anywidget 0.11 has it. */
import { imported } from "../../code/batchnorm/figures/kit/blob.js";
import { element } from "./element.js";
import { find, Refusal } from "./models.js";

/**
 * @typedef {import("./models.js").Model} Model
 * @typedef {import("@anywidget/types").AnyModel} AnyModel
 * @typedef {import("@anywidget/types").AnyWidget} AnyWidget
 * @typedef {Exclude<AnyWidget, Function>} Widget
 * @typedef {import("@anywidget/types").Host} Host
 * @typedef {{ widget: Widget, exports: any }} Started
 */

/**
 * The scripts that a built page shares between its figures: each calls `bnScripts[name]` into
 * being, a function that makes a fresh module.
 * @type {{ bnScripts?: Record<string, () => any> }}
 */
const page = /** @type {any} */ (window);
page.bnScripts ??= {};
const scripts = page.bnScripts;

/** How a page's state refers to one of these scripts. */
const SHARED = /^bn-script:(\w+)$/;

/**
 * Calls a part of a module; if it throws, the console gets the error and the page the reason.
 * @template T
 * @param {string} part
 * @param {() => T | Promise<T>} call
 */
async function attempt(part, call) {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Refusal) throw error;
    console.error(error);
    throw new Refusal(`its ${part} failed (${error})`);
  }
}

/**
 * What a module sees of a model: its handlers are its own to remove, and go when the signal aborts.
 * @param {Model} model
 * @param {AbortSignal} signal
 * @returns {AnyModel}
 */
function proxy(model, signal) {
  const context = {};
  signal.addEventListener("abort", () => model.off(null, null, context));
  const seen = {
    model_id: model.model_id,
    get: model.get.bind(model),
    set: model.set.bind(model),
    save_changes: model.save_changes.bind(model),
    send: model.send.bind(model),
    on: (/** @type {string} */ names, /** @type {any} */ callback) =>
      void (signal.aborted || model.on(names, callback, context)),
    off: (/** @type {string | null} */ names, /** @type {any} */ callback) =>
      void model.off(names, callback, context),
    widget_manager: model.widget_manager,
  };
  return /** @type {any} */ (seen);
}

const experimental = {
  invoke: async (/** @type {string} */ name) => {
    throw new Error(`invoke("${name}") needs a running kernel, and this page has none`);
  },
};

/** @type {Map<Model, Promise<Started>>} */
const started = new Map();

/** Imports an anywidget's module and initializes the model, once. @param {Model} model */
export function start(model) {
  const known = started.get(model);
  if (known) return known;
  const fresh = load(model);
  started.set(model, fresh);
  return fresh;
}

/**
 * @param {Model} model
 * @returns {Promise<Started>}
 */
async function load(model) {
  const [code, css, name] = ["_esm", "_css", "_anywidget_id"].map((key) => model.get(key));
  if (typeof code !== "string") throw new Refusal("its state holds no module");
  if (/^https?:/.test(code) || /^https?:/.test(css ?? ""))
    throw new Refusal(
      "its module or style is at another address, and this page loads nothing from there",
    );
  // On a built page, a style sheet of the page is named, not given
  if (css && !css.startsWith("bn-style:") && !document.getElementById(name)) {
    document.head.append(element("style", { id: name }, css));
  }
  const widget = await attempt("module", async () => {
    // One module a model, as anywidget has it: a module's variables belong to one widget.
    const module = await (SHARED.test(code) ? shared(code) : imported(code));
    const found = module.render ? { render: module.render } : module.default;
    if (!found) throw new TypeError("it has no default export");
    return typeof found === "function" ? found() : found;
  });
  const controller = new AbortController(); // a model lives as long as the page, unless it fails
  const { signal } = controller;
  try {
    const exports = await attempt("initialize", () =>
      widget.initialize?.({ model: proxy(model, signal), signal, experimental }),
    );
    return { widget, exports: typeof exports === "function" ? undefined : exports };
  } catch (error) {
    controller.abort();
    throw error;
  }
}

/** A module from a script of the page, which may still be on its way. @param {string} code */
async function shared(code) {
  const name = code.replace(SHARED, "$1");
  if (!scripts[name]) {
    const tag = document.querySelector(`script[src*="${name}"]`);
    await new Promise((resolve, reject) => {
      tag?.addEventListener("load", resolve);
      tag?.addEventListener("error", reject);
      if (!tag) addEventListener("DOMContentLoaded", resolve);
    }).catch(() => {});
  }
  if (!scripts[name]) throw new Refusal("its script did not load");
  return scripts[name]();
}

/** The browser's next turn: each figure draws in one of its own, and the page stays responsive. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

/**
 * Renders one view of an anywidget into `el`; aborting the signal ends it.
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 * @param {Host} [host]
 */
export async function render(model, el, signal, host = hostFor(signal)) {
  const { widget } = await start(model);
  await turn();
  if (signal.aborted) return;
  const cleanUp = await attempt("render", () =>
    widget.render?.({ model: proxy(model, signal), el, signal, experimental, host }),
  );
  if (typeof cleanUp !== "function") return;
  const end = async () => {
    try {
      await cleanUp();
    } catch (error) {
      console.warn("A widget's clean-up failed.", error);
    }
  };
  if (signal.aborted) await end();
  else signal.addEventListener("abort", end);
}

/**
 * anywidget's `host`: reaches other widgets by "anywidget:<id>" references.
 * @param {AbortSignal} signal
 * @returns {Host}
 */
function hostFor(signal) {
  const target = (/** @type {string} */ reference) => {
    if (!String(reference).startsWith("anywidget:"))
      throw new Error(`Invalid widget reference: ${JSON.stringify(reference)}`);
    return find(reference.slice("anywidget:".length));
  };
  /** @type {Host} */
  const host = {
    getModel: async (reference) => /** @type {any} */ (proxy(target(reference), signal)),
    async getWidget(reference) {
      const model = target(reference);
      const { exports } = await start(model);
      return { exports, render: (view) => render(model, view.el, view.signal ?? signal, host) };
    },
  };
  return host;
}
