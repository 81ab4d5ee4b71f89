import { picture } from "./picture.js";

/**
 * What a reader takes along from a figure: the menu, and what its entries do. It is loaded when a
 * menu is first opened (see kit/menu.js).
 *
 * @import { Model } from "../kit/figure.js"
 * @typedef {{figure: HTMLElement, model: Model}} Source
 * @typedef {{name: string, does: (from: Source) => Promise<string> | string}} Entry `does` returns
 *   what is said then
 */

/** "weight_space", of the figure's class. @param {Model} model */
const kindOf = (model) =>
  String(model.get("_anywidget_id") ?? "figure")
    .split(".")
    .at(-2) ?? "";

/** Hands a file to the browser. @param {Blob} content @param {string} name */
function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // by then it has been read
  return `Saved as ${name}`;
}

/** @type {Entry[]} */
const ENTRIES = [
  {
    name: "Save as SVG",
    does: ({ figure, model }) =>
      download(new Blob([picture(figure).text], { type: "image/svg+xml" }), `${kindOf(model)}.svg`),
  },
  {
    name: "Save as PNG",
    does: async ({ figure, model }) =>
      download(await picture(figure).png(), `${kindOf(model)}.png`),
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
  list.append(...ENTRIES.map((entry) => item(entry, { figure, model }, button)));
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
  node.textContent = name;
  node.addEventListener("click", async () => {
    close();
    button.focus({ preventScroll: true });
    try {
      say(button, await does(from));
    } catch (error) {
      console.warn(error);
      say(button, `${name}: this browser did not let it happen (${error})`);
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
function say(button, text) {
  const { parentElement: room } = button;
  let said = room?.querySelector(".bn-said");
  if (!said) {
    said = document.createElement("p");
    said.className = "bn-said";
    said.setAttribute("role", "status");
    button.after(said);
  }
  said.textContent = text;
  const here = said;
  setTimeout(() => {
    if (here.textContent === text) here.textContent = "";
  }, 6000);
}

export default { open, picture };
