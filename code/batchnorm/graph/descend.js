import { backward, forward, indexOf, leaving } from "./interpreter.js";

/**
 * Gradient descent with weight decay on a traced loss: `w ← w − rate (gradient + decay w)` for each
 * input that is trained. As `descend` in reparameterization.py.
 *
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {Record<string, Tensor>} Inputs
 * @typedef {{inputs: Inputs, values: Tensor[], gradient: Inputs}} Step
 *
 * @param {import("./interpreter.js").Graph} graph
 * @param {Inputs} start
 * @param {string[]} train names of inputs
 * @param {{rate: number, steps: number, decay?: number, cut?: Set<string>,
 *   stops?: (inputs: Inputs, values: Tensor[]) => boolean}} how `stops` ends the path before a step
 * @returns {Step[]} steps 0 … `steps`; fewer where it stops
 */
export function descend(graph, start, train, { rate, steps, decay = 0, cut, stops }) {
  const path = [];
  const [output] = graph.outputs;
  const at = train.map((name) => indexOf(graph, name));
  // What is not trained needs no gradient
  const idle = graph.nodes.filter(({ op, name }) => op === "input" && !train.includes(name ?? ""));
  const closed = new Set([
    ...(cut ?? []),
    ...idle.flatMap(({ name }) => leaving(graph, name ?? "")),
  ]);
  /** @type {Tensor | null} */
  let upstream = null;
  for (let inputs = start; path.length <= steps; ) {
    const values = forward(graph, inputs);
    if (stops?.(inputs, values)) break;
    const { shape, data } = values[output];
    upstream ??= { shape, data: new Float64Array(data.length).fill(1) };
    const { grads } = backward(graph, values, [upstream], closed);
    const gradient = Object.fromEntries(train.map((name, k) => [name, grads[at[k]]]));
    path.push({ inputs, values, gradient });
    inputs = { ...inputs };
    for (const name of train) {
      const { shape: kept, data: w } = inputs[name];
      const [d, next] = [gradient[name].data, w.slice()];
      for (let i = 0; i < next.length; i++) next[i] -= rate * (d[i] + decay * w[i]);
      inputs[name] = { shape: kept, data: next };
    }
  }
  return path;
}
