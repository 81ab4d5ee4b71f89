import { edgeKey } from "../../graph/interpreter.js";
import { clamp } from "../kit/scale.js";

/**
 * Where the nodes and edges of GraphFigure are in a drawing; no DOM.
 *
 * @import { Drawn } from "./model.js"
 * @typedef {[number, number]} Point
 * @typedef {{x: number, y: number, slope: number}} Hold where an edge is taken hold of
 * @typedef {import("./model.js").Node & {rank: number, x: number, y: number, w: number,
 *   h: number}} PlacedNode
 * @typedef {import("./model.js").Edge & {key: string, hold: Hold, path: string, line: Point[]}}
 *   PlacedEdge `line`: points on its path, about ten pixels apart
 * @typedef {{nodes: PlacedNode[], edges: PlacedEdge[], down: boolean, width: number,
 *   height: number}} Place
 */

const SIDE = 8; // free at both ends
const TOP = 22; // above the graph: what flows over the edge that is pointed at
const NAMES = 14; // and names of paths, above one that goes across
const FOOT = 34; // below it: which way values and gradients go
const NARROWEST = -8; // pixels that a gap may shrink by, so that the graph has room
const WIDEST = 34; // pixels that it may grow by
const LEFT = 0.3; // of the room beside a graph that goes down: most names are at its right
const APART = 17; // pixels between the handles of two edges

/** The least width of a drawing. @param {import("./model.js").Layout} layout */
const least = ({ width, ranks }, down = false) =>
  width + 2 * SIDE + (down ? 0 : NARROWEST * (ranks - 1));

/**
 * Everything in a drawing of this width, from left to right. Where that does not fit, from top to
 * bottom, if the drawing is less wide then.
 * @param {Drawn} drawn @param {"plain" | "full"} how @param {number} width
 * @param {number} [most] the width that there is, if nothing is drawn larger than life
 * @returns {Place}
 */
export function arrange(drawn, how, width, most = width) {
  const { across, down: below } = drawn[how];
  const down = least(across) > most && least(below, true) < least(across);
  const { boxes, routes, ranks, ...size } = down ? below : across;
  const free = (width - 2 * SIDE - size.width) / Math.max(1, ranks - 1);
  const more = down ? 0 : clamp(free, NARROWEST, WIDEST);
  const top = down ? TOP : TOP + NAMES;
  const side = down ? Math.max(SIDE, LEFT * (width - size.width)) : SIDE;
  const at = (/** @type {number} */ rank, /** @type {number} */ x) => side + x + rank * more;
  /** @type {Hold[]} */
  const taken = [];
  const edges = drawn.edges.map((edge, i) => {
    /** @type {Point[]} */
    const points = routes[i].map(([rank, x, y]) => [at(rank, x), y + top]);
    const hold = holdOf(points, taken, down);
    taken.push(hold);
    const key = edgeKey(edge.target, edge.slot);
    return { ...edge, key, hold, path: pathOf(points, down), line: lineOf(points, down) };
  });
  const nodes = drawn.nodes.map((node) => {
    const box = boxes[node.node];
    return { ...node, ...box, x: at(box.rank, box.x), y: box.y + top };
  });
  const wide = Math.max(size.width + 2 * SIDE + more * (ranks - 1), down ? width : 0);
  return { nodes, edges, down, width: Math.max(wide, 200), height: size.height + top + FOOT };
}

/** @param {Point} point */
const turned = ([x, y]) => /** @type {Point} */ ([y, x]);

/**
 * A bend through each gap, a straight line past each rank.
 * @param {Point[]} points @param {boolean} down
 */
function pathOf(points, down) {
  const parts = points.slice(1).map((q, k) => {
    if (k % 2) return `L${q.join(" ")}`;
    const [[u, v], [x, y]] = down ? [turned(points[k]), turned(q)] : [points[k], q];
    /** @type {Point[]} */
    const bend = [
      [(u + x) / 2, v],
      [(u + x) / 2, y],
      [x, y],
    ];
    return `C${(down ? bend.map(turned) : bend).flat().join(" ")}`;
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

/** Points on a path, about ten pixels apart. @param {Point[]} points @param {boolean} down */
function lineOf(points, down) {
  const along = down ? onBendDown : onBend;
  return points.slice(1).flatMap((q, k) => {
    const p = points[k];
    const count = Math.ceil(Math.hypot(q[0] - p[0], q[1] - p[1]) / 10);
    return Array.from({ length: count + 1 }, (_, i) => {
      const t = i / count;
      const { x, y } = along(p, q, t);
      const straight = [p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t];
      return /** @type {Point} */ (k % 2 ? straight : [x, y]);
    });
  });
}

/**
 * As `onBend`, for a bend that goes down.
 * @param {Point} p @param {Point} q @param {number} t @returns {Hold}
 */
function onBendDown(p, q, t) {
  const { x, y, slope } = onBend(turned(p), turned(q), t);
  return { x: y, y: x, slope: Math.PI / 2 - slope };
}

/**
 * Where an edge is taken hold of: its middle, or the place farthest from the other handles.
 * @param {Point[]} points @param {Hold[]} taken @param {boolean} down
 */
function holdOf(points, taken, down) {
  const bends = points.slice(1).map((q, k) => ({ k, p: points[k], q }));
  const middle = (bends.length - 1) / 2;
  const nearest = bends.sort((a, b) => Math.abs(a.k - middle) - Math.abs(b.k - middle));
  const along = down ? onBendDown : onBend;
  const straight = down ? Math.PI / 2 : 0;
  const candidates = nearest.flatMap(({ k, p, q }) =>
    k % 2
      ? [{ x: (p[0] + q[0]) / 2, y: (p[1] + q[1]) / 2, slope: straight }]
      : [0.5, 0.35, 0.65, 0.2, 0.8].map((t) => along(p, q, t)),
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
export function neighbour({ nodes, edges, down }, key, way) {
  const item = thingAt({ nodes, edges }, key);
  const [on, back, next] = down
    ? ["ArrowDown", "ArrowUp", "ArrowRight"]
    : ["ArrowRight", "ArrowLeft", "ArrowDown"];
  const aside = (/** @type {{x: number, y: number}} */ { x, y }) => (down ? x : y);
  const inOrder = (/** @type {PlacedEdge[]} */ list) =>
    list.sort((a, b) => aside(a.hold) - aside(b.hold));
  if (way === "Home") return `node ${nodes[0].node}`;
  if (way === "End") return `node ${nodes.at(-1)?.node}`;
  const onwards = way === on;
  if (onwards || way === back) {
    if (item.edge) return `node ${onwards ? item.edge.target : item.edge.source}`;
    const from = item.node?.node;
    const [edge] = inOrder(edges.filter((e) => (onwards ? e.source : e.target) === from));
    return edge && `edge ${edge.key}`;
  }
  const { edge, node } = item;
  const row = edge
    ? inOrder(edges.filter((e) => e.source === edge.source)).map((e) => `edge ${e.key}`)
    : nodes
        .filter((n) => n.rank === node?.rank)
        .sort((a, b) => aside(a) - aside(b))
        .map((n) => `node ${n.node}`);
  return row[row.indexOf(key) + (way === next ? 1 : -1)];
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
