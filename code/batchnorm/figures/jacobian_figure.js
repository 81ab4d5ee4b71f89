import { clamp, format, linear, short, subscript, ticks } from "./scale.js";
import { arrow, drawing, html, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";
import { runWays } from "./moments.js";

// --- What the picture shows, from the figure's inputs; no DOM -----------------------------------

/** m − 1 samples spread evenly from −1 to 1 (a single one at 0), and the outlier. */
const batch = (m, outlier) => [
  ...Array.from({ length: m - 1 }, (_, i) => (m > 2 ? -1 + (2 * i) / (m - 2) : 0)),
  outlier,
];

/**
 * The eigenvalues of a symmetric matrix (a list of rows), unsorted: Jacobi's method, which turns
 * the matrix in one plane after the other until nothing is left off the diagonal.
 */
function eigenvalues(matrix) {
  const a = matrix.map((row) => row.slice());
  const n = a.length;
  const size = Math.max(...a.flat().map(Math.abs));
  for (let sweep = 0; sweep < 50; sweep++) {
    let left = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        left = Math.max(left, Math.abs(a[p][q]));
        if (a[p][q] === 0) continue;
        // The smaller of the two angles that bring a[p][q] to 0
        const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        const turn = (row, k, l) => {
          [row[k], row[l]] = [c * (row[k] - t * row[l]), c * (t * row[k] + row[l])];
        };
        for (const row of a) turn(row, p, q);
        for (let k = 0; k < n; k++) {
          const column = [a[p][k], a[q][k]];
          turn(column, 0, 1);
          [a[p][k], a[q][k]] = column;
        }
      }
    }
    if (left <= 1e-16 * size) break;
  }
  return a.map((row, i) => row[i]);
}

/** What a symmetric matrix makes of a direction that it only stretches. */
function stretch(matrix, v) {
  const [top, bottom] = [matrix.map((row) => row.reduce((sum, a, i) => sum + a * v[i], 0)), v].map((w) =>
    w.reduce((sum, a, i) => sum + a * v[i], 0),
  );
  return bottom ? top / bottom : undefined;
}

/** The batch, the terms of its Jacobian as lists of rows, the sum of those that are switched on. */
function analyse({ m, outlier, eps, identity, mean, variance, graph }) {
  const x = batch(m, outlier);
  if (eps === 0 && Math.max(...x) === Math.min(...x)) return { defined: false, x };
  // m copies of the feature, and a one-hot dy for each: one backward pass asks for every row
  const copies = x.map((v) => Array(m).fill(v));
  const oneHot = x.map((_, k) => x.map((_, i) => Number(k === i)));
  const run = runWays(parsed(graph), { x: copies, gamma: 1, beta: 0, eps }, oneHot);
  const rows = (way) => x.map((_, k) => x.map((_, i) => run.ways[way][i * m + k]));
  const terms = { identity: rows("direct"), mean: rows("mean"), variance: rows("variance") };
  const on = Object.entries({ identity, mean, variance }).flatMap(([name, is]) => (is ? [terms[name]] : []));
  const jacobian = x.map((_, k) => x.map((_, i) => on.reduce((sum, term) => sum + term[k][i], 0)));
  const singular = eigenvalues(jacobian).map(Math.abs).sort((a, b) => b - a);
  return { defined: true, x, xHat: x.map((_, k) => run.of("x_hat")[k * m]), s: run.of("s")[0], terms, jacobian, singular };
}

function compute(state) {
  const { x, jacobian = [], singular = [] } = analyse(state);
  return { x, jacobian, singular_values: singular };
}

/** Values that differ by less than a millionth of the largest, together: [value, how often]. */
function grouped(values) {
  const groups = [];
  for (const v of values) {
    const last = groups.at(-1);
    if (last && last[0] - v <= 1e-6 * values[0] && v > 1e-13 * values[0] === last[0] > 1e-13 * values[0]) last[1]++;
    else groups.push([v, 1]);
  }
  return groups;
}

