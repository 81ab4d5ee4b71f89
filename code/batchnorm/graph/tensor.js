/**
 * Arrays of any shape, the loops over them, and their broadcasting. Knows no graph and no DOM.
 *
 * @typedef {{shape: number[], data: Float64Array}} Tensor row by row; tensors may share
 *   data, so do not write into it
 */

/** @param {number[]} shape */
export function sizeOf(shape) {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

/** @param {number[]} a @param {number[]} b */
export function sameShape(a, b) {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** @type {Map<number, {arrays: Float64Array[], next: number}>} by their length */
const store = new Map();
let reused = false;

/**
 * What `f` returns. The tensors that are made meanwhile are made of the arrays of the last call:
 * they are lost when the next one begins. For loops that would make new ones at every turn.
 * @template T @param {() => T} f @returns {T}
 */
export function reusing(f) {
  for (const room of store.values()) room.next = 0;
  reused = true;
  try {
    return f();
  } finally {
    reused = false;
  }
}

/** An array for a tensor, whatever it holds. @param {number} size */
function room(size) {
  if (!reused) return new Float64Array(size);
  const found = store.get(size) ?? { arrays: [], next: 0 };
  store.set(size, found);
  if (found.next === found.arrays.length) found.arrays.push(new Float64Array(size));
  return found.arrays[found.next++];
}

/** @param {number[]} shape @returns {Tensor} */
export function zeros(shape) {
  const data = room(sizeOf(shape));
  return { shape, data: reused ? data.fill(0) : data };
}

/** @param {number} v @returns {Tensor} */
export const scalar = (v) => ({ shape: [], data: room(1).fill(v) });

/** From nested lists; throws if rows differ in length. @param {any} value @returns {Tensor} */
export function tensor(value) {
  const shape = [];
  for (let v = value; Array.isArray(v); v = v[0]) shape.push(v.length);
  let entries = [value];
  for (const n of shape) {
    if (entries.some((v) => v.length !== n)) throw new Error("tensor: rows differ in length");
    entries = entries.flat();
  }
  return { shape, data: Float64Array.from(entries) };
}

/** Tensor -> a number or nested lists of them. @param {Tensor} t @returns {any} */
export function nested({ shape, data }) {
  /** @type {any[]} */
  let rows = Array.from(data);
  for (let i = shape.length - 1; i > 0; i--) {
    const [count, n] = [sizeOf(shape.slice(0, i)), shape[i]];
    rows = Array.from({ length: count }, (_, k) => rows.slice(k * n, (k + 1) * n));
  }
  return shape.length ? rows : rows[0];
}

/** @param {number[]} a @param {number[]} b */
function broadcastShape(a, b) {
  if (sameShape(a, b) || (b.length <= a.length && sizeOf(b) === 1)) return a;
  if (a.length <= b.length && sizeOf(a) === 1) return b;
  const [shape, other] = a.length < b.length ? [b.slice(), a] : [a.slice(), b];
  const before = shape.length - other.length;
  for (let i = 0; i < other.length; i++) {
    const p = shape[before + i];
    const q = other[i];
    if (p !== q && p !== 1 && q !== 1) throw new Error(`shapes ${a} and ${b} do not broadcast`);
    if (p === 1) shape[before + i] = q;
  }
  return shape;
}

// Tables of where each entry is found: slow to make, so kept
let ramp = new Int32Array(0); // 0, 1, 2, …: both shapes have as many entries
let nought = new Int32Array(0); // 0, 0, 0, …: one entry stands for all
/** @type {Map<string, Int32Array>} */
const tables = new Map();

/**
 * A table, maybe too long: entry k of an array of shape `to` is entry table[k] of `from`.
 * @param {number[]} from @param {number[]} to
 */
function positions(from, to) {
  const size = sizeOf(from);
  const wanted = sizeOf(to);
  if (ramp.length < wanted) {
    ramp = Int32Array.from({ length: 2 * wanted }, (_, k) => k);
    nought = new Int32Array(2 * wanted);
  }
  if (size === wanted) return ramp;
  if (size === 1) return nought;
  const key = `${from}>${to}`;
  const table = tables.get(key) ?? makeTable(from, to);
  tables.set(key, table);
  return table;
}

/** @param {number[]} from @param {number[]} to */
function makeTable(from, to) {
  const at = new Int32Array(sizeOf(to));
  let [step, stride] = [1, 1]; // to the next entry along axis i of `to`, j of `from`
  for (let i = to.length - 1, j = from.length - 1; j >= 0; i--, j--) {
    if (from[j] !== 1) {
      for (let k = 0; k < at.length; k++) at[k] += (Math.floor(k / step) % to[i]) * stride;
    }
    step *= to[i];
    stride *= from[j];
  }
  return at;
}

/**
 * @typedef {(to: Float64Array, p: Float64Array, i: Int32Array, q: Float64Array, j: Int32Array,
 *   r: Float64Array, l: Int32Array) => void} Loop entry k of `to` is made from p[i[k]], q[j[k]]
 *   and r[l[k]]
 */

/**
 * Makes a loop over entries an operation on one to three tensors that broadcast.
 * @param {Loop} loop @returns {(a: Tensor, b?: Tensor, c?: Tensor) => Tensor}
 */
export const elementwise =
  (loop) =>
  (a, b = a, c = b) => {
    const shape = broadcastShape(broadcastShape(a.shape, b.shape), c.shape);
    const data = room(sizeOf(shape)); // a loop writes every entry
    const i = positions(a.shape, shape);
    const j = positions(b.shape, shape);
    const l = c === b ? j : positions(c.shape, shape);
    loop(data, a.data, i, b.data, j, c.data, l);
    return { shape, data };
  };

export const plus = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] + q[j[k]];
});
export const times = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] * q[j[k]];
});
export const over = elementwise((to, p, i, q, j) => {
  for (let k = 0; k < to.length; k++) to[k] = p[i[k]] / q[j[k]];
});
/** @param {Tensor} a */
export const negate = (a) => times(a, scalar(-1));

