import { plot } from "../kit/chart.js";
import { labels, lengthOf } from "../kit/labels.js";
import { regionOf } from "../kit/region.js";
import { angle, clamp, linear, log, niceDomain } from "../kit/scale.js";
import { EVERY } from "./model.js";

/**
 * The panels of TrainingFigure: curves over the steps, and the plane of the samples.
 *
 * @import { Plot, Shown } from "./model.js"
 * @import { Place } from "../kit/chart.js"
 * @import { Drawing } from "../kit/svg.js"
 */

const WIDE = 520; // from this width on all planes are in one row, and all gauges
// Around a panel
const LEFT = 46;
const ABOVE = 28;
const BELOW = 26;
const GAP = 20;
const LINE = 14; // of a name above a plane
const POINTS = 60; // that a curve is drawn with, at most
const RAW = 300; // and the losses themselves, behind it
const LEAST = 0.1; // that the axis of a drift or a length reaches to
const SHORTEST = 20; // steps that an axis is long, at least
const SPAN = [1e-6, 1e2]; // of the losses that are drawn
const TITLES = {
  drift: "drift of the biases",
  length: "‖w‖",
  angle: "angle, cut to whole gradient ",
};
const SHORT = { drift: "drift of biases", length: "‖w‖", angle: "angle, cut to whole" };

