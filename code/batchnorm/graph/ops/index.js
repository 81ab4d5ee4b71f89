/**
 * The operations of a graph, a file a family, as in Python beside them. Those on symmetric matrices
 * are added by symmetric.js, where it is imported.
 *
 * @import { Tensor } from "../tensor.js"
 * @typedef {number | string | null | any[]} Item of an index, as shapes.py has them
 * @typedef {{axis?: any, keepdims?: boolean, axes?: number[] | null,
 *   index?: Item[], to?: number[]}} Params of an operation
 * @typedef {((...args: any[]) => Tensor) | null} Step
 * @typedef {Record<string, Step[]>} Operations name: [forward(a, b, node, all), for each input its
 *   rule(d, y, a, b, node, all, slot)]; b is undefined where an operation has one input, `all`
 *   where it has no more than two. A rule makes that input's gradient from `d`, which arrived at
 *   the output `y`; null where no gradient goes back. Inputs beyond the rules share the last
 */
import { OPERATIONS as arithmetic } from "./arithmetic.js";
import { OPERATIONS as comparisons } from "./comparisons.js";
import { OPERATIONS as functions } from "./functions.js";
import { OPERATIONS as products } from "./products.js";
import { OPERATIONS as reductions } from "./reductions.js";
import { OPERATIONS as shapes } from "./shapes.js";

/** @type {Operations} */
export const OPS = {
  ...arithmetic,
  ...functions,
  ...reductions,
  ...products,
  ...shapes,
  ...comparisons,
};

/** Those that may have more inputs than rules. */
export const MANY = ["getitem", "setitem", "concatenate"];

/** The rule of an operation's input. @param {string} op @param {number} slot */
export const ruleOf = (op, slot) => OPS[op]?.[Math.min(slot + 1, OPS[op].length - 1)];
