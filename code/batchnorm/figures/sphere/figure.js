import { makeFigure } from "../kit/figure.js";
import { handle } from "../kit/handle.js";
import { motion } from "../kit/motion.js";
import { bar, button, stage } from "../kit/panel.js";
import { counted, format, grown, vector } from "../kit/scale.js";
import { setText } from "../kit/svg.js";
import { analyse, intoSpace, lengthOf, outOfSpace, outputs, shifted } from "./model.js";
import { bound, ground, HIGH, layout, parts, STEEP, sceneOf, walk } from "./view.js";

/**
 * @import { Analysis, Mount, Shown, Triple, View } from "./model.js"
 * @import { Scene } from "./view.js"
 * @typedef {ReturnType<typeof actions>} Act
 * @typedef {(scene: Scene, shown: Shown, act: Act, view: View) => void} Grips
 */

const LAYERS = ["ground", "arrows", "things"];
const MOST = 180; // numbers of the trail remembered
const PEEL = ["Remove the mean’s part", "Remove the variance’s part", "Put both back"];

/** A number in a table: two decimals, a power of ten where that would be long. */
const brief = (/** @type {number} */ v, /** @type {number} */ scale) =>
  Math.abs(v) < 1e4 ? format(v, 2, scale) : v.toExponential(1).replaceAll("-", "−");

/** What buttons and handles do. @param {View} view */
function actions(view) {
  /** @param {"x" | "dy"} name @param {(number | undefined)[]} to what is not given stays */
  const moved = (name, to) => {
    const p = intoSpace(view.get()[name]).map((v, k) => to[k] ?? v);
    return outOfSpace(/** @type {Triple} */ (p));
  };
  return {
    step() {
      const { defined, next, trail, x } = view.analysis();
      if (defined) view.set({ trail: [...trail, ...x].slice(-MOST), x: next });
    },
    reset() {
      const [x, dy] = view.get().start;
      view.set({ trail: [], x, dy, peeled: 0 });
    },
    peel: () => view.set({ peeled: (view.get().peeled + 1) % PEEL.length }),
    turnTo: (/** @type {number} */ degrees) =>
      view.set({ turn: ((((degrees + 180) % 360) + 360) % 360) - 180 }),
    setX: (/** @type {(number | undefined)[]} */ to) => view.set({ trail: [], x: moved("x", to) }),
    setDy: (/** @type {(number | undefined)[]} */ to) => view.set({ dy: moved("dy", to) }),
  };
}

/** The message, and its numbers. @param {Shown} shown */
function summary({
  x,
  dy,
  x_hat,
  dx,
  defined,
  parts,
  along,
  peeled,
  trail,
  variances,
  eps,
  gamma,
}) {
  if (!defined) {
    const why = "The samples are equal and ε is 0: the variance is 0, so x̂ and dx are not defined.";
    return { verdict: `${why} Move the batch away from the centre, or raise ε.` };
  }
  const size = lengthOf(dy);
  const lengths = Object.values(parts).map(lengthOf);
  const [mean, variance, passes] = lengths.map((v) => format(v, 2, size || 1));
  const stays = along - lengths[1] > 5e-4 * along;
  const sentences = [
    `The mean removes ${mean} of dy, the variance ${variance}; ${passes} passes.`,
    "Without the mean’s part, what is left of dy lies in the plane.",
    stays
      ? `With ε > 0 the variance removes ${variance} of ${format(along, 2)} along x̂: some passes.`
      : "What passes is tangent to the circle; times γ/s it is dx.",
  ];
  const { first, now } = variances;
  const change =
    Math.abs(now - first) <= 1e-12 * first ? "stayed" : now > first ? "grew" : "shrank";
  const count = trail.length / 3;
  const rise = change === "stayed" ? "" : ` from ${format(first, 2)} to ${format(now, 2)}`;
  const outwards = eps === 0 && gamma && change === "grew" ? ", outwards along tangents" : "";
  const row = (/** @type {string} */ name, /** @type {Triple | number[]} */ v) => [
    name,
    ...[...v, lengthOf(v)].map((n) => brief(n, lengthOf(v))),
  ];
  return {
    verdict: count
      ? `In ${counted(count, "step")}${outwards}, the variance ${change}${rise}.`
      : sentences[peeled],
    rows: [
      ...[row("x", x), row("x̂", x_hat), row("dy", dy), row("mean removes", parts.mean)],
      ...[row("variance removes", parts.variance), row("passes", parts.passes), row("dx", dx)],
    ],
    head: ["", "1", "2", "3", "length"],
    looks: ["data", "data", "gradient", "mean", "variance", "", "gradient"],
  };
}

