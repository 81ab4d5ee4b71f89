import { arrow, clipped } from "../kit/arrow.js";
import { labels } from "../kit/labels.js";
import { clamp, format } from "../kit/scale.js";
import { intoSpace, lengthOf, scaled, shifted } from "./model.js";

/**
 * The two views of SphereFigure: what is in space, seen through a camera.
 *
 * @import { Shown, Triple } from "./model.js"
 * @typedef {{cx: number, cy: number, half: number, left: number, right: number, top: number,
 *   bottom: number}} Place of a view: its centre, half the width of the plane, its edges
 * @typedef {ReturnType<typeof sceneOf>} Scene
 */

const GAP = 16;
const HEADING = 24;
const WIDE = 560; // from this width on the views are side by side
const TILT = 24; // degrees by which the side view looks down on the plane
export const STEEP = Math.cos((TILT * Math.PI) / 180);
export const HIGH = 0.62; // as far out of the plane as the side view shows, in half its width
const ROOT3 = Math.sqrt(3);

/** Where the two views are. @param {number} width */
export function layout(width) {
  const wide = width >= WIDE;
  const w = wide ? (width - GAP) / 2 : width;
  const [high, low] = wide ? [w, w] : [0.8 * w, 0.68 * w];
  /** @param {number} left @param {number} top @param {number} h @returns {Place} */
  const view = (left, top, h) => ({
    left,
    right: left + w,
    top,
    bottom: top + h,
    cx: left + w / 2,
    cy: top + h / 2,
    half: left || !wide ? Math.min(w, Math.max(h, low / 0.68)) / 2 : w / 2,
  });
  const top = view(0, HEADING, high);
  const side = wide ? view(w + GAP, HEADING, high) : view(0, 2 * HEADING + high, low);
  top.half = Math.min(w, high) / 2;
  return { height: side.bottom, top, side };
}

/**
 * A camera that looks down on the plane: `turn` degrees around the direction 1, which points to
 * the viewer at `tilt` 90 and up at `tilt` 0. Gives [right, up] for a place in space.
 * @param {number} turn @param {number} tilt
 */
function camera(turn, tilt) {
  const c = Math.cos((turn * Math.PI) / 180);
  const s = Math.sin((turn * Math.PI) / 180);
  const flat = Math.sin((tilt * Math.PI) / 180);
  const steep = Math.cos((tilt * Math.PI) / 180);
  return (/** @type {Triple} */ [a, b, h]) => [a * c - b * s, (a * s + b * c) * flat + h * steep];
}

/** The point on the way from a to b where it leaves the square [-reach, reach]², or b. */
function within(/** @type {number[]} */ a, /** @type {number[]} */ b, /** @type {number} */ reach) {
  const part = a.map((v, i) => {
    const step = b[i] - v;
    return step ? Math.max(0, (Math.sign(step) * reach - v) / step) : 1;
  });
  const k = Math.min(1, ...part);
  return a.map((v, i) => v + k * (b[i] - v));
}

/**
 * How one view draws: `place(p)` is where a place in space is seen; the rest puts things there.
 *
 * @param {ReturnType<typeof import("../kit/svg.js").drawing>} picture @param {"top" | "side"} key
 * @param {Place} place
 * @param {number} reach half the width of the plane, in values
 * @param {number} turn
 */
