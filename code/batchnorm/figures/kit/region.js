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
  // How many of two points of a column, one over the other, are above 0
  const above = (/** @type {number} */ column, /** @type {number} */ row) =>
    Number(f[row * n + column] > 0) + Number(f[(row + 1) * n + column] > 0);
  let d = "";
  for (let row = 0; row + 1 < n; row++) {
    let from = -1; // where a run of squares that lie inside began
    for (let column = 0; column < n; column++) {
      const high = column + 1 < n ? above(column, row) + above(column + 1, row) : 0;
      if (high === 4) {
        if (from < 0) from = column;
        continue;
      }
      if (from >= 0) d += outline(block(from, column, row), x, y);
      from = -1;
      if (!high) continue;
      const corners = block(column, column + 1, row).map(([i, k]) => [i, k, f[k * n + i]]);
      d += outline(beyond(corners, 0), x, y);
    }
  }
  return d;
}

/** The corners of what lies between two columns. */
function block(/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ row) {
  const [low, high] = [row, row + 1].map((k) => [from, to].map((column) => [column, k]));
  return [...low, ...high.reverse()];
}

/**
 * The part of a shape where the values at its corners, joined by straight lines, are above a level,
 * or below it.
 * @param {number[][]} corners x, y and value of each @param {number} level
 * @param {1 | -1} side above or below
 */
function beyond(corners, level, side = 1) {
  const is = (/** @type {number[]} */ [, , v]) => side * (v - level) > 0;
  return corners.flatMap((a, c) => {
    const b = corners[(c + 1) % corners.length];
    const here = is(a) ? [a] : [];
    if (is(a) === is(b)) return here;
    const part = (level - a[2]) / (b[2] - a[2]);
    return [...here, a.map((v, k) => v + part * (b[k] - v))];
  });
}

/** @param {number[][]} points @param {(v: number) => number} x @param {(v: number) => number} y */
const outline = (points, x, y) =>
  `M${points.map(([i, k]) => `${x(i).toFixed(1)} ${y(k).toFixed(1)}`).join("L")}Z`;
