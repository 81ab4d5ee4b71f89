import { plot } from "../kit/chart.js";
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

const WIDE = 520; // from this width on the panels stand side by side
// Around a panel
const LEFT = 46;
const ABOVE = 28;
const BELOW = 26;
const GAP = 20;
const POINTS = 100; // that a curve is drawn with, at most
const LEAST = 0.1; // that the axis of a drift or a length reaches to
const LABEL_SHARE = 0.36; // of the width, for names
const LETTER = 6.9; // wide, about
const SPAN = [1e-6, 1e2]; // of the losses that are drawn
const TITLES = {
  drift: "drift of the biases",
  length: "‖w‖",
  angle: "angle, cut to whole gradient ",
};
const SHORT = { drift: "drift of biases", length: "‖w‖", angle: "angle, cut to whole" };

/** Where each panel stands. @param {number} width @param {Plot[]} plots */
export function layout(width, plots) {
  const wide = width >= WIDE;
  const only = (/** @type {Plot[]} */ names) => names.filter((name) => plots.includes(name));
  const groups = wide
    ? [only(["loss", "boundary"]), only(["drift", "length", "angle"])]
    : [only(["loss"]), only(["boundary", "drift"]), only(["length", "angle"])];
  /** @type {Partial<Record<Plot, Place>>} */
  const places = {};
  let y = 0;
  for (const group of groups.filter((names) => names.length)) {
    const large = group.includes("loss") || group.includes("boundary");
    const tall = large ? (wide ? 220 : 150) : 90;
    const both = wide && group.length === 2 && large;
    let x = 0;
    group.forEach((name, i) => {
      const even = (width - GAP * (group.length - 1)) / group.length;
      const w = both ? [0.6, 0.4][i] * (width - GAP) : even;
      const inset = name === "boundary" ? 8 : LEFT;
      const left = x + inset;
      const top = y + ABOVE;
      places[name] = {
        left,
        right: x + w - (name === "boundary" ? 0 : 14),
        top,
        bottom: top + tall,
      };
      x += w + GAP;
    });
    y += ABOVE + tall + BELOW;
  }
  return { places, wide, height: y };
}

/** The last step on the axes: it grows in jumps, leaves the names room. @param {number} taken */
function reach(taken) {
  const jump = (/** @type {number} */ k) => 100 * 2 ** Math.floor(k / 2) * (k % 2 ? 1.5 : 1);
  let k = 0;
  while (jump(k) * (1 - LABEL_SHARE) < taken) k++;
  return jump(k);
}

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

/** @param {Drawing} picture @param {Place} place @param {Shown} shown */
export function losses(picture, place, { runs, taken }) {
  const end = reach(taken);
  const per = Math.ceil(end / POINTS);
  const [least, most] = SPAN;
  const x = linear([0, end], [place.left, place.right]);
  /** @param {string} name @param {number | null} diverged */
  const label = (name, diverged) => {
    if (diverged === null) return name;
    const long = `${name} diverged at step ${diverged}`;
    return x(diverged) + 8 + LETTER * long.length < place.right + 14 ? long : `${name} diverged`;
  };
  const curves = runs.map(({ name, look, losses: path, diverged }) => ({
    className: look,
    label: label(name, diverged),
    points: means(path, per).map(
      ([step, v]) => /** @type {[number, number]} */ ([step, clamp(v, least, most)]),
    ),
  }));
  const values = curves.flatMap(({ points }) => points.map(([, v]) => v));
  const power = (/** @type {number} */ v) => Math.log10(v);
  const low = Math.min(-1, ...values.map((v) => Math.floor(power(v))));
  const high = Math.max(0, ...values.map((v) => Math.ceil(power(v))));
  const y = log([10 ** low, 10 ** high], [place.bottom, place.top]);
  const title = per > 1 ? `loss, mean of ${per} batches` : "loss on the batch";
  plot(picture, "loss", place, { x, y, title, curves, dots: false, beside: true });
}

/**
 * @param {Drawing} picture @param {"drift" | "length" | "angle"} name @param {Place} place
 * @param {Shown} shown
 */
export function gauge(picture, name, place, { runs, taken, done }) {
  const end = reach(taken);
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
      : linear(niceDomain([...values, LEAST]), upright);
  const title = place.right - place.left < 190 ? SHORT[name] : TITLES[name];
  plot(picture, name, place, { x, y, title, curves, dots: false });
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
  disc(2.2),
  disc(2.6),
  (x, y) => `M${x - 2.5} ${y - 2.5}h5v5h-5Z`,
  (x, y) => `M${x} ${y - 3}l3 5h-6Z`,
];

/**
 * The samples, each class with a mark of its own, on the regions of the chosen variant's answers.
 * @param {Drawing} picture @param {Place} place @param {Shown} shown
 */
export function plane(picture, place, { boundary, trainer, runs, chosen }, wide = true) {
  if (!boundary) return;
  const { n, extent, leads } = boundary;
  const side = Math.min(place.right - place.left, place.bottom - place.top);
  const { left, top } = place;
  const x = linear([extent[0], extent[1]], [left, left + side]);
  const y = linear([extent[2], extent[3]], [top + side, top]);
  const column = linear([0, n - 1], [left, left + side]);
  const row = linear([0, n - 1], [top + side, top]);
  picture.layer("ground");
  const { name } = runs[clamp(chosen, 0, runs.length - 1)];
  const long = `decision boundary: ${name}`;
  const fits = wide && LETTER * long.length < place.right - left;
  picture.text("plane title", "small title", left, top - 14, fits ? long : name);
  const frame = `M${left} ${top}h${side}v${side}h${-side}Z`;
  picture.put("plane frame", "path", { class: "grid", d: frame });
  const where = [left, top, side];
  leads.forEach((f, c) => {
    const d = picture.memo(`region ${c}`, [f, ...where], () => regionOf(f, n, column, row));
    picture.put(`plane region ${c}`, "path", { class: c % 2 ? "answer other" : "answer data", d });
  });
  picture.layer("arrows");
  const { x: samples, labels, classes } = trainer.data.train;
  for (let c = 0; c < classes; c++) {
    const mark = MARKS[c % MARKS.length];
    const markAt = (/** @type {number} */ i) =>
      labels[i] === c ? mark(x(samples.data[2 * i]), y(samples.data[2 * i + 1])) : "";
    const d = picture.memo(`samples ${c}`, [samples, ...where], () =>
      labels.map((_, i) => markAt(i)).join(""),
    );
    const look = c % 2 ? "sampled ink hollow" : "sampled data";
    picture.put(`plane samples ${c}`, "path", { class: look, d });
  }
}
