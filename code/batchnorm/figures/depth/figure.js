import { analyse, nearest, outputs } from "./model.js";
import { mover, panels, plot, scrubber } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { labels } from "../kit/labels.js";
import { stage } from "../kit/panel.js";
import { clamp, format, linear, log, powerOfTen } from "../kit/scale.js";

/**
 * @import { Mount, Shown } from "./model.js"
 * @import { Place } from "../kit/chart.js"
 * @import { Drawing } from "../kit/svg.js"
 * @typedef {(picture: Drawing, place: Place, shown: Shown) => import("../kit/scale.js").Scale} Panel
 */

const LOOKS = ["gradient", "ink", "direct", "data"];
const TALL = 230;
const MOST = 4; // the largest factor on the axis
const LABEL_WIDTH = 88; // for a formula, to the right of its curve

/** A factor of the whole way: 12, 9,400, 2·10⁷. @param {number} power of ten */
function times(power) {
  if (power < 1) return format(10 ** power, 1);
  if (power < 5) return Number((10 ** power).toPrecision(2)).toLocaleString("en");
  const whole = Math.floor(power);
  return `${Math.round(10 ** (power - whole))}·${powerOfTen(10 ** whole)}`;
}

/** The message, and its numbers. @param {Shown} shown */
function summary({ found, size, passed }) {
  const grown = found.map(
    ({ name, factor, powers }) =>
      `${name} ${times(powers[passed].median)} times (${format(factor.median, 2)} a layer)`,
  );
  const many = `${passed} ${passed === 1 ? "layer" : "layers"}`;
  const verdict = `${many} down, at batch size ${size}, ‖dh‖² has grown: ${grown.join(", ")}.`;
  const rows = found.map(({ name, factor, predicted }) => [
    name,
    format(factor.median, 2),
    `${format(factor.low, 2)} to ${format(factor.high, 2)}`,
    predicted === null ? "none" : format(predicted, 2),
  ]);
  return { verdict, rows, head: ["", "a layer", "over the seeds", "formula"] };
}

/** The outline of a band. @param {(readonly [number, number, number])[]} at x, low, high */
function outline(at) {
  const [lower, upper] = [1, 2].map((k) => at.map((place) => `${place[0]} ${place[k]}`));
  return `M${[...lower, ...upper.reverse()].join("L")}Z`;
}

/**
 * Names beside what they name, away from curves and from one another.
 * @param {Drawing} picture @param {string} key @param {Place} place
 * @param {{name: string, look: string, at: [number, number]}[]} all
 * @param {number[][]} marks to be kept free: x, y, radius
 */
function named(picture, key, { left, right, top, bottom }, all, marks) {
  const { avoid, put } = labels(picture, { left: left + 6, right, top, bottom: bottom - 6 }, 2);
  for (const [u, v, r] of marks) avoid(u, v, r);
  all.forEach(({ name, look, at }, k) => {
    put(`${key} ${k}`, name, at, [0.6, -1], `label ${look}`);
  });
}

/** How far a kind's smallest batches grow, faint behind the rest. @type {Panel} */
function envelope(picture, place, { found, sizes, size, layers, reach, smallest }) {
  const x = linear([0, layers], [place.left, place.right]);
  const y = log([1, 10 ** reach], [place.bottom, place.top]);
  if (size === sizes[0]) return x;
  found.forEach((_, k) => {
    const all = smallest[k].filter(({ low }, i) => i === 0 || low < reach);
    const up = (/** @type {number} */ power) => y.inside(10 ** power);
    const d = outline(all.map(({ low, high }, i) => [x(i), up(low), up(high)]));
    picture.put(`envelope ${k}`, "path", { class: `${LOOKS[k]} envelope`, d });
  });
  return x;
}

/** The norm, layer by layer, on its way down. Returns the scale of layers. @type {Panel} */
function course(picture, place, shown) {
  const { found, passed, layers, reach, sizes, size, smallest } = shown;
  const { left, right, top, bottom } = place;
  const x = linear([0, layers], [left, right]);
  const y = log([1, 10 ** reach], [bottom, top]);
  const inside = (/** @type {number} */ power) => y.inside(10 ** power);
  picture.layer("ground");
  envelope(picture, place, shown);
  const curves = found.flatMap(({ powers, predicted }, k) => {
    const all = powers.slice(0, passed + 1);
    const d = outline(all.map(({ low, high }, i) => [x(i), inside(low), inside(high)]));
    picture.put(`band ${k}`, "path", { class: `${LOOKS[k]} many`, d });
    const points = all.map(
      ({ median }, i) => /** @type {[number, number]} */ ([i, 10 ** Math.max(0, median)]),
    );
    const line = { className: LOOKS[k], points };
    if (predicted === null) return [line];
    const end = Math.min(layers, reach / Math.max(Math.log10(predicted), 1e-9));
    const formed = Array.from({ length: 13 }, (_, i) => {
      const at = (i / 12) * end;
      return /** @type {[number, number]} */ ([at, predicted ** at]);
    });
    return [line, { className: `${LOOKS[k]} dashed`, points: formed, label: "theory" }];
  });
  const title = "growth of ‖dh‖²";
  const foot = "layers passed";
  const moving = picture.moving("reach");
  plot(picture, "course", place, { x, y, title, curves, dots: false, beside: true, foot, moving });
  const names = found.map(({ name, powers }, k) => {
    const at = /** @type {[number, number]} */ ([x(passed), inside(powers[passed].median)]);
    return { name, look: LOOKS[k], at };
  });
  const marks = curves.flatMap(({ points }) => points.map(([u, v]) => [x(u), y(v), 4]));
  smallest.forEach((powers, k) => {
    if (size === sizes[0]) return;
    const out = powers.findIndex(({ low }) => low >= reach);
    const far = out < 0 ? layers : out;
    const at = /** @type {[number, number]} */ ([x(far / 2), inside(powers[far].low / 2)]);
    names.push({ name: `batch of ${sizes[0]}`, look: LOOKS[k], at });
  });
  named(picture, "kind", place, names, marks);
  return x;
}

