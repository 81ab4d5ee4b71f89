import { arrow, scaleBar } from "../kit/arrow.js";
import { axis } from "../kit/axis.js";
import { handle } from "../kit/handle.js";
import { labels, lengthOf } from "../kit/labels.js";
import { clamp, format, grown, linear, short, vector } from "../kit/scale.js";
import { isDegenerate, chosen } from "./model.js";

/**
 * The picture of WhiteningFigure: a cloud of inputs and their outputs, each with its ellipse.
 *
 * @import { Ellipse, Pair, Shown } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 * @import { Place } from "../kit/chart.js"
 * @typedef {ReturnType<typeof square>} Square
 *
 * @typedef {{place: ReturnType<typeof layout>, input: Square, output: Square, shrink: number,
 *   act: {place: (i: number, to: Pair) => void, push: (i: number, by: Pair) => void, pull: (to:
 *   Pair) => void, tug: (by: Pair) => void, select: (i: number) => void, choose: (method: number) => void}}} Around what of a frame
 *   is not in the analysis; `shrink`: all arrows of dx are drawn so much shorter
 * @typedef {Shown & Around} Frame
 * @typedef {(picture: Drawing, frame: Frame) => void} Part
 */

const WIDE = 600; // from this width on the panels are side by side
const SIDE = 30; // for the upright axis
const HEAD = 44;
const FOOT = 26;
const LINE = 14; // of a name above a small panel
const BETWEEN = 8;
export const REACH = 3; // the largest upstream gradient one can drag to
const NOTHING = 0.004; // beside the longest gradient sent: drawn as what it is, nothing
const LEAST = 5; // the length of an arrow too short to see where it points
const TIP = 5; // of an arrow's head: a longer one would hide how long the arrow is
const BAR = [16, 120]; // how long a scale bar may be

/** What a finger meets of a point: discs. */
const TARGETS = {
  large: { x: -15, y: -15, width: 30, height: 30, rx: 15 },
  small: { x: -9, y: -9, width: 18, height: 18, rx: 9 },
};
export const METHODS = ["standardise", "PCA", "ZCA", "Cholesky", "Newton–Schulz"];

/** A name in one line or, where there is no room for it, two. @param {string} name @param {number} room */
const linesOf = (name, room) => (lengthOf(name, true) > room ? name.split(/(?<=–)/) : [name]);

/** @param {number} width */
export function layout(width) {
  const wide = width >= WIDE;
  const side = Math.min((wide ? (width - 24) / 2 : width) - SIDE - 6, 380);
  const panel = (/** @type {number} */ left, /** @type {number} */ top) => ({
    left: left + SIDE,
    right: left + SIDE + side,
    top: top + HEAD,
    bottom: top + HEAD + side * (wide ? 1 : 0.8),
  });
  const input = panel(0, 0);
  const output = wide ? panel(width - side - SIDE - 6, 0) : panel(0, input.bottom + FOOT);
  const count = METHODS.length;
  const size = Math.min(110, (width - BETWEEN * (count - 1) - 4) / count);
  const gap = (width - 4 - size * count) / (count - 1);
  const names = METHODS.map((name) => linesOf(name, size + gap));
  const most = Math.max(...names.map((lines) => lines.length));
  const top = output.bottom + FOOT + 4 + LINE * most + BETWEEN;
  const small = names.map((lines, k) => {
    const left = 2 + k * (size + gap);
    return { left, right: left + size, top, bottom: top + size, lines };
  });
  return { input, output, small, height: top + size + 4 };
}

/** How far a panel reaches so that it holds all points. @param {Pair[]} points */
export const reachOf = (points) => grown(1.05 * Math.max(0, ...points.flat().map(Math.abs)), 4);

