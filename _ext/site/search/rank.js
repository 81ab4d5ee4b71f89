/** Which sections of the book answer a query best: no DOM, so that it is tested in Node. */

/**
 * A section as _ext/sections.py writes it; `asked` holds the questions that "What people ask"
 * answers with it.
 * @typedef {{ page: string, title: string, anchor: string, heading: string, asked: string,
 *   text: string }} Section
 * @typedef {{ section: Section, score: number }} Hit
 */

/** How much a word weighs where it stands; what the section says weighs 1 for each time. */
const WEIGHTS = /** @type {const} */ ({ heading: 8, asked: 6, title: 3 });
const WHOLE = 12; // the query as it was typed, in the heading or in a question
const SAID = 8; // and in the text, however often
const PAIR = 9; // two words that follow each other in the query, in the heading or in a question
const LONG = 120; // words: a longer text says a word more often without being about it
const SHARE = 0.4; // of what the best section has of the query; one with less is not shown

/** Pages of lists, which have most words of any query: they come after all others. */
const LISTS = /(^|\/)(api|questions|contributing)\.html$/;

/** Letters and signs of formulas, as the code and the prose call them. */
const NAMES = Object.entries({
  ...{ α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "eps", ϵ: "eps", η: "eta", θ: "theta" },
  ...{ λ: "lambda", μ: "mu", ρ: "rho", σ: "sigma", ς: "sigma", τ: "tau", φ: "phi", ω: "omega" },
  ...{ "∑": "sum", "√": "sqrt", "∇": "gradient" },
});
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/**
 * A text in which a formula reads the same however it is typed: σ² as σ^2, sigma^2 and \sigma^2;
 * x̂ as x_hat and \hat{x}; ∂L/∂x as dL/dx.
 * @param {string} text
 */
