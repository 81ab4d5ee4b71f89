import { listed } from "./scale.js";
import { say } from "./words.js";

/**
 * The nodes by which the paths of a gradient are named: what is computed from all samples together.
 *
 * In batch normalization these are mu and var. In a function that has no node of such a name it is
 * whatever else a sum, a mean or an extreme goes into: `r` of `x / r`, with `r = sqrt(mean(x**2))`.
 *
 * @import { Graph } from "../../graph/interpreter.js"
 * @typedef {"direct" | "mean" | "variance"} Path
 * @typedef {{mean: number[], variance: number[]}} Moments nodes: that of the mean, and the others
 */

const REDUCTIONS = new Set(["sum", "mean", "max", "min"]);

/** A path, in words. @type {Record<Path, string>} */
export const PATHS = {
  get direct() {
    return say("direct path");
  },
  get mean() {
    return say("path through the mean");
  },
  get variance() {
    return say("path through the variance");
  },
};

/**
 * These nodes, and all that lead to one of them past none of `walls`.
 * @param {Graph} graph @param {number[]} ends @param {number[]} [walls]
 */
export function before(graph, ends, walls = []) {
  const found = new Set(ends.filter((i) => !walls.includes(i)));
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    if (!found.has(i)) continue;
    for (const source of graph.nodes[i].inputs ?? []) {
      if (!walls.includes(source)) found.add(source);
    }
  }
  return found;
}

/**
 * What a reduction goes into: the first node with a name that nothing else leads to, or itself.
 * @param {Graph} graph @param {number} at
 */
function nameable(graph, at) {
  const { nodes } = graph;
  const own = [...before(graph, [at])].filter((i) => nodes[i].op === "input");
  while (!nodes[at].name) {
    const users = nodes.flatMap(({ inputs = [] }, i) => (inputs.includes(at) ? [i] : []));
    if (users.length !== 1) return at;
    const others = (nodes[users[0]].inputs ?? []).filter((i) => i !== at);
    const beside = before(graph, others);
    if (own.some((i) => beside.has(i))) return at;
    [at] = users;
  }
  return at;
}

/** @param {Graph} graph @returns {Moments} */
export function momentsOf(graph) {
  const { nodes, outputs } = graph;
  const called = (/** @type {string} */ name) =>
    nodes.flatMap((node, i) => (node.name === name ? [i] : []));
  const found = { mean: called("mu"), variance: called("var") };
  if (found.mean.length && found.variance.length) return found;
  const known = [...found.mean, ...found.variance];
  const ahead = before(graph, outputs, known);
  for (const [i, { op, inputs = [] }] of nodes.entries()) {
    if (!REDUCTIONS.has(op) || !ahead.has(i)) continue;
    const at = nameable(graph, i);
    const starts = [...before(graph, [i])].filter((k) => nodes[k].op === "input");
    const around = before(graph, outputs, [at]);
    if (known.includes(at) || !starts.some((k) => around.has(k))) continue; // a sum of the outputs
    const mean = op !== "max" && op !== "min" && nodes[inputs[0]].op === "input";
    if (mean && !found.mean.length) found.mean.push(at);
    else if (!called("var").length) found.variance.push(at);
    known.push(at);
  }
  return found;
}

/** What the paths of a graph are called. @param {Graph} graph @returns {Record<Path, string>} */
export function pathNames({ nodes, ...graph }) {
  const { mean, variance } = momentsOf({ nodes, ...graph });
  const nameOf = (/** @type {number} */ i) => nodes[i].name || say("a {sum}", { sum: nodes[i].op });
  const names = (/** @type {number[]} */ at) =>
    say("path through {names}", { names: listed(at.map(nameOf)) });
  return {
    direct: PATHS.direct,
    mean: mean.every((i) => nodes[i].name === "mu") ? PATHS.mean : names(mean),
    variance: variance.every((i) => nodes[i].name === "var") ? PATHS.variance : names(variance),
  };
}
