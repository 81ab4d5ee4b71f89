/** What the page and its Python say to each other. */
import { say } from "../words.js";

/**
 * @typedef {"off" | "loading" | "starting" | "ready" | "busy" | "failed"} State
 *   off: not started, or stopped; loading: its parts arrive; starting: they are put together;
 *   failed: `reason` says why, and the next `start` tries again
 *
 * @typedef {object} Status
 * @property {State} state
 * @property {number} loaded megabytes that have arrived
 * @property {number} total megabytes in all
 * @property {string} what "Python 3.13, NumPy 2.2, in your browser"
 * @property {string} reason why it failed, a sentence to show; else ""
 * @property {boolean} crashed whether what failed was already there, and not a start
 *
 * @typedef {{ type: "stream", name: "stdout" | "stderr", text: string }} Stream
 * @typedef {{ type: "result" | "display", data: Record<string, any> }} Display by MIME type;
 *   text/plain is always there
 * @typedef {{ type: "error", name: string, message: string, line: number | null, text: string }}
 *   Failure `line` counts from 1 in the source that was run; `text` is a short traceback
 * @typedef {{ type: "clear", wait: boolean }} Clear
 * @typedef {Stream | Display | Failure | Clear} Output
 *
 * @typedef {object} Result
 * @property {"ok" | "error" | "stopped"} status
 * @property {string[]} needs modules that the source uses and this page lacks: ["matplotlib"]
 *
 * @typedef {{ name?: string, onOutput?: (output: Output) => void }} RunOptions
 *   `name` is what tracebacks call the source: "cell 3"
 *
 * @typedef {object} Manifest what the build knows of Python's parts
 * @property {string} what
 * @property {string} runtime the file with the worker's script
 * @property {Record<string, string[]>} parts in which files each part is
 * @property {Record<string, number>} bytes how big each file is
 * @property {string[]} figures the names of the scripts and style sheets that figures have in the
 *   book: see _ext/light.py
 *
 * @typedef {object} Message of a widget's comm, as Jupyter has it
 * @property {"comm_open" | "comm_msg" | "comm_close"} type
 * @property {string} id
 * @property {any} data
 * @property {Uint8Array[]} [buffers]
 */

/** How far a start of Python is, in words; "" while none is under way. @param {Status} status */
export function startInWords({ state, loaded, total, what, reason }) {
  const [here, all] = [loaded, total].map((size) => size.toFixed(1));
  if (state === "loading") return say("Loading {what}: {here} of {all} MB", { what, here, all });
  if (state === "starting") return say("Starting {what}", { what });
  return state === "failed" ? reason : "";
}

/** An exception that `call` met in Python. */
export class PythonError extends Error {
  /** @param {Failure} failure */
  constructor(failure) {
    super(failure.message);
    this.name = failure.name;
    /** @type {number | null} in the source that was looked at, from 1 */
    this.line = failure.line;
    /** @type {string} a short traceback */
    this.text = failure.text;
  }
}

/** What was stopped before it was done. */
export class Stopped extends Error {}
