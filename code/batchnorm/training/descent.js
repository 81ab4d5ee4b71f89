/**
 * Trains a traced net by stochastic gradient descent: descent.py in the page. Knows no DOM.
 *
 * @import { Tensor } from "../graph/tensor.js"
 * @import { Graph } from "../graph/interpreter.js"
 * @typedef {Record<string, Tensor>} Named
 * @typedef {[string, number[], number, number, number]} Start of a parameter: its name, its shape,
 *   its value, and the deviation and the stream of the normal numbers that are added
 * @typedef {{loss: Graph, evaluation: Graph, normalization: string[], sizes: number[],
 *   starts: Start[]}} Net
 * @typedef {{x: Tensor, labels: number[], classes: number}} Data
 * @typedef {{seed: number, rate: number, batch_size: number, momentum: number,
 *   weight_decay: number, eps: number, noise: number, running: number}} How
 */
import { copyOf, descent as descentOn } from "../graph/descend.js";
import { forward } from "../graph/interpreter.js";
import { reusing, tensor, zeros } from "../graph/tensor.js";
import { below, normal } from "./draws.js";

const BATCHES = 10_000; // the first stream of batches, as in descent.py
const NOISE = 1_000_000; // and of noise

/** @param {Start[]} starts @param {number} seed @returns {Named} */
function initial(starts, seed) {
  return Object.fromEntries(
    starts.map(([name, shape, value, std, stream]) => {
      const start = zeros(shape);
      start.data.fill(value);
      if (std) {
        const drawn = normal(seed, stream, start.data.length);
        for (let i = 0; i < drawn.length; i++) start.data[i] += std * drawn[i];
      }
      return [name, start];
    }),
  );
}

/**
 * What each step sees; the batch that was asked for last is kept, since all descents of a seed see
 * the same ones.
 * @param {Data} data
 */
export function batches({ x, labels, classes }) {
  const [m, n] = x.shape;
  let last = "";
  /** @type {{x: Tensor, target: Tensor}} */
  let batch;
  /** @param {number} seed @param {number} step @param {number} size */
  return (seed, step, size) => {
    const key = `${seed} ${step} ${size}`;
    if (key === last) return batch;
    last = key;
    batch = { x: zeros([size, n]), target: zeros([size, classes]) };
    below(seed, BATCHES + step, size, m).forEach((at, i) => {
      batch.x.data.set(x.data.subarray(at * n, (at + 1) * n), i * n);
      batch.target.data[i * classes + labels[at]] = 1;
    });
    return batch;
  };
}

/** Scale and shift of every entry of noisy layer k: random features, then random entries. */
function noiseOf(/** @type {Net} */ { sizes }, /** @type {How} */ how, k = 0, step = 0) {
  const [m, d, stream] = [how.batch_size, sizes[k], NOISE + 4 * (step * sizes.length + k)];
  const features = normal(how.seed, stream, 2 * d);
  const entries = normal(how.seed, stream + 1, 2 * m * d);
  const [scale, shift] = [zeros([m, d]), zeros([m, d])];
  for (let i = 0; i < m * d; i++) {
    const j = i % d;
    scale.data[i] = Math.exp(how.noise * features[j]) * (1 + how.noise * entries[i]);
    shift.data[i] = how.noise * (features[d + j] + entries[m * d + i]);
  }
  return { [`scale${k}`]: scale, [`shift${k}`]: shift };
}

/** The norm of parameters, minus what they started from if that is given. */
function lengthOf(/** @type {Tensor[]} */ now, /** @type {Tensor[] | null} */ from = null) {
  const vectors = now.map(({ data }, k) => (from ? data.map((v, i) => v - from[k].data[i]) : data));
  let most = 0; // its square may be beyond all numbers
  for (const v of vectors) for (let i = 0; i < v.length; i++) most = Math.max(most, Math.abs(v[i]));
  let sum = 0;
  for (const v of vectors) for (let i = 0; i < v.length; i++) sum += (v[i] / most) ** 2;
  return most ? most * Math.sqrt(sum) : 0;
}

/** The angle between two gradients in degrees, null where one of them is 0. */
function angleBetween(/** @type {Tensor[]} */ a, /** @type {Tensor[]} */ b) {
  let dot = 0;
  a.forEach(({ data }, k) => {
    for (let i = 0; i < data.length; i++) dot += data[i] * b[k].data[i];
  });
  const cosine = dot / (lengthOf(a) * lengthOf(b));
  if (!Number.isFinite(cosine)) return null;
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}

