import { given, traced } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** x_hat, a point on the circle, and the gradient. @param {Get} get */
export function lines(get) {
  const [x, dy, gamma, eps] = ["x", "dy", "gamma", "eps"].map(get);
  const { forward, backward } = traced(get("graph"), { dys: ["dy"], to: ["x"] });
  return [...given({ x, dy, gamma, beta: 0, eps }), "", ...forward, "", ...backward];
}
