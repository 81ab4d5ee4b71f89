import { defined, given, inputsOf, leaving, traced } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** Both descents, up to the step that is read. @param {Get} get */
export function lines(get) {
  const [graph, train, watch] = ["graph", "train", "watch"].map(get);
  const back = train.map((/** @type {string} */ name) => `d${name}`).join(", ");
  const all = train.join(", ");
  /** @param {string} name @param {string[]} named whose edges are cut */
  const loss = (name, named) => {
    const cut = new Set(leaving(graph, named));
    const found = traced(graph, { dys: ["dloss"], to: train, cut });
    const values = watch.map((/** @type {string} */ each) =>
      each === "loss" ? found.outputs[0] : each,
    );
    const body = [...found.forward, "dloss = 1.0", ...found.backward];
    return defined(`${name}(${all})`, body, `[${values.join(", ")}], [${back}]`);
  };
  return [
    ...given(Object.fromEntries(inputsOf(graph).map((name) => [name, get("given")[name]]))),
    ...given({ rate: get("rate"), step: Math.min(get("step"), get("steps")) }),
    "",
    "",
    ...loss("whole", []),
    "",
    "",
    `# Nothing flows over the edges that leave ${get("cut").join(", ")}`,
    ...loss("cut", get("cut")),
    "",
    "",
    ...DESCEND.split("\n"),
    "",
    "",
    `start = [${all}]`,
    `now = dict(zip(${JSON.stringify(watch)}, zip(descend(whole, start), descend(cut, start))))`,
  ];
}

const DESCEND = `def descend(loss, w):
    values, gradients = loss(*w)
    for _ in range(step):
        w = [a - rate * da for a, da in zip(w, gradients)]
        following, gradients = loss(*w)
        if not all(np.isfinite(v).all() for v in [*w, *following]):
            break
        values = following
    return values`;
