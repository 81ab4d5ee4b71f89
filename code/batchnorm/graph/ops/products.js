/**
 * Products of vectors and matrices, and of stacks of them.
 *
 * @import { Tensor } from "../tensor.js"
 * @import { Operations } from "./index.js"
 */
import { product, transpose } from "../tensor.js";

// On the left of a product a vector is a row, on the right a column
/** @param {Tensor} a */
const asRow = (a) => (a.shape.length < 2 ? { shape: [1, a.data.length], data: a.data } : a);
/** @param {Tensor} b */
export const asColumn = (b) =>
  b.shape.length < 2 ? { shape: [b.data.length, 1], data: b.data } : b;
/** @param {Tensor} d @param {Tensor} a @param {Tensor} b @returns {Tensor} */
function asProduct(d, a, b) {
  const stack = d.shape.slice(0, d.shape.length - +(a.shape.length > 1) - +(b.shape.length > 1));
  return {
    shape: [...stack, asRow(a).shape.at(-2) ?? 1, asColumn(b).shape.at(-1) ?? 1],
    data: d.data,
  };
}
/** Without the axis, counted from the end, that made a matrix of a vector `of`.
 * @param {Tensor} t @param {number} axis @param {Tensor} of @returns {Tensor} */
const without = (t, axis, of) =>
  of.shape.length > 1
    ? t
    : { shape: t.shape.filter((_, i) => i !== t.shape.length + axis), data: t.data };

/** @type {Operations} */
export const OPERATIONS = {
  matmul: [
    (a, b) =>
      without(without(product(asRow(a), asColumn(b)), -1, b), b.shape.length > 1 ? -2 : -1, a),
    (d, y, a, b) => without(product(asProduct(d, a, b), transpose(asColumn(b))), -2, a),
    (d, y, a, b) => without(product(transpose(asRow(a)), asProduct(d, a, b)), -1, b),
  ],
};
