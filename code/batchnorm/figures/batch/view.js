import { arrow, scaleBar } from "../kit/arrow.js";
import { axis } from "../kit/axis.js";
import { handle } from "../kit/handle.js";
import { labels, lengthOf } from "../kit/labels.js";
import { clamp, domainOf, format, linear, snap, subscript, tidy } from "../kit/scale.js";
import { say } from "../kit/words.js";

/**
 * The picture of BatchFigure: a lane for each sample. In it, on one scale, the output with the
 * gradient that arrives there, and below it the input with the gradient that gets through.
 *
 * @import { Shown, View } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 * @import { Scale } from "../kit/scale.js"
 *
 * @typedef {object} Around what of a frame is not in the analysis
 * @property {View} view
 * @property {ReturnType<typeof layout>} place
 * @property {{setX: (i: number, v: number) => void, setDy: (i: number, v: number) => void}} act
 * @property {Scale} scale of inputs and outputs
 * @property {[number, number]} domain of it
 * @property {{x: number[], y: number[]}} now where all are while a step is under way
 * @typedef {Shown & Around} Frame
 * @typedef {(picture: Drawing, i: number, frame: Frame) => void} Lane
 */

const BARS = 40; // how far all have travelled: two bars, above all else
const HEAD = 20; // above the lanes: the mean's value
const AXIS = 24; // below them
const SCALE = 40; // and how long a gradient of 1 is
const LANES = 340; // units: so high are all lanes together, where each has all it needs
const PAD = 26; // between the panel's edge and what is at the end of the scale
const WIDE = 480; // from this width on the gutter for the values has room to breathe
const TALL = 72; // units: a lower lane has no room for what is left, bracketed
/** @type {[number, number]} */
const UP = [0, -1]; // where an arrow goes that is too short to leave its dot
export const REACH = 3; // the largest upstream gradient one can drag to

/**
 * Where the panel is, and in it each sample's lane.
 * @param {number} width @param {number} m
 * @param {boolean} [first] whether all of it must fit the first screen: no scale bar there, lower
 *   lanes, and on a phone no bars
 */
export function layout(width, m, first = false) {
  const wide = width >= WIDE;
  const short = first && !wide;
  const halves = [say("A step moves the dots"), say("the other way, downhill.")];
  const downhill = width < lengthOf(halves.join(" ")) ? halves : [halves.join(" ")];
  const lane = first ? 60 : clamp(LANES / m, 60, 80);
  const left = wide ? 122 : 104;
  const top = (short ? 0 : BARS) + HEAD;
  const bottom = top + m * lane;
  const at = (/** @type {number} */ i, /** @type {number} */ share) => top + (i + share) * lane;
  return {
    first,
    short,
    left,
    right: width,
    top,
    bottom,
    downhill, // its lines
    height: bottom + AXIS + (first ? 0 : SCALE + 15 * (downhill.length - 1)),
    edge: (/** @type {number} */ i) => at(i, 0),
    output: (/** @type {number} */ i) => at(i, 0.21),
    input: (/** @type {number} */ i) => at(i, 0.53),
    /** The lines of the gutter. @param {number} i @param {number} k */
    line: (i, k) => at(i, 0) + (k + 0.75) * Math.min(15, lane / 4.2),
    row: lane >= TALL ? 7 : 6, // from one part to the next
    whole: lane >= TALL,
    unit: (width - left - 2 * PAD) / 7, // of a gradient of 1: from a dot at 3 of 4 it ends in the panel
    scale: (/** @type {[number, number]} */ domain) => linear(domain, [left + PAD, width - PAD]),
  };
}

/**
 * How far the farthest input and output have travelled, as two bars.
 * @param {Drawing} picture @param {Frame} frame
 */
