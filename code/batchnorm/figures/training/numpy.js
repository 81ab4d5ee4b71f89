import { bytesOf } from "../kit/scale.js";
import { literal } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** @param {string} name @param {any} v as Python writes it */
const entry = (name, v) => `    ${JSON.stringify(name)}: ${v},`;

/**
 * The losses of all batches so far, and what is read off them. To train the nets again takes the
 * chapter's own cell: the other readings are written down as they are.
 * @param {Get} get
 */
export function lines(get) {
  const all = new Float32Array(bytesOf(get("_losses")));
  /** @type {Record<string, any>} */
  const now = get("now");
  const names = Object.keys(now);
  let start = 0;
  const rows = names.map((name) => {
    const end = start + (get("diverged")[name] ?? get("taken"));
    const losses = Array.from(all.slice(start, end));
    start = end;
    return entry(name, `np.array(${literal(losses)}, float)`);
  });
  const readings = ["accuracy", "drift", "length", "angle"].flatMap((what) => [
    `${what} = {`,
    ...names.map((name) => entry(name, now[name][what] ?? "None")),
    "}",
  ]);
  return [
    "# The loss on each batch",
    "losses = {",
    ...rows,
    "}",
    "# What is reported: the mean of the last 20",
    "loss = {name: each[-20:].mean() if len(each) else None for name, each in losses.items()}",
    "",
    "# Read off the nets as they are now; the cell above the figure trains them again",
    ...readings,
  ];
}
