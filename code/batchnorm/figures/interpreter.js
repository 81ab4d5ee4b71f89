/**
 * Runs the graphs that batchnorm/graph.py traced: forward, backward, edges cut. Knows no DOM.
 * An operation is one entry of OPS here and one of OPS there.
 *
 * @typedef {{shape: number[], data: Float64Array}} Tensor row by row; tensors may share
 *   data, so do not write into it
 * @typedef {{op: string, symbol: string, shape: number[], name?: string, inputs?: number[],
 *   value?: any, axis?: number[] | null, keepdims?: boolean}} GraphNode
 * @typedef {{nodes: GraphNode[], outputs: number[]}} Graph
 */

const sizeOf = (shape) => shape.reduce((size, n) => size * n, 1);
const sameShape = (a, b) => a.length === b.length && a.every((n, i) => n === b[i]);

const zeros = (shape) => ({ shape, data: new Float64Array(sizeOf(shape)) });
const scalar = (v) => ({ shape: [], data: Float64Array.of(v) });

/** A number or nested lists of them -> Tensor. Throws if rows differ in length. */
export function tensor(value) {
  const shape = [];
  for (let v = value; Array.isArray(v); v = v[0]) shape.push(v.length);
  let entries = [value];
  for (const n of shape) {
    if (entries.some((v) => v.length !== n)) throw new Error("tensor: rows differ in length");
    entries = entries.flat();
  }
  return { shape, data: Float64Array.from(entries) };
}

/** Tensor -> a number or nested lists of them. */
export function nested({ shape, data }) {
  let rows = Array.from(data);
  for (let i = shape.length - 1; i > 0; i--) {
    const [count, n] = [sizeOf(shape.slice(0, i)), shape[i]];
    rows = Array.from({ length: count }, (_, k) => rows.slice(k * n, (k + 1) * n));
  }
  return shape.length ? rows : rows[0];
}

function broadcastShape(a, b) {
  if (!b.length || sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (p !== q && p !== 1 && q !== 1) throw new Error(`shapes ${a} and ${b} do not broadcast`);
    return p === 1 ? q : p;
  });
}

// Tables of where each entry is found: slow to make, so kept
let ramp = new Int32Array(0); // 0, 1, 2, …: both shapes have as many entries
let nought = new Int32Array(0); // 0, 0, 0, …: one entry stands for all
const tables = new Map();

/** A table, maybe too long: entry k of an array of shape `to` is entry table[k] of `from`. */
function positions(from, to) {
  const [size, wanted] = [sizeOf(from), sizeOf(to)];
  if (ramp.length < wanted) {
    ramp = Int32Array.from({ length: 2 * wanted }, (_, k) => k);
    nought = new Int32Array(2 * wanted);
  }
  if (size === wanted) return ramp;
  if (size === 1) return nought;
  const key = `${from}>${to}`;
  if (!tables.has(key)) tables.set(key, makeTable(from, to));
  return tables.get(key);
}

function makeTable(from, to) {
  const at = new Int32Array(sizeOf(to));
  let [step, stride] = [1, 1]; // to the next entry along axis i of `to`, j of `from`
  for (let i = to.length - 1, j = from.length - 1; j >= 0; i--, j--) {
    if (from[j] !== 1) at.forEach((_, k) => (at[k] += (Math.floor(k / step) % to[i]) * stride));
    step *= to[i];
    stride *= from[j];
  }
  return at;
}

/** Makes a loop over entries an operation on one to three tensors that broadcast. */
const elementwise = (loop) => (a, b = a, c = b) => {
  const out = zeros(broadcastShape(broadcastShape(a.shape, b.shape), c.shape));
  const [i, j, l] = [a, b, c].map((t) => positions(t.shape, out.shape));
  loop(out.data, a.data, i, b.data, j, c.data, l);
  return out;
};

// A loop each: calling a function for every entry takes twice as long
const plus = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] + q[j[k]];
});
const times = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] * q[j[k]];
});
const over = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] / q[j[k]];
});
const each = (f) =>
  elementwise((to, p, i, q, j, r, l) => {
    for (let k = 0; k < to.length; k++) to[k] = f(p[i[k]], q[j[k]], r[l[k]]);
  });
