/**
 * An exercise: a cell with a stub, whose "Check" judges the answer in it by itself and shows the
 * verdict beside the lines that it rests on. What is solved is kept in the browser.
 */

/**
 * @typedef {import("./cell.js").Cell} Cell
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {import("./protocol.js").Output} Output
 * @typedef {{ passed: boolean, message: string, marks: import("./marks.js").Mark[],
 *   shown: string }} Verdict
 */

import { download } from "../../../code/batchnorm/figures/kit/blob.js";
import { element } from "../element.js";
import { recall, store, warnUnsaved } from "../store.js";
import { say } from "../words.js";

const KEEP = "bn-solved";
const STUB = /your code here[\s\S]*bn\.exercises\["(\w+)"\]\.check\(/;

/** The name of the exercise that a cell is, or "". @param {string} source */
export const exerciseIn = (source) => STUB.exec(source)?.[1] ?? "";

/** The answers that were right: {exercise: source}. @returns {Record<string, string>} */
const solved = () => recall(KEEP);

/** All answers that were right, as a file of Python. */
function saveAll() {
  const parts = Object.entries(solved()).map(([name, source]) => `# ${name}\n\n${source}\n`);
  const text = `import numpy as np\n\nimport batchnorm as bn\n\n${parts.join("\n\n")}`;
  download(new Blob([text], { type: "text/x-python" }), "my_answers.py");
}

/**
 * The answers in such a file: [exercise, source].
 * @param {string} text
 * @param {string[]} names of the exercises
 */
function answersIn(text, names) {
  const head = new RegExp(`^# (${names.join("|")})\\n\\n`, "m");
  const [, ...parts] = text.replaceAll("\r\n", "\n").split(head);
  return parts.flatMap((name, i) => (i % 2 ? [] : [[name, parts[i + 1].trimEnd()]]));
}

export class Exercise {
  /**
   * @param {Cell} cell
   * @param {string} name
   * @param {Kernel} kernel
   * @param {Map<string, Exercise>} all the page's exercises, by name: it joins them
   */
  constructor(cell, name, kernel, all) {
    this.cell = cell;
    this.name = name;
    this.kernel = kernel;
    this.all = all.set(name, this);
    const label = { role: "img", "aria-label": "solved" };
    this.done = element("span", { hidden: true, ...label }, " ✓");
    cell.el.closest("section")?.querySelector("h2")?.append(this.done);
    const save = { type: "button", hidden: true, onclick: saveAll };
    this.export = element("button", save, "Save my answers");
    const file = element("input", { type: "file", accept: ".py", hidden: true });
    file.onchange = () => this.#open(file);
    const open = { type: "button", onclick: () => file.click() };
    cell.bar.append(this.export, element("button", open, "Open my answers"), file);
    cell.old?.remove(); // the verdict on the stub, which nobody has asked for here
    cell.old = null;
    cell.verb = say("Check");
    cell.running = false; // its button says so now
    cell.check = (add) => this.#check(add);
    this.#tick();
  }

  #tick() {
    this.done.hidden = this.export.hidden = !Object.hasOwn(solved(), this.name);
  }

  /** Puts the answers of a file into their cells. Nothing of them runs. @param {HTMLInputElement} input */
  async #open(input) {
    const text = (await input.files?.[0]?.text()) ?? "";
    input.value = ""; // the same file may be opened again
    const answers = answersIn(text, [...this.all.keys()]);
    for (const [name, source] of answers) this.all.get(name)?.cell.put(source);
    this.cell.setStatus(
      answers.length
        ? `Answers in their cells: ${answers.length}. Press Check above each.`
        : "No answer in this file: open one that Save my answers has made.",
    );
  }

  /** @param {(output: Output) => void} add */
  async #check(add) {
    const { cell, name } = this;
    await cell.edit();
    const { source } = cell;
    /** @type {Verdict} */
    const verdict = await this.kernel.call("exercise.check", { name, source });
    // Said once: beside the lines, or below where they have changed meanwhile or none are marked
    if (cell.editor && source === cell.source) cell.editor.mark(verdict.marks);
    else add({ type: "result", data: { "text/plain": verdict.shown } });
    cell.announce(verdict.message);
    if (!verdict.passed) return "Not yet. See the note beside your code.";
    const isKept = store.set(KEEP, JSON.stringify({ ...solved(), [name]: source }));
    const kept = isKept ? ", saved in this browser" : "";
    if (!kept) warnUnsaved(cell.bar, say("What you have solved"));
    this.#tick();
    return `Right. ${Object.keys(solved()).length} of ${this.all.size} solved${kept}.`;
  }
}
