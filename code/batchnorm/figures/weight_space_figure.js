import { backward, forward, indexOf, tensor } from "./interpreter.js";
import { clamp, domainOf, format, linear, niceDomain, short, ticks } from "./scale.js";
import { arrow, drawing, html, legend, movable, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";

// --- The losses and the descents; no DOM --------------------------------------------------------

/** `f`, which runs again only when one of its arguments is another one than last time. */
function remember(f) {
  let last = [];
  let value;
  return (...args) => {
    if (args.length !== last.length || args.some((a, i) => a !== last[i])) {
      value = f(...args);
      last = args;
    }
    return value;
  };
}

const KINDS = { normal: "batch norm", plain: "plain" };
const LARGEST = 1e150; // beyond it squares overflow, and numbers come out that are not true
const finite = (...values) => values.every(Number.isFinite);
const turnOf = (a, b) => (Math.atan2(Math.abs(a[0] * b[1] - a[1] * b[0]), a[0] * b[0] + a[1] * b[1]) * 180) / Math.PI;
/** The angle between two directions in degrees, NaN if one of them is none. */
const angleTo = (a, b) => (Math.hypot(...a) && Math.hypot(...b) ? turnOf(a, b) : NaN);
const circle = (count) => Array.from({ length: count }, (_, i) => (2 * Math.PI * i) / count);
const towards = (angle) => [Math.cos(angle), Math.sin(angle)];

const dataOf = remember((graphs, samples, correlation, optimum) => {
  const graph = parsed(graphs.data);
  const column = optimum.map((v) => [v]);
  const inputs = { samples: tensor(samples), correlation: tensor(correlation), optimum: tensor(column) };
  const values = forward(graph, inputs);
  const [x, t, gamma, beta] = graph.outputs.map((i) => values[i]);
  return { x, t, gamma, beta };
});

/** What a graph gives for many weights in one run: one number each. */
function atEach(text, given, points) {
  const graph = parsed(text);
  const data = Float64Array.from([...points.map((p) => p[0]), ...points.map((p) => p[1])]);
  const values = forward(graph, { ...given, w: { shape: [2, points.length], data } });
  return values[graph.outputs[0]].data;
}

/** The loss at w and its gradient. */
function slope(graph, given, w) {
  const values = forward(graph, { ...given, w: tensor(w.map((v) => [v])) });
  const { grads } = backward(graph, values, [tensor([1])]);
  return { w, loss: values[graph.outputs[0]].data[0], gradient: Array.from(grads[indexOf(graph, "w")].data) };
}

/** Every step of a descent, {w, loss, gradient}; ends where the next would leave the range. */
function descent(text, given, w, rate, decay, steps) {
  const graph = parsed(text);
  const path = [slope(graph, given, w)];
  while (path.length <= steps) {
    const now = path.at(-1);
    const next = now.w.map((v, i) => v - rate * (now.gradient[i] + decay * v));
    if (!next.every((v) => Math.abs(v) <= LARGEST)) break;
    path.push(slope(graph, given, next));
  }
  return path;
}

const descents = remember((data, graphs, eps, w, rate, decay, steps) =>
  Object.fromEntries(
    Object.entries(KINDS).map(([kind, name]) => {
      return [kind, descent(graphs[name], { ...data, eps: tensor(eps) }, w, rate, decay, steps)];
    }),
  ),
);

/** Both descents, and where they stand at the step shown. */
function analyse(state) {
  const { graphs, samples, correlation, optimum, eps, w, rate, decay, steps } = state;
  const data = dataOf(graphs, samples, correlation, optimum);
  const all = descents(data, graphs, eps, w, rate, decay, steps);
  const at = (path) => {
    const now = path[clamp(state.step, 0, path.length - 1)];
    return { ...now, defined: finite(now.loss, ...now.gradient), ended: path.length <= state.step };
  };
  return { data, all, now: { normal: at(all.normal), plain: at(all.plain) } };
}

function compute(state) {
  const { all, now } = analyse(state);
  const told = (kind, prefix) => ({
    [`${prefix}path`]: all[kind].slice(0, state.step + 1).map(({ w }) => w),
    [`${prefix}loss`]: now[kind].defined ? now[kind].loss : null,
    [`${prefix}gradient`]: now[kind].defined ? now[kind].gradient : [],
  });
  return { ...told("normal", ""), ...told("plain", "plain_") };
}

// --- Contours; no DOM ---------------------------------------------------------------------------

/**
 * Lines of equal value on a mesh of rings around the origin, as segments [p, q]: the segment of a
 * cell joins the places on its sides where the value passes the level.
 * @param {number[][][]} rings points [x, y], as many on each ring; the rings close
 */
function segments(rings, values, level) {
  const [lines, count] = [[], rings[0].length];
  for (let r = 0; r + 1 < rings.length; r++) {
    for (let i = 0; i < count; i++) {
      const j = (i + 1) % count;
      const corners = [[r, i], [r, j], [r + 1, j], [r + 1, i]];
      const found = [];
      corners.forEach(([a, b], k) => {
        const [c, d] = corners[(k + 1) % 4];
        const [u, v] = [values[a * count + b] - level, values[c * count + d] - level];
        if (u < 0 === v < 0) return;
        const part = u / (u - v);
        found.push(rings[a][b].map((p, n) => p + part * (rings[c][d][n] - p)));
      });
      for (let k = 0; k + 1 < found.length; k += 2) lines.push([found[k], found[k + 1]]);
    }
  }
  return lines;
}

const LEVELS = 9;
const FULL = circle(360);

/**
 * The contours of the loss with batch norm out to `reach`: for each level its segments, and how low
 * it lies (1: lowest). At eps = 0 the loss knows no length, so two rings show its rays.
 */
const rays = remember((graphs, data, eps, reach) => {
  const radii = eps ? Array.from({ length: 18 }, (_, i) => reach * 2 * ((i + 0.2) / 17) ** 2) : [1e-3 * reach, 2 * reach];
  const angles = eps ? circle(120) : FULL;
  const rings = radii.map((r) => angles.map((angle) => towards(angle).map((v) => v * r)));
  const values = atEach(graphs[KINDS.normal], { ...data, eps: tensor(eps) }, rings.flat());
  const [lo, hi] = [Math.min(...values), Math.max(...values)];
  // Crowded at both ends, since the loss is flat there
  const share = (k) => (1 - Math.cos((k * Math.PI) / LEVELS)) / 2;
  return Array.from({ length: LEVELS - 1 }, (_, k) => {
    return { low: 1 - share(k + 1), lines: segments(rings, values, lo + (hi - lo) * share(k + 1)) };
  });
});

/** Points of a closed curve where a quadratic form around `middle` has the value `level`. */
const oval = (form, middle, level) =>
  [...FULL, 0].map((angle, i) => {
    const radius = Math.sqrt(level / form[i % FULL.length]);
    return towards(angle).map((v, k) => middle[k] + v * radius);
  });

/** The quadratic forms, along each direction: wᵀSw, and the plain loss above its least value. */
const forms = remember((graphs, data, optimum) => {
  const around = (middle) => FULL.map((angle) => towards(angle).map((v, k) => middle[k] + v));
  const loss = atEach(graphs[KINDS.plain], data, [...around(optimum), optimum]);
  const least = loss.at(-1);
  return { variance: atEach(graphs.variance, data, around([0, 0])), loss: loss.slice(0, -1).map((v) => v - least) };
});

/** The contours of the plain loss: levels grow as squares, so that the ovals are evenly spaced. */
const ovals = remember((form, optimum) => {
  const mean = form.reduce((a, b) => a + b) / form.length;
  return Array.from({ length: 12 }, (_, k) => ({
    low: 1 / (1 + k / 3),
    lines: [oval(form, optimum, mean * (0.6 * (k + 1)) ** 2)],
  }));
});

// --- Words --------------------------------------------------------------------------------------

const pair = (v) => `(${v.map((n) => format(n, 2)).join(", ")})`;
const square = (v) => v[0] ** 2 + v[1] ** 2;

const fromOptimum = (w, optimum) =>
  Math.hypot(...w) ? `${format(angleTo(w, optimum), 1)}° from the optimum` : "in no direction";

function words({ now, step, rate, decay, optimum, varianceOf }) {
  const { normal, plain } = now;
  const { w, gradient, loss } = normal;
  const [size, variance] = [square(w), varianceOf(w)];
  const ended = normal.ended && normal.defined ? " The next step leaves the range of numbers." : "";
  const there = `Step ${step}: w = ${pair(w)}, ‖w‖ = ${format(Math.hypot(...w))}, wᵀSw = ${format(variance)}.`;
  let beside = plain.defined
    ? `Without the layer: w = ${pair(plain.w)}, loss ${format(plain.loss)}, ${fromOptimum(plain.w, optimum)}.`
    : "Without the layer the loss is beyond the range of numbers.";
  if (plain.ended) beside += " Its next step leaves the range of numbers.";
  if (!normal.defined) {
    const why = variance
      ? "The loss with batch norm is beyond the range of numbers here, so it is not defined."
      : "At w = 0 all outputs are equal: their variance is 0, and with ε = 0 batch norm divides 0 by 0. Its loss and gradient are not defined. Move w, or raise ε.";
    return [there, why, beside];
  }
  const inner = w[0] * gradient[0] + w[1] * gradient[1];
  const turn = angleTo(w, gradient);
  const upright = Number.isNaN(turn) ? "" : `, at ${format(turn, 1)}° to w`;
  const tilted = Math.abs(inner) > 1e-9 * Math.sqrt(size * square(gradient)); // not rounding alone
  const parts = [
    [rate ** 2 * square(gradient), "from the gradient"],
    [tilted ? -2 * rate * (1 - rate * decay) * inner : 0, "from its part along w"],
    [((1 - rate * decay) ** 2 - 1) * size, "from the decay"],
  ].filter(([v], k) => k === 0 || v);
  const sum = parts.map(([v, from]) => `${v < 0 ? "" : "+"}${format(v)} ${from}`).join(", ");
  const next = parts.reduce((total, [v]) => total + v, size);
  const effective = size ? ` Effective rate η/‖w‖² = ${format(rate / size)}.` : "";
  const change = finite(next) ? ` The next step takes ‖w‖² from ${format(size)} to ${format(next)}: ${sum}.` : "";
  return [
    `${there} Loss with batch norm ${format(loss)}, ${fromOptimum(w, optimum)}.${effective}${ended}`,
    `Gradient ${pair(gradient)}${upright}.${change}`,
    beside,
  ];
}

// --- The picture --------------------------------------------------------------------------------

const GAP = 20;
const HEADING = 24;
const SMALL = 118; // height of a small plot
const FAR = 1e4; // pixels: beyond this nothing is drawn

function layout(width) {
  const wide = width >= 600;
  const w = wide ? (width - GAP) / 2 : width;
  const h = Math.min(w, 340);
  const panel = (left, top) => ({ left, top: top + HEADING, width: w, height: h });
  const below = wide ? HEADING + h : 2 * (HEADING + h) + 8;
  const across = wide ? 3 : 1;
  const room = (width - GAP * (across - 1)) / across;
  const plots = [0, 1, 2].map((k) => {
    const [left, top] = [(k % across) * (room + GAP), below + 34 + Math.floor(k / across) * (SMALL + 54)];
    return { left: left + 44, right: left + room - 14, top, bottom: top + SMALL };
  });
  return {
    plots,
    normal: panel(0, 0),
    plain: wide ? panel(w + GAP, 0) : panel(0, HEADING + h + 8),
    height: plots.at(-1).bottom + 24,
  };
}

const TITLES = { normal: "With batch norm: rays", bent: "With batch norm; ε > 0 bends the rays", plain: "Without: ellipses" };
const NAMES = ["‖w‖", "effective rate η/‖w‖²", "angle to the optimum, °"];

/** From weights to pixels, none of them far outside the panel. */
function pixels(unit, mx, my) {
  const bound = (v, m) => clamp(v, m - FAR, m + FAR).toFixed(1);
  return ([a, b]) => [bound(mx + a * unit, mx), bound(my - b * unit, my)];
}

const lineOf = (pixel) => (points) => `M${points.map(pixel).join("L")}`;

/** The contours as paths, kept as long as they and the panel stay. */
const drawnContours = () =>
  remember((list, unit, mx, my) => {
    const line = lineOf(pixels(unit, mx, my));
    return list.map(({ low, lines }) => [0.75 * low, lines.map(line).join("")]);
  });

function mount(el, hand) {
  const picture = drawing("Two weights: the loss with batch norm and without, and a descent on each");
  const told = [{ "aria-live": "polite" }, {}, {}].map((more) => html("p", { class: "readout", ...more }));
  const go = (to) => () => {
    const { step, steps } = hand.get();
    hand.set({ step: clamp(to(step), 0, steps) });
  };
  const button = (text, to) => html("button", { type: "button", click: go(to) }, text);
  el.append(
    picture.root,
    html(
      ...["div", { class: "bar" }, legend("data", "w and its path"), legend("gradient", "gradient")],
      ...[legend("cut", "the next step"), legend("variance", "wᵀSw as it is"), legend("ink", "‖w‖ as it is")],
    ),
    html("div", { class: "bar" }, button("Back", (k) => k - 1), button("Step", (k) => k + 1), button("To the start", () => 0)),
    ...told,
  );
  let shown; // what was drawn last, and where
  let held = null; // the reach of each panel during a drag, so that the ground stays under the hand

  const contours = { normal: drawnContours(), plain: drawnContours() };
  const MOST = 1e6;
  /** To six decimals, so that steps of 0.1 meet 0. */
  const setW = (w) => hand.set({ w: w.map((v) => clamp(Math.round(v * 1e6) / 1e6, -MOST, MOST)), step: 0 });

  function knob(kind, [x, y]) {
    const isNew = !picture.has(`${kind} w`);
    const { w } = shown;
    const node = picture.put(`${kind} w`, "g", {
      ...{ transform: `translate(${x} ${y})`, "data-x": x, "data-y": y, "aria-label": "w at the start" },
      ...{ "aria-valuemin": -180, "aria-valuemax": 180, "aria-valuetext": `w = ${pair(w)}. ${shown.words[1]}` },
      "aria-valuenow": Math.round((Math.atan2(w[1], w[0]) * 180) / Math.PI),
    });
    node.append(picture.put(`${kind} w target`, "circle", { class: "target", r: 15 }));
    node.append(picture.put(`${kind} w disc`, "circle", { class: shown.step ? "data hollow" : "data", r: 7 }));
    if (!isNew) return;
    movable(node, {
      move(px, py) {
        held ??= { normal: shown.reach.normal, plain: shown.reach.plain };
        const { place, unit, middle } = shown.views[kind];
        const u = clamp(px, place.left + 8, place.left + place.width - 8) - middle[0];
        const v = middle[1] - clamp(py, place.top + 8, place.top + place.height - 8);
        setW(Math.hypot(u, v) < 5 ? [0, 0] : [u / unit, v / unit]);
      },
      nudge: (...by) => setW(hand.get().w.map((v, i) => v + 0.1 * by[i])),
      done() {
        held = null;
        draw(shown, shown.width);
      },
    });
  }

  function panel(kind, place, reach) {
    const { optimum, now, all, step, rate, decay } = shown;
    const { w, gradient, defined } = now[kind];
    const normal = kind === "normal";
    const middle = [place.left + place.width / 2, place.top + place.height / 2];
    const unit = place.height / 2 / reach;
    const pixel = pixels(unit, ...middle);
    const line = lineOf(pixel);
    shown.views[kind] = { place, unit, middle };

    picture.layer("ground");
    picture.put(`${kind} title`, "text", { class: "small title", x: place.left, y: place.top - 9 }, TITLES[normal && shown.eps ? "bent" : kind]);
    // A drawing in the drawing clips what leaves the panel
    const box = { x: place.left, y: place.top, width: place.width, height: place.height };
    const clip = picture.put(`${kind} clip`, "svg", { ...box, viewBox: Object.values(box).join(" ") });
    const put = (name, ...rest) => {
      const node = picture.put(`${kind} ${name}`, ...rest);
      clip.append(node); // in the order of this frame
      return node;
    };
    put("frame", "rect", { class: "grid", ...box });
    const list = normal ? rays(shown.graphs, shown.data, shown.eps, reach) : ovals(shown.forms.loss, optimum);
    contours[kind](list, unit, ...middle).forEach(([opacity, d], k) => {
      put(`contour ${k}`, "path", { class: "contour", "stroke-opacity": opacity, d });
    });
    for (const k of [0, 1]) {
      const end = [reach * 3 * (1 - k), reach * 3 * k];
      put(`axis ${k}`, "path", { class: "grid", d: line([end.map((v) => -v), end]) });
      const [x, y] = [place.left + (k ? place.width / 2 + 8 : place.width - 8), place.top + (k ? 16 : place.height / 2 - 6)];
      put(`axis name ${k}`, "text", { class: k ? "small halo" : "small end halo", x, y }, k ? "w₂" : "w₁");
    }
    const best = optimum.map((v) => (v * 8 * reach) / Math.hypot(...optimum));
    if (normal) put("best ray", "path", { class: "axis dashed", d: line([[0, 0], best]) });
    const [ox, oy] = pixel(optimum).map(Number);
    put("optimum", "path", { class: "axis strong", d: `M${ox - 5} ${oy - 5}l10 10m0 -10l-10 10` });
    put("optimum name", "text", { class: "small halo", x: ox + 9, y: oy + 14 }, "optimum");

    const length = Math.hypot(...w);
    if (normal && length) {
      const points = oval(shown.forms.variance, [0, 0], shown.varianceOf(w));
      put("ellipse", "path", { class: "variance hollow line", d: line(points) });
      put("circle", "path", { class: "axis round", d: `${line(FULL.map((angle) => towards(angle).map((v) => v * length)))}Z` });
    }
    const walked = all[kind].slice(0, step + 1).map((point) => point.w);
    if (walked.length > 1) {
      put("path", "path", { class: "data hollow line", d: line(walked) });
      const dots = walked.map((p) => `M${pixel(p).join(" ")}h0`).join("");
      put("dots", "path", { class: "data hollow dots", d: dots });
    }
    const from = pixel(w).map(Number);
    put("vector", "path", { class: "data hollow", d: arrow(...pixel([0, 0]).map(Number), ...from, 9) });
    if (defined) {
      const tip = (v, k) => pixel(w.map((a, i) => a + k * v[i])).map(Number);
      const next = tip(gradient.map((g, i) => g + decay * w[i]), -rate);
      put("step", "path", { class: "cut step", d: `M${from}L${next}` });
      put("next", "circle", { class: "cut landing", cx: next[0], cy: next[1], r: 5 });
      put("gradient", "path", { class: "gradient arrow", d: arrow(...from, ...tip(gradient, 1), 10) });
    }
    put("now", "circle", { class: "data", cx: from[0], cy: from[1], r: 5 });
    if (normal && !defined) {
      const middleOf = { x: middle[0], y: place.top + place.height - 14 };
      put("undefined", "text", { class: "small middle halo", ...middleOf }, "not defined here: see below");
    }
    picture.layer("things");
    const start = pixel(shown.w).map(Number);
    const inside = [clamp(start[0], place.left, place.left + place.width), clamp(start[1], place.top, place.top + place.height)];
    knob(kind, inside);
  }

  /** A small plot of one number a step: `lists` by kind; the scrubber stands in each. */
  function plot(k, { left, right, top, bottom }) {
    const { steps, step, all, optimum, rate } = shown;
    const of = [
      ({ w }) => Math.hypot(...w),
      ({ w }) => rate / square(w),
      ({ w }) => angleTo(w, optimum),
    ][k];
    const log = k === 1;
    const lists = {
      cut: k === 1 ? all.plain.map(() => rate) : all.plain.map(of),
      data: all.normal.map(of),
    };
    const usable = (v) => finite(v) && (!log || v > 0);
    const seen = [...lists.data, lists.cut[0]].filter(usable).map((v) => (log ? Math.log10(v) : v));
    let domain = k === 2 ? [0, 180] : niceDomain([...seen, 1]);
    if (log) domain = seen.length ? [Math.floor(Math.min(...seen)), Math.floor(Math.max(...seen)) + 1] : [0, 1];
    const x = linear([0, steps], [left, right]);
    const scale = linear(domain, [bottom, top]);
    const y = (v) => scale(log ? Math.log10(v) : v);
    picture.layer("ground");
    picture.put(`plot ${k} title`, "text", { class: "small title", x: left - 44, y: top - 10 }, NAMES[k]);
    const marks = k === 2 ? [0, 90, 180] : ticks(...domain, 3).filter((t) => !log || Number.isInteger(t));
    marks.forEach((t, i) => {
      picture.put(`plot ${k} line ${i}`, "path", { class: "grid", d: `M${left} ${scale(t)}H${right}` });
      const label = log ? (Math.abs(t) > 3 ? `10${raised(t)}` : short(10 ** t)) : short(t);
      picture.put(`plot ${k} mark ${i}`, "text", { class: "small end", x: left - 6, y: scale(t) + 4 }, label);
    });
    for (const [i, t] of ticks(0, steps, 4).entries()) {
      picture.put(`plot ${k} step ${i}`, "text", { class: "small middle", x: x(t), y: bottom + 16 }, short(t));
    }
    picture.put(`plot ${k} axis`, "path", { class: "axis", d: `M${left} ${bottom}H${right}` });
    picture.layer("arrows");
    for (const [look, list] of Object.entries(lists)) {
      const end = list.findIndex((v) => !usable(v) || (log ? Math.log10(v) : v) > domain[1]);
      const drawn = end < 0 ? list : list.slice(0, end);
      const d = drawn.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join("");
      picture.put(`plot ${k} ${look}`, "path", { class: `${look} hollow line`, d });
      const now = drawn[step];
      if (now !== undefined) picture.put(`plot ${k} ${look} dot`, "circle", { class: look, cx: x(step), cy: y(now), r: 4 });
    }
    picture.layer("things");
    scrubber(k, { x, top, bottom });
  }

  function scrubber(k, { x, top, bottom }) {
    const { step, steps } = shown;
    const isNew = !picture.has(`scrub ${k}`);
    const at = x(clamp(step, 0, steps));
    const node = picture.put(`scrub ${k}`, "g", {
      ...{ transform: `translate(${at} 0)`, "data-x": at, "data-y": 0, "aria-label": "step" },
      ...{ "aria-valuemin": 0, "aria-valuemax": steps, "aria-valuenow": step, "aria-valuetext": shown.words[0] },
    });
    node.append(picture.put(`scrub ${k} target`, "rect", { class: "target", x: -13, y: top, width: 26, height: bottom - top }));
    node.append(picture.put(`scrub ${k} line`, "path", { class: "axis", d: `M0 ${top}V${bottom}` }));
    shown.scrub[k] = x;
    if (!isNew) return;
    movable(node, {
      move: (px) => go(() => Math.round(shown.scrub[k].invert(px)))(),
      nudge: (right, up) => go((now) => now + right + up)(),
    });
    node.style.touchAction = "pan-y"; // a finger that moves up or down scrolls the page
    if (k) node.setAttribute("tabindex", -1); // one of the three is enough for the keyboard
  }

  function draw(state, width) {
    const { data, all, now } = analyse(state);
    shown = { ...state, data, all, now, width, views: {}, scrub: [] };
    shown.forms = forms(state.graphs, data, state.optimum);
    shown.varianceOf = (w) => atEach(state.graphs.variance, data, [w])[0];
    shown.words = words(shown);
    const reachOf = (kind, most) => {
      const far = all[kind].slice(0, state.step + 1).flatMap(({ w }) => w);
      return domainOf([0, ...far, ...state.w].map((v) => Math.min(Math.abs(v), most)), 2.4)[1];
    };
    const far = Math.max(...state.w.map(Math.abs));
    shown.reach = held ?? { normal: reachOf("normal", 1e9), plain: reachOf("plain", Math.max(9, far)) };
    const place = layout(width);
    picture.size(width, place.height);
    for (const layer of ["ground", "arrows", "things"]) picture.layer(layer);
    for (const kind of Object.keys(KINDS)) panel(kind, place[kind], shown.reach[kind]);
    place.plots.forEach((where, k) => plot(k, where));
    picture.sweep();
    shown.words.forEach((text, i) => {
      tell(told[i], text);
    });
  }
  return draw;
}

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
/** An exponent: raised(−5) is "⁻⁵". */
const raised = (n) => String(n).replace("-", "⁻").replace(/\d/g, (d) => RAISED[d]);

export default makeFigure({ compute, mount });
