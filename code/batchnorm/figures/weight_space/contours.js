/**
 * The contours of a function around the origin, and the bands between them.
 *
 * @typedef {object} Contour
 * @property {number} low how low it lies, 1 for lowest
 * @property {string} d its path
 *
 * @typedef {object} Shade where the function lies between two levels
 * @property {number} high how high, 1 for highest
 * @property {string} d its path
 */

export const FINE = 4000; // units of the paths, for 1: whole numbers are short, and soon written
const LEVELS = 9;

/** Levels: crowded at the ends, since the loss is flat there. @param {Float64Array} values */
function levelsOf(values) {
  const lo = Math.min(...values);
  const hi = Math.max(...values);
  const share = (/** @type {number} */ k) => (1 - Math.cos((k * Math.PI) / LEVELS)) / 2;
  const all = Array.from({ length: LEVELS - 1 }, (_, k) => share(k + 1));
  return all.map((part) => ({ low: 1 - part, level: lo + (hi - lo) * part }));
}

/** A line to a place, in a path. @param {number} u @param {number} v */
const lineTo = (u, v) => `L${Math.round(FINE * u)} ${Math.round(FINE * v)}`;
/** A path that begins where its first line leads. @param {string} lines */
const begun = (lines) => `M${lines.slice(1)}`;

/**
 * Points on rings around the origin, the innermost first, each ring from the first axis on.
 * @param {number[]} radii @param {number} count of points on a ring
 */
export function ringsOf(radii, count) {
  const turns = Array.from({ length: count }, (_, i) => (2 * Math.PI * i) / count);
  const circle = turns.map((turn) => [Math.cos(turn), Math.sin(turn)]);
  return radii.flatMap((r) =>
    circle.map(([a, b]) => /** @type {[number, number]} */ ([r * a, r * b])),
  );
}

/**
 * From the values at such points: where a level is passed on the sides of each cell between them,
 * joined; and the parts of each cell between two levels. Cells that lie wholly in one band, one
 * behind the other as seen from the origin, are one part. Above the last level nothing is shaded.
 * @param {[number, number][]} points @param {Float64Array} values @param {number} count
 */
export function contoursOf(points, values, count) {
  const levels = levelsOf(values);
  // Between which two levels a value lies: how many are not above it
  const bands = Array.from(values, (v) => levels.filter(({ level }) => level <= v).length);
  const dots = points.map(([u, v]) => lineTo(u, v));
  /**
   * Where the side of a cell from i to j passes a level, if so.
   * @type {(level: number, i: number, j: number) => string}
   */
  const passed = (level, i, j) => {
    if (bands[i] <= level === bands[j] <= level) return "";
    const part = (levels[level].level - values[i]) / (values[j] - values[i]);
    const [a, b] = points[i];
    const [u, v] = points[j];
    return lineTo(a + part * (u - a), b + part * (v - b));
  };
  const contours = levels.map(({ low }) => ({ low, d: "" }));
  const shades = levels.map((_, k) => ({ high: k / (LEVELS - 1), d: "" }));
  const shade = (/** @type {number} */ band, /** @type {string} */ outline) => {
    if (shades[band]) shades[band].d += `${begun(outline)}Z`;
  };
  /** A cell that levels pass. @param {number[]} corners @param {number} least @param {number} most */
  const share = (corners, least, most) => {
    let below = ["", "", "", ""]; // where its sides pass the lower end of a band, and the upper
    for (let band = least; band <= most; band++) {
      const above = corners.map((i, k) =>
        band < most ? passed(band, i, corners[(k + 1) % 4]) : "",
      );
      let outline = "";
      corners.forEach((i, k) => {
        if (bands[i] === band) outline += dots[i];
        outline += bands[i] < band ? below[k] + above[k] : above[k] + below[k];
      });
      shade(band, outline);
      const [from, to, ...more] = above.filter(Boolean);
      if (from) contours[band].d += begun(from + to);
      if (more.length) contours[band].d += begun(more.join("")); // a saddle
      below = above;
    }
  };
  for (let i = 0; i < count; i++) {
    const j = (i + 1) % count;
    let from = 0; // where the cells that lie in one band began
    for (let ring = 0; ring + count < points.length; ring += count) {
      const corners = [ring + i, ring + j, ring + count + j, ring + count + i];
      const here = corners.map((k) => bands[k]);
      const least = Math.min(...here);
      const most = Math.max(...here);
      const beyond = [corners[2] + count, corners[3] + count];
      if (least === most && beyond.every((k) => bands[k] === most)) continue;
      const ends = [from + i, from + j, corners[2], corners[3]];
      if (least === most) shade(most, ends.map((k) => dots[k]).join(""));
      else share(corners, least, most);
      from = ring + count;
    }
  }
  return { contours, shades };
}