/** The same scale both ways. @param {Place} panel @param {number} reach */
export function square({ left, right, top, bottom }, reach) {
  const x = linear([-reach, reach], [left, right]);
  const unit = (right - left) / (2 * reach);
  const middle = (top + bottom) / 2;
  const up = (bottom - top) / 2 / unit;
  const y = linear([-up, up], [bottom, top]);
  return {
    x,
    y,
    unit,
    /** @param {Pair} point @returns {Pair} its place, at the panel's edge if it lies outside */
    to: ([p, q]) => [
      clamp(x(p), left - 9, right + 9),
      clamp(middle - q * unit, top - 9, bottom + 9),
    ],
    /** @param {number} u @param {number} v @returns {Pair} */
    from: (u, v) => [x.invert(clamp(u, left, right)), y.invert(clamp(v, top, bottom))],
  };
}

/**
 * @param {Drawing} picture @param {string} key @param {Place} panel @param {Square} scale
 * @param {{title: string, about: string, name: string, factor: number}} how `factor`: how much
 *   shorter arrows are drawn than the axes say
 */
function ground(picture, key, { left, right, top, bottom }, { x, y, unit }, how) {
  picture.text(`${key} title`, "title", left - SIDE, top - 28, how.title);
  picture.text(`${key} about`, "small gradient halo label", left, top - 9, how.about);
  const [least, most] = BAR;
  let value = 1;
  while (value * unit * how.factor < least) value *= 2;
  while (value * unit * how.factor > most) value /= 2;
  const long = value * unit * how.factor;
  const text = `${how.name} of ${short(value)}`;
  scaleBar(picture, key, right - long - 8 - lengthOf(text), top - 13, long, text);
  axis(picture, `${key} x`, { scale: x, at: bottom, grid: [top, bottom], count: 4 });
  axis(picture, `${key} y`, { scale: y, at: left, grid: [left, right], upright: true, count: 4 });
}

/**
 * The ellipse of one standard deviation, and two arms from the mean.
 * @param {Drawing} picture @param {string} key @param {Ellipse} of @param {Square} scale
 * @param {Pair[]} arms
 */
function ellipse(picture, key, { mu, values, arms: axes }, scale, arms) {
  const [x, y] = scale.to(mu);
  const turn = (-Math.atan2(axes[0][1], axes[0][0]) * 180) / Math.PI;
  const [rx, ry] = values.map((v) => Math.sqrt(v) * scale.unit);
  const shape = { cx: 0, cy: 0, rx, ry, transform: `translate(${x} ${y}) rotate(${turn})` };
  picture.put(`${key} fill`, "ellipse", { class: "band", ...shape });
  picture.put(`${key} line`, "ellipse", { class: "variance hollow line", ...shape });
  arms.forEach(([p, q], k) => {
    const [u, v] = scale.to([mu[0] + p, mu[1] + q]);
    const look = { class: `variance line${k ? " dashed" : ""}`, d: `M${x} ${y}L${u} ${v}` };
    picture.put(`${key} arm ${k}`, "path", look);
    const end = { class: k ? "variance hollow" : "variance", cx: u, cy: v, r: 4 };
    picture.put(`${key} end ${k}`, "circle", end);
  });
  const d = `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}`;
  picture.put(`${key} mean`, "path", { class: "mean line", d });
}

/**
 * The gradients at points. One too short to see is drawn long enough to show where it points, and
 * what is nothing beside the longest sent is not drawn.
 * @param {Drawing} picture @param {string} key @param {Pair[]} rows @param {Pair[]} gradients
 * @param {{scale: Square, factor: number, sent: number, big: number, within: Place}} how
 */
function arrows(picture, key, rows, gradients, { scale, factor, sent, big, within }) {
  rows.forEach((row, i) => {
    const [p, q] = gradients[i];
    if (!(Math.hypot(p, q) > NOTHING * sent)) return;
    const from = scale.to(row);
    const length = factor * scale.unit;
    /** @type {Pair} */
    const to = [from[0] + p * length, from[1] - q * length];
    const className = `gradient part${i === big ? "" : " mild"}`;
    const value = i === big ? format(Math.hypot(p, q), 2) : undefined;
    const how = { className, head: TIP, dot: i === big ? 7 : 3.5, least: LEAST, within, value };
    arrow(picture, `${key} ${i}`, from, to, how);
  });
}

