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

// Those that figures do not train with may call
/** @param {(v: number) => number} f */
const mapped = (f) =>
  elementwise((to, p, i) => {
    for (let k = 0; k < to.length; k++) to[k] = f(p[i[k]]);
  });
const [abs, sign, sin, cos] = [Math.abs, Math.sign, Math.sin, Math.cos].map(mapped);
const [log1p, expm1] = [Math.log1p, Math.expm1].map(mapped);

/** @type {Operations} */
export const OPERATIONS = {
  sqrt: [(a) => root(a), (d, y) => over(d, plus(y, y))],
  exp: [(a) => exp(a), (d, y) => times(d, y)],
  log: [(a) => log(a), (d, y, a) => over(d, a)],
  tanh: [(a) => tanh(a), (d, y) => times(d, plus(scalar(1), negate(times(y, y))))],
  absolute: [(a) => abs(a), (d, y, a) => times(d, sign(a))],
  sin: [(a) => sin(a), (d, y, a) => times(d, cos(a))],
  cos: [(a) => cos(a), (d, y, a) => negate(times(d, sin(a)))],
  log1p: [(a) => log1p(a), (d, y, a) => over(d, plus(scalar(1), a))],
  expm1: [(a) => expm1(a), (d, y, a) => times(d, exp(a))],
};
