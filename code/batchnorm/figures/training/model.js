import { tensor } from "../../graph/interpreter.js";
import { batches, descent } from "../../training/descent.js";
import { parsed } from "../kit/graphs.js";
import { bytesOf, clamp } from "../kit/scale.js";

/**
 * What TrainingFigure shows, from its inputs and from how far its descents have come; no DOM.
 *
 * @import { Tensor } from "../../graph/tensor.js"
 * @import { How } from "../../training/descent.js"
 * @typedef {ReturnType<typeof descent>} Descent
 * @typedef {{name: string, net: number, cut: string[], look: string, own: Partial<How>}} Variant
 * @typedef {{loss: string, evaluation: string, normalization: string[], sizes: number[],
 *   starts: import("../../training/descent.js").Start[]}} Net
 * @typedef {{nets: Net[], variants: Variant[], shapes: [number, number][], classes: number,
 *   labels: number[]}} Problem
 * @typedef {"loss" | "boundary" | "drift" | "length" | "angle"} Plot
 * @typedef {How & {steps: number, chosen: number, most: number, plots: Plot[], problem: Problem,
 *   samples: DataView}} Inputs
 *
 * @typedef {{drift: number, length: number, angle: number | null}} Gauges
 * @typedef {Gauges & {loss: number | null, accuracy: number | null}} Now `loss` is the mean of the
 *   last `LAST` batches; `accuracy` that on the test part, in evaluation mode
 * @typedef {{name: string, look: string, losses: number[], diverged: number | null,
 *   gauges: Gauges[], now: Now}} Run `gauges` are read every `EVERY` steps
 *
 * @typedef {{trainer: Trainer, taken: number, done: boolean, runs: Run[],
 *   boundaries: Boundary[]}} Analysis `done`: whether nothing is left to be trained
 *
 * @typedef {{n: number, extent: [number, number, number, number], leads: Float64Array[]}} Boundary
 *   on n × n points from the lowest left, row by row: by how much each class leads the others
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

export const EVERY = 10; // steps between two readings of drift, length and angle
const GRID = 31; // points along each side of the plane
const LOOK = 20; // steps between two looks at the boundary and the numbers while it is trained
const LARGEST = 3.4028234663852886e38; // of float32
const LAST = 20; // batches whose mean loss is shown

/** The samples to train on and to test on. @param {Problem} problem @param {DataView} bytes */
function dataOf({ shapes, labels, classes }, bytes) {
  const all = new Float64Array(bytesOf(bytes));
  const [[m, n], [test]] = shapes;
  const part = (/** @type {number} */ from, /** @type {number} */ count) => ({
    x: { shape: [count, n], data: all.subarray(from * n, (from + count) * n) },
    labels: labels.slice(from, from + count),
    classes,
  });
  return { train: part(0, m), test: part(m, test) };
}

/**
 * What a net answers before its first step follows from these: not from the rate.
 * @param {{normalization: string[]}} net @param {How} how
 */
function startOf({ normalization }, { seed, eps, batch_size, noise }) {
  const noisy = normalization.includes("noisy");
  const seen = noisy || normalization.includes("batch"); // the first batch's moments
  return [seed, eps, seen && batch_size, noisy && noise];
}

/** @typedef {ReturnType<typeof trainerOf>} Trainer */

/**
 * Several descents in step. It is moved on by `run`, never more than asked for.
 * @param {Problem} problem @param {ReturnType<typeof dataOf>} data @param {How} how
 */
