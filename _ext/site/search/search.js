/** The search page: the sections that answer ?q=…, with links and snippets. */
import { prepare, rank, snippet } from "./rank.js";

/** @typedef {import("./rank.js").Section} Section */

const SHOWN = 30;

/** @param {string} tag @param {(Node | string)[]} children */
function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

/** @param {string} href @param {string} text */
const link = (href, text) => Object.assign(element("a", text), { href });

/** @param {Section} section @param {string} query */
function result({ page, anchor, title, heading, asked, text }, query) {
  const item = element("li", link(`${page}${anchor && `#${anchor}`}`, heading));
  if (heading !== title) item.append(" ", element("small", title));
  if (asked) item.append(element("p", ...marked(asked, query)));
  item.append(element("p", ...marked(text, query)));
  return item;
}

/** A snippet whose words from the query stand out. @param {string} text @param {string} query */
const marked = (text, query) =>
  snippet(text, query).map((part, i) => (i % 2 ? element("mark", part) : part));

/** @param {Section[]} sections @param {string} query @param {Element} place */
function show(sections, query, place) {
  const hits = rank(prepare(sections), query);
  const status = element("p", hits.length ? `${counted(hits.length)} for “${query}”.` : "");
  status.setAttribute("role", "status");
  if (!hits.length) {
    const questions = link("chapters/questions.html", "What people ask");
    status.append(`Nothing in the book has “${query}”. Try another word, or look through `);
    status.append(questions, ".");
  }
  const list = element("ol", ...hits.slice(0, SHOWN).map(({ section }) => result(section, query)));
  list.className = "bn-results";
  place.replaceChildren(status, list);
}

/** @param {number} n */
const counted = (n) =>
  n === 1 ? "One section" : n > SHOWN ? `The best ${SHOWN} of ${n} sections` : `${n} sections`;

const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
for (const field of document.querySelectorAll('input[name="q"]')) {
  /** @type {HTMLInputElement} */ (field).value = query;
}
const place = document.querySelector("#search-results");
const { bnSections } = /** @type {{ bnSections?: Section[] }} */ (/** @type {unknown} */ (self));
if (query && place && bnSections) show(bnSections, query, place);
