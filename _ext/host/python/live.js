/**
 * What a page loads when its reader first asks for Python: `bnPython`, with the page's one `kernel`,
 * its `notebook`, and `join`, which shows the widgets that Python makes. Nothing of Python itself
 * is loaded before something runs. The build puts `bnManifest` before this: what its parts are.
 */
import { Exercise, exerciseIn } from "./exercise.js";
import { join } from "./join.js";
import { Kernel } from "./kernel.js";
import { Notebook } from "./notebook.js";
import { Variables } from "./variables.js";
import { Workbench } from "./workbench.js";

const page = /** @type {any} */ (globalThis);
const root = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/[^/]*$/, "");

if (!page.bnPython) {
  const kernel = new Kernel(`${root}python/`, page.bnManifest);
  const joined = join(kernel, root);
  const rows = [...document.querySelectorAll(".bn-run")];
  const cells = rows.map((row) => /** @type {HTMLElement} */ (row.closest(".cell")));
  const notebook = new Notebook(kernel, joined, cells);
  page.bnPython = { kernel, joined, notebook };
  const exercises = new Map();
  for (const cell of notebook.cells) {
    const name = exerciseIn(cell.published);
    if (name) new Exercise(cell, name, kernel, exercises);
    else if (cell.el.matches(".tag_workbench")) new Workbench(cell, notebook.cells, kernel);
    else new Variables(cell, kernel);
  }
}
