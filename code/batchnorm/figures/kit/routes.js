import { edgeKey } from "../../graph/interpreter.js";

/**
 * Which paths of the gradient run over each edge of a graph, and which are still open.
 *
 * A route leads from an input that the moments are made of to an output. It belongs to the path
 * through the mean if it passes the node named mu; else to the one through the variance if it
 * passes var; else to the direct path. So `gradientPaths` counts them, too.
 *
 * @import { Graph } from "../../graph/interpreter.js"
 * @typedef {"direct" | "mean" | "variance"} Path
 */

/** @type {Path[]} by which of the moments a route passes: bit 0 for mu, bit 1 for var */
const PATH_OF = ["direct", "mean", "variance", "mean"];
const KINDS = [0, 1, 2, 3];

/** Which path passes the node of a name. */
export const THROUGH = /** @type {const} */ ({ mu: "mean", var: "variance" });

/** The same for any name. @param {string} [name] */
export const pathThrough = (name) => (name === "mu" || name === "var" ? THROUGH[name] : undefined);

/** A path, in words. @type {Record<string, string>} */
export const PATHS = {
  direct: "direct path",
  mean: "path through the mean",
  variance: "path through the variance",
};

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

/** These nodes, and all that lead to one of them. @param {Graph} graph @param {number[]} ends */
function before(graph, ends) {
  const found = new Set(ends);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    if (found.has(i)) for (const source of graph.nodes[i].inputs ?? []) found.add(source);
  }
  return found;
}

/**
 * @param {Graph} graph
 * @param {Set<string>} [cut] keys of the edges over which nothing flows
 * @returns {{edges: Map<string, Set<Path>>, open: Set<Path>}} for each edge the paths that it is
 *   part of (none for one that leads to a parameter); the paths that are there at all
 */
export function routesOf(graph, cut = new Set()) {
  const { nodes, outputs } = graph;
  const moments = Object.keys(THROUGH).map((name) => nodes.findIndex((node) => node.name === name));
  const there = moments.filter((i) => i >= 0);
  const needed = before(graph, there);
  const own = (/** @type {number} */ i) => [1, 2].find((_, k) => moments[k] === i) ?? 0;
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
