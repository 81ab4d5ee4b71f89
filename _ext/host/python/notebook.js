/**
 * The cells of a page and the Python they share. To run a cell runs first, from the top, those
 * above it that have not run. What the reader has changed is kept in the browser until it is reset;
 * a tab has its own way with a cell as long as it stays.
 */
import { Cell } from "./cell.js";
import { recall, store, warnUnsaved } from "../store.js";
import { deflated } from "../packing.js";
import { changed, hold, recalled, remember } from "../visit.js";
import { startInWords, Stopped } from "./protocol.js";
import { say } from "../words.js";

/**
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {ReturnType<typeof import("./join.js").join>} Joined
 */

/** {a cell as published: as changed} */
const KEEP = `bn-cells:${location.pathname}`;

export class Notebook {
  /** @type {Cell | null} the cell that the reader has run, which may wait for others */
  #asked = null;
  /** @type {Cell | null} the cell that runs: that one, or one above it */
  #now = null;
  #queue = Promise.resolve();
  #lives = 0;
  #recalling = true;
  /** Whether the last cell to run still says that Python did not start. */
  #unstarted = false;
  /** @type {Map<Cell, string>} what a link holds of a cell's code */
  #packed = new Map();

  /**
   * @param {Kernel} kernel
   * @param {Joined} joined
   * @param {HTMLElement[]} elements the cells' elements, in their order
   */
  constructor(kernel, joined, elements) {
    this.kernel = kernel;
    this.joined = joined;
    const actions = {
      run: (/** @type {Cell} */ cell, advance = false) => void this.run(cell, advance),
      stop: () => this.stop(),
      restart: () => this.restart(),
      changed: (/** @type {Cell} */ cell) => this.#keep(cell),
      names: {
        complete: (/** @type {string} */ path, /** @type {boolean} */ hidden) =>
          kernel.look("complete", { path, hidden }),
        describe: (/** @type {string} */ path) => kernel.look("describe", { path }),
        keywords: (/** @type {string} */ path, /** @type {number} */ given) =>
          kernel.look("keywords", { path, given }),
      },
    };
    this.cells = elements.map((el, i) => new Cell(el, i + 1, joined.view, actions));
    this.#recall();
    kernel.listen((status) => this.#progress(status));
  }

  /** The cells as this tab had them, or as the reader has changed them at an earlier visit. */
  #recall() {
    const edits = { ...recall(KEEP), ...recalled("edits") };
    const outputs = recalled("outputs") ?? {};
    for (const cell of this.cells) {
      if (Object.hasOwn(edits, cell.published)) cell.take(edits[cell.published]);
      if (Object.hasOwn(outputs, cell.published)) cell.recall(outputs[cell.published]);
    }
    this.#recalling = false;
    hold("cells", () =>
      this.cells
        .filter(({ edited }) => edited)
        .flatMap((cell) => {
          const text = this.#packed.get(cell);
          return text === undefined ? [] : [[`cell${cell.number}`, text]];
        }),
    );
    /** @template T @param {(cell: Cell) => boolean} some @param {(cell: Cell) => T} value */
    const of = (some, value) => () =>
      Object.fromEntries(this.cells.filter(some).map((cell) => [cell.published, value(cell)]));
    remember(
      "edits",
      of(
        ({ edited, foreign }) => edited && foreign === null,
        ({ source }) => source,
      ),
    );
    remember(
      "outputs",
      of(
        ({ live }) => !live.hidden,
        (cell) => cell.state(),
      ),
    );
  }

  /** Keeps one cell's source beside those that other tabs may have kept meanwhile. @param {Cell} cell */
  #keep(cell) {
    this.#pack(cell);
    if (this.#recalling) return;
    changed();
    if (cell.foreign !== null) return; // or the next visit would take it for the reader's own
    const { [cell.published]: _, ...edits } = recall(KEEP);
    if (cell.edited) edits[cell.published] = cell.source;
    if (!Object.keys(edits).length) store.remove(KEEP);
    else if (!store.set(KEEP, JSON.stringify(edits))) warnUnsaved(cell.bar, say("What you change"));
  }

