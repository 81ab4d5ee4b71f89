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
  // The lines of the grid, written once: every corner lies on two of them, every crossing on one
  const lines = Array.from({ length: n }, (_, i) => i);
  const columns = lines.map((i) => x(i).toFixed(1));
  const rows = lines.map((i) => y(i).toFixed(1));
  /** @param {number} column @param {number} row */
  const point = (column, row) => `${columns[column]} ${rows[row]}`;
  /** Where the function is 0 between two points beside each other. @param {number[]} a @param {number[]} b */
  const crossing = ([column, row], [c, r]) => {
    const from = f[row * n + column];
    const part = from / (from - f[r * n + c]);
    return row === r
      ? `${x(column + part * (c - column)).toFixed(1)} ${rows[row]}`
      : `${columns[column]} ${y(row + part * (r - row)).toFixed(1)}`;
  };
  const inside = (/** @type {number[]} */ [column, row]) => f[row * n + column] > 0;
  /** What is inside of the square that begins here. @param {number} column @param {number} row */
  const partOf = (column, row) => {
    const corners = cornersOf(column, column + 1, row);
    return corners.flatMap((a, i) => {
      const b = corners[(i + 1) % 4];
      const here = inside(a) ? [point(a[0], a[1])] : [];
      return inside(a) === inside(b) ? here : [...here, crossing(a, b)];
    });
  };
  // How many of two points of a column, one over the other, are above 0
  const above = (/** @type {number} */ column, /** @type {number} */ row) =>
    Number(f[row * n + column] > 0) + Number(f[(row + 1) * n + column] > 0);
  /** @type {string[][]} */
  const shapes = [];
  for (let row = 0; row + 1 < n; row++) {
    let from = -1; // where a run of squares that lie inside began
    for (let column = 0; column < n; column++) {
      const high = column + 1 < n ? above(column, row) + above(column + 1, row) : 0;
      if (high === 4) {
        if (from < 0) from = column;
        continue;
      }
      if (from >= 0) shapes.push(cornersOf(from, column, row).map(([c, r]) => point(c, r)));
      from = -1;
      if (high) shapes.push(partOf(column, row));
    }
  }
  return shapes.map((points) => `M${points.join("L")}Z`).join("");
}

/** The corners of what lies between two columns. @param {number} from @param {number} to @param {number} row */
const cornersOf = (from, to, row) => [
  [from, row],
  [to, row],
  [to, row + 1],
  [from, row + 1],
];