function bars(picture, { place, defined, travelled }) {
  if (place.short) return;
  const far = defined ? travelled : { inputs: 0, outputs: 0 };
  const most = domainOf([far.inputs, far.outputs], 2)[1];
  const from = Math.max(place.left, 114); // after the names
  const long = linear([0, most], [0, place.right - from - 60]);
  const names = { inputs: say("inputs travelled"), outputs: say("outputs travelled") };
  for (const [k, what] of /** @type {const} */ (["inputs", "outputs"]).entries()) {
    const y = 10 + 17 * k;
    const bar = { class: "data", x: from, y: y - 5, width: long(far[what]), height: 10 };
    const key = what === "inputs" ? "x" : "y";
    picture.text(`${key} far name`, "small", 0, y + 4, names[what]);
    picture.put(`${key} far`, "rect", bar);
    const x = from + bar.width + 6;
    picture.text(`${key} far value`, "small", x, y + 4, format(far[what], 2, 1));
  }
}

/** The panel: its lanes, the mean and s of the inputs, the axis. @param {Drawing} picture @param {Frame} frame */
function ground(picture, { x, mu, s, place, scale }) {
  const { left, right, top, bottom } = place;
  if (s !== undefined && mu !== undefined) {
    const [a, b] = [mu - s, mu + s].map(scale.inside);
    picture.put("band", "rect", {
      class: "band",
      x: a,
      width: b - a,
      y: top,
      height: bottom - top,
    });
  }
  const lines = x.map((_, i) => `M0 ${place.edge(i)}H${right}`).join("");
  picture.put("lanes", "path", { class: "grid", d: lines });
  const title = say("inputs x and outputs y");
  axis(picture, "x", { scale, at: bottom, grid: [top, bottom + 4] });
  if (!place.first) picture.text("x title", "small end", right, bottom + 33, title);
  if (mu === undefined) return;
  const at = scale.inside(mu);
  picture.put("mean", "path", { class: "mean line", d: `M${at} ${top}V${bottom}` });
  const name = clamp(at, left + 36, right - 36);
  picture.text("mean name", "small middle halo mean", name, top - 5, `μ = ${format(mu, 2)}`);
}

/**
 * Where something has been, in a lane of its own above it: a trail from ring to ring.
 * @param {Drawing} picture @param {string} key @param {number[]} places @param {number} y
 */
function trail(picture, key, places, y) {
  const from = places[0];
  const to = places[places.length - 1];
  if (places.length < 2 || Math.abs(to - from) < 1) return;
  picture.put(`${key} trail`, "path", { class: "cut hollow part", d: `M${from} ${y}H${to}` });
  const ring = (/** @type {number} */ x) =>
    `M${(x - 4).toFixed(1)} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0`;
  const d = places.slice(0, -1).map(ring).join("");
  picture.put(`${key} ghosts`, "path", { class: "ghost", d });
}

/**
 * What is left of the parts: from where they start to where they end, with its number, which keeps
 * off the last part, just above. Returns where it is: its left end, its line, its length.
 * @param {Drawing} picture @param {number} i @param {[number, number]} ends @param {number} y
 * @param {number} last the right end of that part @param {Frame} frame
 */
function remainder(picture, i, [from, to], y, last, { dx, place }) {
  const ends = [from, to].map((v) => clamp(v, place.left, place.right));
  const bracket = `M${ends[0]} ${y - 4}V${y}H${ends[1]}V${y - 4}`;
  picture.put(`left ${i}`, "path", { class: "gradient hollow round", d: bracket });
  const text = say("left: {dx}", { dx: format(dx[i], 3, 1) });
  const least = Math.min(...ends);
  const most = Math.max(...ends);
  const beyond = last > most + 4 && least - 90 < place.left ? last : most;
  const fits = beyond + 90 < place.right && beyond + 4 >= last;
  const where = fits ? beyond + 6 : least - 6;
  const look = `small halo gradient${fits ? "" : " end"}`;
  picture.text(`left name ${i}`, look, where, y + 3, text);
  const long = lengthOf(text);
  return /** @type {const} */ ([fits ? where : where - long, y + 3, long]);
}

/**
 * The parts of a gradient, path by path, each from where the one before it ends. Those that leave
 * the picture are `broken`.
 * @param {Drawing} picture @param {number} i @param {number} at @param {Frame} frame
 */
