import { edgeKey } from "../../graph/interpreter.js";
import { givenTo, parsed, run as runOf } from "../kit/graphs.js";
import { pathNames } from "../kit/moments.js";
import { gradientPaths } from "../kit/paths.js";
import { routesOf } from "../kit/routes.js";
import { clamp, dot } from "../kit/scale.js";

/**
 * What BatchFigure shows, from its inputs; no DOM.
 *
 * @import { Graph } from "../../graph/interpreter.js"
 * @import { Path } from "../kit/moments.js"
 * @typedef {Record<string, number[]>} Paths
 * @typedef {{x: number[], y: number[]}} State the samples and their outputs
 *
 * @typedef {{x: number[], dy: number[], gamma: number, beta: number, eps: number,
 *   flow_through_mean: boolean, flow_through_variance: boolean, cut: [number, number][],
 *   rate: number, start: [number[], number[]], trail: number[][], steps: number, graph: string,
 *   tour: import("./tour.js").Stop[]}}
 *   Inputs `start`: x and dy as "Reset" brings them back; `trail`: the samples before each step
 *   taken, first to last; `steps`: how many were taken
 *
 * @typedef {object} Analysis
 * @property {boolean} defined
 * @property {number[]} y
 * @property {number[]} dx
 * @property {Paths} parts of dx, one for each path that the graph has
 * @property {Record<string, string>} called what the paths are called
 * @property {Record<string, boolean>} flows which of them are not cut
 * @property {State[]} past the states before each step
 * @property {State} next the state after one more step
 * @property {{inputs: number, outputs: number}} travelled how far the farthest came in all steps
 * @property {{dx: number, along?: number}} sums of dx, and of dx·x_hat
 * @property {number[]} ahead the samples after some steps along dx: room to keep
 * @property {number} [mu]
 * @property {number} [s]
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

const FAR = 1e9; // no step leads beyond
const AHEAD = 8; // steps for which the axis of the inputs keeps room

/** @param {Inputs} inputs @param {Graph} graph @param {number[]} x @returns {number[]} */
const outputsAt = (inputs, graph, x) =>
  Array.from(runOf(graph, givenTo(graph, { ...inputs, x })).outputs[0].data);

/** How far the one that went farthest came, over all these places. @param {number[][]} places */
function farthest(places) {
  const ways = places[0].map((_, i) =>
    places.slice(1).reduce((far, at, k) => far + Math.abs(at[i] - places[k][i]), 0),
  );
  return Math.max(...ways);
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { x, dy, trail, rate, cut } = inputs;
  const graph = parsed(inputs.graph);
  const has = (/** @type {string} */ name) => graph.nodes.some((node) => node.name === name);
  const always = new Set(cut.map(([target, slot]) => edgeKey(target, slot)));
  const given = givenTo(graph, inputs);
  const run = gradientPaths(graph, given, dy, always);
  const { open } = memo("open", [inputs.graph, cut], () => routesOf(graph, always));
  const isOpen = (/** @type {Path} */ path) => !cut.length || open.has(path);
  const flows = {
    direct: isOpen("direct"),
    mean: inputs.flow_through_mean && isOpen("mean"),
    variance: inputs.flow_through_variance && isOpen("variance"),
  };
  const { moments } = run;
  const through = /** @type {const} */ (["mean", "variance"]).filter((p) => moments[p].length);
  /** @type {Path[]} */
  const here = ["direct", ...through];
  // A path that is closed is shown with what it would bring
  const whole = cut.length ? gradientPaths(graph, given, dy) : run;
  const partOf = (/** @type {Path} */ path) => (flows[path] ? run : whole).paths[path];
  const parts = Object.fromEntries(here.map((path) => [path, Array.from(partOf(path))]));
  const on = { mean: inputs.flow_through_mean, variance: inputs.flow_through_variance };
  const own = (/** @type {number} */ i) => ["mu", "var"].includes(graph.nodes[i].name ?? "");
  const closed = through.flatMap((path) => (on[path] ? [] : moments[path].filter(own)));
  const dx = closed.length ? Array.from(run.without(...closed)) : Array.from(run.dx);
  const y = Array.from(run.output);
  const [mu, s, xHat] = ["mu", "s", "x_hat"].map((name) => (has(name) ? run.of(name) : undefined));
  const { gamma, beta, eps } = inputs;
  const past = memo("past", [trail, inputs.graph, gamma, beta, eps], () =>
    trail
      .map((at) => ({ x: at, y: outputsAt(inputs, graph, at) }))
      .filter((state) => state.y.every(Number.isFinite)),
  );
  const step = (/** @type {number} */ steps) =>
    x.map((v, i) => clamp(v - steps * rate * dx[i], -FAR, FAR));
  const places = [...past, { x, y }];
  const next = { x: step(1), y: outputsAt(inputs, graph, step(1)) };
  return {
    y,
    dx,
    parts,
    flows,
    called: memo("called", [inputs.graph], () => pathNames(graph)),
    past,
    next,
    mu: mu?.[0],
    s: s?.[0],
    defined: [y, dx, ...Object.values(parts)].flat().every(Number.isFinite),
    travelled: {
      inputs: farthest(places.map((p) => p.x)),
      outputs: farthest(places.map((p) => p.y)),
    },
    sums: { dx: dx.reduce((a, b) => a + b), ...(xHat && { along: dot(dx, xHat) }) },
    ahead: step(AHEAD),
  };
}

/** @param {Inputs & Analysis} analysis */
export const outputs = ({ defined, y, dx }) => (defined ? { y, dx } : { y: [], dx: [] });
