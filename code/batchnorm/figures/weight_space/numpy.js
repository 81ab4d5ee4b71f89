import { defined, given, traced } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

const DESCEND = `def descend(loss, w):
    path = [w]
    for _ in range(step):
        w = w - rate * (loss(w)[1] + decay * w)
        if not np.abs(w).max() <= 1e150:
            break
        path.append(w)
    return np.array(path)


path = descend(with_batch_norm, w)
loss, gradient = with_batch_norm(path[-1])
plain_path = descend(without, w)
plain_loss, plain_gradient = without(plain_path[-1])`;

/** The data, the loss with batch norm and without, and a descent on each. @param {Get} get */
export function lines(get) {
  const { data, plain, ...others } = get("graphs");
  const made = traced(data, { dys: [], to: [] });
  const names = ["x", "t", "gamma", "beta"];
  /** @param {string} name @param {string} graph */
  const loss = (name, graph) => {
    const found = traced(graph, { dys: ["dloss"], to: ["w"] });
    const body = ["w = w[:, None]", ...found.forward, "dloss = np.ones(1)", ...found.backward];
    return defined(`${name}(w)`, body, `${found.outputs[0]}[0], dw[:, 0]`);
  };
  const [correlation, rate, decay, eps, w] = ["correlation", "rate", "decay", "eps", "w"].map(get);
  const step = Math.min(get("step"), get("steps"));
  const optimum = get("optimum").map((/** @type {number} */ v) => [v]);
  return [
    ...given({ samples: get("samples"), correlation, optimum, w, rate, decay, eps, step }),
    "",
    ...made.forward,
    `${names.join(", ")} = ${made.outputs.join(", ")}`,
    "",
    "",
    ...loss("with_batch_norm", others["batch norm"]),
    "",
    "",
    ...loss("without", plain),
    "",
    "",
    ...DESCEND.split("\n"),
  ];
}
