import { readGraph } from "../../graph/wire.js";

/** @type {Map<string, import("../../graph/interpreter.js").Graph>} */
const graphs = new Map();

/**
 * The graph of a JSON text; a text is parsed once.
 * @param {string} text
 * @returns {import("../../graph/interpreter.js").Graph}
 */
export function parsed(text) {
  const known = graphs.get(text) ?? readGraph(text);
  graphs.set(text, known);
  return known;
}