function spelled(text) {
  let plain = text
    .toLowerCase()
    .replaceAll("µ", "μ")
    .replace(/\\hat\s*\{?\s*(\w)\}?/g, "$1 hat")
    .replace(/\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "$1/$2")
    .replace(/(?<=\p{L})(?:\u0302|\^(?![\p{L}\p{N}({⊤∗′*−-]))/gu, " hat ")
    .replace(/\\partial\s*|∂\s?/g, "d")
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => `^${RAISED.indexOf(digit)}`)
    .replace(/[₀₁₂₃₄₅₆₇₈₉]/g, (digit) => `_${LOWERED.indexOf(digit)}`);
  for (const [sign, name] of NAMES) plain = plain.replaceAll(sign, ` ${name} `);
  return plain.replace(/\bepsilon\b/g, "eps");
}

/** The words of a text, in lower case; 0.9 is one. @param {string} text */
export const wordsOf = (text) => spelled(text).match(/\p{L}[\p{L}\p{N}]*|\d+(\.\d+)?/gu) ?? [];

/** Pages of definitions and sources: short, so that all of one is about its word. */
const TERMS = /(^|\/)(notation|references)\.html$/;
const TERM = 0.7; // how much one counts beside a section that explains

/** Words that ask and join, and say nothing of what is asked for. */
const SILENT = new Set(
  (
    "a an and any are as at be been but by can could did do does for from get gets had has have how " +
    "i if in into is it its just me my no not of on or our out put should so still than that the their them " +
    "then there they this to too use vs was we what when where which while who whose why with would you"
  ).split(" "),
);

/** What people call things, and how the book does; whole words, after `stem`. */
const SAME = Object.entries({
  ...{ bn: "batch norm", grad: "gradient", stat: "statistic", stats: "statistic", eval: "evalu" },
  ...{ learn: "parameter", learnabl: "parameter", backprop: "differenti", axes: "axis" },
  ...{ backpropag: "differenti", derivativ: "differenti", fuse: "fold", save: "stor" },
  ...{
    froz: "freez",
    froze: "freez",
    frozen: "freez",
    fus: "fold",
    gpu: "worker",
    gpus: "worker",
    ddp: "worker",
  },
  ...{ distribut: "worker", example: "sampl", one: "1", two: "2", first: "1", second: "2" },
  ...{ twice: "2", double: "2", zero: "0", vanish: "0", img: "imag", sqrt: "root" },
  ...{ normaliz: "norm", normalis: "norm", higher: "order", debug: "check", sigma: "s" },
});
/** Words that are often written as one. */
const JOINED = /(batch|layer|group|instance|ghost|sync|grad|check)(?=norm|size|batch|check|list)/g;

/** A word without its ending. @param {string} word */
const stem = (word) =>
  word.length < 5
    ? word
    : word.replace(
        /(i[sz]ation|ations?|at(?:e[ds]?|ing)|i[sz]e[ds]?|ings?|ions?|e[ds]|s|e)$/,
        (end) => (/^i[sz]/.test(end) ? end.slice(0, 2) : ""),
      );

/** The words of a text as the search compares them. @param {string} text */
export function termsOf(text) {
  const apart = text.toLowerCase().replace(JOINED, "$1 ");
  return wordsOf(apart.replace(/(\p{L}{4,})[0-9]d\b/gu, "$1")).flatMap((word) => {
    const short = stem(word);
    return (SAME.find(([name]) => name === short || name === word)?.[1] ?? short).split(" ");
  });
}

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
 * How often a word stands in a text: whole, or half as much as the beginning of another.
 * @param {string} text made by `spaced` @param {string} word
 */
function count(text, word) {
  const begun = word.length < 3 ? 0 : text.split(` ${word}`).length - 1;
  const whole = text.split(` ${word} `).length - 1;
  return (begun + whole) / (word.length < 3 ? 1 : 2);
}

/** @param {Section[]} sections */
export function prepare(sections) {
  return sections.map((section) => {
    const { heading, asked, title, text } = section;
    const length = wordsOf(text).length;
    const at = { heading, asked, title, text };
    const fields = /** @type {typeof at} */ ({});
    for (const [name, value] of Object.entries(at)) {
      fields[/** @type {keyof typeof at} */ (name)] = spaced(value);
    }
    return { section, fields, length };
  });
}

/**
 * How much a section says about one word; 0 if nothing.
 * @param {ReturnType<typeof prepare>[number]} prepared @param {string} word
 */
function about({ fields, length }, word) {
  let sum = 0;
  for (const name of /** @type {const} */ (["heading", "asked", "title"])) {
    sum += WEIGHTS[name] * Math.min(1, count(fields[name], word));
  }
  const said = count(fields.text, word);
  return sum + (4 * said) / (said + 1 + length / LONG);
}

/**
 * The sections that have most of the query's words, best first; pages of lists come last.
 * @param {ReturnType<typeof prepare>} all @param {string} query @returns {Hit[]}
 */
export function rank(all, query) {
  const spoken = wordsOf(query).filter((word) => !SILENT.has(word));
  const sequence = termsOf(spoken.length ? spoken.join(" ") : query);
  const words = [...new Set(sequence)];
  const pairs = new Set(sequence.slice(1).map((word, i) => ` ${sequence[i]} ${word}`));
  const table = all.map((prepared) => words.map((word) => about(prepared, word)));
  const rarity = words.map((_, i) => Math.log(1 + all.length / (1 + having(table, i))));
  const total = rarity.reduce((sum, value) => sum + value, 0);
  const phrase = spaced(query).trimEnd();
  const hits = all.map(({ section, fields }, row) => {
    const share = rarity.reduce((sum, value, i) => sum + (table[row][i] ? value : 0), 0) / total;
    let score = table[row].reduce((sum, value, i) => sum + value * rarity[i], 0);
    if (words.length > 1) {
      const aim = `${fields.heading}|${fields.asked}`;
      if (aim.includes(phrase)) score += WHOLE;
      for (const pair of pairs) if (aim.includes(`${pair} `)) score += PAIR;
      const times = fields.text.split(phrase).length - 1;
      score += (SAID * times) / (times + 1);
    }
    return {
      section,
      share,
      score: score * share * (TERMS.test(section.page) ? TERM : 1),
      last: LISTS.test(section.page),
    };
  });
  const most = Math.max(Number.MIN_VALUE, ...hits.map((hit) => hit.share));
  return hits
    .filter((hit) => hit.share >= (words.length > 2 ? SHARE : 1) * most)
    .sort((a, b) => Number(a.last) - Number(b.last) || b.score - a.score)
    .map(({ section, score }) => ({ section, score }));
}

/** How many sections say anything of word number i. @param {number[][]} table @param {number} i */
const having = (table, i) => table.filter((row) => row[i] > 0).length;

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
