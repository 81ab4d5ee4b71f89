/**
 * The way into the lecture view: `?view=lecture`, the key L, or a figure's menu. What it does is in
 * lecture.js, which is loaded only then.
 */
import { loadScript } from "./script.js";

const page = /** @type {any} */ (globalThis);
const host = /** @type {HTMLScriptElement | null} */ (document.currentScript);

/** What takes letters that are typed. */
const TYPED = "input, textarea, select, [contenteditable], [role=textbox], [role=menu] *";

/** Shows a figure as a lecture does; without one, the first. @param {Element} [figure] */
async function lecture(figure) {
  await loadScript(new URL("lecture.js", host?.src).href);
  page.bnLecture.begin(figure);
}

/**
 * Opens the view where it is asked for.
 * @param {Promise<void>} ready kept once every figure is drawn
 */
export function lectern(ready) {
  if (!host?.src) return undefined; // a saved page has no such script beside it
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (!/^l$/i.test(key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.defaultPrevented || (target instanceof Element && target.closest(TYPED))) return;
    if (document.querySelector(".bn-enlarge")) lecture().catch(console.warn);
  });
  if (new URLSearchParams(location.search).get("view") === "lecture") {
    ready.then(() => lecture()).catch(console.warn);
  }
  return lecture;
}
