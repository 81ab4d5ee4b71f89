/**
 * NumPy, as text: the lines that make the numbers of a figure again. Each figure's `numpy.js`
 * writes its own; what is traced is written here, a line per node, forward and then backward. A cut
 * edge adds nothing to the gradient at its source.
 *
 * A value is written by name or, if it is a number, in full, so that nothing is lost on the way.
 *
 * @typedef {(name: string) => any} Get a trait's value
 * @typedef {{op: string, shape: number[], name?: string, inputs?: number[], [more: string]: any}}
 *   Node as graph/wire.js reads it
 * @typedef {{nodes: Node[], outputs: number[]}} Graph
 */
import { ruleTexts } from "./rules.js";

/** A number, or nested lists of them, as Python reads it. @param {any} v @returns {string} */
export function literal(v) {
  if (Array.isArray(v)) return `[${v.map(literal).join(", ")}]`;
  if (Number.isFinite(v)) return String(v);
  return Number.isNaN(v) ? "np.nan" : v > 0 ? "np.inf" : "-np.inf";
}

/** The same as an array, or a number. @param {any} v */
export const value = (v) => (Array.isArray(v) ? `np.array(${literal(v)}, float)` : literal(v));

/** `name = value`, a line each. @param {Record<string, any>} values */
export const given = (values) => Object.entries(values).map(([name, v]) => `${name} = ${value(v)}`);

/** @param {string} text @returns {Graph} */
const parsed = (text) => JSON.parse(text);

/** A name that Python takes and nobody else has. @param {string} name @param {Set<string>} used */
function free(name, used) {
  let found = /^[A-Za-z_]\w*$/.test(name) && !RESERVED.has(name) ? name : `${name}_`;
  if (!/^[A-Za-z_]\w*$/.test(found)) found = "v";
  for (let k = 2; used.has(found); k++) found = `${name.replace(/\W/g, "")}_${k}`;
  used.add(found);
  return found;
}
const RESERVED = new Set(
  "np and as assert break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield None True False".split(
    " ",
  ),
);

/**
 * What each node of a graph is called, and the lines that compute it.
 * @param {Graph} graph @param {Set<string>} used names that are taken; it grows
 */
function forward({ nodes }, used) {
  /** @type {string[]} */
  const names = [];
  /** @type {string[]} */
  const lines = [];
  for (const node of nodes) {
    if (node.op === "input") used.add(node.name ?? "");
  }
  for (const node of nodes) {
    if (node.op === "input") names.push(node.name ?? "");
    else if (node.op === "constant") {
      const plain = !node.shape.length && node.value >= 0;
      names.push(plain ? literal(node.value) : `(${value(node.value)})`);
    } else {
      const name = free(node.name ?? `t${names.length}`, used);
      const inputs = (node.inputs ?? []).map((i) => names[i]);
      const { before, text } = ruleTexts(node, nodes, inputs, name).value();
      names.push(name);
      lines.push(...before, `${name} = ${text}`);
    }
  }
  return { names, lines };
}

/** The axes over which a broadcast copied. @param {number[]} from @param {number[]} to */
const copied = (from, to) => {
  const more = to.length - from.length;
  return {
    added: Array.from({ length: more }, (_, k) => k),
    stretched: from.flatMap((n, k) => (n === 1 && to[k + more] !== 1 ? [k] : [])),
  };
};

/** A tuple. @param {number[]} axes */
const tuple = (axes) => (axes.length === 1 ? `${axes[0]}` : `(${axes.join(", ")})`);

/**
 * What was copied forward is summed backward.
 * @param {string} text @param {number[]} from the source's shape @param {number[]} made the text's
 */
function summed(text, from, made) {
  const { added, stretched } = copied(from, made);
  let sum = text;
  if (added.length) sum = `np.sum(${sum}, axis=${tuple(added)})`;
  return stretched.length ? `np.sum(${sum}, axis=${tuple(stretched)}, keepdims=True)` : sum;
}

