import { backward, indexOf, tensor } from "../../graph/interpreter.js";
import { givenTo, parsed, run } from "../kit/graphs.js";
import { dot, grown } from "../kit/scale.js";

/**
 * What PredictFigure shows, from its inputs; no DOM.
 *
 * @typedef {object} Inputs
 * @property {number[]} guess of dx
 * @property {boolean} shown whether the true dx is there to be seen
 * @property {number} problem which of the batches
 * @property {[number[], number[]][]} problems x and dy of each batch
 * @property {number} gamma
 * @property {number} beta
 * @property {number} eps
 * @property {string} graph
 *
 * @typedef {{defined: boolean, x: number[], y: number[], dy: number[], mu: number | undefined,
 *   reach: number, reveal: Reveal | null}} Analysis `reach`: how long an arrow can be; it says nothing of dx but
 *   what a bound says; `reveal`: null before "Show", and where nothing is defined
 *
 * @typedef {object} Reveal what may be seen only once it is shown
 * @property {number[]} dx
 * @property {number} size of dx, as a vector
 * @property {number} apart the distance between guess and dx
 * @property {number | undefined} push what the guess adds up to, where every dx adds up to 0
 * @property {number | undefined} angle degrees between guess and x_hat, where every dx has 90
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 * @typedef {import("../kit/figure.js").View<Inputs, Analysis>} View
 */

/** @param {ArrayLike<number>} a */
const norm = (a) => Math.sqrt(dot(a, a));

const LEAST = 2; // the reach of the arrows, at least

/** @param {Inputs} inputs @param {number[]} x */
function layerAt(inputs, x) {
  const graph = parsed(inputs.graph);
  const { values, outputs: results } = run(graph, givenTo(graph, { ...inputs, x }));
  const at = indexOf(graph, "x");
  return {
    y: Array.from(results[0].data),
    /** @param {number[]} dy */
    back: (dy) => Array.from(backward(graph, values, [tensor(dy)]).grads[at].data),
    /** @param {string} name @returns {Float64Array | undefined} */
    of: (name) => values[graph.nodes.findIndex((node) => node.name === name)]?.data,
  };
}

/**
 * The layer at one batch, whatever dy: how long dx can become, and what every dx is at right
 * angles to. That is found, not assumed: from the gradient of each output.
 * @param {ReturnType<typeof layerAt>} layer @param {number} m
 */
function propertiesOf({ back, of }, m) {
  const ones = Array.from({ length: m }, () => 1);
  const rows = ones.map((_, k) => back(ones.map((_, i) => Number(i === k))));
  const xHat = of("x_hat");
  const largest = Math.max(...rows.flat().map(Math.abs));
  const always = (/** @type {ArrayLike<number> | undefined} */ v) =>
    v !== undefined && rows.every((row) => Math.abs(dot(row, v)) <= 1e-9 * largest);
  return {
    gain: Math.max(...ones.map((_, i) => rows.reduce((sum, row) => sum + Math.abs(row[i]), 0))),
    xHat: always(xHat) ? xHat : undefined,
    balanced: always(ones),
  };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { guess, shown, problem, problems, gamma, beta, eps } = inputs;
  const [x, dy] = problems[problem];
  const from = [inputs.graph, x, dy, gamma, beta, eps];
  const { y, dx, mu, gain, xHat, balanced } = memo("layer", from, () => {
    const layer = layerAt(inputs, x);
    const known = { y: layer.y, dx: layer.back(dy), mu: layer.of("mu")?.[0] };
    return { ...propertiesOf(layer, x.length), ...known };
  });
  const defined = [...dx, gain].every(Number.isFinite);
  const most = Math.max(...dy.map(Math.abs));
  const reach = grown(Math.max(most, defined ? most * gain : 0), LEAST);
  const long = norm(guess);
  const angle = (/** @type {ArrayLike<number>} */ v) =>
    (Math.acos(Math.max(-1, Math.min(1, dot(guess, v) / (long * norm(v))))) * 180) / Math.PI;
  return {
    defined,
    x,
    y,
    dy,
    mu,
    reach,
    reveal:
      shown && defined
        ? {
            dx,
            size: norm(dx),
            apart: norm(guess.map((v, i) => v - dx[i])),
            push: balanced ? guess.reduce((a, b) => a + b, 0) : undefined,
            angle: xHat && long ? angle(xHat) : undefined,
          }
        : null,
  };
}

/** @param {Inputs & Analysis} analysis */
export const outputs = ({ x, dy, reveal }) => ({ x, dy, dx: reveal?.dx ?? [] });
