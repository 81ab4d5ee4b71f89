import { TERMS } from "./model.js";
import { axis } from "../kit/axis.js";
import { handle } from "../kit/handle.js";
import { clamp, format, linear } from "../kit/scale.js";

/**
 * The matrices of JacobianFigure, and the singular values.
 *
 * @import { Inputs, Matrix, Term } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 * @import { Place } from "../kit/chart.js"
 * @typedef {Inputs & import("./model.js").Analysis & {k: number, i: number}} Shown with
 *   the entry that is pointed at
 * @typedef {{left: number, top: number, side: number}} Square
 */

const WIDE = 600; // from this width on the sum stands beside its terms
const HEADS = 20; // the rows' and columns' numbers
const TITLE = 46; // above a matrix
const GAP = 22; // between two
const LEVELS = 16; // of colour

/** Above a term, and below it. */
const NAMES = {
  identity: ["direct path", "I / s"],
  mean: ["via the mean", "−11ᵀ / (m s)"],
  variance: ["via the variance", "−x̂x̂ᵀ / (m s)"],
};
/** @type {Record<Term, string>} */
const LOOKS = { identity: "direct", mean: "mean", variance: "variance" };

/** Where everything stands. @param {number} width */
export function layout(width) {
  const wide = width >= WIDE;
  const small = wide ? 98 : (width - 2 * GAP) / 3;
  const room = wide ? width - 3 * small - 3 * GAP - HEADS - 2 : width - HEADS - 2;
  const side = Math.min(room, 300);
  const top = wide ? TITLE + HEADS : TITLE + small + 70;
  const large = { left: wide ? width - side - 1 : HEADS, top, side };
  const tops = wide ? TITLE + Math.max(0, (side - small) / 2 - 20) : TITLE;
  const left = (/** @type {number} */ n) => n * (small + GAP);
  const terms = TERMS.map((_, n) => ({ left: left(n), top: tops, side: small }));
  const below = wide ? Math.max(top + side, tops + small + 90) + 22 : top + side + 66;
  const scale = wide ? { left: 0, top: tops + small + 46 } : { left: HEADS, top: top + side + 12 };
  const half = wide ? width / 2 - 20 : width;
  const up = wide ? below : below + 124;
  /** @type {Place} */
  const spectrum = {
    left: (wide ? width / 2 + 20 : 0) + 24,
    right: width - 4,
    top: up + 30,
    bottom: up + 120,
  };
  const height = spectrum.bottom + 44;
  return { wide, terms, large, scale, strip: { top: below, right: half }, spectrum, height };
}

/** The root of the size: many small entries are seen beside few large ones. @param {number} v */
const strength = (v) => Math.ceil(LEVELS * Math.sqrt(Math.min(1, Math.abs(v))) - 1e-6);
/** @param {number} v @param {number} most */
const look = (v, most = 1) => ({
  class: v < 0 ? "negative" : "positive",
  "stroke-width": 0,
  "fill-opacity": ((most * strength(v)) / LEVELS).toFixed(3),
});

/**
 * A matrix as a map: entries of one colour are one shape.
 * @param {Drawing} picture @param {string} key @param {Square} place
 * @param {{values: Matrix, s: number, most?: number, rim: string}} of
 */
function map(picture, key, { left, top, side }, { values, s, most, rim }) {
  const cell = side / values.length;
  const edge = cell > 12 ? 1 : 0.4;
  /** @type {Map<number, string>} */
  const shapes = new Map();
  values.forEach((row, k) => {
    row.forEach((v, i) => {
      const level = Math.sign(v) * strength(v * s);
      const x = left + i * cell + edge / 2;
      const y = top + k * cell + edge / 2;
      const d = `M${x.toFixed(1)} ${y.toFixed(1)}h${cell - edge}v${cell - edge}h${edge - cell}Z`;
      shapes.set(level, (shapes.get(level) ?? "") + d);
    });
  });
  for (const [level, d] of shapes) {
    if (!level) continue;
    const part = Math.sign(level) * (level / LEVELS) ** 2;
    picture.put(`${key} ${level}`, "path", { ...look(part, most), d });
  }
  picture.put(`${key} rim`, "rect", { class: rim, x: left, y: top, width: side, height: side });
}

/** @param {Drawing} picture @param {string} key @param {Square} place @param {Shown} shown */
function chosen(picture, key, { left, top, side }, { m, k, i }) {
  const cell = side / m;
  const at = { x: left + i * cell, y: top + k * cell, width: cell, height: cell };
  picture.put(`${key} chosen`, "rect", { class: "chosen", ...at });
}

/**
 * The three terms, small, with the signs that make a sum of them and the large one.
 * @param {Drawing} picture @param {Shown} shown @param {ReturnType<typeof layout>} place
 */
export function terms(picture, shown, { terms: places, large, wide }) {
  picture.layer("ground");
  TERMS.forEach((term, n) => {
    const { left, top, side } = places[n];
    const middle = left + side / 2;
    const on = shown[term];
    const text = { class: "small middle", x: middle };
    picture.put(`${term} name`, "text", { ...text, y: top - 8 }, NAMES[term][0]);
    picture.put(`${term} formula`, "text", { ...text, y: top + side + 17 }, NAMES[term][1]);
    const values = on ? shown.terms[term] : [];
    const rim = on ? `${LOOKS[term]} hollow part` : "cut hollow part";
    map(picture, term, places[n], { values, s: shown.s, rim });
    if (on) chosen(picture, term, places[n], shown);
    else picture.put(`${term} off`, "text", { ...text, y: top + side / 2 + 4 }, "off");
    if (n === 2) return;
    const sign = { class: "sign middle", x: left + side + GAP / 2, y: top + side / 2 + 6 };
    picture.put(`${term} plus`, "text", sign, "+");
  });
  const last = places[2];
  const equals = wide
    ? { x: last.left + last.side + GAP / 2, y: last.top + last.side / 2 + 6 }
    : { x: HEADS / 2, y: large.top - 26 };
  picture.put("equals", "text", { class: "sign middle", ...equals }, "=");
}

