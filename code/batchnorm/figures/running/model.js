import { parsed, run as runOf } from "../kit/graphs.js";

/**
 * What RunningFigure shows, from its inputs: a stream of batches, one per step; no DOM.
 *
 * @import { Tensor } from "../../graph/tensor.js"
 *
 * @typedef {object} Inputs
 * @property {number} step the one that is read
 * @property {number} batch samples per batch
 * @property {number} momentum
 * @property {number} drift
 * @property {number} shift of the batch that is read
 * @property {number} steps
 * @property {DataView | Uint8Array} noise float32: LARGEST numbers per step
 * @property {Record<"train" | "evaluate", string>} graphs
 *
 * @typedef {object} Stream one value a step
 * @property {number[]} truth the mean from which the samples are drawn
 * @property {number[]} means of the batches
 * @property {number[]} variances of the batches, as they are stored
 * @property {number[]} mean the running one
 * @property {number[]} var
 * @property {number[]} off how far the two modes disagree
 *
 * @typedef {{stream: Stream, x: number[], y_train: number[], y_eval: number[], mean: number,
 *   var: number, truth: number, own: {mean: number, var: number}, mismatch: number}} Analysis at
 *   the step that is read, and all of the stream; `own`: the batch's
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

const LARGEST = 64; // samples per batch

/** @param {string} text a graph @param {Record<string, Tensor | number>} given */
function run(text, given) {
  const { of, outputs } = runOf(parsed(text), { gamma: 1, beta: 0, ...given });
  return { of, output: outputs[0].data };
}

/** @param {Float64Array | number[]} data @returns {Tensor} */
const row = (data) => ({ shape: [data.length], data: Float64Array.from(data) });

/** All batches: sample i of step k is entry (i, k). @param {Inputs} inputs @returns {Tensor} */
function batches({ noise, batch: m, drift, steps }) {
  const drawn = new DataView(noise.buffer, noise.byteOffset, noise.byteLength);
  const data = new Float64Array(m * steps);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k < steps; k++) {
      data[i * steps + k] = drift * k + drawn.getFloat32(4 * (k * LARGEST + i), true);
    }
  }
  return { shape: [m, steps], data };
}

/**
 * A running statistic after each step, as `update_running` in reference.py makes it.
 * @param {number} start @param {number[]} taken what each batch brings @param {number} momentum
 */
function running(start, taken, momentum) {
  let now = start;
  return taken.map((v) => {
    now = (1 - momentum) * now + momentum * v;
    return now;
  });
}

/**
 * The root mean square of a − b, for each of `columns`.
 * @param {Float64Array} a @param {Float64Array} b @param {number} columns
 */
function distances(a, b, columns) {
  const sums = new Array(columns).fill(0);
  for (let k = 0; k < a.length; k++) sums[k % columns] += (a[k] - b[k]) ** 2;
  return sums.map((sum) => Math.sqrt((sum * columns) / a.length));
}

/**
 * All steps in one pass: each is a column, a feature of its own.
 * @param {Inputs} inputs @param {Tensor} x @returns {Stream}
 */
function streamOf({ batch: m, drift, momentum, steps, graphs }, x) {
  const train = run(graphs.train, { x });
  const bessel = m > 1 ? m / (m - 1) : 1;
  const means = Array.from(train.of("mu"));
  const variances = Array.from(train.of("var"), (v) => bessel * v);
  const mean = running(0, means, momentum);
  const var_ = running(1, variances, momentum);
  const evaluation = run(graphs.evaluate, { x, mean: row(mean), var: row(var_) });
  return {
    truth: means.map((_, k) => drift * k),
    means,
    variances,
    mean,
    var: var_,
    off: distances(train.output, evaluation.output, steps),
  };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { noise, graphs, batch, drift, momentum, steps, shift, step } = inputs;
  // Which step is read, and whether its batch is moved, changes nothing of the stream
  const all = memo("batches", [noise, batch, drift, steps], () => batches(inputs));
  const from = [all, momentum, graphs.train, graphs.evaluate];
  const stream = memo("stream", from, () => streamOf(inputs, all));
  const at = Math.min(step, steps - 1);
  const x = Array.from({ length: batch }, (_, i) => all.data[i * steps + at] + shift);
  const given = { shape: [batch, 1], data: Float64Array.from(x) };
  const mean = stream.mean[at];
  const var_ = stream.var[at];
  const train = run(graphs.train, { x: given });
  const evaluation = run(graphs.evaluate, { x: given, mean: row([mean]), var: row([var_]) });
  return {
    stream,
    x,
    mean,
    var: var_,
    truth: stream.truth[at],
    own: { mean: train.of("mu")[0], var: stream.variances[at] },
    y_train: Array.from(train.output),
    y_eval: Array.from(evaluation.output),
    mismatch: distances(train.output, evaluation.output, 1)[0],
  };
}

/** @param {Analysis} analysis */
export const outputs = ({ mean, var: var_, y_train, y_eval, mismatch }) => ({
  mean,
  var: var_,
  y_train,
  y_eval,
  mismatch,
});
