import { analyse, METHODS, outputs } from "./model.js";
import { plot, scrubber } from "../kit/chart.js";
import { makeFigure } from "../kit/figure.js";
import { stage } from "../kit/panel.js";
import { clamp, format, log, powerOfTen, scientific } from "../kit/scale.js";

/** @import { Mount, Shown } from "./model.js" */

const NAMES = Object.keys(METHODS);
const LOOKS = ["alarm", "ink", "quiet dashed", "data dotted"];
/** @type {[number, number]} */
const RANGE = [1, 1e8]; // of the offset
const EXACT = 1e-9; // no error is drawn as this one
const WORST = 1e9;
const TALL = 270;

/** How many digits an error leaves of a variance: "all" where it is none. @param {number} error */
const digits = (error) => (error ? Math.max(0, Math.floor(-Math.log10(error))) : Infinity);
/** @param {number} n */
const countOf = (n) => (n === Infinity ? "all" : String(n));
/** @param {number} n */
const these = (n) => (n === 1 ? "1 digit" : n ? `${countOf(n)} digits` : "no digits");
/** @param {number} v */
const written = (v) => Math.round(v).toLocaleString("en");

/** An error in the table: its first digits, and its power of ten. @param {number} v */
const power = (v) => (v ? scientific(v) : "0");

/** The message, and its numbers. @param {Shown} shown */
function summary({ computed, exact, errors, offset }) {
  const head = ["", "variance", "relative error", "digits left"];
  const rows = NAMES.map((name, k) => {
    const error = errors[k];
    const is = error === undefined ? ["", ""] : [power(error), countOf(digits(error))];
    return [name, format(computed[k]), ...is];
  });
  rows.push(["true", format(exact), "", ""]);
  const at = `At an offset of ${written(offset)}`;
  if (!exact) {
    return { verdict: `${at}, all samples are the same float32 number.`, rows, head };
  }
  const [one, ...others] = errors.map((error) => digits(error ?? 0));
  const least = Math.min(...others);
  const most = Math.max(...others);
  const range = least === most ? these(least) : `${countOf(least)} to ${these(most)}`;
  const odd = computed[0] < 0 ? " and gives a negative number" : "";
  const kept = `one pass keeps ${these(one)} of the variance${odd}; the others keep ${range}`;
  return { verdict: `${at}, ${kept}.`, rows, head };
}

/** The axis of the errors: powers of a thousand, down to none. @param {number[]} range */
function errorScale(range) {
  const scale = log([EXACT, WORST], range);
  return Object.assign(scale, {
    ticks: () => [-9, -6, -3, 0, 3, 6, 9].map((k) => 10 ** k),
    text: (/** @type {number} */ v) => (v < 2 * EXACT ? "0" : powerOfTen(v)),
  });
}

/**
 * Where no digit is left: the error is as large as the variance.
 * @param {import("../kit/svg.js").Drawing} picture @param {import("../kit/chart.js").Place} place
 * @param {import("../kit/scale.js").Scale} y
 */
function zone(picture, { left, right, top }, y) {
  picture.layer("ground");
  const height = y(1) - top;
  picture.put("zone", "rect", { class: "zone", x: left, y: top, width: right - left, height });
  picture.text("zone name", "label", left + 10, top + 20, "no digits left");
}

/** @type {Mount} */
function mount(el, view) {
  const about = "The error of a float32 variance, by four methods, at any mean";
  const { picture, finish } = stage(el, view, about);
  const go = (/** @type {number} */ offset) => view.set({ offset: clamp(offset, ...RANGE) });
  const by = (/** @type {number} */ steps) => go(view.get().offset * 10 ** (0.1 * steps));

  return function draw(shown, width) {
    const { offset, offsets, errors, curves } = shown;
    const place = { left: 48, right: width - 86, top: 30, bottom: 30 + TALL };
    const x = log(RANGE, [place.left, place.right]);
    const y = errorScale([place.bottom, place.top]);
    const seen = (/** @type {number | undefined} */ v) =>
      v === undefined ? NaN : clamp(v, EXACT, WORST);
    const message = summary(shown);
    picture.size(width, place.bottom + 42);
    zone(picture, place, y);
    plot(picture, "error", place, {
      x,
      y,
      beside: true,
      title: "relative error of the variance",
      foot: "offset: the size of the mean",
      curves: NAMES.map((label, k) => ({
        className: LOOKS[k],
        label,
        dot: [offset, seen(errors[k])],
        points: curves.map((found, i) => [offsets[i], seen(found.errors[k])]),
      })),
    });
    const values = message.rows.map((row) => row.slice(0, 2).join(": ")).join("; ");
    const text = `${message.verdict} ${values}`;
    scrubber(picture, "offset", place, {
      x,
      at: offset,
      range: RANGE,
      label: "offset",
      text,
      go,
      by,
    });
    finish(message);
  };
}

export default makeFigure({ analyse, outputs, mount });
