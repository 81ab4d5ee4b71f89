/**
 * Runs, in the page, the graphs that batchnorm/graph.py traced: forward, backward, cut edges.
 * Knows nothing of the DOM. An operation is one entry of OPS here and one of OPS there.
 *
 * @typedef {{shape: number[], data: Float64Array}} Tensor entries in row-major order
 * @typedef {{op: string, symbol: string, shape: number[], name?: string, inputs?: number[],
 *   value?: any, axis?: number[] | null, keepdims?: boolean}} GraphNode
 * @typedef {{nodes: GraphNode[], outputs: number[]}} Graph
 */

const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

/** @returns {Tensor} */
const make = (shape) => ({ shape, data: new Float64Array(sizeOf(shape)) });

/** A number or nested lists of them -> Tensor. */
export function tensor(value) {
  const shape = [];
  for (let v = value; Array.isArray(v); v = v[0]) shape.push(v.length);
  const data = Float64Array.from(Array.isArray(value) ? value.flat(Infinity) : [value]);
  if (data.length !== sizeOf(shape)) throw new Error("tensor: rows of different lengths");
  return { shape, data };
}

/** Tensor -> a number or nested lists of them. */
export function nested({ shape, data }) {
  let rows = Array.from(data);
  for (const n of shape.slice(1).reverse()) {
    const count = n ? rows.length / n : sizeOf(shape.slice(0, -1));
    rows = Array.from({ length: count }, (_, i) => rows.slice(i * n, (i + 1) * n));
  }
  return shape.length ? rows : rows[0];
}

function broadcastShape(a, b) {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [p, q] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (p !== q && p !== 1 && q !== 1) throw new Error(`shapes ${a} and ${b} do not broadcast`);
    return p === 1 ? q : p;
  });
}

/** For each entry of an array of shape `to`: where a `from` broadcast to it has that entry. */
function positions(from, to) {
  const at = new Int32Array(sizeOf(to));
  const strides = new Array(to.length).fill(0);
  for (let i = to.length - 1, j = from.length - 1, s = 1; j >= 0; i--, j--) {
    if (from[j] !== 1) strides[i] = s;
    s *= from[j];
  }
  for (let k = 0; k < at.length; k++) {
    for (let i = to.length - 1, rest = k; i >= 0; i--) {
      at[k] += (rest % to[i]) * strides[i];
      rest = Math.floor(rest / to[i]);
    }
  }
  return at;
}

/** f, entry by entry, over tensors that broadcast. @returns {Tensor} */
function map(f, ...tensors) {
  const out = make(tensors.map((t) => t.shape).reduce(broadcastShape));
  const at = tensors.map((t) => (t.data.length === out.data.length ? null : positions(t.shape, out.shape)));
  const pick = (j, k) => tensors[j].data[at[j] ? at[j][k] : k];
  for (let k = 0; k < out.data.length; k++) {
    out.data[k] = f(pick(0, k), tensors.length > 1 ? pick(1, k) : 0, tensors.length > 2 ? pick(2, k) : 0);
  }
  return out;
}

/** Sums `t` down to a shape that broadcasts to t's: broadcasting copies, so its reverse sums. */
function sumTo(t, shape) {
  if (String(shape) === String(t.shape)) return t;
  const out = make(shape);
  positions(shape, t.shape).forEach((at, k) => (out.data[at] += t.data[k]));
  return out;
}

/** The shape of a reduction over `axis` (null: all) that keeps them with length 1. */
const kept = (shape, axis) => shape.map((n, i) => (axis == null || axis.includes(i) ? 1 : n));

function reduce(t, { axis, keepdims }) {
  const { shape, data } = sumTo(t, kept(t.shape, axis));
  return { shape: keepdims ? shape : shape.filter((_, i) => axis != null && !axis.includes(i)), data };
}

/** Undoes a sum: every entry of `a` gets the gradient of the sum it went into. */
const spread = (d, a, { axis }, scale = 1) =>
  map((v) => v * scale, { shape: kept(a.shape, axis), data: d.data }, make(a.shape));

const count = (y, a) => a.data.length / Math.max(y.data.length, 1);

function transpose(a) {
  if (a.shape.length < 2) return a;
  const [rows, columns] = a.shape;
  const out = make([columns, rows]);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out.data[j * rows + i] = a.data[i * columns + j];
  }
  return out;
}

const asRow = (a) => (a.shape.length < 2 ? { shape: [1, a.data.length], data: a.data } : a);
const asColumn = (b) => (b.shape.length < 2 ? { shape: [b.data.length, 1], data: b.data } : b);

function product(a, b) {
  const [rows, inner] = a.shape;
  const columns = b.shape[1];
  if (inner !== b.shape[0]) throw new Error(`shapes ${a.shape} and ${b.shape} do not multiply`);
  const out = make([rows, columns]);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const v = a.data[i * inner + k];
      for (let j = 0; j < columns; j++) out.data[i * columns + j] += v * b.data[k * columns + j];
    }
  }
  return out;
}

function matmul(a, b) {
  const { data } = product(asRow(a), asColumn(b));
  return { shape: [...a.shape.slice(0, -1), ...b.shape.slice(1)], data };
}

