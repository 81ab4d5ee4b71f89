import { edgeKey, forward, tensor } from "./interpreter.js";
import { runWays } from "./moments.js";
import { clamp, domainOf, format, linear, short, subscript, ticks } from "./scale.js";
import { arrow, drawing, html, legend, movable, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";

// --- What the picture shows, from the figure's inputs; no DOM -----------------------------------

const PARTS = { direct: "direct", mean: "through the mean", variance: "through the variance" };

const MOMENTS = { mean: "mu", variance: "var" };

const inputsAt = (state, x) => Object.fromEntries(
  parsed(state.graph).nodes.flatMap(({ op, name }) => (op === "input" ? [[name, name === "x" ? x : state[name]]] : [])),
);

/** The outputs for the inputs x. */
function outputs(state, x) {
  const graph = parsed(state.graph);
  const tensors = Object.entries(inputsAt(state, x)).map(([name, v]) => [name, tensor(v)]);
  return Array.from(forward(graph, Object.fromEntries(tensors))[graph.outputs[0]].data);
}

/** `y`, `dx` and its parts, one for each way that the graph has; and where a step would lead. */
function analyse(state) {
  const graph = parsed(state.graph);
  const has = (name) => graph.nodes.some((node) => node.name === name);
  const always = state.cut.map(([target, slot]) => edgeKey(target, slot));
  const { of, ways, without } = runWays(graph, inputsAt(state, state.x), state.dy, always);
  const flows = { direct: true, mean: state.flow_through_mean, variance: state.flow_through_variance };
  const here = Object.keys(ways).filter((way) => way === "direct" || has(MOMENTS[way]));
  const parts = Object.fromEntries(here.map((way) => [way, Array.from(ways[way])]));
  const dx = Array.from(without(...here.filter((way) => !flows[way]).map((way) => MOMENTS[way])));
  const y = outputs(state, state.x);
  const [mu, s, xHat] = ["mu", "s", "x_hat"].map((name) => (has(name) ? Array.from(of(name)) : undefined));
  const defined = [y, dx, ...Object.values(parts)].flat().every(Number.isFinite);
  const stepped = state.x.map((v, i) => clamp(v - state.rate * dx[i], -1e9, 1e9));
  const withOutputs = (x) => ({ x, y: outputs(state, x) });
  const next = defined ? withOutputs(stepped) : null;
  const previous = state.before.length ? withOutputs(state.before) : null;
  return { defined, y, dx, parts, flows, previous, next, mu: mu?.[0], s: s?.[0], xHat };
}

function compute(state) {
  const { defined, y, dx } = analyse(state);
  return defined ? { y, dx } : { y: [], dx: [] };
}

const LANE = 56; // pixels for each sample
const HEAD = 32; // above the lanes: title, the mean's value
const FOOT = 24; // below them: the axis
const PAD = 26;
const WIDE = 600; // from this width on the panels stand side by side
const REACH = 3; // the largest upstream gradient one can drag to

/** Where the panels stand, and where in them each sample's lane is. */
function layout(width, m) {
  const wide = width >= WIDE;
  const w = wide ? (width - 28) / 2 : width;
  const h = HEAD + m * LANE + FOOT;
  const panel = (left, top) => ({
    ...{ left, right: left + w, top: top + HEAD, axis: top + HEAD + m * LANE },
    lane: (i) => top + HEAD + (i + 0.45) * LANE,
    scale: (domain) => linear(domain, [left + PAD, left + w - PAD]),
  });
  return {
    height: wide ? h : 2 * h + 12,
    input: panel(0, 0),
    output: wide ? panel(w + 28, 0) : panel(0, h + 12),
    unit: (w - 2 * PAD) / 6, // a gradient of 1 is drawn as a sixth of the panel
  };
}

const largestChange = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));
const sum = (values) => values.reduce((a, b) => a + b, 0);

function words({ x, y, dx, s, xHat, previous, next, defined, steps }) {
  if (!defined) {
    return {
      sums: "The samples are equal and ε is 0, so the variance is 0 and the outputs are not defined. Move a sample, or raise ε.",
      step: "",
    };
  }
  const normal = xHat ? `, Σ dx·x̂ = ${format(sum(dx.map((v, i) => v * xHat[i])))}, s = ${format(s)}` : "";
  return {
    sums: `Σ dx = ${format(sum(dx))}${normal}`,
    step: previous
      ? `Step ${steps} moved the inputs by up to ${format(largestChange(x, previous.x))}, ` +
        `the outputs by up to ${format(largestChange(y, previous.y))}.`
      : `A step (to the small rings) would move the inputs by up to ${format(largestChange(x, next.x))}, ` +
        `the outputs by up to ${format(largestChange(y, next.y))}.`,
  };
}

