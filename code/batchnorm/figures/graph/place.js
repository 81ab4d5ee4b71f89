import { edgeKey } from "../../graph/interpreter.js";
import { clamp } from "../kit/scale.js";

/**
 * Where the nodes and edges of GraphFigure stand in a drawing; no DOM.
 *
 * @import { Drawn } from "./model.js"
 * @typedef {[number, number]} Point
 * @typedef {{x: number, y: number, slope: number}} Hold where an edge is taken hold of
 * @typedef {import("./model.js").Node & {rank: number, x: number, y: number, w: number,
 *   h: number}} PlacedNode
 * @typedef {import("./model.js").Edge & {key: string, hold: Hold, path: string}} PlacedEdge
 * @typedef {{nodes: PlacedNode[], edges: PlacedEdge[], width: number, height: number}} Place
 */

const SIDE = 8; // free at both ends
const TOP = 22; // above the graph: what flows over the edge that is pointed at
const FOOT = 22; // below it: which way values and gradients go
const NARROWEST = -8; // pixels that a gap may shrink by, so that the graph has room
const WIDEST = 34; // pixels that it may grow by
const APART = 17; // pixels between the handles of two edges

/**
 * Everything in a drawing of this width, or in a wider one if it does not fit.
 * @param {Drawn} drawn @param {"plain" | "full"} how @param {number} width @returns {Place}
 */
export function arrange(drawn, how, width) {
  const { boxes, routes, ranks, ...size } = drawn[how];
  const free = (width - 2 * SIDE - size.width) / Math.max(1, ranks - 1);
  const more = clamp(free, NARROWEST, WIDEST);
  const at = (/** @type {number} */ rank, /** @type {number} */ x) => SIDE + x + rank * more;
  /** @type {Hold[]} */
  const taken = [];
  const edges = drawn.edges.map((edge, i) => {
    /** @type {Point[]} */
    const points = routes[i].map(([rank, x, y]) => [at(rank, x), y + TOP]);
    const hold = holdOf(points, taken);
    taken.push(hold);
    return { ...edge, key: edgeKey(edge.target, edge.slot), hold, path: pathOf(points) };
  });
  const nodes = drawn.nodes.map((node) => {
    const box = boxes[node.node];
    return { ...node, ...box, x: at(box.rank, box.x), y: box.y + TOP };
  });
  const wide = size.width + 2 * SIDE + more * (ranks - 1);
  return { nodes, edges, width: Math.max(wide, 200), height: size.height + TOP + FOOT };
}

/** A bend through each gap, a level line past each column. @param {Point[]} points */
function pathOf(points) {
  const parts = points.slice(1).map(([x, y], k) => {
    const [u, v] = points[k];
    const middle = (u + x) / 2;
    return k % 2 ? `L${x} ${y}` : `C${middle} ${v} ${middle} ${y} ${x} ${y}`;
  });
  return `M${points[0].join(" ")}${parts.join("")}`;
}

/**
 * A bend at t, and its slope.
 * @param {Point} p @param {Point} q @param {number} t @returns {Hold}
 */
function onBend([x0, y0], [x1, y1], t) {
  const middle = (x0 + x1) / 2;
  const u = 1 - t;
  const a = u ** 3;
  const b = 3 * u * u * t;
  const c = 3 * u * t * t;
  const d = t ** 3;
  const dx = 1.5 * (x1 - x0) * (u * u + t * t);
  const dy = 6 * u * t * (y1 - y0);
  const slope = Math.atan2(dy, dx);
  return { x: a * x0 + (b + c) * middle + d * x1, y: (a + b) * y0 + (c + d) * y1, slope };
}

/**
 * Where an edge is taken hold of: its middle, or the place farthest from the other handles.
 * @param {Point[]} points @param {Hold[]} taken
 */
function holdOf(points, taken) {
  const bends = points.slice(1).map((q, k) => ({ k, p: points[k], q }));
  const middle = (bends.length - 1) / 2;
  const nearest = bends.sort((a, b) => Math.abs(a.k - middle) - Math.abs(b.k - middle));
  const candidates = nearest.flatMap(({ k, p, q }) =>
    k % 2
      ? [{ x: (p[0] + q[0]) / 2, y: p[1], slope: 0 }]
      : [0.5, 0.35, 0.65, 0.2, 0.8].map((t) => onBend(p, q, t)),
  );
  const room = (/** @type {Hold} */ { x, y }) =>
    Math.min(...taken.map((other) => Math.hypot(x - other.x, y - other.y)), 1e9);
  const free = candidates.find((c) => room(c) >= APART);
  return free ?? candidates.reduce((a, b) => (room(b) > room(a) ? b : a));
}

/**
 * The key of the thing that an arrow key leads to; undefined where there is none.
 * @param {Place} place
 * @param {string} key of a thing: "node 3", "edge 4:0"
 * @param {string} way the key pressed
 */
export function neighbour({ nodes, edges }, key, way) {
  const item = thingAt({ nodes, edges }, key);
  const byHeight = (/** @type {PlacedEdge[]} */ list) => list.sort((a, b) => a.hold.y - b.hold.y);
  if (way === "Home") return `node ${nodes[0].node}`;
  if (way === "End") return `node ${nodes.at(-1)?.node}`;
  const onwards = way === "ArrowRight";
  if (onwards || way === "ArrowLeft") {
    if (item.edge) return `node ${onwards ? item.edge.target : item.edge.source}`;
    const from = item.node?.node;
    const [edge] = byHeight(edges.filter((e) => (onwards ? e.source : e.target) === from));
    return edge && `edge ${edge.key}`;
  }
  const { edge, node } = item;
  const row = edge
    ? byHeight(edges.filter((e) => e.source === edge.source)).map((e) => `edge ${e.key}`)
    : nodes
        .filter((n) => n.rank === node?.rank)
        .sort((a, b) => a.y - b.y)
        .map((n) => `node ${n.node}`);
  return row[row.indexOf(key) + (way === "ArrowDown" ? 1 : -1)];
}

/**
 * @param {Pick<Place, "nodes" | "edges">} place @param {string | null} key
 * @returns {{node?: PlacedNode, edge?: PlacedEdge}}
 */
export function thingAt({ nodes, edges }, key) {
  const [kind, id] = key?.split(" ") ?? [];
  if (kind === "node") return { node: nodes.find((n) => n.node === Number(id)) };
  return kind ? { edge: edges.find((e) => e.key === id) } : {};
}
