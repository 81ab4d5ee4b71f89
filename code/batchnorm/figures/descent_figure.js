import { analyse, outputs } from "./descent_model.js";
import { atStep, panels, plot, scrubber, upTo } from "./kit/chart.js";
import { makeFigure } from "./kit/figure.js";
import { bar, button, report } from "./kit/panel.js";
import { clamp, format, linear, niceDomain } from "./kit/scale.js";
import { drawing } from "./kit/svg.js";

/** @typedef {import("./descent_model.js").Inputs & import("./descent_model.js").Analysis} Shown */

/** What is cut gives the descent its colour. */
/** @type {Partial<Record<string, string>>} */
const LOOKS = { mu: "mean", var: "variance" };
/** @type {Partial<Record<string, string>>} */
const SAID = { mu: "the path through the mean", var: "the path through the variance" };

/** @param {string[]} cut */
const lookOf = (cut) => (cut.length === 1 ? LOOKS[cut[0]] : undefined) ?? "cut";
/** @param {string[]} cut */
const saidOf = (cut) => cut.map((name) => SAID[name] ?? `the paths through ${name}`).join(" and ");
/** @param {string} name */
const titleOf = (name) => (name === "loss" ? "the loss" : name);
/** @param {string} name @param {string} course */
const labelOf = (name, course) => (course ? `${name}: ${course}` : name);

/** Watched names, in words. @param {string[]} names */
const these = (names) => names.map(titleOf).join(" and ");
/** @param {string[]} names */
const away = (names) => `${these(names)} ${names.length > 1 ? "run" : "runs"} away`;

/** The message, and its numbers. @param {Shown} shown */
function words({ watch, step, steps, whole, part, courses, cut }) {
  const gone = (/** @type {number} */ k) =>
    watch.filter((name) => courses[name][k] === "runs away");
  const equal = (/** @type {number} */ a, /** @type {number} */ b) =>
    Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a));
  const same = watch.filter((name) =>
    upTo(whole[name], step).every(([i, v]) => equal(v, atStep(part[name], i))),
  );
  const only = gone(1).filter((name) => !gone(0).includes(name));
  const told = [`Step ${step}.`];
  if (only.length) {
    const blind = same.length ? `; ${these(same)} cannot tell` : "";
    told.push(`Without ${saidOf(cut)}, ${away(only)}${blind}.`);
  }
  if (gone(0).length) told.push(`With the whole gradient, ${away(gone(0))}.`);
  const ends = [whole, part].filter((run) => run[watch[0]].length <= steps).length;
  if (ends)
    told.push(`${ends > 1 ? "Both descents leave" : "A descent leaves"} the range of numbers.`);
  const rows = watch.map((name) => [
    titleOf(name),
    ...[whole, part].map((run) => format(atStep(run[name], step))),
  ]);
  return { verdict: told.join(" "), rows, head: ["", "whole gradient", "cut gradient"] };
}

/**
 * @param {HTMLElement} el
 * @param {import("./kit/figure.js").View<import("./descent_model.js").Inputs,
 *   import("./descent_model.js").Analysis>} view
 */
function mount(el, view) {
  const picture = drawing(
    "Gradient descent step by step, with the whole gradient and with a cut one",
    view,
  );
  const told = report();
  const go = (/** @type {number} */ to) =>
    view.set({ step: clamp(Math.round(to), 0, view.get().steps) });
  const by = (/** @type {number} */ steps) => go(view.get().step + steps);
  const buttons = [
    button("Back", () => by(-1)),
    button("Step", () => by(1)),
    button("To the start", () => go(0)),
  ];
  el.append(picture.root, bar(...buttons), told.root);

  /** @param {Shown} shown @param {number} width */
  return function draw(shown, width) {
    const { watch, step, steps, whole, part, courses, cut } = shown;
    const { verdict, rows, head } = words(shown);
    const places = panels(width, watch.length);
    picture.size(width, Math.max(...places.map(({ bottom }) => bottom)) + 24);
    for (const layer of ["ground", "things", "arrows"]) picture.layer(layer);
    watch.forEach((name, k) => {
      const place = places[k];
      // The ground knows all steps from the start on, so that it does not move
      const all = [...whole[name], ...part[name]];
      const domain = niceDomain([...all, ...all.map((v) => 1.06 * v)].filter(Number.isFinite));
      const x = linear([0, steps], [place.left, place.right]);
      const y = linear(domain, [place.bottom, place.top]);
      const [wholly, partly] = courses[name];
      const curves = [
        {
          className: "ink wide",
          points: upTo(whole[name], step),
          label: labelOf("whole", wholly),
        },
        {
          className: `${lookOf(cut)} dashed`,
          points: upTo(part[name], step),
          label: labelOf("cut", partly),
        },
      ];
      plot(picture, name, place, { x, y, title: titleOf(name), curves });
      const text = `${verdict} ${rows.map((row) => `${row[0]}: ${row[1]}, cut ${row[2]}`).join("; ")}`;
      /** @type {Parameters<typeof scrubber>[3]} */
      const reads = { x, at: step, range: [0, steps], label: "step", text, go, by };
      const line = scrubber(picture, `${name} step`, place, reads);
      line.setAttribute("tabindex", k ? "-1" : "0"); // one of them is enough for the keyboard
    });
    picture.sweep();
    told.show(verdict, rows, head);
  };
}

export default makeFigure({ analyse, outputs, mount });
