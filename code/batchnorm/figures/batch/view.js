import { arrow, scaleBar } from "../kit/arrow.js";
import { axis } from "../kit/axis.js";
import { handle } from "../kit/handle.js";
import { PATHS } from "../kit/routes.js";
import { clamp, domainOf, format, linear, snap, subscript, tidy } from "../kit/scale.js";

/**
 * The picture of BatchFigure: two panels, inputs and outputs, a lane for each sample.
 *
 * @import { Shown, View } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 * @import { Scale } from "../kit/scale.js"
 * @typedef {ReturnType<typeof panelAt>} Panel
 *
 * @typedef {object} Around what of a frame is not in the analysis
 * @property {View} view
 * @property {ReturnType<typeof layout>} place
 * @property {{setX: (i: number, v: number) => void, setDy: (i: number, v: number) => void}} act
 * @property {Scale} sx of the inputs
 * @property {Scale} sy of the outputs
 * @property {[number, number]} domain of the inputs
 * @property {{x: number[], y: number[]}} now where all stand while a step is under way
 * @typedef {Shown & Around} Frame
 * @typedef {(picture: Drawing, i: number, frame: Frame) => void} Lane
 */

const HEAD = 36; // above the lanes: title, the mean's value
const FOOT = 80; // below them: the axis, how far all have travelled, how long a gradient is
const SCALE = 24; // of which the last
const AXIS = 24; // and the first
const PAD = 26;
const WIDE = 560; // from this width on the panels stand side by side
export const REACH = 3; // the largest upstream gradient one can drag to

/**
 * One panel, `w` wide, with lanes of this height for m samples.
 * @param {number[]} corner @param {number} w @param {number} high @param {number} m
 */
const panelAt = ([left, top], w, high, m) => ({
  left,
  right: left + w,
  top: top + HEAD,
  bottom: top + HEAD + m * high,
  lane: (/** @type {number} */ i) => top + HEAD + (i + 0.42) * high,
  scale: (/** @type {number[]} */ domain) => linear(domain, [left + PAD, left + w - PAD]),
});

/**
 * Where the panels are, and in them each sample's lane.
 * @param {number} width @param {number} m
 * @param {boolean} [first] whether all of it must fit the first screen: no scale bar there, and on
 *   a phone lower lanes and no other bars
 */
export function layout(width, m, first = false) {
  const wide = width >= WIDE;
  const short = first && !wide;
  const w = wide ? (width - 28) / 2 : width;
  const lane = wide ? 52 : short ? 36 : 45;
  const h = HEAD + m * lane + (short ? AXIS : first ? FOOT - SCALE : FOOT);
  return {
    first,
    short,
    height: wide ? h : 2 * h + 8,
    input: panelAt([0, 0], w, lane, m),
    output: panelAt(wide ? [w + 28, 0] : [0, h + 8], w, lane, m),
    unit: (w - 2 * PAD) / 6, // a gradient of 1 is drawn as a sixth of the panel
  };
}

/**
 * The ground of a panel: its title and its axis; and how far its things have travelled.
 * @param {Drawing} picture @param {string} key @param {Panel} panel
 * @param {{scale: Scale, title: string, far: number, most?: number}} of `most` if there is room for bars
 */
function ground(picture, key, { left, right, top, bottom }, { scale, title, far, most }) {
  picture.text(`${key} title`, "title", left, top - 22, title);
  axis(picture, key, { scale, at: bottom, grid: [top, bottom + 4] });
  if (!most) return;
  const long = linear([0, most], [0, right - left - 190]);
  const x = left + 130;
  const y = bottom + 40;
  const name = `${key === "x" ? "inputs" : "outputs"} travelled`;
  picture.text(`${key} far name`, "small", left, y + 4, name);
  picture.put(`${key} far`, "rect", { class: "data", x, y: y - 5, width: long(far), height: 10 });
  picture.text(`${key} far value`, "small", x + long(far) + 6, y + 4, format(far, 2, 1));
}

/**
 * Where a sample has been: a trail from ring to ring.
 * @param {Drawing} picture @param {string} key @param {number[]} places @param {number} y
 */
function trail(picture, key, places, y) {
  const from = places[0];
  const to = places[places.length - 1];
  if (places.length < 2 || Math.abs(to - from) < 1) return;
  picture.put(`${key} trail`, "path", { class: "cut hollow part", d: `M${from} ${y}H${to}` });
  const ring = (/** @type {number} */ x) =>
    `M${(x - 5).toFixed(1)} ${y}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`;
  const d = places.slice(0, -1).map(ring).join("");
  picture.put(`${key} ghosts`, "path", { class: "ghost", d });
}

/** @param {Drawing} picture @param {Panel} panel @param {Frame} frame */
function moments(picture, { left, right, top, bottom }, { mu, s, sx }) {
  if (mu === undefined) return;
  if (s !== undefined) {
    const a = sx.inside(mu - s);
    const b = sx.inside(mu + s);
    const band = { x: a, width: b - a, y: top, height: bottom - top };
    picture.put("band", "rect", { class: "band", ...band });
  }
  picture.put("mean", "path", { class: "mean line", d: `M${sx.inside(mu)} ${top}V${bottom}` });
  const x = clamp(sx.inside(mu), left + 36, right - 36);
  picture.text("mean name", "small middle", x, top - 4, `μ = ${format(mu, 2)}`);
}

