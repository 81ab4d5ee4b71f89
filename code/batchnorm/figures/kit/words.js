/**
 * What figures say, in the language of the page.
 *
 * The code has the English sentences. A page in another language brings `bnWords`, a table from
 * these to its own, made from `locale/<language>/` (see "Add a language" in the chapter on
 * contributing); in a notebook a figure brings it. What the table lacks is said in English.
 *
 * Numbers are put in as they are: a decimal point in every language, as in formulas and code.
 *
 * @typedef {Record<string, string | number>} Holes
 * @typedef {Record<string, string | Record<string, string>>} Words a sentence of its own; one that
 *   counts has a form for each of Intl's plural categories. Its name is under ""
 */

/** What the table has for a sentence. @param {string} text */
function found(text) {
  const words = /** @type {Words} */ (/** @type {any} */ (globalThis).bnWords ?? {});
  return Object.hasOwn(words, text) ? words[text] : undefined;
}

/** @param {string} text @param {Holes} holes */
const filled = (text, holes) =>
  text.replace(/\{(\w+)\}/g, (hole, name) =>
    String(Object.hasOwn(holes, name) ? holes[name] : hole),
  );

/** A figure's own words, if it has any, are from now on the page's. @param {Words} [words] */
export function bring(words) {
  if (words && "" in words) /** @type {any} */ (globalThis).bnWords = words;
}

/** A sentence, with what belongs into its `{holes}`. @param {string} text @param {Holes} [holes] */
export function say(text, holes = {}) {
  const own = found(text);
  return filled(typeof own === "string" ? own : text, holes);
}

/**
 * A sentence that counts: `{n}` is the number.
 * @param {number} n @param {string} one @param {string} many @param {Holes} [holes]
 */
export function count(n, one, many, holes = {}) {
  const own = found(one);
  const language = /** @type {any} */ (globalThis).bnWords?.[""];
  const forms = typeof own === "object" ? own : undefined;
  const text = forms?.[new Intl.PluralRules(language).select(n)] ?? forms?.other;
  return filled(text ?? (n === 1 ? one : many), { n, ...holes });
}
