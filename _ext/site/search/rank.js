/** Which sections of the book answer a query best: no DOM, so that it is tested in Node. */
import { opened } from "./index.js";
import { NAMES, SILENT, termsOf, wordsOf } from "./words.js";

/**
 * @typedef {import("./index.js").Listed} Listed
 * How well a section answers: `share` is how much of the query it has, and `last` says that it is
 * on a page of lists.
 * @typedef {{ section: Listed, score: number, share: number, last: boolean }} Hit
 */

/** How much a word weighs by its place; what the section says weighs 1 for each time. */
const WEIGHTS = /** @type {const} */ ({ heading: 8, asked: 6, title: 3 });
const WHOLE = 12; // the query as it was typed, in the heading or in a question
const SAID = 8; // and in the text, however often
const PAIR = 9; // two words that follow each other in the query, in the heading or in a question
const LONG = 120; // words: a longer text says a word more often without being about it
const SHARE = 0.4; // of what the best section has of the query; one with less is not shown

/** Pages of lists, which have most words of any query: they come after all others. */
const LISTS = /(^|\/)(api|questions|contributing)\.html$/;

/** Pages of definitions and sources: short, so that all of one is about its word. */
const TERMS = /(^|\/)(notation|references)\.html$/;
const TERM = 0.7; // how much one counts beside a section that explains

/** Where a text may say a word: a pattern. @param {string} word */
function written(word) {
  const signs = NAMES.filter(([, name]) => name === word).map(([sign]) => sign);
  const own = word.replace(".", "\\.").replace(/^d(?=.)/, "[d∂]");
  return [own, ...signs, ...(word === "hat" ? ["\\^", "\u0302"] : [])].join("|");
}

/** A text as its words with a space around each, so that `" word"` finds beginnings.
 * @param {string} text */
const spaced = (text) => ` ${termsOf(text).join(" ")} `;

/**
 * How often a word occurs in a text: whole, or half as much as the beginning of another.
 * @param {string} text made by `spaced` @param {string} word
 */
function count(text, word) {
  const begun = word.length < 3 ? 0 : text.split(` ${word}`).length - 1;
  const whole = text.split(` ${word} `).length - 1;
  return (begun + whole) / (word.length < 3 ? 1 : 2);
}

/** @param {import("./index.js").Packed} index */
export function prepare(index) {
  const { sections, words, places } = opened(index);
  const all = sections.map((section) => {
    const { heading, asked, title } = section;
    return { section, heading: spaced(heading), asked: spaced(asked), title: spaced(title) };
  });
  return { all, words, places };
}

/**
 * How often each section says a word in its text, counted as `count` does.
 * @param {ReturnType<typeof prepare>} prepared @param {string} word
 */
function saying({ all, words, places }, word) {
  const said = all.map(() => 0);
  for (const [i, known] of words.entries()) {
    const begun = word.length > 2 && known.startsWith(word) ? 0.5 : 0;
    const weight = begun + (known !== word ? 0 : word.length > 2 ? 0.5 : 1);
    if (weight) for (const [section, times] of places[i]) said[section] += weight * times;
  }
  return said;
}

/**
 * How much each section says about one word; 0 if nothing.
 * @param {ReturnType<typeof prepare>} prepared @param {string} word
 */
function about(prepared, word) {
  const said = saying(prepared, word);
  return prepared.all.map((fields, i) => {
    let sum = (4 * said[i]) / (said[i] + 1 + fields.section.length / LONG);
    for (const name of /** @type {const} */ (["heading", "asked", "title"])) {
      sum += WEIGHTS[name] * Math.min(1, count(fields[name], word));
    }
    return sum;
  });
}

/**
 * The sections that have most of the query's words, best first; pages of lists come last.
 * @param {ReturnType<typeof prepare>} prepared @param {string} query @returns {Hit[]}
 */
export function rank(prepared, query) {
  const { all } = prepared;
  const spoken = wordsOf(query).filter((word) => !SILENT.has(word));
  const sequence = termsOf(spoken.length ? spoken.join(" ") : query);
  const words = [...new Set(sequence)];
  const pairs = new Set(sequence.slice(1).map((word, i) => ` ${sequence[i]} ${word}`));
  const columns = words.map((word) => about(prepared, word));
  const rarity = columns.map((column) =>
    Math.log(1 + all.length / (1 + column.filter((value) => value > 0).length)),
  );
  const total = rarity.reduce((sum, value) => sum + value, 0);
  const phrase = spaced(query).trimEnd();
  const hits = all.map(({ section, heading, asked }, row) => {
    const share = rarity.reduce((sum, value, i) => sum + (columns[i][row] ? value : 0), 0) / total;
    let score = rarity.reduce((sum, value, i) => sum + columns[i][row] * value, 0);
    if (words.length > 1) {
      const aim = `${heading}|${asked}`;
      if (aim.includes(phrase)) score += WHOLE;
      for (const pair of pairs) if (aim.includes(`${pair} `)) score += PAIR;
    }
    score *= weight(section, share);
    return { section, share, score, last: LISTS.test(section.page) };
  });
  const most = Math.max(Number.MIN_VALUE, ...hits.map((hit) => hit.share));
  return hits.filter((hit) => hit.share >= (words.length > 2 ? SHARE : 1) * most).sort(better);
}

/**
 * The same sections, now that what they say has come: the query as it was typed counts more.
 * @param {Hit[]} hits @param {string} query @param {(section: Listed) => string} textOf
 */
export function reread(hits, query, textOf) {
  const phrase = spaced(query).trimEnd();
  if (new Set(termsOf(query)).size < 2) return hits;
  return hits
    .map((hit) => {
      const times = spaced(textOf(hit.section)).split(phrase).length - 1;
      const more = ((SAID * times) / (times + 1)) * weight(hit.section, hit.share);
      return { ...hit, score: hit.score + more };
    })
    .sort(better);
}

/** How much what a section says counts. @param {Listed} section @param {number} share */
const weight = ({ page }, share) => share * (TERMS.test(page) ? TERM : 1);

/** @param {Hit} a @param {Hit} b */
const better = (a, b) => Number(a.last) - Number(b.last) || b.score - a.score;

/**
 * A piece of a text around the first place where a word of the query begins, in parts, of which
 * every second is such a place.
 * @param {string} text @param {string} query @param {number} [size] in characters
 */
export function snippet(text, query, size = 180) {
  const words = wordsOf(query)
    .sort((a, b) => b.length - a.length)
    .map(written);
  const begins = words.length ? `(?<![\\p{L}\\p{N}])(${words.join("|")})` : "(?!)";
  const first = text.search(new RegExp(begins, "iu"));
  const from = first < size / 3 ? 0 : text.indexOf(" ", first - size / 3) + 1;
  const end = text.length <= from + size ? text.length : text.lastIndexOf(" ", from + size);
  const parts = text.slice(from, end).split(new RegExp(begins, "giu"));
  if (from > 0) parts[0] = `… ${parts[0]}`;
  if (end < text.length) parts[parts.length - 1] += " …";
  return parts;
}
