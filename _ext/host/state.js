/** The figures' part of a page's address, and what Back and Forward do to them. */
import { shortHash, written } from "./address.js";
import { isLink } from "./links.js";
import { equal, lookUp, models } from "./models.js";
import { shown } from "./views.js";
import { bareAddress, hashNow, hold, press } from "./visit.js";

/**
 * @typedef {import("./models.js").Model} Model
 * @typedef {import("./address.js").Entry} Entry
 */

/**
 * The published figures among these, in their order, by what an address calls them: the kind, and
 * from the second of a kind on its number.
 * @param {Iterable<Model | undefined>} [among] all that the page shows, if not given
 */
export function figures(among = shown) {
  /** @type {Map<string, Model>} */
  const found = new Map();
  for (const model of among) {
    if (!model?.get("_link") || model.peer) continue;
    const kind = model
      .get("_anywidget_id")
      .replace(/.*\.|Figure$/g, "")
      .toLowerCase();
    let key = kind;
    for (let n = 2; found.has(key); n++) key = `${kind}-${n}`;
    found.set(key, model);
  }
  return found;
}

/**
 * What a figure's reader has changed. Nothing of one that shows another function: see the
 * workbench.
 * @param {string} key @param {Model} model @param {number} room @returns {Entry[]}
 */
function entriesOf(key, model, room) {
  const kinds = model.get("_link");
  const changes = model.changes();
  const names = Object.keys(changes).sort();
  if (!names.every((name) => Object.hasOwn(kinds, name))) return [];
  return names.map((name) => [`${key}.${name}`, written(kinds[name], changes[name], room)]);
}

/**
 * What the reader has changed in these figures. What a link of ipywidgets carries over from an
 * earlier one needs no words of its own.
 * @param {number} room
 */
function entries(room, all = figures()) {
  const order = [...all.values()];
  /** @type {Set<string>} */
  const carried = new Set();
  for (const link of [...models.values()].filter(isLink)) {
    const ends = ["source", "target"].map((end) => {
      const [reference, trait] = link.get(end);
      const model = lookUp(reference);
      return { at: order.findIndex((figure) => figure === model), trait, model };
    });
    const [first, second] = ends.sort((a, b) => a.at - b.at);
    if (first.at < 0 || !equal(first.model?.get(first.trait), second.model?.get(second.trait)))
      continue;
    carried.add(`${[...all.keys()][second.at]}.${second.trait}`);
  }
  return [...all]
    .flatMap(([key, model]) => entriesOf(key, model, room))
    .filter(([key]) => !carried.has(key));
}

/**
 * The address at which a figure is as it is now; without one, the whole page.
 * @param {{ model_id: string }} [model]
 */
export function link(model) {
  const [key, found] =
    [...figures()].find(([, figure]) => figure.model_id === model?.model_id) ?? [];
  if (!key || !found) return bareAddress() + hashNow();
  return bareAddress() + shortHash((room) => entriesOf(key, found, room), key);
}

/**
 * The end of the address at which a figure, with what it shares a box with, has a page to itself:
 * `batch-2.html#s=1&batch.gamma=2` (see site/embeds.py). "" for one that the site has no page of,
 * because the reader's own code has made it, or it shows the reader's own function.
 * @param {{ model_id: string }} model
 */
export function embedded(model) {
  const [key, found] =
    [...figures()].find(([, figure]) => figure.model_id === model.model_id) ?? [];
  if (!found || found.isOther()) return "";
  const views = /** @type {any[]} */ ([...document.querySelectorAll("bn-view")]);
  const outermost = views.find(
    (el) =>
      !el.parentElement.closest("bn-view") &&
      [el, ...el.querySelectorAll("bn-view")].some(({ model }) => model === found),
  );
  const inside = [outermost, ...outermost.querySelectorAll("bn-view")].map((el) => el.model);
  const read = (/** @type {number} */ room) => entries(room, figures(new Set(inside)));
  return `${key}.html${shortHash(read, "", "")}`;
}

/** Says the figures' state in the page's address, and follows Back and Forward. */
export function keepAddress() {
  hold("figures", entries);
  // A handle is dragged; what has an Enter of its own is pressed
  const pressed = (/** @type {Event} */ event) => {
    const { target } = event;
    if (!(target instanceof Element) || !target.closest("bn-view")) return;
    const key = /** @type {KeyboardEvent} */ (event).key;
    if (event.type === "keydown" && key !== "Enter" && key !== " ") return;
    if (event.type === "input" && !target.matches("select")) return;
    if (event.type === "click" && target.closest("[role=slider]")) return;
    press();
  };
  for (const type of ["click", "input", "keydown"]) addEventListener(type, pressed, true);
  addEventListener("popstate", ({ state }) => {
    if (!state?.bn) return; // a link to this very page: open.js
    for (const model of models.values())
      if (!model.peer) model.set({ ...model.first(), ...state.bn.models?.[model.model_id] });
  });
}