function split(picture, i, at, { parts, flows, place }) {
  const { left, right, unit } = place;
  const within = { left, right, top: 0, bottom: place.height };
  let tip = at;
  let last = at;
  let row = place.input(i) + 9;
  const links = [];
  const broken = [];
  for (const [path, values] of Object.entries(parts)) {
    const to = tip + values[i] * unit;
    const className = flows[path] ? `${path} part` : "cut part";
    const how = { className, head: 7, within };
    const seen = arrow(picture, `${path} ${i}`, [tip, row], [to, row], how);
    if (seen?.broken) {
      const middle = (seen.from[0] + seen.to[0]) / 2;
      broken.push({ path, look: flows[path] ? path : "quiet", at: [middle, row], v: values[i] });
    }
    last = Math.max(tip, to);
    if (flows[path]) tip = to;
    links.push(`M${clamp(tip, left, right)} ${row}v${place.row}`);
    row += place.row;
  }
  if (links.length > 1) {
    const d = links.slice(0, -1).join("");
    picture.put(`links ${i}`, "path", { class: "grid", d });
  }
  return { tip, last, row, broken };
}

/**
 * The numbers of parts that leave the picture, below their arrows.
 * @param {Drawing} picture @param {number} i @param {ReturnType<typeof split>["broken"]} broken
 * @param {ReturnType<typeof remainder> | undefined} left @param {Frame["place"]} place
 */
function numbers(picture, i, broken, left, place) {
  const room = { left: place.left, right: place.right, top: place.input(i) + 8 };
  const names = labels(picture, { ...room, bottom: place.edge(i + 1) - 3 });
  if (left) names.taken(...left);
  for (const { path, look, at, v } of broken) {
    names.put(`${path} value ${i}`, format(v, 3), at, [0, 1], look);
  }
}

/** The next step: where it leads, and which way. @param {Drawing} picture @param {number} i */
function ahead(picture, i, /** @type {number} */ at, /** @type {Frame} */ { next, scale, place }) {
  const to = scale.inside(next.x[i]);
  const y = place.input(i);
  if (Math.abs(to - at) <= 12) return;
  const side = Math.sign(to - at);
  const d = `M${at + 7 * side} ${y}H${to - 5 * side}`;
  picture.put(`x way ${i}`, "path", { class: "data hollow dashed", d });
  picture.put(`x next ${i}`, "circle", { class: "data hollow", cx: to, cy: y, r: 5 });
  const name = say("next step");
  const room = Math.max(72, lengthOf(name) + 10);
  const named = side > 0 ? to + room < place.right : to - room > place.left;
  if (!named) return;
  const look = `small halo data${side > 0 ? "" : " end"}`;
  picture.text(`x next name ${i}`, look, to + 9 * side, y + 4, name);
}

