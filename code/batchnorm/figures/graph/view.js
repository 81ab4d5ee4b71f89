import { difference, passed, reached, sizeOf } from "./model.js";
import { ends, list, nodeAt } from "./words.js";
import { lengthOf, placer } from "../kit/labels.js";
import { clamp } from "../kit/scale.js";

/**
 * What GraphFigure draws.
 *
 * @import { Shown } from "./model.js"
 * @import { PlacedEdge, PlacedNode } from "./place.js"
 * @import { Tensor } from "../../graph/tensor.js"
 * @import { Drawing } from "../kit/svg.js"
 *
 * @typedef {object} Frame
 * @property {Shown} shown
 * @property {import("./place.js").Place} place
 * @property {number | undefined} at the node that is chosen
 * @property {(node: PlacedNode) => boolean} litNode whether it is chosen, or beside what is
 * @property {(edge: PlacedEdge) => boolean} litEdge
 * @property {number} most that an edge carries where nothing is cut
 * @property {string | null} home the key of the thing that Tab comes to
 * @property {(node: SVGElement, key: string) => void} listen to a new thing that takes the focus
 * @property {(node: SVGElement, key: string) => void} point to a new thing, for the mouse
 */

const TITLE = 18;
const LINE = 13;
const CELL = 7;
const THIN = 1.2; // an edge's least width
const THICK = 9; // and its largest

/** A number in at most six letters and a sign, for a node. @param {number} v */
function compact(v) {
  const size = Math.abs(v);
  if (size < 1e-13) return "0";
  const places = size < 0.01 ? 4 : 3;
  const short = size < 0.1 ? v.toFixed(places) : v.toPrecision(3);
  const small = size >= 1e4 || size < 1e-3;
  const text = small ? v.toExponential(0).replace("e+", "e") : String(Number(short));
  return text.replaceAll("-", "−");
}

/**
 * What became of what an edge carries.
 * @param {Shown} shown @param {PlacedEdge} edge @returns {"severed" | "lost" | "changed" | "whole"}
 */
function stateOf({ severed, flow, trueFlow }, { key }) {
  if (severed.has(key)) return "severed";
  const now = flow.get(key);
  const was = trueFlow.get(key);
  if (!now || !was) return "lost";
  return difference(now, was) > 0 ? "changed" : "whole";
}

const TOLD = { severed: "cut", lost: "nothing arrives", changed: "changed by a cut", whole: "" };

/** @param {Drawing} picture @param {Frame} frame @param {PlacedEdge} edge */
function drawEdge(picture, frame, edge) {
  const { shown, home, most } = frame;
  const { key, path } = edge;
  const { x, y, slope } = edge.hold;
  const state = stateOf(shown, edge);
  const flow = shown.flow.get(key);
  const later = !passed(shown, edge.source);
  const gone = state === "severed" || state === "lost";
  const look = gone ? "cut" : (shown.paths.get(key) ?? "gradient");
  const share = later || gone || !most || !shown.defined ? 0 : sizeOf(flow) / most;
  const width = Number(clamp(THIN + share * (THICK - THIN), THIN, THICK).toFixed(2));
  const classes = `${state}${frame.litEdge(edge) ? " lit" : ""}${later ? " later" : ""}`;
  picture.layer("wires");
  const isNew = !picture.has(`${key} wires`);
  const wires = picture.group(`${key} wires`, { class: `wires ${classes}` }, () => {
    picture.put(`${key} grip`, "path", { class: "grip", d: path });
    const wire = { class: `wire ${look}`, d: path, "stroke-width": width };
    picture.put(`${key} wire`, "path", wire);
  });
  if (isNew) frame.point(wires, `edge ${key}`);
  // Handles lie over all wires, so that each can be hit
  picture.layer("handles");
  const turn = state === "severed" ? 0 : Math.round((slope * 180) / Math.PI);
  const side = 4 + width / 2;
  const label = later ? "not yet reached" : flow ? `carries back ${list(flow)}` : "carries nothing";
  const attributes = {
    class: `edge ${classes}`,
    role: "switch",
    tabindex: `edge ${key}` === home ? 0 : -1,
    "aria-checked": state !== "severed",
    "aria-label":
      `edge from ${ends(shown, edge).replace("→", "to")}, ${label}` +
      (TOLD[state] ? `, ${TOLD[state]}` : ""),
  };
  const handle = picture.group(`edge ${key}`, attributes, () => {
    picture.put(`${key} pad`, "circle", { class: "pad", cx: x, cy: y, r: 9 });
    picture.put(`${key} mark`, "path", {
      class: `mark ${look}`,
      transform: `translate(${x} ${y}) rotate(${turn})`,
      d: state === "severed" ? "M-5 -5L5 5M-5 5L5 -5" : `M${-side - 1} 0L${side} ${-side}V${side}Z`,
    });
  });
  if (isNew) frame.listen(handle, `edge ${key}`);
}

