import { axis } from "../kit/axis.js";
import { courses, mover, panels, upTo } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { handle } from "../kit/handle.js";
import { lengthOf } from "../kit/labels.js";
import { bar, button, stage } from "../kit/panel.js";
import { clamp, domainOf, format, linear, niceDomain, snap, tidy } from "../kit/scale.js";
import { analyse, outputs } from "./model.js";

/**
 * @import { Mount, Shown, View } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 */

const REACH = 5; // the batch can be dragged so far from where it lay
// Heights in the panel of the inputs
const LABELS = 30;
const LANE = 46;
const HOLD = 63;
const LEVEL = 80;
const OUTPUTS = 112; // where the outputs start
const PAD = 20;
const ROWS = 128; // the height of all the outputs' rows
const END = OUTPUTS + ROWS + 72; // where the plots over the steps start
const MANY = 16; // samples: more of them are thin strokes
const ONE_ROW = 560; // from this width on the plots over the steps are in one row
const NAMES = 20; // what the names right of a plot take of it; their gap holds the rest

/** What the mismatch comes from. @param {Shown} shown */
function reason({ batch, shift, mean, truth }) {
  if (shift) return `moving the batch by ${format(shift, 2)} changes evaluation mode only`;
  if (batch === 1) {
    return "a batch of one has variance 0, so training mode puts out β, whatever comes in";
  }
  const side = mean < truth ? "below" : "above";
  return `the running mean is ${format(Math.abs(mean - truth), 2)} ${side} the truth`;
}

/** The message, and its numbers. @param {Shown} shown */
function summary(shown) {
  const { step, mismatch, mean, var: var_, own, truth } = shown;
  const verdict =
    `Step ${step}: the same samples come out ${format(mismatch, 2)} apart in the two modes ` +
    `(root mean square); ${reason(shown)}.`;
  /** @param {string} name @param {number[]} values */
  const row = (name, ...values) => [name, ...values.map((v) => format(v))];
  const rows = [row("mean", mean, own.mean, truth), row("variance", var_, own.var, 1)];
  return { verdict, rows, head: ["", "running", "this batch", "truth"] };
}

/**
 * The true mean and the running one: two lines, each named on its outer side.
 * @param {Drawing} picture @param {number} width
 * @param {{key: string, at: number, text: string, look: string}[]} both
 */
function means(picture, width, both) {
  for (const { key, at, look } of both) {
    const d = `M${at} ${LABELS + 4}V${LEVEL}`;
    picture.put(key, "path", { class: `${look} line`, d });
  }
  const [low, high] = both.toSorted((a, b) => a.at - b.at);
  const [long, other] = [low, high].map(({ text }) => lengthOf(text, true));
  const left = clamp(low.at + 4, long, width - other - 8);
  const right = clamp(high.at - 4, left + 8, width - other);
  const name = (/** @type {typeof low} */ { key, text, look }, /** @type {number} */ x, end = "") =>
    picture.text(`${key} name`, `small halo label ${look}${end}`, x, LABELS, text);
  name(low, left, " end");
  name(high, right);
}

/**
 * The batch as it comes in, on its axis; the true and the running mean; and the diamond that moves it all.
 * @param {Drawing} picture @param {Shown} shown @param {View} view @param {number} width
 * @param {number[]} domain of their axis
 */
function inputs(picture, shown, view, width, domain) {
  const { x, mean, truth, own, shift, mismatch } = shown;
  const scale = linear(domain, [PAD, width - PAD]);
  const text = { class: "title small", x: 0, y: 12 };
  picture.layer("ground");
  picture.invite("x title", text, "Inputs: this step's batch.", " Drag its diamond.");
  axis(picture, "x", { scale, at: LEVEL, grid: [LEVEL - 46, LEVEL + 4] });
  means(picture, width, [
    { key: "truth", at: scale.inside(truth), text: "truth", look: "data" },
    { key: "running", at: scale.inside(mean), text: "running mean", look: "mean" },
  ]);
  picture.layer("trails");
  x.forEach((v, i) => {
    picture.put(`x ${i}`, "circle", { class: "data mild", cx: scale.inside(v), cy: LANE, r: 5 });
  });
  const [here, from, to] = [own.mean, Math.min(...x), Math.max(...x)].map(scale.inside);
  const span = `M${from} ${LANE + 8}V${HOLD}H${to}V${LANE + 8}`;
  picture.put("span", "path", { class: "data hollow part", d: span });
  picture.layer("things");
  const by = (/** @type {number} */ v) => view.set({ shift: clamp(v, -REACH, REACH) });
  handle(picture, "batch", {
    x: here,
    y: HOLD,
    label: "the batch",
    range: [-REACH, REACH],
    value: shift,
    text: `moved by ${format(shift, 2)}; mismatch ${format(mismatch)}`,
    marks: [
      ["path", { class: "data held", d: "M0 -12L12 0L0 12L-12 0Z" }],
      ["path", { class: "grip", d: "M-15 -6L-22 0L-15 6ZM15 -6L22 0L15 6Z" }],
    ],
    target: { x: -24, y: -15, width: 48, height: 30 },
    move: (u) => by(snap(scale.invert(u) - (own.mean - shift), [0], 0.05)),
    nudge: (right, up) => by(tidy(view.get().shift + 0.1 * (right + up))),
  });
}

