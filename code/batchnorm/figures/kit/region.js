/**
 * The path of where a function on a grid of points is above 0, its edge interpolated; a square
 * that lies wholly inside is joined with those beside it.
 *
 * @param {Float64Array} f at n × n points, row by row from the lowest
 * @param {number} n
 * @param {(column: number) => number} x where a column of points is
 * @param {(row: number) => number} y
 */
export function regionOf(f, n, x, y) {
  // The lines of the grid, written once: every point lies on two of them, every crossing on one
  const lines = Array.from({ length: n }, (_, i) => i);
  const columns = lines.map((i) => x(i).toFixed(1));
  const rows = lines.map((i) => y(i).toFixed(1));
  const rowOf = (/** @type {number} */ k) => Math.floor(k / n);
  const point = (/** @type {number} */ k) => `${columns[k % n]} ${rows[rowOf(k)]}`;
  /** Where the function is 0 between neighbours. @param {number} a @param {number} b */
  const crossing = (a, b) => {
    const part = f[a] / (f[a] - f[b]);
    const column = a % n;
    const row = rowOf(a);
    return row === rowOf(b)
      ? `${x(column + part * (b - a)).toFixed(1)} ${rows[row]}`
      : `${columns[column]} ${y(row + part * Math.sign(b - a)).toFixed(1)}`;
  };
  /** What is inside of the square that begins at point k. @param {number} k */
  const partOf = (k) => {
    const corners = [k, k + 1, k + n + 1, k + n];
    let d = "";
    for (let c = 0; c < 4; c++) {
      const a = corners[c];
      const b = corners[(c + 1) % 4];
      if (f[a] > 0) d += `L${point(a)}`;
      if (f[a] > 0 !== f[b] > 0) d += `L${crossing(a, b)}`;
    }
    return `M${d.slice(1)}Z`;
  };
  // How many of two points, one over the other, are above 0
  const above = (/** @type {number} */ k) => Number(f[k] > 0) + Number(f[k + n] > 0);
  let d = "";
  for (let row = 0; row + 1 < n; row++) {
    let from = -1; // where a run of squares that lie inside began
    for (let k = row * n; k < (row + 1) * n; k++) {
      const high = (k + 1) % n ? above(k) + above(k + 1) : 0;
      if (high === 4) {
        if (from < 0) from = k;
        continue;
      }
      if (from >= 0) d += `M${[from, k, k + n, from + n].map(point).join("L")}Z`;
      from = -1;
      if (high) d += partOf(k);
    }
  }
  return d;
}
