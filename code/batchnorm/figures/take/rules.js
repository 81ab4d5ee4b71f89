/**
 * Operations of a graph as NumPy writes them: the value, and what goes back to each input. As
 * `Source` in graph/ops/*.py; here the shapes are those of the graph, and what a reduction takes
 * together is spread out again in full.
 *
 * @import { Node } from "./lines.js"
 * @typedef {{a: string, b: string, c: string, y: string, d: string, all: string[], node: Node,
 *   shapes: number[][], slot: number, fresh: (name: string) => string}} Here the names of the
 *   inputs, of the output and of the gradient that arrives there
 * @typedef {(here: Here) => string | string[]} Text lines before the last make a name
 */

/** @param {number[] | null} axis @param {boolean} keepdims */
const reduced = (axis, keepdims) => {
  const parts = [];
  if (axis) parts.push(`axis=${axis.length === 1 ? axis[0] : `(${axis.join(", ")})`}`);
  if (keepdims) parts.push("keepdims=True");
  return parts.map((part) => `, ${part}`).join("");
};

/** A sum's gradient (or value) over what it was taken of. @param {string} d @param {Here} here */
function spread(d, { a, node, shapes }) {
  const axis = node.axis ?? shapes[0].map((_, k) => k);
  const open = node.keepdims || !axis.length || axis.length === shapes[0].length;
  const inner = open ? d : `np.expand_dims(${d}, ${axis.length === 1 ? axis[0] : `(${axis})`})`;
  return `np.broadcast_to(${inner}, np.shape(${a}))`;
}

/** @param {string} name @returns {Text[]} */
const total = (name) => [
  ({ a, node }) => `np.${name}(${a}${reduced(node.axis, node.keepdims)})`,
  (here) => spread(here.d, here),
];
/** @param {string} name @returns {Text[]} */
const extreme = (name) => [
  ({ a, node }) => `np.${name}(${a}${reduced(node.axis, node.keepdims)})`,
  (here) => {
    const there = here.fresh("there");
    return [
      `${there} = ${here.a} == ${spread(here.y, here)}`,
      `${spread(here.d, here)} * ${there} / np.sum(${there}${reduced(here.node.axis, true)})`,
    ];
  },
];
/** @param {string} sign @returns {Text[]} */
const compared = (sign) => [({ a, b }) => `(${a} ${sign} ${b}) * 1.0`];
const share = (/** @type {string} */ p, /** @type {string} */ q) =>
  `np.heaviside(${p} - ${q}, 0.5)`;

/** An index, as one writes it; the arrays in it are the inputs from `first` on. */
function indexText(/** @type {Here} */ { node, all }, /** @type {number} */ first) {
  let k = first;
  const parts = node.index.map((/** @type {any} */ part) => {
    if (part === "#") return `${all[k++]}.astype(int)`;
    if (part === null) return "None";
    return Array.isArray(part) ? JSON.stringify(part) : String(part);
  });
  return parts.join(", ") || "...";
}

/** @param {number[][]} shapes @param {number} axis @param {number} count */
const long = (shapes, axis, count) =>
  shapes.slice(0, count).reduce((sum, shape) => sum + (shape.at(axis) ?? 0), 0);

/** @type {Text} */
const toLeft = ({ b, d, shapes: [p, q] }) => {
  if (q.length === 1) return p.length === 1 ? `${d} * ${b}` : `${d}[..., None] * ${b}`;
  return p.length === 1
    ? `(${d}[..., None, :] @ np.swapaxes(${b}, -1, -2))[..., 0, :]`
    : `${d} @ np.swapaxes(${b}, -1, -2)`;
};
/** @type {Text} */
const toRight = ({ a, d, shapes: [p, q] }) => {
  if (p.length === 1) return q.length === 1 ? `${d} * ${a}` : `${a}[:, None] * ${d}[..., None, :]`;
  return q.length === 1
    ? `(np.swapaxes(${a}, -1, -2) @ ${d}[..., None])[..., 0]`
    : `np.swapaxes(${a}, -1, -2) @ ${d}`;
};

