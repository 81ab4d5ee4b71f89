/**
 * Gives each code cell of a page its buttons. What they do is in python/, and is loaded when
 * the first is pressed, or when this page has cells that its reader has changed.
 *
 * The build puts `bnVersion` before it: a new version is not to be taken for an old one.
 */
import { element } from "./element.js";
import { loadScript } from "./script.js";
import { store } from "./store.js";
import { recalled } from "./visit.js";
import { say } from "./words.js";

const page = /** @type {any} */ (globalThis);
const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);

/** @returns {Promise<any>} the page's Python: see python/live.js */
const live = async () => {
  await loadScript(src.replace(/[^/]*$/, `live.js?v=${page.bnVersion}`));
  return page.bnPython;
};

page.bnLive = live;

const DWELL = 150; // milliseconds: a pointer that only passes over a button starts nothing

/**
 * Starts Python as soon as a button that needs it is aimed at: much of the wait is over when it is
 * pressed. What fails is said then, after another attempt. Some readers ask for data to be saved.
 * @param {HTMLButtonElement} button
 */
function foresee(button) {
  const { connection } = /** @type {any} */ (navigator);
  let timer = 0;
  const start = () => live().then(({ kernel }) => kernel.start());
  const aim = () => {
    timer = window.setTimeout(() => start().catch(() => {}), DWELL);
  };
  const leave = () => clearTimeout(timer);
  if (connection?.saveData) return;
  for (const name of ["pointerenter", "focus"]) button.addEventListener(name, aim);
  for (const name of ["pointerleave", "blur", "click"]) button.addEventListener(name, leave);
}

/** @param {Element} input the code of a cell @param {number} i */
function addButtons(input, i) {
  const status = element("span", { role: "status" });
  const row = element("div", { className: "bn-run" }, status);
  const tell = (/** @type {string} */ text) => {
    status.textContent = text;
  };
  const stub = input.textContent?.includes("your code here");
  const cell = say("cell {n}", { n: i + 1 });
  for (const [verb, edits] of /** @type {const} */ ([
    [stub ? say("Check") : say("Run"), false],
    [say("Edit"), true],
  ])) {
    const named = { type: "button", "aria-label": say("{verb} {cell}", { verb, cell }) };
    const button = element("button", named, verb);
    button.onclick = async () => {
      const slow = setTimeout(() => tell(say("Loading")), 300);
      const found = await live().catch(({ message: reason }) =>
        tell(say("This does not work here: {reason}.", { reason })),
      );
      clearTimeout(slow);
      if (!found) return;
      tell("");
      const { notebook } = found;
      const cell = notebook.cells[i];
      if (edits) cell.edit();
      else if (cell.running) notebook.stop();
      else notebook.run(cell);
    };
    if (!edits) foresee(button);
    row.append(button);
  }
  input.append(row);
}

const inputs = document.querySelectorAll(".cell .cell_input");
inputs.forEach(addButtons);
const left = recalled("edits") ?? recalled("outputs");
if (inputs.length && (left || store.get(`bn-cells:${location.pathname}`))) live();
