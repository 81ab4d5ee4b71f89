/**
 * Comparisons, and what chooses by them.
 *
 * @import { Operations } from "./index.js"
 */
import { elementwise, scalar } from "../tensor.js";

/** @param {(a: number, b: number) => boolean} holds @returns {Operations[string]} */
function comparison(holds) {
  const compare = elementwise((to, p, i, q, j) => {
    for (let k = 0; k < to.length; k++) to[k] = holds(p[i[k]], q[j[k]]) ? 1 : 0;
  });
  return [(a, b) => compare(a, b), null, null];
}
const choose = elementwise((to, c, i, p, j, q, l) => {
  for (let k = 0; k < to.length; k++) to[k] = c[i[k]] !== 0 ? p[j[k]] : q[l[k]];
});

/** @type {Operations} */
export const OPERATIONS = {
  greater: comparison((a, b) => a > b),
  greater_equal: comparison((a, b) => a >= b),
  less: comparison((a, b) => a < b),
  less_equal: comparison((a, b) => a <= b),
  equal: comparison((a, b) => a === b),
  not_equal: comparison((a, b) => a !== b),
  where: [
    (c, a, node, all) => choose(c, a, all[2]),
    null,
    (d, y, c) => choose(c, d, scalar(0)),
    (d, y, c) => choose(c, scalar(0), d),
  ],
};
