import { analyse, outputs, TERMS } from "./model.js";
import { colours, layout, spectrum, sum, terms } from "./view.js";
import { arrow } from "../kit/arrow.js";
import { axis } from "../kit/axis.js";
import { makeFigure } from "../kit/figure.js";
import { handle, placeIn } from "../kit/handle.js";
import { stage } from "../kit/panel.js";
import { clamp, domainOf, format, linear, short, snap, subscript, tidy } from "../kit/scale.js";

/**
 * @import { Shown } from "./view.js"
 * @import { Mount, Term } from "./model.js"
 */

const FAR = 1e9; // no sample is drawn beyond
const REACH = 10; // the outlier can be dragged so far
const NOTHING = 1e-3; // of 1/s: a singular value below is none

/** What one sample does to one output. @param {Shown} shown */
function acts({ defined, x, s, jacobian, k, i }) {
  if (!defined) return "The samples";
  const v = jacobian[k][i];
  const from = `${subscript("x", i)} = ${format(x[i], 2)}`;
  const to = subscript("x̂", k);
  const who = k === i ? "its own output" : to;
  if (Math.abs(v) < 1e-13 / s) return `${from} leaves ${who} where it is`;
  return v > 0 ? `${from} pulls ${who} along` : `${from} pushes ${who} the other way`;
}

/** What the paths that are switched on leave of the singular values. @param {Shown} shown */
function verdictOf({ defined, m, s, identity, mean, variance, singular, stretch }) {
  if (!defined && s === 0) {
    const why = "The samples are equal and ε is 0: x̂ and its Jacobian are not defined.";
    return `${why} Move the outlier, or raise ε.`;
  }
  if (!defined) return "These numbers are too far apart to compute with. Move the outlier.";
  if (!identity && !mean && !variance) return "All paths are switched off: nothing gets through.";
  const left = singular.filter((v) => v * s >= NOTHING).length;
  const kept = `${left} of ${m} singular values are left`;
  if (!identity) return `Without the direct path ${kept}: what the moments take away.`;
  const share = stretch.xHat.sum * s;
  const takes = [];
  if (mean) takes.push("the mean takes that of 1");
  if (variance && Number.isNaN(share)) takes.push("x̂ is 0, so the variance takes none");
  else if (variance && share < NOTHING) takes.push("the variance takes that of x̂");
  else if (variance) takes.push(`the variance shrinks that of x̂ to ${format(share)}/s`);
  if (takes.length) return `${kept}: ${takes.join(", ")}.`;
  return "With the direct path alone, no sample acts on another: every singular value is 1/s.";
}

/** The numbers: each column a term, the last one their sum. @param {Shown} shown */
function numbersOf(shown) {
  const { defined, m, s, k, i, jacobian, stretch } = shown;
  if (!defined) return { rows: [], head: [] };
  const written = (/** @type {number} */ v) =>
    Number.isNaN(v) ? "–" : format(v, 3, 1 / s).replace(/^−(0(\.0+)?)$/, "$1");
  /** @param {string} name @param {(term: Term) => number} of @param {number} all */
  const row = (name, of, all) => [
    name,
    ...TERMS.map((term) => (shown[term] ? written(of(term)) : "off")),
    written(all),
  ];
  const entry = `∂${subscript("x̂", k)}/∂${subscript("x", i)}`;
  const rows = [
    row(entry, (term) => shown.terms[term][k][i], jacobian[k][i]),
    row("along 1", (term) => stretch.one[term], stretch.one.sum),
    row("along x̂", (term) => stretch.xHat[term], stretch.xHat.sum),
  ];
  const rest = (/** @type {Term} */ term) => (term === "identity" ? 1 / s : 0);
  if (m > 2) rows.push(row("along others", rest, shown.identity ? 1 / s : 0));
  return { rows, head: ["", "direct", "mean", "variance", "sum"] };
}

/**
 * The samples on their axis, with an arrow from the one that acts to the one acted on. The outlier
 * can be dragged.
 * @param {import("../kit/svg.js").Drawing} picture @param {Shown} shown
 * @param {{top: number, right: number}} place
 * @param {{title: string, move: (v: number) => void}} how
 */
