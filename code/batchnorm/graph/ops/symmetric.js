/**
 * Linear algebra of small symmetric matrices, as in symmetric.py. Importing this module adds its
 * operations to those of a graph.
 */
import { negate, over, plus, product, scalar, times, transpose, zeros } from "../tensor.js";
import { OPS } from "./index.js";
import { asColumn } from "./products.js";

/**
 * @import { Tensor } from "../tensor.js"
 * @typedef {{values: Tensor, U: Tensor}} Eigen eigenvalues, falling; eigenvectors as columns
 */

const FLAT = 1e-9; // a unit vector is at right angles to an axis when its entry there is no larger

/**
 * The square matrix of f(row, column).
 * @param {number} n @param {(i: number, j: number) => number} f @returns {Tensor}
 */
function build(n, f) {
  const data = Float64Array.from({ length: n * n }, (_, k) => f(Math.floor(k / n), k % n));
  return { shape: [n, n], data };
}

/**
 * Turns two rows or columns of a matrix, which start at p and q and go on in steps.
 * @param {Float64Array} a @param {number} n @param {number} p @param {number} q
 * @param {number} step @param {number} t tangent of the angle
 */
function turn(a, n, p, q, step, t) {
  const cos = 1 / Math.hypot(t, 1);
  for (let k = 0; k < n * step; k += step) {
    const [u, v] = [a[p + k], a[q + k]];
    a[p + k] = cos * (u - t * v);
    a[q + k] = cos * (v + t * u);
  }
}

/**
 * Jacobi's method: turns pairs of axes until `a` is diagonal, and the columns of `u` with them.
 * @param {Float64Array} a symmetric @param {Float64Array} u @param {number} n
 */
function diagonalise(a, u, n) {
  for (let sweep = 0, turned = true; turned && sweep < 50; sweep++) {
    turned = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [first, last, off] = [a[p * n + p], a[q * n + q], a[p * n + q]];
        if (!(Math.abs(off) > 1e-17 * (Math.abs(first) + Math.abs(last)))) continue;
        const half = (last - first) / (2 * off);
        const t = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(half, 1));
        turn(a, n, p, q, n, t);
        turn(a, n, p * n, q * n, 1, t);
        turn(u, n, p, q, n, t);
        a[p * n + q] = a[q * n + p] = 0;
        turned = true;
      }
    }
  }
}

/** @type {WeakMap<Float64Array, Eigen & {of: Float64Array}>} */
const found = new WeakMap(); // a graph's nodes and rules ask again and again

/** @param {Tensor} S @returns {Eigen} */
function eigen({ shape: [n], data }) {
  const before = found.get(data);
  if (before?.of.every((v, k) => v === data[k])) return before; // a descent uses arrays again
  const a = data.slice();
  const u = build(n, (i, j) => (i === j ? 1 : 0)).data;
  diagonalise(a, u, n);
  const order = Array.from({ length: n }, (_, k) => k).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const columns = order.map((j, k) => {
    const column = Array.from({ length: n }, (_, i) => u[i * n + j]);
    const largest = column.reduce((most, v) => (Math.abs(v) > Math.abs(most) ? v : most), 0);
    const ahead = Math.abs(column[k]) < FLAT ? largest : column[k];
    return ahead < 0 ? column.map((v) => -v) : column;
  });
  const values = { shape: [n], data: Float64Array.from(order, (j) => a[j * n + j]) };
  const result = { of: data.slice(), values, U: build(n, (i, k) => columns[k][i]) };
  found.set(data, result);
  return result;
}

/** @param {Tensor} a */
const symmetric = (a) => times(plus(a, transpose(a)), scalar(0.5));

/** A Bᵀ, the columns of A scaled by v. @param {Tensor} A @param {Tensor} v @param {Tensor} B */
const scaled = (A, v, B) => product(times(A, v), transpose(B));

/** @param {Tensor} S */
const rootsOf = (S) => eigen(S).values.data.map(Math.sqrt);

/** @param {Tensor} S */
function inverseSqrt(S) {
  const { U } = eigen(S);
  return scaled(U, { shape: [U.shape[0]], data: rootsOf(S).map((s) => 1 / s) }, U);
}

/** @param {Tensor} d @param {Tensor} y @param {Tensor} S */
function inverseSqrtRule(d, y, S) {
  const [{ U }, s] = [eigen(S), rootsOf(S)];
  const pairs = build(s.length, (i, j) => -s[i] * s[j] * (s[i] + s[j]));
  const inner = over(product(transpose(U), product(symmetric(d), U)), pairs);
  return product(U, product(inner, transpose(U)));
}

/** @param {Tensor} d @param {Tensor} y @param {Tensor} S */
function eigenvectorsRule(d, y, S) {
  const [values, n] = [eigen(S).values.data, y.shape[0]];
  const G = product(transpose(y), d).data;
  const inner = build(n, (i, j) => {
    const [there, back] = [G[i * n + j], G[j * n + i]];
    if (i === j || (there === 0 && back === 0)) return 0;
    return (there - back) / (2 * (values[j] - values[i]));
  });
  return product(y, product(inner, transpose(y)));
}

/** The lower triangle L with S = L Lᵀ; NaN where S is not positive. @param {Tensor} S */
function cholesky({ shape, data }) {
  const [out, n] = [zeros(shape), shape[0]];
  const L = out.data;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = data[i * n + j];
      for (let k = 0; k < j; k++) rest -= L[i * n + k] * L[j * n + k];
      L[i * n + j] = i === j ? Math.sqrt(rest) : rest / L[j * n + j];
    }
  }
  return out;
}

/** @param {Tensor} d @param {Tensor} L */
function choleskyRule(d, L) {
  const [n, G] = [L.shape[0], product(transpose(L), d).data];
  const half = build(n, (i, j) => (i < j ? 0 : G[i * n + j] / (i === j ? 2 : 1)));
  const left = solve(transpose(L), half);
  return symmetric(transpose(solve(transpose(L), transpose(left))));
}

/** A⁻¹ b by elimination, with pivots. @param {Tensor} A @param {Tensor} b @returns {Tensor} */
function solve(A, b) {
  const [n, columns] = asColumn(b).shape;
  if (n !== A.shape[0]) throw new Error(`solve: rows of ${A.shape[0]}, columns of ${n}`);
  const rows = Array.from({ length: n }, (_, i) => [
    ...A.data.slice(i * n, (i + 1) * n),
    ...b.data.slice(i * columns, (i + 1) * columns),
  ]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j < n + columns; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = n; j < n + columns; j++) {
      for (let i = k + 1; i < n; i++) rows[k][j] -= rows[k][i] * rows[i][j];
      rows[k][j] /= rows[k][k];
    }
  }
  return { shape: b.shape, data: Float64Array.from(rows.flatMap((row) => row.slice(n))) };
}

/** @type {import("./index.js").Operations} */
const OPERATIONS = {
  eigenvalues: [(S) => eigen(S).values, (d, y, S) => scaled(eigen(S).U, d, eigen(S).U)],
  eigenvectors: [(S) => eigen(S).U, eigenvectorsRule],
  inverse_sqrt: [inverseSqrt, inverseSqrtRule],
  cholesky: [cholesky, choleskyRule],
  solve: [
    solve,
    (d, y, A) => negate(product(asColumn(solve(transpose(A), d)), transpose(asColumn(y)))),
    (d, y, A) => solve(transpose(A), d),
  ],
};
Object.assign(OPS, OPERATIONS);