/**
 * Sums `t` down to a shape that broadcasts to t's: what was copied forward is summed backward.
 * @param {Tensor} t @param {number[]} shape
 */
export function sumTo(t, shape) {
  if (sameShape(t.shape, shape)) return t;
  const out = zeros(shape);
  const { data } = t;
  const to = out.data;
  const at = positions(shape, t.shape);
  for (let k = 0; k < data.length; k++) to[at[k]] += data[k];
  return out;
}

/** The largest of what `sumTo` would sum. @param {Tensor} t @param {number[]} shape */
export function largestTo(t, shape) {
  const [out, data] = [zeros(shape), t.data];
  if (out.data.length && !data.length) throw new Error("max: of no entries");
  const [to, at] = [out.data.fill(-Infinity), positions(shape, t.shape)];
  for (let k = 0; k < data.length; k++) to[at[k]] = Math.max(to[at[k]], data[k]);
  return out;
}

/**
 * Entry k of the tensor of that shape is entry at[k] of `t`.
 * @param {Tensor} t @param {number[]} shape @param {ArrayLike<number>} at @returns {Tensor}
 */
export function gather(t, shape, at) {
  const data = room(at.length);
  for (let k = 0; k < at.length; k++) data[k] = t.data[at[k]];
  return { shape, data };
}

/**
 * Undoes `gather`: adds each entry of `d` to where it was taken from, in zeros of that shape.
 * @param {Tensor} d @param {number[]} shape @param {ArrayLike<number>} at
 */
export function scatter(d, shape, at) {
  const out = zeros(shape);
  for (let k = 0; k < at.length; k++) out.data[at[k]] += d.data[k];
  return out;
}

/** Each matrix of a stack, transposed. @param {Tensor} a */
export function transpose(a) {
  if (a.shape.length < 2) return a;
  const [rows, columns] = a.shape.slice(-2);
  const out = zeros([...a.shape.slice(0, -2), columns, rows]);
  const size = rows * columns;
  for (let k = 0; k < a.data.length; k++) {
    const at = k % size;
    out.data[k - at + (at % columns) * rows + Math.floor(at / columns)] = a.data[k];
  }
  return out;
}

/**
 * A row of a product: `inner` entries of p, from `at` on, by the matrix in q from `onto` on. Four
 * columns at a time: an entry of p is read once for them, and their sums stay out of memory.
 * @param {Float64Array} to @param {number} row @param {number} columns
 * @param {Float64Array} p @param {number} at @param {number} inner
 * @param {Float64Array} q @param {number} onto
 */
function rowOf(to, row, columns, p, at, inner, q, onto) {
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0, l = onto + j; k < inner; k++, l += columns) {
      const v = p[at + k];
      s0 += v * q[l];
      s1 += v * q[l + 1];
      s2 += v * q[l + 2];
      s3 += v * q[l + 3];
    }
    to[row + j] = s0;
    to[row + j + 1] = s1;
    to[row + j + 2] = s2;
    to[row + j + 3] = s3;
  }
  for (; j < columns; j++) {
    let sum = 0;
    for (let k = 0, l = onto + j; k < inner; k++, l += columns) sum += p[at + k] * q[l];
    to[row + j] = sum;
  }
}

/** The product, of each matrix of a stack. @param {Tensor} a @param {Tensor} b */
export function product(a, b) {
  const [rows, inner] = a.shape.slice(-2);
  const [depth, columns] = b.shape.slice(-2);
  if (inner !== depth) throw new Error(`matmul: rows of ${inner}, columns of ${depth}`);
  const [left, right] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const stack = broadcastShape(left, right);
  const [from, onto] = [positions(left, stack), positions(right, stack)];
  const shape = [...stack, rows, columns];
  const data = room(sizeOf(shape));
  for (let s = sizeOf(stack) - 1; s >= 0; s--) {
    const q = onto[s] * inner * columns;
    for (let i = s * rows, at = from[s] * rows * inner; i < (s + 1) * rows; i++, at += inner)
      rowOf(data, i * columns, columns, a.data, at, inner, b.data, q);
  }
  return { shape, data };
}
