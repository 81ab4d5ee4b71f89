import { backward, indexOf, nested, tensor } from "../../graph/interpreter.js";
import "../../graph/ops/symmetric.js";
import { parsed, run } from "../kit/graphs.js";

/**
 * What WhiteningFigure shows, from its inputs; no DOM. All of its matrices are those of traced
 * graphs: `graphs` holds one for each method, and last the ellipse of a batch.
 *
 * @typedef {[number, number]} Pair
 * @import { Graph } from "../../graph/interpreter.js"
 *
 * @typedef {{method: number, upstream: number, correlation: number, scale_1: number,
 *   scale_2: number, batch_size: number, iterations: number, eps: number, seed: number,
 *   selected: number, pull: Pair, moved: number[], past: number, graphs: string[]}} Inputs `moved`:
 *   for each point that was dragged: its index, how far
 *
 * @typedef {object} Ellipse of one standard deviation
 * @property {Pair} mu
 * @property {Pair} values the variances along its axes, the larger first
 * @property {Pair[]} arms its axes, each one standard deviation long
 * @property {Pair[]} carried where W takes them
 *
 * @typedef {{x: Pair[], x_hat: Pair[], dy: Pair[], dx: Pair[], landed: Pair[], before: Ellipse,
 *   after: Ellipse | null, all: Outcome[]}} Analysis `x_hat`: empty, as are dy and dx, where the
 *   method is not defined; `landed`: where the selected point is, and was in earlier batches;
 *   `all`: what becomes of the batch by each method
 * @typedef {{x_hat: Pair[], carried: Pair[]}} Outcome its points, and where it takes the ellipse's
 *   arms; empty where the method is not defined
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

export const METHODS = ["standardise", "pca", "zca", "cholesky", "newton-schulz"];
const PCA = METHODS.indexOf("pca");
const GAP = 1e-9; // as in whitening.py
const IDENTITY = [
  [1, 0],
  [0, 1],
];
// Upstream gradients by their index: one point's pull, the same for all, or x_hat N
const SHIFT = /** @type {Pair} */ ([0.8, 0.4]);
const N = [
  [0.6, 0, 0, -0.3],
  [0, 0.5, 0.5, 0],
  [0, 0.5, -0.5, 0],
];

/** Whether two variances, the larger first, count as equal. @param {Pair} values */
export const isDegenerate = ([p, q]) => p - q <= GAP * p;

/** x_hat, W and how dy comes back; null if not defined. @param {Inputs} inputs @param {Pair[]} x */
function whiten({ method, graphs, iterations, eps }, x) {
  const graph = parsed(graphs[method]);
  const { values } = run(graph, { x, m: x.length, eps });
  const [chosen] = graph.outputs.slice(graph.outputs.length > 1 ? iterations : 0);
  if (method === PCA && x.length > 1) {
    const spectrum = graph.nodes.findIndex(({ op }) => op === "eigenvalues");
    if (isDegenerate(nested(values[spectrum]))) return null;
  }
  const [, W] = graph.nodes[chosen].inputs ?? []; // x_hat = centred @ W
  return {
    xHat: /** @type {Pair[]} */ (nested(values[chosen])),
    W: values[W],
    /** @param {Pair[]} dy @returns {Pair[]} */
    back(dy) {
      const dys = graph.outputs.map((i) => (i === chosen ? tensor(dy) : null));
      return nested(backward(graph, values, dys).grads[indexOf(graph, "x")]);
    },
  };
}

/**
 * @param {Inputs} inputs @param {Pair[]} x
 * @param {any} W which carries the arms on
 * @returns {Ellipse}
 */
function ellipseOf({ graphs }, x, W) {
  const { outputs } = run(parsed(graphs[METHODS.length]), { x, m: x.length, W });
  const [mu, variances, arms, carried] = outputs.map(nested);
  return { mu, values: variances, arms, carried };
}