/** @type {Record<string, Text[]>} the value, then what goes back to each input */
const RULES = {
  add: [({ a, b }) => `${a} + ${b}`, ({ d }) => d, ({ d }) => d],
  subtract: [({ a, b }) => `${a} - ${b}`, ({ d }) => d, ({ d }) => `-${d}`],
  multiply: [({ a, b }) => `${a} * ${b}`, ({ b, d }) => `${d} * ${b}`, ({ a, d }) => `${d} * ${a}`],
  divide: [
    ({ a, b }) => `${a} / ${b}`,
    ({ b, d }) => `${d} / ${b}`,
    ({ b, d, y }) => `-${d} * ${y} / ${b}`,
  ],
  power: [
    ({ a, b }) => `${a} ** ${b}`,
    ({ a, b, d }) => `${d} * ${b} * ${a} ** np.where(${b}, ${b} - 1.0, 0.0)`,
    ({ a, d, y }) => `${d} * ${y} * np.log(np.where(${a} == 0, 1.0, ${a}))`,
  ],
  negative: [({ a }) => `-${a}`, ({ d }) => `-${d}`],
  square: [({ a }) => `${a} ** 2`, ({ a, d }) => `${d} * 2 * ${a}`],
  maximum: [
    ({ a, b }) => `np.maximum(${a}, ${b})`,
    ({ a, b, d }) => `${d} * ${share(a, b)}`,
    ({ a, b, d }) => `${d} * ${share(b, a)}`,
  ],
  minimum: [
    ({ a, b }) => `np.minimum(${a}, ${b})`,
    ({ a, b, d }) => `${d} * ${share(b, a)}`,
    ({ a, b, d }) => `${d} * ${share(a, b)}`,
  ],
  sqrt: [({ a }) => `np.sqrt(${a})`, ({ d, y }) => `${d} / (2 * ${y})`],
  exp: [({ a }) => `np.exp(${a})`, ({ d, y }) => `${d} * ${y}`],
  log: [({ a }) => `np.log(${a})`, ({ a, d }) => `${d} / ${a}`],
  tanh: [({ a }) => `np.tanh(${a})`, ({ d, y }) => `${d} * (1 - ${y} ** 2)`],
  absolute: [({ a }) => `np.abs(${a})`, ({ a, d }) => `${d} * np.sign(${a})`],
  sin: [({ a }) => `np.sin(${a})`, ({ a, d }) => `${d} * np.cos(${a})`],
  cos: [({ a }) => `np.cos(${a})`, ({ a, d }) => `-${d} * np.sin(${a})`],
  log1p: [({ a }) => `np.log1p(${a})`, ({ a, d }) => `${d} / (1 + ${a})`],
  expm1: [({ a }) => `np.expm1(${a})`, ({ a, d }) => `${d} * np.exp(${a})`],
  sum: total("sum"),
  mean: [
    total("mean")[0],
    (here) => `${spread(here.d, here)} / (np.size(${here.a}) / np.size(${here.y}))`,
  ],
  max: extreme("max"),
  min: extreme("min"),
  greater: compared(">"),
  greater_equal: compared(">="),
  less: compared("<"),
  less_equal: compared("<="),
  equal: compared("=="),
  not_equal: compared("!="),
  where: [
    ({ a, b, c }) => `np.where(${a}, ${b}, ${c})`,
    () => "",
    ({ a, d }) => `np.where(${a}, ${d}, 0.0)`,
    ({ a, d }) => `np.where(${a}, 0.0, ${d})`,
  ],
  matmul: [({ a, b }) => `${a} @ ${b}`, toLeft, toRight],
  transpose: [
    ({ a, node }) => `np.transpose(${a}${node.axes ? `, (${node.axes},)` : ""})`,
    ({ d, node }) => {
      const { length } = node.shape;
      const axes = /** @type {number[] | null} */ (node.axes)?.map((k) => (k + length) % length);
      return `np.transpose(${d}${axes ? `, (${axes.map((_, k) => axes.indexOf(k))},)` : ""})`;
    },
  ],
  reshape: [
    ({ a, node }) =>
      `np.reshape(${a}, (${node.to.map((/** @type {number} */ n) => `${n},`).join(" ")}))`,
    ({ a, d }) => `np.reshape(${d}, np.shape(${a}))`,
  ],
  broadcast_to: [
    ({ a, node }) => `np.broadcast_to(${a}, (${node.shape.map((n) => `${n},`).join(" ")}))`,
    ({ d }) => d,
  ],
  getitem: [
    (here) => `np.asarray(${here.a})[${indexText(here, 1)}]`,
    (here) => {
      const picked = here.fresh("picked");
      const index = indexText(here, 1);
      return [
        `${picked} = np.zeros(np.shape(${here.a}))`,
        `np.add.at(${picked}, np.index_exp[${index}], ${here.d})`,
        picked,
      ];
    },
  ],
  setitem: [
    (here) => {
      const written = here.fresh("written");
      const into = `${written}[${indexText(here, 2)}] = ${here.b}`;
      return [`${written} = np.array(${here.a}, float)`, into, written];
    },
    (here) => {
      const under = here.fresh("under");
      return [`${under} = np.array(${here.d})`, `${under}[${indexText(here, 2)}] = 0`, under];
    },
    // What was written gets the gradient of its place; a later writer took its place
    (here) => {
      const last = here.fresh("last");
      const index = indexText(here, 2);
      const order = `np.arange(${last}[${index}].size).reshape(${last}[${index}].shape)`;
      const there = `${here.d}[${index}] * (${last}[${index}] == ${order})`;
      return [
        `${last} = np.zeros(np.shape(${here.d}), int)`,
        `${last}[${index}] = ${order}`,
        `${last} = ${there}`,
        `${last} = np.sum(${last}, axis=tuple(range(${last}.ndim - np.ndim(${here.b}))))`,
        `np.sum(${last}, axis=tuple(np.flatnonzero(np.array(np.shape(${here.b})) == 1)), keepdims=True)`,
      ];
    },
  ],
  concatenate: [
    ({ all, node }) => `np.concatenate([${all.join(", ")}], axis=${node.axis})`,
    ({ d, node, shapes, slot }) =>
      `np.take(${d}, range(${long(shapes, node.axis, slot)}, ${long(shapes, node.axis, slot + 1)}), ${node.axis})`,
  ],
};
/** Where what is sent back has the input's own shape, not the output's. */
const OWN = /^(sum|mean|max|min|transpose|reshape|getitem|concatenate)$/;

