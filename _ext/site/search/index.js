/**
 * The index of the search: which words each section says, in as few bytes as that takes.
 *
 * It is packed when the book is built, and opened in a reader's browser. What the sections say word
 * by word is not in it: the search page fetches that for the few pages that it shows.
 */
import { SILENT, termsOf, wordsOf } from "./words.js";

/**
 * A section as _ext/site/sections.py writes it; `asked` holds the questions that "What people ask"
 * answers with it.
 * @typedef {{ page: string, title: string, anchor: string, heading: string, asked: string,
 *   text: string }} Section
 * A section in the index: `length` is how many words its text has.
 * @typedef {{ page: string, title: string, anchor: string, heading: string, asked: string,
 *   length: number }} Listed
 * @typedef {[anchor: string, heading: string, asked: string, length: number]} Row
 * `words` are in their order; each begins with how many letters it shares with the one before.
 * `places` says for each word where it is: see `put`.
 * @typedef {{ pages: [page: string, title: string, rows: Row[]][], words: string,
 *   places: string }} Packed
 */

const MOST = 9; // so often, or more often, a section says a word; and so many letters are shared
const FIRST = 59; // the sign for "in the next section": right after the digits
const FAR = 67; // sections passed over by one sign

/** @param {Section[]} sections those of a page follow each other @returns {Packed} */
export function packed(sections) {
  const pages = /** @type {Map<string, Packed["pages"][number]>} */ (new Map());
  const places = /** @type {Map<string, Map<number, number>>} */ (new Map());
  for (const [i, { page, title, anchor, heading, asked, text }] of sections.entries()) {
    if (!pages.has(page)) pages.set(page, [page, title, []]);
    pages.get(page)?.[2].push([anchor, heading, asked, wordsOf(text).length]);
    for (const word of termsOf(text)) {
      if (SILENT.has(word)) continue;
      const times = places.get(word) ?? new Map();
      places.set(word, times.set(i, (times.get(i) ?? 0) + 1));
    }
  }
  const words = [...places.keys()].sort();
  return {
    pages: [...pages.values()],
    words: words.map((word, i) => after(words[i - 1] ?? "", word)).join(" "),
    places: words.map((word) => put(places.get(word) ?? new Map())).join(" "),
  };
}

/** A word without the letters that it shares with the one before. @param {string} before
 * @param {string} word */
function after(before, word) {
  let same = 0;
  while (same < MOST && same < before.length && before[same] === word[same]) same += 1;
  return `${same}${word.slice(same)}`;
}

/**
 * Where a word is: for each section how often, if more than once, and how many sections lie
 * between it and the one before.
 * @param {Map<number, number>} times
 */
function put(times) {
  let text = "";
  let next = 0;
  for (const [i, count] of times) {
    if (count > 1) text += Math.min(MOST, count);
    const far = Math.floor((i - next) / FAR);
    text += String.fromCharCode(FIRST + FAR).repeat(far);
    text += String.fromCharCode(FIRST + i - next - FAR * far);
    next = i + 1;
  }
  return text;
}

/** What `put` wrote: [section, how often] for each. @param {string} text */
function taken(text) {
  const places = /** @type {[number, number][]} */ ([]);
  let [next, count] = [0, 1];
  for (const sign of text) {
    const code = sign.charCodeAt(0) - FIRST;
    if (code < 0) count = Number(sign);
    else if (code === FAR) next += FAR;
    else {
      places.push([next + code, count]);
      [next, count] = [next + code + 1, 1];
    }
  }
  return places;
}

/** @param {Packed} index */
export function opened({ pages, words, places }) {
  const sections = pages.flatMap(([page, title, rows]) =>
    rows.map(([anchor, heading, asked, length]) => ({
      ...{ page, title, anchor, heading, asked, length },
    })),
  );
  let last = "";
  const known = words.split(" ").map((word) => {
    last = last.slice(0, Number(word[0])) + word.slice(1);
    return last;
  });
  return { sections, words: known, places: places.split(" ").map(taken) };
}
