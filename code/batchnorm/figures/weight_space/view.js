import { arrow, clipped } from "../kit/arrow.js";
import { labels, lengthOf } from "../kit/labels.js";
import { clamp, format, linear, short } from "../kit/scale.js";
import { FINE } from "./contours.js";

/**
 * The panels of WeightSpaceFigure: the space of the two weights.
 *
 * @import { Kind, Pair, Shown } from "./model.js"
 * @import { Place } from "../kit/chart.js"
 * @import { Drawing } from "../kit/svg.js"
 * @typedef {{cx: number, cy: number, unit: number, at: (p: Pair) => Pair}} Frame of a panel: its
 *   centre, the pixels of a weight of 1, from weights to pixels
 * @typedef {{picture: Drawing, kind: Kind, place: Place, shown: Shown, reach: number}} Panel
 * @typedef {Frame & Panel} Scene
 */

const FAR = 1e4; // pixels: beyond this nothing is drawn

/** @param {Place} place @param {number} reach @returns {Frame} */
export function frameOf({ left, right, top, bottom }, reach) {
  const cx = (left + right) / 2;
  const cy = (top + bottom) / 2;
  const unit = (bottom - top) / 2 / reach;
  const bound = (/** @type {number} */ v, /** @type {number} */ m) => clamp(v, m - FAR, m + FAR);
  const at = (/** @type {Pair} */ [a, b]) =>
    /** @type {Pair} */ ([bound(cx + a * unit, cx), bound(cy - b * unit, cy)]);
  return { cx, cy, unit, at };
}

