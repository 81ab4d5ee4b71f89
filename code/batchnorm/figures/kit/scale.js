/** Plane geometry and numbers for figures; knows nothing of the DOM. */
import { say } from "./words.js";

/**
 * A map from values to places on the page, with its inverse, and what an axis needs to know of it:
 * round values about `count` in number, and how to write one. `inside` maps what lies beyond its
 * domain to the end of its range.
 *
 * @typedef {((v: number) => number) & {invert: (u: number) => number, range: number[],
 *   inside: (v: number) => number, ticks: (count?: number) => number[],
 *   text: (v: number) => string}} Scale
 * @typedef {(domain: number[], range: number[]) => Scale} MakeScale
 */

/** A linear map from [a, b] to [p, q]; of one value to p. @type {MakeScale} */
export function linear([a, b], [p, q]) {
  const k = (q - p) / (b - a || 1);
  const scale = (/** @type {number} */ v) => p + (v - a) * k;
  return Object.assign(scale, {
    invert: (/** @type {number} */ u) => a + (u - p) / k,
    inside: (/** @type {number} */ v) => scale(clamp(v, Math.min(a, b), Math.max(a, b))),
    range: [p, q],
    ticks: (count = 5) => ticks(Math.min(a, b), Math.max(a, b), count),
    text: short,
  });
}

/** A logarithmic map of what is above 0; its ticks are powers of ten. @type {MakeScale} */
export function log([a, b], [p, q]) {
  const powers = linear([Math.log10(a), Math.log10(b)], [p, q]);
  const scale = (/** @type {number} */ v) => powers(Math.log10(v));
  const whole = (/** @type {number} */ t) => Number.isInteger(t);
  return Object.assign(scale, {
    invert: (/** @type {number} */ u) => 10 ** powers.invert(u),
    inside: (/** @type {number} */ v) => powers.inside(Math.log10(v)),
    range: [p, q],
    ticks: (count = 5) =>
      powers
        .ticks(count)
        .filter(whole)
        .map((t) => 10 ** t),
    text: powerOfTen,
  });
}