export function sceneOf(picture, key, place, reach, turn) {
  const see = key === "top" ? camera(0, 90) : camera(turn, TILT);
  const unit = place.half / reach;
  const { cx, cy } = place;
  const pixel = (/** @type {number[]} */ [u, v]) =>
    /** @type {[number, number]} */ ([cx + u * unit, cy - v * unit]);
  const at = (/** @type {Triple} */ p) => pixel(see(p));
  const ends = (/** @type {Triple} */ a, /** @type {Triple} */ b) => [
    at(a),
    pixel(within(see(a), see(b), reach)),
  ];
  const names = labels(picture, place);
  const room = {
    left: Math.max(place.left, cx - place.half),
    right: Math.min(place.right, cx + place.half),
    top: Math.max(place.top, cy - place.half),
    bottom: Math.min(place.bottom, cy + place.half),
  };
  const id = (/** @type {string} */ name) => `${key} ${name}`;
  return {
    picture,
    key,
    reach,
    unit,
    box: place,
    names,
    id,
    at,
    /** Where an arrow's tip is seen. @param {Triple} a @param {Triple} b */
    tip: (a, b) => clipped(at(a), at(b), room).to,
    /** @param {string} name @param {Triple} a @param {Triple} b @param {string} className */
    line(name, a, b, className) {
      picture.put(id(name), "path", { class: className, d: `M${ends(a, b).join("L")}` });
    },
    /** @param {string} name @param {Triple} a @param {Triple} b @param {string} className */
    arrow(name, a, b, className, head = 9) {
      const value = format(lengthOf(shifted(b, a, -1)), 2);
      const seen = arrow(picture, id(name), at(a), at(b), { className, head, within: room, value });
      if (seen?.value) names.taken(...seen.value);
    },
    /** @param {string} name @param {number} radius @param {string} className */
    circle(name, radius, className) {
      const flat = key === "top" ? 1 : Math.sin((TILT * Math.PI) / 180);
      const rx = radius * unit;
      const ry = radius * unit * flat;
      picture.put(id(name), "ellipse", { class: className, cx, cy, rx, ry });
    },
    /** @param {string} name @param {Triple} p @param {string} className @param {number} r */
    dot(name, p, className, r) {
      const [x, y] = at(p);
      picture.put(id(name), "circle", { class: className, cx: x, cy: y, r });
    },
    // A thing from a to b is named beside its middle, away from the centre
    /** @param {string} text @param {Triple} a @param {Triple} b @param {string} [className] */
    name(text, a, b, className) {
      const [from, to] = ends(a, b);
      const middle = from.map((v, i) => (v + to[i]) / 2);
      const dx = to[0] - from[0];
      const dy = to[1] - from[1];
      const out = [middle[0] - cx, middle[1] - cy];
      const side = -dy * out[0] + dx * out[1] < 0 ? -1 : 1;
      const normal = Math.hypot(dx, dy) < 1 ? out : [-dy * side, dx * side];
      names.put(id(`name of ${text}`), text, middle, normal, className);
    },
  };
}

const CLEAR = 18; // units from a dot, within which it would hide a letter
const apart = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
  Math.hypot(a[0] - b[0], a[1] - b[1]);

/** The plane, its circle, its axes; R and x̂. @param {Scene} scene @param {Shown} shown */
export function ground(scene, { defined, x_hat, space }) {
  const { reach, key } = scene;
  const { x: point, dx, centred, chain } = space;
  const marks = [point, centred, ...(defined ? [chain[0], chain[3]] : [])].map(scene.at);
  if (defined) {
    const tip = scene.tip(point, dx);
    marks.push(/** @type {[number, number]} */ (tip));
    marks.push([(marks[0][0] + tip[0]) / 2, (marks[0][1] + tip[1]) / 2]);
  }
  scene.circle("plane", reach * 0.98, "plane");
  for (const i of [0, 1, 2]) {
    const [a, b] = intoSpace([0, 1, 2].map((j) => (j === i ? 1 : 0)));
    const end = scaled([a, b, 0], (reach * 0.9) / Math.hypot(a, b));
    scene.line(`axis ${i}`, [0, 0, 0], end, "grid");
    // Nearer to the centre, where a dot or an arrow would hide it
    const places = [1, 0.78, 0.56, 0.4].map((part) => scene.at(scaled(end, part)));
    const clear = places.map((at) => Math.min(...marks.map((mark) => apart(at, mark))));
    const first = clear.findIndex((far) => far > CLEAR);
    const [x, y] = places[first < 0 ? clear.indexOf(Math.max(...clear)) : first];
    const where = { class: "small middle halo faded", x, y: y + 4 };
    scene.picture.put(scene.id(`axis name ${i}`), "text", where, `x${"₁₂₃"[i]}`);
    scene.names.avoid(x, y, 9);
  }
  if (key === "side") {
    const top = /** @type {Triple} */ ([0, 0, reach * HIGH]);
    scene.line("one", scaled(top, -1), top, "grid");
    const [x, y] = scene.at(top);
    scene.picture.text(scene.id("one name"), "small halo faded", x + 6, y + 8, "1");
    scene.names.avoid(x + 10, y + 4, 10);
  }
  scene.circle("orbit", lengthOf(space.centred), "grid");
  scene.circle("unit circle", ROOT3, "axis");
  const length = lengthOf(x_hat);
  if (defined && ROOT3 - length > 0.01) scene.circle("shrunk", length, "data hollow dashed");
  scene.line("ray", [0, 0, 0], space.centred, "grid");
  if (key === "side") {
    scene.line("drop", space.x, space.centred, "data part dashed");
    scene.dot("foot", space.centred, "data hollow", 3.5);
  }
}