const negate = (a) => times(a, scalar(-1));
const [root, exp, log, tanh] = ["sqrt", "exp", "log", "tanh"].map((f) => each(Math[f]));
// Where the exponent is 0, q - 1 would ask for 0 * 0 ** -1
const power = each((p, q) => p ** q);
const powerRule = each((v, p, q) => v * q * p ** (q ? q - 1 : 0));
// Equals get half of a gradient
const larger = each(Math.max);
const largerRule = each((v, p, q) => v * (p > q ? 1 : p === q ? 0.5 : 0));

/** Sums `t` down to a shape that broadcasts to t's: what was copied forward is summed backward. */
function sumTo(t, shape) {
  if (sameShape(t.shape, shape)) return t;
  const [out, data] = [zeros(shape), t.data];
  const [to, at] = [out.data, positions(shape, t.shape)];
  for (let k = 0; k < data.length; k++) to[at[k]] += data[k];
  return out;
}

const keptShape = (shape, axis) => shape.map((n, i) => (axis && !axis.includes(i) ? n : 1));

function sumOver(a, { axis, keepdims }) {
  const { shape, data } = sumTo(a, keptShape(a.shape, axis));
  return { shape: keepdims ? shape : shape.filter((_, i) => axis && !axis.includes(i)), data };
}

/** How many entries of a went into each of y. */
const entriesPer = (y, a) => scalar(a.data.length / y.data.length);

function meanOver(a, node) {
  const total = sumOver(a, node);
  return over(total, entriesPer(total, a));
}

/** Undoes a sum: every entry of `a` gets the gradient of its sum. `a` only lends its shape. */
const spread = (d, a, { axis }) =>
  plus({ shape: keptShape(a.shape, axis), data: d.data }, scalar(0), a);

function transpose(a) {
  if (a.shape.length < 2) return a;
  const [rows, columns] = a.shape;
  const out = zeros([columns, rows]);
  for (let k = 0; k < a.data.length; k++) {
    out.data[(k % columns) * rows + Math.floor(k / columns)] = a.data[k];
  }
  return out;
}

// On the left of a product a vector is a row, on the right a column
const asRow = (a) => (a.shape.length < 2 ? { shape: [1, a.data.length], data: a.data } : a);
const asColumn = (b) => (b.shape.length < 2 ? { shape: [b.data.length, 1], data: b.data } : b);
const asProduct = (d, a, b) => ({ shape: [asRow(a).shape[0], asColumn(b).shape[1]], data: d.data });

/** The product of the matrices a and b, in the shape it is to have. */
function product({ shape: [rows, inner], data: p }, { shape: [depth, columns], data: q }, shape) {
  if (inner !== depth) throw new Error(`matmul: rows of ${inner}, columns of ${depth}`);
  const out = zeros(shape);
  const to = out.data;
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const v = p[i * inner + k];
      for (let j = 0; j < columns; j++) to[i * columns + j] += v * q[k * columns + j];
    }
  }
  return out;
}

/**
 * name: [forward(inputs…, node), for each input its rule(d, y, inputs…, node)]. A rule makes that
 * input's gradient from `d`, which arrived at the output `y`.
 * @type {Record<string, Function[]>}
 */
