/**
 * The lecture view: one figure of the chapter fills the window, in large type, with its sentence
 * and its controls. The arrow keys lead to the next and the previous figure, unless something has
 * the focus that they move; the Page keys, which presenters' remotes send, always do. N shows notes:
 * what the chapter says to try and to notice. Escape or L leaves.
 *
 * It uses the button with which every figure can be enlarged (figures/kit/enlarge.js).
 */
import { element } from "./element.js";
import { say } from "./words.js";

const page = /** @type {any} */ (globalThis);
const root = document.documentElement;
const SIZES = [1.45, 1.3, 1.15, 1]; // of the letters: the largest with which nothing is cut off
const MENU = "[role=menu] *";
const MOVED = `${MENU}, .bn-picture [tabindex], input:not([type=checkbox]), select, textarea`;
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
/** @type {Record<string, number>} */
const PAGES = { PageDown: 1, PageUp: -1 };

/** @type {{box: HTMLElement, button: HTMLElement}[]} the chapter's figures, each in its box */
let all = [];
let at = -1; // which one is shown; -1 outside of the view
let noted = false; // whether the notes are shown
let bar = element("div"); // below the controls: where one is, and what leads on

const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

/** The boxes that can be enlarged, in the chapter's order. */
function figures() {
  /** @type {Map<HTMLElement, HTMLElement>} */
  const found = new Map();
  for (const button of document.querySelectorAll(".bn-enlarge")) {
    const figure = button.closest(".bn-figure");
    const box = /** @type {HTMLElement | undefined} */ (figure?.closest(".bn-box") ?? figure);
    if (box && !found.has(box)) found.set(box, /** @type {HTMLElement} */ (button));
  }
  return [...found].map(([box, button]) => ({ box, button }));
}

/** Whether b comes after a. @param {Node} a @param {Node} b */
const follows = (a, b) => Boolean(a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING);

/** What the chapter says to try and to notice, between this figure and the next. @param {number} i */
function notesOf(i) {
  const next = all[i + 1]?.box;
  return [...document.querySelectorAll(".bn-notes")].filter(
    (note) => follows(all[i].box, note) && !(next && follows(next, note)),
  );
}

/** The heading that a figure is under. @param {number} i */
function headingOf(i) {
  const heads = [...document.querySelectorAll("main :is(h1, h2, h3)")];
  const last = heads.findLast((head) => follows(head, all[i].box));
  return [...(last?.childNodes ?? [])]
    .filter((node) => !(node instanceof Element && node.matches(".headerlink")))
    .map((node) => node.textContent)
    .join("");
}

/** @param {string} text @param {string} label @param {() => void} onclick @param {object} [more] */
const button = (text, label, onclick, more = {}) =>
  element("button", { type: "button", title: label, ariaLabel: label, onclick, ...more }, text);

/** The bar of the figure that is shown. */
function barOf() {
  const notes = notesOf(at);
  const where = element("p", { className: "bn-where" }, headingOf(at));
  const count = element("span", {}, say("{n} of {all}", { n: at + 1, all: all.length }));
  const row = element(
    "div",
    { className: "bn-lead" },
    button("‹", say("Previous figure (arrow keys)"), () => go(-1), { disabled: at === 0 }),
    count,
    button("›", say("Next figure (arrow keys)"), () => go(1), { disabled: at === all.length - 1 }),
    button(say("Notes"), say("Notes (N)"), note, {
      ariaPressed: String(noted),
      disabled: !notes.length,
    }),
    button(say("Leave"), say("Leave the lecture view (Escape)"), leave),
  );
  const made = element("div", {
    className: "bn-lectern",
    role: "group",
    ariaLabel: say("Lecture"),
  });
  made.append(where, row);
  if (noted && notes.length) {
    const text = element("div", { className: "bn-speaker-notes", tabIndex: 0, role: "note" });
    for (const found of notes) {
      const copy = /** @type {Element} */ (found.cloneNode(true));
      for (const named of copy.querySelectorAll("[id]")) named.removeAttribute("id");
      text.append(...copy.childNodes);
    }
    made.append(text);
  }
  return made;
}

/** Whether something of the box lies outside the window. @param {HTMLElement} box */
const over = (box) =>
  box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1;

