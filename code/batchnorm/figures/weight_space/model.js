import { descend } from "../../graph/descend.js";
import { reusing } from "../../graph/tensor.js";
import { parsed, run, tensors } from "../kit/graphs.js";
import { clamp, dot, grown } from "../kit/scale.js";
import { contoursOf, ringsOf } from "./contours.js";

/**
 * What WeightSpaceFigure shows, from its inputs; no DOM.
 *
 * @typedef {[number, number]} Pair
 * @typedef {"normal" | "plain"} Kind with batch norm, or without
 * @import { Tensor } from "../../graph/tensor.js"
 * @typedef {Record<string, any>} Given
 * @typedef {[number, number, number]} Form a, b, c of the quadratic form a u² + 2 b u v + c v²
 *
 * @typedef {{w: Pair, rate: number, decay: number, correlation: number, eps: number, step: number,
 *   steps: number, optimum: Pair, samples: number[][], graphs: Record<string, string>}} Inputs
 *
 * @typedef {{w: Pair, loss: number, gradient: Pair}} Point of a descent
 *
 * @typedef {{from: number, gradient: number, along: number, decay: number, to: number}} Change of
 *   ‖w‖² by the next step, and what it is made of; `along`: the gradient's part along w
 *
 * @typedef {{w: Pair, loss: number, gradient: Pair, defined: boolean, ended: boolean, norm: number,
 *   angle: number, turn: number, change: Change}} Here where a descent is at the step shown;
 *   `ended`: its next step would leave the range of numbers; `angle`: between w and the optimum, in
 *   degrees; NaN for no direction; `turn`: between w and the gradient
 *
 * @typedef {object} Analysis
 * @property {Record<Kind, Point[]>} paths of all steps
 * @property {Record<Kind, Here>} now
 * @property {number} variance wᵀSw, of the outputs at w
 * @property {{variance: Form, loss: Form}} forms wᵀSw, and the plain loss around its optimum
 * @property {number} reach half the width of what is to be seen
 * @property {import("./contours.js").Contour[]} contours of the loss with batch norm: in reaches; at
 *   eps = 0 they are rays of length 1
 * @property {import("./contours.js").Shade[]} shades of it
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

/** @type {Kind[]} */
export const KINDS = ["normal", "plain"];
const NAMES = { normal: "batch norm", plain: "plain" };
const LARGEST = 1e150; // beyond it squares overflow, and numbers come out that are not true
const ROOM = 8; // a descent that stays within is seen whole: the scale stands still

/** The angle between two directions in degrees, NaN if one is 0. @param {Pair} a @param {Pair} b */
export function angleTo(a, b) {
  if (!Math.hypot(...a) || !Math.hypot(...b)) return NaN;
  return (Math.atan2(Math.abs(a[0] * b[1] - a[1] * b[0]), dot(a, b)) * 180) / Math.PI;
}

/** Inputs and targets, of the covariance that is asked for. @param {Inputs} inputs */
function dataOf({ graphs, samples, correlation, optimum }) {
  const given = { samples, correlation, optimum: optimum.map((v) => [v]) };
  const [x, t, gamma, beta] = run(parsed(graphs.data), given).outputs;
  return { x, t, gamma, beta };
}

/**
 * What a graph gives for many weights in one run: one number each.
 * @param {string} text @param {Given} given @param {Pair[]} points
 */
function atEach(text, given, points) {
  const data = Float64Array.from([0, 1].flatMap((k) => points.map((p) => p[k])));
  const all = { ...given, w: { shape: [2, points.length], data } };
  return reusing(() => run(parsed(text), all).outputs[0].data.slice());
}

/**
 * Every step of a descent; it ends where the next would leave the range.
 * @param {string} text @param {Given} given @param {Inputs} inputs @returns {Point[]}
 */
function descent(text, given, { w, rate, decay, steps }) {
  const graph = parsed(text);
  const [output] = graph.outputs;
  const pair = (/** @type {Tensor} */ { data }) => /** @type {Pair} */ ([data[0], data[1]]);
  return descend(graph, tensors({ ...given, w: w.map((v) => [v]) }), ["w"], {
    rate,
    decay,
    steps,
    stops: ({ inputs }) => !inputs.w.data.every((v) => Math.abs(v) <= LARGEST),
    read: ({ inputs, values, gradient }) => ({
      w: pair(inputs.w),
      loss: values[output].data[0],
      gradient: pair(gradient.w),
    }),
  });
}

