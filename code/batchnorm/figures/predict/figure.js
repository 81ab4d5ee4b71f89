import { arrow } from "../kit/arrow.js";
import { axis } from "../kit/axis.js";
import { makeFigure } from "../kit/figure.js";
import { handle } from "../kit/handle.js";
import { labels } from "../kit/labels.js";
import { bar, button, stage } from "../kit/panel.js";
import { clamp, format, linear, short, subscript, tidy } from "../kit/scale.js";
import { setText } from "../kit/svg.js";
import { analyse, outputs } from "./model.js";

/**
 * @import { Mount, Reveal, Shown, View } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 */

const HEAD = 22;
const LANE = 70;
const INPUT = 48; // in a lane, from above: the sample with the guess of its gradient
const OUTPUT = 26; // and its output, where dy arrives
const FOOT = 22;
const PAD = 16;
const SQUARE = 5; // degrees from a right angle that a guess in steps of 0.05 may miss
const TINY = 1e-9;
const LAYERS = ["ground", "arrows", "things"];
const SIDEWAYS = "M-13 -4L-17 0L-13 4ZM13 -4L17 0L13 4Z"; // beside a ring that was not moved yet

/** How near the guess came, in words. @param {Reveal} reveal @param {number} long the guess */
function distance({ size, apart }, long) {
  const length = format(long, 2);
  if (apart < TINY) return "Exactly right.";
  if (size < TINY)
    return `The true dx is 0: nothing comes back. Your guess has the length ${length}.`;
  const part = apart / size;
  const percent = `${Math.round(100 * part)} %`;
  if (!long) return `You guessed 0 everywhere. The true dx has the length ${format(size, 2)}.`;
  const near = part <= 0.1 ? "Very close" : part <= 0.3 ? "Close" : "Some way off";
  const far = `the guess is off by ${percent} of the length of dx`;
  if (part <= 1) return `${near}: ${far}.`;
  return `Far off: ${far}. A guess of 0 everywhere would have been nearer.`;
}

/** Which property of every dx the guess has, and which it lacks. @param {Reveal} reveal */
function properties({ push, angle, apart, size }) {
  if (apart < TINY || size < TINY) return [];
  const sentences = [];
  const balanced = push === undefined || Math.abs(push) < 0.005;
  const square = angle === undefined || Math.abs(angle - 90) <= SQUARE;
  if (!balanced) {
    const sum = format(push ?? 0, 2);
    sentences.push(`Your guess adds up to ${sum}; every dx of this layer adds up to 0.`);
  }
  if (!square) {
    const turned = `${Math.round(angle ?? 0)}°`;
    sentences.push(`Your guess is at ${turned} to x̂; every dx of this layer is at 90°.`);
  }
  if (sentences.length || angle === undefined) return sentences;
  const sum = push === undefined ? "" : "adds up to 0 and ";
  return [`Like every dx of this layer, your guess ${sum}is at right angles to x̂.`];
}

/** The message. @param {Shown} shown */
function summary({ defined, problem, problems, guess, reveal }) {
  if (!defined) return "The samples are equal and ε is 0, so dx is not defined. Raise ε.";
  if (reveal) return [distance(reveal, Math.hypot(...guess)), ...properties(reveal)].join(" ");
  const which = problems.length > 1 ? `Batch ${problem + 1} of ${problems.length}. ` : "";
  return `${which}What is dx? Drag each ring sideways, or use the arrow keys. Then press Show dx.`;
}

/**
 * One sample: its output with the gradient that arrives there; below it its dot, the guess, and dx
 * if it is shown.
 * @param {Drawing} picture @param {number} i @param {Shown} analysis
 * @param {{view: View, width: number, scale: import("../kit/scale.js").Scale}} around
 */