/**
 * The ground of the side view, to turn it by.
 * @param {Scene} scene @param {number} turn @param {Act} act @param {View} view
 */
function turner({ picture, box }, turn, act, view) {
  const x = turn * 2; // pixels
  const { left, top, right, bottom } = box;
  const area = { x: left + 2 - x, y: top + 2, width: right - left - 4, height: bottom - top - 4 };
  handle(picture, "turn", {
    x,
    y: 0,
    label: "turn the view from the side",
    range: [-180, 180],
    value: turn,
    text: `${format(turn, 0)} degrees`,
    level: true,
    target: { ...area, rx: 6 },
    marks: [],
    move: (to) => act.turnTo(to / 2),
    nudge: (stepX, stepY) => act.turnTo(view.get().turn + 5 * (stepX + stepY)),
    go: (degrees) => act.turnTo(Math.min(degrees, 179)),
  });
}

/**
 * A disc to hold, in a view.
 * @param {Scene} scene @param {string} key @param {Triple} p @param {string} className
 * @param {Omit<import("../kit/handle.js").Handle, "x" | "y" | "range" | "marks">} rest
 */
function knob({ picture, at, reach }, key, p, className, rest) {
  const [x, y] = at(p);
  const marks = /** @type {[string, object][]} */ ([["circle", { class: className, r: 7 }]]);
  handle(picture, key, { x, y, range: [-reach, reach], marks, ...rest });
}

/** R and dy in the plane. @type {Grips} */
function inPlane(scene, { x, dy, defined, space }, act, view) {
  const { unit, reach, box } = scene;
  const flat = (/** @type {number} */ px, /** @type {number} */ py) =>
    [(px - box.cx) / unit, (box.cy - py) / unit].map((v) => bound(v, 0.92 * reach));
  const by = (/** @type {number[]} */ from, /** @type {number[]} */ step) =>
    step.map((v, k) => from[k] + 0.1 * v);
  knob(scene, "grip x", space.x, "data", {
    label: "the centred batch, R",
    value: lengthOf(space.centred),
    text: `x = ${vector(x)}`,
    move: (px, py) => act.setX(flat(px, py)),
    nudge: (...step) => act.setX(by(intoSpace(view.get().x), step)),
    go: (v) => act.setX([0.92 * v]),
  });
  if (!defined) return;
  const [start, , r, tip] = space.chain;
  knob(scene, "grip dy", tip, "gradient hollow", {
    label: "dy in the plane",
    text: `dy = ${vector(dy)}`,
    value: lengthOf(shifted(r, start, -1)),
    move: (px, py) => act.setDy(flat(px, py).map((v, k) => v - start[k])),
    nudge: (...step) => act.setDy(by(intoSpace(view.get().dy), step)),
    go: (v) => act.setDy([0.92 * v]),
  });
}