/** A linear map of degrees, whose ticks are round parts of a turn. @type {MakeScale} */
export function angle([a, b], range) {
  const scale = linear([a, b], range);
  const step = (/** @type {number} */ count) =>
    [15, 30, 45, 90, 180].find((k) => (b - a) / k <= count + 1) ?? 180;
  const every = (/** @type {number} */ k) =>
    Array.from({ length: Math.floor((b - a) / k) + 1 }, (_, i) => a + i * k);
  return Object.assign(scale, {
    ticks: (count = 4) => every(step(count)),
    text: (/** @type {number} */ v) => `${short(v)}°`,
  });
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** @param {number} v @param {number} lo @param {number} hi */
export const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

/**
 * About `count` numbers, two at least: steps of 1, 2 or 5 times 10ⁿ.
 * @param {number} lo @param {number} hi @returns {number[]}
 */
export function ticks(lo, hi, count = 5) {
  const rough = (hi - lo) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((k) => k * power >= rough * 0.99) ?? 10);
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  if (last - first < 1 && hi > lo) return ticks(lo, hi, 2 * count);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** The end of a range up to `far`: it grows in jumps. @param {number} far @param {number} least */
export function grown(far, least, by = 2) {
  let end = least;
  while (end < far && Number.isFinite(far)) end *= by;
  return end;
}

/**
 * [−base, base], whose ends grow in jumps to hold all.
 * @param {number[]} values @returns {[number, number]}
 */
export const domainOf = (values, base = 4, by = 2) => [
  -grown(-1.05 * Math.min(0, ...values), base, by),
  grown(1.05 * Math.max(0, ...values), base, by),
];

const MOST = 100; // times what three in four stay below: what is larger would flatten all else

/**
 * What a range for a plot is to hold: finite numbers, without those so large that all others would
 * lie on one line. What is left out leaves the plot.
 * @param {number[]} values
 */
export function tame(values) {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.map(Math.abs).sort((a, b) => a - b);
  const most = MOST * (sizes[Math.floor(0.75 * sizes.length)] ?? 0);
  return most ? finite.filter((v) => Math.abs(v) <= most) : finite;
}

/**
 * A range for a plot: round ends, never empty, that holds all values and zero.
 * @param {number[]} values @returns {[number, number]}
 */
export function niceDomain(values) {
  const lo = Math.min(0, ...values);
  const hi = Math.max(0, ...values);
  const size = Math.max(hi - lo, 1e-6);
  const step = 10 ** Math.floor(Math.log10(size)) / 2;
  return [Math.floor(lo / step) * step, Math.ceil(Math.max(hi, lo + size) / step) * step];
}

const SIGNIFICANT = 5; // digits, at most
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
/** @param {number} power */
const raised = (power) =>
  String(power)
    .replace("-", "⁻")
    .replace(/\d/g, (d) => RAISED[Number(d)]);

/** Two digits and a power of ten: 1.3·10²². @param {number} v */
export function scientific(v) {
  const [digits, power] = v.toExponential(1).split("e");
  return `${digits.replace("-", "−")}·10${raised(Number(power))}`;
}

/**
 * A number for reading: three decimals, fewer where five digits say it, more where these would hide
 * it, a power of ten far from 1. Given the `scale` of what it is the rest of, a number that is
 * nothing beside that reads 0.
 * @param {number} v
 */
export function format(v, decimals = 3, scale = 0) {
  const size = Math.abs(v);
  if (!Number.isFinite(v)) return say("not defined");
  // What is left of 1 after rounding is shown as the 0 it stands for
  if (size < 1e-13 || size < 0.5 * 10 ** -decimals * scale) return "0";
  if (size < 1e-4 || size >= 1e6) return scientific(v);
  const whole = Math.floor(Math.log10(size)) + 1;
  const hidden = size < 0.5 * 10 ** -decimals;
  const text = hidden ? v.toPrecision(2) : v.toFixed(clamp(SIGNIFICANT - whole, 0, decimals));
  return text.replace("-", "−");
}

/** A number on an axis: as short as it can be. @param {number} v */
export const short = (v) =>
  Math.abs(v) < 1e5
    ? String(Number(v.toPrecision(6))).replace("-", "−")
    : scientific(v).replace(".0·", "·");

/** A power of ten on an axis: in full near 1, else 10⁵. @param {number} v */
export function powerOfTen(v) {
  const power = Math.round(Math.log10(v));
  if (Math.abs(power) <= 3) return short(10 ** power);
  return `10${raised(power)}`;
}

/** To six decimals, so that steps of 0.1 meet 0. @param {number} v */
export const tidy = (v) => Math.round(v * 1e6) / 1e6;

/**
 * Where a dragged value comes to rest: on one of `others` within `near` of it, else on a tenth.
 * `near` is in values: about six pixels of the scale.
 * @param {number} v @param {number[]} others
 */
export function snap(v, others = [], near = 0.1) {
  const [best] = others.slice().sort((a, b) => Math.abs(a - v) - Math.abs(b - v));
  if (best !== undefined && Math.abs(best - v) <= near) return best;
  return tidy(Math.round(v * 10) / 10);
}

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

/** subscript("x", 0) is "x₁": readers count from one. @param {string} name @param {number} i */
export const subscript = (name, i) => name + String(i + 1).replace(/\d/g, (d) => DIGITS[Number(d)]);

/** (1.00, −0.50). @param {ArrayLike<number>} v */
export const vector = (v, decimals = 2) =>
  `(${Array.from(v, (n) => format(n, decimals)).join(", ")})`;

/** "a", "a and b", "a, b and c". @param {string[]} names */
export const listed = (names) =>
  names.length > 1
    ? say("{names} and {last}", { names: names.slice(0, -1).join(", "), last: names.at(-1) ?? "" })
    : names.join();

/** "one step", "2 steps". @param {number} n @param {string} thing */
export const counted = (n, thing) => (n === 1 ? `one ${thing}` : `${n} ${thing}s`);

/** The numbers in a trait of bytes. @type {(bytes: DataView | Uint8Array) => ArrayBuffer} */
export const bytesOf = ({ buffer, byteOffset, byteLength }) =>
  /** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength));
