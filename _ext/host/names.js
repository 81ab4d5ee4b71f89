/**
 * Joins names: point at one in the code of a traced function, and its node in the graph shows
 * itself, its symbol in the formulas and the line that computes it; and the other way round.
 *
 * A script of its own, which a page loads when it draws a graph (views.js).
 *
 * Nothing is added to the page: what is lit is a highlight of the browser's own, `bn-name` and
 * `bn-line`. The figure leads: it receives "bn-point" with a name, and sends "bn-pointed" with names.
 */

/** @typedef {import("./models.js").Model} Model */

/** The graph's names, with the symbol of each. @param {Model} model @returns {Map<string, string>} */
function symbolsOf(model) {
  const { nodes } = JSON.parse(model.get("graph"));
  return new Map(
    JSON.parse(model.get("picture")).nodes.flatMap(
      (/** @type {{ node: number, symbol: string }} */ { node, symbol }) =>
        nodes[node].name ? [[nodes[node].name, symbol]] : [],
    ),
  );
}

/** A name, but no attribute and no part of another. @param {string} name */
const whole = (name) => `(?<![\\w.])${name}(?!\\w)`;

/** @param {string} name */
const assigned = (name) => new RegExp(`^.*${whole(name)}(?=[^=(]*=[^=]).*$`, "gm");

/**
 * How KaTeX writes a symbol: a hat after its letter, powers on the line, spaces of no width. Not
 * the x in x̂, and no gradient at it: the μ in dμ.
 * @param {string} symbol
 */
const written = (symbol) =>
  new RegExp(
    `(?<![d∂])${[...symbol.replaceAll("\u0302", "^").normalize("NFKC")]
      .map((letter) => letter.replace(/[$()*+.?[\\\]^{|}]/, "\\$&"))
      .join("\u200b*")}(?!\\^)`,
    "gu",
  );

/**
 * Where a pattern is found in the text of an element.
 * @param {Element} element
 * @param {RegExp} pattern
 * @returns {Range[]}
 */
function found(element, pattern) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  /** @type {[node: Node, start: number][]} */
  const parts = [];
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    parts.push([node, text.length]);
    text += node.nodeValue;
  }
  return [...text.matchAll(pattern)].map(({ 0: match, index }) => {
    const range = document.createRange();
    const [first, from] = /** @type {[Node, number]} */ (parts.findLast(([, at]) => at <= index));
    const end = index + match.length;
    const [last, to] = /** @type {[Node, number]} */ (parts.findLast(([, at]) => at < end));
    range.setStart(first, index - from);
    range.setEnd(last, end - to);
    return range;
  });
}

/** The last code before an element that computes all these names. */
function codeOf(/** @type {string[]} */ names, /** @type {Element} */ el) {
  const before = (/** @type {Element} */ pre) =>
    pre.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING;
  const defines = (/** @type {Element} */ { textContent }) =>
    names.every((name) => textContent?.match(assigned(name)));
  return [...document.querySelectorAll("pre")].findLast((pre) => before(pre) && defines(pre));
}

/** @param {string} name @param {Range[]} ranges */
const light = (name, ranges) => CSS.highlights.set(name, new Highlight(...ranges));

/**
 * Joins a graph figure to the code that it was traced from, where the page shows that.
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 */
function joinNames(model, el, signal) {
  if (!("highlights" in CSS)) return;
  const inputs = () => model.get("start");
  const computed = [...symbolsOf(model).keys()].filter((name) => !(name in inputs()));
  const pre = codeOf(computed, el);
  if (!pre) return;
  const room = pre.closest(".cell_input") ?? pre;
  /** The code as it is now: published, or in an editor. */
  const parts = () => {
    const lines = [...room.querySelectorAll(".cm-line")];
    return lines.length ? lines : [pre];
  };
  const inCode = (/** @type {RegExp} */ pattern) => parts().flatMap((part) => found(part, pattern));
  const ranges = (/** @type {string} */ name) => inCode(RegExp(whole(name), "g"));

  let now = "";
  const point = (/** @type {string} */ name) => {
    if (name !== now) el.dispatchEvent(new CustomEvent("bn-point", { detail: name }));
    now = name;
  };
  const hover = (/** @type {any} */ { clientX: x, clientY: y }) => {
    const under = (/** @type {Range} */ range) => {
      const { left, right, top, bottom } = range.getBoundingClientRect();
      return left <= x && x < right && top <= y && y < bottom;
    };
    point([...symbolsOf(model).keys()].find((name) => ranges(name).some(under)) ?? "");
  };
  for (const type of ["pointermove", "pointerdown"]) room.addEventListener(type, hover, { signal });
  room.addEventListener("pointerleave", () => point(""), { signal });

  const show = (/** @type {any} */ { detail: names }) => {
    const symbols = symbolsOf(model);
    const sections = [pre, el].map((place) => place.closest("section") ?? document.body);
    const formulas = new Set(sections.flatMap((s) => [...s.querySelectorAll(".katex-html")]));
    const inFormulas = (/** @type {string} */ name) =>
      [...formulas].flatMap((formula) => found(formula, written(symbols.get(name) ?? name)));
    light("bn-name", names.flatMap(ranges).concat(names.flatMap(inFormulas)));
    const lines = names.filter((/** @type {string} */ name) => !(name in inputs()));
    const line = (/** @type {string} */ name) => inCode(assigned(name)).slice(0, 1);
    light("bn-line", lines.flatMap(line));
  };
  el.addEventListener("bn-pointed", show, { signal });
}

Object.assign(globalThis, { bnJoinNames: joinNames });