/**
 * A point of the batch: the selected one is a handle to the keys, too.
 * @param {Drawing} picture @param {number} i @param {Frame} frame
 */
function point(picture, i, frame) {
  const { x, x_hat, dx, input, act } = frame;
  const on = i === chosen(frame, x);
  const [u, v] = input.to(x[i]);
  const isNew = !picture.has(`point ${i}`);
  const back = x_hat.length ? `output ${vector(x_hat[i])}; gradient ${vector(dx[i])}` : "no output";
  const node = handle(picture, `point ${i}`, {
    x: u,
    y: v,
    label: `point ${i + 1}`,
    range: [-1000, 1000],
    value: x[i][0],
    text: `${vector(x[i])}; ${back}`,
    marks: [["circle", { class: on ? "data" : "data mild", r: on ? 7 : 3.5 }]],
    target: on ? TARGETS.large : TARGETS.small,
    move: (a, b) => act.place(i, input.from(a, b)),
    nudge: (right, up) => act.push(i, [0.1 * right, 0.1 * up]),
  });
  if (isNew) node.addEventListener("focus", () => act.select(i));
  const hidden = String(!on);
  if (node.getAttribute("aria-hidden") === hidden) return node;
  node.setAttribute("tabindex", on ? "0" : "-1");
  node.setAttribute("aria-hidden", hidden);
  return node;
}

/** The tip of the selected point's upstream gradient. @type {Part} */
function tip(picture, frame) {
  const { x_hat, dy, output, act } = frame;
  const i = chosen(frame, x_hat);
  const [x, y] = output.to(x_hat[i]);
  handle(picture, "tip", {
    x: x + dy[i][0] * output.unit,
    y: y - dy[i][1] * output.unit,
    label: "upstream gradient of the selected point",
    range: [-REACH, REACH],
    value: dy[i][0],
    text: vector(dy[i]),
    marks: [["circle", { class: "gradient hollow", r: 6 }]],
    move: (u, v) => act.pull([(u - x) / output.unit, (y - v) / output.unit]),
    nudge: (right, up) => act.tug([0.1 * right, 0.1 * up]),
  });
}

/** The outputs, their gradients, and where the selected one landed before. @type {Part} */
function results(picture, frame) {
  const { x, x_hat, dy, dx, landed, place, input, output, shrink } = frame;
  const big = chosen(frame, x_hat);
  picture.layer("ground");
  landed.slice(1).forEach((row, k) => {
    const [cx, cy] = output.to(row);
    picture.put(`landing ${k}`, "circle", { class: "cut hollow", cx, cy, r: 6 });
  });
  picture.layer("things");
  x_hat.forEach((row, i) => {
    const [cx, cy] = output.to(row);
    const on = i === big;
    const look = { class: on ? "data" : "data mild", r: on ? 7 : 3.5 };
    picture.put(`out ${i}`, "circle", { ...look, cx, cy });
  });
  tip(picture, frame);
  picture.layer("arrows");
  const sent = Math.max(...dy.map(([p, q]) => Math.hypot(p, q)));
  arrows(picture, "dx", x, dx, { scale: input, factor: shrink, sent, big, within: place.input });
  arrows(picture, "dy", x_hat, dy, { scale: output, factor: 1, sent, big, within: place.output });
}

/** The ellipse's name, and the name of where the selected point was. @type {Part} */
function names(picture, { x, x_hat, landed, place, input, output, before }) {
  const inside = labels(picture, place.input, 3);
  for (const row of x) {
    const [u, v] = input.to(row);
    inside.avoid(u, v, 6);
  }
  const [p, q] = before.arms[0];
  const end = input.to([before.mu[0] + p, before.mu[1] + q]);
  inside.avoid(end[0], end[1], 9);
  inside.put("deviation name", "one standard deviation", end, [0, -1], "variance");
  if (landed.length < 2) return;
  const outside = labels(picture, place.output, 3);
  for (const row of [...x_hat, ...landed]) {
    const [u, v] = output.to(row);
    outside.avoid(u, v, 7);
  }
  outside.put("landing name", "landed before", output.to(landed[1]), [0, -1], "quiet");
}