/** The factor per layer, at every batch size. Returns the scale of batch sizes. @type {Panel} */
function factors(picture, place, { found, sizes, size }) {
  const { left, right, top, bottom } = place;
  const ends = [sizes[0] / 1.15, sizes[sizes.length - 1] * 1.15];
  const x = Object.assign(log(ends, [left, right]), {
    ticks: () => sizes,
    text: (/** @type {number} */ v) => String(v),
  });
  const y = linear([1, MOST], [bottom, top]);
  picture.layer("ground");
  /** @type {number[][]} */
  const marks = [];
  const curves = found.flatMap(({ formula, curve, factors: each }, k) => {
    each.forEach(({ low, median, high }, i) => {
      const u = x(sizes[i]);
      const v = y.inside(median);
      const bar = `M${u} ${y.inside(low)}V${y.inside(high)}`;
      picture.put(`bar ${k} ${i}`, "path", { class: `${LOOKS[k]} hollow strong`, d: bar });
      if (median > MOST) return; // only its bar reaches into the plot
      const r = sizes[i] === size ? 5.5 : 3.5;
      picture.put(`dot ${k} ${i}`, "circle", { class: `${LOOKS[k]} dot`, cx: u, cy: v, r });
      marks.push([u, v, 6], [u, y.inside(low), 4], [u, y.inside(high), 4]);
    });
    const points = curve.filter(([, factor]) => factor <= MOST);
    marks.push(...points.map(([u, v]) => [x(u), y(v), 2]));
    return [{ className: `${LOOKS[k]} dashed`, points, label: formula }];
  });
  const title = "factor per layer (dashed: theory)";
  const foot = "batch size";
  plot(picture, "factors", place, { x, y, title, curves, dots: false, beside: true, foot });
  const names = found.map(({ name, factor }, k) => {
    const at = /** @type {[number, number]} */ ([x(size), y.inside(factor.median)]);
    return { name, look: LOOKS[k], at };
  });
  named(picture, "name", place, names, marks);
  return x;
}

/** @type {Mount} */
function mount(el, view) {
  const about = "The norm of the gradient on its way down; its factor per layer";
  const { picture, finish } = stage(el, view, about);
  const deep = mover(view, "depth", () => [1, view.get().layers]);
  const choose = (/** @type {number} */ at) =>
    view.set({ batch: view.get().sizes[clamp(at, 0, view.get().sizes.length - 1)] });
  const close = (/** @type {number} */ batch) =>
    choose(view.get().sizes.indexOf(nearest(view.get().sizes, batch)));

  return function draw(analysis, width) {
    const shown = { ...analysis, reach: picture.follow("reach", analysis.reach) };
    const { passed, layers, size, sizes } = shown;
    const message = summary(shown);
    const [first, below] = panels(width, 2, 0, TALL).map((place) => ({
      ...place,
      right: place.right - LABEL_WIDTH,
    }));
    const more = below.left === first.left ? 14 : 0; // its long title clears the axis above it
    const second = { ...below, top: below.top + more, bottom: below.bottom + more };
    picture.size(width, second.bottom + 42);
    const text = `${message.verdict} ${message.rows.map((row) => row.join(", ")).join("; ")}`;
    const x = course(picture, first, shown);
    scrubber(picture, "depth", first, {
      x,
      at: passed,
      range: [1, layers],
      label: "layers passed",
      text,
      ...deep,
    });
    const along = factors(picture, second, shown);
    scrubber(picture, "batch", second, {
      x: along,
      at: size,
      range: [sizes[0], sizes[sizes.length - 1]],
      label: "batch",
      text,
      go: close,
      by: (steps) => choose(sizes.indexOf(view.analysis().size) + steps),
    });
    finish(message);
  };
}

export default makeFigure({ analyse, outputs, mount });
