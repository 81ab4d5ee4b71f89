import { given, inputsOf, leaving, traced } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** The batch, its outputs, and the gradient with what is cut left out. @param {Get} get */
export function lines(get) {
  const graph = get("graph");
  const off = [
    ...(get("flow_through_mean") ? [] : ["mu"]),
    ...(get("flow_through_variance") ? [] : ["var"]),
  ];
  const cut = new Set([
    ...leaving(graph, off),
    ...get("cut").map((/** @type {number[]} */ edge) => edge.join(":")),
  ]);
  const names = [...inputsOf(graph), "dy"];
  const used = new Set(["y"]);
  const { forward, backward, outputs } = traced(graph, { dys: ["dy"], to: ["x"], cut, used });
  return [
    ...given(Object.fromEntries(names.map((name) => [name, get(name)]))),
    "",
    ...forward,
    `y = ${outputs[0]}`,
    "",
    `# The gradient${cut.size ? ": nothing flows over what is cut" : ""}`,
    ...backward,
  ];
}
