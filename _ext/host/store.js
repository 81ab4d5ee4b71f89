/**
 * What the page keeps in the browser. Some browsers keep nothing, or nothing more: to read throws,
 * or to write does, or there is no storage at all (private windows, sandboxed frames, policies, a
 * full disk). What is not kept is remembered until the page is left.
 *
 * One store a page, `bnStore`, made by the first script that imports this. It stands in for
 * `localStorage` and `sessionStorage` as well, since the theme's scripts expect these never to throw.
 */
import { element } from "./element.js";
import { say } from "./words.js";

/** @param {"localStorage" | "sessionStorage"} name */
function makeStore(name) {
  /** @type {Storage | undefined} */
  let storage;
  try {
    storage = window[name] ?? undefined;
  } catch {} // memory will do
  /** @type {Map<string, string | null>} what the storage does not hold; null: what it should not */
  const memory = new Map();

  /** @param {string} key @returns {string | null} */
  const get = (key) => {
    try {
      return memory.has(key) ? (memory.get(key) ?? null) : (storage?.getItem(key) ?? null);
    } catch {
      return null;
    }
  };
  /** Whether it is kept beyond this page: can be read again. @param {string} key @param {string} text */
  const set = (key, text) => {
    memory.set(key, String(text));
    try {
      storage?.setItem(key, text);
      if (storage?.getItem(key) !== memory.get(key)) return false;
      memory.delete(key);
      return true;
    } catch {
      return false;
    }
  };
  /** @param {string} key */
  const remove = (key) => {
    memory.set(key, null);
    try {
      storage?.removeItem(key);
      memory.delete(key);
    } catch {} // for this page it is gone
  };
  /** Whether what was set last is kept. @param {string} key */
  const kept = (key) => !memory.has(key);

  const value = { getItem: get, setItem: set, removeItem: remove };
  Object.defineProperty(window, name, { configurable: true, value });
  return { get, set, remove, kept };
}

/** @typedef {ReturnType<typeof makeStore>} Store */

const page = /** @type {{ bnStore?: Store }} */ (/** @type {unknown} */ (globalThis));
if (!page.bnStore) {
  page.bnStore = makeStore("localStorage");
  makeStore("sessionStorage");
}

/** @type {Store} */
export const store = page.bnStore;

/** What was kept as JSON, or `otherwise`. @param {string} key @param {any} [otherwise] */
export function recall(key, otherwise = {}) {
  try {
    return JSON.parse(store.get(key) ?? "null") ?? otherwise;
  } catch {
    return otherwise; // not what we wrote
  }
}

/** @type {Set<string>} */
const warned = new Set();

/**
 * Says, once a page, that `what` is not kept, at the end of `place`.
 * @param {Element | null} place
 * @param {string} what the beginning of a sentence: "What you change"
 */
export function warnUnsaved(place, what) {
  if (!place || warned.has(what)) return;
  warned.add(what);
  const note = element("p", { className: "bn-unsaved", role: "status" });
  place.append(note);
  note.textContent = say(
    "{what} lasts only until you leave this page: your browser stores nothing for this site.",
    { what },
  );
}
