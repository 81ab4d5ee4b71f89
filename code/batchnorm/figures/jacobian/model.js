import "../../graph/ops/symmetric.js";
import { OPS } from "../../graph/interpreter.js";
import { parsed } from "../kit/graphs.js";
import { gradientPaths } from "../kit/paths.js";
import { dot } from "../kit/scale.js";

/**
 * What JacobianFigure shows, from its inputs; no DOM.
 *
 * @typedef {"identity" | "mean" | "variance"} Term
 * @typedef {number[][]} Matrix a list of rows: row k, column i holds ∂x̂ₖ/∂xᵢ
 *
 * @typedef {{m: number, outlier: number, eps: number, identity: boolean, mean: boolean,
 *   variance: boolean, entry: [number, number], graph: string}} Inputs `entry`: the row and the
 *   column pointed at; there may be fewer
 *
 * @typedef {object} Analysis
 * @property {boolean} defined
 * @property {number[]} x
 * @property {number} s
 * @property {number[]} xHat
 * @property {Record<Term, Matrix>} terms
 * @property {Matrix} jacobian the sum of those that are switched on
 * @property {number[]} singular its singular values, falling
 * @property {Record<"one" | "xHat", Record<Term | "sum", number>>} stretch what each term, and the
 *   sum, makes of the two directions that it only stretches; NaN along x̂ where that is 0
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 */

/** @type {Term[]} */
export const TERMS = ["identity", "mean", "variance"];

/** m − 1 samples evenly from −1 to 1, and the outlier. @param {number} m @param {number} outlier */
const batch = (m, outlier) => [
  ...Array.from({ length: m - 1 }, (_, i) => (m > 2 ? -1 + (2 * i) / (m - 2) : 0)),
  outlier,
];

/** How much a matrix stretches what it does not turn. @param {Matrix} A @param {number[]} v */
const stretchOf = (A, v) =>
  dot(
    v,
    A.map((row) => dot(row, v)),
  ) / dot(v, v);

/** The sizes of a symmetric matrix's eigenvalues, falling. @param {Matrix} A */
function singularValues(A) {
  const S = { shape: [A.length, A.length], data: Float64Array.from(A.flat()) };
  const values = OPS.eigenvalues[0]?.(S).data ?? [];
  return Array.from(values, Math.abs).sort((a, b) => b - a);
}

/** The three terms of the Jacobian, all on. @param {Inputs} inputs */
function termsOf({ m, outlier, eps, graph }) {
  const x = batch(m, outlier);
  // m copies of the feature, and a one-hot dy for each: one backward pass asks for every row
  const copies = x.map((v) => new Array(m).fill(v));
  const dy = x.map((_, k) => x.map((_, i) => Number(i === k)));
  const run = gradientPaths(parsed(graph), { x: copies, gamma: 1, beta: 0, eps }, dy);
  /** @param {Float64Array} path @returns {Matrix} */
  const rows = (path) => x.map((_, k) => x.map((_, i) => path[i * m + k]));
  const { direct, mean, variance } = run.paths;
  const terms = { identity: rows(direct), mean: rows(mean), variance: rows(variance) };
  return { x, s: run.of("s")[0], xHat: x.map((_, k) => run.of("x_hat")[k * m]), terms };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { m, outlier, eps, graph } = inputs;
  // Where it is pointed at, and what is switched off, changes nothing of the terms
  const found = memo("terms", [m, outlier, eps, graph], () => termsOf(inputs));
  const { x, s, xHat, terms } = found;
  const on = TERMS.filter((term) => inputs[term]);
  const jacobian = x.map((_, k) =>
    x.map((_, i) => on.reduce((sum, term) => sum + terms[term][k][i], 0)),
  );
  const numbers = [s, ...xHat, ...TERMS.flatMap((term) => terms[term].flat())];
  const defined = s > 0 && numbers.every(Number.isFinite);
  /** @param {number[]} v */
  const along = (v) => {
    const of = (/** @type {Matrix} */ A) => stretchOf(A, v);
    const [identity, mean, variance] = TERMS.map((term) => of(terms[term]));
    return { identity, mean, variance, sum: of(jacobian) };
  };
  return {
    ...found,
    defined,
    jacobian,
    singular: defined ? singularValues(jacobian) : [],
    stretch: { one: along(x.map(() => 1)), xHat: along(xHat) },
  };
}

/** @param {Analysis} analysis */
export const outputs = ({ defined, x, jacobian, singular }) => ({
  x,
  jacobian: defined ? jacobian : [],
  singular_values: singular,
});
