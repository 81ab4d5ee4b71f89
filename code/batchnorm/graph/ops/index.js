/**
 * The operations of a graph, a file a family, as in Python beside them. Those on symmetric matrices
 * are added by symmetric.js, where it is imported.
 *
 * @import { Tensor } from "../tensor.js"
 * @typedef {{axis?: number[] | null, keepdims?: boolean}} Params of a reduction
 * @typedef {((...args: any[]) => Tensor) | null} Step
 * @typedef {Record<string, Step[]>} Operations name: [forward(a, b, node), for each input its
 *   rule(d, y, a, b, node)]; b is undefined where an operation has one input. A rule makes that
 *   input's gradient from `d`, which arrived at the output `y`; null where the input is a constant
 */
import { OPERATIONS as arithmetic } from "./arithmetic.js";
import { OPERATIONS as functions } from "./functions.js";
import { OPERATIONS as products } from "./products.js";
import { OPERATIONS as reductions } from "./reductions.js";
import { OPERATIONS as shapes } from "./shapes.js";

/** @type {Operations} */
export const OPS = { ...arithmetic, ...functions, ...reductions, ...products, ...shapes };
