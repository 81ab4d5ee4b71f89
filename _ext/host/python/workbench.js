/**
 * The workbench: a cell whose function the page's figures follow while it is typed.
 *
 * The cell has the tag "workbench"; one with the tag "workbench-menu" holds functions to start from.
 */
import { element } from "../element.js";
import { BackwardPass } from "./backward.js";
import { startInWords, Stopped } from "./protocol.js";

/**
 * @typedef {import("./cell.js").Cell} Cell
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {import("../models.js").Model} Model
 */

const page = /** @type {any} */ (globalThis);

const PAUSE = 30; // milliseconds without a key before the figures follow
const OWN = "def my_function(x=np.array([1.0, -0.5, 2.2])):\n    return x - x.mean(axis=0)";
const NO_BATCH =
  "The second figure is paused: it shows functions of one batch x of two to eight numbers, " +
  "which may also take the numbers gamma, beta and eps.";

/** The functions and classes in a source, by their names. @param {string} source */
const functionsIn = (source) =>
  source
    .split(/\n+(?=(?:def|class) )/)
    .map((text) => [/^(?:def|class) (\w+)/.exec(text)?.[1] ?? "", text.trimEnd()])
    .filter(([name]) => name);

/** The published figure of a kind. @param {string} kind @returns {Model | undefined} */
const figure = (kind) =>
  [...page.bnHost.models.values()].find(
    (model) => !model.peer && model.get("_anywidget_id")?.endsWith(`.${kind}`),
  );

/** Lets the joined figures part, or joins them again. @param {boolean} resting */
function rest(resting) {
  for (const model of page.bnHost.models.values())
    if (!model.peer && model.name === "LinkModel") model.set("resting", resting);
}

export class Workbench {
  #busy = false;
  #timer = 0;

  /**
   * @param {Cell} cell
   * @param {Cell[]} cells all of the page
   * @param {Kernel} kernel
   */
  constructor(cell, cells, kernel) {
    this.cell = cell;
    this.kernel = kernel;
    this.figures = /** @type {Cell} */ (cells[cell.number]); // the next one draws them
    const others = cells.find(({ el }) => el.matches(".tag_workbench-menu"));
    const derived = cells.find(({ el }) => el.matches(".tag_workbench-backward"));
    this.backward = derived && new BackwardPass(derived);
    this.menu = this.#menu(functionsIn(others?.published ?? ""));
    this.rests = element("p", { hidden: true }, NO_BATCH);
    cell.follow({ opened: () => this.#open(), changed: () => this.#later() });
    kernel.listen((status) => this.#progress(status));
    if (cell.edited) this.#later(); // not what a link has brought: see #later
  }

  /** @param {string[][]} functions names and sources */
  #menu(functions) {
    const all = [["batch norm", this.cell.published], ...functions, ["your own", OWN]];
    const select = element("select");
    for (const [name] of all) select.add(new Option(name.replaceAll("_", " ")));
    select.onchange = () => {
      if (this.cell.editor) this.cell.editor.value = all[select.selectedIndex][1];
    };
    return element("label", { className: "bn-menu" }, "Start from ", select);
  }

  #open() {
    this.cell.input.querySelector(".bn-editor")?.before(this.menu);
    this.menu.hidden = false;
    this.#later();
  }

  /** @param {import("./protocol.js").Status} status */
  #progress(status) {
    const words = startInWords(status);
    if (this.#busy && words) this.cell.setStatus(words);
  }

  #later() {
    if (!this.cell.editor) this.menu.hidden = true;
    clearTimeout(this.#timer);
    if (this.cell.foreign !== null) return; // to trace it is to run it
    this.#timer = window.setTimeout(() => this.#follow(), PAUSE);
  }

  /** Traces the function as it is now, and again if it has changed meanwhile. */
  async #follow() {
    if (this.#busy || this.cell.foreign !== null) return;
    this.#busy = true;
    try {
      await page.bnHost.ready;
      for (let source; source !== this.cell.source; ) {
        source = this.cell.source;
        this.#show(source, await this.kernel.call("workbench.trace", { source }));
      }
    } catch (error) {
      if (error instanceof Stopped)
        this.cell.setStatus("Python was stopped. It starts again as you type.");
      else if (this.kernel.status.state !== "failed") throw error;
    } finally {
      this.#busy = false;
    }
  }

  /**
   * @param {string} source
   * @param {{ error: string, line: number | null } |
   *   { name: string, graph: any, batch: any, backward: any }} found
   */
  #show(source, found) {
    if (source !== this.cell.source) return;
    this.figures.el.classList.toggle("bn-stale", "error" in found);
    if ("error" in found) {
      const lines = source.split("\n").length;
      this.cell.editor?.markError(found.line ?? lines, found.error);
      const where = found.line ? `Line ${found.line}: ` : "";
      const what = found.error.replace(/[^.]$/, "$&.");
      this.cell.setStatus(`${where}${what} The figures show the last function that was traced.`);
      return;
    }
    this.cell.editor?.clearError();
    this.figures.showPublished();
    rest(!found.batch);
    figure("GraphFigure")?.set(found.graph);
    if (found.batch) figure("BatchFigure")?.set(found.batch);
    const views = this.figures.old?.querySelectorAll(".bn-box > bn-view") ?? [];
    const second = /** @type {HTMLElement | undefined} */ (views[1]);
    if (second && !this.rests.isConnected) second.closest(".bn-box")?.after(this.rests);
    if (second) second.hidden = !found.batch;
    this.rests.hidden = Boolean(found.batch);
    this.backward?.show(found.backward);
    this.cell.setStatus(`The figures show ${found.name}.`);
  }
}
