/**
 * The operations of a graph, as in ops.py. Those on symmetric matrices are added by linalg.js,
 * where it is imported.
 *
 * @import { Tensor } from "./tensor.js"
 * @typedef {{axis?: number[] | null, keepdims?: boolean}} Params of a reduction
 * @typedef {((...args: any[]) => Tensor) | null} Step
 */
import {
  elementwise,
  largestTo,
  negate,
  over,
  plus,
  product,
  scalar,
  sumTo,
  times,
  transpose,
} from "./tensor.js";

// A loop each: a function called for every entry returns its number on the heap
const root = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.sqrt(p[i[k]]);
});
const exp = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.exp(p[i[k]]);
});
const log = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.log(p[i[k]]);
});
const tanh = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.tanh(p[i[k]]);
});
const power = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] ** q[j[k]];
});
// Where the exponent is 0, q - 1 would ask for 0 * 0 ** -1
const powerRule = elementwise((to, d, i, p, j, q, l) => {
  for (let k = 0; k < to.length; k++) {
    const e = q[l[k]];
    to[k] = d[i[k]] * e * p[j[k]] ** (e ? e - 1 : 0);
  }
});
const larger = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.max(p[i[k]], q[j[k]]);
});
// Equals get half of a gradient
const largerRule = elementwise((to, d, i, p, j, q, l) => {
  for (let k = 0; k < to.length; k++) {
    const [a, b] = [p[j[k]], q[l[k]]];
    to[k] = d[i[k]] * (a > b ? 1 : a === b ? 0.5 : 0);
  }
});
const equals = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] === q[j[k]] ? 1 : 0;
});
/** @param {Tensor} q */
const isTwo = ({ data }) => data.length === 1 && data[0] === 2;

/** @param {number[]} shape @param {Params["axis"]} axis */
const keptShape = (shape, axis) => shape.map((n, i) => (axis && !axis.includes(i) ? n : 1));

/**
 * @param {(a: Tensor, shape: number[]) => Tensor} reduce
 * @returns {(a: Tensor, none: undefined, node: Params) => Tensor}
 */
const reduction =
  (reduce) =>
  (a, _, { axis, keepdims }) => {
    const { shape, data } = reduce(a, keptShape(a.shape, axis));
    return { shape: keepdims ? shape : shape.filter((_, i) => axis && !axis.includes(i)), data };
  };
const sumOver = reduction(sumTo);
const maxOver = reduction(largestTo);

/** How many entries of a went into each of y. @param {Tensor} y @param {Tensor} a */
const entriesPer = (y, a) => scalar(a.data.length / y.data.length);

/** @param {Tensor} a @param {undefined} none @param {Params} node */
function meanOver(a, none, node) {
  const total = sumOver(a, none, node);
  return over(total, entriesPer(total, a));
}

/**
 * Undoes a sum: every entry of `a` gets the gradient of its sum. `a` only lends its shape.
 * @param {Tensor} d @param {Tensor} a @param {Params} node
 */
const spread = (d, a, { axis }) =>
  plus({ shape: keptShape(a.shape, axis), data: d.data }, scalar(0), a);

/**
 * Entries that tie for the largest share evenly.
 * @param {Tensor} d @param {Tensor} y @param {Tensor} a @param {any} _ @param {Params} node
 */
function maxRule(d, y, a, _, { axis }) {
  const shape = keptShape(a.shape, axis);
  const largest = equals(a, { shape, data: y.data });
  return over(times(largest, { shape, data: d.data }), sumTo(largest, shape));
}

// On the left of a product a vector is a row, on the right a column
/** @param {Tensor} a */
const asRow = (a) => (a.shape.length < 2 ? { shape: [1, a.data.length], data: a.data } : a);
/** @param {Tensor} b */
export const asColumn = (b) =>
  b.shape.length < 2 ? { shape: [b.data.length, 1], data: b.data } : b;
/** @param {Tensor} d @param {Tensor} a @param {Tensor} b */
const asProduct = (d, a, b) => ({ shape: [asRow(a).shape[0], asColumn(b).shape[1]], data: d.data });

/**
 * name: [forward(a, b, node), for each input its rule(d, y, a, b, node)]; b is undefined where an
 * operation has one input. A rule makes that input's gradient from `d`, which arrived at the output
 * `y`; null where the input is a constant.
 * @type {Record<string, Step[]>}
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
  power: [
    (a, b) => (isTwo(b) ? times(a, a) : power(a, b)),
    (d, y, a, b) => (isTwo(b) ? times(d, plus(a, a)) : powerRule(d, a, b)),
    null,
  ],
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
  sum: [sumOver, (d, y, a, _, node) => spread(d, a, node)],
  mean: [meanOver, (d, y, a, _, node) => spread(over(d, entriesPer(y, a)), a, node)],
  max: [maxOver, maxRule],
  matmul: [
    (a, b) => product(asRow(a), asColumn(b), [...a.shape.slice(0, -1), ...b.shape.slice(1)]),
    (d, y, a, b) => product(asProduct(d, a, b), transpose(asColumn(b)), a.shape),
    (d, y, a, b) => product(transpose(asRow(a)), asProduct(d, a, b), b.shape),
  ],
  transpose: [transpose, transpose],
};
