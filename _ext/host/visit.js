/**
 * What the page shows, kept with its entry in the browser's history: after Back it shows the same,
 * where the browser has not kept the whole page. History needs no storage, and belongs to one tab.
 *
 * @typedef {{ models?: Record<string, Record<string, any>>, folds?: boolean[],
 *   edits?: Record<string, string>, outputs?: Record<string, any> }} Visit what the reader has
 *   changed: the models by id, which folds are open, the cells' sources and outputs as published
 */

import { placeIn, shortHash } from "./address.js";

/** @typedef {import("./address.js").Entry} Entry */

const PAUSE = 500; // milliseconds between two savings: browsers limit their number

/**
 * `bnLinkScript` is the address of open.js, where the page has it: its own address then says what
 * it shows. `bnLinkParts` is what a link to it holds, by the part of the page that says it.
 * @typedef {(room: number) => Entry[]} Read `room` is for what can be written more coarsely
 * @type {{ bnVisit?: Visit, bnLinkScript?: string, bnLinkParts?: Map<string, Read> }}
 */
const page = /** @type {any} */ (globalThis);
page.bnLinkParts ??= new Map();
const linkParts = page.bnLinkParts;

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

/** Says what a link is to hold of a part of the page. @param {string} part @param {Read} read */
export const hold = (part, read) => linkParts.set(part, read);

/** The end of the page's address, as the page is now. */
export function hashNow() {
  const at = placeIn(location.hash);
  const all = (/** @type {number} */ room) => [...linkParts.values()].flatMap((read) => read(room));
  const isSection = !at || document.getElementById(at);
  return shortHash(all, at, isSection ? at && `#${at}` : undefined);
}

/** The page's address, without what it shows. */
export const bareAddress = () => location.href.replace(/#.*/, "");

/** @param {"replaceState" | "pushState"} how */
export function save(how = "replaceState") {
  clearTimeout(timer);
  timer = 0;
  for (const [name, read] of parts) Object.assign(visit, { [name]: read() });
  const address = page.bnLinkScript && (hashNow() || bareAddress());
  try {
    history[how]({ ...history.state, bn: visit }, "", address);
  } catch {} // too large, or not to be copied: the page then begins as it was published
}

/**
 * A reader presses something that may set a state: Back leads from there to what was before. What
 * is dragged only changes the entry that is there.
 */
export function press() {
  if (!page.bnLinkScript) return;
  if (timer || !history.state?.bn) save();
  const before = hashNow();
  setTimeout(() => {
    const now = hashNow();
    if (now !== before && now !== location.hash) save("pushState");
  });
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
    addEventListener("click", now, true); // perhaps on a link; not what the click itself changes
    addEventListener("hashchange", changed); // another entry of the same page
  }
  parts.set(name, read);
}