/** One sample: its dot, its trail, the gradient that reaches it, path by path. @type {Lane} */
function sample(picture, i, frame) {
  const { x, dx, parts, flows, called, defined, place, scale, act, past, view } = frame;
  const { left, right } = place;
  const at = scale.inside(frame.now.x[i]);
  const y = place.input(i);
  const name = subscript("x", i);
  picture.layer("trails");
  trail(picture, `x ${i}`, [...past.map((p) => scale.inside(p.x[i])), at], y - 13);
  picture.layer("arrows");
  const is = `${name} = ${format(x[i], 2)}`;
  picture.text(`x name ${i}`, "small halo data", 0, place.line(i, 2), is);
  let text = say("{sample}; outputs not defined", { sample: is });
  if (defined) {
    const value = format(dx[i], 3, 1);
    const gradient = `∂L/∂${subscript("x", i)} = ${value}`;
    picture.text(`dx name ${i}`, "small halo gradient", 0, place.line(i, 3), gradient);
    const within = { left, right, top: 0, bottom: place.height };
    const how = { className: "gradient arrow", head: 10, dot: 7, within, value, side: UP };
    ahead(picture, i, at, frame);
    arrow(picture, `dx ${i}`, [at, y], [at + dx[i] * place.unit, y], how);
    const { tip, last, row, broken } = split(picture, i, at, frame);
    const rest = place.whole ? remainder(picture, i, [at, tip], row + 1, last, frame) : undefined;
    numbers(picture, i, broken, rest, place);
    const closed = say("cut");
    const sent = Object.entries(parts).map(
      ([path, v]) => `${called[path]} ${format(v[i])}${flows[path] ? "" : `, ${closed}`}`,
    );
    const holes = { sample: is, dx: format(dx[i]), parts: sent.join("; ") };
    text = say("{sample}; gradient {dx}: {parts}", holes);
  }
  picture.layer("things");
  handle(picture, `x ${i}`, {
    x: at,
    y,
    label: say("sample {name}", { name }),
    range: frame.domain,
    value: x[i],
    text,
    marks: [["circle", { class: "data", r: 7 }]],
    move(to) {
      const near = Math.abs(scale.invert(6) - scale.invert(0));
      const others = view.get().x.toSpliced(i, 1);
      act.setX(i, clamp(snap(scale.invert(to), others, near), ...frame.domain));
    },
    nudge: (stepX, stepY) => act.setX(i, tidy(view.get().x[i] + 0.1 * (stepX + stepY))),
    go: (v) => act.setX(i, v),
  });
}

/** One output, and the gradient that arrives there, to be dragged by its tip. @type {Lane} */
function output(picture, i, frame) {
  const { y, dy, place, scale, past, act, view } = frame;
  const { left, right } = place;
  const at = scale.inside(frame.now.y[i]);
  const lane = place.output(i);
  const gradient = `∂L/∂${subscript("y", i)}`;
  const value = format(dy[i], 2);
  picture.layer("trails");
  trail(picture, `y ${i}`, [...past.map((p) => scale.inside(p.y[i])), at], lane - 11);
  picture.layer("arrows");
  const is = `${subscript("y", i)} = ${format(y[i], 2)}`;
  const got = `${gradient} = ${value}`;
  picture.text(`y name ${i}`, "small halo data", 0, place.line(i, 0), is);
  picture.text(`dy name ${i}`, "small halo gradient", 0, place.line(i, 1), got);
  const tip = at + dy[i] * place.unit;
  const within = { left, right, top: 0, bottom: place.height };
  const how = { className: "gradient arrow", head: 10, within, value };
  arrow(picture, `dy ${i}`, [at, lane], [tip, lane], how);
  picture.layer("things");
  picture.put(`y ${i}`, "circle", { class: "data hollow strong", cx: at, cy: lane, r: 6 });
  handle(picture, `dy ${i} tip`, {
    x: clamp(tip, left + 8, right - 8),
    y: lane,
    label: say("gradient {name}", { name: gradient }),
    range: [-REACH, REACH],
    value: dy[i],
    text: value,
    marks: [["circle", { class: "gradient hollow", r: 6 }]],
    move: (to) => act.setDy(i, snap((to - at) / place.unit, view.get().dy.toSpliced(i, 1), 0.06)),
    nudge: (stepX, stepY) => act.setDy(i, tidy(view.get().dy[i] + 0.1 * (stepX + stepY))),
  });
}

/** Draws a frame. @param {Drawing} picture @param {Frame} frame */
export function paint(picture, frame) {
  const { x, defined, place } = frame;
  picture.layer("ground");
  bars(picture, frame);
  ground(picture, frame);
  const { bottom, unit } = place;
  if (!place.first) {
    scaleBar(picture, "unit", 0, bottom + 29, unit, say("a gradient of 1, uphill"));
    place.downhill.forEach((text, k) =>
      picture.text(`downhill ${k}`, "small", 0, bottom + 50 + 15 * k, text),
    );
  }
  x.forEach((_, i) => sample(picture, i, frame));
  if (defined) x.forEach((_, i) => output(picture, i, frame));
}
