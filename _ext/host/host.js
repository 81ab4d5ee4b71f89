/**
 * The static host: runs a notebook's widgets on a page without a kernel.
 *
 * It reads the two kinds of script tag that MyST-NB writes (the state of all widgets, and one view
 * tag where a widget was displayed), runs anywidget modules, and draws the ipywidgets controls,
 * boxes and links of the book as native HTML. What it cannot draw it names on the page (class
 * `bn-missing`).
 *
 * Joined into a classic script, so that it also loads from file://. In the head, without `defer`,
 * it draws each view as its tag arrives, and nothing jumps; deferred, it draws all views once the
 * page has been read.
 *
 * `window.bnHost` gives `models`, by id, and `ready`, a promise kept once every view is drawn.
 * `link(model)` is the address at which a figure is as it is now, `link()` that of the page; there
 * is none where links are not opened (`bnLinkScript`: see visit.js). `figures()` is theirs, too.
 * `embedded(model)` is the end of the address at which a figure has a page to itself.
 * Where the page has a Python (python/live.js), that uses `enter`, `view` and `CONTROLS`, too.
 *
 * Not here, because nothing needs it: Button, HTML, Output, Play, Text, Tab (refused by name);
 * vertical sliders (drawn flat); icons and styles (ignored); LaTeX and markup in descriptions
 * (shown as plain text). Layout is honoured in full.
 */
import { CONTROLS } from "./controls.js";
import { start } from "./figures.js";
import { lectern } from "./lectern.js";
import { isLink, joinTraits } from "./links.js";
import { Model, message, models, nameOf, Refusal } from "./models.js";
import { embedded, figures, keepAddress, link } from "./state.js";
import { defineViews, missing, pending, shown, view } from "./views.js";
import { changed, recalled, remember } from "./visit.js";

/** @typedef {import("./models.js").ModelRecord} ModelRecord */

const STATE = "application/vnd.jupyter.widget-state+json";
const VIEW = "application/vnd.jupyter.widget-view+json";

/** @type {Promise<void>} */
const parsed = new Promise((resolve) => {
  if (document.readyState !== "loading") resolve();
  else document.addEventListener("DOMContentLoaded", () => resolve());
});

/**
 * Says at the end of the page, once there is one, what has no place of its own on it.
 * @param {string} what
 * @param {string} why
 */
const complain = (what, why) =>
  pending.push(
    parsed.then(() => missing(document.querySelector("main") ?? document.body, what, why)),
  );

/**
 * Whether the parser has left a tag behind, so that its text is whole.
 * @param {Node | null} node
 * @returns {boolean}
 */
const whole = (node) =>
  document.readyState !== "loading" ||
  (node !== null && (node.nextSibling !== null || whole(node.parentNode)));

/** @type {WeakSet<Element>} */
const done = new WeakSet();

/**
 * Hands the JSON of each new tag to `use`, which may leave it for later by giving false.
 * @param {string} type
 * @param {(content: any, tag: Element) => unknown} use
 */
function read(type, use) {
  for (const tag of document.querySelectorAll(`script[type="${type}"]`)) {
    if (done.has(tag) || !whole(tag)) continue;
    done.add(tag);
    try {
      if (use(JSON.parse(tag.textContent ?? ""), tag) === false) done.delete(tag);
    } catch (error) {
      complain("this page's widgets", `the tag ${type} cannot be read (${message(error)})`);
    }
  }
}

/**
 * Does `task` for a model that may have no view; a failure is named all the same.
 * @param {Model} model
 * @param {(model: Model) => unknown} task
 */
async function offstage(model, task) {
  try {
    await task(model);
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    await parsed; // its view, which names the failure, may still be on its way
    scan();
    if (!shown.has(model)) complain(nameOf(model), message(error));
  }
}

/** After Back, the models are as they were. @param {Model[]} published */
function recall(published) {
  const were = recalled("models") ?? {};
  for (const model of published) {
    model.set(were[model.model_id] ?? {}).on("change", changed);
  }
  remember("models", () => {
    const mine = [...models.values()].filter((model) => !model.peer);
    const all = mine.map((model) => [model.model_id, model.changes()]);
    return Object.fromEntries(all.filter(([, changes]) => Object.keys(changes).length));
  });
}

/**
 * Takes in the page's models, or those that Python has made in the page.
 * @param {{ state: Record<string, ModelRecord> }} content
 * @param {import("./models.js").Peer} [peer] the other half of each, in Python
 */
function enter({ state }, peer) {
  const fresh = Object.entries(state).map(([id, record]) => new Model(id, record, peer));
  for (const model of fresh) models.set(model.model_id, model);
  if (!peer) recall(fresh);
  // Links first, so that what is drawn is drawn with the values it will have.
  for (const link of fresh.filter(isLink))
    pending.push(offstage(link, async () => joinTraits(link)));
  // Every anywidget is initialized, displayed or not: another may be linked to it.
  for (const model of fresh) if (model.module === "anywidget") pending.push(offstage(model, start));
}

function scan() {
  read(STATE, (content) => enter(content));
  read(VIEW, ({ model_id }, tag) => {
    if (document.readyState === "loading" && !models.has(model_id)) return false;
    return tag.after(view(model_id));
  });
}

/** Draws all views; done when the last one is drawn. */
async function run() {
  // While the page still arrives, a view takes its place as soon as its tag is there.
  const observer = new MutationObserver(scan);
  observer.observe(document, { childList: true, subtree: true });
  scan();
  await parsed;
  observer.disconnect();
  scan();
  for (let seen = -1; seen < pending.length; await Promise.all(pending)) seen = pending.length;
}

const page = /** @type {any} */ (window);
// A stray second copy of this script must not draw a second figure.
if (!page.bnHost) {
  defineViews();
  const ready = run();
  const lecture = lectern(ready);
  page.bnHost = { models, ready, enter, view, CONTROLS, figures, embedded, lecture };
  if (page.bnLinkScript) {
    keepAddress();
    page.bnHost.link = link;
  }
}
