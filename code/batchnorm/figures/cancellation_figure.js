import { clamp, format, linear } from "./scale.js";
import { drawing, html, movable, tell } from "./svg.js";
import { makeFigure } from "./figure.js";

// --- Variances in float32, rounded after each operation; no DOM ---------------------------------

const f = Math.fround;

function onePass(x) {
  let [total, squares] = [0, 0];
  for (const v of x) {
    total = f(total + v);
    squares = f(squares + f(v * v));
  }
  const mean = f(total / x.length);
  return f(f(squares / x.length) - f(mean * mean));
}

function twoPass(x) {
  const mean = f(x.reduce((total, v) => f(total + v), 0) / x.length);
  return f(x.reduce((squares, v) => f(squares + f(f(v - mean) * f(v - mean))), 0) / x.length);
}

function welford(x) {
  let [count, mean, m2] = [0, 0, 0];
  for (const v of x) {
    count += 1;
    const d = f(v - mean);
    mean = f(mean + f(d / count));
    m2 = f(m2 + f(d * f(v - mean)));
  }
  return { count, mean, m2 };
}

function merge(a, b) {
  const n = a.count + b.count;
  const d = f(b.mean - a.mean);
  const mean = f(a.mean + f(d * f(b.count / n)));
  const m2 = f(f(a.m2 + b.m2) + f(f(d * d) * f(f(a.count * b.count) / n)));
  return { count: n, mean, m2 };
}

const varianceOf = ({ count, m2 }) => f(m2 / count);

function merged(x, parts = Math.min(4, x.length)) {
  const end = (k) => Math.floor((x.length * k) / parts);
  const each = Array.from({ length: parts }, (_, k) => welford(x.slice(end(k), end(k + 1))));
  return varianceOf(each.reduce(merge));
}

const METHODS = { "one pass": onePass, "two passes": twoPass, Welford: (x) => varianceOf(welford(x)), merged };

/** What the float32 numbers have for a variance, in float64. */
function exactly(x) {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  return x.reduce((a, v) => a + (v - mean) ** 2, 0) / x.length;
}

function at({ noise, m }, offset) {
  const x = noise.slice(0, m).map((v) => f(offset + v));
  return { computed: Object.values(METHODS).map((method) => method(x)), exact: exactly(x) };
}

const compute = (state) => at(state, state.offset);

// --- The picture ---------------------------------------------------------------------------------

const POWERS = Array.from({ length: 65 }, (_, i) => i / 8); // of ten: the offsets of the curves
const FLOOR = -9; // no error is drawn as 10 to this power
const CEILING = 9;
const HEIGHT = 250;
const DASHES = ["", "9 3", "2 3", "9 3 2 3"];

/** Of an error its height: the power of ten of |got − exact| / exact. */
const height = (got, exact) => clamp(Math.log10(Math.abs(got - exact) / exact), FLOOR, CEILING);

let last = {}; // the curves move only with the number of samples

function curves(state) {
  if (last.noise !== state.noise || last.m !== state.m) {
    const points = POWERS.map((power) => at(state, 10 ** power));
    const paths = Object.keys(METHODS).map((_, k) => points.map(({ computed, exact }) => (exact ? height(computed[k], exact) : CEILING)));
    last = { noise: state.noise, m: state.m, paths };
  }
  return last.paths;
}

function mount(el, hand) {
  const picture = drawing("The relative error of the variance in float32, against the size of the mean");
  const list = html("ul", { class: "readout" });
  const head = html("p", { class: "readout" });
  el.append(picture.root, head, list);
  let x;

  return function draw(state, width) {
    const { offset, m } = state;
    const { computed, exact } = compute(state);
    const paths = curves(state);
    const [left, right, top, bottom] = [48, width - 12, 24, 24 + HEIGHT];
    x = linear([0, 8], [left, right]);
    const y = linear([FLOOR, CEILING], [bottom, top]);
    picture.size(width, bottom + 40);
    for (const layer of ["ground", "things", "curves"]) picture.layer(layer);
    picture.layer("ground");
    picture.put("title", "text", { class: "small title", x: 0, y: 12 }, "relative error of the variance");
    for (let power = FLOOR; power <= CEILING; power += 3) {
      picture.put(`grid ${power}`, "path", { class: "grid", d: `M${left} ${y(power)}H${right}` });
      picture.put(`y ${power}`, "text", { class: "small end", x: left - 6, y: y(power) + 4 }, power === FLOOR ? "0" : `1e${power}`.replace("-", "−"));
    }
    for (let power = 0; power <= 8; power += 2) {
      picture.put(`x ${power}`, "text", { class: "small middle", x: x(power), y: bottom + 17 }, `1e${power}`);
    }
    picture.put("axis", "path", { class: "axis", d: `M${left} ${bottom}H${right}` });
    picture.put("x name", "text", { class: "small end", x: right, y: bottom + 34 }, "offset: the size of the mean");

    const lines = Object.keys(METHODS).map((name, k) => {
      const wrong = exact ? Math.abs(computed[k] - exact) / exact : NaN;
      const error = exact ? `relative error ${wrong ? wrong.toExponential(1).replace("-", "−") : "0"}` : "the samples are all equal in float32";
      const odd = computed[k] < 0 ? ": negative, it has no root" : computed[k] === 0 && exact ? ": nothing is left" : "";
      return `${name}: ${format(computed[k])} (${error})${odd}`;
    });
    const told = `offset ${format(offset, 0)}; true variance ${format(exact)}; ${lines.join("; ")}`;
    picture.layer("things");
    const px = x(clamp(Math.log10(offset), 0, 8));
    const isNew = !picture.has("offset");
    const hold = picture.put("offset", "g", {
      ...{ transform: `translate(${px} 0)`, "data-x": px, "data-y": 0, "aria-label": "offset" },
      ...{ "aria-valuemin": 1, "aria-valuemax": 1e8, "aria-valuenow": offset, "aria-valuetext": told },
    });
    hold.append(picture.put("offset target", "rect", { class: "target", x: -12, y: top, width: 24, height: HEIGHT }));
    hold.append(picture.put("offset line", "path", { class: "axis", d: `M0 ${top}V${bottom}` }));
    if (isNew) {
      const to = (power) => hand.set({ offset: 10 ** clamp(power, 0, 8) });
      movable(hold, {
        level: true,
        move: (u) => to(x.invert(u)),
        nudge: (right_, up) => to(Math.log10(hand.get().offset) + 0.1 * (right_ + up)),
      });
    }
    picture.layer("curves");
    paths.forEach((path, k) => {
      const d = path.map((v, i) => `${i ? "L" : "M"}${x(POWERS[i])} ${y(v)}`).join("");
      picture.put(`curve ${k}`, "path", { class: "variance hollow line", d, "stroke-dasharray": DASHES[k] });
      if (exact) picture.put(`dot ${k}`, "circle", { class: "variance", cx: px, cy: y(height(computed[k], exact)), r: 4 });
    });
    picture.sweep();

    const words = `${m} samples, offset ${format(offset, 0)}; the true variance of these float32 numbers is ${format(exact)}.`;
    tell(head, words);
    list.replaceChildren(
      ...lines.map((line, k) => {
        const key = drawing("");
        key.root.setAttribute("aria-hidden", "true");
        key.size(30, 8);
        key.put("line", "path", { class: "variance hollow line", d: "M0 4H30", "stroke-dasharray": DASHES[k] });
        return html("li", {}, key.root, line);
      }),
    );
  };
}

export default makeFigure({ compute, mount });
