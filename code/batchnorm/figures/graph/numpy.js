import { given, inputsOf, traced, value } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

/** The graph's function, forward, and the gradients with the cut edges left out. @param {Get} get */
export function lines(get) {
  const graph = get("graph");
  const names = inputsOf(graph);
  const count = JSON.parse(graph).outputs.length;
  const dys = count > 1 ? Array.from({ length: count }, (_, k) => `dy_${k + 1}`) : ["dy"];
  const cut = new Set(get("cut").map((/** @type {number[]} */ edge) => edge.join(":")));
  const found = traced(graph, { dys, to: names, cut, used: new Set(["dy"]) });
  return [
    ...given(Object.fromEntries(names.map((name) => [name, get(name)]))),
    ...dys.map((name, k) => `${name} = ${value(count > 1 ? get("dy")[k] : get("dy"))}`),
    "",
    ...found.forward,
    "",
    `# The gradients${cut.size ? ": nothing flows over what is cut" : ""}`,
    ...found.backward,
  ];
}