const LEAST = 72; // pixels of notes: three lines

let turn = 0; // the newest `settle`: an older one gives way

/** Writes the bar, in the largest letters with which all is in sight. */
async function settle() {
  const mine = ++turn;
  const fresh = barOf();
  bar.replaceWith(fresh);
  bar = fresh;
  const { box } = all[at];
  if (!bar.isConnected) box.append(bar);
  /** @type {NodeListOf<HTMLElement>} */
  const captions = box.querySelectorAll(".verdict, .panel");
  for (const size of SIZES) {
    root.style.setProperty("--bn-lecture", String(size));
    // A caption keeps its height while its room is the same (figures/kit/figure.js)
    for (const caption of captions) caption.style.minHeight = "";
    await frame();
    await frame();
    if (at < 0 || turn !== mine || !over(box)) return;
  }
  // Notes that are still too long scroll by themselves, and the figure stays in sight
  const spoken = /** @type {HTMLElement | null} */ (bar.querySelector(".bn-speaker-notes"));
  const room = (spoken?.clientHeight ?? 0) - (box.scrollHeight - box.clientHeight);
  spoken?.style.setProperty("max-height", `${Math.max(room, LEAST)}px`);
}

/** Opens the folds around a figure, or it would have no room. @param {Element} box */
function unfold(box) {
  for (
    let fold = box.closest("details");
    fold;
    fold = fold.parentElement?.closest("details") ?? null
  )
    fold.open = true;
}

/** @param {number} i */
async function show(i) {
  const before = all[at];
  at = i;
  bar.remove();
  before?.box.removeAttribute("tabindex");
  before?.button.click();
  const { box, button } = all[at];
  unfold(box);
  if (!box.matches(".bn-enlarged")) button.click();
  // Not the button that leaves: the space bar shows what comes next
  box.tabIndex = -1;
  box.focus({ preventScroll: true });
  await settle();
}

/** The next figure, or the one before. @param {number} step */
function go(step) {
  if (all[at + step]) show(at + step);
}

function note() {
  noted = !noted;
  settle();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const within = (/** @type {string} */ what) => target instanceof Element && target.closest(what);
  const moved = within(MOVED);
  if (key in PAGES && !within(MENU)) go(PAGES[key]);
  else if (key === "Escape" && !moved) leave();
  else if (moved) return;
  else if (/^l$/i.test(key)) leave();
  else if (/^n$/i.test(key)) note();
  else if (key in STEPS) go(STEPS[key]);
  else if (key === " " && !within("button, summary, a")) go(1);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function leave() {
  if (at < 0) return;
  const { box, button } = all[at];
  at = -1;
  box.removeAttribute("tabindex");
  bar.remove();
  root.classList.remove("bn-lecturing");
  window.removeEventListener("keydown", onKey, true);
  watch.disconnect();
  if (box.matches(".bn-enlarged")) button.click();
  address(false);
}

/** What closes the figure by its own button leaves, too. */
const watch = new MutationObserver(() => {
  if (at >= 0 && !all[at].box.matches(".bn-enlarged")) leave();
});

/** The address says which view it is, so that it can be given to others. @param {boolean} on */
function address(on) {
  const url = new URL(location.href);
  if (on) url.searchParams.set("view", "lecture");
  else url.searchParams.delete("view");
  try {
    history.replaceState(history.state, "", url);
  } catch {} // a page on the disk may keep its address
}

/** Begins with this figure, or with the one that is in sight. @param {Element} [figure] */
function begin(figure) {
  if (at >= 0) return;
  all = figures();
  if (!all.length) return;
  const given = all.findIndex(({ box }) => figure && box.contains(figure));
  const seen = all.findIndex(({ box }) => {
    const { top, bottom } = box.getBoundingClientRect();
    return bottom > 0 && top < innerHeight && bottom > top;
  });
  root.classList.add("bn-lecturing");
  window.addEventListener("keydown", onKey, true);
  address(true);
  const first = Math.max(0, given >= 0 ? given : seen);
  show(first).then(() => {
    for (const { box } of all) watch.observe(box, { attributes: true, attributeFilter: ["class"] });
  });
}

page.bnLecture ??= { begin };
