import { makeFigure } from "../kit/figure.js";
import { bar, button, stage } from "../kit/panel.js";
import { clamp, format } from "../kit/scale.js";
import { isDegenerate, analyse, batchOf, chosen, outputs, sampled } from "./model.js";
import { layout, paint, REACH, reachOf, square, METHODS } from "./view.js";

/** @import { Mount, Pair, Shown, View } from "./model.js" */

const START = { seed: 1, past: 0, moved: [], selected: 0, upstream: 0 };
const LAYERS = ["ground", "points", "things", "arrows"];
const FAR = 1e3; // no point leads beyond
const OLDEST = 30; // landings remembered

/** @param {Pair[]} rows */
const length = (rows) => Math.hypot(...rows.flat());
/** Two decimals, so that what is nothing reads 0.00. @param {number} v */
const two = (v) => (v < 0.005 ? "0.00" : format(v, 2));

/** The message, and its numbers. @param {Shown} shown @param {number} shrink */
function summary({ before, after, dy, dx, method, landed }, shrink) {
  // A root makes 1e-8 of a rounding error
  const radii = (/** @type {Pair} */ [p, q]) =>
    [p, q > 1e-12 * p ? q : 0].map((r) => format(Math.sqrt(r), 2)).join(" and ");
  const [axis] = before.arms;
  const angle = format(Math.round((Math.atan2(axis[1], axis[0]) * 180) / Math.PI), 0);
  const rows = [["ellipse, its radii", radii(before.values), after ? radii(after.values) : "–"]];
  if (!isDegenerate(before.values)) rows.push(["longer axis at", `${angle}°`, ""]);
  if (!after) {
    const why = "The two radii are equal: PCA's axes are not defined, and have no gradient.";
    return { verdict: `${why} Move a point.`, rows };
  }
  rows.push(["gradient, its length", format(length(dx), 3, length(dy)), format(length(dy))]);
  if (shrink < 1) rows.push(["arrows drawn at", `1/${1 / shrink}`, ""]);
  if (landed.length > 1) {
    const apart = (/** @type {Pair} */ a, /** @type {Pair} */ b) =>
      Math.hypot(a[0] - b[0], a[1] - b[1]);
    const far = Math.max(...landed.flatMap((a, i) => landed.slice(i + 1).map((b) => apart(a, b))));
    rows.push([
      `${landed.length} batches: farthest apart (${METHODS[method]})`,
      "",
      format(far, 2),
    ]);
  }
  const [sent, back] = [dy, dx].map((rows) => two(length(rows)));
  const rest = back === "0.00" ? "; none of it reaches the inputs." : ` and ${back} at the inputs.`;
  return { verdict: `The gradient has length ${sent} at the outputs${rest}`, rows };
}

/** What buttons and handles do. @param {View} view */
function actions(view) {
  /** @param {number} i @param {Pair} to */
  const place = (i, [p, q]) => {
    const state = view.get();
    const [a, b] = sampled(state, state.seed)[i];
    const { moved } = state;
    const others = moved.filter((_, k) => moved[k - (k % 3)] !== i);
    const by = [clamp(p, -FAR, FAR) - a, clamp(q, -FAR, FAR) - b];
    // Finer than a pixel: with all points moved, a link to it is still short
    view.set({ moved: [...others, i, ...by.map((v) => Math.round(1000 * v) / 1000)] });
  };
  const pull = (/** @type {Pair} */ [p, q]) =>
    view.set({ upstream: 0, pull: [clamp(p, -REACH, REACH), clamp(q, -REACH, REACH)] });
  return {
    place,
    pull,
    /** @param {number} i @param {Pair} by */
    push(i, by) {
      const [p, q] = batchOf(view.get())[i];
      place(i, [p + by[0], q + by[1]]);
    },
    /** @param {Pair} by */
    tug(by) {
      const { x, dy } = view.analysis();
      const [p, q] = dy[chosen(view.get(), x)];
      pull([p + by[0], q + by[1]]);
    },
    /** @param {number} i */
    select(i) {
      if (view.get().selected !== i) view.set({ selected: i, past: 0 });
    },
    resample() {
      const state = view.get();
      const x = batchOf(state);
      const i = chosen(state, x);
      const seed = state.seed + 1;
      const [p, q] = sampled(state, seed)[i];
      const past = Math.min(state.past + 1, OLDEST);
      view.set({ seed, past, moved: [i, x[i][0] - p, x[i][1] - q] });
    },
    /** @param {number} method */
    choose: (method) => view.set({ method }),
    next() {
      const { selected, batch_size } = view.get();
      view.set({ selected: (selected + 1) % batch_size, past: 0 });
    },
    reset: () => view.set({ ...START, pull: [1, 0.6] }),
  };
}

/** Long arrows are halved together until they fit. @param {Pair[]} rows */
function shrinkOf(rows) {
  const most = Math.max(0, ...rows.flat().map(Math.abs));
  let shrink = 1;
  while (most * shrink > 2 && shrink > 1e-9) shrink /= 2;
  return shrink;
}

/** @type {Mount} */
function mount(el, view) {
  const about = "A cloud of points, the same after whitening, and the gradients between them";
  const act = actions(view);
  const buttons = bar(
    button("Resample", act.resample),
    button("Next point", act.next),
    button("Reset", act.reset),
  );
  const { picture, finish } = stage(el, view, about, [buttons], LAYERS);

  return function draw(shown, width) {
    const { x, x_hat, dx, landed } = shown;
    const place = layout(width);
    const ins = reachOf(x);
    const outs = reachOf([...x_hat, ...landed]);
    const input = square(place.input, picture.hold("inputs", ins));
    const output = square(place.output, picture.hold("outputs", outs));
    const shrink = shrinkOf(dx);
    picture.size(width, place.height);
    paint(picture, { ...shown, place, input, output, shrink, act }, [shown, width]);
    finish({ ...summary(shown, shrink), head: ["", "inputs", "outputs"] });
  };
}

export default makeFigure({ analyse, outputs, mount });
