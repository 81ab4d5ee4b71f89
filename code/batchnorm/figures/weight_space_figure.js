import { makeFigure } from "./kit/figure.js";
import { handle } from "./kit/handle.js";
import { bar, button, legend, report } from "./kit/panel.js";
import { clamp, format, tidy } from "./kit/scale.js";
import { drawing } from "./kit/svg.js";
import { analyse, outputs } from "./weight_space_model.js";
import { frameOf, layout, panel, plots } from "./weight_space_view.js";

/**
 * @typedef {import("./weight_space_model.js").Inputs} Inputs
 * @typedef {import("./weight_space_model.js").Analysis} Analysis
 * @typedef {import("./weight_space_model.js").Pair} Pair
 * @typedef {import("./weight_space_model.js").Kind} Kind
 * @typedef {import("./weight_space_model.js").Here} Here
 * @typedef {import("./kit/figure.js").View<Inputs, Analysis>} View
 */

/** @type {Kind[]} */
const KINDS = ["normal", "plain"];
const MOST = 1e6; // the largest weight one can drag to

const list = (/** @type {Pair} */ v) => `(${v.map((n) => format(n, 2)).join(", ")})`;
const degrees = (/** @type {number} */ v) => (Number.isFinite(v) ? `${format(v, 1)}°` : "–");

/** The message. @param {Inputs & Analysis} shown */
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
  const told = [];
  if (!step) {
    const { to, from } = normal.change;
    const change = to > from ? "longer" : to < from ? "shorter" : "no longer";
    told.push(
      `The next step makes w ${change}: ‖w‖ from ${size(normal.norm)} to ${size(Math.sqrt(to))}.`,
    );
  } else {
    const steps = step === 1 ? "one step" : `${step} steps`;
    const how = only && normal.norm > first ? "only grew," : "went";
    const rates = [rate / first ** 2, rate / normal.norm ** 2].map(size);
    const effective = first ? `; the effective rate went from ${rates[0]} to ${rates[1]}` : "";
    told.push(`In ${steps} ‖w‖ ${how} from ${size(first)} to ${size(normal.norm)}${effective}.`);
  }
  if (normal.ended) told.push("The next step leaves the range of numbers.");
  if (!plain.defined) told.push("Without the layer the loss is beyond the range of numbers.");
  else if (plain.ended) told.push("Without the layer the next step leaves it.");
  if (decay && step && !only) told.push("Weight decay takes length away.");
  return told.join(" ");
}

/** The numbers, with batch norm and without. @param {Inputs & Analysis} shown */
function rowsOf({ now, variance, rate }) {
  const both = [now.normal, now.plain];
  /** @type {(name: string, of: (here: Here) => string) => string[]} */
  const row = (name, of) => [name, ...both.map((here) => (here.defined ? of(here) : "–"))];
  const sign = (/** @type {number} */ v) => (v > 0 ? `+${format(v)}` : format(v));
  const all = [
    ["w", ...both.map(({ w }) => list(w))],
    row("loss", ({ loss }) => format(loss)),
    row("to the optimum", ({ angle }) => degrees(angle)),
    row("gradient", ({ gradient }) => list(gradient)),
    row("its angle to w", ({ turn }) => degrees(turn)),
    row("‖w‖² now", ({ change }) => format(change.from)),
    row("by the gradient", ({ change }) => sign(change.gradient)),
    row("by its part on w", ({ change }) => sign(change.along)),
    row("by the decay", ({ change }) => sign(change.decay)),
    row("‖w‖² next", ({ change }) => format(change.to)),
    ["wᵀSw", format(variance), ""],
    ["effective rate", now.normal.norm ? format(rate / now.normal.norm ** 2) : "–", format(rate)],
  ];
  // What adds nothing is not listed
  return all.filter(([name], k) => !/^by (its|the d)/.test(name) || /[1-9]/.test(all[k].join("")));
}

/** What moves the figure. @param {View} view */
function actions(view) {
  const go = (/** @type {number} */ to) =>
    view.set({ step: clamp(Math.round(to), 0, view.get().steps) });
  return {
    go,
    by: (/** @type {number} */ steps) => go(view.get().step + steps),
    setW: (/** @type {number[]} */ w) => {
      const [a, b] = w.map((v) => clamp(tidy(v), -MOST, MOST));
      view.set({ w: [a, b], step: 0 });
    },
  };
}

/**
 * Where w starts, to be dragged.
 * @param {import("./kit/svg.js").Drawing} picture @param {Kind} kind
 * @param {import("./kit/chart.js").Place} place
 * @param {import("./weight_space_view.js").Frame} frame
 * @param {Inputs & Analysis} shown @param {View} view @param {ReturnType<typeof actions>} act
 */
function start(picture, kind, place, frame, { w, step, now }, view, act) {
  const { left, right, top, bottom } = place;
  const [x, y] = frame.at(w);
  const turn = `gradient at ${degrees(now.normal.turn)} to w`;
  handle(picture, `${kind} start`, {
    ...{ x: clamp(x, left, right), y: clamp(y, top, bottom), label: "w at the start" },
    ...{ range: [-180, 180], value: Math.round((Math.atan2(w[1], w[0]) * 180) / Math.PI) },
    text: `w = ${list(w)}. ${now.normal.defined ? turn : "The loss is not defined"}`,
    marks: [["circle", { class: step ? "data hollow" : "data", r: 7 }]],
    move(px, py) {
      const u = clamp(px, left + 8, right - 8) - frame.cx;
      const v = frame.cy - clamp(py, top + 8, bottom - 8);
      act.setW(Math.hypot(u, v) < 5 ? [0, 0] : [u / frame.unit, v / frame.unit]);
    },
    nudge: (...by) => act.setW(view.get().w.map((v, i) => v + 0.1 * by[i])),
  });
}

/** @param {HTMLElement} el @param {View} view */
function mount(el, view) {
  const about = "Two weights: the loss with batch norm and without, and a descent on each";
  const picture = drawing(about, view);
  const told = report();
  const keys = legend();
  const act = actions(view);
  const buttons = [
    button("Back", () => act.by(-1)),
    button("Step", () => act.by(1)),
    button("To the start", () => act.go(0)),
  ];
  el.append(picture.root, bar(...buttons), keys.root, told.root);

  return function draw(/** @type {Inputs & Analysis} */ shown, /** @type {number} */ width) {
    const place = layout(width);
    const reach = picture.hold("reach", shown.reach);
    const verdict = verdictOf(shown);
    const rows = rowsOf(shown);
    picture.size(width, place.height);
    for (const layer of ["ground", "arrows", "things"]) picture.layer(layer);
    for (const kind of KINDS) {
      const frame = frameOf(place[kind], reach);
      panel(picture, kind, place[kind], frame, shown, reach);
      picture.layer("things");
      start(picture, kind, place[kind], frame, shown, view, act);
    }
    plots(picture, place.plots, shown, { ...act, text: `Step ${shown.step}. ${verdict}` });
    picture.sweep();
    keys.show([
      ["cut", "the next step"],
      ["ghost", "‖w‖ before"],
    ]);
    told.show(verdict, rows, ["", "with", "without"]);
  };
}

export default makeFigure({ analyse, outputs, mount });
