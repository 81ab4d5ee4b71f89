import { backward, edgeKey, indexOf, nested, ruleOf, tensor } from "../../graph/interpreter.js";
import { givenTo, parsed, run } from "../kit/graphs.js";
import { momentsOf, pathNames } from "../kit/moments.js";
import { routesOf } from "../kit/routes.js";

/**
 * What GraphFigure shows, from its inputs; no DOM.
 *
 * @import { Graph } from "../../graph/interpreter.js"
 * @import { Tensor } from "../../graph/tensor.js"
 * @import { Moments, Path } from "../kit/moments.js"
 *
 * @typedef {object} Node what is said of a node, and how its entries are shown
 * @property {number} node its index in the graph
 * @property {string} symbol
 * @property {string} term the symbol inside a formula
 * @property {string} title the node as an equation
 * @property {string} gradient what arrives there, as a formula
 * @property {number} rows
 * @property {number} columns
 * @property {boolean} whole its entries are written out
 *
 * @typedef {{target: number, slot: number, source: number, local: string, sent: string,
 *   note: string}} Edge `local`: the derivative of its target with respect to its source
 *
 * @typedef {{boxes: Record<string, {rank: number, x: number, y: number, w: number, h: number}>,
 *   routes: [number, number, number][][], ranks: number, width: number, height: number}} Layout a
 *   point of a route is [rank, x, y]
 *
 * @typedef {{across: Layout, down: Layout}} Layouts from left to right, and from top to bottom
 * @typedef {{nodes: Node[], edges: Edge[], plain: Layouts, full: Layouts}} Drawn
 *
 * @typedef {{dy: any, cut: [number, number][], step: number, numbers: boolean, graph: string,
 *   picture: string, start: Record<string, any>}} Inputs and the graph's own inputs, by their
 *   names; `step`: nodes passed on the way back; 0: all of it is shown
 *
 * @typedef {object} Analysis
 * @property {Graph} traced
 * @property {Drawn} drawn
 * @property {string[]} names of the graph's inputs
 * @property {Tensor[]} values
 * @property {Tensor[]} grads with the cuts
 * @property {Tensor[]} trueGrads without
 * @property {Map<string, Tensor>} flow over each edge, with the cuts
 * @property {Map<string, Tensor>} trueFlow
 * @property {Map<string, Tensor>} held what each cut edge would carry
 * @property {Set<string>} severed keys of the cut edges
 * @property {boolean} defined
 * @property {number[]} order the drawn nodes as the backward pass completes them: the output first
 * @property {Map<string, Path | null>} paths of each edge; null where it is part of all, or of none
 * @property {Moments} moments the nodes by which paths are named
 * @property {Record<Path, string>} called what the paths are called
 * @property {Path[]} all the paths of the graph
 * @property {Path[]} open those that no cut closes
 * @property {Record<string, number>} errors of the gradient at each input
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

const finite = (/** @type {Tensor} */ { data }) => data.every(Number.isFinite);

/** The largest difference between two entries. @param {Tensor} a @param {Tensor} b */
export const difference = (a, b) =>
  a.data.reduce((most, v, k) => Math.max(most, Math.abs(v - b.data[k])), 0);

/** How much an edge carries. @param {Tensor | undefined} t */
export const sizeOf = (t) => (t ? Math.hypot(...t.data) : 0);

/** The one path that gives an edge its colour. @param {Set<Path>} paths @param {Set<Path>} all */
function colourOf(paths, all) {
  if (paths.size <= 1) return [...paths][0] ?? null;
  if (paths.size === all.size) return null;
  return paths.has("direct") ? "direct" : "variance";
}

/** Nothing here depends on a number. @param {Graph} graph @param {Set<string>} severed */
function pathsIn(graph, severed) {
  const { edges, open: all } = routesOf(graph);
  return {
    moments: momentsOf(graph),
    called: pathNames(graph),
    paths: new Map([...edges].map(([key, paths]) => [key, colourOf(paths, all)])),
    all: [...all].sort(),
    open: [...routesOf(graph, severed).open].sort(),
  };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const graph = parsed(inputs.graph);
  /** @type {Drawn} */
  const drawn = memo("drawn", [inputs.picture], () => JSON.parse(inputs.picture));
  const given = givenTo(graph, inputs);
  const names = Object.keys(given);
  const { values } = run(graph, given);
  const severed = new Set(inputs.cut.map(([target, slot]) => edgeKey(target, slot)));
  const dys = graph.outputs.length > 1 ? inputs.dy.map(tensor) : [tensor(inputs.dy)];
  const full = backward(graph, values, dys);
  const now = backward(graph, values, dys, severed);
  const defined = [...values, ...full.grads, ...now.grads].every(finite);
  const at = (/** @type {string} */ name) => indexOf(graph, name);
  /** @type {[string, Tensor][]} */
  const held = [...severed].flatMap((key) => {
    const others = new Set([...severed].filter((other) => other !== key));
    const would = backward(graph, values, dys, others).flow.get(key);
    return would ? [[key, would]] : [];
  });
  return {
    traced: graph,
    drawn,
    names,
    values,
    severed,
    defined,
    held: new Map(held),
    grads: now.grads,
    trueGrads: full.grads,
    flow: now.flow,
    trueFlow: full.flow,
    ...memo("paths", [inputs.graph, inputs.cut], () => pathsIn(graph, severed)),
    order: drawn.nodes.map(({ node }) => node).reverse(),
    errors: Object.fromEntries(
      defined ? names.map((n) => [n, difference(now.grads[at(n)], full.grads[at(n)])]) : [],
    ),
  };
}

/** @param {Inputs & Analysis} analysis */
export function outputs({ traced, names, grads, defined, errors }) {
  const back = (/** @type {string} */ name) =>
    defined ? nested(grads[indexOf(traced, name)]) : [];
  return { ...Object.fromEntries(names.map((name) => [`d${name}`, back(name)])), errors };
}

/** Whether any gradient arrives at a node. @param {Analysis} analysis @param {number} node */
export function reached({ traced, drawn, flow }, node) {
  const arrives = (/** @type {Edge} */ { source, target, slot }) =>
    source === node && flow.has(edgeKey(target, slot));
  return traced.outputs.includes(node) || drawn.edges.some(arrives);
}

/**
 * Whether the walk back has come to a node; without a walk it has come to all.
 * @param {Inputs & Analysis} analysis @param {number} node
 */
export const passed = ({ step, order }, node) => !step || order.indexOf(node) < step;

/** Operations whose derivative is no factor of an entry at the same place. */
const ELSEWHERE = ["matmul", "transpose", "reshape", "getitem", "setitem", "concatenate"];

/**
 * The derivative of an edge's target by its source, entry by entry, all else held fixed: what the
 * operation's rule makes of ones, before a broadcast is summed. null where it is no such factor.
 * @param {Analysis} analysis @param {Edge} edge
 */
export function localDerivative({ traced, values }, { target, slot }) {
  const node = traced.nodes[target];
  const rule = ruleOf(node.op, slot);
  if (!rule || ELSEWHERE.includes(node.op)) return null;
  const { shape, data } = values[target];
  const all = (node.inputs ?? []).map((i) => values[i]);
  return rule({ shape, data: data.map(() => 1) }, values[target], all[0], all[1], node, all, slot);
}
