import { analyse, outputs } from "./model.js";
import { atStep, courses, panels, stepper, upTo } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { stage } from "../kit/panel.js";
import { PATHS } from "../kit/moments.js";
import { pathThrough } from "../kit/routes.js";
import { format, linear, niceDomain, tame } from "../kit/scale.js";
import { count, say } from "../kit/words.js";

/** @import { Mount, Shown } from "./model.js" */

/** What is cut gives the descent its colour. @param {string[]} cut */
const lookOf = (cut) => (cut.length === 1 ? pathThrough(cut[0]) : undefined) ?? "cut";
/** @param {string} name */
const pathOf = (name) => {
  const path = pathThrough(name);
  return path ? PATHS[path] : say("paths through {name}", { name });
};
/** @param {string[]} cut */
const pathsOf = (cut) =>
  cut.map(pathOf).reduce((first, next) => say("{first} and the {next}", { first, next }));
/** @param {string} name */
const titleOf = (name) => (name === "loss" ? say("the loss") : name);

/** A plot's title. @param {string} name @param {string[]} train */
function headingOf(name, train) {
  if (train.includes(name)) return say("{name}, which is trained", { name });
  if (name === "mu") return say("mu, the batch’s mean");
  return name === "var" ? say("var, the batch’s variance") : titleOf(name);
}

/** A curve's name, and how it goes. @param {string} name @param {import("./model.js").Course} course */
function labelOf(name, course) {
  if (!course) return name;
  const way = {
    stays: say("stays"),
    "runs away": say("runs away"),
    "comes to rest": say("comes to rest"),
  };
  return `${name}: ${way[course]}`;
}

/** Watched names, in words. @param {string[]} names */
const these = (names) =>
  names.map(titleOf).reduce((first, next) => say("{first} and {next}", { first, next }));
/** @param {string[]} names */
const away = (names) =>
  count(names.length, "{names} runs away", "{names} run away", { names: these(names) });
/** @param {string[]} names */
const alike = (names) => {
  const holes = { names: these(names) };
  return count(
    names.length,
    "{names} is the same either way",
    "{names} are the same either way",
    holes,
  );
};

/** Whether two values are the same, but for rounding. @param {number} a @param {number} b */
const equal = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));

/** Whether a path left its first value, as that is written, and came back. @param {number[]} path */
const returned = (path, /** @type {number} */ step) =>
  format(atStep(path, step)) === format(path[0]) &&
  path.slice(0, step + 1).some((v) => format(v) !== format(path[0]));

/** What a path did up to a step, as its ends are written. @param {number[]} path @param {number} step */
function turn(path, step) {
  const from = path[0];
  const to = atStep(path, step);
  if (returned(path, step)) return "back";
  const moved = !equal(from, to) && format(from) !== format(to);
  if (moved && to > from) return "rises";
  return moved && to < from ? "falls" : "stays";
}

/** The same of "the loss", in words. @param {number[]} path @param {number} step */
function trend(path, step) {
  const holes = { from: format(path[0]), to: format(atStep(path, step)) };
  const words = {
    back: say("is back at {to}", holes),
    stays: say("stays at {to}", holes),
    rises: say("rises from {from} to {to}", holes),
    falls: say("falls from {from} to {to}", holes),
  };
  return words[turn(path, step)];
}

/** The same of "it", which began where the other did. @param {number[]} path @param {number} step */
function itsTrend(path, step) {
  const holes = { to: format(atStep(path, step)) };
  const words = {
    back: say("it is back at {to}", holes),
    stays: say("it stays at {to}", holes),
    rises: say("it rises to {to}", holes),
    falls: say("it falls to {to}", holes),
  };
  return words[turn(path, step)];
}

/** What the curves of the loss show. @param {Shown} shown */
function losses({ step, whole, part, cut }) {
  const [all, some] = [whole, part].map(({ loss }) => trend(loss, step));
  if (all === some) return say("The loss {all}, cut or whole.", { all });
  const holes = { paths: pathsOf(cut), some, other: itsTrend(whole.loss, step) };
  return say("With the {paths} cut, the loss {some}; with the whole gradient {other}.", holes);
}

/** The message, and its numbers. @param {Shown} shown */
function summary(shown) {
  const { watch, step, steps, whole, part, courses: went, cut } = shown;
  const gone = (/** @type {number} */ k) => watch.filter((name) => went[name][k] === "runs away");
  const same = watch.filter((name) =>
    upTo(whole[name], step).every(([i, v]) => equal(v, atStep(part[name], i))),
  );
  const only = gone(1).filter((name) => !gone(0).includes(name));
  const sentences = [say("Step {step}.", { step })];
  if (only.length) {
    const blind = same.length ? `; ${alike(same)}` : "";
    const holes = { paths: pathsOf(cut), away: `${away(only)}${blind}` };
    sentences.push(say("Without the {paths}, {away}.", holes));
  }
  if (gone(0).length)
    sentences.push(say("With the whole gradient, {away}.", { away: away(gone(0)) }));
  const known = !same.includes("loss") && !gone(0).includes("loss") && !gone(1).includes("loss");
  if (step && cut.length && watch.includes("loss") && known) sentences.push(losses(shown));
  const ends = [whole, part].filter((run) => run[watch[0]].length <= steps).length;
  if (ends > 1) sentences.push(say("Both descents leave the range of numbers."));
  else if (ends) sentences.push(say("A descent leaves the range of numbers."));
  const rows = watch.map((name) => [
    titleOf(name),
    ...[whole, part].map((run) => format(atStep(run[name], step))),
  ]);
  return {
    verdict: sentences.join(" "),
    rows,
    head: ["", say("whole gradient"), say("cut gradient")],
  };
}

/** @type {Mount} */
function mount(el, view) {
  const about = say("Gradient descent step by step, with the whole gradient and with a cut one");
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
        foot: places[k].bottom === end ? say("step") : undefined,
        from: [shown, domain],
        curves: [
          curve("ink wide", whole[name], labelOf(say("whole"), wholly)),
          curve(`${lookOf(cut)} dashed`, part[name], labelOf(say("cut"), partly)),
        ],
      };
    });
    const values = message.rows.map(([name, one, other]) =>
      say("{name}: {one}, cut {other}", { name, one, other }),
    );
    const text = `${message.verdict} ${values.join("; ")}`;
    courses(picture, places, plots, { step, last: steps, text, ...moves });
    finish(message);
  };
}

export default makeFigure({ analyse, outputs, mount });
