import { given } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** The Jacobian from its three terms, those that are switched on. @param {Get} get */
export function lines(get) {
  const on = ["identity", "mean", "variance"].filter(get);
  return [
    ...given({ m: get("m"), outlier: get("outlier"), eps: get("eps") }),
    "x = np.append(np.linspace(-1, 1, m - 1) if m > 2 else 0.0, outlier)",
    "s = np.sqrt(x.var() + eps)",
    "x_hat = (x - x.mean()) / s",
    "",
    "identity = np.eye(m) / s",
    "mean = -np.ones((m, m)) / (m * s)",
    "variance = -np.outer(x_hat, x_hat) / (m * s)",
    `jacobian = ${on.length ? on.join(" + ") : "np.zeros((m, m))"}`,
    "singular_values = np.linalg.svd(jacobian, compute_uv=False)",
  ];
}