function lane(picture, i, { x, y: out, dy, defined, guess, reach, reveal }, around) {
  const { view, width, scale } = around;
  const top = HEAD + i * LANE;
  const y = top + INPUT;
  const at = scale(x[i]);
  const end = (/** @type {number} */ v) => clamp(v, 4, width - 4);
  const name = subscript("dx", i);
  const given = `${subscript("x", i)} = ${short(x[i])}, ${subscript("dy", i)} = ${short(dy[i])}`;
  const own = format(guess[i], 2);
  const truth = reveal ? `${name} = ${format(reveal.dx[i], 2, 1)}` : "";
  const label = reveal ? `guess ${own}, ${truth}` : `guess ${own}`;
  /** @type {(key: string, from: number, v: number, row: number, className: string) => void} */
  const arrowTo = (key, from, v, row, className) =>
    arrow(picture, `${key} ${i}`, [scale(from), row], [end(scale(from + v)), row], {
      className,
      head: key === "dy" ? 7 : 10,
    });
  picture.layer("ground");
  picture.text(`given ${i}`, "small halo", 0, top + 13, given);
  picture.text(`label ${i}`, "small end halo", width, top + 13, label);
  picture.put(`x ${i}`, "circle", { class: "data", cx: at, cy: y, r: 6 });
  if (defined) {
    const ring = { class: "data hollow strong", cx: scale(out[i]), cy: top + OUTPUT, r: 5 };
    picture.put(`y ${i}`, "circle", ring);
  }
  picture.layer("arrows");
  if (defined) arrowTo("dy", out[i], dy[i], top + OUTPUT, "gradient part dashed");
  arrowTo("guess", x[i], guess[i], y, "ink arrow");
  if (reveal) arrowTo("dx", x[i], reveal.dx[i], y + 12, "gradient arrow");
  picture.layer("things");
  const step = 10 ** Math.floor(Math.log10(reach)) / 20;
  const set = (/** @type {number} */ v) => {
    const to = clamp(tidy(Math.round(v / step) * step), -reach, reach);
    view.set({ guess: view.get().guess.with(i, to) });
  };
  handle(picture, `tip ${i}`, {
    x: end(scale(x[i] + guess[i])),
    y,
    label: `guess of ${name}`,
    range: [-reach, reach],
    value: guess[i],
    text: `${own}; ${given}${truth && `; the true ${truth}`}`,
    level: true,
    marks: [
      ["circle", { class: "ink hollow round", r: 9 }],
      ["path", { class: "grip", d: guess[i] ? "" : SIDEWAYS }],
    ],
    move: (to) => set(scale.invert(to) - x[i]),
    nudge: (right, up) => set(view.get().guess[i] + step * (right + up)),
  });
}

/**
 * What the arrows are, beside the tips of the first sample's.
 * @param {Drawing} picture @param {Shown} analysis @param {number} width
 * @param {import("../kit/scale.js").Scale} scale
 */
function names(picture, { x, y, mu, dy, guess, defined, reveal }, width, scale) {
  const room = labels(picture, { left: 0, right: width, top: HEAD + 17, bottom: HEAD + LANE });
  const row = (/** @type {number} */ v) => HEAD + v;
  if (mu !== undefined) room.avoidLine([30, 62].map((v) => [scale(mu), row(v)]));
  /** @typedef {[key: string, from: number, by: number, row: number, text: string, colour: string]} Name */
  const all = /** @type {Name[]} */ ([
    ["guess", x[0], guess[0], INPUT - 4, "your guess of dx", "ink"],
    ...(reveal ? [["dx", x[0], reveal.dx[0], INPUT + 12, "the true dx", "gradient"]] : []),
    ...(defined ? [["dy", y[0], dy[0], OUTPUT, "dy, at the output", "gradient"]] : []),
  ]);
  for (const [, from, by, v] of all)
    room.avoidLine([from, from + by].map((to) => [scale(to), row(v)]));
  room.avoid(scale(x[0] + guess[0]), row(INPUT), guess[0] ? 10 : 18);
  for (const [key, from, by, v, text, colour] of all)
    room.put(`${key} name`, text, [scale(from + by), row(v)], [by < 0 ? -1 : 1, 0], colour);
}
/** @param {Drawing} picture @param {Shown} analysis @param {number} width @param {View} view */
function paint(picture, analysis, width, view) {
  const { x, y, dy, mu, reach, defined } = analysis;
  const bottom = HEAD + x.length * LANE;
  const above = defined ? y.flatMap((v, i) => [v, v + dy[i]]) : [];
  const ends = [...x.flatMap((v) => [v - reach, v + reach]), ...above];
  const domain = [Math.min(...ends), Math.max(...ends)];
  const scale = linear(picture.hold("domain", domain), [PAD, width - PAD]);
  picture.size(width, bottom + FOOT);
  picture.layer("ground");
  axis(picture, "x", { scale, at: bottom, grid: [HEAD, bottom + 4] });
  if (mu !== undefined) {
    picture.put("mean", "path", { class: "mean line", d: `M${scale(mu)} ${HEAD}V${bottom}` });
    picture.text("mean name", "small middle halo", scale(mu), HEAD - 6, `μ = ${short(tidy(mu))}`);
  }
  x.forEach((_, i) => lane(picture, i, analysis, { view, width, scale }));
  picture.layer("arrows");
  names(picture, analysis, width, scale);
}

/** @type {Mount} */
function mount(el, view) {
  const show = button("Show dx", () => view.set({ shown: !view.get().shown }));
  const next = button("Next batch", () => {
    const { problem, problems, guess } = view.get();
    const at = (problem + 1) % problems.length;
    view.set({ problem: at, shown: false, guess: guess.map(() => 0) });
  });
  const about = "A batch, the gradient at its outputs, and your guess of dx";
  const { picture, finish } = stage(el, view, about, [bar(show, next)], LAYERS);

  return function draw(analysis, width) {
    const { problems, shown, reveal } = analysis;
    el.classList.toggle("asks", !reveal);
    setText(show, shown ? "Hide dx" : "Show dx");
    next.hidden = problems.length < 2;
    paint(picture, analysis, width, view);
    finish({ verdict: summary(analysis) });
  };
}

export default makeFigure({ analyse, outputs, mount });
