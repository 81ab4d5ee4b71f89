/**
 * The path of where a function on a grid of points is above 0, its edge interpolated; a square
 * that lies wholly inside is joined with those beside it.
 *
 * @param {Float64Array} f at n × n points, row by row from the lowest
 * @param {number} n
 * @param {(column: number) => number} x where a column of points stands
 * @param {(row: number) => number} y
 */
export function regionOf(f, n, x, y) {
  let d = "";
  for (let row = 0; row + 1 < n; row++) {
    let from = -1; // where a run of squares that lie inside began
    for (let column = 0; column < n; column++) {
      const corners = block(column, column + 1, row);
      const values = column + 1 < n ? corners.map(([i, k]) => f[k * n + i]) : [];
      const above = values.filter((v) => v > 0).length;
      if (above === 4) {
        if (from < 0) from = column;
        continue;
      }
      if (from >= 0) d += outline(block(from, column, row), x, y);
      from = -1;
      if (above) d += outline(part(corners, values), x, y);
    }
  }
  return d;
}

/** The corners of what lies between two columns. */
function block(/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ row) {
  const [low, high] = [row, row + 1].map((k) => [from, to].map((column) => [column, k]));
  return [...low, ...high.reverse()];
}

/** The part of a square where the values at its corners, joined by straight lines, are above 0. */
function part(/** @type {number[][]} */ corners, /** @type {number[]} */ values) {
  return corners.flatMap(([i, k], c) => {
    const next = (c + 1) % 4;
    const a = values[c];
    const b = values[next];
    const here = a > 0 ? [[i, k]] : [];
    if (a > 0 === b > 0) return here;
    const t = a / (a - b);
    return [...here, [i + t * (corners[next][0] - i), k + t * (corners[next][1] - k)]];
  });
}

/** @param {number[][]} points @param {(v: number) => number} x @param {(v: number) => number} y */
const outline = (points, x, y) =>
  `M${points.map(([i, k]) => `${x(i).toFixed(1)} ${y(k).toFixed(1)}`).join("L")}Z`;
