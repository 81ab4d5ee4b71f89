import { bytesOf, clamp } from "../kit/scale.js";

/**
 * What DepthFigure shows, from its inputs; no DOM.
 *
 * @typedef {[number, number]} Point
 * @typedef {{name: string, formula: string, curve: Point[], predicted: number[][]}} Kind of
 *   network: `curve` is its formula's factor per layer over the batch size, `predicted` that at each
 *   of `sizes` (or nothing)
 * @typedef {{low: number, median: number, high: number}} Spread over the seeds
 *
 * @typedef {object} Inputs
 * @property {number} batch
 * @property {number} depth
 * @property {number} layers that there are
 * @property {number[]} sizes of the batches there are
 * @property {Kind[]} kinds
 * @property {DataView} norms float32, powers of ten: of each kind, size, seed and layer
 *
 * @typedef {{name: string, formula: string, curve: Point[], predicted: number | null,
 *   powers: Spread[], factor: Spread, factors: Spread[]}} Found
 *   `powers` of ten after 0, 1, … layers, all of them; `factor` a layer up to `depth` at this batch
 *   size, `factors` at all
 *
 * @typedef {object} Analysis
 * @property {number} size that of `sizes` which is nearest to `batch`
 * @property {number} passed the layers that are looked at
 * @property {number} reach the power of ten above all norms at this batch size
 * @property {Spread[][]} smallest as `powers`, of each kind at the smallest batch
 * @property {Found[]} found of each kind
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 */

/** @param {number[]} values @returns {Spread} */
function spread(values) {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { low: sorted[0], median, high: sorted[sorted.length - 1] };
}

/** @param {number[]} sizes @param {number} batch */
export function nearest(sizes, batch) {
  const off = (/** @type {number} */ size) => Math.abs(Math.log(size / batch));
  return sizes.reduce((a, b) => (off(b) < off(a) ? b : a));
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse({ batch, depth, layers, sizes, kinds, norms }, memo) {
  const size = nearest(sizes, batch);
  const logs = memo("norms", [norms], () => new Float32Array(bytesOf(norms)));
  const seeds = logs.length / (kinds.length * sizes.length * (layers + 1));
  const passed = clamp(Math.round(depth), 1, layers);
  /** @param {number} kind @param {number} at the size's index @param {number} layer */
  const powersAt = (kind, at, layer) =>
    Array.from(
      { length: seeds },
      (_, seed) => logs[((kind * sizes.length + at) * seeds + seed) * (layers + 1) + layer],
    );
  /** @param {number} kind @param {number} at */
  const factorAt = (kind, at) =>
    spread(powersAt(kind, at, passed).map((power) => 10 ** (power / passed)));
  const here = sizes.indexOf(size);
  /** @param {number} kind @param {number} at */
  const powersOf = (kind, at) =>
    Array.from({ length: layers + 1 }, (_, layer) => spread(powersAt(kind, at, layer)));
  const found = kinds.map(({ name, formula, curve, predicted }, kind) => ({
    name,
    formula,
    curve,
    predicted: predicted[here][0] ?? null,
    powers: powersOf(kind, here),
    factor: factorAt(kind, here),
    factors: sizes.map((_, at) => factorAt(kind, at)),
  }));
  const reach = Math.ceil(Math.max(1, ...found.flatMap(({ powers }) => powers.map((p) => p.high))));
  const smallest = memo("smallest", [norms], () => kinds.map((_, kind) => powersOf(kind, 0)));
  return { size, passed, reach, smallest, found };
}

/** @param {Inputs & Analysis} analysis */
export function outputs({ found }) {
  const three = (/** @type {Spread} */ { low, median, high }) => [low, median, high];
  return { factors: Object.fromEntries(found.map(({ name, factor }) => [name, three(factor)])) };
}