/**
 * The entries of a value or a gradient: written, or as a strip of cells.
 * @param {Drawing} picture @param {string} key @param {Tensor} t @param {PlacedNode} node
 * @param {{left: number, wide: number, look: string, hidden?: boolean}} how
 */
function entries(picture, key, t, node, { left, wide, look, hidden = false }) {
  const { rows, columns, whole } = node;
  const top = node.y + TITLE;
  const step = t.shape.at(-1) ?? 1;
  const stride = t.shape.length < 2 ? 1 : step;
  const most = Math.max(...t.data.map(Math.abs));
  for (let k = 0; k < rows * columns; k++) {
    const r = Math.floor(k / columns);
    const c = k % columns;
    const v = t.data[r * stride + c];
    const id = `${key} ${r} ${c}`;
    if (whole) {
      const text = hidden ? "·" : Number.isFinite(v) ? compact(v) : "–";
      const at = { x: left + (wide / columns) * (c + 0.5), y: top + r * LINE + 10 };
      picture.put(id, "text", { class: `entry ${look}`, ...at }, text);
    } else if (!hidden) {
      // Filled: positive; hollow: negative; the larger the stronger
      const strength = most && Number.isFinite(v) ? Math.max(0.12, Math.abs(v) / most) : 0.12;
      const from = left + (wide - columns * CELL) / 2 + c * CELL + 1;
      const cell = { x: from, y: top + r * CELL + 3, width: CELL - 2, height: CELL - 2 };
      const opacity = strength.toFixed(2);
      picture.put(id, "rect", { class: `cell ${look}${v < 0 ? " hollow" : ""}`, ...cell, opacity });
    }
  }
}

/** @param {Drawing} picture @param {Frame} frame @param {PlacedNode} placed */
function drawNode(picture, frame, placed) {
  const { shown, home } = frame;
  const { node, x, y, w, h, symbol } = placed;
  const [value, gradient, was] = [shown.values, shown.grads, shown.trueGrads].map((v) => v[node]);
  const hidden = !passed(shown, node);
  const lost = !hidden && !reached(shown, node);
  const changed = !hidden && !lost && difference(gradient, was) > 0;
  const key = `node ${node}`;
  const now = shown.step > 0 && shown.order[shown.step - 1] === node;
  const pointed = frame.at === node;
  const flags = { lit: frame.litNode(placed), pointed, current: now, lost, changed };
  const classes = Object.entries(flags).flatMap(([name, on]) => (on ? [name] : []));
  const carries = hidden ? "not yet reached" : lost ? "lost" : list(gradient);
  const without = changed ? `, without a cut ${list(was)}` : "";
  const attributes = {
    class: `node ${classes.join(" ")}`,
    role: "img",
    tabindex: key === home ? 0 : -1,
    "aria-label": shown.defined
      ? `${symbol}, value ${list(value)}, gradient ${carries}${without}`
      : `${symbol}, not defined`,
  };
  const isNew = !picture.has(key);
  const group = picture.group(key, attributes, () => {
    const { mean, variance } = shown.moments;
    const moment = mean.includes(node) ? "mean" : variance.includes(node) ? "variance" : "";
    const box = { class: `box ${moment}`, x, y, width: w, height: h, rx: 5 };
    picture.put(`${key} box`, "rect", box);
    const at = { x: x + w / 2, y: shown.numbers ? y + 13 : y + h / 2 + 4 };
    picture.put(`${key} name`, "text", { class: "name", ...at }, symbol);
    if (!shown.numbers) return;
    const wide = (w - 2) / 2;
    entries(picture, `${key} value`, value, placed, { left: x + 1, wide, look: "data" });
    const how = { left: x + 1 + wide, wide, look: lost ? "cut" : "gradient", hidden };
    entries(picture, `${key} gradient`, gradient, placed, how);
  });
  if (isNew) frame.listen(group, key);
  if (isNew) frame.point(group, key);
}

