/** Plane geometry and numbers for figures; knows nothing of the DOM. */

/** A linear map from [a, b] to [p, q], with its inverse. */
export function linear([a, b], [p, q]) {
  const k = (q - p) / (b - a);
  const scale = (v) => p + (v - a) * k;
  scale.invert = (u) => a + (u - p) / k;
  return scale;
}

export const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

/** Round numbers between lo and hi: steps of 1, 2 or 5 times a power of ten, about `count`. */
export function ticks(lo, hi, count = 5) {
  const rough = (hi - lo) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((k) => k * power >= rough * 0.99);
  const first = Math.ceil(lo / step - 1e-9);
  const last = Math.floor(hi / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** [−base, base], each end doubled until it holds all values: it grows in jumps, not at each move. */
export function domainOf(values, base = 4) {
  const reach = (far) => {
    let end = base;
    while (end < far * 1.05 && Number.isFinite(far)) end *= 2;
    return end;
  };
  return [-reach(-Math.min(0, ...values)), reach(Math.max(0, ...values))];
}

/** A range for a plot: round ends, never empty, that holds all values and zero. */
export function niceDomain(values) {
  const [lo, hi] = [Math.min(0, ...values), Math.max(0, ...values)];
  const size = Math.max(hi - lo, 1e-6);
  const step = 10 ** Math.floor(Math.log10(size)) / 2;
  return [Math.floor(lo / step) * step, Math.ceil(Math.max(hi, lo + size) / step) * step];
}

/** A number for reading: three decimals, a power of ten where those would hide it. */
export function format(v, decimals = 3) {
  const size = Math.abs(v);
  if (!Number.isFinite(v)) return "not defined";
  // What is left of 1 after rounding is shown as the 0 it stands for
  if (size < 1e-13) return "0";
  const text = size < 0.5 * 10 ** -decimals || size >= 1e6 ? v.toExponential(1) : v.toFixed(decimals);
  return text.replaceAll("-", "−");
}

/** A number on an axis: as short as it can be. */
export const short = (v) => String(Number(v.toPrecision(6))).replace("-", "−");

const DIGITS = "₀₁₂₃₄₅₆₇₈₉";

/** subscript("x", 0) is "x₁": readers count from one. */
export const subscript = (name, i) => name + String(i + 1).replace(/\d/g, (d) => DIGITS[d]);