/** The nodes to which one of these leads. @param {Node[]} nodes @param {number[]} starts */
function after(nodes, starts) {
  const found = new Set(starts);
  nodes.forEach(({ inputs = [] }, i) => {
    if (inputs.some((source) => found.has(source))) found.add(i);
  });
  return found;
}

/**
 * The lines of a graph, forward and then backward to these inputs.
 *
 * @param {string} text of the graph
 * @param {{dys: (string | null)[], to: string[], cut?: Set<string>, used?: Set<string>,
 *   suffix?: string}} how `dys` are the gradients at the outputs, by name; `cut` holds the keys of
 *   edges; what a gradient is called ends in `suffix`
 * @returns {{forward: string[], backward: string[], outputs: string[], names: string[]}}
 */
export function traced(text, { dys, to, cut = new Set(), used = new Set(), suffix = "" }) {
  const graph = parsed(text);
  const { nodes, outputs } = graph;
  dys.forEach((dy) => dy && used.add(dy));
  for (const name of to) used.add(`d${name}${suffix}`);
  const { names, lines } = forward(graph, used);
  const ends = to.map((name) => nodes.findIndex((node) => node.name === name));
  const wanted = after(nodes, ends);
  /** @type {Map<number, string[]>} */
  const sent = new Map();
  const send = (/** @type {number} */ at, /** @type {string} */ what) =>
    sent.set(at, [...(sent.get(at) ?? []), what]);
  outputs.forEach((at, k) => {
    const dy = dys[k];
    if (dy) send(at, dy);
  });
  /** @type {string[]} */
  const back = [];
  for (let at = nodes.length - 1; at >= 0; at--) {
    const node = nodes[at];
    const terms = sent.get(at);
    if (!terms || !wanted.has(at)) continue;
    const end = ends.indexOf(at);
    let d = terms[0];
    if (end >= 0 || terms.length > 1 || !/^\w+$/.test(d)) {
      d = end >= 0 ? `d${to[end]}${suffix}` : free(`d${names[at]}${suffix}`, used);
      back.push(`${d} = ${terms.join(" + ").replaceAll("+ -", "- ")}`);
    }
    (node.inputs ?? []).forEach((source, slot) => {
      if (!wanted.has(source) || cut.has(`${at}:${slot}`)) return;
      const rules = ruleTexts(
        node,
        nodes,
        (node.inputs ?? []).map((i) => names[i]),
        names[at],
      );
      const made = rules.sent(slot, d);
      if (!made) return;
      const whole = made.shape ?? node.shape;
      back.push(...made.before);
      const own = nodes[source].shape;
      const plain = whole.length === own.length && whole.every((n, k) => n === own[k]);
      const text = plain ? made.text : summed(made.text, own, whole);
      send(source, text);
    });
  }
  to.forEach((name, k) => {
    if (!sent.has(ends[k])) back.push(`d${name}${suffix} = np.zeros_like(${name}, float)`);
  });
  return { forward: lines, backward: back, outputs: outputs.map((i) => names[i]), names };
}

/** The edges that leave the nodes of these names, as keys. @param {string} text @param {string[]} named */
export const leaving = (text, named) =>
  parsed(text).nodes.flatMap(({ inputs = [] }, target, nodes) =>
    inputs.flatMap((i, slot) => (named.includes(nodes[i].name ?? "") ? [`${target}:${slot}`] : [])),
  );

/** What a graph takes. @param {string} text @returns {string[]} */
export const inputsOf = (text) =>
  parsed(text).nodes.flatMap(({ op, name = "" }) => (op === "input" ? [name] : []));

/** Lines, moved in. @param {string[]} lines */
export const indented = (lines) => lines.map((line) => `    ${line}`);

/** A function of Python. @param {string} head @param {string[]} lines @param {string} result */
export const defined = (head, lines, result) => [
  `def ${head}:`,
  ...indented([...lines, `return ${result}`]),
];
