/** The search page: the sections that answer ?q=…, with links and snippets. */
import { element } from "../../host/element.js";
import { prepare, rank, reread, snippet } from "./rank.js";

/**
 * @typedef {import("./index.js").Listed} Section
 * What sections.py writes: the index, and what the sections of a page say once its script has come.
 * @typedef {{ bnSections?: import("./index.js").Packed,
 *   bnTexts?: Record<string, Record<string, string>> }} Written
 */

const SHOWN = 30;

/** @param {string} href @param {string} text */
const link = (href, text) => element("a", { href }, text);

/** @param {Section} section @param {string} query */
function result(section, query) {
  const { page, anchor, title, heading, asked } = section;
  const item = element("li", {}, link(`${page}${anchor && `#${anchor}`}`, heading));
  if (heading !== title) item.append(" ", element("small", {}, title));
  if (asked) item.append(element("p", {}, ...marked(asked, query)));
  item.append(element("p", {}, ...marked(textOf(section), query)));
  return item;
}

/** A snippet whose words from the query stand out. @param {string} text @param {string} query */
const marked = (text, query) =>
  snippet(text, query).map((part, i) => (i % 2 ? element("mark", {}, part) : part));

/** @type {Written} */
const written = /** @type {any} */ (self);

/** What a section says, where that has come. @param {Section} section */
const textOf = ({ page, anchor }) => written.bnTexts?.[page]?.[anchor] ?? "";

/**
 * Fetches what a page's sections say; its snippets stay empty where that does not come. It is a
 * script: those load from file://, too.
 * @param {string} page
 */
const fetched = (page) =>
  new Promise((done) => {
    const src = `_static/sections/${page.replace(/^.*\/|\.html$/g, "")}.js`;
    const script = element("script", { src });
    script.addEventListener("load", done);
    script.addEventListener("error", done);
    document.head.append(script);
  });

/** @param {import("./index.js").Packed} index @param {string} query @param {Element} place */
async function show(index, query, place) {
  const hits = rank(prepare(index), query);
  const best = hits.slice(0, SHOWN);
  await Promise.all([...new Set(best.map(({ section }) => section.page))].map(fetched));
  const status = element("p", {}, hits.length ? `${counted(hits.length)} for “${query}”.` : "");
  status.setAttribute("role", "status");
  if (!hits.length) {
    const questions = link("chapters/questions.html", "What people ask");
    status.append(`Nothing in the book has “${query}”. Try another word, or look through `);
    status.append(questions, ".");
  }
  const shown = reread(best, query, textOf).map(({ section }) => result(section, query));
  const list = element("ol", {}, ...shown);
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
const { bnSections } = written;
if (query && place && bnSections) show(bnSections, query, place);