/**
 * Where the names of the paths go: each beside an edge that has its colour, and of the whole
 * gradient, where it sets out.
 * @param {Shown} shown @param {Frame["place"]} place
 */
function placeNames(
  { paths, all, called, flow, traced: { outputs } },
  { nodes, edges, down, width, height },
) {
  const room = { left: 0, top: 20, right: width, bottom: height - 18 };
  const { avoid, avoidBox, avoidLine, ...place } = placer(room, 2);
  for (const { x, y, w, h } of nodes) avoidBox([x - 4, y - 4, x + w + 4, y + h + 4]);
  for (const { hold, line } of edges) {
    avoid(hold.x, hold.y, 9);
    avoidLine(line);
  }
  const middle = (height - 20) / 2;
  return [...all, null].flatMap((path) => {
    const every = edges.filter(({ key, target }) => {
      const of = paths.get(key) ?? null;
      return of === path && (path || outputs.includes(target));
    });
    if (!every.length) return [];
    // Over what is cut nothing flows, and it is grey
    const open = every.filter(({ key }) => flow.has(key));
    const own = open.length ? open : every;
    const name = path ? called[path].replace(/^path /, "") : "whole gradient";
    const ats = own.map(({ hold: { x, y } }) => [x, y]);
    const above = ats.reduce((sum, [, y]) => sum + y - middle, 0) < 0;
    const box = place.findAny(ats, down ? [1, 0] : [0, above ? -1 : 1], lengthOf(name, true));
    return [{ path, name, x: (box[0] + box[2]) / 2, y: box[1] + 12 }];
  });
}

/** The names of the paths; a closed one is struck out. @param {Drawing} picture @param {Frame} frame */
function drawNames(picture, { shown, place }) {
  const from = [shown.drawn, shown.numbers, shown.cut, place.down, place.width];
  const names = picture.memo("names", from, () => placeNames(shown, place));
  if (!shown.all.length) return;
  for (const { path, name, x, y } of names) {
    const look = !path ? "gradient" : shown.open.includes(path) ? path : "closed";
    picture.text(`path ${path ?? "whole"}`, `small middle halo label path ${look}`, x, y, name);
  }
}

/** All of the graph. @param {Drawing} picture @param {Frame} frame */
export function drawGraph(picture, frame) {
  const { place } = frame;
  picture.size(place.width, place.height);
  for (const edge of place.edges) drawEdge(picture, frame, edge);
  picture.layer("nodes");
  for (const node of place.nodes) drawNode(picture, frame, node);
  picture.layer("tags");
  drawNames(picture, frame);
  const y = place.height - 6;
  const [on, back] = place.down ? ["▾", "▴"] : ["▸", "◂"];
  picture.text("values", "small data way", 8, y, `values ${on}`);
  picture.text("gradients", "small gradient way end", place.width - 8, y, `${back} gradients`);
}

/**
 * What flows over an edge, written above the graph: between the nodes there is no room.
 * @param {Drawing} picture @param {Frame} frame @param {PlacedEdge} edge
 * @param {[number, number]} seen from where to where the drawing is in sight
 */
export function drawTag(picture, { shown }, edge, [left, right]) {
  const flow = shown.flow.get(edge.key);
  if (!flow || !shown.defined || !passed(shown, edge.source)) return;
  const [source, target] = [edge.source, edge.target].map((i) => nodeAt(shown, i).symbol);
  const text = `${source} ◂ ${target}: ${list(flow)}`;
  const half = 3.4 * text.length;
  const x = clamp(edge.hold.x, left + half, Math.max(left + half, right - half));
  picture.layer("tags");
  picture.text("tag", "tag", x, 14, text);
}