const TERMS = { identity: "directly", mean: "through the mean", variance: "through the variance" };
const WIDE = 600;
const STRIP = 66; // the samples on their axis, above the map
const HEADS = 22; // the rows' and columns' numbers

/** Where the map and the singular values stand. */
function layout(width, m) {
  const wide = width >= WIDE;
  const room = wide ? width * 0.56 : width;
  const cell = Math.min(64, (Math.min(room, 440) - HEADS - 2) / m);
  const side = cell * m;
  const [left, top] = [HEADS, STRIP + 44];
  const below = top + side + 46;
  const spectrum = wide
    ? { left: room + 34, right: width - 4, top: top - 4, bottom: top + Math.max(side, 180) - 40 }
    : { left: 30, right: width - 4, top: below + 26, bottom: below + 176 };
  return { cell, side, left, top, spectrum, height: Math.max(below, spectrum.bottom + 64), strip: [8, width - 8] };
}

function words(shown) {
  const { defined, xHat, x, s, jacobian, terms, k, i, singular } = shown;
  if (!defined) {
    return ["The samples are equal and ε is 0: the variance is 0, so x̂ and its Jacobian are not defined. Move the outlier, or raise ε.", ""];
  }
  const on = Object.keys(TERMS).filter((name) => shown[name]);
  const ways = on.map((name) => `${format(terms[name][k][i])} ${TERMS[name]}`).join(", ");
  const v = jacobian[k][i];
  const [from, to] = [subscript("x", i), subscript("x̂", k)];
  const pull = Math.abs(v) < 1e-13 / s ? "leaves" : v > 0 ? "pulls" : "pushes";
  const way = pull === "leaves" ? " where it is" : v > 0 ? " along" : " the other way";
  const who = k === i ? "its own output" : to;
  const [one, hat] = [stretch(jacobian, x.map(() => 1)), stretch(jacobian, xHat)];
  const groups = grouped(singular).map(([value, times]) => (times > 1 ? `${format(value)} (${times} times)` : format(value)));
  return [
    `${from} = ${format(x[i], 2)} ${pull} ${who}${way}: ∂${to}/∂${from} = ${format(v)}${on.length > 1 ? ` = ${ways}` : ""}.`,
    `Singular values: ${groups.join(", ")}. Stretch along 1: ${format(Math.abs(one))}; ` +
      `along x̂: ${hat === undefined ? "not defined, x̂ is 0" : format(Math.abs(hat))}. 1/s = ${format(1 / s)}.`,
  ];
}

// --- The picture --------------------------------------------------------------------------------