  /** Makes a cell's code ready for a link. @param {Cell} cell */
  async #pack(cell) {
    const { source } = cell;
    const recalling = this.#recalling;
    const text = cell.edited ? await deflated(source) : "";
    if (cell.source !== source) return; // there is a newer one
    this.#packed.set(cell, text);
    if (!recalling) changed();
  }

  /** @param {import("./protocol.js").Status} status */
  #progress(status) {
    const { state, what } = status;
    for (const cell of this.cells) {
      if (state === "off" || state === "failed") cell.ran = false;
      cell.failed = state === "failed";
    }
    const [asked, now] = [this.#asked, this.#now];
    if (state === "off") return; // what comes next says more
    const start = startInWords(status);
    if (asked && now) {
      const runs =
        asked === now
          ? say("Running ({what})", { what })
          : say("Running {cell} first ({what})", { what, cell: now.name });
      const words = state === "busy" ? runs : start;
      if (words) asked.setStatus(words);
    } else if (asked && this.#unstarted)
      asked.setStatus(start || say("Python has started. Run the cell."));
    // A button that is only aimed at starts it, too
    this.#unstarted = state === "failed" ? !status.crashed : this.#unstarted && start !== "";
  }

  /**
   * Runs a cell, after those above it that have not run.
   * @param {Cell} cell
   * @param {boolean} [advance] whether the reader goes on to the next cell, as Shift+Enter has it
   */
  run(cell, advance = false) {
    cell.accept();
    if (advance) this.#next(cell);
    const life = this.#lives;
    cell.running = true; // its button stops what it waits for
    const work = async () => {
      this.#asked = cell;
      const first = cell.check ? cell.number - 1 : 0; // an exercise needs no cell above it
      const held = this.cells.slice(first, cell.number).find(({ foreign }) => foreign !== null);
      if (held)
        return cell.setStatus(
          say("Not run: {cell}, above, holds code from the link. Run it or remove it first.", {
            cell: held.name,
          }),
        );
      for (const each of this.cells.slice(first, cell.number)) {
        if (life !== this.#lives) return;
        if (each !== cell && each.ran) continue;
        const fine = await this.#runOne(each);
        if (fine) continue;
        if (life !== this.#lives) cell.finish({ status: "stopped", needs: [] }, "");
        else if (each !== cell && this.kernel.status.state !== "failed")
          cell.setStatus(say("Not run: {cell}, above, did not finish.", { cell: each.name }));
        return;
      }
    };
    this.#queue = this.#queue
      .then(work)
      .catch(reportError)
      .finally(() => {
        cell.running = false;
      });
    return this.#queue;
  }

  /** @param {Cell} cell */
  #next(cell) {
    const next = this.cells[cell.number];
    next?.el.querySelector("details")?.setAttribute("open", "");
    if (next?.editor) next.editor.focus();
    else next?.buttons[0].focus();
  }

  /** @param {Cell} cell */
  async #runOne(cell) {
    this.#now = cell;
    const { add, clear } = cell.begin();
    if (cell.check) cell.forget(); // the verdict on the stub is none on the answer
    try {
      cell.setStatus("");
      await Promise.all([this.kernel.start(), this.joined.ready()]);
      this.joined.flush();
      const began = performance.now();
      const { source, name, check } = cell;
      if (check) {
        const verdict = await check(add);
        cell.ran = true;
        cell.setStatus(verdict);
        return true;
      }
      const result = await this.kernel.run(source, { name, onOutput: add });
      const seconds = ((performance.now() - began) / 1000).toFixed(2);
      if (result.status !== "stopped") clear();
      const { what } = this.kernel.status;
      cell.finish(result, say("{what}, in {seconds} s", { what, seconds }));
      return result.status === "ok";
    } catch (error) {
      if (error instanceof Stopped) cell.finish({ status: "stopped", needs: [] }, "");
      else if (this.kernel.status.state !== "failed") throw error;
      if (cell.check) cell.showPublished();
      return false;
    } finally {
      cell.running = false;
      this.#now = null;
      changed();
    }
  }

  /** Ends Python: a loop without end, and what cells have made. */
  stop() {
    this.#lives++;
    this.kernel.stop();
  }

  restart() {
    this.stop();
    for (const cell of this.cells)
      if (!cell.bar.hidden) cell.setStatus(say("Python was restarted: nothing has run in it yet."));
  }
}
