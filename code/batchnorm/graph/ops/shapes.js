/**
 * The same entries in other places: reshaped, transposed, picked, written, joined.
 *
 * @import { Tensor } from "../tensor.js"
 * @import { Item, Operations, Params } from "./index.js"
 * @typedef {{shape: number[], at: number[]}} Places the shape of what an index picks, and where its
 *   entries are
 */
import {
  elementwise,
  gather,
  plus,
  sameShape,
  scalar,
  scatter,
  sizeOf,
  tensor,
  zeros,
} from "../tensor.js";

const copied = elementwise((to, p, i) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]];
});

/** @param {Tensor} a @param {number[]} shape */
function stretched(a, shape) {
  const made = copied(a, zeros(shape));
  if (!sameShape(made.shape, shape)) throw new Error(`shape ${a.shape} does not fill ${shape}`);
  return made;
}

/** How far the next entry along each axis is. @param {number[]} shape */
const stridesOf = (shape) => shape.map((_, i) => sizeOf(shape.slice(i + 1)));

/** @param {number} n @param {number} stride @returns {Tensor} */
const along = (n, stride) => ({
  shape: [n],
  data: Float64Array.from({ length: n }, (_, k) => k * stride),
});

/** All sums of one offset an axis. @param {Tensor[]} axes @returns {Places} */
function crossed(axes) {
  let at = [0];
  for (const { data } of axes) at = at.flatMap((p) => Array.from(data, (offset) => p + offset));
  return { shape: axes.flatMap(({ shape }) => shape), at };
}

/** The integers that a slice means on an axis of n. @param {string} text @param {number} n */
function sliced(text, n) {
  const [start, stop, step] = text.split(":");
  const by = +(step || 1);
  const least = by < 0 ? -1 : 0;
  /** @param {string} s @param {number} otherwise */
  const edge = (s, otherwise) =>
    s ? Math.max(least, Math.min(+s < 0 ? +s + n : +s, n + least)) : otherwise;
  const [from, to] = [edge(start, by < 0 ? n - 1 : 0), edge(stop, by < 0 ? -1 : n)];
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / by)) }, (_, k) => from + k * by);
}

/** @param {Item} item */
const isList = (item) => item === "#" || Array.isArray(item);

/**
 * Where an index finds its entries, as NumPy has it: lists, and the integers beside them, are taken
 * together, and come first where something else lies between them.
 * @param {number[]} shape @param {Item[]} index @param {Tensor[]} given what "#" stands for
 */
function placesOf(shape, index, given) {
  const used = index.filter((item) => item !== null && item !== "...").length;
  const whole = index.includes("...") ? index : [...index, "..."];
  const items = whole.flatMap((item) =>
    item === "..." ? Array(Math.max(0, shape.length - used)).fill(":") : [item],
  );
  const [joint, strides] = [items.some(isList), stridesOf(shape)];
  /** @type {number[]} */
  const where = [];
  /** @type {Tensor[]} */
  const axes = [];
  let [axis, next, first] = [0, 0, 0];
  /** @type {Tensor | null} */
  let together = null;
  items.forEach((item, i) => {
    if (item === null) return axes.push(along(1, 0));
    const [n, stride] = [shape[axis], strides[axis++]];
    const slice = typeof item === "string" && item !== "#";
    const t = item === "#" ? given[next++] : tensor(slice ? sliced(item, n) : item);
    const data = t.data.map((v) => {
      if (!(v >= -n && v < n)) throw new Error(`index ${v}: the axis has ${n} entries`);
      return (v < 0 ? v + n : v) * stride;
    });
    const part = { shape: t.shape, data };
    if (slice || !joint) return axes.push(part);
    if (!together) first = axes.length;
    together = together ? plus(together, part) : part;
    return where.push(i);
  });
  const apart = where.length && where[where.length - 1] - where[0] >= where.length;
  if (together) axes.splice(apart ? 0 : first, 0, together);
  return crossed(axes);
}

/** @param {Tensor} a @param {Params} node @param {Tensor[]} given */
const picked = (a, { index = [] }, given) => placesOf(a.shape, index, given);

