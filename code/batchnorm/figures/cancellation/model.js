/**
 * What CancellationFigure shows: variances in float32, rounded after each operation; no DOM.
 *
 * @typedef {object} Inputs
 * @property {number} offset what is added to the noise
 * @property {number} m how many samples
 * @property {number[]} noise
 *
 * @typedef {object} Found
 * @property {number[]} computed the variance by each method, in the order of METHODS
 * @property {number} exact what the same float32 samples have for a variance, in float64
 * @property {(number | undefined)[]} errors relative to it; undefined where it is 0
 *
 * @typedef {Found & {offsets: number[], curves: Found[]}} Analysis and for all offsets
 *
 * @typedef {{count: number, mean: number, m2: number}} Moments
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 */

const f = Math.fround;

/** @param {number[]} x */
function onePass(x) {
  let total = 0;
  let squares = 0;
  for (const v of x) {
    total = f(total + v);
    squares = f(squares + f(v * v));
  }
  const mean = f(total / x.length);
  return f(f(squares / x.length) - f(mean * mean));
}

/** @param {number[]} x */
function twoPass(x) {
  const mean = f(x.reduce((total, v) => f(total + v), 0) / x.length);
  return f(x.reduce((squares, v) => f(squares + f(f(v - mean) * f(v - mean))), 0) / x.length);
}

/** @param {number[]} x @returns {Moments} */
function welford(x) {
  let count = 0;
  let mean = 0;
  let m2 = 0;
  for (const v of x) {
    count += 1;
    const d = f(v - mean);
    mean = f(mean + f(d / count));
    m2 = f(m2 + f(d * f(v - mean)));
  }
  return { count, mean, m2 };
}

/** @param {Moments} a @param {Moments} b @returns {Moments} */
function merge(a, b) {
  const n = a.count + b.count;
  const d = f(b.mean - a.mean);
  const mean = f(a.mean + f(d * f(b.count / n)));
  const m2 = f(f(a.m2 + b.m2) + f(f(d * d) * f(f(a.count * b.count) / n)));
  return { count: n, mean, m2 };
}

/** @param {Moments} moments */
const varianceOf = ({ count, m2 }) => f(m2 / count);

/** @param {number[]} x */
function merged(x) {
  const parts = Math.min(4, x.length);
  const end = (/** @type {number} */ k) => Math.floor((x.length * k) / parts);
  const each = Array.from({ length: parts }, (_, k) => welford(x.slice(end(k), end(k + 1))));
  return varianceOf(each.reduce(merge));
}

/** @type {Record<string, (x: number[]) => number>} */
export const METHODS = {
  "one pass": onePass,
  "two passes": twoPass,
  Welford: (x) => varianceOf(welford(x)),
  merged,
};

const methods = Object.values(METHODS);
const OFFSETS = Array.from({ length: 65 }, (_, i) => 10 ** (i / 8));

/** @param {number[]} x */
function exactly(x) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return x.reduce((a, v) => a + (v - mean) ** 2, 0) / x.length;
}

/** @param {Inputs} inputs @param {number} offset @returns {Found} */
function at({ noise, m }, offset) {
  const x = noise.slice(0, m).map((v) => f(offset + v));
  const computed = methods.map((method) => method(x));
  const exact = exactly(x);
  const errors = computed.map((v) => (exact ? Math.abs(v - exact) / exact : undefined));
  return { computed, exact, errors };
}

/** @param {Inputs} inputs @param {import("../kit/memo.js").Memo} memo @returns {Analysis} */
export function analyse(inputs, memo) {
  const { noise, m, offset } = inputs;
  // The curves move only with the samples
  const curves = memo("curves", [noise, m], () => OFFSETS.map((there) => at(inputs, there)));
  return { ...at(inputs, offset), offsets: OFFSETS, curves };
}

/** @param {Analysis} analysis */
export const outputs = ({ computed, exact }) => ({ computed, exact });
