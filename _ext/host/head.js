/**
 * The first script of every page, in its head and before the theme's own: from here on, storage
 * never throws (see store.js). What has been read is marked. After Back, the folds that were open
 * are open again. An address that holds a state is opened (see open.js). Paper is white, and nobody
 * unfolds a line on it: what is printed is light and open.
 */
import { holdsState, placeIn } from "./address.js";
import { element } from "./element.js";
import { awaitReader, offerTop } from "./hints.js";
import { markRead } from "./reading.js";
import { loadScript } from "./script.js";
import { store, warnUnsaved } from "./store.js";
import { changed, recalled, remember } from "./visit.js";
import { say } from "./words.js";

// On the way up from the theme's button, which has chosen by then
document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element ? target.closest(".theme-switch-button") : null;
  if (button && !store.kept("mode")) warnUnsaved(button.parentElement, say("This choice"));
});

const folds = () => [...document.querySelectorAll("details")];
/** Opens what a link leads to. Not every browser does so by itself. */
function reveal() {
  const target = document.getElementById(placeIn(location.hash));
  if (target?.matches("section"))
    target.querySelector(":scope > .bn-aside")?.setAttribute("open", "");
  for (let at = target?.closest("details"); at; at = at.parentElement?.closest("details"))
    at.open = true;
}

const page = /** @type {any} */ (globalThis);

awaitReader(new URL("scripts/bootstrap.js", new URL(page.bnLinkScript, location.href)).href);

/** What opens and copies links: loaded when it is needed. @param {(opened: any) => void} use */
async function withLinks(use) {
  await loadScript(page.bnLinkScript);
  use(page.bnLinks);
}

const arrival = () => {
  const [entry] = performance.getEntriesByType("navigation");
  return /** @type {PerformanceNavigationTiming | undefined} */ (entry)?.type ?? "navigate";
};
/** The address changes with the page, perhaps before the script is there. @param {string} how */
function openState(how) {
  const { hash } = location;
  if (holdsState(hash)) withLinks(({ open }) => open(hash, how));
}
openState(arrival());
addEventListener("popstate", ({ state }) => {
  if (!state?.bn) openState("navigate");
});

/** A button for a link to the page as it is, on a page that can be changed. */
function offerLink() {
  const named = {
    type: "button",
    className: "btn bn-copy",
    title: say("Copy a link to this page as it is"),
  };
  const button = element("button", named, element("i", { className: "fa-solid fa-link" }));
  button.ariaLabel = named.title;
  button.onclick = () => withLinks(({ copy }) => copy(button));
  if (document.querySelector(".cell"))
    document.querySelector(".article-header-buttons")?.prepend(button);
}

document.addEventListener("DOMContentLoaded", () => {
  offerLink();
  offerTop();
  /** @type {boolean[]} */
  const open = recalled("folds") ?? [];
  folds().forEach((fold, i) => {
    fold.open = open[i] ?? fold.open;
  });
  reveal();
  addEventListener("hashchange", reveal);
  remember("folds", () => folds().map((fold) => fold.open));
  document.addEventListener("toggle", changed, true);
  markRead();
});

matchMedia("print").addEventListener("change", ({ matches }) => {
  const look = document.documentElement.dataset;
  if (matches) look.screen ??= look.theme;
  look.theme = matches ? "light" : look.screen;
  if (!matches) delete look.screen;
  const printed = matches ? "details:not([open])" : "details[data-unfolded]";
  for (const fold of /** @type {NodeListOf<HTMLDetailsElement>} */ (
    document.querySelectorAll(printed)
  )) {
    fold.open = matches;
    fold.toggleAttribute("data-unfolded", matches);
  }
});