function trainerOf({ nets, variants }, data, how) {
  const batchAt = batches(data.train);
  const size = clamp(Math.round(how.batch_size), 1, data.train.labels.length);
  const begin = () =>
    variants.map(({ name, net, cut, look, own }) => {
      const { loss, evaluation, ...more } = nets[net];
      const traced = { loss: parsed(loss), evaluation: parsed(evaluation), ...more };
      const set = { ...how, ...own, batch_size: size };
      /** @type {Gauges[]} */
      const gauges = [];
      const one = descent(traced, batchAt, set, new Set(cut));
      const start = { key: `start ${net} ${own.eps} ${own.noise}`, from: startOf(traced, set) };
      return { name, look, gauges, start, descent: one };
    });
  let runs = begin();
  let turn = 0; // whose is next
  let age = 0; // how often it was started again
  const going = () => runs.filter(({ descent: { state } }) => state.diverged === null);
  const steps = (/** @type {typeof runs} */ some) =>
    some.map(({ descent: { state } }) => state.steps);
  /** A step of the one whose turn it is; false if it takes none. @param {number} until */
  const next = (until) => {
    const { descent: one, gauges } = runs[turn];
    turn = (turn + 1) % runs.length;
    if (one.state.steps >= until || one.state.diverged !== null) return false;
    if (one.state.steps === gauges.length * EVERY) gauges.push(gaugesOf(one));
    one.step();
    return true;
  };
  return {
    data,
    runs: () => runs,
    age: () => age,
    /** Back to the start. */
    restart() {
      [runs, turn, age] = [begin(), 0, age + 1];
    },
    /** How many steps all have taken that have not diverged. */
    taken: () => (going().length ? Math.min(...steps(going())) : Math.max(...steps(runs))),
    /** The step that some of them may be at already. */
    reached: () => Math.max(...steps(runs)),
    ended: () => !going().length,
    /**
     * Takes steps in turn until all have taken `until`, or so many milliseconds have passed.
     * @param {number} until @param {number} [milliseconds]
     */
    run(until, milliseconds = Infinity) {
      const end = performance.now() + milliseconds;
      for (let idle = 0; idle < runs.length; idle++) {
        if (!next(until)) continue;
        if (performance.now() >= end) return;
        idle = -1;
      }
    },
  };
}

/** @param {Descent} one @returns {Gauges} */
const gaugesOf = (one) => ({ drift: one.drift(), length: one.length(), angle: one.angle() });

/** The mean loss of the last batches; null if there are none. @param {number[]} path */
function recent(path) {
  const last = path.slice(-LAST);
  return last.length ? last.reduce((a, b) => a + b, 0) / last.length : null;
}

/** Of each row, the column that holds most. @param {Tensor} z */
function winners({ shape: [m, c], data }) {
  return Array.from({ length: m }, (_, i) => {
    const row = data.subarray(i * c, (i + 1) * c);
    return row.indexOf(Math.max(...row));
  });
}

/** The share of right answers on the test part, in evaluation mode. */
function accuracy(/** @type {Descent} */ one, /** @type {{x: Tensor, labels: number[]}} */ test) {
  if (!one.state.steps) return null;
  const right = winners(one.evaluate(test.x)).filter((c, i) => c === test.labels[i]);
  return right.length / test.labels.length;
}

/** The plane that the samples lie in, with a margin: a square. @param {Float64Array} data */
function squareAround(data) {
  const [us, vs] = [0, 1].map((k) => data.filter((_, i) => i % 2 === k));
  const ends = [us, vs].map((list) => [Math.min(...list), Math.max(...list)]);
  const half = 0.54 * Math.max(...ends.map(([a, b]) => b - a), 1e-3);
  const [u, v] = ends.map(([a, b]) => (a + b) / 2);
  return /** @type {Boundary["extent"]} */ ([u - half, u + half, v - half, v + half]);
}

/** The places in the plane that are looked at, and its ends. @param {Float64Array} data */
function planeOf(data) {
  const extent = squareAround(data);
  const [left, right, low, high] = extent;
  const at = (/** @type {number} */ k, /** @type {number} */ a, /** @type {number} */ b) =>
    a + (k * (b - a)) / (GRID - 1);
  const places = Array.from({ length: GRID * GRID }, (_, i) => [
    at(i % GRID, left, right),
    at(Math.floor(i / GRID), low, high),
  ]);
  return { extent, places: tensor(places) };
}

