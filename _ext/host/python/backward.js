/**
 * The backward pass of the workbench's function, as the book writes it, in place of what the
 * cell with the tag "workbench-backward" has printed.
 *
 * Point at a line, and the node whose gradient it computes lights up in the graph; point at a node,
 * and its lines do.
 */
import { copy } from "../../../code/batchnorm/figures/kit/clipboard.js";
import { element } from "../element.js";

/**
 * @typedef {[text: string, node: string]} Line
 * @typedef {{ lines: Line[], compact: Line[] | null, formulas: string[] }} Derived
 */

const WAYS = /** @type {const} */ (["step by step", "compact", "formulas (LaTeX)"]);

/** @param {string} text */
const line = (text, node = "") => {
  return element("span", { className: "bn-code-line", "data-node": node }, `${text}\n`);
};

export class BackwardPass {
  /** @type {Derived | null} */
  #derived = null;

  /** @param {import("./cell.js").Cell} cell */
  constructor(cell) {
    this.cell = cell;
    this.el = element("div", { className: "bn-backward" });
    this.ways = element("select", {
      "aria-label": "How the backward pass is written",
      onchange: () => this.#draw(),
    });
    this.copy = element("button", { type: "button", onclick: () => this.#copy() }, "Copy");
    this.status = element("span", { role: "status" });
    this.pre = element("pre", { tabIndex: 0, translate: false });
    const bar = element("div", { className: "bn-bar" }, this.ways, this.copy, this.status);
    this.el.append(bar, this.pre);
    this.#light();
  }

  /** Lines and nodes light each other. */
  #light() {
    const graph = document.querySelector(".tag_workbench ~ .cell .bn-anywidget, .bn-anywidget");
    const point = (/** @type {string} */ detail) =>
      graph?.dispatchEvent(new CustomEvent("bn-point", { detail }));
    this.pre.addEventListener("pointerover", ({ target }) => {
      point(/** @type {HTMLElement} */ (target).dataset.node ?? "");
    });
    this.pre.addEventListener("pointerleave", () => point(""));
    graph?.addEventListener("bn-pointed", (event) => {
      const names = /** @type {CustomEvent<string[]>} */ (event).detail;
      for (const el of this.pre.querySelectorAll("span"))
        el.classList.toggle("bn-lit", names.includes(el.dataset.node || " "));
    });
  }

  /** @param {Derived | { error: string }} derived */
  show(derived) {
    const { old, input } = this.cell;
    this.cell.showPublished();
    if (old) old.hidden = true;
    if (!this.el.isConnected) (old ?? input).after(this.el);
    this.#derived = "error" in derived ? null : derived;
    this.status.textContent = "error" in derived ? derived.error : "";
    this.#draw();
  }

  #draw() {
    const derived = this.#derived;
    this.ways.disabled = this.copy.disabled = !derived;
    if (!derived) return this.pre.replaceChildren();
    /** @type {Record<string, Line[] | null>} */
    const all = {
      [WAYS[0]]: derived.lines,
      [WAYS[1]]: derived.compact,
      [WAYS[2]]: derived.formulas.map((text) => [text, ""]),
    };
    const chosen = this.ways.value;
    const offered = WAYS.filter((way) => all[way]);
    this.ways.replaceChildren(...offered.map((way) => new Option(way, way)));
    this.ways.value = offered.some((way) => way === chosen) ? chosen : WAYS[0];
    const lines = all[this.ways.value] ?? derived.lines;
    this.pre.replaceChildren(...lines.map(([text, node]) => line(text, node)));
    this.pre.tabIndex = 0; // where nothing scrolled, the theme has taken it away
  }

  async #copy() {
    this.status.textContent = await copy(this.pre.textContent ?? "");
  }
}
