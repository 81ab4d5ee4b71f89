/** Reads a graph that Python wrote (wire.py), and refuses what is none. */
import { MANY, OPS } from "./ops/index.js";
import { sameShape, sizeOf, tensor } from "./tensor.js";

/** @typedef {import("./interpreter.js").Graph} Graph */

/** @param {any} v */
const isIndex = (v) => Number.isSafeInteger(v) && v >= 0;
/** @param {any} v @param {number} count */
const areIndices = (v, count) => Array.isArray(v) && v.every((i) => isIndex(i) && i < count);
/** @param {any} v @returns {boolean} */
const areNumbers = (v) => (Array.isArray(v) ? v.every(areNumbers) : Number.isFinite(v));

/** @param {any} v */
const isInteger = (v) => Number.isSafeInteger(v);
/** @param {any} v @returns {boolean} */
const areIntegers = (v) => Array.isArray(v) && v.every((i) => isInteger(i) || areIntegers(i));
/** @param {any} v @param {number} count as many axes at most, none twice */
const areAxes = (v, count) => areIndices(v, count) && new Set(v).size === v.length;

/**
 * The parameters of operations: what is wanted of each, and whether it is that.
 * @type {Record<string, [string, (v: any, shape: number[]) => boolean]>}
 */
const PARAMS = {
  axis: ["axes of its input", (v, { length }) => v === null || areAxes(v, length)],
  keepdims: ["true or false", (v) => typeof v === "boolean"],
  axes: [
    "each axis of its input once",
    (v, { length }) => v === null || (areAxes(v, length) && v.length === length),
  ],
  to: [
    "integers >= 0, one -1 at most",
    (v) =>
      Array.isArray(v) &&
      v.every((n) => isIndex(n) || n === -1) &&
      v.filter((n) => n < 0).length < 2,
  ],
  index: ["what an index may hold", (v, { length }) => isPicking(v, length)],
};
const REDUCTION = ["axis", "keepdims"];
/** @type {Record<string, string[]>} */
const TAKES = {
  ...{ sum: REDUCTION, mean: REDUCTION, max: REDUCTION, min: REDUCTION },
  ...{ transpose: ["axes"], reshape: ["to"], broadcast_to: ["to"] },
  ...{ getitem: ["index"], setitem: ["index"], concatenate: ["axis"] },
};

/** Whether it is an index into so many axes. @param {any} index @param {number} axes */
function isPicking(index, axes) {
  if (!Array.isArray(index)) return false;
  const used = index.filter((item) => item !== null && item !== "...");
  return (
    used.length <= axes &&
    index.filter((item) => item === "...").length < 2 &&
    used.every((item) =>
      typeof item === "string"
        ? item === "#" || (/^(-?\d*):(-?\d*)(:-?[1-9]\d*)?$/.test(item) && !/-(:|$)/.test(item))
        : isInteger(item) || areIntegers(item),
    )
  );
}

/** Which keys a node has besides op, shape, symbol and name. @param {string} op */
function keysOf(op) {
  if (op === "input") return [];
  return op === "constant" ? ["value"] : ["inputs", ...(TAKES[op] ?? [])];
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
function faultOfInputs(node, nodes, i) {
  const { op, inputs, index = [] } = node;
  if (!areIndices(inputs, i)) return "inputs: want indices of earlier nodes";
  const fixed = OPS[op].length - 1 - +MANY.includes(op);
  const further = Array.isArray(index) ? index.filter((item) => item === "#").length : 0;
  const count = op === "concatenate" ? Math.max(1, inputs.length) : fixed + further;
  if (inputs.length !== count) return `got ${inputs.length} inputs, want ${count}`;
  for (const key of TAKES[op] ?? []) {
    const [wanted, fits] = PARAMS[key];
    const value = op === "concatenate" ? [node[key]] : node[key];
    if (!fits(value, nodes[inputs[0]].shape)) return `${key}: want ${wanted}`;
  }
  return "";
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
