/**
 * Functions of one entry.
 *
 * @import { Operations } from "./index.js"
 */
import { elementwise, negate, over, plus, scalar, times } from "../tensor.js";

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

/** @type {Operations} */
export const OPERATIONS = {
  sqrt: [(a) => root(a), (d, y) => over(d, plus(y, y))],
  exp: [(a) => exp(a), (d, y) => times(d, y)],
  log: [(a) => log(a), (d, y, a) => over(d, a)],
  tanh: [(a) => tanh(a), (d, y) => times(d, plus(scalar(1), negate(times(y, y))))],
};
