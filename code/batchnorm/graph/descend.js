import { arriving, forward, indexOf, leaving } from "./interpreter.js";
import { reusing, sizeOf, zeros } from "./tensor.js";

/**
 * Gradient descent on a traced loss, one number: for all figures that descend.
 *
 * @import { Tensor } from "./tensor.js"
 * @import { Graph } from "./interpreter.js"
 * @typedef {Record<string, Tensor>} Inputs
 * @typedef {{rate: number, momentum?: number, decay?: number, decays?: (name: string) => boolean,
 *   cut?: Set<string>}} How `decays` names what decays, if not all does
 * @typedef {{inputs: Inputs, values: Tensor[], gradient: Inputs}} Step
 */

/** @param {Tensor} t */
export const copyOf = ({ shape, data }) => ({ shape, data: data.slice() });
/** @param {Float64Array} data */
function allFinite(data) {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/**
 * The one step that all descents take: `v ← momentum v + gradient + decay w`, `w ← w − rate v`.
 * It changes `moving`, the inputs that are trained, in place.
 * @param {Graph} graph @param {Inputs} moving @param {How} how
 */
export function descent(graph, moving, { rate, momentum = 0, decay = 0, decays, cut }) {
  const parts = Object.entries(moving).map(([name, { data }]) => ({
    ...{ at: indexOf(graph, name), data, velocity: new Float64Array(data.length) },
    ...{ v: data.slice(), to: data.slice(), fade: decays && !decays(name) ? 0 : decay },
  }));
  // Nothing is asked for at the other inputs
  const idle = graph.nodes.flatMap(({ op, name = "" }) =>
    op === "input" && !Object.hasOwn(moving, name) ? leaving(graph, name) : [],
  );
  const edges = { whole: new Set(idle), cut: new Set([...idle, ...(cut ?? [])]) };
  const { shape } = graph.nodes[graph.outputs[0]];
  const one = { shape, data: new Float64Array(sizeOf(shape)).fill(1) };
  const dys = graph.outputs.map((_, k) => (k ? null : one));
  return {
    /** Of what moves, in its order. @param {Tensor[]} values @param {"cut" | "whole"} which */
    gradients(values, which = "cut") {
      const grads = arriving(graph, values, dys, edges[which]);
      return parts.map(({ at }) => grads[at] ?? zeros(values[at].shape));
    },
    /** Takes the step, unless something would not be finite: then false. @param {Tensor[]} grads */
    move(grads) {
      parts.forEach(({ data, velocity, v, to, fade }, k) => {
        const d = grads[k].data;
        for (let i = 0; i < to.length; i++) {
          v[i] = momentum * velocity[i] + (d[i] + fade * data[i]);
          to[i] = data[i] - rate * v[i];
        }
      });
      if (!parts.every(({ to }) => allFinite(to))) return false;
      for (const { data, velocity, v, to } of parts) {
        velocity.set(v);
        data.set(to);
      }
      return true;
    },
  };
}

/**
 * What is read at every step of a descent on one and the same batch. As `descend` in
 * reparameterization.py.
 *
 * @template T @param {Graph} graph @param {Inputs} start
 * @param {string[]} train names of inputs
 * @param {How & {steps: number, read: (step: Step) => T,
 *   stops?: (step: Pick<Step, "inputs" | "values">) => boolean}} how `read` copies what it keeps:
 *   the next step uses the arrays again. `stops` ends the path before a step
 * @returns {T[]} of steps 0 … `steps`; fewer where it stops, or leaves the range of numbers
 */
export function descend(graph, start, train, { steps, read, stops, ...how }) {
  const moving = Object.fromEntries(train.map((name) => [name, copyOf(start[name])]));
  const inputs = { ...start, ...moving };
  const { gradients, move } = descent(graph, moving, how);
  /** @type {T[]} */
  const path = [];
  const step = () => {
    const values = forward(graph, inputs);
    if (stops?.({ inputs, values })) return false;
    const grads = gradients(values);
    const gradient = Object.fromEntries(train.map((name, k) => [name, grads[k]]));
    path.push(read({ inputs, values, gradient }));
    return move(grads);
  };
  while (path.length <= steps && reusing(step));
  return path;
}
