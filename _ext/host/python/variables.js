/**
 * What cells have made, as a table that a button folds out below a cell: names, shapes, values. It
 * is asked of the running Python (page/lookup.py) while it is open, and again after each run.
 */
import { element } from "../element.js";
import { kindOf } from "./kinds.js";
import { say } from "../words.js";

/**
 * @typedef {import("./cell.js").Cell} Cell
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {{ rows: string[][], more: number }} Table
 */

const HEADS = [say("Name"), say("Kind"), say("Shape"), "dtype", say("Value")];
const OFF = say("Python is not running. Run a cell, and what it defines is listed here.");
const EMPTY = say("The cells that have run define nothing yet.");

/** @param {Table} table */
function shown({ rows, more }) {
  const head = HEADS.map((text) => element("th", { scope: "col" }, text));
  const lines = rows.map(([name, what, ...others]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("code", {}, name)),
      ...[kindOf(what), ...others].map((text) => element("td", {}, text)),
    ),
  );
  const table = element("table", { className: "table" });
  table.append(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
  return more
    ? [
        element("p", {}, say("The last {n}; {more} more came before.", { n: rows.length, more })),
        table,
      ]
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
      "aria-label": say("Variables, below {cell}", { cell: cell.name }),
      textContent: say("Variables"),
      onclick: () => this.#open(Boolean(this.el.hidden)),
    });
    this.el = element("div", {
      className: "pst-scrollable-table-container bn-variables",
      hidden: true,
      tabIndex: 0, // it may scroll
      role: "region",
      "aria-label": say("Variables, as of {cell}", { cell: cell.name }),
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
