/**
 * Opens a link that holds a state (see address.js), and copies one. A script of its own, which
 * head.js loads when the page's address holds a state, or when a link is to be copied.
 *
 * Nothing that a link says is taken for markup. A value must be of its trait's kind and in its
 * range; code is shown as someone else's, and does not run before its reader presses Run.
 */
import { copy } from "../../code/batchnorm/figures/kit/clipboard.js";
import { parsed, valueFrom, VERSION } from "./address.js";
import { element } from "./element.js";
import { inflated } from "./packing.js";
import { bareAddress, hashNow, save } from "./visit.js";
import { count, say } from "./words.js";

/**
 * @typedef {import("./models.js").Model} Model
 * @typedef {import("./python/cell.js").Cell} Cell
 */

const page = /** @type {any} */ (globalThis);

/** The host is there, or none will come: its script is deferred, so "interactive" says nothing. */
const there = () =>
  new Promise((go) => {
    if (page.bnHost || document.readyState === "complete") return go(undefined);
    document.addEventListener("DOMContentLoaded", go);
    addEventListener("load", go);
  });

/** @returns {Map<string, Model>} */
const figures = () => page.bnHost?.figures() ?? new Map();

/** Whether a figure's graph has this edge. @param {Model} model */
const edgesOf = (model) => {
  const { nodes } = JSON.parse(model.get("graph") ?? '{"nodes":[]}');
  return (/** @type {number} */ target, /** @type {number} */ slot) =>
    target >= 0 && slot >= 0 && nodes[target]?.inputs?.[slot] !== undefined;
};

/**
 * Sets what the entries say of figures. Gives those that could be set, and what did not fit.
 * @param {import("./address.js").Entry[]} entries
 */
function setFigures(entries) {
  const known = figures();
  for (const model of known.values()) model.set(model.first());
  /** @type {Map<Model, Record<string, any>>} */
  const found = new Map();
  /** @type {string[]} */
  const wrong = [];
  for (const [key, text] of entries) {
    const [name, trait, more] = key.split(".");
    const model = known.get(name);
    const kinds = model?.get("_link") ?? {};
    const fits = model && more === undefined && trait && Object.hasOwn(kinds, trait);
    const value = fits && valueFrom(text, kinds[trait], model.get(trait), edgesOf(model));
    if (!model || !fits || value === undefined) wrong.push(key);
    else found.set(model, { ...found.get(model), [trait]: value });
  }
  for (const [model, values] of found) model.set(values).save_changes();
  return { set: [...found.keys()], wrong };
}

/**
 * Shows the code that a link holds in its cells. Gives these, and what did not fit.
 * @param {import("./address.js").Entry[]} entries
 */
async function offerCode(entries) {
  /** @type {Cell[]} */
  const offered = [];
  /** @type {string[]} */
  const wrong = [];
  if (!entries.length) return { offered, wrong };
  const live = await page.bnLive?.().catch(() => null);
  for (const [key, text] of entries) {
    /** @type {Cell | undefined} */
    const cell = live?.notebook.cells[Number(key.slice(4)) - 1];
    const code = await inflated(text);
    if (!cell || code === null) wrong.push(key);
    else if (code !== cell.source) {
      await cell.offer(code);
      offered.push(cell);
    }
  }
  return { offered, wrong };
}

/** Where a link leads. @param {string} at @returns {Element | null} */
function placeOf(at) {
  const model = figures().get(at);
  const views = /** @type {NodeListOf<any>} */ (document.querySelectorAll("bn-view"));
  const view = [...views].find((el) => el.model === model);
  const cells = [...document.querySelectorAll(".cell:has(.bn-run)")];
  const cell = /^cell\d+$/.test(at) ? cells[Number(at.slice(4)) - 1] : null;
  return (model && view) || cell || document.getElementById(at);
}

/** @param {string[]} all @param {number} [most] */
const listed = (all, most = 3) => {
  const some = all.slice(0, most).map((name) => name.slice(0, 30));
  const more = all.length - some.length;
  const names = some.join(", ");
  return more > 0 ? say("{names} and {more} more", { names, more }) : names;
};

/**
 * What is said of a link, in a line.
 * @param {number} set figures @param {Cell[]} offered @param {string[]} wrong
 */