function matmulBackward(d, y, a, b) {
  const [A, B] = [asRow(a), asColumn(b)];
  const D = { shape: [A.shape[0], B.shape[1]], data: d.data };
  return [
    { shape: a.shape, data: product(D, transpose(B)).data },
    { shape: b.shape, data: product(transpose(A), D).data },
  ];
}

const half = (p, q) => (p > q ? 1 : p === q ? 0.5 : 0);

/**
 * name: [forward(inputs…, node), backward(d, y, inputs…, node) -> a gradient an input].
 * @type {Record<string, [Function, Function]>}
 */
const OPS = {
  add: [(a, b) => map((p, q) => p + q, a, b), (d) => [d, d]],
  subtract: [(a, b) => map((p, q) => p - q, a, b), (d) => [d, map((v) => -v, d)]],
  multiply: [
    (a, b) => map((p, q) => p * q, a, b),
    (d, y, a, b) => [map((v, q) => v * q, d, b), map((v, p) => v * p, d, a)],
  ],
  divide: [
    (a, b) => map((p, q) => p / q, a, b),
    (d, y, a, b) => [map((v, q) => v / q, d, b), map((v, r, q) => (-v * r) / q, d, y, b)],
  ],
  power: [
    (a, b) => map((p, q) => p ** q, a, b),
    (d, y, a, b) => [map((v, p, q) => (q ? v * q * p ** (q - 1) : 0), d, a, b), null],
  ],
  negative: [(a) => map((p) => -p, a), (d) => [map((v) => -v, d)]],
  square: [(a) => map((p) => p * p, a), (d, y, a) => [map((v, p) => v * 2 * p, d, a)]],
  sqrt: [(a) => map(Math.sqrt, a), (d, y) => [map((v, r) => v / (2 * r), d, y)]],
  exp: [(a) => map(Math.exp, a), (d, y) => [map((v, r) => v * r, d, y)]],
  log: [(a) => map(Math.log, a), (d, y, a) => [map((v, p) => v / p, d, a)]],
  tanh: [(a) => map(Math.tanh, a), (d, y) => [map((v, r) => v * (1 - r * r), d, y)]],
  maximum: [
    (a, b) => map((p, q) => (p > q || Number.isNaN(p) ? p : q), a, b),
    (d, y, a, b) => [
      map((v, p, q) => v * half(p, q), d, a, b),
      map((v, p, q) => v * half(q, p), d, a, b),
    ],
  ],
  sum: [reduce, (d, y, a, node) => [spread(d, a, node)]],
  mean: [
    (a, node) => {
      const total = reduce(a, node);
      return map((v) => v / count(total, a), total);
    },
    (d, y, a, node) => [spread(d, a, node, 1 / count(y, a))],
  ],
  matmul: [matmul, matmulBackward],
  transpose: [transpose, (d) => [transpose(d)]],
};

/**
 * Computes every node. @param {Graph} graph @param {Record<string, Tensor>} inputs
 * @returns {Tensor[]} one value a node
 */
export function forward(graph, inputs) {
  const values = [];
  for (const node of graph.nodes) {
    if (node.op === "input") values.push(inputs[node.name]);
    else if (node.op === "constant") values.push(tensor(node.value));
    else {
      if (!OPS[node.op]) throw new Error(`unknown operation ${node.op}`);
      values.push(OPS[node.op][0](...node.inputs.map((i) => values[i]), node));
    }
  }
  return values;
}

/** The key of an edge: it ends in input `slot` of node `target`. */
export const edgeKey = (target, slot) => `${target}:${slot}`;

/** The keys of all edges that leave the node of that name (none if there is no such node). */
export function leaving(graph, name) {
  const source = graph.nodes.findIndex((node) => node.name === name);
  return graph.nodes.flatMap((node, target) =>
    (node.inputs ?? []).flatMap((i, slot) => (i === source ? [edgeKey(target, slot)] : [])),
  );
}

/**
 * Sends `dy`, one gradient an output, back to every node.
 * @param {Graph} graph @param {Tensor[]} values @param {Tensor[]} dy
 * @param {Set<string>} cut keys of the edges over which nothing flows
 * @returns {{grads: Tensor[], flow: Map<string, Tensor>}} one gradient a node; what each edge carried
 */
export function backward(graph, values, dy, cut = new Set()) {
  const grads = values.map(() => null);
  const flow = new Map();
  const add = (i, d) => (grads[i] = grads[i] ? map((p, q) => p + q, grads[i], d) : d);
  graph.outputs.forEach((i, k) => add(i, dy[k]));
  for (let target = values.length - 1; target >= 0; target--) {
    const node = graph.nodes[target];
    if (!grads[target] || !node.inputs) continue;
    const inputs = node.inputs.map((i) => values[i]);
    const sent = OPS[node.op][1](grads[target], values[target], ...inputs, node);
    node.inputs.forEach((source, slot) => {
      const key = edgeKey(target, slot);
      if (cut.has(key) || graph.nodes[source].op === "constant") return;
      flow.set(key, sumTo(sent[slot], values[source].shape));
      add(source, flow.get(key));
    });
  }
  return { grads: grads.map((d, i) => d ?? make(values[i].shape)), flow };
}

/** The index of the node of that name. Throws if there is none. */
export function indexOf(graph, name) {
  const i = graph.nodes.findIndex((node) => node.name === name);
  if (i < 0) throw new Error(`no node ${name} in the graph`);
  return i;
}
