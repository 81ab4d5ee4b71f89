/**
 * Arithmetic on entries, with broadcasting.
 *
 * @import { Tensor } from "../tensor.js"
 * @import { Operations } from "./index.js"
 */
import { elementwise, negate, over, plus, times } from "../tensor.js";

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
const smaller = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.min(p[i[k]], q[j[k]]);
});
// A power of 0 is 0 (or 1) for exponents all around: there the log has no say
const logOf = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = Math.log(p[i[k]] || 1);
});
/** @param {Tensor} q */
const isTwo = ({ data }) => data.length === 1 && data[0] === 2;

/** @type {Operations} */
export const OPERATIONS = {
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
    (d, y, a) => times(times(d, y), logOf(a)),
  ],
  negative: [(a) => negate(a), (d) => negate(d)],
  square: [(a) => times(a, a), (d, y, a) => times(d, plus(a, a))],
  maximum: [
    (a, b) => larger(a, b),
    (d, y, a, b) => largerRule(d, a, b),
    (d, y, a, b) => largerRule(d, b, a),
  ],
  minimum: [
    (a, b) => smaller(a, b),
    (d, y, a, b) => largerRule(d, b, a),
    (d, y, a, b) => largerRule(d, a, b),
  ],
};