function strip(picture, { x, m, k, i, jacobian }, { top, right }, { title, move }) {
  const seen = x.map((v) => (Number.isFinite(v) ? clamp(v, -FAR, FAR) : 0));
  const domain = picture.hold("samples", domainOf(seen, 2));
  const scale = linear(domain, [14, right - 14]);
  const y = top + 74;
  picture.layer("ground");
  picture.text("strip title", "small title", 0, top + 16, title);
  axis(picture, "strip", { scale, at: y });
  picture.layer("things");
  seen.slice(0, -1).forEach((v, n) => {
    const at = { cx: scale.inside(v), cy: y, r: n === i ? 6.5 : 4 };
    const look = n === i || n === k ? "data" : "data hollow";
    picture.put(`sample ${n}`, "circle", { class: look, ...at });
  });
  const own = seen[m - 1];
  handle(picture, "outlier", {
    x: scale.inside(own),
    y,
    label: `the outlier ${subscript("x", m - 1)}`,
    range: [-REACH, REACH],
    value: own,
    text: short(own),
    marks: [["circle", { class: "data", r: 7 }]],
    move: (u) => move(snap(scale.invert(u), seen.slice(0, -1), 0.03)),
    nudge: (stepX, stepY) => move(tidy(own + 0.1 * (stepX + stepY))),
  });
  const from = scale.inside(seen[i]);
  const to = scale.inside(seen[k]);
  const v = jacobian[k]?.[i] ?? 0;
  picture.layer("arrows");
  const sign = v < 0 ? "negative" : "positive";
  if (v) arrow(picture, "pull", [from, y - 14], [to, y - 14], { className: `${sign} arrow` });
  const name = { class: "small middle halo label", x: clamp(from, 14, right - 12), y: y - 22 };
  picture.put("pull name", "text", name, subscript("x", i));
}

/**
 * Pointing at an entry, by mouse or finger.
 * @param {SVGElement} node
 * @param {() => {left: number, top: number, cell: number, m: number}} where
 * @param {(k: number, i: number) => void} point
 */
function listen(node, where, point) {
  const at = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const { left, top, cell, m } = where();
    const [x, y] = placeIn(node, event);
    const i = Math.floor((x - left) / cell);
    const k = Math.floor((y - top) / cell);
    if (i >= 0 && k >= 0 && i < m && k < m) point(k, i);
  };
  node.classList.add("bn-map");
  node.addEventListener("pointermove", (event) => event.pointerType === "touch" || at(event));
  node.addEventListener("click", at);
}

/** @type {Mount} */
function mount(el, view) {
  const about = "The Jacobian of batch normalization: three matrices and their sum";
  const { picture, finish } = stage(el, view, about);
  const point = (/** @type {number} */ k, /** @type {number} */ i) => {
    const last = view.get().m - 1;
    view.set({ entry: [clamp(k, 0, last), clamp(i, 0, last)] });
  };
  let where = { left: 0, top: 0, cell: 1, m: 2 }; // the large matrix, as it was drawn last

  return function draw(now, width) {
    const [k, i] = now.entry.map((v) => clamp(v, 0, now.m - 1));
    const shown = { ...now, k, i };
    const place = layout(width);
    const acting = acts(shown);
    const { rows, head } = numbersOf(shown);
    picture.size(width, place.height);
    if (shown.defined) {
      const [name, ...entries] = rows[0];
      terms(picture, shown, { places: place, entries });
      const value = `${name} = ${entries[3]}`;
      const isNew = !picture.has("map");
      const node = sum(picture, shown, place.large, {
        text: `${acting}: ${value}`,
        entry: value,
        point,
      });
      if (isNew) listen(node, () => where, point);
      colours(picture, place.scale);
      spectrum(picture, shown, place.spectrum);
    }
    const { left, top, side } = place.large;
    where = { left, top, cell: side / now.m, m: now.m };
    const move = (/** @type {number} */ outlier) =>
      view.set({ outlier: clamp(outlier, -REACH, REACH) });
    strip(picture, shown, place.strip, { title: acting, move });
    finish({ verdict: verdictOf(shown), rows, head });
  };
}

export default makeFigure({ analyse, outputs, mount });