export const OPS = {
  add: [(a, b) => plus(a, b), (d) => d, (d) => d],
  subtract: [(a, b) => plus(a, negate(b)), (d) => d, (d) => negate(d)],
  multiply: [(a, b) => times(a, b), (d, y, a, b) => times(d, b), (d, y, a) => times(d, a)],
  divide: [
    (a, b) => over(a, b),
    (d, y, a, b) => over(d, b),
    (d, y, a, b) => negate(over(times(d, y), b)),
  ],
  power: [(a, b) => power(a, b), (d, y, a, b) => powerRule(d, a, b)],
  negative: [(a) => negate(a), (d) => negate(d)],
  square: [(a) => times(a, a), (d, y, a) => times(d, plus(a, a))],
  sqrt: [(a) => root(a), (d, y) => over(d, plus(y, y))],
  exp: [(a) => exp(a), (d, y) => times(d, y)],
  log: [(a) => log(a), (d, y, a) => over(d, a)],
  tanh: [(a) => tanh(a), (d, y) => times(d, plus(scalar(1), negate(times(y, y))))],
  maximum: [
    (a, b) => larger(a, b),
    (d, y, a, b) => largerRule(d, a, b),
    (d, y, a, b) => largerRule(d, b, a),
  ],
  sum: [sumOver, (d, y, a, node) => spread(d, a, node)],
  mean: [meanOver, (d, y, a, node) => spread(over(d, entriesPer(y, a)), a, node)],
  matmul: [
    (a, b) => product(asRow(a), asColumn(b), [...a.shape.slice(0, -1), ...b.shape.slice(1)]),
    (d, y, a, b) => product(asProduct(d, a, b), transpose(asColumn(b)), a.shape),
    (d, y, a, b) => product(transpose(asRow(a)), asProduct(d, a, b), b.shape),
  ],
  transpose: [transpose, transpose],
};

/**
 * Computes every node. Throws for a missing input, an unknown operation, shapes that do not fit.
 * @param {Graph} graph @param {Record<string, Tensor>} inputs @returns {Tensor[]} one value a node
 */
export function forward(graph, inputs) {
  const values = [];
  for (const node of graph.nodes) {
    if (node.op === "input") {
      if (!inputs[node.name]) throw new Error(`forward: no input ${node.name}`);
      values.push(inputs[node.name]);
    } else if (node.op === "constant") {
      values.push({ shape: node.shape, data: tensor(node.value).data });
    } else {
      if (!OPS[node.op]) throw new Error(`forward: unknown operation ${node.op}`);
      values.push(OPS[node.op][0](...node.inputs.map((i) => values[i]), node));
    }
  }
  return values;
}

/** The key of an edge: it ends in input `slot` of node `target`. */
export const edgeKey = (target, slot) => `${target}:${slot}`;

/** The keys of all edges that leave the node of that name (none if there is no such node). */
export const leaving = (graph, name) =>
  graph.nodes.flatMap(({ inputs = [] }, target) =>
    inputs.flatMap((i, slot) => (graph.nodes[i].name === name ? [edgeKey(target, slot)] : [])),
  );

/**
 * Sends `dys`, one gradient an output, back to every node. Throws if a shape is not its output's.
 * @param {Graph} graph @param {Tensor[]} values @param {Tensor[]} dys
 * @param {Set<string>} cut keys of the edges over which nothing flows
 * @returns {{grads: Tensor[], flow: Map<string, Tensor>}} one gradient a node (zeros where nothing
 *   arrived, and at constants); what each edge carried
 */
export function backward(graph, values, dys, cut = new Set()) {
  const grads = values.map(() => null);
  const flow = new Map();
  const add = (i, d) => (grads[i] = grads[i] ? plus(grads[i], d) : d);
  graph.outputs.forEach((i, k) => {
    if (!sameShape(dys[k].shape, values[i].shape)) {
      throw new Error(`backward: dy has shape ${dys[k].shape}, the output ${values[i].shape}`);
    }
    add(i, dys[k]);
  });
  for (let target = values.length - 1; target >= 0; target--) {
    const node = graph.nodes[target];
    if (!grads[target] || !node.inputs) continue;
    const arrays = [values[target], ...node.inputs.map((i) => values[i])];
    node.inputs.forEach((source, slot) => {
      const key = edgeKey(target, slot);
      if (cut.has(key) || graph.nodes[source].op === "constant") return;
      const sent = OPS[node.op][slot + 1](grads[target], ...arrays, node);
      flow.set(key, sumTo(sent, values[source].shape));
      add(source, flow.get(key));
    });
  }
  return { grads: grads.map((d, i) => d ?? zeros(values[i].shape)), flow };
}

/** The index of the node of that name. Throws if there is none. */
export function indexOf(graph, name) {
  const i = graph.nodes.findIndex((node) => node.name === name);
  if (i < 0) throw new Error(`no node ${name} in the graph`);
  return i;
}