/**
 * All the methods beside one another, small: a click on one enlarges it.
 * @type {Part}
 */
function multiples(picture, frame) {
  const { all, x, place, method, act } = frame;
  const scaleOf = (/** @type {Place} */ panel) =>
    square(panel, reachOf(all.flatMap((one) => one.x_hat)));
  const big = chosen(frame, x);
  all.forEach(({ x_hat, carried }, k) => {
    const { left, right, top, bottom, lines } = place.small[k];
    const scale = scaleOf(place.small[k]);
    const on = k === method;
    const isNew = !picture.has(`small ${k}`);
    const node = picture.group(`small ${k}`, { class: `small${on ? " on" : ""}` }, () => {
      const box = { x: left, y: top, width: right - left, height: bottom - top, rx: 3 };
      picture.put(`small ${k} box`, "rect", { class: "frame", ...box });
      const middle = (left + right) / 2;
      const look = `small middle${on ? " title" : ""}`;
      lines.forEach((line, i) => {
        const y = top - 6 - LINE * (lines.length - 1 - i);
        const at = Math.max(middle, lengthOf(line, on) / 2);
        picture.text(`small ${k} name${i || ""}`, look, at, y, line);
      });
      if (!x_hat.length) {
        picture.text(`small ${k} none`, "small middle", middle, (top + bottom) / 2, "no axes");
        return;
      }
      const dots = x_hat.map(
        (row) =>
          `M${scale
            .to(row)
            .map((v) => v.toFixed(1))
            .join(" ")}h0`,
      );
      const [cx, cy] = scale.to(x_hat[big]);
      picture.put(`small ${k} dots`, "path", {
        class: "data hollow mild dots",
        d: dots.join(""),
      });
      picture.put(`small ${k} chosen`, "circle", { class: "data", cx, cy, r: 3.5 });
      const [u, v] = scale.to([0, 0]);
      carried.forEach((arm, a) => {
        const [p, q] = scale.to(arm);
        const line = { class: `variance round${a ? " dashed" : ""}`, d: `M${u} ${v}L${p} ${q}` };
        picture.put(`small ${k} arm ${a}`, "path", line);
      });
    });
    if (isNew) node.addEventListener("click", () => act.choose(k));
  });
}

/**
 * All of the picture.
 * @param {Drawing} picture @param {Frame} frame @param {any[]} from what the small ones are drawn from
 */
export function paint(picture, frame, from) {
  const { x, x_hat, before, after, place, input, output, method, shrink } = frame;
  picture.layer("ground");
  const back = { title: "Inputs", about: "what comes back: dx", name: "dx", factor: shrink };
  ground(picture, "in", place.input, input, back);
  const sent = {
    title: `Outputs, ${METHODS[method]}`,
    about: "what is sent: dy",
    name: "dy",
    factor: 1,
  };
  ground(picture, "out", place.output, output, sent);
  picture.part("multiples", from, () => multiples(picture, frame));
  const round = isDegenerate(before.values);
  ellipse(picture, "in ellipse", before, input, round ? [] : before.arms);
  if (after) ellipse(picture, "out ellipse", after, output, round ? [] : before.carried);
  picture.layer("points");
  const nodes = x.map((_, i) => point(picture, i, frame));
  // Others make way for the selected one: were it moved in the page, it would lose the focus
  const top = nodes[chosen(frame, x)];
  while (top.nextSibling) top.before(top.nextSibling);
  if (x_hat.length) results(picture, frame);
  picture.layer("arrows");
  names(picture, frame);
}
