import { courses, stepper, upTo } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { handle } from "../kit/handle.js";
import { stage } from "../kit/panel.js";
import {
  angle,
  clamp,
  counted,
  format,
  linear,
  log,
  niceDomain,
  tidy,
  vector,
} from "../kit/scale.js";
import { analyse, angleTo, KINDS, outputs } from "./model.js";
import { frameOf, panel } from "./view.js";

/**
 * @import { Here, Kind, Mount, Pair, Shown, View } from "./model.js"
 * @import { Place } from "../kit/chart.js"
 * @import { Drawing } from "../kit/svg.js"
 */

const LAYERS = ["ground", "arrows", "things"];
const MOST = 1e6; // the largest weight one can drag to
const GAP = 20;
const HEADING = 24;
const LEFT = 46; // of a plot: room for its numbers
const WIDE = 560; // from this width on the panels are side by side

/** Where everything is. @param {number} width */
function layout(width) {
  const wide = width >= WIDE;
  const half = (width - GAP) / 2;
  /** @type {(left: number, top: number, w: number, h: number) => Place} */
  const panel = (left, top, w, h) => ({ left, right: left + w, top, bottom: top + h });
  /** @type {(left: number, top: number, w: number, h: number) => Place} */
  const graph = (left, top, w, h) => panel(left + LEFT, top + 30, w - LEFT - 12, h - 30);
  if (wide) {
    const h = Math.min(half, 340);
    const third = (width - 2 * GAP) / 3;
    const plots = [0, 1, 2].map((k) => graph(k * (third + GAP), HEADING + h, third, 140));
    const [normal, plain] = [0, half + GAP].map((left) => panel(left, HEADING, half, h));
    return { height: HEADING + h + 164, normal, plain, plots };
  }
  const h = Math.min(0.68 * width, 300);
  const second = HEADING + h + 8;
  const third = 2 * HEADING + h + half + 8;
  return {
    height: third + 124,
    normal: panel(0, HEADING, width, h),
    plain: panel(0, second + HEADING, half, half - 10),
    plots: [
      graph(half + GAP, second + HEADING - 22, half, half - 10),
      graph(0, third, half, 100),
      graph(half + GAP, third, half, 100),
    ],
  };
}

const degrees = (/** @type {number} */ v) => (Number.isFinite(v) ? `${format(v, 1)}°` : "–");

/** The message. @param {Shown} shown */
function verdictOf({ now, step, rate, decay, paths, variance, w: start }) {
  const { normal, plain } = now;
  if (!normal.defined) {
    return variance
      ? "The loss with batch norm is beyond the range of numbers here, so it is not defined."
      : "At w = 0 all outputs are equal: their variance is 0, and with ε = 0 batch norm divides " +
          "0 by 0. Move w, or raise ε.";
  }
  const first = Math.hypot(...start);
  const norms = paths.normal.slice(0, step + 1).map(({ w }) => Math.hypot(...w));
  const only = norms.every((r, k) => !k || r >= norms[k - 1]);
  const size = (/** @type {number} */ v) => format(v, 2);
  const sentences = [];
  if (!step) {
    const { to, from } = normal.change;
    const change = to > from ? "makes w longer" : "makes w shorter";
    const lengths = `‖w‖ from ${size(normal.norm)} to ${size(Math.sqrt(to))}`;
    const same = `The next step leaves w as long as it is: ‖w‖ = ${size(normal.norm)}.`;
    sentences.push(to === from ? same : `The next step ${change}: ${lengths}.`);
  } else {
    const how = only && normal.norm > first ? "only grew," : "went";
    const rates = [rate / first ** 2, rate / normal.norm ** 2].map(size);
    const effective = first ? `; the effective rate went from ${rates[0]} to ${rates[1]}` : "";
    const lengths = `from ${size(first)} to ${size(normal.norm)}`;
    sentences.push(`In ${counted(step, "step")} ‖w‖ ${how} ${lengths}${effective}.`);
  }
  if (normal.ended) sentences.push("The next step leaves the range of numbers.");
  if (!plain.defined) sentences.push("Without the layer the loss is beyond the range of numbers.");
  else if (plain.ended) sentences.push("Without the layer the next step leaves it.");
  if (decay && step && !only) sentences.push("Weight decay takes length away.");
  return sentences.join(" ");
}

/** The numbers, with batch norm and without: those that tell the story first. @param {Shown} shown */
function tablesOf({ now, variance, rate }) {
  const both = [now.normal, now.plain];
  /** @type {(name: string, of: (here: Here) => string) => string[]} */
  const row = (name, of) => [name, ...both.map((here) => (here.defined ? of(here) : "–"))];
  const sign = (/** @type {number} */ v) => (v > 0 ? `+${format(v)}` : format(v));
  const lead = [
    row("‖w‖ → next", ({ norm, change }) =>
      [norm, Math.sqrt(change.to)].map((v) => format(v, 2)).join(" → "),
    ),
    row("gradient’s angle to w", ({ turn }) => degrees(turn)),
    ["effective rate", now.normal.norm ? format(rate / now.normal.norm ** 2) : "–", format(rate)],
  ];
  const all = [
    ["w", ...both.map(({ w }) => vector(w))],
    row("loss", ({ loss }) => format(loss)),
    row("to the optimum", ({ angle }) => degrees(angle)),
    row("gradient", ({ gradient }) => vector(gradient)),
    row("‖w‖² now", ({ change }) => format(change.from)),
    row("by the gradient", ({ change }) => sign(change.gradient)),
    row("by its part on w", ({ change }) => sign(change.along)),
    row("by the decay", ({ change }) => sign(change.decay)),
    row("‖w‖² next", ({ change }) => format(change.to)),
    ["wᵀSw", format(variance), ""],
  ];
  // What adds nothing is not listed
  const rows = all.filter(
    ([name], k) => !/^by (its|the d)/.test(name) || /[1-9]/.test(all[k].join("")),
  );
  return { lead, rows, head: ["", "with", "without"] };
}

