import { clamp, domainOf, format } from "./scale.js";
import { arrow, drawing, html, legend, movable, tell } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";
import { runWays } from "./moments.js";

// --- What the picture shows, from the figure's inputs; no DOM -----------------------------------

const inner = (a, b) => a.reduce((total, v, i) => total + v * b[i], 0);
const lengthOf = (a) => Math.sqrt(inner(a, a));
const shifted = (a, b, k = 1) => Array.from(a, (v, i) => v + k * b[i]);
const scaled = (a, k) => Array.from(a, (v) => v * k);

/** Right, up and out of the plane of mean zero as seen along 1, in samples: unit and orthogonal. */
const FRAME = [
  [0, -Math.SQRT1_2, Math.SQRT1_2],
  [2, -1, -1].map((v) => v / Math.sqrt(6)),
  [1, 1, 1].map((v) => v / Math.sqrt(3)),
];
/** Samples -> [right, up, out], and back. */
const intoFrame = (v) => FRAME.map((axis) => inner(axis, v));
const outOfFrame = (p) => [0, 1, 2].map((i) => FRAME.reduce((v, axis, k) => v + axis[i] * p[k], 0));

/** Equal samples, to within what rounding alone spreads them by. */
const allEqual = (x) => Math.max(...x) - Math.min(...x) <= 1e-13 * Math.max(...x.map(Math.abs));

/**
 * Everything drawn and said, in samples. Of dy, `through` is what is left of it: dx = gamma/s times
 * that; `alongOne` and `alongX` are what the mean and the variance take away.
 */
function analyse(state) {
  const { x, dy, gamma, eps, rate } = state;
  if (eps === 0 && allEqual(x)) return { defined: false };
  const graph = parsed(state.graph);
  const run = (at, scale) => runWays(graph, { x: at, gamma: scale, beta: 0, eps }, dy);
  const [unit, full] = [run(x, 1), run(x, gamma)];
  const s = unit.of("s")[0];
  const dx = Array.from(full.dx);
  const next = shifted(x, dx, -rate).map((v) => clamp(v, -1e6, 1e6));
  return {
    ...{ defined: true, s, dx, next, variance: unit.of("var")[0], xHat: Array.from(unit.of("x_hat")) },
    ...{ through: scaled(unit.dx, s), alongOne: scaled(unit.ways.mean, -s), alongX: scaled(unit.ways.variance, -s) },
    nextVariance: run(next, 1).of("var")[0],
  };
}

function compute(state) {
  const { defined, xHat, dx } = analyse(state);
  return defined ? { x_hat: xHat, dx } : { x_hat: [], dx: [] };
}

/**
 * A camera that looks down on the plane: `turn` degrees around the direction 1, which points to
 * the viewer at `tilt` 90 and up at `tilt` 0. Gives [right, up] for a point [right, up, out].
 */
function camera(turn, tilt) {
  const [c, s] = [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];
  const [flat, steep] = [Math.sin((tilt * Math.PI) / 180), Math.cos((tilt * Math.PI) / 180)];
  return ([a, b, h]) => [a * c - b * s, (a * s + b * c) * flat + h * steep];
}

/** The point on the way from a to b where it leaves the square [-reach, reach]², or b. */
function within(a, b, reach) {
  const part = a.map((v, i) => {
    const step = b[i] - v;
    return step ? Math.max(0, (Math.sign(step) * reach - v) / step) : 1;
  });
  const k = Math.min(1, ...part);
  return a.map((v, i) => v + k * (b[i] - v));
}

const GAP = 16;
const HEADING = 24;
const TILT = 24;
const HIGH = 0.62; // as far out of the plane as the side view shows, in half widths of the plane
const ROOT3 = Math.sqrt(3);

