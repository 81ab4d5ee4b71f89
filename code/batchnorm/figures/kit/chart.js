import { axis } from "./axis.js";
import { handle } from "./handle.js";
import { apart, labels } from "./labels.js";
import { bar, button } from "./panel.js";
import { clamp, linear } from "./scale.js";
import { say } from "./words.js";

/**
 * @import { Scale } from "./scale.js"
 * @import { Drawing } from "./svg.js"
 */

/** Curves over the steps of a run, and a line to drag at the step that is read. */

const TALL = 190;
const GAP = 36;
const LEFT = 46;

/** The value of a path at a step; a path may end early. @param {any[]} path @param {number} step */
export const atStep = (path, step) => path[clamp(step, 0, path.length - 1)];

/**
 * Panels side by side where there is room, else one above the other; the first starts at `y`, each
 * is `tall` and at least `least` wide.
 * @param {number} width @param {number} count @returns {Place[]}
 */
export function panels(width, count, y = 0, tall = TALL, least = 225) {
  const columns = clamp(Math.floor(width / least), 1, count);
  const w = (width - GAP * (columns - 1)) / columns;
  return Array.from({ length: count }, (_, i) => {
    const left = (i % columns) * (w + GAP) + LEFT;
    const top = y + Math.floor(i / columns) * (tall + 50) + 28;
    return { left, right: left - LEFT + w - 10, top, bottom: top + tall };
  });
}

/**
 * @typedef {{left: number, right: number, top: number, bottom: number}} Place
 * @typedef {object} Curve
 * @property {string} className its colour and its line: "mean", "cut dashed", "ink wide" (to be
 *   seen below another one)
 * @property {[number, number][]} points in values; it is broken where one is not finite, or is
 *   above or below the plot
 * @property {[number, number]} [dot] where its dot is, in values; without it, at its end
 * @property {string} [label] goes to its end, where there is room for it
 *
 * @typedef {object} Reading of curves at a step
 * @property {number} step
 * @property {number} last the last one
 * @property {string} text what is read, for screen readers
 * @property {(step: number) => void} go
 * @property {(steps: number) => void} by
 */

/**
 * The points of a path with one value a step, up to and with step `end`.
 * @param {number[]} path @param {number} end @returns {[number, number][]}
 */
export const upTo = (path, end) => path.slice(0, end + 1).map((v, i) => [i, v]);

/**
 * @param {[number, number][]} points @param {Scale} x @param {(v: number) => number} y
 * @param {(point: [number, number]) => boolean} seen
 */
function lineOf(points, x, y, seen) {
  let pen = "M";
  let d = "";
  for (const point of points) {
    const on = seen(point);
    if (on) d += `${pen}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`;
    pen = on ? "L" : "M";
  }
  return d;
}

/** The colour of a curve, of all the words that say how it looks. @param {string} className */
const colourOf = (className) => className.split(" ")[0];

/**
 * Where the names of curves go: right of the plot, in a gutter, at the heights of their ends.
 * @param {Drawing} picture @param {string} key @param {Place} place
 * @param {{at: number[], label: string, look: string, i: number}[]} ends
 */
function besides(picture, key, { right, top, bottom }, ends) {
  const heights = apart(
    ends.map(({ at }) => at[1] + 4),
    top + 4,
    bottom + 4,
  );
  ends.forEach(({ label, look, i, at }, k) => {
    const where = { x: Math.max(right, at[0]) + 8, y: heights[k] };
    picture.put(`${key} name ${i}`, "text", { class: `small halo label ${look}`, ...where }, label);
  });
}

/**
 * A plot of curves on two scales: a title, an upright and a level axis, each curve with its name in
 * its colour where it ends, to the right of the plot if `beside`, and a dot there if `dots`. A curve
 * that leaves the plot has a mark where it left.
 *
 * @param {Drawing} picture @param {string} key @param {Place} place
 * @param {{x: Scale, y: Scale, title: string,
 *   curves: Curve[], dots?: boolean, beside?: boolean, foot?: string, moving?: boolean,
 *   line?: number}} of `foot` names what the level axis measures; `moving`: its upright axis is
 *   under way; `line`: where an upright line crosses the plot, in values
 */