function words(set, offered, wrong) {
  const cells = listed(offered.map(({ number }) => String(number)));
  const names = listed(wrong);
  const sentences = [];
  if (set) sentences.push(say("This page is in the state that its link holds."));
  if (offered.length)
    sentences.push(
      count(
        offered.length,
        "Cell {cells} holds code that came with the link: it runs only when you press Run.",
        "Cells {cells} hold code that came with the link: it runs only when you press Run.",
        { cells },
      ),
    );
  if (wrong.length)
    sentences.push(
      sentences.length
        ? say("Left out, because it does not fit this page: {names}.", { names })
        : say("Nothing in this link fits this page: {names}.", { names }),
    );
  return sentences.join(" ");
}

/** @type {HTMLElement | null} */
let line = null;

/**
 * Says something in a line of its own, before what the link leads to.
 * @param {string} text @param {Element | null} place @param {(() => void) | null} back
 */
function tell(text, place, back) {
  line?.remove();
  if (!text) return;
  const status = element("span", { role: "status" });
  line = element("div", { className: "bn-link-notice" }, status);
  const above = place?.closest(".cell");
  const heading = (place ?? document).querySelector("h1, h2, h3");
  if (above) above.before(line);
  else if (heading) heading.after(line);
  else (document.querySelector("main") ?? document.body).prepend(line);
  if (back) {
    const button = element("button", { type: "button" }, say("Show the published state"));
    button.onclick = () => {
      back();
      button.remove();
      status.textContent = say("This page is as it was published.");
    };
    line.append(" ", button);
  }
  status.textContent = text;
}

/** Takes back what a link has set. @param {Cell[]} offered */
const takeBack = (offered) => () => {
  save();
  for (const model of figures().values()) model.set(model.first()).save_changes();
  for (const cell of offered) cell.foreign === null ? cell.restore() : cell.decline();
  save("pushState");
};

/** @param {Element} place */
function unfold(place) {
  for (let at = place.closest("details"); at; at = at.parentElement?.closest("details") ?? null)
    at.open = true;
}

/** @param {Element} place */
function reveal(place) {
  unfold(place);
  const to = (place.closest(".cell") && line) || place;
  to.scrollIntoView({ block: "start", behavior: "instant" });
}

/**
 * What keeps a link from being opened, in a sentence; "" for one that can be.
 * @param {ReturnType<typeof parsed>} link
 */
function refusal(link) {
  if (link?.version === VERSION) return "";
  return link && link.version > VERSION
    ? say("This link was made by a later version of this book, which this page cannot read.")
    : say("This link is damaged: the page cannot read what it holds.");
}

/**
 * Opens an address of the page.
 * @param {string} hash its end
 * @param {string} how the reader came to it: "navigate", "reload" or "back_forward"
 */
async function open(hash, how) {
  const link = parsed(hash);
  await there();
  await page.bnHost?.ready;
  if (!link || refusal(link)) return tell(refusal(link), null, null);
  const isCode = (/** @type {string} */ key) => /^cell[1-9]\d{0,3}$/.test(key);
  const { set, wrong } = setFigures(link.entries.filter(([key]) => !isCode(key)));
  const code = await offerCode(link.entries.filter(([key]) => isCode(key)));
  for (const { el, input } of code.offered) unfold(input ?? el);
  if (how === "back_forward") return;
  const place = link.at ? placeOf(link.at) : null;
  const missing = link.at && !place ? [link.at] : [];
  const text = words(set.length, code.offered, [...wrong, ...code.wrong, ...missing]);
  tell(text, place, set.length || code.offered.length ? takeBack(code.offered) : null);
  if (place && how === "navigate") reveal(place);
}

/**
 * Opens the address of a page that only shows a figure (see embed.js). Whoever embeds it has chosen
 * the state, so that nothing is said of one that fits.
 * @param {string} hash
 */
async function show(hash) {
  const link = parsed(hash);
  await there();
  await page.bnHost?.ready;
  if (!link || refusal(link)) return tell(refusal(link), null, null);
  const { set, wrong } = setFigures(link.entries);
  tell(wrong.length ? words(set.length, [], wrong) : "", null, null);
}

const GONE = 4000; // milliseconds until a message at a button goes

/** Copies the address of the page as it is. @param {HTMLElement} button */
async function copyLink(button) {
  const toast = element("span", { className: "bn-toast", role: "status" });
  button.after(toast);
  const done = say("Copied: a link to this page as it is.");
  toast.textContent = await copy(bareAddress() + hashNow(), done);
  setTimeout(() => toast.remove(), GONE);
}

page.bnLinks = { open, show, copy: copyLink };
