/**
 * Products of vectors and matrices.
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
/** @param {Tensor} d @param {Tensor} a @param {Tensor} b */
const asProduct = (d, a, b) => ({ shape: [asRow(a).shape[0], asColumn(b).shape[1]], data: d.data });

/** @type {Operations} */
export const OPERATIONS = {
  matmul: [
    (a, b) => product(asRow(a), asColumn(b), [...a.shape.slice(0, -1), ...b.shape.slice(1)]),
    (d, y, a, b) => product(asProduct(d, a, b), transpose(asColumn(b)), a.shape),
    (d, y, a, b) => product(transpose(asRow(a)), asProduct(d, a, b), b.shape),
  ],
};
