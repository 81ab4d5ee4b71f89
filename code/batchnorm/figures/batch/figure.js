import { analyse, outputs } from "./model.js";
import { guide } from "./tour.js";
import { layout, paint, REACH } from "./view.js";
import { makeFigure } from "../kit/figure.js";
import { motion } from "../kit/motion.js";
import { bar, button, legend, stage } from "../kit/panel.js";
import { clamp, domainOf, format } from "../kit/scale.js";
import { count, say } from "../kit/words.js";

/** @import { Analysis, Inputs, Mount, Shown, View } from "./model.js" */

const MOST = 100; // steps remembered
const BEFORE = { trail: [], steps: 0 }; // any step

/** @param {number[]} a @param {number[]} b */
const largestChange = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));

/** How many steps moved what is reported, of which so many are remembered. @param {number} steps */
function moved(steps, /** @type {number} */ k) {
  if (!steps) return say("a step moves");
  if (k >= steps) return count(steps, "one step moved", "{n} steps moved");
  const holes = { k };
  return count(steps, "the last {k} of one step moved", "the last {k} of {n} steps moved", holes);
}

/** The message, and its numbers. @param {Shown} shown */
function summary({ defined, x, y, steps, s, sums, travelled, past, next, flows, called }) {
  if (!defined) {
    const why = say(
      "The samples are equal and ε is 0, so the variance is 0 and the outputs are not defined.",
    );
    const way = say("Move a sample, or raise ε.");
    return { verdict: `${why} ${way}` };
  }
  const closed = /** @type {const} */ (["direct", "mean", "variance"]).filter((p) => !flows[p]);
  const cut = closed.map((path) => called[path]);
  const paths = () => cut.reduce((first, next) => say("{first} and the {next}", { first, next }));
  const by = cut.length
    ? say("With the {paths} cut", { paths: paths() })
    : say("With the whole gradient");
  const size = Math.max(...x.map(Math.abs), 1);
  const row = (/** @type {string} */ name, /** @type {number[]} */ values) => [
    name,
    ...values.map((v) => format(v, 3, size * 1e-3)),
  ];
  const change = (/** @type {{x: number[], y: number[]}} */ from, to = { x, y }) => [
    largestChange(to.x, from.x),
    largestChange(to.y, from.y),
  ];
  const all = [travelled.inputs, travelled.outputs];
  const step = row(say("the next step"), change({ x, y }, next));
  const [ins, outs] = steps ? all.map((v) => format(v, 2, 1)) : step.slice(1);
  const moves = moved(steps, past.length);
  const rows = [
    row(say("travelled"), all),
    ...past.slice(-1).map((last) => row(say("the last step"), change(last))),
    step,
    [say("sum of dx"), format(sums.dx, 3, 1), ""],
    ...(sums.along === undefined ? [] : [[say("sum of dx·x̂"), format(sums.along, 3, 1), ""]]),
    ...(s === undefined ? [] : [["s", format(s), ""]]),
  ];
  const verdict = say("{by}, {moves} the inputs by up to {ins}, the outputs by up to {outs}.", {
    by,
    moves,
    ins,
    outs,
  });
  return { verdict, rows, head: ["", say("inputs"), say("outputs")] };
}

/** What buttons and handles do. @param {View} view */
function actions(view) {
  const step = () => {
    const { defined, x, next, trail, steps } = view.analysis();
    if (defined) view.set({ trail: [...trail, x].slice(-MOST), steps: steps + 1, x: next.x });
  };
  const reset = () => {
    const [x, dy] = view.get().start;
    view.set({ ...BEFORE, x, dy });
  };
  return {
    step,
    reset,
    setX: (/** @type {number} */ i, /** @type {number} */ v) =>
      view.set({ ...BEFORE, x: view.get().x.with(i, v) }),
    setDy: (/** @type {number} */ i, /** @type {number} */ v) =>
      view.set({ dy: view.get().dy.with(i, clamp(v, -REACH, REACH)) }),
  };
}

/**
 * The range of the axis. It holds still while one walks, as long as all fit in.
 * @returns {(analysis: Inputs & Analysis) => [number, number]}
 */
function standing() {
  /** @type {[number, number]} */
  let domain = [0, 0];
  return ({ x, y, past, ahead, defined }) => {
    const outputs = defined ? [...y, ...past.flatMap((p) => p.y)] : [];
    const all = [...x, ...past.flatMap((p) => p.x), ...outputs];
    const holds = past.length && all.every((v) => v >= domain[0] && v <= domain[1]);
    if (!holds) domain = domainOf([...all, ...(defined ? ahead : [])], 3, 1.5);
    return domain;
  };
}

/** @param {number[]} a @param {number[]} b @param {number} part */
const between = (a, b, part) => a.map((v, i) => v + part * (b[i] - v));
/** @type {(className: string, text: string, on: boolean) => [string, string, boolean]} */
const entry = (...all) => all;

/** @type {Mount} */
function mount(el, view) {
  const about = say("A batch of samples, its outputs, and the gradients that flow back");
  const keys = legend();
  const act = actions(view);
  const glide = motion(view);
  const buttons = bar(button(say("Take a step"), act.step), button(say("Reset"), act.reset));
  const guided = view.get().tour.length ? guide(view, act) : undefined;
  el.classList.add("bn-full");
  if (guided) el.classList.add("bn-broad");
  const { picture, finish } = stage(
    el,
    view,
    about,
    guided ? [...guided.parts, keys.root] : [buttons, keys.root],
  );
  const domainFor = standing();
  let before = Infinity; // how many steps were drawn last

  return function draw(analysis, width) {
    const { x, y, past, steps, parts, flows, called } = analysis;
    const place = layout(width, x.length, guided !== undefined);
    const domain = picture.hold("domain", domainFor(analysis));
    if (steps > before) glide.start();
    before = steps;
    const part = past.length ? glide.part() : 1;
    const from = past.at(-1) ?? { x, y };
    const around = {
      view,
      place,
      act,
      scale: place.scale(domain),
      domain,
      now: { x: between(from.x, x, part), y: between(from.y, y, part) },
    };
    picture.size(width, place.height);
    paint(picture, { ...analysis, ...around });
    const paths = Object.keys(parts);
    // The parts are 7 units apart, too near for names beside them; and here a cut one is struck out
    keys.show([
      ["gradient arrow", say("the whole gradient"), true],
      ...paths.map((path) => entry(`${path} part`, called[path], flows[path])),
    ]);
    guided?.show(flows.mean);
    const { verdict, ...numbers } = summary(analysis);
    finish({ verdict, ...(guided ? {} : numbers) });
  };
}

export default makeFigure({ analyse, outputs, mount });
