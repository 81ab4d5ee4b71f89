/**
 * What the page shows, kept with its entry in the browser's history: after Back it shows the same,
 * where the browser has not kept the whole page. History needs no storage, and belongs to one tab.
 *
 * @typedef {{ models?: Record<string, Record<string, any>>, folds?: boolean[],
 *   edits?: Record<string, string>, outputs?: Record<string, any> }} Visit what the reader has
 *   changed: the models by id, which folds are open, the cells' sources and outputs as published
 */

const PAUSE = 500; // milliseconds between two savings: browsers limit their number

const page = /** @type {{ bnVisit?: Visit }} */ (/** @type {unknown} */ (globalThis));

/** What the page was when it was left; a page that is loaded again keeps the edits alone. */
function left() {
  const [navigation] = performance.getEntriesByType("navigation");
  const how = /** @type {PerformanceNavigationTiming | undefined} */ (navigation)?.type;
  /** @type {Visit} */
  const was = history.state?.bn ?? {};
  if (how === "back_forward") return was;
  return how === "reload" ? { edits: was.edits } : {};
}

/** @type {Visit} shared by the page's scripts; others' scripts may empty the history's state */
const visit = page.bnVisit ?? left();
page.bnVisit = visit;

/** @type {Map<string, () => any>} what there is to keep */
const parts = new Map();
let timer = 0;

/**
 * What a part of the page was when it was left, if that is to be shown again.
 * @template {keyof Visit} Name
 * @param {Name} name
 * @returns {Visit[Name]}
 */
export const recalled = (name) => visit[name];

function save() {
  clearTimeout(timer);
  timer = 0;
  for (const [name, read] of parts) Object.assign(visit, { [name]: read() });
  try {
    history.replaceState({ ...history.state, bn: visit }, "");
  } catch {} // too large, or not to be copied: the page then begins as it was published
}

/** Something has changed that is to be kept. */
export function changed() {
  timer ||= window.setTimeout(save, PAUSE);
}

/**
 * Keeps a part of the page; `changed` says when.
 * @template {keyof Visit} Name
 * @param {Name} name
 * @param {() => Visit[Name]} read
 */
export function remember(name, read) {
  if (!parts.size) {
    const now = () => void (timer && save());
    addEventListener("pagehide", now);
    addEventListener("click", now); // perhaps on a link
    addEventListener("hashchange", changed); // a new entry of the same page
  }
  parts.set(name, read);
}
