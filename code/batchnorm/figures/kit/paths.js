import { backward, edgeKey, indexOf, tensor } from "../../graph/interpreter.js";
import { run } from "./graphs.js";
import { momentsOf } from "./moments.js";

/**
 * Runs a traced batch normalization and splits the gradient at x by the path it took.
 *
 * A path is the difference that a cut makes: first both moments are cut ("direct"), then the mean
 * alone, then nothing. The three sum to `dx`. paths.py does the same in Python. A graph without
 * one of the moments sends nothing through it.
 *
 * @param {import("../../graph/interpreter.js").Graph} graph with a node named x
 * @param {Record<string, any>} inputs a number or nested lists for each input of the graph
 * @param {any} dy the gradient at the output
 * @param {Iterable<string>} always keys of edges that are cut in any case
 *
 * Of what it returns, `output` is the first output, `of(name)` a node's value, `moments` are its nodes by path, and
 * `without(…)` is the gradient with all edges cut that leave these nodes; entries row by row.
 */
export function gradientPaths(graph, inputs, dy, always = []) {
  const { values, outputs, of } = run(graph, inputs);
  const at = indexOf(graph, "x");
  const moments = momentsOf(graph);
  const without = (/** @type {number[]} */ ...nodes) => {
    const leaving = graph.nodes.flatMap(({ inputs: sources = [] }, target) =>
      sources.flatMap((i, slot) => (nodes.includes(i) ? [edgeKey(target, slot)] : [])),
    );
    const cut = new Set([...always, ...leaving]);
    return backward(graph, values, [tensor(dy)], cut).grads[at].data;
  };
  const direct = without(...moments.mean, ...moments.variance);
  const withVariance = without(...moments.mean);
  const dx = without();
  const paths = {
    direct,
    mean: dx.map((v, i) => v - withVariance[i]),
    variance: withVariance.map((v, i) => v - direct[i]),
  };
  return { of, output: outputs[0].data, dx, paths, moments, without };
}