const pen = (/** @type {Pair} */ [x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
/** @param {Frame} frame @param {Pair[]} points */
const lineOf = ({ at }, points) => `M${points.map((p) => pen(at(p))).join("L")}`;

/**
 * The map that makes the unit circle the curve where a quadratic form is 1: its Cholesky root.
 * @param {Frame} frame @param {Pair} middle @param {import("./model.js").Form} form
 */
function ellipses({ at, unit }, middle, [a, b, c]) {
  const p = Math.sqrt(a);
  const q = b / Math.sqrt(a);
  const r = Math.sqrt(Math.max(c - q * q, 1e-12));
  const [x, y] = at(middle);
  // (u, v) on the circle is at ((u - q v / r) / p, v / r)
  const columns = [unit / p, 0, (-unit * q) / (p * r), -unit / r];
  return `matrix(${columns.map((v) => v.toFixed(4)).join(" ")} ${x.toFixed(2)} ${y.toFixed(2)})`;
}

const THIN = { "vector-effect": "non-scaling-stroke" };

/** @param {Scene} scene */
function contours({ picture, cx, cy, unit, shown, reach }) {
  const { contours: all, shades, eps, reach: own } = shown;
  const k = eps ? Math.min(own * unit, FAR) : 4 * reach * unit;
  const transform = `matrix(${k} 0 0 ${-k} ${cx} ${cy}) scale(${1 / FINE})`;
  picture.group("levels", { transform }, () => {
    shades.forEach(({ high, d }, i) => {
      const look = { class: "ground-of-loss", "fill-opacity": (0.3 * (1 - high)).toFixed(3), d };
      picture.put(`shade ${i}`, "path", look);
    });
    all.forEach(({ low, d }, i) => {
      const opacity = { "stroke-opacity": (0.52 + 0.2 * low).toFixed(3) };
      picture.put(`contour ${i}`, "path", { class: "contour", ...opacity, ...THIN, d });
    });
  });
}

const OVALS = 12;

/** @param {Scene} scene */
function ovals(scene) {
  const { picture, shown } = scene;
  const { forms, optimum } = shown;
  const transform = ellipses(scene, optimum, forms.loss);
  // Evenly spaced: levels grow as squares
  const step = 0.6 * Math.sqrt((forms.loss[0] + forms.loss[2]) / 2);
  picture.group("ovals", { transform }, () => {
    for (let k = 1; k <= OVALS; k++) {
      const look = { class: "contour", "stroke-opacity": (0.52 + 0.2 / k).toFixed(3), ...THIN };
      picture.put(`oval ${k}`, "circle", { ...look, r: (k * step).toFixed(4) });
    }
  });
}

/** Whether a panel is too small for what the other one has already. @param {Place} place */
const isSmall = ({ left, right }) => right - left < 220;

/**
 * What is written at the axes: numbers at their ticks, and their names.
 * @param {Pick<Scene, "place" | "cx" | "cy" | "unit">} scene
 */
function numbersOf({ place, cx, cy, unit }) {
  if (isSmall(place)) return [];
  const { right, top, bottom } = place;
  const most = Math.min(right - cx, bottom - cy);
  const scale = linear([-most / unit, most / unit], [-most, most]);
  const values = scale.ticks(4).filter((v) => Math.abs(v) > 1e-9);
  const seen = values.filter((v) => Math.abs(scale(v)) <= most - 12);
  const all = seen.flatMap((v, i) => {
    const text = short(v);
    const long = lengthOf(text);
    return [
      { key: `tick ${i}`, text, x: cx + scale(v) - long / 2, y: cy + 17, long },
      { key: `tick up ${i}`, text, x: cx - 7 - long, y: cy - scale(v) + 4, long },
    ];
  });
  return [
    ...all,
    { key: "w₁", text: "w₁", x: right - 20, y: cy - 7, long: 0 },
    { key: "w₂", text: "w₂", x: cx + 7, y: top + 14, long: 0 },
  ];
}

/** The axes through the origin, with ticks. @param {Scene} scene */
function axes({ picture, kind, place, cx, cy, unit }) {
  const { left, right, top, bottom } = place;
  const most = Math.min(right - cx, bottom - cy);
  const scale = linear([-most / unit, most / unit], [-most, most]);
  const all = scale.ticks(4).filter((v) => Math.abs(v) > 1e-9);
  const ticks = all.map((v) => `M${cx + scale(v)} ${cy - 4}v8M${cx - 4} ${cy - scale(v)}h8`);
  const d = `M${left} ${cy}H${right}M${cx} ${top}V${bottom}`;
  picture.put(`${kind} axes`, "path", { class: "grid", d });
  picture.put(`${kind} ticks`, "path", { class: "axis", d: ticks.join("") });
  for (const { key, text, x, y, long } of numbersOf({ place, cx, cy, unit })) {
    const middle = long ? "small middle halo faded" : "small halo";
    picture.text(`${kind} ${key}`, middle, x + long / 2, y, text);
  }
}

/** Former lengths of w worth a circle, the last first. @param {Shown} shown @param {number} unit */
function formerOf({ paths, step }, unit) {
  const apart = 3 / unit;
  const norms = paths.normal.slice(0, step + 1).map(({ w }) => Math.hypot(...w));
  /** @type {number[]} */
  const kept = [];
  for (const r of norms.toReversed()) {
    if (kept.length < 9 && kept.every((other) => Math.abs(other - r) >= apart)) kept.push(r);
  }
  return kept.slice(1);
}

/** What counts of w: its length, now and before, and wᵀSw. @param {Scene} scene */
function lengths(scene) {
  const { picture, cx, cy, unit, shown } = scene;
  const { now, variance, forms } = shown;
  const { norm } = now.normal;
  if (!norm) return;
  const size = (/** @type {number} */ v) => Math.min(v * unit, FAR).toFixed(1);
  formerOf(shown, unit).forEach((r, k) => {
    picture.put(`former ${k}`, "circle", { class: "ghost", cx, cy, r: size(r) });
  });
  picture.group("of wᵀSw", { transform: ellipses(scene, [0, 0], forms.variance) }, () => {
    const r = Math.min(Math.sqrt(variance), FAR / unit).toFixed(4);
    picture.put("ellipse", "circle", { class: "variance hollow line", r, ...THIN });
  });
  picture.put("circle", "circle", { class: "axis round", cx, cy, r: size(norm) });
}

/**
 * Where the next step leads, if there is a gradient.
 * @param {Shown} shown @param {Kind} kind @param {Frame["at"]} at
 */
function nextOf({ now, rate, decay }, kind, at) {
  const { w, gradient, defined } = now[kind];
  if (!defined) return null;
  const [a, b] = w.map((v, i) => v - rate * (gradient[i] + decay * v));
  return at([a, b]);
}

/** Whether a point lies in a panel. @param {Place} place @param {number[]} point */
const isIn = ({ left, right, top, bottom }, [x, y]) =>
  x > left && x < right && y > top && y < bottom;

/** The descent so far, w, its gradient, the next step. @param {Scene} scene */
function walk(scene) {
  const { picture, kind, place: within, at, shown } = scene;
  const { paths, now, step } = shown;
  const { w, gradient } = now[kind];
  const walked = paths[kind].slice(0, step + 1).map((point) => point.w);
  if (walked.length > 1) {
    picture.put(`${kind} path`, "path", { class: "data hollow line", d: lineOf(scene, walked) });
    const dots = walked.map((p) => `M${pen(at(p))}h0`).join("");
    picture.put(`${kind} dots`, "path", { class: "data hollow dots", d: dots });
  }
  const from = at(w);
  arrow(picture, `${kind} w`, at([0, 0]), from, { className: "data part", dot: 0, within });
  const next = nextOf(shown, kind, at);
  if (next) {
    picture.put(`${kind} step`, "path", { class: "cut part", d: `M${pen(from)}L${pen(next)}` });
    const [cx, cy] = next;
    picture.put(`${kind} next`, "circle", { class: "cut landing", cx, cy, r: 5 });
    const tip = at([w[0] + gradient[0], w[1] + gradient[1]]);
    const how = { className: "gradient arrow", head: 11, within };
    if (isIn(within, from)) arrow(picture, `${kind} gradient`, from, tip, how);
  }
  picture.put(`${kind} now`, "circle", { class: "data", cx: from[0], cy: from[1], r: 5 });
}

const CORNER = 10; // units: the mark of a right angle
const SQUARE = 0.05; // degrees from a right angle that nobody sees

/**
 * The mark of a right angle between w and its gradient, where there is one.
 * @param {Scene} scene
 */
function square({ picture, kind, at, shown }) {
  const { w, gradient, turn, norm, defined } = shown.now[kind];
  const size = Math.hypot(...gradient);
  if (!defined || !norm || !size || Math.abs(turn - 90) > SQUARE) return;
  const [x, y] = at(w);
  const [a, b] = [w[0] / norm, -w[1] / norm].map((v) => -CORNER * v); // back to the origin
  const [c, d] = [gradient[0] / size, -gradient[1] / size].map((v) => CORNER * v);
  const mark = `M${pen([x + a, y + b])}L${pen([x + a + c, y + b + d])}L${pen([x + c, y + d])}`;
  picture.put(`${kind} right angle`, "path", { class: "axis", d: mark });
}

/** Names, where there is room. An arrow that leaves the panel has its length. @param {Scene} scene */
function names({ picture, kind, place, at, cx, cy, unit, shown }) {
  const { now, optimum, correlation } = shown;
  const next = nextOf(shown, kind, at);
  const room = labels(picture, place, 2);
  for (const { x, y, text } of numbersOf({ place, cx, cy, unit })) room.taken(x, y, lengthOf(text));
  const { w, norm, gradient, defined } = now[kind];
  const away = (/** @type {Pair} */ p) => /** @type {Pair} */ ([p[0] - cx, p[1] - cy]);
  /** @type {(text: string, p: Pair, normal: Pair, look?: string) => void} */
  const put = (text, p, normal, look) => {
    if (isIn(place, p)) room.put(`${kind} name ${text.split(" ")[0]}`, text, p, normal, look);
  };
  const from = at(w);
  room.avoid(...from, 9);
  room.avoid(...at(optimum), 8);
  const tip = at([w[0] + gradient[0], w[1] + gradient[1]]);
  if (!isSmall(place)) put("optimum", at(optimum), [1, 1]);
  /** @type {(text: string, start: Pair, end: Pair, long: number, look: string) => void} */
  const putArrow = (text, start, end, long, look) => {
    const { whole, to } = clipped(start, end, place);
    if (whole) return put(text, end, away(end), look);
    room.put(
      `${kind} name ${text}`,
      `${text}: ${format(long, 2)} long`,
      to,
      [cx - to[0], cy - to[1]],
      look,
    );
  };
  if (norm) putArrow("w", at([0, 0]), from, norm, "label data");
  if (defined && isIn(place, from) && Math.hypot(tip[0] - from[0], tip[1] - from[1]) > 12)
    putArrow("gradient", from, tip, Math.hypot(...gradient), "label gradient");
  if (next && Math.hypot(next[0] - from[0], next[1] - from[1]) > 1)
    put("next step", next, away(next), "quiet");
  if (kind === "plain" || !norm) return;
  const [last] = formerOf(shown, unit);
  if (last * unit > 20) put("before", at([-0.6 * last, 0.8 * last]), [1, 1], "quiet");
  const low = /** @type {Pair} */ ([0.6 * norm, -0.8 * norm]);
  put(`‖w‖ = ${format(norm, 2)}`, at(low), away(at(low)), "label");
  if (Math.abs(correlation) > 0.05 && norm * unit > 30)
    put("wᵀSw", at([-0.62 * norm, -0.62 * norm]), [-1, 1]);
}

const TITLES = {
  normal: "With batch norm: rays; darker is lower",
  bent: "With batch norm; ε > 0 bends the rays",
  plain: "Without: ellipses",
};

/** The line from the origin through the optimum, and a cross there. @param {Scene} scene */
function best(scene) {
  const { picture, kind, reach, shown, at } = scene;
  const [u, v] = shown.optimum;
  const far = (8 * reach) / Math.hypot(u, v);
  const ray = lineOf(scene, [
    [0, 0],
    [u * far, v * far],
  ]);
  if (kind === "normal") picture.put("best ray", "path", { class: "axis dashed", d: ray });
  const [x, y] = at(shown.optimum);
  const cross = `M${x - 5} ${y - 5}l10 10m0 -10l-10 10`;
  picture.put(`${kind} optimum`, "path", { class: "axis strong", d: cross });
}

/** One panel of the space of weights. @param {Scene} scene */
export function panel(scene) {
  const { picture, kind, place, shown } = scene;
  const { left, right, top, bottom } = place;
  const box = { x: left, y: top, width: right - left, height: bottom - top };
  const normal = kind === "normal";
  const title = TITLES[normal && shown.eps ? "bent" : kind];
  picture.layer("ground");
  picture.text(`${kind} title`, "small title", left, top - 9, title);
  // A drawing in the drawing clips what leaves the panel
  const viewBox = Object.values(box).join(" ");
  const clip = picture.put(`${kind} clip`, "svg", { ...box, viewBox });
  const content = picture.group(`${kind} scene`, {}, () => {
    picture.group(`${kind} frame`, {}, () =>
      picture.put(`${kind} edge`, "rect", { class: "grid", ...box }),
    );
    const parts = { contours: normal ? contours : ovals, axes, best, lengths, walk, square, names };
    for (const [name, draw] of Object.entries(parts)) {
      if (draw !== lengths || normal) picture.group(`${kind} ${name}`, {}, () => draw(scene));
    }
    if (shown.now[kind].defined) return;
    const x = scene.cx;
    const y = bottom - 14;
    picture.text(`${kind} not defined`, "small middle halo", x, y, "not defined here");
  });
  if (content.parentNode !== clip) clip.append(content);
}