export function plot(picture, key, place, of) {
  const { x, y, title, curves, dots = true, beside = false, foot, moving = false, line } = of;
  const { left, right, top, bottom } = place;
  picture.layer("ground");
  axis(picture, `${key} y`, { scale: y, at: left, grid: [left, right], upright: true, title });
  axis(picture, `${key} x`, { scale: x, at: bottom, title: foot });
  picture.layer("arrows");
  // Nothing leaves a plot whose axis is on its way to where it fits
  const up = moving ? (/** @type {number} */ v) => clamp(y(v), top, bottom) : y;
  const seen = (/** @type {[number, number]} */ [, v]) => up(v) >= top - 1 && up(v) <= bottom + 1;
  const room = { left: left + 4, right: right + 8, top: top - 8, bottom };
  const names = labels(picture, room, 0, line !== undefined);
  const named = !beside && curves.some(({ label }) => label);
  if (named && line !== undefined) names.avoidLine([top, bottom].map((v) => [x(line), v]));
  /** @type {Parameters<typeof besides>[3]} */
  const ends = [];
  curves.forEach(({ className, points, label, dot }, i) => {
    const d = lineOf(points, x, up, seen);
    picture.put(`${key} curve ${i}`, "path", { class: `${className} hollow line`, d });
    const found = points.findLastIndex(seen);
    const end = points[found];
    if (!end) return;
    if (named) names.avoidLine(points.filter(seen).map(([u, v]) => [x(u), up(v)]));
    const at = dot ?? end;
    if (dots && seen(at)) {
      const where = { class: `${className} dot`, cx: x(at[0]), cy: up(at[1]), r: 4.5 };
      picture.put(`${key} dot ${i}`, "circle", where);
    }
    const next = points[found + 1];
    if (next && Number.isFinite(next[1])) {
      const up = y(next[1]) < top;
      const [u, edge, back] = up ? [x(end[0]), top - 6, 8] : [x(end[0]), bottom + 6, -8];
      const mark = `M${u - 5} ${edge + back}L${u} ${edge}L${u + 5} ${edge + back}`;
      picture.put(`${key} leaves ${i}`, "path", { class: `${className} hollow strong`, d: mark });
    }
    if (label) ends.push({ at: [x(end[0]), up(end[1])], label, look: colourOf(className), i });
  });
  if (beside) besides(picture, key, place, ends);
  else
    for (const { at, label, look, i } of ends)
      names.put(`${key} name ${i}`, label, at, [1, -0.01], `label ${look}`);
}

/**
 * An upright line through a plot, to be moved sideways: it reads the curves at one place.
 *
 * @param {Drawing} picture @param {string} key @param {Place} place
 * @param {{x: Scale, at: number, range: [number, number], label: string,
 *   text: string, go: (v: number) => void, by: (steps: number) => void}} of `at` is its place in
 *   values; it is dragged to a value, moved by keys by a number of steps
 */
export function scrubber(picture, key, { top, bottom }, { x, at, range, label, text, go, by }) {
  picture.layer("things");
  handle(picture, key, {
    x: x(clamp(at, ...range)),
    y: 0,
    label,
    range,
    value: at,
    text,
    level: true,
    target: { x: -15, y: top, width: 30, height: bottom - top },
    marks: [
      ["path", { class: "axis", d: `M0 ${top}V${bottom}` }],
      ["path", { class: "grip", d: `M-5 ${bottom - 1}L0 ${bottom - 9}L5 ${bottom - 1}Z` }],
    ],
    move: (u) => go(x.invert(u)),
    nudge: (right, up) => by(right + up),
    go,
  });
}

/**
 * Plots over the same steps, and through each the line at the step that is read. `from`: what a plot
 * is drawn from, besides its place; it is drawn again when that has changed.
 *
 * @param {Drawing} picture @param {Place[]} places
 * @param {(Omit<Parameters<typeof plot>[3], "x" | "y"> &
 *   {y: (range: [number, number]) => Scale, from: any[]})[]} plots
 * @param {Reading} read
 */
export function courses(picture, places, plots, { step, last, text, go, by }) {
  plots.forEach(({ from, ...of }, k) => {
    const { left, right, top, bottom } = places[k];
    picture.part(`course ${k}`, [...from, left, right, top, bottom], () => {
      const x = linear([0, last], [left, right]);
      plot(picture, `course ${k}`, places[k], { ...of, x, y: of.y([bottom, top]), line: step });
      const all = /** @type {[number, number]} */ ([0, last]);
      const read = { x, at: step, range: all, label: say("step"), text, go, by };
      scrubber(picture, `step ${k}`, places[k], read);
      // One is enough for the keyboard
      picture.put(`step ${k}`, "g", { tabindex: k ? "-1" : "0" });
    });
  });
}

/**
 * What moves a whole number of a figure: `go` to a value, `by` so many.
 * @param {{get: () => any, set: (changes: any) => void}} view @param {string} name
 * @param {() => number[]} range @param {Record<string, any>} [also] what changes with it
 */
export function mover(view, name, range, also) {
  const go = (/** @type {number} */ to) => {
    const [least, most] = range();
    view.set({ ...also, [name]: clamp(Math.round(to), least, most) });
  };
  return { go, by: (/** @type {number} */ more) => go(view.get()[name] + more) };
}

/** What moves the `step` of a figure, and the buttons that do. @param {Parameters<typeof mover>[0]} view */
export function stepper(view) {
  const { go, by } = mover(view, "step", () => [0, view.get().steps]);
  const buttons = bar(
    button(say("Back"), () => by(-1)),
    button(say("Step"), () => by(1)),
    button(say("To the start"), () => go(0)),
  );
  return { go, by, buttons };
}