/** A number in (0, 1) for each seed and k, as in Python. @param {number} seed @param {number} k */
function uniform(seed, k) {
  let t = (Math.imul(seed, 0x9e3779b1) + Math.imul(k + 1, 0x6d2b79f5)) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
}

/** The batch of a seed, before any point is moved. @param {Inputs} inputs @param {number} seed */
export function sampled({ correlation, scale_1, scale_2, batch_size }, seed) {
  return Array.from({ length: batch_size }, (_, i) => {
    const a = uniform(seed, 2 * i);
    const b = uniform(seed, 2 * i + 1);
    const r = Math.sqrt(-2 * Math.log(a));
    const z1 = r * Math.cos(2 * Math.PI * b);
    const z2 = r * Math.sin(2 * Math.PI * b);
    const along = correlation * z1 + Math.sqrt(1 - correlation ** 2) * z2;
    return /** @type {Pair} */ ([scale_1 * z1, scale_2 * along]);
  });
}

/** @param {Inputs} inputs */
export function batchOf(inputs) {
  const x = sampled(inputs, inputs.seed);
  for (let k = 0; k < inputs.moved.length; k += 3) {
    const [i, p, q] = inputs.moved.slice(k, k + 3);
    if (i < x.length) x[i] = [x[i][0] + p, x[i][1] + q];
  }
  return x;
}

/** The index of the selected point. @param {Inputs} inputs @param {Pair[]} x */
export const chosen = ({ selected }, x) => Math.min(selected, x.length - 1);

/** @param {Inputs} inputs @param {Pair[]} xHat @returns {Pair[]} */
function upstreamOf(inputs, xHat) {
  const { upstream, pull } = inputs;
  if (upstream === 0) return xHat.map((_, i) => (i === chosen(inputs, xHat) ? pull : [0, 0]));
  if (upstream === 1) return xHat.map(() => SHIFT);
  const [a, b, c, d] = N[upstream - 2];
  return xHat.map(([p, q]) => [p * a + q * c, p * b + q * d]);
}

/**
 * Where the selected point landed in earlier batches, which it would have shared as it stands now.
 * @param {Inputs} inputs @param {Pair[]} x
 */
function landings(inputs, x) {
  const at = chosen(inputs, x);
  return Array.from({ length: inputs.past }, (_, k) => {
    const other = sampled(inputs, Math.max(0, inputs.seed - 1 - k));
    other[at] = x[at];
    return whiten(inputs, other)?.xHat[at];
  }).filter((row) => row !== undefined);
}

/** What each method makes of a batch. @param {Inputs} inputs @param {Pair[]} x @returns {Outcome[]} */
function outcomes(inputs, x) {
  return METHODS.map((_, method) => {
    const whitened = whiten({ ...inputs, method }, x);
    if (!whitened) return { x_hat: [], carried: [] };
    return { x_hat: whitened.xHat, carried: ellipseOf(inputs, x, whitened.W).carried };
  });
}

/** @param {Inputs} inputs @returns {Analysis} */
export function analyse(inputs) {
  const x = batchOf(inputs);
  const whitened = whiten(inputs, x);
  const all = outcomes(inputs, x);
  if (!whitened) {
    const before = ellipseOf(inputs, x, IDENTITY);
    return { x, x_hat: [], dy: [], dx: [], landed: [], before, after: null, all };
  }
  const { xHat, W, back } = whitened;
  const dy = upstreamOf(inputs, xHat);
  return {
    x,
    x_hat: xHat,
    dy,
    dx: back(dy),
    landed: [xHat[chosen(inputs, x)], ...landings(inputs, x)],
    before: ellipseOf(inputs, x, W),
    after: ellipseOf(inputs, xHat, IDENTITY),
    all,
  };
}

/** @param {Analysis} analysis */
export const outputs = ({ x, x_hat, dy, dx }) => ({ x, x_hat, dy, dx });