/** x and dy along 1. @type {Grips} */
function alongOne(scene, { x, dy, defined, space }, act, view) {
  const { at, unit, reach } = scene;
  const high = (/** @type {number} */ py, /** @type {Triple} */ from) =>
    bound((at(from)[1] - py) / (unit * STEEP), HIGH * reach);
  const out = (/** @type {"x" | "dy"} */ name) => intoSpace(view.get()[name])[2];
  const mean = format(out("x") / Math.sqrt(3), 2);
  knob(scene, "grip mean", space.x, "data", {
    label: "the batch along 1: its mean",
    value: space.x[2],
    text: `mean ${mean}, x = ${vector(x)}`,
    move: (_, py) => act.setX([undefined, undefined, high(py, space.centred)]),
    nudge: (right, up) => act.setX([undefined, undefined, out("x") + 0.1 * (right + up)]),
    go: (v) => act.setX([undefined, undefined, v]),
  });
  if (!defined) return;
  const [, , r, tip] = space.chain;
  const text = `${format(tip[2], 2)} along 1, dy = ${vector(dy)}`;
  knob(scene, "grip dy along 1", tip, "gradient hollow", {
    label: "dy along 1",
    value: tip[2],
    text,
    move: (_, py) => act.setDy([undefined, undefined, high(py, r)]),
    nudge: (right, up) => act.setDy([undefined, undefined, out("dy") + 0.1 * (right + up)]),
    go: (v) => act.setDy([undefined, undefined, v]),
  });
}

/** Half the width of the plane. @param {Analysis["space"]} space */
function reachOf({ x, chain, trail }) {
  const far = [x, ...chain, ...trail].map(([a, b]) => Math.hypot(a, b));
  far.push(Math.abs(chain.at(-1)?.[2] ?? 0) / HIGH);
  // A mean far away would shrink all else: its point stays at the edge, and the words tell it
  far.push(Math.min(Math.abs(x[2]) / HIGH, 2 * Math.max(3, ...far)));
  return grown(1.05 * Math.max(...far), 3, 1.25);
}

/** The same, with all that is as high as x no higher than the view shows. */
function lowered(/** @type {Analysis["space"]} */ space, /** @type {number} */ most) {
  const low = (/** @type {Triple} */ [a, b], /** @type {number} */ h) =>
    /** @type {Triple} */ ([a, b, bound(h, most)]);
  const [x, dx, next] = [space.x, space.dx, space.next].map((p) => low(p, space.x[2]));
  return { ...space, x, dx, next, trail: space.trail.map((p) => low(p, p[2])) };
}

/** @type {Mount} */
function mount(el, view) {
  const about = "Three samples as a point in space, and the gradient that flows back";
  const act = actions(view);
  const glide = motion(view);
  const peel = button("", act.peel);
  const steps = [button("Take a step", act.step), button("Reset", act.reset)];
  const below = [bar(peel, ...steps)];
  const { picture, finish } = stage(el, view, about, below, LAYERS);
  let before = -1; // how many parts were peeled off when it was drawn last

  return function draw(analysis, width) {
    const { peeled, turn, defined } = analysis;
    const { height, ...places } = layout(width);
    const reach = picture.hold("reach", reachOf(analysis.space));
    const space = lowered(analysis.space, reach * HIGH);
    const shown = { ...analysis, space };
    if (before >= 0 && peeled !== before) glide.start();
    before = peeled;
    const part = glide.part();
    const tips = [3, 2, 1].map((k) => space.chain[k]); // of what is left of dy
    picture.size(width, height);
    const scenes = /** @type {const} */ (["top", "side"]).map((name) =>
      sceneOf(picture, name, places[name], reach, turn),
    );
    scenes.forEach((scene, k) => {
      const { left: x, top } = scene.box;
      const key = scene.id("title");
      const place = { class: "small title", x, y: top - 9 };
      picture.layer("ground");
      if (k) {
        picture.invite(key, place, "Seen from the side", ": drag to turn");
        turner(scene, turn, act, view);
      } else picture.put(key, "text", place, "Seen along 1: the plane of mean zero");
      ground(scene, shown);
      picture.layer("arrows");
      walk(scene, shown);
      if (defined) {
        const from = tips[(peeled + 2) % 3];
        const to = tips[peeled];
        parts(scene, shown, shifted(from, shifted(to, from, -1), part));
      }
      picture.layer("things");
      (k ? alongOne : inPlane)(scene, shown, act, view);
    });
    setText(peel, PEEL[peeled]);
    finish(summary(analysis));
  };
}

export default makeFigure({ analyse, outputs, mount });
