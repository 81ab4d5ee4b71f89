import { descend } from "../../graph/descend.js";
import { indexOf, leaving, tensor } from "../../graph/interpreter.js";
import { atStep } from "../kit/chart.js";
import { parsed } from "../kit/graphs.js";

/**
 * What DescentFigure shows, from its inputs; no DOM.
 *
 * @typedef {Record<string, number[]>} Run the watched values at every step, by name
 * @typedef {"stays" | "runs away" | "comes to rest" | ""} Course
 *
 * @typedef {{step: number, rate: number, given: Record<string, any>, train: string[],
 *   cut: string[], watch: string[], steps: number, graph: string}} Inputs
 *
 * @typedef {object} Analysis
 * @property {Run} whole under the whole gradient
 * @property {Run} part under the cut one
 * @property {Record<string, Course[]>} courses how each went so far: under the whole, under the cut
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 */

/**
 * One descent. It ends where a value is not finite.
 * @param {Inputs} inputs
 * @param {string[]} names of the nodes whose outgoing edges are cut
 * @returns {Run}
 */
function descent({ graph: text, given, train, watch, rate, steps }, names) {
  const graph = parsed(text);
  const start = Object.fromEntries(Object.entries(given).map(([name, v]) => [name, tensor(v)]));
  const [output] = graph.outputs;
  const places = watch.map((name) => (name === "loss" ? output : indexOf(graph, name)));
  const path = descend(graph, start, train, {
    rate,
    steps,
    cut: new Set(names.flatMap((name) => leaving(graph, name))),
    stops: ({ values }) => !values.every(({ data }) => data.every(Number.isFinite)),
    read: ({ values }) => places.map((i) => values[i].data[0]),
  });
  return Object.fromEntries(watch.map((name, k) => [name, path.map((read) => read[k])]));
}

const NONE = 1e-9; // of a value's size: no change at all
const SEEN = 1e-3; // of it: a change that the curve shows
const FEW = 6; // steps before which nothing is said

/**
 * How a path went up to a step: it does not change, its steps have become small beside all its way,
 * or it went one way, by as much as can be seen, and its last steps are as long as its first.
 * @param {number[]} path @param {number} step @returns {Course}
 */
export function course(path, step) {
  if (step >= path.length) return "runs away";
  const walked = path.slice(0, step + 1);
  const size = Math.max(1, Math.abs(walked[0]));
  const way = Math.max(...walked) - Math.min(...walked);
  if (step && way <= NONE * size) return "stays";
  if (step < FEW) return "";
  const third = Math.floor(walked.length / 3);
  const moved = [...walked.keys()].slice(1).map((k) => Math.abs(walked[k] - walked[k - 1]));
  const total = (/** @type {number[]} */ list) => list.reduce((a, b) => a + b, 0);
  const early = total(moved.slice(0, third));
  const late = total(moved.slice(-third));
  const straight = way > SEEN * size && total(moved) <= way * (1 + 1e-6);
  if (straight && late >= 0.9 * early) return "runs away";
  return late <= 0.01 * early ? "comes to rest" : "";
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { step, watch, graph, given, train, cut, rate, steps } = inputs;
  // The step that is read changes nothing of the descents
  const runs = memo("runs", [graph, given, train, watch, cut, rate, steps], () => ({
    whole: descent(inputs, []),
    part: descent(inputs, cut),
  }));
  const both = (/** @type {string} */ name) =>
    [runs.whole, runs.part].map((run) => course(run[name], step));
  return { ...runs, courses: Object.fromEntries(watch.map((name) => [name, both(name)])) };
}

/** @param {Inputs & Analysis} analysis */
export function outputs({ watch, step, whole, part }) {
  const pair = (/** @type {string} */ name) => [whole, part].map((run) => atStep(run[name], step));
  return { now: Object.fromEntries(watch.map((name) => [name, pair(name)])) };
}
