/**
 * Many entries made one, along some axes or all.
 *
 * @import { Tensor } from "../tensor.js"
 * @import { Operations, Params } from "./index.js"
 */
import { elementwise, largestTo, negate, over, plus, scalar, sumTo, times } from "../tensor.js";

const equals = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] === q[j[k]] ? 1 : 0;
});
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
const minOver = reduction((a, shape) => negate(largestTo(negate(a), shape)));

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
 * Entries that tie share evenly.
 * @param {Tensor} d @param {Tensor} y @param {Tensor} a @param {any} _ @param {Params} node
 */
function extremeRule(d, y, a, _, { axis }) {
  const shape = keptShape(a.shape, axis);
  const there = equals(a, { shape, data: y.data });
  return over(times(there, { shape, data: d.data }), sumTo(there, shape));
}

/** @type {Operations} */
export const OPERATIONS = {
  sum: [sumOver, (d, y, a, _, node) => spread(d, a, node)],
  mean: [meanOver, (d, y, a, _, node) => spread(over(d, entriesPer(y, a)), a, node)],
  max: [maxOver, extremeRule],
  min: [minOver, extremeRule],
};
