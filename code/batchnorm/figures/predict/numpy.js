import { given, inputsOf, traced } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** The batch and the guess; the true gradient once it is shown. @param {Get} get */
export function lines(get) {
  const graph = get("graph");
  const [x, dy] = get("problems")[get("problem")];
  const others = inputsOf(graph).filter((name) => name !== "x");
  const all = { x, dy, ...Object.fromEntries(others.map((name) => [name, get(name)])) };
  const start = given({ ...all, guess: get("guess") });
  if (!get("shown")) return start;
  const { forward, backward } = traced(graph, { dys: ["dy"], to: ["x"] });
  const apart = "apart = np.linalg.norm(guess - dx) / np.linalg.norm(dx)";
  return [...start, "", ...forward, "", "# The gradient", ...backward, "", apart];
}
