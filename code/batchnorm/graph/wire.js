/** Reads a graph that Python wrote (wire.py), and refuses what is none. */
import { OPS } from "./ops/index.js";
import { sameShape, sizeOf, tensor } from "./tensor.js";

/** @typedef {import("./interpreter.js").Graph} Graph */

/** @param {any} v */
const isIndex = (v) => Number.isSafeInteger(v) && v >= 0;
/** @param {any} v @param {number} count */
const areIndices = (v, count) => Array.isArray(v) && v.every((i) => isIndex(i) && i < count);
/** @param {any} v @returns {boolean} */
const areNumbers = (v) => (Array.isArray(v) ? v.every(areNumbers) : Number.isFinite(v));

/** Which keys a node has besides op, shape, symbol and name. @param {string} op */
function keysOf(op) {
  if (op === "input") return [];
  if (op === "constant") return ["value"];
  return ["sum", "mean", "max"].includes(op) ? ["inputs", "axis", "keepdims"] : ["inputs"];
}

/** What is wrong with a constant's value; "" if nothing. @param {any} node */
function faultOfValue({ value, shape }) {
  if (!areNumbers(value)) return "value: want finite numbers";
  try {
    const got = tensor(value);
    const fits = sameShape(got.shape, shape) || (!got.data.length && !sizeOf(shape));
    return fits ? "" : `value: got shape ${got.shape}, want ${shape}`;
  } catch {
    return "value: its rows differ in length";
  }
}

/** @param {any} node @param {any[]} nodes @param {number} i */
function faultOfInputs({ op, inputs, axis, keepdims }, nodes, i) {
  const rules = OPS[op].slice(1);
  if (!areIndices(inputs, i)) return "inputs: want indices of earlier nodes";
  if (inputs.length !== rules.length) return `got ${inputs.length} inputs, want ${rules.length}`;
  const bad = rules.findIndex((rule, k) => !rule && nodes[inputs[k]].op !== "constant");
  if (bad >= 0) return `inputs: node ${inputs[bad]} must be a constant`;
  if (axis === undefined) return "";
  const fits = axis === null || areIndices(axis, nodes[inputs[0]].shape.length);
  if (!fits || (axis && new Set(axis).size < axis.length)) return "axis: want axes of its input";
  return typeof keepdims === "boolean" ? "" : "keepdims: want true or false";
}

/** What is wrong with node i; "" if nothing. @param {any[]} nodes @param {number} i */
function faultOf(nodes, i) {
  const node = nodes[i];
  if (!node || typeof node !== "object" || Array.isArray(node)) return "want an object";
  const { op, name, shape } = node;
  if (op !== "input" && op !== "constant" && !Object.hasOwn(OPS, op)) {
    return `unknown operation ${op}`;
  }
  const missing = ["shape", ...keysOf(op)].find((key) => !(key in node));
  if (missing) return `it has no ${missing}`;
  const known = ["op", "shape", "symbol", "name", ...keysOf(op)];
  const more = Object.keys(node).find((key) => !known.includes(key));
  if (more) return `${op} takes no ${more}`;
  if (!Array.isArray(shape) || !shape.every(isIndex)) return "shape: want integers >= 0";
  const bad = ["name", "symbol"].find((key) => key in node && typeof node[key] !== "string");
  if (bad) return `${bad}: want a string`;
  if (op === "input" && !name) return "an input needs a name";
  if (name && nodes.slice(0, i).some((other) => other.name === name)) {
    return "an earlier node has that name";
  }
  if (op === "constant") return faultOfValue(node);
  return op === "input" ? "" : faultOfInputs(node, nodes, i);
}

/**
 * The graph of a JSON text. Throws an Error that names the node for one that is malformed.
 * @param {string} text @returns {Graph}
 */
export function readGraph(text) {
  const { nodes, outputs, ...more } = JSON.parse(text) ?? {};
  if (!Array.isArray(nodes) || Object.keys(more).length)
    throw new Error("graph: want nodes and outputs");
  nodes.forEach((node, i) => {
    const fault = faultOf(nodes, i);
    if (fault) throw new Error(`graph: node ${i}${node?.name ? ` (${node.name})` : ""}: ${fault}`);
  });
  if (!areIndices(outputs, nodes.length) || !outputs.length) {
    throw new Error("graph: outputs: want indices of nodes");
  }
  return { nodes, outputs };
}