/** A sample's outputs, joined. @param {Drawing} picture @param {number} i @param {boolean} many */
function pair(picture, i, many, /** @type {{cx: number, to: number, y: number, r: number}} */ at) {
  const { cx, to, y, r } = at;
  const line = { class: `alarm hollow ${many ? "hair" : "strong"}`, d: `M${cx} ${y}H${to}` };
  const look = `data ${many ? "" : "ring"}`;
  picture.put(`apart ${i}`, "path", line);
  picture.put(`train ${i}`, "circle", { class: `${look} open`, cx, cy: y, r });
  picture.put(`eval ${i}`, "circle", { class: look, cx: to, cy: y, r });
}

/** The names of the two modes, above the first row. @param {Drawing} picture @param {number} width */
function modes(
  picture,
  width,
  /** @type {{cx: number, to: number, y: number, r: number}} */ first,
) {
  const { cx, to, r } = first;
  const y = first.y - r - 4;
  const sides = to < cx ? ["evaluation", "training"] : ["training", "evaluation"];
  const left = clamp(Math.min(cx, to), 84, width - 92);
  const right = clamp(Math.max(cx, to), left + 8, width - 84);
  picture.put("left", "text", { class: "small halo label end", x: left, y }, sides[0]);
  picture.put("right", "text", { class: "small halo label", x: right, y }, sides[1]);
}

/**
 * The outputs, a row a sample: where training mode and where evaluation mode puts it, and how far
 * these are apart.
 * @param {Drawing} picture @param {Shown} shown @param {number} width
 * @param {number[]} domain of their axis
 */
function pairs(picture, { x, y_train, y_eval, batch }, width, domain) {
  const top = OUTPUTS + 38;
  const row = clamp(ROWS / batch, 2, 18);
  const bottom = top + ROWS;
  const scale = linear(domain, [PAD, width - PAD]);
  const title = { class: "title small", x: 0, y: OUTPUTS + 12 };
  picture.layer("ground");
  picture.put("y title", "text", title, "Outputs: a row for each sample, in both modes");
  axis(picture, "y", { scale, at: bottom, grid: [top - 8, bottom + 4] });
  picture.layer("trails");
  const many = batch > MANY;
  const r = many ? 1.4 : clamp(0.42 * row, 1.8, 5);
  const order = [...x.keys()].sort((i, j) => x[i] - x[j]);
  order.forEach((i, k) => {
    const y = top + (ROWS - batch * row) / 2 + (k + 0.5) * row;
    const cx = scale(y_train[i]);
    const to = scale(y_eval[i]);
    pair(picture, i, many, { cx, to, y, r });
    if (!k) modes(picture, width, { cx, to, y, r });
  });
}

/**
 * The running statistics against the truth, and the mismatch, over all steps.
 * @param {Drawing} picture @param {Shown} shown @param {View} view
 * @param {{places: import("../kit/chart.js").Place[], text: string}} how with a text for screen
 *   readers
 */
function overSteps(picture, shown, view, { places, text }) {
  const { stream, steps, step } = shown;
  const moves = mover(view, "step", () => [0, view.get().steps - 1], { shift: 0 });
  const ones = stream.truth.map(() => 1);
  /** @type {[string, Record<string, [string, number[]]>][]} */
  const all = [
    ["mean", { truth: ["data", stream.truth], running: ["mean", stream.mean] }],
    ["variance", { truth: ["data", ones], running: ["variance", stream.var] }],
    ["mismatch", { "": ["alarm", stream.off] }],
  ];
  const plots = all.map(([title, lines], k) => {
    const paths = Object.values(lines).map(([, path]) => path);
    const values = paths.flat().map((v) => 1.05 * v);
    const domain = picture.follow(title, niceDomain([0.5, ...values]));
    const curves = Object.entries(lines).map(([label, [className, path]]) => ({
      className,
      label,
      points: upTo(path, steps),
      dot: /** @type {[number, number]} */ ([step, path[Math.min(step, steps - 1)]]),
    }));
    const y = (/** @type {number[]} */ range) => linear(domain, range);
    const moving = picture.moving(title);
    const foot = k === 2 ? "step" : undefined;
    return { y, title, curves, moving, foot, beside: true, from: [shown, domain] };
  });
  courses(picture, places, plots, { step, last: steps - 1, text, ...moves });
}

/** @type {Mount} */
function mount(el, view) {
  const about = "A batch in training and in evaluation mode; the running statistics";
  const back = button("Put the batch back", () => view.set({ shift: 0 }));
  const { picture, finish } = stage(el, view, about, [bar(back)]);

  return function draw(shown, width) {
    const message = summary(shown);
    const { x, mean, truth, y_train, y_eval } = shown;
    const into = picture.hold("inputs", domainOf([...x, mean, truth]));
    picture.part("inputs", [shown, width, into], () => inputs(picture, shown, view, width, into));
    const out = picture.follow("outputs", domainOf([...y_train, ...y_eval]));
    picture.part("outputs", [shown, width, out], () => pairs(picture, shown, width, out));
    const row = width >= ONE_ROW;
    const places = panels(width, 3, END, row ? 130 : 84, ONE_ROW / 3).map((place, k) => ({
      ...place,
      right: place.right - (row ? (k < 2 ? NAMES : 0) : 60),
    }));
    picture.size(width, places[2].bottom + 38);
    overSteps(picture, shown, view, { places, text: message.verdict });
    finish(message);
  };
}

export default makeFigure({ analyse, outputs, mount });
