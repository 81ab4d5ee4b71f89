/**
 * The page's Python: one kernel a page, in a worker of its own, started by the first run.
 *
 *   const off = kernel.listen(({ state, loaded, total, what }) => …);  // now, and at each change
 *   const result = await kernel.run("x = 1\nx", { name: "cell 1", onOutput: (output) => … });
 *   const graph = await kernel.call("workbench.trace", { source });    // in page/workbench.py
 *   kernel.stop();                                                     // ends an endless loop
 *
 * `run` and `call` start the kernel if need be, and queue behind what is under way. Python's parts
 * are loaded once a page and kept: to start again, after `stop` or `restart`, loads nothing. The
 * worker is made from a blob, since a page from file:// may make it from nothing else.
 */
import { forgetParts, load } from "./parts.js";
import { explained, forget } from "../policy.js";
import { PythonError, Stopped } from "./protocol.js";
import { unpack } from "./unpack.js";
import { say } from "../words.js";

/**
 * @typedef {import("./protocol.js").Status} Status
 * @typedef {import("./protocol.js").Output} Output
 * @typedef {import("./protocol.js").Result} Result
 * @typedef {import("./protocol.js").RunOptions} RunOptions
 * @typedef {import("./protocol.js").Manifest} Manifest
 * @typedef {import("./protocol.js").Message} Message
 */

const MB = 1e6;

