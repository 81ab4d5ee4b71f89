import { analyse, outputs } from "./model.js";
import { atStep, courses, panels, stepper, upTo } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { stage } from "../kit/panel.js";
import { PATHS } from "../kit/moments.js";
import { pathThrough } from "../kit/routes.js";
import { format, linear, niceDomain, tame } from "../kit/scale.js";

/** @import { Mount, Shown } from "./model.js" */

/** What is cut gives the descent its colour. @param {string[]} cut */
const lookOf = (cut) => (cut.length === 1 ? pathThrough(cut[0]) : undefined) ?? "cut";
/** @param {string} name */
const pathOf = (name) => {
  const path = pathThrough(name);
  return path ? PATHS[path] : `paths through ${name}`;
};
/** @param {string[]} cut */
const pathsOf = (cut) => cut.map((name) => `the ${pathOf(name)}`).join(" and ");
/** @param {string} name */
const titleOf = (name) => (name === "loss" ? "the loss" : name);
/** @type {Record<string, string>} */
const MEANING = { loss: "the loss", mu: "mu, the batch’s mean", var: "var, the batch’s variance" };
/** A plot's title. @param {string} name @param {string[]} train */
const headingOf = (name, train) =>
  train.includes(name) ? `${name}, which is trained` : (MEANING[name] ?? name);
/** @param {string} name @param {string} course */
const labelOf = (name, course) => (course ? `${name}: ${course}` : name);

/** Watched names, in words. @param {string[]} names */
const these = (names) => names.map(titleOf).join(" and ");
/** @param {string[]} names */
const away = (names) => `${these(names)} ${names.length > 1 ? "run" : "runs"} away`;

/** What a path did up to a step, in words. @param {number[]} path @param {number} step */
function trend(path, step, start = "") {
  const to = atStep(path, step);
  const change = to - path[0];
  if (Math.abs(change) <= 1e-9 * Math.max(1, Math.abs(path[0]))) return `stays at ${format(to)}`;
  return `${change > 0 ? "rises" : "falls"}${start && ` from ${format(path[0])}`} to ${format(to)}`;
}

/** What the curves of the loss show. @param {Shown} shown */
function losses({ step, whole, part, cut }) {
  const [all, some] = [whole, part].map(({ loss }) => trend(loss, step, "from"));
  if (all === some) return `The loss ${all}, cut or whole.`;
  const other = trend(whole.loss, step);
  return `With ${pathsOf(cut)} cut, the loss ${some}; with the whole gradient it ${other}.`;
}

/** The message, and its numbers. @param {Shown} shown */
function summary(shown) {
  const { watch, step, steps, whole, part, courses: went, cut } = shown;
  const gone = (/** @type {number} */ k) => watch.filter((name) => went[name][k] === "runs away");
  const equal = (/** @type {number} */ a, /** @type {number} */ b) =>
    Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));
  const same = watch.filter((name) =>
    upTo(whole[name], step).every(([i, v]) => equal(v, atStep(part[name], i))),
  );
  const only = gone(1).filter((name) => !gone(0).includes(name));
  const sentences = [`Step ${step}.`];
  if (only.length) {
    const be = same.length > 1 ? "are" : "is";
    const blind = same.length ? `; ${these(same)} ${be} the same either way` : "";
    sentences.push(`Without ${pathsOf(cut)}, ${away(only)}${blind}.`);
  }
  if (gone(0).length) sentences.push(`With the whole gradient, ${away(gone(0))}.`);
  const known = !same.includes("loss") && !gone(0).includes("loss") && !gone(1).includes("loss");
  if (step && cut.length && watch.includes("loss") && known) sentences.push(losses(shown));
  const ends = [whole, part].filter((run) => run[watch[0]].length <= steps).length;
  if (ends)
    sentences.push(
      `${ends > 1 ? "Both descents leave" : "A descent leaves"} the range of numbers.`,
    );
  const rows = watch.map((name) => [
    titleOf(name),
    ...[whole, part].map((run) => format(atStep(run[name], step))),
  ]);
  return { verdict: sentences.join(" "), rows, head: ["", "whole gradient", "cut gradient"] };
}

/** @type {Mount} */
function mount(el, view) {
  const about = "Gradient descent step by step, with the whole gradient and with a cut one";
  const { buttons, ...moves } = stepper(view);
  const { picture, finish } = stage(el, view, about, [buttons]);

  return function draw(shown, width) {
    const { watch, train, step, steps, whole, part, courses: went, cut } = shown;
    const message = summary(shown);
    const places = panels(width, watch.length);
    const end = Math.max(...places.map(({ bottom }) => bottom));
    picture.size(width, end + 38);
    const plots = watch.map((name, k) => {
      // The ground knows all steps from the start on, so that it does not move
      const all = tame([...whole[name], ...part[name]]);
      const domain = picture.follow(name, niceDomain([...all, ...all.map((v) => 1.06 * v)]));
      const [wholly, partly] = went[name];
      /** @param {string} className @param {number[]} path @param {string} label */
      const curve = (className, path, label) => ({ className, points: upTo(path, step), label });
      return {
        y: (/** @type {number[]} */ range) => linear(domain, range),
        title: headingOf(name, train),
        moving: picture.moving(name),
        foot: places[k].bottom === end ? "step" : undefined,
        from: [shown, domain],
        curves: [
          curve("ink wide", whole[name], labelOf("whole", wholly)),
          curve(`${lookOf(cut)} dashed`, part[name], labelOf("cut", partly)),
        ],
      };
    });
    const values = message.rows.map(([name, one, other]) => `${name}: ${one}, cut ${other}`);
    const text = `${message.verdict} ${values.join("; ")}`;
    courses(picture, places, plots, { step, last: steps, text, ...moves });
    finish(message);
  };
}

export default makeFigure({ analyse, outputs, mount });