/** Where the two views stand: their centres, and half their width in pixels. */
function views(width) {
  const wide = width >= 600;
  const side = Math.min(wide ? (width - GAP) / 2 : width, 420);
  const middle = HEADING + side / 2;
  const other = wide ? [1.5 * side + GAP, middle] : [width / 2, middle + side + HEADING];
  return {
    height: wide ? HEADING + side : 2 * (HEADING + side),
    half: side / 2,
    top: wide ? [side / 2, middle] : [width / 2, middle],
    side: other,
  };
}

const list = (v) => `(${Array.from(v, (n) => format(n, 2)).join(", ")})`;

function words(shown) {
  const { x, dy, defined, variance, s, xHat, through, alongOne, alongX, dx, nextVariance } = shown;
  if (!defined) {
    const why = "The three samples are equal and ε is 0: the variance is 0, so x̂ and dx are not defined.";
    return [`x = ${list(x)}. ${why} Move the batch away from the centre, or raise ε.`, "", ""];
  }
  const [lost, whole] = [lengthOf(alongX), Math.abs(inner(dy, xHat)) / (lengthOf(xHat) || 1)];
  const along = whole - lost > 5e-4 * whole ? `, ${format(whole - lost)} stays` : "";
  const onCircle = lengthOf(xHat) > 0 ? `${format(lost)} of it along x̂ is taken away${along}` : "x̂ is 0 and takes nothing away";
  const change = nextVariance - variance;
  const moves = Math.abs(change) <= 1e-12 * variance ? "does not change" : change > 0 ? "grows" : "shrinks";
  return [
    `x = ${list(x)}, σ² = ${format(variance)}, s = ${format(s)}. x̂ = ${list(xHat)}, of length ${format(lengthOf(xHat))}.`,
    `dy = ${list(dy)}, of length ${format(lengthOf(dy))}: ${format(lengthOf(alongOne))} of it along 1 is taken away, ` +
      `${onCircle}. What goes through has length ${format(lengthOf(through))}; times γ/s it is ` +
      `dx = ${list(dx)}, of length ${format(lengthOf(dx))}.`,
    `${shown.trail.length ? `Steps taken: ${shown.trail.length / 3}. ` : ""}` +
      `In the next step σ² ${moves}: ${format(variance)} → ${format(nextVariance)}.`,
  ];
}

// --- The picture --------------------------------------------------------------------------------

