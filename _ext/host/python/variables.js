/**
 * What cells have made, as a table that a button folds out below a cell: names, shapes, values. It
 * is asked of the running Python (page/lookup.py) while it is open, and again after each run.
 */
import { element } from "../element.js";

/**
 * @typedef {import("./cell.js").Cell} Cell
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {{ rows: string[][], more: number }} Table
 */

const HEADS = ["Name", "Kind", "Shape", "dtype", "Value"];
const OFF = "Python is not running. Run a cell, and what it defines is listed here.";
const EMPTY = "The cells that have run define nothing yet.";

/** @param {Table} table */
function shown({ rows, more }) {
  const head = HEADS.map((text) => element("th", { scope: "col" }, text));
  const lines = rows.map(([name, ...others]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, name)),
      ...others.map((text) => element("td", {}, text)),
    ),
  );
  const table = element("table", { className: "table" });
  table.append(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
  return more
    ? [element("p", {}, `The last ${rows.length}; ${more} more came before.`), table]
    : [table];
}

export class Variables {
  #asking = false;
  #again = false;

  /** @param {Cell} cell @param {Kernel} kernel */
  constructor(cell, kernel) {
    this.kernel = kernel;
    this.button = element("button", {
      type: "button",
      "aria-expanded": "false",
      "aria-label": `Variables, below ${cell.name}`,
      textContent: "Variables",
      onclick: () => this.#open(Boolean(this.el.hidden)),
    });
    this.el = element("div", {
      className: "pst-scrollable-table-container bn-variables",
      hidden: true,
      tabIndex: 0, // it may scroll
      role: "region",
      "aria-label": `Variables, as of ${cell.name}`,
    });
    cell.bar.append(this.button);
    cell.bar.after(this.el);
    cell.follow({ changed: () => cell.bar.hidden && this.#open(false) });
    kernel.listen(() => this.#show());
  }

  /** @param {boolean} open */
  #open(open) {
    this.el.hidden = !open;
    this.button.setAttribute("aria-expanded", `${open}`);
    this.#show();
  }

  /** Shows the table as it is now; while Python is busy, as it was. */
  async #show() {
    const { state } = this.kernel.status;
    if (this.el.hidden || state === "busy") return;
    if (state !== "ready") return this.el.replaceChildren(element("p", {}, OFF));
    this.#again = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    /** @type {Table | undefined} */
    const table = await this.kernel.look("table", {}).finally(() => {
      this.#asking = false;
    });
    if (table) this.el.replaceChildren(...(table.rows.length ? shown(table) : [EMPTY]));
    if (this.#again) await this.#show();
  }
}
