import { backward, forward, indexOf, tensor } from "./interpreter.js";
import { clamp, format, linear, niceDomain, short, ticks } from "./scale.js";
import { arrow, drawing, html, legend, movable, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";

// --- Whitening in the plane; no DOM -------------------------------------------------------------
// batchnorm/whitening.py says why; here 2 × 2 matrices are rows [[a, b], [c, d]], a batch is rows.

const METHODS = ["standardise", "pca", "zca", "cholesky", "newton-schulz"];
const TITLES = ["Standardised", "PCA-whitened", "ZCA-whitened", "Cholesky-whitened", "Iterated"];
const GAP = 1e-9; // as in whitening.py
const IDENTITY = [[1, 0], [0, 1]];

const mul = (A, B) => A.map((row) => [0, 1].map((j) => row[0] * B[0][j] + row[1] * B[1][j]));
const flipped = (A) => [0, 1].map((j) => A.map((row) => row[j]));
/** AᵀB for two batches. */
const gram = (A, B) =>
  [0, 1].map((i) => [0, 1].map((j) => A.reduce((sum, row, k) => sum + row[i] * B[k][j], 0)));
const meanOf = (rows) => [0, 1].map((j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length);
const centre = (rows) => {
  const mu = meanOf(rows);
  return rows.map(([p, q]) => [p - mu[0], q - mu[1]]);
};
const covariance = (rows) => gram(centre(rows), centre(rows)).map((row) => row.map((v) => v / rows.length));

/** The eigenvalues of a covariance, the larger first, and the axes as columns of a rotation. */
function eigen([[a, b], [, c]]) {
  const [middle, r] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  const angle = Math.atan2(2 * b, a - c) / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { values: [middle + r, Math.max(middle - r, 0)], axes: [[cos, -sin], [sin, cos]] };
}

const alike = ([p, q]) => p - q <= GAP * p;

/** Axis k points towards feature k or, at right angles to it, along its own larger entry. */
function pointed(axes) {
  const columns = flipped(axes).map((u, k) => {
    const turned = Math.abs(u[k]) < GAP ? u[1 - k] : u[k];
    return turned < 0 ? u.map((v) => -v) : u;
  });
  return flipped(columns);
}

/** W and the gradient's weights, in a basis; null where the method has no gradient. */
function rootOf(method, cov, eps, m) {
  const S = cov.map((row, i) => row.map((v, j) => (i === j ? v + eps : v)));
  const { values: flat, axes } = eigen(cov);
  const values = flat.map((v) => v + eps);
  const s = values.map(Math.sqrt);
  const half = [[0.5, 0], [0, 0.5]];
  if (method === "standardise") {
    return { W: [[S[0][0] ** -0.5, 0], [0, S[1][1] ** -0.5]], weights: half, basis: IDENTITY };
  }
  if (method === "cholesky") {
    const l = Math.sqrt(S[0][0]);
    const under = S[0][1] / l;
    const last = Math.sqrt(S[1][1] - under * under);
    return { W: [[1 / l, -under / (l * last)], [0, 1 / last]], weights: [[0.5, 1], [0, 0.5]], basis: IDENTITY };
  }
  if (method === "zca") {
    const W = mul(axes.map(([p, q]) => [p / s[0], q / s[1]]), flipped(axes));
    const weights = s.map((p) => s.map((q) => p / (p + q)));
    return { W, weights, basis: axes };
  }
  if (alike(values) && m > 1) return null;
  const gap = values[0] - values[1];
  // A single sample sends nothing through the axes, whichever they are
  const weights = m > 1 ? [[0.5, values[0] / gap], [-values[1] / gap, 0.5]] : half;
  return { W: pointed(axes).map(([p, q]) => [p / s[0], q / s[1]]), weights, basis: IDENTITY };
}

/** x_hat, and how dy comes back; null where that is not defined. */
function whiten({ method: index, graph: text, iterations, eps }, x) {
  const [method, m] = [METHODS[index], x.length];
  if (method === "newton-schulz") {
    const graph = parsed(text);
    const values = forward(graph, { x: tensor(x), m: tensor(m), eps: tensor(eps) });
    const rows = ({ data }) => x.map((_, i) => [data[2 * i], data[2 * i + 1]]);
    const nothing = { shape: [m, 2], data: new Float64Array(2 * m) };
    const back = (dy) => {
      const upstream = graph.outputs.map((_, k) => (k === iterations ? tensor(dy) : nothing));
      return rows(backward(graph, values, upstream).grads[indexOf(graph, "x")]);
    };
    return { xHat: rows(values[graph.outputs[iterations]]), back };
  }
  const cov = covariance(x);
  const found = rootOf(method, cov, eps, m);
  if (!found) return null;
  const { W, weights, basis } = found;
  const xHat = mul(centre(x), W);
  const back = (dy) => {
    const P = mul(mul(flipped(basis), gram(xHat, dy)), basis);
    const half = P.map((row, i) => row.map((v, j) => weights[i][j] * v));
    const M = mul(mul(basis, half.map((row, i) => row.map((v, j) => v + half[j][i]))), flipped(basis));
    const shared = mul(xHat, M);
    const bracket = centre(dy).map((row, i) => row.map((v, j) => v - shared[i][j] / m));
    return mul(bracket, flipped(W));
  };
  return { xHat, back };
}

function uniform(seed, k) {
  let t = (Math.imul(seed, 0x9e3779b1) + Math.imul(k + 1, 0x6d2b79f5)) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
}

/** The batch of a seed, before any point is moved. */
function sampled({ correlation, scale_1, scale_2, batch_size }, seed) {
  return Array.from({ length: batch_size }, (_, i) => {
    const [a, b] = [uniform(seed, 2 * i), uniform(seed, 2 * i + 1)];
    const r = Math.sqrt(-2 * Math.log(a));
    const [z1, z2] = [r * Math.cos(2 * Math.PI * b), r * Math.sin(2 * Math.PI * b)];
    return [scale_1 * z1, scale_2 * (correlation * z1 + Math.sqrt(1 - correlation ** 2) * z2)];
  });
}

function batchOf(state) {
  const x = sampled(state, state.seed);
  for (let k = 0; k < state.moved.length; k += 3) {
    const [i, p, q] = state.moved.slice(k, k + 3);
    if (i < x.length) x[i] = [x[i][0] + p, x[i][1] + q];
  }
  return x;
}

const chosen = ({ selected }, x) => Math.min(selected, x.length - 1);

const N = [null, null, [[0.6, 0], [0, -0.3]], [[0, 0.5], [0.5, 0]], [[0, 0.5], [-0.5, 0]]];

function upstreamOf(state, xHat) {
  if (state.upstream === 0) return xHat.map((_, i) => (i === chosen(state, xHat) ? state.pull : [0, 0]));
  return state.upstream === 1 ? xHat.map(() => [0.8, 0.4]) : mul(xHat, N[state.upstream]);
}

function compute(state) {
  const x = batchOf(state);
  const whitened = whiten(state, x);
  if (!whitened) return { x, x_hat: [], dy: [], dx: [] };
  const dy = upstreamOf(state, whitened.xHat);
  return { x, x_hat: whitened.xHat, dy, dx: whitened.back(dy) };
}

/** Where the selected point landed in earlier batches, which it would have shared as it stands now. */
function landings(state, x) {
  const at = chosen(state, x);
  return Array.from({ length: state.past }, (_, k) => {
    const other = sampled(state, Math.max(0, state.seed - 1 - k));
    other[at] = x[at];
    return whiten(state, other)?.xHat[at];
  }).filter(Boolean);
}

/** Multiplications, leading terms: work() of whitening.py. */
function work(method, m, d, iterations) {
  if (method === "standardise") return 2 * m * d;
  const cubes = { pca: 4.5, zca: 5.5, cholesky: 1 / 3, "newton-schulz": 3 * iterations };
  return 2 * m * d ** 2 + cubes[method] * d ** 3;
}

// --- The picture --------------------------------------------------------------------------------

const WIDE = 600;
const HEAD = 26;
const FOOT = 20;
const TALL = 130; // of the plot of work
const FEATURES = 64; // up to so many in it
const REACH = 3; // the largest upstream gradient one can drag to

function layout(width) {
  const wide = width >= WIDE;
  const side = Math.min(wide ? (width - 24) / 2 : width, 400);
  const panel = (left, top) => ({ left, right: left + side, top: top + HEAD, bottom: top + HEAD + side - FOOT });
  const output = wide ? panel(width - side, 0) : panel(0, side + HEAD + 8);
  const top = output.bottom + FOOT + HEAD + 18;
  const plot = { left: 44, right: Math.min(width, 560) - 8, top, bottom: top + TALL };
  return { input: panel(0, 0), output, plot, height: plot.bottom + 36 };
}

/** The same scale both ways, over a square that holds all points; it grows in jumps. */
function square(points, { left, right, top, bottom }, held) {
  let reach = 4;
  const far = Math.max(0, ...points.flat().map(Math.abs));
  while (reach < far * 1.05 && reach < 1e12) reach *= 2;
  if (held) reach = held;
  const unit = (right - left) / (2 * reach);
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  return {
    reach,
    unit,
    to: ([p, q]) => [clamp(cx + p * unit, left - 9, right + 9), clamp(cy - q * unit, top - 9, bottom + 9)],
    from: (u, v) => [(clamp(u, left, right) - cx) / unit, (cy - clamp(v, top, bottom)) / unit],
  };
}

const length = (rows) => Math.sqrt(rows.flat().reduce((sum, v) => sum + v * v, 0));
const pair = ([p, q]) => `(${format(p, 2)}, ${format(q, 2)})`;

function words({ x, x_hat, dy, dx, method, landed, shrink }) {
  const { values, axes } = eigen(covariance(x));
  // A root makes 1e-8 of a rounding error
  const radii = ([p, q]) => [p, q > 1e-12 * p ? q : 0].map((r) => format(Math.sqrt(r), 2)).join(" and ");
  const angle = Math.round((Math.atan2(axes[1][0], axes[0][0]) * 180) / Math.PI);
  const lies = alike(values) ? "" : `, the longer axis at ${format(angle, 0)}°`;
  const before = `Input ellipse: radii ${radii(values)}${lies}.`;
  if (!x_hat.length) {
    return { before, back: "The two radii are equal: PCA's axes are not defined, and have no gradient. Move a point.", spread: "" };
  }
  const far = Math.max(0, ...landed.flatMap((a) => [...landed, null].map((b) => (b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0))));
  return {
    before: `${before} Output ellipse: radii ${radii(eigen(covariance(x_hat)).values)}.`,
    back:
      `|dy| = ${format(length(dy))} was sent, |dx| = ${format(length(dx))} came back.` +
      (shrink < 1 ? ` (The arrows of dx are drawn at 1/${1 / shrink} of their length.)` : ""),
    spread: landed.length > 1 ? `In ${landed.length} batches the selected point landed in places up to ${format(far, 2)} apart (${METHODS[method]}).` : "",
  };
}

function mount(el, hand) {
  const picture = drawing("A cloud of points, the same after whitening, and the gradients between them");
  const readouts = ["before", "back", "spread"].map((name) => [name, html("p", { class: "readout" })]);
  readouts[2][1].setAttribute("aria-live", "polite");
  const button = (text, click) => html("button", { type: "button", click }, text);
  const bar = html(
    ...["div", { class: "bar" }],
    button("Resample", () => {
      const state = hand.get();
      const x = batchOf(state);
      const [i, seed] = [chosen(state, x), state.seed + 1];
      const [p, q] = sampled(state, seed)[i];
      hand.set({ seed, past: Math.min(state.past + 1, 30), moved: [i, x[i][0] - p, x[i][1] - q] });
    }),
    button("Next point", () => {
      const state = hand.get();
      hand.set({ selected: (state.selected + 1) % state.batch_size, past: 0 });
    }),
    button("Reset", () => hand.set({ seed: 1, past: 0, moved: [], selected: 0, pull: [1, 0.6], upstream: 0 })),
    ...[["gradient", "gradient"], ["variance", "covariance ellipse, its axes"], ["cut", "where the point was"]].map(
      ([part, text]) => legend(part, text),
    ),
  );
  el.append(picture.root, bar, ...readouts.map(([, node]) => node));
  let shown;
  let held = null; // how far the panels reach, during a drag

  const hold = () => (held ??= { input: shown.input.reach, output: shown.output.reach });
  const release = () => {
    held = null;
    draw(shown, shown.width);
  };

  function place(i, [p, q]) {
    const state = hand.get();
    const [a, b] = sampled(state, state.seed)[i];
    const others = [];
    for (let k = 0; k < state.moved.length; k += 3) {
      if (state.moved[k] !== i) others.push(...state.moved.slice(k, k + 3));
    }
    hand.set({ moved: [...others, i, clamp(p, -1e3, 1e3) - a, clamp(q, -1e3, 1e3) - b] });
  }

  const pullTo = (v) => hand.set({ upstream: 0, pull: v.map((u) => clamp(u, -REACH, REACH)) });

  function ground(key, { left, right, top, bottom }, { reach, to }, title) {
    picture.put(`${key} title`, "text", { class: "small title", x: left, y: top - 9 }, title);
    picture.put(`${key} frame`, "rect", { class: "grid", x: left + 0.5, y: top, width: right - left - 1, height: bottom - top });
    for (const [i, t] of ticks(-reach, reach, 5).entries()) {
      const [x, y] = to([t, t]);
      picture.put(`${key} x ${i}`, "path", { class: "grid", d: `M${x} ${top}V${bottom}` });
      if (y >= top && y <= bottom) picture.put(`${key} y ${i}`, "path", { class: "grid", d: `M${left} ${y}H${right}` });
      const edge = i === 0 || t >= reach * 0.99;
      if (!edge) picture.put(`${key} number ${i}`, "text", { class: "small middle", x, y: bottom + 15 }, short(t));
    }
  }

  /** The ellipse of one standard deviation, and two arms from the mean. */
  function ellipse(key, rows, scale, arms) {
    const mu = meanOf(rows);
    const { values, axes } = eigen(covariance(rows));
    const [x, y] = scale.to(mu);
    const turn = (-Math.atan2(axes[1][0], axes[0][0]) * 180) / Math.PI;
    const [rx, ry] = values.map((v) => Math.sqrt(v) * scale.unit);
    const shape = { cx: 0, cy: 0, rx, ry, transform: `translate(${x} ${y}) rotate(${turn})` };
    picture.put(`${key} fill`, "ellipse", { class: "band", ...shape });
    picture.put(`${key} line`, "ellipse", { class: "variance hollow line", ...shape });
    arms.forEach(([p, q], k) => {
      const [u, v] = scale.to([mu[0] + p, mu[1] + q]);
      const look = { class: "variance line", "stroke-dasharray": k ? "4 4" : "none", d: `M${x} ${y}L${u} ${v}` };
      picture.put(`${key} arm ${k}`, "path", look);
      picture.put(`${key} end ${k}`, "circle", { class: k ? "variance hollow" : "variance", cx: u, cy: v, r: 4 });
    });
    picture.put(`${key} mean`, "path", { class: "mean line", d: `M${x - 5} ${y}H${x + 5}M${x} ${y - 5}V${y + 5}` });
  }

  function arrows(key, rows, gradients, scale, factor) {
    rows.forEach((row, i) => {
      const [x, y] = scale.to(row);
      const [u, v] = gradients[i].map((g) => g * factor * scale.unit);
      const d = arrow(x, y, x + u, y - v, 7);
      if (d) picture.put(`${key} ${i}`, "path", { class: "gradient part", d });
    });
  }

  function point(i, text) {
    const { x, input } = shown;
    const on = i === chosen(shown, x);
    const [u, v] = input.to(x[i]);
    const isNew = !picture.has(`point ${i}`);
    const node = picture.put(`point ${i}`, "g", {
      ...{ transform: `translate(${u} ${v})`, "data-x": u, "data-y": v, "aria-label": `point ${i + 1}` },
      ...{ "aria-valuemin": -1000, "aria-valuemax": 1000, "aria-valuenow": x[i][0], "aria-valuetext": text },
      "aria-hidden": !on,
    });
    node.append(picture.put(`point ${i} target`, "circle", { class: "target", r: on ? 14 : 9 }));
    node.append(picture.put(`point ${i} disc`, "circle", { class: "data", r: on ? 7 : 3.5 }));
    if (isNew) {
      movable(node, {
        move: (a, b) => {
          hold();
          place(i, shown.input.from(a, b));
        },
        nudge: (...by) => place(i, batchOf(hand.get())[i].map((w, k) => w + 0.1 * by[k])),
        done: release,
      });
      node.addEventListener("focus", () => {
        if (hand.get().selected !== i) hand.set({ selected: i, past: 0 });
      });
    }
    node.setAttribute("tabindex", on ? 0 : -1);
  }

  /** Others make way for the selected point. It stays where it is in the page, or it would lose the focus. */
  function onTop(i) {
    const node = picture.put(`point ${i}`, "g");
    while (node.nextSibling) node.before(node.nextSibling);
  }

  function tip() {
    const { x_hat, dy, output } = shown;
    const i = chosen(shown, x_hat);
    const [x, y] = output.to(x_hat[i]);
    const [u, v] = [x + dy[i][0] * output.unit, y - dy[i][1] * output.unit];
    const isNew = !picture.has("tip");
    const node = picture.put("tip", "g", {
      ...{ transform: `translate(${u} ${v})`, "data-x": u, "data-y": v, "aria-label": "upstream gradient of the selected point" },
      ...{ "aria-valuemin": -REACH, "aria-valuemax": REACH, "aria-valuenow": dy[i][0], "aria-valuetext": pair(dy[i]) },
    });
    node.append(picture.put("tip target", "circle", { class: "target", r: 14 }));
    node.append(picture.put("tip disc", "circle", { class: "gradient hollow", r: 6 }));
    if (!isNew) return;
    movable(node, {
      move: (a, b) => {
        hold();
        const from = shown.output.to(shown.x_hat[chosen(shown, shown.x)]);
        pullTo([(a - from[0]) / shown.output.unit, (from[1] - b) / shown.output.unit]);
      },
      nudge: (...by) => {
        const { x, dy } = compute(hand.get());
        pullTo(dy[chosen(hand.get(), x)].map((w, k) => w + 0.1 * by[k]));
      },
      done: release,
    });
  }

  function workPlot({ left, right, top, bottom }) {
    const { method, x, iterations } = shown;
    const m = x.length;
    const d = Array.from({ length: FEATURES }, (_, k) => k + 1);
    const lines = METHODS.map((name) => d.map((n) => work(name, m, n, iterations) / 1e6));
    const domain = niceDomain(lines.flat());
    const [sx, sy] = [linear([0, FEATURES], [left, right]), linear(domain, [bottom, top])];
    picture.layer("ground");
    picture.put("work title", "text", { class: "small title", x: 0, y: top - 12 }, "Work: million multiplications a batch");
    for (const [i, t] of ticks(...domain, 3).entries()) {
      picture.put(`work y ${i}`, "path", { class: "grid", d: `M${left} ${sy(t)}H${right}` });
      picture.put(`work number ${i}`, "text", { class: "small end", x: left - 6, y: sy(t) + 4 }, short(t));
    }
    for (const t of [0, 16, 32, 48, 64]) picture.put(`work x ${t}`, "text", { class: "small middle", x: sx(t), y: bottom + 16 }, short(t));
    picture.put("work axis", "path", { class: "axis", d: `M${left} ${bottom}H${right}` });
    if (m <= FEATURES) {
      const at = sx(m - 1);
      picture.put("work limit", "path", { class: "cut hollow", d: `M${at} ${top}V${bottom}` });
      const side = at > right - 80 ? "small end" : "small"; // on the side where there is room
      picture.put("work limit name", "text", { class: side, x: at + (side === "small" ? 5 : -5), y: top + 10 }, "d = m − 1");
    }
    lines.forEach((line, k) => {
      if (k === 4 && !iterations && method !== 4) return;
      const path = line.map((v, n) => `${n ? "L" : "M"}${sx(d[n])} ${sy(v)}`).join("");
      picture.put(`work line ${k}`, "path", { class: k === method ? "now line" : "other", d: path });
    });
    picture.put("work d", "text", { class: "small", x: left, y: bottom + 32 }, "features d");
    const name = `${METHODS[method]}: ${format(lines[method].at(-1), 3)} at d = ${FEATURES}`;
    picture.put("work name", "text", { class: "small end", x: right, y: bottom + 32 }, name);
  }

  function draw(state, width) {
    const { x, x_hat, dy, dx } = state;
    const { input, output, plot, height } = layout(width);
    const landed = x_hat.length ? [x_hat[chosen(state, x)], ...landings(state, x)] : [];
    // Long arrows are halved together until they fit, and the readout says so
    let shrink = 1;
    while (Math.max(0, ...dx.flat().map(Math.abs)) * shrink > 2 && shrink > 1e-9) shrink /= 2;
    shown = { ...state, width, landed, shrink };
    shown.input = square(x, input, held?.input);
    shown.output = square([...x_hat, ...landed], output, held?.output);

    picture.size(width, height);
    for (const layer of ["ground", "points", "things", "arrows"]) picture.layer(layer);
    picture.layer("ground");
    ground("in", input, shown.input, "The batch, and what comes back");
    ground("out", output, shown.output, `${TITLES[state.method]}, and what is sent`);
    const cov = covariance(x);
    const { values, axes } = eigen(cov);
    const arms = alike(values) ? [] : [0, 1].map((k) => axes.map((row) => row[k] * Math.sqrt(values[k])));
    ellipse("in ellipse", x, shown.input, arms);
    if (x_hat.length) {
      ellipse("out ellipse", x_hat, shown.output, arms.length ? followed(x, x_hat, cov, arms) : []);
      landed.slice(1).forEach((row, k) => {
        const [u, v] = shown.output.to(row);
        picture.put(`landing ${k}`, "circle", { class: "cut hollow", cx: u, cy: v, r: 6 });
      });
    }
    workPlot(plot);
    picture.layer("points");
    x.forEach((row, i) => point(i, `${pair(row)}; ${x_hat.length ? `output ${pair(x_hat[i])}; gradient ${pair(dx[i])}` : "output not defined"}`));
    onTop(chosen(state, x));
    picture.layer("things");
    if (x_hat.length) {
      x_hat.forEach((row, i) => {
        const [u, v] = shown.output.to(row);
        picture.put(`out ${i}`, "circle", { class: "data", cx: u, cy: v, r: i === chosen(state, x) ? 7 : 3.5 });
      });
      tip();
      picture.layer("arrows");
      arrows("dx", x, dx, shown.input, shrink);
      arrows("dy", x_hat, dy, shown.output, 1);
    }
    picture.sweep();
    const told = words(shown);
    for (const [name, node] of readouts) tell(node, told[name]);
  }
  return draw;
}

/** Where the ellipse's axes go: by the matrix that takes the centred batch to x_hat. */
function followed(x, xHat, cov, arms) {
  const { values, axes } = eigen(cov);
  const cross = gram(centre(x), xHat).map((row) => row.map((v) => v / x.length));
  return arms.map((_, k) => {
    if (values[k] <= GAP * values[0]) return [0, 0];
    return mul([[axes[0][k] / Math.sqrt(values[k]), axes[1][k] / Math.sqrt(values[k])]], cross)[0];
  });
}

export default makeFigure({ compute, mount });
