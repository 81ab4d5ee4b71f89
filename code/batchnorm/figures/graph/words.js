import { edgeKey, indexOf } from "../../graph/interpreter.js";
import { difference, localDerivative, passed, reached } from "./model.js";
import { PATHS } from "../kit/moments.js";
import { format, listed } from "../kit/scale.js";

/**
 * What GraphFigure says, in words; no DOM.
 *
 * @import { Tensor } from "../../graph/tensor.js"
 * @import { Edge, Node, Shown } from "./model.js"
 */

const HINT = [
  "Point at a node or an edge, or tap it, to read it here.",
  "Click or tap an edge to cut it: then no gradient flows back over it.",
];
const COUNT = ["No path leads", "One path leads", "Two paths lead", "Three paths lead"];

/** @param {Tensor} t */
const shapeOf = ({ shape }) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** A tensor for reading: its first entries where it is long. @param {Tensor} t */
export function list(t) {
  const all = Array.from(t.data, (v) => format(v));
  if (!t.shape.length) return all[0];
  if (all.length <= 5) return `(${all.join(", ")})`;
  return `(${all.slice(0, 3).join(", ")}, … ${all.length} entries)`;
}

/** As `list`, but a tensor of equal entries as the one number it holds. @param {Tensor} t */
function compact(t) {
  const [first] = t.data;
  if (!t.data.every((v) => v === first)) return list(t);
  return Number.isInteger(first) ? format(first, 0) : format(first);
}

/** @param {Shown} shown @param {number} i @returns {Node} */
export const nodeAt = ({ drawn }, i) =>
  /** @type {Node} */ (drawn.nodes.find(({ node }) => node === i));

/** @param {Shown} shown @param {Edge} edge */
export const ends = (shown, { source, target }) =>
  `${nodeAt(shown, source).symbol} → ${nodeAt(shown, target).symbol}`;

/** @param {Shown} shown @param {Node} node */
function nodeWords(shown, { node, title, term, gradient }) {
  const { values, grads, trueGrads, flow, traced, drawn } = shown;
  const whole = `without a cut ${list(trueGrads[node])}`;
  const wrong = difference(grads[node], trueGrads[node]) > 0 ? `; ${whole}` : "";
  const arrives = reached(shown, node)
    ? `dL/d${term} = ${gradient} = ${list(grads[node])}${wrong}.`
    : `dL/d${term}: nothing arrives; ${whole}.`;
  const factors = drawn.edges
    .filter(({ target }) => target === node)
    .map((edge) => {
      const source = nodeAt(shown, edge.source);
      const sent = flow.get(edgeKey(edge.target, edge.slot));
      const back = sent ? `${edge.sent} = ${list(sent)}` : "nothing";
      return `${localWords(shown, edge)}; so ${back} goes back to ${source.symbol}.`;
    });
  const kind = traced.nodes[node].op === "input" ? "An input. " : "";
  const value = `${kind}${title} = ${list(values[node])}, shape ${shapeOf(values[node])}.`;
  return passed(shown, node)
    ? [value, arrives, ...factors]
    : [value, "The backward pass has not reached it yet."];
}

/** @param {Shown} shown @param {Edge} edge */
export function edgeWords(shown, edge) {
  const [source, target] = [edge.source, edge.target].map((i) => nodeAt(shown, i));
  const key = edgeKey(edge.target, edge.slot);
  const cut = shown.severed.has(key);
  const flow = cut ? shown.held.get(key) : shown.flow.get(key);
  const amount = flow ? `${edge.sent} = ${list(flow)}, shape ${shapeOf(flow)}` : "";
  const does = cut ? "Cut. It would carry back" : "Carries back";
  const carries = flow
    ? `${does} ${amount}.`
    : "Nothing arrives here, so nothing goes back over it.";
  const walked = passed(shown, edge.source) ? carries : "The backward pass has not reached it yet.";
  return [
    `The edge from ${source.symbol} to ${target.symbol}. ${walked}`,
    `Local derivative ∂${target.term}/∂${source.term} = ${edge.local}. ${edge.note}`,
    `Click or press Enter to ${cut ? "let it flow again" : "cut it"}.`,
  ];
}

/** An edge's local derivative, with its number. @param {Shown} shown @param {Edge} edge */
function localWords(shown, edge) {
  const [source, target] = [edge.source, edge.target].map((i) => nodeAt(shown, i).term);
  const numbers = localDerivative(shown, edge);
  const is = numbers && compact(numbers) !== edge.local ? ` = ${compact(numbers)}` : "";
  return `∂${target}/∂${source} = ${edge.local}${is}`;
}

