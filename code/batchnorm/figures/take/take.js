import * as batch from "../batch/numpy.js";
import * as cancellation from "../cancellation/numpy.js";
import * as depth from "../depth/numpy.js";
import * as descent from "../descent/numpy.js";
import * as graph from "../graph/numpy.js";
import * as jacobian from "../jacobian/numpy.js";
import * as predict from "../predict/numpy.js";
import * as running from "../running/numpy.js";
import * as sphere from "../sphere/numpy.js";
import * as training from "../training/numpy.js";
import * as weight_space from "../weight_space/numpy.js";
import * as whitening from "../whitening/numpy.js";
import { download } from "../kit/blob.js";
import { copy } from "../kit/clipboard.js";
import { say } from "../kit/words.js";
import { picture } from "./picture.js";

/**
 * What a reader takes along from a figure: the menu, and what its entries do. It is loaded when a
 * menu is first opened (see kit/menu.js).
 *
 * @import { Model } from "../kit/figure.js"
 * @typedef {{figure: HTMLElement, model: Model}} Source
 * @typedef {{name: () => string, offered?: (from: Source) => boolean,
 *   does: (from: Source) => Promise<string> | string}} Entry `does` returns what is said then
 */

/** @type {Record<string, {lines: (get: import("./lines.js").Get) => string[]}>} */
const NUMPY = {
  batch,
  cancellation,
  depth,
  descent,
  graph,
  jacobian,
  predict,
  running,
  sphere,
  training,
  weight_space,
  whitening,
};
const page = /** @type {any} */ (globalThis);

/** "weight_space", of the figure's class. @param {Model} model */
const kindOf = (model) => String(model.get("_anywidget_id")).split(".").at(-2) ?? "figure";

/** Hands a file to the browser, and says so. @param {Blob} content @param {string} name */
function save(content, name) {
  download(content, name);
  return say("Saved as {name}", { name });
}

/**
 * Where the book has this figure alone on a page, as it is now; "" where there is none.
 * @param {Model} model
 */
function embedded(model) {
  const script = document.querySelector("script[src*='figures/figure_']");
  const end = page.bnHost?.embedded?.(model);
  if (!script || !location.protocol.startsWith("http") || !end) return "";
  const chapter = location.pathname.replace(/.*\/|\.html$/g, "");
  const { src } = /** @type {HTMLScriptElement} */ (script);
  const name = page.bnAlone ? chapter + end.replace(/^[^#]*/, ".html") : `${chapter}-${end}`;
  return new URL(`../../embed/${name}`, src).href;
}

/** @param {Source} from */
function frame({ figure, model }) {
  const tall = Math.ceil((figure.closest(".bn-box") ?? figure).getBoundingClientRect().height) + 80;
  const title = figure.querySelector("svg")?.getAttribute("aria-label") ?? say("A figure");
  const quoted = (/** @type {string} */ text) =>
    text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");
  const size = `width="100%" height="${tall}" style="border: 0"`;
  const [src, name] = [embedded(model), title].map(quoted);
  return `<iframe src="${src}" title="${name}" ${size} loading="lazy"></iframe>`;
}

/** @type {Entry[]} */
const ENTRIES = [
  {
    name: () => say("Save as SVG"),
    does: ({ figure, model }) =>
      save(new Blob([picture(figure).text], { type: "image/svg+xml" }), `${kindOf(model)}.svg`),
  },
  {
    name: () => say("Save as PNG"),
    does: async ({ figure, model }) => save(await picture(figure).png(), `${kindOf(model)}.png`),
  },
  {
    name: () => say("Copy as NumPy"),
    offered: ({ model }) => kindOf(model) in NUMPY,
    does: ({ model }) => {
      const lines = NUMPY[kindOf(model)].lines((name) => model.get(name));
      return copy(["import numpy as np", "", ...lines, ""].join("\n"));
    },
  },
  {
    name: () => say("Copy link"),
    offered: () => Boolean(page.bnHost?.link),
    does: async ({ model }) => copy(String(await page.bnHost.link(model))),
  },
  {
    name: () => say("Lecture view (L)"),
    offered: () => Boolean(page.bnHost?.lecture),
    does: async ({ figure }) => {
      await page.bnHost.lecture(figure);
      return "";
    },
  },
  {
    name: () => say("Embed: copy the HTML"),
    offered: ({ model }) => Boolean(embedded(model)),
    does: (from) => copy(frame(from)),
  },
];

/** Closes the menu that is open, if any. */
let close = () => {};

/**
 * Opens the menu of a figure below its button, or closes it.
 * @param {HTMLElement} button @param {Model} model
 */
function open(button, model) {
  const isOpen = button.getAttribute("aria-expanded") === "true";
  close();
  if (isOpen) return;
  const figure = /** @type {HTMLElement} */ (button.closest(".bn-figure"));
  const list = document.createElement("div");
  list.className = "bn-entries";
  list.setAttribute("role", "menu");
  list.setAttribute("aria-label", button.getAttribute("aria-label") ?? "");
  const from = { figure, model };
  const here = ENTRIES.filter(({ offered }) => !offered || offered(from));
  list.append(...here.map((entry) => item(entry, from, button)));
  button.after(list);
  button.setAttribute("aria-expanded", "true");
  // Not the button: its click closes, and would open again what had been closed before
  const left = (/** @type {EventTarget | null} */ to) => {
    if (to instanceof Node && !list.contains(to) && to !== button) close();
  };
  const outside = (/** @type {Event} */ { target }) => left(target);
  document.addEventListener("pointerdown", outside);
  list.addEventListener("keydown", (event) => onKey(event, list, button));
  list.addEventListener("focusout", ({ relatedTarget }) => left(relatedTarget));
  close = () => {
    document.removeEventListener("pointerdown", outside);
    button.setAttribute("aria-expanded", "false");
    close = () => {};
    list.remove();
  };
  /** @type {HTMLElement} */ (list.firstChild).focus({ preventScroll: true });
}

/** @param {Entry} entry @param {Source} from @param {HTMLElement} button */
function item({ name, does }, from, button) {
  const node = document.createElement("button");
  node.type = "button";
  node.tabIndex = -1;
  node.setAttribute("role", "menuitem");
  node.textContent = name();
  node.addEventListener("click", async () => {
    close();
    button.focus({ preventScroll: true });
    try {
      tell(button, await does(from));
    } catch (error) {
      console.warn(error);
      const reason = error instanceof Error ? error.message : String(error);
      tell(button, say("{name} did not work: {reason}", { name: name(), reason }));
    }
  });
  return node;
}

/** @param {KeyboardEvent} event @param {HTMLElement} list @param {HTMLElement} button */
function onKey(event, list, button) {
  const items = /** @type {HTMLElement[]} */ ([...list.children]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  if (event.key === "Escape" || event.key === "Tab") {
    close();
    button.focus({ preventScroll: true });
    if (event.key === "Tab") return;
  } else if (event.key in to) items.at(to[event.key] % items.length)?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Says beside the button what was done, for some seconds. @param {Element} button @param {string} text */
function tell(button, text) {
  const { parentElement: room } = button;
  let toast = room?.querySelector(".bn-toast");
  if (!toast) {
    toast = document.createElement("p");
    toast.className = "bn-toast";
    toast.setAttribute("role", "status");
    button.after(toast);
  }
  toast.textContent = text;
  const here = toast;
  setTimeout(() => {
    if (here.textContent === text) here.textContent = "";
  }, 6000);
}

export default { open, picture };
