import { edgeKey } from "../../graph/interpreter.js";
import { before, momentsOf } from "./moments.js";

/**
 * Which paths of the gradient run over each edge of a graph, and which are still open.
 *
 * A route leads from an input that the moments are made of to an output. It belongs to the path
 * through the mean if it passes the mean's node; else to the one through the variance if it passes
 * that, or any other moment; else to the direct path. So `gradientPaths` counts them, too.
 *
 * @import { Graph } from "../../graph/interpreter.js"
 * @import { Path } from "./moments.js"
 */

/** @type {Path[]} by which of the moments a route passes: bit 0 for the mean, bit 1 for others */
const PATH_OF = ["direct", "mean", "variance", "mean"];
const KINDS = [0, 1, 2, 3];

/** Which path passes the node of a name. */
const THROUGH = /** @type {const} */ ({ mu: "mean", var: "variance" });

/** The same for any name. @param {string} [name] */
export const pathThrough = (name) => (name === "mu" || name === "var" ? THROUGH[name] : undefined);

/** @typedef {Set<number>} Kinds of routes: each a number of two bits, as in PATH_OF */

/** The kinds of routes that go on from one of `a` by one `b`. @param {Kinds} a @param {Kinds} b */
const joined = (a, b) =>
  new Set(KINDS.filter((k) => [...a].some((p) => [...b].some((q) => (p | q) === k))));

/** @param {Graph} graph @param {Set<string>} cut keys of edges that no route may take */
function linksOf(graph, cut) {
  return graph.nodes.flatMap(({ inputs = [] }, target) =>
    inputs
      .map((source, slot) => ({ source, target, key: edgeKey(target, slot) }))
      .filter(({ source, key }) => graph.nodes[source].op !== "constant" && !cut.has(key)),
  );
}

/**
 * @param {Graph} graph
 * @param {Set<string>} [cut] keys of the edges over which nothing flows
 * @returns {{edges: Map<string, Set<Path>>, open: Set<Path>}} for each edge the paths that it is
 *   part of (none for one that leads to a parameter); the paths that are there at all
 */
export function routesOf(graph, cut = new Set()) {
  const { nodes, outputs } = graph;
  const { mean, variance } = momentsOf(graph);
  const needed = before(graph, [...mean, ...variance]);
  const own = (/** @type {number} */ i) => (mean.includes(i) ? 1 : variance.includes(i) ? 2 : 0);
  const links = linksOf(graph, cut);
  /** @type {Kinds[][]} */
  const [from, to] = [0, 1].map(() => nodes.map(() => new Set()));
  const starts = nodes.flatMap(({ op }, i) => (op === "input" && needed.has(i) ? [i] : []));
  for (const i of starts) from[i] = new Set([own(i)]);
  for (const i of outputs) to[i] = new Set([own(i)]);
  for (const { source, target } of links) {
    for (const k of joined(from[source], new Set([own(target)]))) from[target].add(k);
  }
  for (const { source, target } of links.toReversed()) {
    for (const k of joined(to[target], new Set([own(source)]))) to[source].add(k);
  }
  const paths = (/** @type {Kinds} */ kinds) => new Set([...kinds].map((k) => PATH_OF[k]));
  const open = outputs.flatMap((i) => [...from[i]]);
  return {
    edges: new Map(
      links.map(({ source, target, key }) => [key, paths(joined(from[source], to[target]))]),
    ),
    open: paths(new Set(open)),
  };
}