const NAMES = {
  mean: "mean’s part",
  variance: "variance’s part",
  passes: "passes",
};

/** What is taken away last, while it goes. */
const GOING = ["", "mean", "variance"];

/**
 * dy from x̂ on, part by part; what was peeled off is grey. `left` is the tip of what is left.
 * @param {Scene} scene @param {Shown} shown @param {Triple} left
 */
export function parts(scene, { space, peeled }, left) {
  const [start, q, r, tip] = space.chain;
  const seen = (/** @type {Triple} */ a, /** @type {Triple} */ b) => {
    const from = scene.at(a);
    const to = scene.at(b);
    return Math.hypot(to[0] - from[0], to[1] - from[1]) > 8;
  };
  for (const p of [start, tip, space.x, space.centred]) scene.names.avoid(...scene.at(p));
  for (const [a, b] of [
    [start, q],
    [q, r],
    [r, tip],
    [start, tip],
    [space.x, space.dx],
    [space.x, space.next],
    [space.x, space.centred],
  ])
    scene.names.avoidLine([scene.at(a), scene.at(b)]);
  scene.line("dy", start, left, "gradient part dashed shaft");
  const pieces = /** @type {["mean" | "variance" | "passes", Triple, Triple, boolean][]} */ ([
    ["passes", start, q, false],
    ["variance", q, r, peeled > 1],
    ["mean", r, tip, peeled > 0],
  ]);
  for (const [part, from, to, off] of pieces) {
    const look = part === "passes" ? "ink" : part;
    scene.arrow(part, from, to, off ? "cut part" : `${look} arrow`);
    const going = part === GOING[peeled] && lengthOf(shifted(left, from, -1)) > 0.01;
    if (going) scene.arrow(`${part} going`, from, left, `${look} arrow`);
  }
  scene.arrow("dx", space.x, space.dx, "gradient arrow", 10);
  scene.dot("x hat", start, "data", 4.5);
  const beyond = (/** @type {Triple} */ p) => shifted(p, p, 1e-6);
  for (const [part, from, to, off] of pieces) {
    const look = off ? "quiet" : part === "passes" ? "" : part;
    if (seen(from, to)) scene.name(NAMES[part], from, to, `label ${look}`);
  }
  scene.name("x̂", start, beyond(start), "label data");
  const [batch, at] = scene.key === "top" ? ["R = x − mean", space.centred] : ["x", space.x];
  scene.name(batch, at, beyond(at), "label data");
  if (seen(start, tip)) scene.name("dy", tip, beyond(tip), "label gradient");
  if (seen(space.x, space.dx)) scene.name("dx", space.x, space.dx, "label gradient");
  if (seen(space.x, space.next)) scene.name("next step", space.x, space.next, "quiet");
}

/** Where the batch was, and where the next step leads. @param {Scene} scene @param {Shown} shown */
export function walk(scene, { defined, space }) {
  if (defined) scene.line("step", space.x, space.next, "cut part");
  if (!space.trail.length) return;
  const d = `M${[...space.trail, space.x].map((p) => scene.at(p)).join("L")}`;
  scene.picture.put(scene.id("trail"), "path", { class: "data hollow dashed", d });
  space.trail.forEach((p, i) => scene.dot(`trail ${i}`, p, "data", 2.5));
}

/** Within a view's bounds, as a share of it. */
export const bound = (/** @type {number} */ v, /** @type {number} */ most) => clamp(v, -most, most);
