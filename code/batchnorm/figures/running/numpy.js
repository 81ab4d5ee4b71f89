import { bytesOf } from "../kit/scale.js";
import { given, literal } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

const LARGEST = 64; // samples per batch

const STEPS = `
mean, var = 0.0, 1.0
m = noise.shape[1]
for k, batch in enumerate(noise):
    x = drift * k + batch
    mean = (1 - momentum) * mean + momentum * x.mean()
    var = (1 - momentum) * var + momentum * x.var() * (m / (m - 1) if m > 1 else 1)

x = x + shift  # the last batch, as it was dragged
eps = 1e-5
y_train = (x - x.mean()) / np.sqrt(x.var() + eps)
y_eval = (x - mean) / np.sqrt(var + eps)
mismatch = np.sqrt(np.mean((y_train - y_eval) ** 2))`;

/** The batches up to the step that is read, and what is stored of them. @param {Get} get */
export function lines(get) {
  const step = Math.min(get("step"), get("steps") - 1);
  const noise = new Float32Array(bytesOf(get("noise")));
  const rows = Array.from({ length: step + 1 }, (_, k) =>
    Array.from(noise.slice(k * LARGEST, k * LARGEST + get("batch"))),
  );
  const names = ["momentum", "drift", "shift"];
  return [
    ...given(Object.fromEntries(names.map((name) => [name, get(name)]))),
    "noise = np.array([",
    ...rows.map((row) => `    ${literal(row)},`),
    "])",
    ...STEPS.split("\n"),
  ];
}