function mount(el, hand) {
  const picture = drawing("The Jacobian of batch normalization, entry by entry");
  const told = [{ "aria-live": "polite" }, {}].map((more) => html("p", { class: "readout", ...more }));
  el.append(picture.root, ...told);
  let shown;

  const point = (k, i) => {
    const last = hand.get().m - 1;
    hand.set({ entry: [clamp(k, 0, last), clamp(i, 0, last)] });
  };

  /** The map takes the keyboard as one thing: arrow keys go from entry to entry. */
  function listen(node) {
    const at = (event) => {
      const box = node.ownerSVGElement.getBoundingClientRect();
      const { left, top, cell, m } = shown;
      const [i, k] = [(event.clientX - box.left - left) / cell, (event.clientY - box.top - top) / cell];
      if (i >= 0 && k >= 0 && i < m && k < m) point(Math.floor(k), Math.floor(i));
    };
    node.addEventListener("pointermove", (event) => event.pointerType === "touch" || at(event));
    node.addEventListener("click", at);
    node.addEventListener("keydown", (event) => {
      const last = shown.m - 1;
      const [k, i] = hand.get().entry.map((v) => Math.min(v, last));
      const to = {
        ...{ ArrowUp: [k - 1, i], ArrowDown: [k + 1, i], ArrowLeft: [k, i - 1], ArrowRight: [k, i + 1] },
        ...{ Home: [k, 0], End: [k, last], PageUp: [0, i], PageDown: [last, i] },
      }[event.key];
      if (!to) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would move to another cell
      point(...to);
    });
  }

  /** The samples on their axis, and an arrow from the one that pulls to the one that is pulled. */
  function strip() {
    const { x, k, i, strip: ends } = shown;
    const [low, high] = [Math.min(...x), Math.max(...x)];
    const margin = 0.08 * (high - low || 1);
    const place = linear([low - margin, high + margin], ends);
    const y = STRIP - 22;
    picture.put("strip title", "text", { class: "small title", x: 0, y: 13 }, "The samples");
    picture.put("strip axis", "path", { class: "axis", d: `M${ends[0]} ${y}H${ends[1]}` });
    for (const [n, t] of ticks(low - margin, high + margin, (ends[1] - ends[0]) / 90).entries()) {
      picture.put(`strip tick ${n}`, "path", { class: "axis", d: `M${place(t)} ${y}v5` });
      picture.put(`strip number ${n}`, "text", { class: "small middle", x: clamp(place(t), 12, ends[1] - 4), y: y + 19 }, short(t));
    }
    x.forEach((v, n) => {
      const look = n === i || n === k ? "data" : "data hollow";
      picture.put(`sample ${n}`, "circle", { class: look, cx: place(v), cy: y, r: n === i ? 6.5 : 4 });
    });
    const [a, b] = [place(x[i]), place(x[k])];
    const d = k === i || Math.abs(b - a) < 4 ? "" : arrow(a, y - 12, b, y - 12, 8);
    picture.put("pull", "path", { class: "gradient part", d });
    picture.put("pull name", "text", { class: "small middle halo", x: clamp(a, 14, ends[1] - 10), y: y - 17 }, subscript("x", i));
  }

  function map() {
    const { m, jacobian, s, k, i, cell, side, left, top, defined } = shown;
    const numbers = cell >= 40;
    const most = numbers ? 0.55 : 0.95;
    // The root of the size, so that the many small entries are seen beside the few large ones
    const strength = (v) => most * Math.sqrt(Math.min(1, Math.abs(v) * s));
    const look = (v) => ({ class: v < 0 ? "data" : "gradient", "stroke-width": 0, "fill-opacity": strength(v).toFixed(4) });
    picture.put("map title", "text", { class: "small title", x: 0, y: STRIP + 20 }, "∂x̂ₖ/∂xᵢ: row k, column i");
    const isNew = !picture.has("map");
    const text = told[0].textContent;
    const node = picture.put("map", "g", {
      ...{ tabindex: 0, role: "slider", "aria-label": "entry of the Jacobian", "aria-orientation": "horizontal" },
      ...{ "aria-valuemin": 1, "aria-valuemax": m * m, "aria-valuenow": k * m + i + 1 },
      "aria-valuetext": `row ${k + 1}, column ${i + 1}: ${text}`,
    });
    if (isNew) {
      node.classList.add("bn-map");
      listen(node);
    }
    const add = (...what) => node.append(picture.put(...what));
    add("map ground", "rect", { class: "target", x: left, y: top, width: side, height: side });
    picture.put("map rim", "rect", { class: "grid", x: left, y: top, width: side, height: side });
    for (let n = 0; n < m; n++) {
      const middle = (n + 0.5) * cell;
      picture.put(`column ${n}`, "text", { class: "small middle", x: left + middle, y: top - 6, "font-weight": n === i ? 700 : 400 }, String(n + 1));
      picture.put(`row ${n}`, "text", { class: "small end", x: left - 5, y: top + middle + 4, "font-weight": n === k ? 700 : 400 }, String(n + 1));
    }
    if (!defined) return;
    jacobian.forEach((row, r) =>
      row.forEach((v, c) => {
        const [x, y] = [left + c * cell, top + r * cell];
        add(`entry ${r} ${c}`, "rect", { ...look(v), x: x + 0.5, y: y + 0.5, width: cell - 1, height: cell - 1 });
        if (numbers) add(`number ${r} ${c}`, "text", { class: "small middle", x: x + cell / 2, y: y + cell / 2 + 4 }, format(v, 2).replace(/^(−?)0\.00$/, "0.00"));
      }),
    );
    node.append(picture.put("chosen", "rect", { class: "chosen", x: left + i * cell, y: top + k * cell, width: cell, height: cell }));
    // The scale: the same five colours for any batch, in parts of 1/s
    const w = clamp(side / 5, 42, 58);
    [-1, -0.25, 0, 0.25, 1].forEach((part, n) => {
      const x = left + n * w;
      picture.put(`scale ${n}`, "rect", { ...look(part / s), x, y: top + side + 10, width: w - 2, height: 12 });
      picture.put(`scale rim ${n}`, "rect", { class: "grid", x, y: top + side + 10, width: w - 2, height: 12 });
      const name = ["−1/s", "−¼/s", "0", "¼/s", "1/s"][n];
      picture.put(`scale name ${n}`, "text", { class: "small middle", x: x + w / 2 - 1, y: top + side + 37 }, name);
    });
  }

  function spectrum() {
    const { m, singular, s, jacobian, x, xHat, spectrum: at } = shown;
    const top = Math.max(1 / s, singular[0]);
    const place = linear([0, top * 1.12], [at.bottom, at.top + 18]);
    const step = (at.right - at.left) / m;
    picture.put("spectrum title", "text", { class: "small title", x: at.left - 30, y: at.top - 20 }, "Its singular values");
    for (const [n, t] of ticks(0, top * 1.1, 4).entries()) {
      picture.put(`spectrum tick ${n}`, "path", { class: n ? "grid" : "axis", d: `M${at.left} ${place(t)}H${at.right}` });
      picture.put(`spectrum number ${n}`, "text", { class: "small end", x: at.left - 5, y: place(t) + 4 }, short(t));
    }
    // Both directions are only stretched, by any of the terms: each has a singular value of its own
    const left = singular.map((_, n) => n);
    const owner = {};
    for (const [name, v] of [["mean", x.map(() => 1)], ["variance", xHat]]) {
      const by = stretch(jacobian, v);
      if (by === undefined) continue;
      const distance = (n) => Math.abs(singular[n] - Math.abs(by));
      const nearest = left.reduce((best, n) => (distance(n) <= distance(best) + 1e-9 * top ? n : best), left[0]);
      owner[nearest] = name;
      left.splice(left.indexOf(nearest), 1);
    }
    singular.forEach((v, n) => {
      const cx = at.left + (n + 0.5) * step;
      const look = owner[n] ?? "data";
      const zero = v <= 1e-3 / s;
      picture.put(`stem ${n}`, "path", { class: `${look} line`, d: `M${cx} ${place(0)}V${place(v)}` });
      picture.put(`value ${n}`, "circle", { class: zero ? `${look} hollow ring` : look, cx, cy: place(v), r: 5.5 });
      const name = { mean: "1", variance: "x̂" }[owner[n]];
      if (name) picture.put(`owner ${n}`, "text", { class: "small middle", x: cx, y: at.bottom + 20 }, name);
    });
    ["1: along 1. x̂: along x̂.", "Rings: below a thousandth of 1/s."].forEach((text, n) =>
      picture.put(`spectrum note ${n}`, "text", { class: "small", x: at.left - 30, y: at.bottom + 40 + 17 * n }, text),
    );
  }

  function draw(state, width) {
    const found = analyse(state);
    const [k, i] = state.entry.map((v) => clamp(v, 0, state.m - 1));
    shown = { ...state, ...found, ...layout(width, state.m), k, i };
    words(shown).forEach((text, n) => {
      tell(told[n], text);
    });
    picture.size(width, shown.height);
    strip();
    map();
    if (shown.defined) spectrum();
    picture.sweep();
  }
  return draw;
}

export default makeFigure({ compute, mount });
