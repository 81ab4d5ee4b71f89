import { parsed, run as runOf } from "../kit/graphs.js";
import { gradientPaths } from "../kit/paths.js";
import { clamp, dot } from "../kit/scale.js";

/**
 * What SphereFigure shows, from its inputs; no DOM.
 *
 * Of dy, `passes` is what is left: dx is gamma/s times that. What is taken from it are the paths of
 * the gradient, times s.
 *
 * @typedef {[number, number, number]} Triple three samples; or, in space, [right, up, out]: in the
 *   plane of mean zero as seen along 1, and out of it towards the viewer
 *
 * @typedef {{x: number[], dy: number[], gamma: number, eps: number, rate: number, turn: number,
 *   peeled: number, trail: number[], start: [number[], number[]], graph: string}} Inputs `peeled`:
 *   how many parts of dy were removed: none, the mean's, both; `trail`: the batches before each
 *   step, three numbers each
 *
 * @typedef {object} Parts of dy
 * @property {Triple} mean removed by the mean: along 1
 * @property {Triple} variance removed by the variance: along x̂
 * @property {Triple} passes
 *
 * @typedef {object} Space what is where
 * @property {Triple} x
 * @property {Triple} centred R, in the plane
 * @property {Triple} xHat
 * @property {Triple[]} chain x̂, and from there to the tips of what passes, of what the variance
 *   removes and of what the mean removes; the last is the tip of dy
 * @property {Triple} dx its tip, from x
 * @property {Triple} next x after one more step
 * @property {Triple[]} trail
 *
 * @typedef {{defined: boolean, x_hat: Triple, dx: Triple, parts: Parts, along: number, s: number,
 *   variances: {first: number, now: number, next: number}, next: Triple, space: Space}} Analysis
 *   `along`: dy along x̂: a length, of which the variance removes all if eps = 0; `variances`:
 *   before the first step, now, then; `next`: the batch after one more step
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

const FAR = 1e6; // no step leads beyond
const NOTHING = /** @type {Triple} */ ([0, 0, 0]);

/** @param {ArrayLike<number>} a */
export const lengthOf = (a) => Math.sqrt(dot(a, a));
/** a + k b. @param {ArrayLike<number>} a @param {ArrayLike<number>} b @returns {Triple} */
export const shifted = (a, b, k = 1) =>
  /** @type {Triple} */ (Array.from(a, (v, i) => v + k * b[i]));
/** @param {ArrayLike<number>} a @param {number} k */
export const scaled = (a, k) => shifted(NOTHING, a, k);

/** The directions right, up and out, in samples: unit and orthogonal. */
const FRAME = [
  [0, -Math.SQRT1_2, Math.SQRT1_2],
  [2, -1, -1].map((v) => v / Math.sqrt(6)),
  [1, 1, 1].map((v) => v / Math.sqrt(3)),
];
/** Samples to a place in space. @param {ArrayLike<number>} v */
export const intoSpace = (v) => /** @type {Triple} */ (FRAME.map((axis) => dot(axis, v)));
/** A place in space to samples. @param {Triple} p */
export const outOfSpace = (p) => FRAME.reduce((sum, axis, k) => shifted(sum, axis, p[k]), NOTHING);

/** Equal samples, to within what rounding spreads them by, or squares lose. @param {number[]} x */
const allEqual = (x) =>
  Math.max(...x) - Math.min(...x) <= Math.max(1e-13 * Math.max(...x.map(Math.abs)), 1e-150);

/**
 * @param {Inputs} inputs @param {Analysis["next"]} next @param {Parts} parts @param {Triple} xHat
 * @param {Triple} dx @returns {Space}
 */
function spaceOf({ x, trail }, next, parts, xHat, dx) {
  const at = intoSpace(x);
  const chain = [intoSpace(xHat)];
  for (const part of [parts.passes, parts.variance, parts.mean]) {
    chain.push(shifted(/** @type {Triple} */ (chain.at(-1)), intoSpace(part)));
  }
  const before = [];
  for (let i = 0; i < trail.length; i += 3) before.push(intoSpace(trail.slice(i, i + 3)));
  return {
    x: at,
    centred: [at[0], at[1], 0],
    xHat: chain[0],
    chain,
    trail: before,
    dx: shifted(at, intoSpace(dx)),
    next: intoSpace(next),
  };
}

/** @param {Inputs} inputs @returns {Analysis} */
export function analyse(inputs) {
  const { x, dy, gamma, eps, rate, trail } = inputs;
  if (eps === 0 && allEqual(x)) {
    const parts = { mean: NOTHING, variance: NOTHING, passes: NOTHING };
    return {
      defined: false,
      x_hat: NOTHING,
      dx: NOTHING,
      parts,
      along: 0,
      s: 0,
      next: NOTHING,
      variances: { first: 0, now: 0, next: 0 },
      space: { ...spaceOf({ ...inputs, trail: [] }, NOTHING, parts, NOTHING, NOTHING), chain: [] },
    };
  }
  const graph = parsed(inputs.graph);
  const run = gradientPaths(graph, { x, gamma: 1, beta: 0, eps }, dy);
  const s = run.of("s")[0];
  const { mean, variance } = run.paths;
  const parts = {
    mean: scaled(mean, -s),
    variance: scaled(variance, -s),
    passes: scaled(run.dx, s),
  };
  const dx = scaled(run.dx, gamma); // dy only meets gamma by a product
  const step = shifted(x, dx, -rate);
  const next = /** @type {Triple} */ (step.map((v) => clamp(v, -FAR, FAR)));
  const xHat = scaled(run.of("x_hat"), 1);
  const varianceOf = (/** @type {number[]} */ at) =>
    runOf(graph, { x: at, gamma: 1, beta: 0, eps }).of("var")[0];
  const now = run.of("var")[0];
  const first = trail.length ? varianceOf(trail.slice(0, 3)) : now;
  return {
    defined: true,
    x_hat: xHat,
    dx,
    parts,
    s,
    next,
    along: Math.abs(dot(dy, xHat)) / (lengthOf(xHat) || 1),
    variances: { first, now, next: varianceOf(next) },
    space: spaceOf(inputs, next, parts, xHat, dx),
  };
}

/** @param {Inputs & Analysis} analysis */
export const outputs = ({ defined, x_hat, dx }) =>
  defined ? { x_hat, dx } : { x_hat: [], dx: [] };
