/**
 * Runs the graphs that were traced in Python: forward, backward, edges cut. Knows no DOM.
 *
 * @import { Tensor } from "./tensor.js"
 * @typedef {{op: string, symbol: string, shape: number[], name?: string, inputs?: number[],
 *   value?: any} & import("./ops/index.js").Params} GraphNode
 * @typedef {{nodes: GraphNode[], outputs: number[]}} Graph
 */
import { OPS, ruleOf } from "./ops/index.js";
import { plus, sameShape, sumTo, tensor, zeros } from "./tensor.js";

export { OPS, ruleOf } from "./ops/index.js";
export { nested, tensor } from "./tensor.js";

/**
 * What running a graph asks of each node, found once: its operation, where its inputs are, what a
 * constant holds, and over which edges it sends a gradient back, by which rule.
 * @param {Graph} graph
 */
const planOf = ({ nodes }) =>
  nodes.map((node, target) => {
    const { op, shape, inputs = [] } = node;
    const compute = OPS[op]?.[0];
    const edges = inputs.flatMap((source, slot) => {
      const rule = nodes[source].op === "constant" ? null : ruleOf(op, slot);
      return rule ? [{ source, slot, rule, key: edgeKey(target, slot) }] : [];
    });
    const value = op === "constant" ? { shape, data: tensor(node.value).data } : null;
    const more = inputs.length > 2 ? inputs : null;
    return { node, compute, value, edges, first: inputs[0], second: inputs[1], more };
  });

/** @type {WeakMap<Graph, ReturnType<typeof planOf>>} */
const plans = new WeakMap();

/** @param {Graph} graph */
function planned(graph) {
  const known = plans.get(graph);
  if (known) return known;
  const plan = planOf(graph);
  plans.set(graph, plan);
  return plan;
}

/** All tensors of a node of more than two. @param {Tensor[]} values @param {number[]?} more */
const allOf = (values, more) => more?.map((i) => values[i]);

/**
 * Computes every node. Throws for a missing input, an unknown operation, shapes that do not fit.
 * @param {Graph} graph @param {Record<string, Tensor>} inputs @returns {Tensor[]} one value a node
 */
export function forward(graph, inputs) {
  /** @type {Tensor[]} */
  const values = [];
  for (const { node, compute, value, first, second, more } of planned(graph)) {
    if (node.op === "input") {
      const given = inputs[node.name ?? ""];
      if (!given) throw new Error(`forward: no input ${node.name}`);
      values.push(given);
    } else if (value) {
      values.push(value);
    } else {
      if (!compute) throw new Error(`forward: unknown operation ${node.op}`);
      values.push(compute(values[first], values[second], node, allOf(values, more)));
    }
  }
  return values;
}

/** The key of an edge into input `slot` of a node. @param {number} target @param {number} slot */
export const edgeKey = (target, slot) => `${target}:${slot}`;

/** The edges that leave the node of that name, if any. @param {Graph} graph @param {string} name */
export function leaving({ nodes }, name) {
  /** @type {string[]} */
  const keys = [];
  nodes.forEach(({ inputs }, target) => {
    inputs?.forEach((i, slot) => {
      if (nodes[i].name === name) keys.push(edgeKey(target, slot));
    });
  });
  return keys;
}

/**
 * Sends `dys`, one gradient an output, back to every node. Throws if a shape is not its output's.
 * @param {Graph} graph @param {Tensor[]} values
 * @param {(Tensor | null)[]} dys null where nothing arrives
 * @param {Set<string>} cut keys of the edges over which nothing flows
 * @returns {{grads: Tensor[], flow: Map<string, Tensor>}} one gradient a node (zeros where nothing
 *   arrived, and at constants); what each edge carried
 */
export function backward(graph, values, dys, cut = new Set()) {
  /** @type {Map<string, Tensor>} */
  const flow = new Map();
  const grads = arriving(graph, values, dys, cut, flow);
  return { grads: grads.map((d, i) => d ?? zeros(values[i].shape)), flow };
}

/**
 * As `backward`: null where nothing arrives; what edges carry goes into `flow`, if it is given.
 * @param {Graph} graph @param {Tensor[]} values @param {(Tensor | null)[]} dys
 * @param {Set<string>} cut @param {Map<string, Tensor>} [flow]
 */
export function arriving(graph, values, dys, cut, flow) {
  /** @type {(Tensor | null)[]} */
  const grads = values.map(() => null);
  /** @param {number} i @param {Tensor} d */
  const add = (i, d) => {
    const before = grads[i];
    grads[i] = before ? plus(before, d) : d;
  };
  graph.outputs.forEach((i, k) => {
    const d = dys[k];
    if (!d) return;
    if (!sameShape(d.shape, values[i].shape)) {
      throw new Error(`backward: dy has shape ${d.shape}, the output ${values[i].shape}`);
    }
    add(i, d);
  });
  const plan = planned(graph);
  for (let target = plan.length - 1; target >= 0; target--) {
    const d = grads[target];
    if (!d) continue;
    const { node, edges, first, second, more } = plan[target];
    const all = allOf(values, more);
    for (const { source, slot, rule, key } of edges) {
      if (cut.has(key)) continue;
      const made = rule(d, values[target], values[first], values[second], node, all, slot);
      const sent = sumTo(made, values[source].shape);
      flow?.set(key, sent);
      add(source, sent);
    }
  }
  return grads;
}

/** Where the node of that name is. Throws if nowhere. @param {Graph} graph @param {string} name */
export function indexOf(graph, name) {
  const i = graph.nodes.findIndex((node) => node.name === name);
  if (i < 0) throw new Error(`no node ${name} in the graph`);
  return i;
}