/** What the walk has come to, and from where. @param {Shown} shown */
function stepWords(shown) {
  const { drawn, order, step, traced } = shown;
  const { node, symbol } = nodeAt(shown, order[step - 1]);
  if (!reached(shown, node)) return [`Nothing arrives at ${symbol}: every path to it is cut.`];
  const brought = drawn.edges.filter(({ source }) => source === node);
  const origin = traced.outputs.includes(node) ? ["It comes from the loss."] : [];
  return [
    ...origin,
    ...brought.map((edge) => {
      const from = nodeAt(shown, edge.target).symbol;
      return `From ${from}, where ${localWords(shown, edge)}. ${edge.note}`.trim();
    }),
  ];
}

/**
 * What the panel says.
 * @param {Shown} shown
 * @param {{node?: Node, edge?: Edge}} about what is pointed at or has the focus
 */
export function panelWords(shown, { node, edge }) {
  if (!shown.defined) return [];
  if (edge) return edgeWords(shown, edge);
  if (node) return nodeWords(shown, node);
  return shown.step ? stepWords(shown) : HINT;
}

/** Which inputs get another gradient than the true one. @param {Shown} shown */
function wrongOf({ names, errors, traced, trueGrads }) {
  return names.filter((name) => {
    const most = Math.max(...trueGrads[indexOf(traced, name)].data.map(Math.abs));
    return errors[name] > 1e-12 * most;
  });
}

/** What the cuts do, in a sentence. @param {Shown} shown */
function cutWords(shown) {
  const { drawn, severed, all, open, errors, called } = shown;
  const gone = drawn.edges.filter(({ target, slot }) => severed.has(edgeKey(target, slot)));
  const what = gone.length > 2 ? `${gone.length} edges` : listed(gone.map((e) => ends(shown, e)));
  const closed = all.filter((path) => !open.includes(path)).map((path) => `the ${called[path]}`);
  const wrong = wrongOf(shown);
  const term = (/** @type {string} */ name) => nodeAt(shown, indexOf(shown.traced, name)).term;
  const off = wrong.map((name) => `dL/d${term(name)}`);
  const far = format(Math.max(...wrong.map((name) => errors[name])));
  const end = wrong.length
    ? `${listed(off)} ${off.length > 1 ? "are" : "is"} off by up to ${far}.`
    : "every input still gets its true gradient.";
  if (!closed.length) return `With ${what} cut, ${end}`;
  return `With ${what} cut, ${listed(closed)} ${closed.length > 1 ? "are" : "is"} closed: ${end}`;
}

/** The message in one sentence. @param {Shown} shown */
export function verdict(shown) {
  const { defined, drawn, values, step, order, all, severed, names, grads, called } = shown;
  if (!defined) {
    const broken = drawn.nodes.find(({ node }) => !values[node].data.every(Number.isFinite));
    const what = broken?.symbol ?? "A gradient";
    return `${what} is not defined for these inputs (a division by 0, or the like). Change them.`;
  }
  if (step && step < order.length) {
    const { node, term, gradient } = nodeAt(shown, order[step - 1]);
    const arrives = reached(shown, node) ? `${gradient} = ${list(grads[node])}` : "nothing";
    return `Node ${step} of ${order.length}: dL/d${term} = ${arrives}.`;
  }
  if (severed.size) return cutWords(shown);
  if (!all.length) return "Nothing is cut: every input gets its true gradient.";
  const to = names.includes("x") ? "x" : "the inputs";
  const known = all.every((path) => called[path] === PATHS[path]);
  const which = known ? "" : `: ${listed(all.map((path) => `the ${called[path]}`))}`;
  return `${COUNT[all.length]} back to ${to}${which}. Nothing is cut: every gradient is the true one.`;
}

/** One row an input: its gradient, and how far a cut has moved it. @param {Shown} shown */
export function table(shown) {
  const { traced, names, grads, trueGrads, defined, errors } = shown;
  const wrong = defined ? wrongOf(shown) : [];
  const rows = names.map((name) => {
    const node = indexOf(traced, name);
    const first = `dL/d${nodeAt(shown, node).term}`;
    const got = !defined ? "–" : passed(shown, node) ? list(grads[node]) : "not reached yet";
    if (!wrong.length) return [first, got];
    const off = wrong.includes(name) && passed(shown, node);
    return [first, got, ...(off ? [list(trueGrads[node]), format(errors[name])] : ["", ""])];
  });
  const more = wrong.length ? ["true gradient", "off by up to"] : [];
  return { rows, head: ["", "gradient", ...more] };
}
