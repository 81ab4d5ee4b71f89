/**
 * The cells of a page and the Python they share. To run a cell runs first, from the top, those
 * above it that have not run. What the reader has changed is kept in the browser until it is reset.
 */
import { Cell } from "./cell.js";
import { startInWords, Stopped } from "./protocol.js";

/**
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {ReturnType<typeof import("./join.js").join>} Joined
 */

const KEEP = `bn-cells:${location.pathname}`;

/** What the reader has changed on this page: {a cell as published: as changed}. */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEEP) ?? "{}");
  } catch {
    return {}; // a browser that keeps nothing, or not what we wrote
  }
}

export class Notebook {
  /** @type {Cell | null} the cell that the reader has run, which may wait for others */
  #asked = null;
  /** @type {Cell | null} the cell that runs: that one, or one above it */
  #now = null;
  #queue = Promise.resolve();
  #lives = 0;

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
      changed: () => this.#keep(),
    };
    this.cells = elements.map((el, i) => new Cell(el, i + 1, joined.view, actions));
    const old = kept();
    for (const cell of this.cells)
      if (Object.hasOwn(old, cell.published)) cell.take(old[cell.published]);
    kernel.listen((status) => this.#progress(status));
  }

  #keep() {
    const edited = this.cells.filter((cell) => cell.edited);
    const text = JSON.stringify(Object.fromEntries(edited.map((c) => [c.published, c.source])));
    try {
      if (edited.length) localStorage.setItem(KEEP, text);
      else localStorage.removeItem(KEEP);
    } catch {} // a browser that keeps nothing
  }

  /** @param {import("./protocol.js").Status} status */
  #progress(status) {
    const { state, what } = status;
    if (state === "off" || state === "failed") for (const cell of this.cells) cell.ran = false;
    const [asked, now] = [this.#asked, this.#now];
    if (!asked || !now) return;
    const first = asked === now ? "" : ` ${now.name} first`;
    const words = state === "busy" ? `Running${first} (${what})` : startInWords(status);
    if (words) asked.tell(words);
  }

  /**
   * Runs a cell, after those above it that have not run.
   * @param {Cell} cell
   * @param {boolean} [advance] whether the reader goes on to the next cell, as Shift+Enter has it
   */
  run(cell, advance = false) {
    if (advance) this.#next(cell);
    const life = this.#lives;
    cell.running = true; // its button stops what it waits for
    const work = async () => {
      this.#asked = cell;
      const first = cell.check ? cell.number - 1 : 0; // an exercise stands by itself
      for (const each of this.cells.slice(first, cell.number)) {
        if (life !== this.#lives) return;
        if (each !== cell && each.ran) continue;
        const fine = await this.#runOne(each);
        if (fine) continue;
        if (life !== this.#lives) cell.finish({ status: "stopped", needs: [] }, "");
        else if (each !== cell && this.kernel.status.state !== "failed")
          cell.tell(`Not run: ${each.name}, above, did not come to its end.`);
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
    try {
      cell.tell("");
      await Promise.all([this.kernel.start(), this.joined.ready()]);
      this.joined.flush();
      const began = performance.now();
      const { source, name, check } = cell;
      if (check) {
        const said = await check(add);
        cell.ran = true;
        cell.tell(said);
        return true;
      }
      const result = await this.kernel.run(source, { name, onOutput: add });
      const seconds = (performance.now() - began) / 1000;
      if (result.status !== "stopped") clear();
      cell.finish(result, `${this.kernel.status.what}, in ${seconds.toFixed(2)} s`);
      return result.status === "ok";
    } catch (error) {
      if (error instanceof Stopped) cell.finish({ status: "stopped", needs: [] }, "");
      else if (this.kernel.status.state !== "failed") throw error;
      return false;
    } finally {
      cell.running = false;
      this.#now = null;
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
      if (!cell.bar.hidden) cell.tell("Python was restarted: nothing has run in it yet.");
  }
}