/**
 * Where w starts, to be dragged.
 * @param {Drawing} picture @param {Kind} kind @param {Place} place
 * @param {import("./view.js").Frame} frame @param {Shown} shown @param {View} view
 */
function start(picture, kind, place, frame, { w, step, now }, view) {
  const { left, right, top, bottom } = place;
  const setW = (/** @type {number[]} */ to) => {
    const [a, b] = to.map((v) => clamp(tidy(v), -MOST, MOST));
    view.set({ w: [a, b], step: 0 });
  };
  const [x, y] = frame.at(w);
  const turn = `gradient at ${degrees(now.normal.turn)} to w`;
  handle(picture, `${kind} start`, {
    x: clamp(x, left, right),
    y: clamp(y, top, bottom),
    label: "w at the start",
    range: [-180, 180],
    value: Math.round((Math.atan2(w[1], w[0]) * 180) / Math.PI),
    text: `w = ${vector(w)}. ${now.normal.defined ? turn : "The loss is not defined"}`,
    marks: [["circle", { class: step ? "data hollow" : "data", r: 7 }]],
    move(px, py) {
      const u = clamp(px, left + 8, right - 8) - frame.cx;
      const v = frame.cy - clamp(py, top + 8, bottom - 8);
      setW(Math.hypot(u, v) < 5 ? [0, 0] : [u / frame.unit, v / frame.unit]);
    },
    nudge: (...by) => setW(view.get().w.map((v, i) => v + 0.1 * by[i])),
  });
}

/**
 * What goes with the steps.
 * @param {Drawing} picture @param {Place[]} places @param {Shown} shown
 * @param {{go: (step: number) => void, by: (steps: number) => void, text: string}} moves
 */
function plots(picture, places, shown, moves) {
  const { paths, steps, step, optimum, rate } = shown;
  const norms = KINDS.map((kind) => paths[kind].map(({ w }) => Math.hypot(...w)));
  const rates = [norms[0].map((r) => rate / r ** 2), norms[1].map(() => rate)];
  const angles = KINDS.map((kind) => paths[kind].map(({ w }) => angleTo(w, optimum)));
  // The scales are those of the descent with batch norm, and of where both start
  const powers = [...rates[0], rate].filter((v) => v > 1e-300 && v < Infinity).map(Math.log10);
  const [low, high] = powers.length ? [Math.min(...powers), Math.max(...powers)] : [0, 0];
  const whole = picture.follow("rates", [Math.floor(low), Math.floor(high) + 1]);
  const ends = whole.map((power) => 10 ** power);
  const far = [...norms[0].filter(Number.isFinite), norms[1][0], 1];
  const longest = picture.follow("lengths", niceDomain(far));
  const moving = ["lengths", "rates"].map(picture.moving);
  const domains = [longest, whole];
  /** @type {[string, number[][], (range: number[]) => import("../kit/scale.js").Scale][]} */
  const all = [
    ["‖w‖", norms, (range) => linear(longest, range)],
    ["effective rate η/‖w‖²", rates, (range) => log(ends, range)],
    ["angle to the optimum", angles, (range) => angle([0, 180], range)],
  ];
  const these = all.map(([title, values, y], k) => ({
    title,
    y,
    moving: moving[k],
    from: [shown, domains[k]],
    curves: values.map((path, i) => ({
      className: ["data", "cut plain"][i],
      label: k === 1 ? ["with", "without"][i] : undefined,
      points: upTo(path, steps),
      dot: /** @type {Pair} */ ([step, path[step] ?? NaN]),
    })),
  }));
  courses(picture, places, these, { step, last: steps, ...moves });
}

/** @type {Mount} */
function mount(el, view) {
  const about = "Two weights: the loss with batch norm and without, and a descent on each";
  const { buttons, ...moves } = stepper(view);
  const { picture, finish } = stage(el, view, about, [buttons], LAYERS);

  return function draw(shown, width) {
    const place = layout(width);
    const reach = picture.hold("reach", shown.reach);
    const verdict = verdictOf(shown);
    picture.size(width, place.height);
    for (const kind of KINDS) {
      picture.part(kind, [shown, width, reach], () => {
        const frame = frameOf(place[kind], reach);
        panel({ ...frame, picture, kind, place: place[kind], shown, reach });
        picture.layer("things");
        start(picture, kind, place[kind], frame, shown, view);
      });
    }
    plots(picture, place.plots, shown, { ...moves, text: `Step ${shown.step}. ${verdict}` });
    finish({ verdict, ...tablesOf(shown) });
  };
}

export default makeFigure({ analyse, outputs, mount });
