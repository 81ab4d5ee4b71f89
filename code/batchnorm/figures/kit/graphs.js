import { forward, indexOf, tensor } from "../../graph/interpreter.js";
import { readGraph } from "../../graph/wire.js";

/**
 * @import { Graph } from "../../graph/interpreter.js"
 * @import { Tensor } from "../../graph/tensor.js"
 */

/** @type {Map<string, Graph>} */
const graphs = new Map();

/** The graph of a JSON text; a text is parsed once. @param {string} text @returns {Graph} */
export function parsed(text) {
  if (graphs.size > 30) graphs.clear(); // while a function is typed, each is new
  const known = graphs.get(text) ?? readGraph(text);
  graphs.set(text, known);
  return known;
}

/**
 * What is given to a graph, as tensors.
 * @param {Record<string, any>} given a number, nested lists or a tensor for each input
 * @returns {Record<string, Tensor>}
 */
export const tensors = (given) =>
  Object.fromEntries(Object.entries(given).map(([name, v]) => [name, v?.shape ? v : tensor(v)]));

/**
 * Of what a figure reads, that which its graph takes: by the names of the graph's inputs.
 * @param {Graph} graph @param {Record<string, any>} inputs @returns {Record<string, any>}
 */
export const givenTo = ({ nodes }, inputs) =>
  Object.fromEntries(
    nodes.flatMap(({ op, name = "" }) => (op === "input" ? [[name, inputs[name]]] : [])),
  );

/** Runs it forward. @param {Graph} graph @param {Record<string, any>} given as for `tensors` */
export function run(graph, given) {
  const values = forward(graph, tensors(given));
  return {
    values,
    outputs: graph.outputs.map((i) => values[i]),
    /** The entries of the node of that name, row by row. @param {string} name */
    of: (name) => values[indexOf(graph, name)].data,
  };
}