/** A name in as many lines as it needs. @param {string} name @param {number} wide */
function linesOf(name, wide) {
  /** @type {string[]} */
  const lines = [];
  for (const word of name.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && lengthOf(longer, true) <= wide) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * The plane of each variant, side by side: where it is, and its name in lines.
 * @param {number} width @param {string[]} names
 */
function planesOf(width, names) {
  const wide = width >= WIDE;
  const columns = wide || names.length > 4 ? Math.max(4, Math.min(names.length, 6)) : 2;
  const cell = (width - GAP * (columns - 1)) / columns;
  const side = Math.min(cell, wide ? 138 : 110);
  const lines = names.map((name) => linesOf(name, cell + GAP / 2));
  const head = 8 + LINE * Math.max(...lines.map((all) => all.length));
  const places = names.map((_, i) => {
    const left = (i % columns) * (cell + GAP) + 1;
    const top = Math.floor(i / columns) * (head + side + 6) + head;
    return { left, right: left + side - 2, top, bottom: top + side - 2, lines: lines[i] };
  });
  return { places, height: Math.ceil(names.length / columns) * (head + side + 6) };
}

/**
 * Where each panel is: the planes first, then the losses, then what else moves.
 * @param {number} width @param {Plot[]} plots @param {string[]} names of the variants
 */
export function layout(width, plots, names) {
  const wide = width >= WIDE;
  const only = (/** @type {Plot[]} */ some) => some.filter((name) => plots.includes(name));
  const gauges = only(["drift", "length", "angle"]);
  const rows = [only(["loss"]), ...(wide ? [gauges] : [gauges.slice(0, 2), gauges.slice(2)])];
  const planes = plots.includes("boundary") ? planesOf(width, names) : { places: [], height: 0 };
  const beside = Math.min(0.36 * width, 14 + Math.max(...names.map((n) => lengthOf(n, true))));
  /** @type {Partial<Record<Plot, Place>>} */
  const places = {};
  let y = planes.height;
  for (const row of rows.filter((some) => some.length)) {
    const losses = row[0] === "loss";
    const tall = losses ? 106 : 64;
    const columns = losses ? 1 : wide ? 3 : 2;
    const w = (width - GAP * (columns - 1)) / columns;
    row.forEach((name, i) => {
      const x = i * (w + GAP);
      const right = x + w - (losses ? beside : 14);
      places[name] = { left: x + LEFT, right, top: y + ABOVE, bottom: y + ABOVE + tall };
    });
    y += ABOVE + tall + BELOW + (losses ? LINE : 0);
  }
  return { places, planes: planes.places, height: y };
}

/** The last step on the axes: that of the run. @param {Shown} shown */
const reach = ({ taken, steps }) => Math.max(taken, steps, SHORTEST);

/** The means of a path over `per` steps each, where they lie. */
function means(/** @type {number[]} */ path, /** @type {number} */ per) {
  /** @type {[number, number][]} */
  const points = [];
  for (let from = 0; from < path.length; from += per) {
    const to = Math.min(path.length, from + per);
    let sum = 0;
    for (let i = from; i < to; i++) sum += path[i];
    points.push([(from + to - 1) / 2, sum / (to - from)]);
  }
  return points;
}

/**
 * The losses of each batch, faint, and their means over a few; one that diverges leaves the plot.
 * @param {Drawing} picture @param {Place} place @param {Shown} shown
 */
export function losses(picture, place, shown) {
  const { runs, chosen } = shown;
  const end = reach(shown);
  const per = Math.ceil(end / POINTS);
  const [least, most] = SPAN;
  const x = linear([0, end], [place.left, place.right]);
  const seen = (/** @type {[number, number][]} */ points) =>
    points.map(([step, v]) => /** @type {[number, number]} */ ([step, clamp(v, least, most)]));
  const smooth = runs.map(({ losses: path }) => seen(means(path, per)));
  const values = smooth.flatMap((points) => points.map(([, v]) => v));
  const power = (/** @type {number} */ v) => Math.log10(v);
  const [low, high] = picture.follow("powers", [
    Math.min(-1, ...values.map((v) => Math.floor(power(v)))),
    Math.max(0, ...values.map((v) => Math.ceil(power(v)))),
  ]);
  const y = log([10 ** low, 10 ** high], [place.bottom, place.top]);
  const curves = runs.map(({ name, look, diverged }, k) => {
    /** @type {[number, number][]} */
    const away = diverged === null ? [] : [10 ** high, 10 ** (high + 9)].map((v) => [diverged, v]);
    const className = k === chosen ? `${look} strong` : look;
    return { className, label: name, points: [...smooth[k], ...away] };
  });
  if (per > 1) raw(picture, x, y, shown);
  const title = per > 1 ? `loss, mean of ${per} batches` : "loss on the batch";
  const foot = "step";
  const moving = picture.moving("powers");
  plot(picture, "loss", place, { x, y, title, curves, dots: false, beside: true, foot, moving });
  const names = labels(picture, { ...place, left: place.left + 4 });
  for (const points of smooth) names.avoidLine(points.map(([u, v]) => [x(u), y(v)]));
  runs.forEach(({ look, diverged }, k) => {
    if (diverged === null) return;
    const at = [x(diverged), place.top + 6];
    names.put(`diverged ${k}`, `diverged at step ${diverged}`, at, [1, 0], look.split(" ")[0]);
  });
}

/**
 * The loss of every batch, or of every few.
 * @param {Drawing} picture @param {import("../kit/scale.js").Scale} x
 * @param {import("../kit/scale.js").Scale} y @param {Shown} shown
 */
function raw(picture, x, y, shown) {
  const stride = Math.ceil(reach(shown) / RAW);
  picture.layer("trails");
  shown.runs.forEach(({ look, losses: path }, k) => {
    const points = path.flatMap((v, i) =>
      i % stride ? [] : [`${x(i).toFixed(1)} ${y.inside(v).toFixed(1)}`],
    );
    const d = points.length ? `M${points.join("L")}` : "";
    picture.put(`loss raw ${k}`, "path", { class: `${look.split(" ")[0]} hollow faint`, d });
  });
}

/**
 * @param {Drawing} picture @param {"drift" | "length" | "angle"} name @param {Place} place
 * @param {Shown} shown
 */
export function gauge(picture, name, place, shown) {
  const { runs, done } = shown;
  const end = reach(shown);
  const stride = Math.ceil(end / EVERY / POINTS);
  const curves = runs.flatMap(({ look, gauges, now, diverged, losses: path }) => {
    const steps = gauges.map((_, i) => i).filter((i) => i % stride === 0);
    const points = steps.map((i) => [i * EVERY, gauges[i][name]]);
    if (done && diverged === null) points.push([path.length, now[name]]);
    const known = /** @type {[number, number][]} */ (points.filter(([, v]) => v !== null));
    return known.length ? [{ className: look, points: known }] : [];
  });
  const values = curves.flatMap(({ points }) => points.map(([, v]) => v));
  const x = linear([0, end], [place.left, place.right]);
  const upright = /** @type {[number, number]} */ ([place.bottom, place.top]);
  const y =
    name === "angle"
      ? angle([0, Math.max(0, ...values) > 90 ? 180 : 90], upright)
      : linear(picture.follow(name, niceDomain([...values, LEAST])), upright);
  const title = place.right - place.left < 190 ? SHORT[name] : TITLES[name];
  const moving = picture.moving(name);
  plot(picture, name, place, { x, y, title, curves, dots: false, moving });
}

/**
 * A disc, a ring, a square, a triangle: one for each class.
 * @typedef {(x: number, y: number) => string} Mark
 */
/** @type {(r: number) => Mark} */
const disc = (r) => (x, y) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
/** @type {Mark[]} */
const MARKS = [
  disc(1.4),
  disc(1.7),
  (x, y) => `M${x - 1.7} ${y - 1.7}h3.4v3.4h-3.4Z`,
  (x, y) => `M${x} ${y - 2}l2 3.4h-4Z`,
];

/** @param {Drawing} picture @param {ReturnType<typeof layout>["planes"]} places @param {Shown} shown */
export function planes(picture, places, shown) {
  places.forEach((place, k) => plane(picture, k, place, shown));
}

/**
 * The samples, each class with a mark of its own, on the regions of a variant's answers.
 * @param {Drawing} picture @param {number} k which variant
 * @param {Place & {lines: string[]}} place @param {Shown} shown
 */
function plane(picture, k, place, { boundaries, trainer, runs, chosen }) {
  const { n, extent, leads } = boundaries[k];
  const { left, right, top, bottom, lines } = place;
  const side = right - left;
  const x = linear([extent[0], extent[1]], [left, right]);
  const y = linear([extent[2], extent[3]], [bottom, top]);
  const column = linear([0, n - 1], [left, right]);
  const row = linear([0, n - 1], [bottom, top]);
  const key = `plane ${k}`;
  picture.layer("ground");
  const look = `small halo label ${runs[k].look.split(" ")[0]}`;
  lines.forEach((line, i) => {
    const height = top - 6 - LINE * (lines.length - 1 - i);
    picture.text(`${key} title ${i}`, look, left, height, line);
  });
  const where = [left, top, side];
  leads.forEach((f, c) => {
    const from = [f, ...where];
    const d = picture.memo(`${key} region ${c}`, from, () => regionOf(f, n, column, row));
    picture.put(`${key} region ${c}`, "path", { class: c % 2 ? "answer other" : "answer data", d });
  });
  const frame = `M${left} ${top}h${side}v${side}h${-side}Z`;
  picture.put(`${key} frame`, "path", { class: k === chosen ? "chosen" : "grid", d: frame });
  picture.layer("arrows");
  const { x: samples, labels: answers, classes } = trainer.data.train;
  for (let c = 0; c < classes; c++) {
    const mark = MARKS[c % MARKS.length];
    const markAt = (/** @type {number} */ i) =>
      answers[i] === c ? mark(x(samples.data[2 * i]), y(samples.data[2 * i + 1])) : "";
    const d = picture.memo(`${key} samples ${c}`, [samples, ...where], () =>
      answers.map((_, i) => markAt(i)).join(""),
    );
    const shape = c % 2 ? "sampled ink hollow" : "sampled data";
    picture.put(`${key} samples ${c}`, "path", { class: shape, d });
  }
}