function mount(el, hand) {
  const picture = drawing("Three samples as a point in space, and the gradient that flows back");
  const take = html("button", { type: "button" }, "Take a step");
  const reset = html("button", { type: "button" }, "Reset");
  const told = [{}, {}, { "aria-live": "polite" }].map((more) => html("p", { class: "readout", ...more }));
  el.append(
    picture.root,
    html(
      "div",
      { class: "bar" },
      legend("data", "the batch x, and x̂"),
      legend("gradient", "dy; what goes through; dx"),
      legend("mean", "along 1: the mean takes it"),
      legend("variance", "along x̂: the variance takes it"),
      legend("cut", "the next step, −rate·dx"),
    ),
    html("div", { class: "bar" }, take, reset),
    ...told,
  );

  let shown; // what was drawn last, and where
  let held = null; // half the drawn width during a drag, so that the ground stays under the hand

  take.addEventListener("click", () => {
    const state = hand.get();
    const { defined, next } = analyse(state);
    if (defined) hand.set({ trail: [...state.trail, ...state.x].slice(-180), x: next });
  });
  reset.addEventListener("click", () => {
    const [x, dy] = hand.get().start;
    hand.set({ trail: [], x, dy });
  });

  /** Moves the batch, or the tip of dy, to a point of the frame; what is not given stays. */
  function setX(to) {
    const p = intoFrame(hand.get().x).map((v, k) => to[k] ?? v);
    hand.set({ trail: [], x: outOfFrame(p) });
  }
  function setDy(to) {
    const p = intoFrame(hand.get().dy).map((v, k) => to[k] ?? v);
    hand.set({ dy: outOfFrame(p) });
  }

  function knob(name, [x, y], look, { label, value, most, text }, actions) {
    const isNew = !picture.has(name);
    const node = picture.put(name, "g", {
      ...{ transform: `translate(${x} ${y})`, "data-x": x, "data-y": y, "aria-label": label },
      ...{ "aria-valuemin": -most, "aria-valuemax": most, "aria-valuenow": value, "aria-valuetext": text },
    });
    node.append(picture.put(`${name} target`, "circle", { class: "target", r: 15 }));
    node.append(picture.put(`${name} disc`, "circle", { class: look, r: 7 }));
    if (!isNew) return;
    movable(node, {
      move(...at) {
        held ??= shown.reach;
        actions.move(...at);
      },
      nudge: actions.nudge,
      done() {
        held = null;
        draw(shown, shown.width);
      },
    });
  }

  /** One view: what both share, drawn through its camera around its centre. */
  function scene(view, see, [cx, cy], heading) {
    const { reach, half, defined, at, turn } = shown;
    const unit = half / reach;
    const pixel = ([u, v]) => [cx + u * unit, cy - v * unit];
    const place = (p) => pixel(see(p));
    const id = (name) => `${view} ${name}`;
    const line = (name, a, b, look, head = 0) => {
      const [from, to] = [pixel(see(a)), pixel(within(see(a), see(b), reach))];
      const d = head ? arrow(...from, ...to, head) : `M${from}L${to}`;
      picture.put(id(name), "path", { class: look, d });
    };
    const circle = (name, radius, look) => {
      const points = Array.from({ length: 72 }, (_, i) => {
        const angle = (i * Math.PI) / 36;
        return place([radius * Math.cos(angle), radius * Math.sin(angle), 0]).map((v) => v.toFixed(2));
      });
      picture.put(id(name), "path", { class: look, d: `M${points.join("L")}Z` });
    };
    const write = (name, p, text, [dx, dy] = [0, 0], look = "") => {
      const [x, y] = place(p);
      const edge = half - 10;
      const inside = { x: clamp(x + dx, cx - edge, cx + edge), y: clamp(y + dy, cy - edge, cy + edge + 4) };
      picture.put(id(name), "text", { class: `small middle halo ${look}`, ...inside }, text);
    };
    /** Where a name stands off a point: away from the centre of the view. */
    const off = (p, far = 17) => {
      const [u, v] = see(p);
      const length = Math.hypot(u, v) || 1;
      return [(u / length) * far, (-v / length) * far + 4];
    };

    picture.layer("ground");
    picture.put(id("heading"), "text", { class: "small title", x: cx - half, y: cy - half - 9 }, heading);
    if (view === "side") turner([cx, cy], half, turn);
    circle("plane", reach * 0.98, "plane");
    for (const i of [0, 1, 2]) {
      const p = [...intoFrame([0, 1, 2].map((j) => (j === i ? 1 : 0))).slice(0, 2), 0];
      const tip = scaled(p, (reach * 0.9) / lengthOf(p));
      line(`axis ${i}`, [0, 0, 0], tip, "grid");
      write(`axis name ${i}`, tip, `x${"₁₂₃"[i]}`, [0, 4], "faded");
    }
    if (view === "side") {
      line("one", [0, 0, -reach * HIGH], [0, 0, reach * HIGH], "mean part", 6);
      write("one name", [0, 0, reach * HIGH], "1", [11, 6]);
    }
    circle("orbit", lengthOf(at.centred), "cut hollow");
    circle("unit circle", ROOT3, "axis");
    if (defined && ROOT3 - lengthOf(at.xHat) > 0.01) circle("shrunk", lengthOf(at.xHat), "variance hollow dashed");
    line("ray", [0, 0, 0], at.centred, "variance part");
    if (view === "side") {
      line("drop", at.x, at.centred, "mean part dashed");
      const [x, y] = place(at.centred);
      picture.put(id("foot"), "circle", { class: "data hollow", cx: x, cy: y, r: 3.5 });
    }

    picture.layer("arrows");
    const path = at.trail.map((p) => place(p));
    if (path.length) {
      picture.put(id("trail"), "path", { class: "data hollow dashed", d: `M${[...path, place(at.x)].join("L")}` });
      path.forEach(([x, y], i) => picture.put(id(`trail ${i}`), "circle", { class: "data", cx: x, cy: y, r: 2.5 }));
    }
    if (defined) {
      const [p, q, r, tip] = at.chain;
      line("dy", p, tip, "gradient part dashed", 0);
      line("along x", q, r, "variance arrow", 9);
      line("along one", r, tip, "mean arrow", 9);
      line("through", p, q, "gradient arrow", 10);
      line("step", at.x, at.next, "cut part", 7);
      line("dx", at.x, at.dx, "gradient arrow", 10);
      const [x, y] = place(p);
      picture.put(id("x hat"), "circle", { class: "data", cx: x, cy: y, r: 4.5 });
      const [u, v] = pixel(within(see(at.x), see(at.dx), reach));
      const [fromX, fromY] = place(at.x);
      if (Math.hypot(u - fromX, v - fromY) > 12) {
        const long = Math.hypot(u - fromX, v - fromY);
        const [nx, ny] = [((u - fromX) / long) * 13, ((v - fromY) / long) * 13];
        const edge = half - 10;
        const spot = { x: clamp(u + nx, cx - edge, cx + edge), y: clamp(v + ny + 4, cy - edge, cy + edge) };
        picture.put(id("dx name"), "text", { class: "small middle halo", ...spot }, "dx");
      }
      write("x hat name", p, "x̂", off(p, -16));
      write("dy name", tip, "dy", off(tip, 20));
    }
    write("x name", at.x, view === "top" ? "R" : "x", off(at.centred, 20));

    picture.layer("things");
    shown[view] = { unit, cx, cy, place };
    knobs(view);
  }

  /** The ground of the side view, to turn it by. A finger that moves up or down scrolls the page. */
  function turner([cx, cy], half, turn) {
    const isNew = !picture.has("turn");
    const node = picture.put("turn", "g", {
      ...{ "data-x": turn * 2, "data-y": 0, "aria-label": "turn the view from the side" },
      ...{ "aria-valuemin": -180, "aria-valuemax": 180, "aria-valuenow": turn, "aria-valuetext": `${format(turn, 0)} degrees` },
    });
    const box = { x: cx - half + 2, y: cy - half + 2, width: 2 * half - 4, height: 2 * half - 4, rx: 6 };
    node.append(picture.put("turn target", "rect", { class: "target", ...box }));
    if (!isNew) return;
    const turnTo = (degrees) => hand.set({ turn: ((((degrees + 180) % 360) + 360) % 360) - 180 });
    movable(node, {
      move: (x) => turnTo(x / 2),
      nudge: (right, up) => turnTo(hand.get().turn + 5 * (right + up)),
      level: true,
    });
  }

  function knobs(view) {
    const { at, reach, x, dy, defined } = shown;
    const { place } = shown[view];
    const top = view === "top";
    const steep = Math.cos((TILT * Math.PI) / 180);
    // Called later, at a move: by then the picture may have another scale
    const bound = (v, share) => clamp(v, -share * shown.reach, share * shown.reach);
    const flat = (px, py) => {
      const { unit, cx, cy } = shown[view];
      return [bound((px - cx) / unit, 0.92), bound((cy - py) / unit, 0.92)];
    };
    const high = (py, from) => {
      const now = shown[view];
      return bound((now.place(from)[1] - py) / (now.unit * steep), HIGH);
    };
    knob(
      `${view} grip x`,
      place(at.x),
      "data",
      top
        ? { label: "the centred batch, R", value: lengthOf(at.centred), most: reach, text: `x = ${list(x)}` }
        : { label: "the batch along 1: its mean", value: at.x[2], most: reach, text: `mean ${format(shown.mean, 2)}, x = ${list(x)}` },
      top
        ? {
            move: (px, py) => setX(flat(px, py)),
            nudge(right, up) {
              const p = intoFrame(hand.get().x);
              setX([p[0] + 0.1 * right, p[1] + 0.1 * up]);
            },
          }
        : {
            move: (px, py) => setX([undefined, undefined, high(py, shown.at.centred)]),
            nudge: (right, up) => setX([undefined, undefined, intoFrame(hand.get().x)[2] + 0.1 * (right + up)]),
          },
    );
    if (!defined) return;
    const [p, , r, tip] = at.chain;
    knob(
      `${view} grip dy`,
      place(tip),
      "gradient hollow",
      top
        ? { label: "dy in the plane", value: lengthOf(r.map((v, k) => v - p[k])), most: reach, text: `dy = ${list(dy)}` }
        : { label: "dy along 1", value: tip[2], most: reach, text: `${format(tip[2], 2)} along 1, dy = ${list(dy)}` },
      top
        ? {
            move(px, py) {
              const [a, b] = flat(px, py);
              const [from] = shown.at.chain;
              setDy([a - from[0], b - from[1]]);
            },
            nudge(right, up) {
              const d = intoFrame(hand.get().dy);
              setDy([d[0] + 0.1 * right, d[1] + 0.1 * up]);
            },
          }
        : {
            move: (px, py) => setDy([undefined, undefined, high(py, shown.at.chain[2])]),
            nudge: (right, up) => setDy([undefined, undefined, intoFrame(hand.get().dy)[2] + 0.1 * (right + up)]),
          },
    );
  }

  function draw(state, width) {
    shown = { ...state, ...analyse(state), width };
    const { x, defined, xHat, through, alongOne, alongX, dx, next } = shown;
    const p = intoFrame(x);
    const at = { x: p, centred: [p[0], p[1], 0], trail: [], chain: [], xHat: [0, 0, 0] };
    if (defined) {
      // x̂ and, from there, dy piece by piece: what goes through, then what is taken away
      const pieces = [xHat, through, alongX, alongOne].map(intoFrame);
      let end = [0, 0, 0];
      for (const piece of pieces) at.chain.push((end = shifted(end, piece)));
      at.xHat = pieces[0];
      Object.assign(at, { dx: shifted(p, intoFrame(dx)), next: intoFrame(next) });
      for (let i = 0; i < state.trail.length; i += 3) at.trail.push(intoFrame(state.trail.slice(i, i + 3)));
    }
    const far = [at.x, ...at.chain, ...at.trail].map(([a, b]) => Math.hypot(a, b));
    const high = Math.abs(p[2]) / HIGH;
    far.push(Math.abs(at.chain.at(-1)?.[2] ?? 0) / HIGH);
    far.push(Math.min(high, 2 * Math.max(3, ...far)));
    shown.at = at;
    shown.mean = p[2] / ROOT3;
    shown.reach = held ?? domainOf(far, 3)[1];
    const { height, half, top, side } = views(width);
    shown.half = half;
    // A mean far away would shrink all else: its point stays at the edge, and the words tell it
    const most = shown.reach * HIGH;
    at.x = [p[0], p[1], clamp(p[2], -most, most)];
    if (defined) {
      at.dx[2] = at.next[2] = at.x[2];
      at.trail.forEach((q) => (q[2] = clamp(q[2], -most, most)));
    }
    picture.size(width, height);
    for (const layer of ["ground", "arrows", "things"]) picture.layer(layer);
    scene("top", camera(0, 90), top, "Seen along 1: the plane of mean zero");
    scene("side", camera(state.turn, TILT), side, "Seen from the side: drag to turn");
    picture.sweep();
    words(shown).forEach((text, i) => {
      tell(told[i], text);
    });
  }
  return draw;
}

export default makeFigure({ compute, mount });
