/**
 * Gives each code cell of a page its buttons. What they do stands in python/, and is loaded when
 * the first is pressed, or when this page has cells that its reader has changed.
 *
 * The build puts `bnVersion` before it: a new version is not to be taken for an old one.
 */
import { store } from "./store.js";
import { recalled } from "./visit.js";

const page = /** @type {any} */ (globalThis);
const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);

/** @type {Promise<any> | undefined} */
let loading;

/** @returns {Promise<any>} the page's Python: see python/live.js */
const live = () => {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src.replace(/[^/]*$/, `live.js?v=${page.bnVersion}`);
    script.onload = () => resolve(page.bnPython);
    script.onerror = () => {
      loading = undefined; // the next click tries again
      reject(new Error("live.js did not load"));
    };
    document.head.append(script);
  });
  return loading;
};

/** @param {Element} input the code of a cell @param {number} i */
function addButtons(input, i) {
  const row = document.createElement("div");
  row.className = "bn-run";
  const stub = input.textContent?.includes("your code here");
  for (const text of [stub ? "Check" : "Run", "Edit"]) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = text;
    button.setAttribute("aria-label", `${text} cell ${i + 1}`);
    button.onclick = async () => {
      const { notebook } = await live();
      const cell = notebook.cells[i];
      if (text === "Edit") cell.edit();
      else if (cell.running) notebook.stop();
      else notebook.run(cell);
    };
    row.append(button);
  }
  input.append(row);
}

const inputs = document.querySelectorAll(".cell .cell_input");
inputs.forEach(addButtons);
const left = recalled("edits") ?? recalled("outputs");
if (inputs.length && (left || store.get(`bn-cells:${location.pathname}`))) live();
