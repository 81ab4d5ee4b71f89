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

const WIDE = 600; // from this width on the terms and their sum are in one row, else in two
const HEADS = 20; // the rows' and columns' numbers
const TITLE = 46; // above a matrix
const NOTES = 40; // below it
const GAP = 22; // between two
const LARGEST = 210; // the side of a matrix
const TALL = 15; // of a number; one of two digits is as wide
const WRITTEN = 48; // a cell from this side on holds its number
const LEVELS = 16; // of colour

/** Above a term, and below it. */
const NAMES = {
  identity: ["direct path", "I / s"],
  mean: ["via the mean", "−11ᵀ / (m s)"],
  variance: ["via the variance", "−x̂x̂ᵀ / (m s)"],
};
/** @type {Record<Term, string>} */
const LOOKS = { identity: "direct", mean: "mean", variance: "variance" };

/** Where everything is. @param {number} width */
export function layout(width) {
  const wide = width >= WIDE;
  const columns = wide ? 4 : 2;
  const start = wide ? 0 : GAP; // room for the sign that a row begins with
  const side = Math.min(LARGEST, (width - start - (columns - 1) * GAP - HEADS - 2) / columns);
  const matrices = [0, 1, 2, 3].map((n) => {
    const column = n % columns;
    const heads = column === columns - 1 ? HEADS : 0;
    const row = Math.floor(n / columns);
    const top = TITLE + row * (TITLE + side + NOTES);
    return { left: start + column * (side + GAP) + heads, top, side };
  });
  const terms = matrices.slice(0, 3);
  const large = matrices[3];
  const end = large.top + side + NOTES;
  const below = end + 34;
  const half = wide ? width / 2 - 20 : width;
  const up = wide ? below : below + 124;
  /** @type {Place} */
  const spectrum = {
    left: (wide ? width / 2 + 20 : 0) + 24,
    right: width - 4,
    top: up + 30,
    bottom: up + 120,
  };
  const scale = { left: start, top: end };
  const height = spectrum.bottom + 44;
  return { terms, large, scale, strip: { top: below, right: half }, spectrum, height };
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
 * The three terms, with the signs that make a sum of them and the last one.
 * @param {Drawing} picture @param {Shown} shown
 * @param {{places: ReturnType<typeof layout>, entries: string[]}} how `entries`: the one that is
 *   pointed at, in each term
 */
export function terms(picture, shown, { places: { terms: places, large }, entries }) {
  picture.layer("ground");
  TERMS.forEach((term, n) => {
    const { left, top, side } = places[n];
    const middle = left + side / 2;
    const on = shown[term];
    const text = { class: "small middle", x: middle };
    const name = { class: `small middle halo label ${LOOKS[term]}`, x: middle, y: top - 8 };
    picture.put(`${term} name`, "text", name, NAMES[term][0]);
    picture.put(`${term} formula`, "text", { ...text, y: top + side + 17 }, NAMES[term][1]);
    const values = on ? shown.terms[term] : [];
    const rim = on ? `${LOOKS[term]} hollow part` : "cut hollow part";
    map(picture, term, places[n], { values, s: shown.s, rim });
    const entry = { class: "small middle label", x: middle, y: top + side + 33 };
    if (on) {
      picture.put(`${term} entry`, "text", entry, entries[n]);
      chosen(picture, term, places[n], shown);
    } else picture.put(`${term} off`, "text", { ...text, y: top + side / 2 + 4 }, "off");
  });
  const all = [...places, large];
  ["+", "+", "="].forEach((sign, n) => {
    const { left, top, side } = all[n + 1];
    const first = left < all[n].left; // of a row
    const x = first ? left - GAP / 2 : all[n].left + side + GAP / 2;
    const at = { class: "sign middle", x, y: top + side / 2 + 6 };
    picture.put(n < 2 ? `${TERMS[n]} plus` : "equals", "text", at, sign);
  });
}

/**
 * The sum: the map that one points at. Returns the thing to point at.
 * @param {Drawing} picture @param {Shown} shown @param {Square} place
 * @param {{text: string, entry: string, point: (k: number, i: number) => void}} how
 */
export function sum(picture, shown, place, { text, entry, point }) {
  const { m, jacobian, s, k, i } = shown;
  const { left, top, side } = place;
  const cell = side / m;
  const numbers = cell >= WRITTEN;
  picture.layer("ground");
  const middle = left + side / 2;
  picture.text("map title", "small middle title", middle, top - HEADS - 4, "∂x̂ₖ/∂xᵢ");
  picture.text("map note", "small middle", middle, top + side + 17, "row k, column i");
  picture.text("map entry", "small middle label", middle, top + side + 33, entry);
  const every = Math.ceil(TALL / cell); // small cells have no room for all their numbers
  const shows = (/** @type {number} */ n, /** @type {number} */ chosen) =>
    n === chosen || (n % every === 0 && Math.abs(n - chosen) >= every);
  for (let n = 0; n < m; n++) {
    const middle = (n + 0.5) * cell + 4;
    const weight = (/** @type {boolean} */ on) => (on ? "label" : "");
    const column = { class: `small middle ${weight(n === i)}`, x: left + middle - 4, y: top - 6 };
    if (shows(n, i)) picture.put(`column ${n}`, "text", column, String(n + 1));
    const row = { class: `small end ${weight(n === k)}`, x: left - 4, y: top + middle };
    if (shows(n, k)) picture.put(`row ${n}`, "text", row, String(n + 1));
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
    // Of equal ones the last: 1 and x̂ are at the right
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