// --- The picture --------------------------------------------------------------------------------

function mount(el, hand) {
  const picture = drawing("A batch of samples, its outputs, and the gradients that flow back");
  const keys = html("div", { class: "bar" });
  const take = html("button", { type: "button" }, "Take a step");
  const reset = html("button", { type: "button" }, "Reset");
  const sums = html("p", { class: "readout" });
  const step = html("p", { class: "readout", "aria-live": "polite" });
  el.append(picture.root, keys, html("div", { class: "bar" }, take, reset), step, sums);

  let shown; // what was drawn last, and where
  let held = null; // the domains during a drag, so that the ground does not move under the hand

  take.addEventListener("click", () => {
    const state = hand.get();
    const { next } = analyse(state);
    if (next) hand.set({ before: state.x, steps: state.steps + 1, x: next.x });
  });
  reset.addEventListener("click", () => {
    const [x, dy] = hand.get().start;
    hand.set({ before: [], steps: 0, x, dy });
  });
  const moved = (list, i, v) => list.map((old, j) => (j === i ? v : old));
  const setX = (i, v) => hand.set({ before: [], steps: 0, x: moved(hand.get().x, i, clamp(v, ...shown.domain)) });
  const setDy = (i, v) => hand.set({ dy: moved(hand.get().dy, i, clamp(v, -REACH, REACH)) });

  /** Something to move along a lane, on a disc large enough for a finger. */
  function knob(key, { x, y, range, value, label, text, look, r }, actions) {
    const isNew = !picture.has(key);
    const node = picture.put(key, "g", {
      ...{ transform: `translate(${x} ${y})`, "data-x": x, "data-y": y, "aria-label": label },
      ...{ "aria-valuemin": range[0], "aria-valuemax": range[1], "aria-valuenow": value, "aria-valuetext": text },
    });
    node.append(picture.put(`${key} target`, "circle", { class: "target", r: 14 }));
    node.append(picture.put(`${key} disc`, "circle", { class: look, r }));
    if (!isNew) return;
    movable(node, {
      move: (at) => {
        held ??= { domain: shown.domain, range: shown.range };
        actions.move(at);
      },
      nudge: (right, up) => actions.nudge(0.1 * (right + up)),
      done: () => {
        held = null;
        draw(shown, shown.width);
      },
    });
  }

  function ground(key, { left, right, top, axis }, domain, scale, title) {
    picture.put(`${key} title`, "text", { class: "small title", x: left, y: top - 20 }, title);
    for (const [i, t] of ticks(...domain, (right - left) / 70).entries()) {
      picture.put(`${key} tick ${i}`, "path", { class: "grid", d: `M${scale(t)} ${top}V${axis + 4}` });
      picture.put(`${key} number ${i}`, "text", { class: "small middle", x: scale(t), y: axis + 17 }, short(t));
    }
    picture.put(`${key} axis`, "path", { class: "axis", d: `M${left} ${axis}H${right}` });
  }

  /** A level arrow, kept inside its panel. */
  function level(key, from, to, y, { left, right }, look, head) {
    const [a, b] = [clamp(from, left, right), clamp(to, left, right)];
    picture.put(key, "path", { class: look, d: arrow(a, y, b, y, head) });
  }

  function ghost(key, from, to, y) {
    picture.put(`${key} trail`, "path", { class: "cut hollow", d: `M${from} ${y}H${to}` });
    picture.put(`${key} ghost`, "circle", { class: "cut hollow", cx: from, cy: y, r: 6 });
  }

  /** Where a step would take it. */
  const target = (key, x, y) => picture.put(key, "circle", { class: "data hollow", cx: x, cy: y, r: 4 });

  function moments({ left, right, top, axis }, { mu, s, domain }, scale) {
    const inside = (v) => scale(clamp(v, ...domain));
    if (s !== undefined) {
      const [a, b] = [inside(mu - s), inside(mu + s)];
      picture.put("band", "rect", { class: "band", x: a, width: b - a, y: top, height: axis - top });
    }
    picture.put("mean", "path", { class: "mean line", d: `M${inside(mu)} ${top}V${axis}` });
    const x = clamp(inside(mu), left + 36, right - 36);
    picture.put("mean name", "text", { class: "small middle", x, y: top - 4 }, `μ = ${format(mu, 2)}`);
  }

  function sample(i, place) {
    const { x, dx, parts, flows, previous, next, defined, domain, sx } = shown;
    const { left, right } = place.input;
    const [at, y] = [sx(clamp(x[i], ...domain)), place.input.lane(i)];
    const [name, gradient] = [subscript("x", i), `∂L/∂${subscript("x", i)}`];
    picture.layer("arrows");
    picture.put(`x name ${i}`, "text", { class: "small", x: left, y: y - 13 }, `${name} = ${format(x[i], 2)}`);
    if (previous) ghost(`x ${i}`, sx(clamp(previous.x[i], ...domain)), at, y);
    if (next) target(`x ${i} next`, sx(clamp(next.x[i], ...domain)), y);
    let text = `${name} = ${format(x[i], 2)}; outputs not defined`;
    if (defined) {
      picture.put(`dx name ${i}`, "text", { class: "small end", x: right, y: y - 13 }, `${gradient} = ${format(dx[i])}`);
      level(`dx ${i}`, at, at + dx[i] * place.unit, y, place.input, "gradient arrow", 10);
      let [tip, row] = [at, y + 10];
      for (const [part, values] of Object.entries(parts)) {
        const end = tip + values[i] * place.unit;
        level(`${part} ${i}`, tip, end, row, place.input, flows[part] ? `${part} part` : "cut part", 6);
        if (flows[part]) tip = end;
        row += 7;
      }
      const told = Object.entries(parts).map(
        ([part, values]) => `${PARTS[part]} ${format(values[i])}${flows[part] ? "" : ", cut"}`,
      );
      text = `${name} = ${format(x[i], 2)}; gradient ${format(dx[i])}: ${told.join("; ")}`;
    }
    picture.layer("things");
    const look = { label: `sample ${name}`, look: "data", r: 7 };
    knob(`x ${i}`, { x: at, y, range: domain, value: x[i], text, ...look }, {
      move: (to) => setX(i, shown.sx.invert(to)),
      nudge: (by) => setX(i, hand.get().x[i] + by),
    });
  }

  function output(i, place) {
    const { y, dy, previous, next, range, sy } = shown;
    const { left, right } = place.output;
    const [at, lane] = [sy(clamp(y[i], ...range)), place.output.lane(i)];
    const [name, gradient] = [subscript("y", i), `∂L/∂${subscript("y", i)}`];
    picture.layer("arrows");
    picture.put(`y name ${i}`, "text", { class: "small", x: left, y: lane - 13 }, `${name} = ${format(y[i], 2)}`);
    picture.put(`dy name ${i}`, "text", { class: "small end", x: right, y: lane - 13 }, `${gradient} = ${format(dy[i], 2)}`);
    if (previous) ghost(`y ${i}`, sy(clamp(previous.y[i], ...range)), at, lane);
    if (next.y.every(Number.isFinite)) target(`y ${i} next`, sy(clamp(next.y[i], ...range)), lane);
    level(`dy ${i} arrow`, at, at + dy[i] * place.unit, lane, place.output, "gradient arrow", 10);
    picture.layer("things");
    picture.put(`y ${i}`, "circle", { class: "data", cx: at, cy: lane, r: 7 });
    const x = clamp(at + dy[i] * place.unit, left + 8, right - 8);
    const look = { label: `gradient ${gradient}`, look: "gradient hollow", r: 6 };
    knob(`dy ${i}`, { x, y: lane, range: [-REACH, REACH], value: dy[i], text: format(dy[i], 2), ...look }, {
      move: (to) => setDy(i, (to - shown.sy(shown.y[i])) / shown.unit),
      nudge: (by) => setDy(i, hand.get().dy[i] + by),
    });
  }

  function draw(state, width) {
    shown = { ...state, ...analyse(state), width };
    const { x, y, previous, defined, parts, flows, mu } = shown;
    const place = layout(width, x.length);
    const domain = held?.domain ?? domainOf([...x, ...(previous?.x ?? [])]);
    const range = held?.range ?? domainOf(defined ? [...y, ...(previous?.y ?? [])] : []);
    const [sx, sy] = [place.input.scale(domain), place.output.scale(range)];
    Object.assign(shown, { domain, range, sx, sy, unit: place.unit });

    picture.size(width, place.height);
    // Later layers lie on top: arrows over the samples they start from
    for (const layer of ["ground", "things", "arrows"]) picture.layer(layer);
    picture.layer("ground");
    ground("x", place.input, domain, sx, "Inputs, and the gradient that reaches them");
    ground("y", place.output, range, sy, "Outputs, and the gradient that arrives");
    if (mu !== undefined) moments(place.input, shown, sx);
    x.forEach((_, i) => sample(i, place));
    if (defined) x.forEach((_, i) => output(i, place));
    picture.sweep();

    keys.replaceChildren(
      legend("gradient", "the whole gradient"),
      ...Object.keys(parts).map((part) => legend(part, PARTS[part], flows[part])),
    );
    const told = words(shown);
    tell(sums, told.sums);
    tell(step, told.step);
  }
  return draw;
}

export default makeFigure({ compute, mount });