/** Where a transposed tensor's entries come from. @param {number[]} shape @param {Params} node */
function turned(shape, { axes }) {
  const strides = stridesOf(shape);
  const order = axes ?? shape.map((_, i) => shape.length - 1 - i);
  return crossed(order.map((i) => along(shape[i], strides[i])));
}

/** @param {Tensor} a @param {any} none @param {Params} node @returns {Tensor} */
function reshaped(a, none, { to = [] }) {
  const known = sizeOf(to.filter((n) => n >= 0));
  const shape = to.map((n) => (n < 0 ? a.data.length / known : n));
  if (sizeOf(shape) !== a.data.length || !shape.every(Number.isInteger)) {
    throw new Error(`reshape: ${a.data.length} entries do not fill shape ${to}`);
  }
  return { shape, data: a.data };
}

/** A copy of `a` in which the picked entries are others. @param {Tensor} a @param {Places} places
 * @param {Tensor} v */
function written(a, { shape, at }, v) {
  const [out, from] = [{ shape: a.shape, data: a.data.slice() }, stretched(v, shape).data];
  at.forEach((p, k) => {
    out.data[p] = from[k];
  });
  return out;
}

/** What was written gets the gradient of its place; a later writer takes its place.
 * @param {Tensor} d @param {Places} places */
function receivedBy(d, { shape, at }) {
  const last = new Map(at.map((p, k) => [p, k]));
  const data = Float64Array.from(at, (p, k) => (last.get(p) === k ? d.data[p] : 0));
  return { shape, data };
}

/** Where the part of an operand begins and ends along the axis of a joint.
 * @param {Tensor[]} parts @param {number} axis @param {number} slot */
function spanOf(parts, axis, slot) {
  const start = parts.slice(0, slot).reduce((sum, t) => sum + t.shape[axis], 0);
  return [...Array(axis).fill(":"), `${start}:${start + parts[slot].shape[axis]}`];
}

/** @param {Tensor} a @param {Tensor} b @param {Params} node @param {Tensor[]} [all] */
function joined(a, b, { axis }, all = b ? [a, b] : [a]) {
  const total = all.reduce((sum, t) => sum + t.shape[axis], 0);
  const out = zeros(a.shape.map((n, i) => (i === axis ? total : n)));
  all.forEach((t, slot) => {
    const { at } = placesOf(out.shape, spanOf(all, axis, slot), []);
    if (at.length !== t.data.length) throw new Error(`concatenate: a part has shape ${t.shape}`);
    for (let k = 0; k < at.length; k++) out.data[at[k]] = t.data[k];
  });
  return out;
}

/** @type {Operations} */
export const OPERATIONS = {
  transpose: [
    (a, _, node) => {
      const { shape, at } = turned(a.shape, node);
      return gather(a, shape, at);
    },
    (d, y, a, _, node) => scatter(d, a.shape, turned(a.shape, node).at),
  ],
  reshape: [reshaped, (d, y, a) => ({ shape: a.shape, data: d.data })],
  broadcast_to: [(a, _, { to }) => stretched(a, to), (d) => d],
  getitem: [
    (a, b, node, all = [a, b]) => {
      const { shape, at } = picked(a, node, all.slice(1));
      return gather(a, shape, at);
    },
    (d, y, a, b, node, all = [a, b]) => scatter(d, a.shape, picked(a, node, all.slice(1)).at),
    null,
  ],
  setitem: [
    (a, v, node, all = []) => written(a, picked(a, node, all.slice(2)), v),
    (d, y, a, v, node, all = []) => written(d, picked(a, node, all.slice(2)), scalar(0)),
    (d, y, a, v, node, all = []) => receivedBy(d, picked(a, node, all.slice(2))),
    null,
  ],
  concatenate: [
    joined,
    (d, y, a, b, node, all = [a, b], slot = 0) => {
      const { shape, at } = placesOf(d.shape, spanOf(all, node.axis, slot), []);
      return gather(d, shape, at);
    },
  ],
};