/**
 * The shape of what a product sends back: of stacks, before it is summed over what was repeated.
 * @param {Node} node @param {number[][]} shapes @param {number} slot
 */
function productShape({ shape }, shapes, slot) {
  const [p, q] = shapes;
  const rows = p.length > 1 ? 1 : 0;
  const columns = q.length > 1 ? 1 : 0;
  const stack = shape.slice(0, shape.length - rows - columns);
  return [...stack, ...shapes[slot].slice(-2)];
}

let count = 0;

/**
 * How one node is written.
 * @param {Node} node @param {Node[]} nodes @param {string[]} all names of its inputs
 * @param {string} y its own name
 */
export function ruleTexts(node, nodes, all, y) {
  const rules = RULES[node.op];
  if (!rules) throw new Error(`no lines are written for ${node.op} yet`);
  const [a, b, c] = all;
  const shapes = (node.inputs ?? []).map((i) => nodes[i].shape);
  const fresh = (/** @type {string} */ name) => `${name}_${++count}`;
  const here = (/** @type {number} */ slot, d = "") => ({
    a,
    b,
    c,
    y,
    d,
    all,
    node,
    shapes,
    slot,
    fresh,
  });
  const split = (/** @type {string | string[]} */ text) => {
    const lines = [text].flat();
    return { before: lines.slice(0, -1), text: lines[lines.length - 1] };
  };
  return {
    value: () => split(rules[0](here(0))),
    /** @param {number} slot @param {string} d */
    sent(slot, d) {
      const rule = rules[node.op === "concatenate" ? 1 : slot + 1];
      const text = rule?.(here(slot, d));
      if (!text) return null;
      const written = node.op === "setitem" && slot === 1;
      const own = written || OWN.test(node.op);
      const shape = node.op === "matmul" ? productShape(node, shapes, slot) : node.shape;
      return { ...split(text), shape: own ? shapes[slot] : shape };
    },
  };
}