/** ‖w‖ and the drift of hidden biases, in a descent with these parameters. @param {Named} parameters */
function lengths(parameters) {
  const started = (/** @type {string} */ letter) =>
    Object.keys(parameters).filter((name) => name.startsWith(letter) && !name.startsWith("beta"));
  const [weights, hidden] = [started("w"), started("b").slice(0, -1)];
  const first = hidden.map((name) => copyOf(parameters[name]));
  const now = (/** @type {string[]} */ names) => names.map((name) => parameters[name]);
  return {
    /** ‖w‖, over all weight matrices. */
    length: () => lengthOf(now(weights)),
    /** How far the hidden layers' biases have come from where they were. */
    drift: () => lengthOf(now(hidden), first),
  };
}

/**
 * The moments of each layer normalized over the batch, and their running statistics.
 * @param {Net} net @param {How} how
 */
function runningOf({ normalization, loss }, how) {
  const moments = loss.outputs.slice(1); // the loss, then mean and variance of each normalized layer
  const layers = normalization
    .flatMap((kind, i) => (kind === "none" ? [] : [{ kind, k: i + 1 }]))
    .flatMap(({ kind, k }, i) => (kind === "layer" ? [] : [{ k, at: moments.slice(2 * i) }]));
  /** @type {Named | null} */
  let statistics = null;
  const read = (/** @type {Tensor[]} */ values) =>
    Object.fromEntries(
      layers.flatMap(({ k, at: [mean, variance] }) => [
        [`mean${k}`, copyOf(values[mean])],
        [`var${k}`, copyOf(values[variance])],
      ]),
    );
  return {
    read,
    /** @param {Tensor[]} values */
    update(values) {
      const found = read(values);
      statistics ??= found;
      for (const [name, { data }] of Object.entries(statistics)) {
        const [fresh, weight] = [found[name].data, how.running];
        for (let i = 0; i < data.length; i++) data[i] = (1 - weight) * data[i] + weight * fresh[i];
      }
    },
    /** The statistics, or before the first step those that `first` gives. */
    now: (/** @type {() => Named} */ first) => (layers.length ? (statistics ?? first()) : {}),
  };
}

/**
 * One descent, at its start. Its parameters are changed in place, step by step.
 * @param {Net} net @param {ReturnType<typeof batches>} batchAt @param {How} how
 * @param {Set<string>} [cut] edges over which no gradient flows
 */
export function descent(net, batchAt, how, cut = new Set()) {
  const parameters = initial(net.starts, how.seed);
  const { gradients, move } = descentOn(net.loss, parameters, {
    ...{ rate: how.rate, momentum: how.momentum, decay: how.weight_decay, cut },
    decays: (name) => name.startsWith("w"),
  });
  const noisy = net.normalization.flatMap((kind, i) => (kind === "noisy" ? [i + 1] : []));
  const running = runningOf(net, how);
  const eps = tensor(how.eps);
  const state = {
    ...{ steps: 0, losses: /** @type {number[]} */ ([]) },
    diverged: /** @type {number | null} */ (null),
  };

  /**
   * What is made of all values on the batch that comes next; they last no longer than that.
   * @template T @param {(values: Tensor[]) => T} f @returns {T}
   */
  const ahead = (f) => {
    const batch = batchAt(how.seed, state.steps, how.batch_size);
    return reusing(() => {
      const noise = noisy.map((k) => noiseOf(net, how, k, state.steps));
      return f(forward(net.loss, Object.assign({ ...batch, eps }, parameters, ...noise)));
    });
  };

  /** One step, unless it has diverged. */
  function step() {
    if (state.diverged !== null) return;
    ahead((values) => {
      const loss = values[net.loss.outputs[0]].data[0];
      if (!Number.isFinite(loss) || !move(gradients(values))) {
        state.diverged = state.steps;
        return;
      }
      running.update(values);
      state.losses.push(loss);
      state.steps += 1;
    });
  }
  return {
    ...{ state, step, parameters, ...lengths(parameters) },
    /** What x gives in evaluation mode; before the first step by the first batch's moments. */
    evaluate(/** @type {Tensor} */ x) {
      const found = running.now(() => ahead(running.read));
      const [output] = net.evaluation.outputs;
      const given = { x, eps, ...parameters, ...found };
      return reusing(() => copyOf(forward(net.evaluation, given)[output]));
    },
    /** Between the whole gradient and the cut one, on the batch that comes next; null if none. */
    angle() {
      if (!cut.size || state.diverged !== null) return null;
      return ahead((values) => angleBetween(gradients(values, "whole"), gradients(values)));
    },
  };
}