/** @param {Point[]} path @param {Inputs} inputs @returns {Here} */
function hereOf(path, { step, rate, decay, optimum }) {
  const point = path[clamp(step, 0, path.length - 1)];
  const { w, loss, gradient } = point;
  const from = dot(w, w);
  const along = dot(w, gradient);
  const square = dot(gradient, gradient);
  const tilted = Math.abs(along) > 1e-9 * Math.sqrt(from * square); // not rounding alone
  const parts = {
    gradient: rate ** 2 * square,
    along: tilted ? -2 * rate * (1 - rate * decay) * along : 0,
    decay: ((1 - rate * decay) ** 2 - 1) * from,
  };
  const to = from + parts.gradient + parts.along + parts.decay;
  return {
    ...point,
    norm: Math.hypot(...w),
    change: { from, ...parts, to },
    defined: [loss, ...gradient].every(Number.isFinite),
    ended: path.length <= step,
    angle: angleTo(w, optimum),
    turn: angleTo(w, gradient),
  };
}

/**
 * A quadratic form, from what a graph gives around its middle.
 * @param {string} text @param {Given} given @param {Pair} middle @returns {Form}
 */
function formOf(text, given, [p, q]) {
  const [u, v, both, least] = atEach(text, given, [
    [p + 1, q],
    [p, q + 1],
    [p + 1, q + 1],
    [p, q],
  ]);
  return [u - least, (both - u - v + least) / 2, v - least];
}

/**
 * The contours of the loss with batch norm. At eps = 0 it knows no length: two rings tell all.
 * @param {string} text @param {Given} given @param {number} reach
 */
function groundOf(text, given, reach) {
  const radii = given.eps
    ? Array.from({ length: 14 }, (_, i) => 2 * ((i + 0.2) / 13) ** 2)
    : [1e-6, 1];
  const count = given.eps ? 72 : 240;
  const points = ringsOf(radii, count);
  const size = given.eps ? reach : 1;
  const values = atEach(
    text,
    given,
    points.map(([a, b]) => [size * a, size * b]),
  );
  return contoursOf(points, values, count);
}

/**
 * Half the width of what is to be seen: the whole descent if it has room, else its steps so far.
 * @param {Record<Kind, Point[]>} paths @param {Inputs} inputs
 */
function reachOf({ normal }, { w, step, optimum }) {
  const most = (/** @type {Pair} */ v) => Math.max(Math.abs(v[0]), Math.abs(v[1]));
  const far = (/** @type {Point[]} */ path) =>
    grown(1.15 * Math.max(most(w), most(optimum), ...path.map((point) => most(point.w))), 2, 1.25);
  const whole = far(normal);
  return whole <= ROOM ? whole : far(normal.slice(0, step + 1));
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { graphs, samples, correlation, optimum, eps, w, rate, decay, steps } = inputs;
  const ground = [graphs, samples, correlation, optimum];
  const data = memo("data", ground, () => dataOf(inputs));
  const { x, t } = data;
  const given = { normal: { ...data, eps }, plain: { x, t } };
  const walk = (/** @type {Kind} */ kind) => descent(graphs[NAMES[kind]], given[kind], inputs);
  const how = [data, w, rate, decay, steps];
  const paths = {
    normal: memo("path", [...how, eps], () => walk("normal")),
    plain: memo("plain path", how, () => walk("plain")),
  };
  const reach = reachOf(paths, inputs);
  const { contours, shades } = memo("contours", [data, eps, eps ? reach : 0], () =>
    groundOf(graphs[NAMES.normal], given.normal, reach),
  );
  const forms = memo("forms", [data], () => ({
    variance: formOf(graphs.variance, { x }, [0, 0]),
    loss: formOf(graphs.plain, given.plain, optimum),
  }));
  const now = { normal: hereOf(paths.normal, inputs), plain: hereOf(paths.plain, inputs) };
  const variance = atEach(graphs.variance, { x }, [now.normal.w])[0];
  return { paths, now, variance, forms, reach, contours, shades };
}

/** @param {Inputs & Analysis} analysis */
export function outputs({ paths, now, step }) {
  const of = (/** @type {Kind} */ kind, prefix = "") => ({
    [`${prefix}path`]: paths[kind].slice(0, step + 1).map(({ w }) => w),
    [`${prefix}loss`]: now[kind].defined ? now[kind].loss : null,
    [`${prefix}gradient`]: now[kind].defined ? now[kind].gradient : [],
  });
  return { ...of("normal"), ...of("plain", "plain_") };
}
