/**
 * What a page loads when its reader first asks for Python: `bnPython`, with the page's one kernel.
 * The build puts `bnManifest` before it: what Python's parts are, and in which files.
 */
import { Kernel } from "./kernel.js";

const page = /** @type {any} */ (globalThis);
const own = /** @type {HTMLScriptElement} */ (document.currentScript).src;

page.bnPython ??= { kernel: new Kernel(own.replace(/[^/]*$/, ""), page.bnManifest) };