/**
 * Where in the plane a net answers what.
 * @param {Descent} one @param {ReturnType<typeof planeOf>} plane @returns {Boundary}
 */
function boundaryOf(one, { extent, places }) {
  const { shape, data: z } = one.evaluate(places);
  const classes = shape[1];
  const leads = Array.from({ length: classes }, () => new Float64Array(GRID * GRID));
  for (let i = 0; i < GRID * GRID; i++) {
    const from = i * classes;
    for (let c = 0; c < classes; c++) {
      let best = -Infinity;
      for (let k = 0; k < classes; k++) if (k !== c) best = Math.max(best, z[from + k]);
      const lead = z[from + c] - best;
      leads[c][i] = Number.isFinite(lead) ? lead : 0;
    }
  }
  return { n: GRID, extent, leads };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { steps, plots, problem, samples } = inputs;
  const { seed, rate, batch_size, momentum, weight_decay, eps, noise, running } = inputs;
  const how = { seed, rate, batch_size, momentum, weight_decay, eps, noise, running };
  const data = memo("data", [problem, samples], () => dataOf(problem, samples));
  const all = memo("trainer", [problem, data, ...Object.values(how)], () =>
    trainerOf(problem, data, how),
  );
  if (all.taken() > steps) all.restart();
  const taken = all.taken();
  const done = taken >= steps || all.ended();
  // While it is trained, what is costly is looked at now and then; at rest, as it is. A net that has
  // not moved need not be looked at again; before its first step, no rate has moved it
  const begun = [data, seed, batch_size, eps, noise];
  const when = [all, all.age(), done, done ? taken : Math.floor(taken / LOOK)];
  const readings = memo("readings", when, () =>
    all.runs().map(({ descent: one, gauges }, k) => {
      const { steps: at, losses, diverged } = one.state;
      const from = [...(at ? [one, at] : begun), diverged];
      return {
        loss: recent(losses),
        accuracy: memo(`accuracy ${k}`, from, () => accuracy(one, all.data.test)),
        ...((!done && gauges.at(-1)) || memo(`gauges ${k}`, from, () => gaugesOf(one))),
      };
    }),
  );
  const runs = all.runs().map(({ name, look, gauges, descent: { state } }, i) => {
    const { losses, diverged } = state;
    return { name, look, losses, gauges, now: readings[i], diverged };
  });
  // Each is looked at in its turn, so that no frame has to look at all of them
  const count = runs.length;
  const turn = (/** @type {number} */ k) =>
    done ? taken : Math.floor((taken + (LOOK * k) / count) / LOOK);
  const looked = plots.includes("boundary") ? all.runs() : [];
  const plane = () => memo("plane", [data], () => planeOf(data.train.x.data));
  const boundaries = looked.map(({ descent: one, start }, k) =>
    memo(`look ${k}`, [one, done, turn(k)], () => {
      // A net that has not moved answers what it did, and so do all that begin alike
      const { key, from } = one.state.steps
        ? { key: `boundary ${k}`, from: [one, one.state.steps] }
        : start;
      return memo(key, [data, ...from], () => boundaryOf(one, plane()));
    }),
  );
  return { trainer: all, taken, done, runs, boundaries };
}

/** What is handed back: nothing while it is trained. @param {Inputs & Analysis} analysis */
export function outputs({ taken, done, runs }) {
  if (!done) return {};
  const by = (/** @type {(run: Run) => any} */ f) =>
    Object.fromEntries(runs.map((run) => [run.name, f(run)]));
  const losses = Float32Array.from(
    runs.flatMap((run) => run.losses),
    (loss) => Math.min(loss, LARGEST),
  );
  return {
    taken,
    diverged: by((run) => run.diverged),
    now: by((run) => run.now),
    _losses: new DataView(losses.buffer),
  };
}