export class Kernel {
  #root;
  #manifest;
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Promise<void> | null} */
  #started = null;
  #lives = 0;
  /** @type {Map<number, { done: (value: any) => void, fail: (error: Error) => void,
   *   onOutput?: (output: Output) => void }>} */
  #tasks = new Map();
  #count = 0;
  /** @type {((output: Output) => void) | undefined} of the last run: where callbacks print */
  #last;
  /** @type {Set<(status: Status) => void>} */
  #listeners = new Set();
  /** @type {Set<(message: Message) => void>} */
  #comms = new Set();
  /** @type {Status} */
  status;
  /** Takes what an Output widget, by its comm's id, has caught. */
  onCaught = (/** @type {string} */ _id, /** @type {Output} */ _output) => {};

  /**
   * @param {string} root the address of the folder with the parts, "/" at its end
   * @param {Manifest} manifest
   */
  constructor(root, manifest) {
    this.#root = root;
    this.#manifest = manifest;
    const total = Object.values(manifest.bytes).reduce((sum, size) => sum + size, 0) / MB;
    this.status = {
      state: "off",
      loaded: 0,
      total,
      what: say("{python}, in your browser", { python: manifest.what }),
      reason: "",
      crashed: false,
    };
  }

  /**
   * Tells `listener` the status, now and whenever it changes; gives what ends that.
   * @param {(status: Status) => void} listener
   */
  listen(listener) {
    this.#listeners.add(listener);
    listener(this.status);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Hands every message from Python's comms to `listener`; gives what ends that.
   * @param {(message: Message) => void} listener
   */
  onMessage(listener) {
    this.#comms.add(listener);
    return () => void this.#comms.delete(listener);
  }

  /**
   * Sends a message to a comm in Python; done when its callbacks are. Without a kernel it is dropped.
   * @param {Message} message
   * @returns {Promise<void>}
   */
  async send(message) {
    if (this.status.state === "ready" || this.status.state === "busy")
      await this.#ask({ kind: "comm", message }).catch(() => {});
  }

  /**
   * Starts Python, if it does not run. Throws what kept it from starting, or `Stopped`.
   * @returns {Promise<void>}
   */
  start() {
    this.#started ??= this.#start(++this.#lives);
    return this.#started;
  }

  /**
   * Runs a cell's source; its outputs come as they arise. It never throws for an error in Python:
   * that is an output. It throws where Python cannot be started.
   * @param {string} source
   * @param {RunOptions} [options]
   * @returns {Promise<Result>}
   */
  async run(source, { name = "cell", onOutput } = {}) {
    try {
      await this.start();
      this.#last = onOutput;
      return await this.#ask({ kind: "run", source, name }, onOutput);
    } catch (error) {
      if (error instanceof Stopped) return { status: "stopped", needs: [] };
      throw error;
    }
  }

  /**
   * Calls a function of the page's own Python modules (_ext/host/python/page/) with these keyword
   * arguments, and gives what it returns; both are JSON values. It knows nothing of cells' names.
   * Throws PythonError, or `Stopped`.
   * @param {string} name "module.function"
   * @param {Record<string, any>} [values]
   * @returns {Promise<any>}
   */
  async call(name, values = {}) {
    await this.start();
    const { value, error } = await this.#ask({ kind: "call", name, values });
    if (error) throw new PythonError(error);
    return value;
  }

  /**
   * Asks a function of page/lookup.py, which also knows cells' names and runs none of the reader's
   * code. It starts nothing and waits for nothing: undefined where Python is off or busy.
   * @param {string} name
   * @param {Record<string, any>} values
   * @returns {Promise<any>}
   */
  async look(name, values) {
    if (this.status.state !== "ready") return undefined;
    const answer = await this.#ask({ kind: "look", name, values }).catch(() => ({})); // it ended
    if (answer.error) throw new PythonError(answer.error);
    return answer.value;
  }

  /** Ends Python at once, whatever it does: all that cells have made in it is gone. */
  stop() {
    this.#end(new Stopped("Python was stopped"));
  }

  /** @param {Error} error what those who wait for an answer get */
  #end(error) {
    this.#lives++;
    this.#worker?.terminate();
    this.#worker = null;
    this.#started = null;
    this.#last = undefined;
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    if (this.status.state !== "off") this.#tell({ state: "off" });
    for (const { fail } of tasks) fail(error);
  }

  /** Ends Python and starts it again. */
  restart() {
    this.stop();
    return this.start();
  }

  /** @param {Partial<Status>} changes */
  #tell(changes) {
    this.status = { ...this.status, ...changes };
    for (const listener of this.#listeners) listener(this.status);
  }

  /** @param {number} life which of its lives this is: it may be stopped at any time */
  async #start(life) {
    const alive = () => {
      if (life !== this.#lives) throw new Stopped("Python was stopped");
    };
    try {
      this.#tell({ state: "loading", loaded: 0, reason: "", crashed: false });
      const { runtime, parts, bytes, figures } = this.#manifest;
      /** @type {Record<string, number>} */
      const arrived = {};
      const hear = (/** @type {string} */ file, /** @type {number} */ all) => {
        arrived[file] = Math.min(all, bytes[file]);
        const loaded = Object.values(arrived).reduce((sum, size) => sum + size, 0) / MB;
        if (life === this.#lives) this.#tell({ loaded });
      };
      const get = async (/** @type {string} */ file) => {
        const text = await load(this.#root, file, (more) =>
          hear(file, (arrived[file] ?? 0) + more),
        );
        hear(file, bytes[file]);
        return text;
      };
      forget();
      const [code, ...packed] = await Promise.all([
        get(runtime).then((text) => unpack([text], runtime)),
        ...Object.values(parts).map((files) => Promise.all(files.map(get))),
      ]);
      alive();
      this.#tell({ state: "starting" });
      this.#worker = this.#spawn(code);
      const named = Object.fromEntries(Object.keys(parts).map((name, i) => [name, packed[i]]));
      const words = /** @type {any} */ (globalThis).bnWords;
      await this.#ask({ kind: "start", parts: named, figures, words });
    } catch (error) {
      const known = error instanceof Stopped ? error : await explained(error);
      if (life === this.#lives) this.#lose(known instanceof Error ? known.message : String(known));
      throw known;
    }
  }

  /** Makes the worker. @param {ArrayBuffer} code its script */
  #spawn(code) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => worker === this.#worker && this.#hear(data);
    worker.onerror = async (event) => {
      event.preventDefault();
      const reason = await explained(event.message || say("its worker did not start"));
      if (worker === this.#worker)
        this.#lose(reason instanceof Error ? reason.message : `${reason}`);
    };
    return worker;
  }

  /** Python is gone, and not because it was stopped. @param {string} reason */
  #lose(reason) {
    const ran = this.status.state === "busy" || this.status.state === "ready";
    if (!ran && !reason.includes("Content-Security-Policy")) forgetParts();
    this.#end(new Error(reason));
    const words = ran
      ? say("Python crashed; the next run starts it again ({reason}).", { reason })
      : say("Python did not start ({reason}).", { reason });
    this.#tell({ state: "failed", reason: words, crashed: ran });
  }

  /**
   * @param {any} message
   * @param {(output: Output) => void} [onOutput]
   * @returns {Promise<any>}
   */
  #ask(message, onOutput) {
    if (!this.#worker) return Promise.reject(new Stopped("Python was stopped"));
    const id = ++this.#count;
    if (!["start", "look"].includes(message.kind)) this.#tell({ state: "busy" });
    this.#worker.postMessage({ ...message, id });
    return new Promise((done, fail) => this.#tasks.set(id, { done, fail, onOutput }));
  }

  /** @param {any} data what the worker says */
  #hear({ kind, id, output, catcher, message, value, reason }) {
    const task = this.#tasks.get(id);
    if (kind === "output" && catcher) this.onCaught(catcher, output);
    else if (kind === "output") (task?.onOutput ?? this.#last)?.(output);
    else if (kind === "comm") for (const listener of this.#comms) listener(message);
    else if (kind === "lost") this.#lose(reason);
    else {
      this.#tasks.delete(id);
      if (!this.#tasks.size && this.status.state !== "ready") this.#tell({ state: "ready" });
      task?.done(value);
    }
  }
}