/**
 * The sum: the map that one points at. Returns the thing to point at.
 * @param {Drawing} picture @param {Shown} shown @param {Square} place
 * @param {{text: string, point: (k: number, i: number) => void}} how
 */
export function sum(picture, shown, place, { text, point }) {
  const { m, jacobian, s, k, i } = shown;
  const { left, top, side } = place;
  const cell = side / m;
  const numbers = cell >= 40;
  picture.layer("ground");
  picture.text("map title", "small title", left + 2, top - HEADS - 4, "∂x̂ₖ/∂xᵢ: row k, column i");
  for (let n = 0; n < m; n++) {
    const middle = (n + 0.5) * cell + 4;
    const weight = (/** @type {boolean} */ on) => (on ? "label" : "");
    const column = { class: `small middle ${weight(n === i)}`, x: left + middle - 4, y: top - 6 };
    picture.put(`column ${n}`, "text", column, String(n + 1));
    const row = { class: `small end ${weight(n === k)}`, x: left - 4, y: top + middle };
    picture.put(`row ${n}`, "text", row, String(n + 1));
  }
  map(picture, "sum", place, { values: jacobian, s, most: numbers ? 0.6 : 1, rim: "grid" });
  if (numbers) {
    jacobian.forEach((row, r) => {
      row.forEach((v, c) => {
        const at = { x: left + (c + 0.5) * cell, y: top + (r + 0.5) * cell + 4 };
        const label = format(v, 2, 1 / s).replace(/^−?0(\.0+)?$/, "0");
        picture.put(`number ${r} ${c}`, "text", { class: "small middle", ...at }, label);
      });
    });
  }
  picture.layer("things");
  return handle(picture, "map", {
    x: left,
    y: top,
    label: "entry of the Jacobian",
    range: [1, m * m],
    value: k * m + i + 1,
    text: `row ${k + 1}, column ${i + 1}: ${text}`,
    level: true,
    target: { x: 0, y: 0, width: side, height: side },
    marks: [["rect", { class: "chosen", x: i * cell, y: k * cell, width: cell, height: cell }]],
    nudge: (right, up) => point(k - up, i + right),
  });
}

/** What the colours say. @param {Drawing} picture @param {{left: number, top: number}} at */
export function colours(picture, { left, top }) {
  picture.layer("ground");
  [-1, -0.25, 0, 0.25, 1].forEach((part, n) => {
    const at = { x: left + n * 48, y: top, width: 46, height: 12 };
    picture.put(`colour ${n}`, "rect", { ...look(part), ...at });
    picture.put(`colour rim ${n}`, "rect", { class: "grid", ...at });
    const name = ["−1/s", "−¼/s", "0", "¼/s", "1/s"][n];
    picture.text(`colour name ${n}`, "small middle", at.x + 23, top + 27, name);
  });
}

/** Which singular value belongs to 1 and which to x̂. @param {Shown} shown */
function ownersOf({ singular, stretch }) {
  /** @type {Record<number, "mean" | "variance">} */
  const owners = {};
  for (const [name, by] of /** @type {["mean" | "variance", number][]} */ ([
    ["mean", stretch.one.sum],
    ["variance", stretch.xHat.sum],
  ])) {
    if (Number.isNaN(by)) continue;
    const off = (/** @type {number} */ n) => Math.abs(singular[n] - Math.abs(by));
    const free = [...singular.keys()].filter((n) => !owners[n]);
    // Of equal ones the last: 1 and x̂ stand to the right
    const near = 1e-9 * singular[0];
    owners[free.reduce((best, n) => (off(n) <= off(best) + near ? n : best))] = name;
  }
  return owners;
}

/** The singular values, × s. @param {Drawing} picture @param {Shown} shown @param {Place} place */
export function spectrum(picture, shown, { left, right, top, bottom }) {
  const { m, singular, s } = shown;
  const y = linear([0, 1], [bottom, top]);
  picture.layer("ground");
  const title = { class: "small title", x: left - 24, y: top - 14 };
  picture.put("spectrum title", "text", title, "Singular values, in parts of 1/s");
  axis(picture, "spectrum", {
    scale: y,
    at: left,
    grid: [left, right],
    upright: true,
    values: [0, 0.5, 1],
    text: (v) => ["0", "½", "1"][2 * v],
  });
  const owners = ownersOf(shown);
  singular.forEach((v, n) => {
    const cx = left + ((n + 0.5) * (right - left)) / m;
    const part = clamp(v * s, 0, 1);
    const colour = owners[n] ?? "ink";
    picture.put(`stem ${n}`, "path", { class: `${colour} line`, d: `M${cx} ${bottom}V${y(part)}` });
    const dot = part < 1e-3 ? `${colour} ring open` : colour;
    picture.put(`value ${n}`, "circle", { class: dot, cx, cy: y(part), r: 5.5 });
    if (!owners[n]) return;
    const text = { class: "small middle label", x: cx, y: bottom + 20 };
    picture.put(`owner ${n}`, "text", text, owners[n] === "mean" ? "1" : "x̂");
  });
  const note = { class: "small", x: left - 24, y: bottom + 38 };
  picture.put("spectrum note", "text", note, "1: along 1. x̂: along x̂. A ring: nothing is left.");
}
