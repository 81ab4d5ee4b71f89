import { bytesOf } from "../kit/scale.js";
import { literal } from "../take/lines.js";
import { nearest } from "./model.js";

/** @import { Get } from "../take/lines.js" */

/**
 * The growth after so many layers at this batch size, of each seed, and the factor per layer.
 * @param {Get} get
 */
export function lines(get) {
  const [depth, layers, sizes, kinds] = ["depth", "layers", "sizes", "kinds"].map(get);
  const passed = Math.min(Math.max(depth, 1), layers);
  const size = nearest(sizes, get("batch"));
  const norms = new Float32Array(bytesOf(get("norms")));
  const seeds = norms.length / (kinds.length * sizes.length * (layers + 1));
  const at = (/** @type {number} */ kind, /** @type {number} */ seed) =>
    norms[((kind * sizes.length + sizes.indexOf(size)) * seeds + seed) * (layers + 1) + passed];
  const rows = kinds.map((/** @type {{name: string}} */ { name }, /** @type {number} */ kind) => {
    const each = Array.from({ length: seeds }, (_, seed) => at(kind, seed));
    return `    ${JSON.stringify(name)}: np.array(${literal(each)}),`;
  });
  return [
    `layers = ${passed}`,
    "# The power of ten by which ‖dh‖² has grown after them, in networks of several seeds",
    `powers = {  # at a batch size of ${size}`,
    ...rows,
    "}",
    "factors = {}",
    "for name, power in powers.items():",
    "    each = 10 ** (power / layers)",
    "    factors[name] = [each.min(), np.median(each), each.max()]",
  ];
}