/** One sample: its dot, its trail, the gradient that reaches it, path by path. @type {Lane} */
function sample(picture, i, frame) {
  const { x, dx, parts, flows, defined, place, sx, act, next, past, view } = frame;
  const { left, right } = place.input;
  const at = sx.inside(frame.now.x[i]);
  const y = place.input.lane(i);
  const name = subscript("x", i);
  const gradient = `∂L/∂${subscript("x", i)}`;
  const within = { left, right, top: 0, bottom: place.height };
  /** @type {(key: string, from: number, length: number, row: number, className: string) => void} */
  const put = (key, from, length, row, className) =>
    arrow(picture, `${key} ${i}`, [from, row], [from + length * place.unit, row], {
      className,
      within,
      side: [0, -1],
      ...(key === "dx" ? { head: 10, dot: 7 } : { head: 7 }),
    });
  picture.layer("trails");
  trail(picture, `x ${i}`, [...past.map((p) => sx.inside(p.x[i])), at], y);
  picture.layer("arrows");
  const is = `${name} = ${format(x[i], 2)}`;
  picture.text(`x name ${i}`, "small", left, y - 13, is);
  let text = `${is}; outputs not defined`;
  if (defined) {
    const value = `${gradient} = ${format(dx[i], 3, 1)}`;
    picture.text(`dx name ${i}`, "small end", right, y - 13, value);
    put("dx", at, dx[i], y, "gradient arrow");
    const to = sx.inside(next.x[i]);
    if (Math.abs(to - at) > 12) {
      picture.put(`x next ${i}`, "circle", { class: "data hollow", cx: to, cy: y, r: 4 });
    }
    let tip = at;
    let row = y + 11;
    for (const [path, values] of Object.entries(parts)) {
      put(path, tip, values[i], row, flows[path] ? `${path} part` : "cut part");
      if (flows[path]) tip += values[i] * place.unit;
      row += 7;
    }
    const sent = Object.entries(parts).map(
      ([path, v]) => `${PATHS[path]} ${format(v[i])}${flows[path] ? "" : ", cut"}`,
    );
    text = `${is}; gradient ${format(dx[i])}: ${sent.join("; ")}`;
  }
  picture.layer("things");
  handle(picture, `x ${i}`, {
    x: at,
    y,
    label: `sample ${name}`,
    range: frame.domain,
    value: x[i],
    text,
    marks: [["circle", { class: "data", r: 7 }]],
    move(to) {
      const near = Math.abs(sx.invert(6) - sx.invert(0));
      act.setX(i, clamp(snap(sx.invert(to), view.get().x.toSpliced(i, 1), near), ...frame.domain));
    },
    nudge: (stepX, stepY) => act.setX(i, tidy(view.get().x[i] + 0.1 * (stepX + stepY))),
    go: (v) => act.setX(i, v),
  });
}

/** One output, and the gradient that arrives there, to be dragged by its tip. @type {Lane} */
function output(picture, i, frame) {
  const { y, dy, place, sy, past, act, view } = frame;
  const { left, right } = place.output;
  const at = sy.inside(frame.now.y[i]);
  const lane = place.output.lane(i);
  const name = subscript("y", i);
  const gradient = `∂L/∂${subscript("y", i)}`;
  picture.layer("trails");
  trail(picture, `y ${i}`, [...past.map((p) => sy.inside(p.y[i])), at], lane);
  picture.layer("arrows");
  const labels = [`${name} = ${format(y[i], 2)}`, `${gradient} = ${format(dy[i], 2)}`];
  picture.text(`y name ${i}`, "small", left, lane - 13, labels[0]);
  picture.text(`dy name ${i}`, "small end", right, lane - 13, labels[1]);
  const tip = clamp(at + dy[i] * place.unit, left + 8, right - 8);
  arrow(picture, `dy ${i}`, [at, lane], [tip, lane], { className: "gradient arrow", head: 10 });
  picture.layer("things");
  picture.put(`y ${i}`, "circle", { class: "data", cx: at, cy: lane, r: 7 });
  handle(picture, `dy ${i} tip`, {
    x: tip,
    y: lane,
    label: `gradient ${gradient}`,
    range: [-REACH, REACH],
    value: dy[i],
    text: format(dy[i], 2),
    marks: [["circle", { class: "gradient hollow", r: 6 }]],
    move: (to) => act.setDy(i, snap((to - at) / place.unit, view.get().dy.toSpliced(i, 1), 0.06)),
    nudge: (stepX, stepY) => act.setDy(i, tidy(view.get().dy[i] + 0.1 * (stepX + stepY))),
  });
}

/** Draws a frame. @param {Drawing} picture @param {Frame} frame */
export function paint(picture, frame) {
  const { x, defined, place, sx, sy, travelled } = frame;
  const far = defined ? travelled : { inputs: 0, outputs: 0 };
  const most = place.short ? undefined : domainOf([far.inputs, far.outputs], 2)[1];
  picture.layer("ground");
  const titles = ["Inputs, and the gradient they get", "Outputs, and the gradient sent"];
  ground(picture, "x", place.input, { scale: sx, title: titles[0], far: far.inputs, most });
  ground(picture, "y", place.output, { scale: sy, title: titles[1], far: far.outputs, most });
  moments(picture, place.input, frame);
  const { left, bottom } = place.input;
  if (!place.first)
    scaleBar(picture, "unit", left, bottom + 66, place.unit, "a gradient of 1, pointing uphill");
  x.forEach((_, i) => sample(picture, i, frame));
  if (defined) x.forEach((_, i) => output(picture, i, frame));
}
