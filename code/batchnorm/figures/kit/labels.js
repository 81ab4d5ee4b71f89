/**
 * Names beside what they name, and not on one another.
 *
 * @typedef {{left: number, right: number, top: number, bottom: number}} Room
 * @typedef {[number, number, number, number]} Box left, top, right, bottom
 */

const TALL = 15; // units: a line of text
const AROUND = [0, Math.PI, 0.8, -0.8, 2.2, -2.2, 1.6, -1.6];
const FAR = [12, 24, 38];
const FARTHER = [55, 75, 100];
const EVERY = 8; // units of a line that names keep clear of
const ON_NAME = 100; // how bad it is, a square unit, to lie on another name
const ON_MARK = 10; // and on a mark

/** How long a text is, about: in Node there is no font to measure it by. */
export const lengthOf = (/** @type {string} */ text, bold = false) =>
  (bold ? 7.9 : 6.9) * [...text].length;

/** The area that a box has in common with others. @param {Box[]} others @param {Box} box */
function common(others, [left, top, right, bottom]) {
  let area = 0;
  for (const other of others) {
    const wide = Math.min(right, other[2]) - Math.max(left, other[0]);
    if (wide <= 0) continue; // so are most
    const tall = Math.min(bottom, other[3]) - Math.max(top, other[1]);
    if (tall > 0) area += wide * tall;
  }
  return area;
}

/**
 * Which part of a line lies in a room: from and to, in parts of its way. Across a way that it does
 * not go, no edge counts.
 * @param {Room} room @param {number[]} from @param {number[]} to
 */
export function inside({ left, right, top, bottom }, from, to) {
  const lows = [left, top];
  const highs = [right, bottom];
  let start = 0;
  let end = 1;
  for (const k of [0, 1]) {
    const way = to[k] - from[k];
    if (!way) continue;
    const ends = [(lows[k] - from[k]) / way, (highs[k] - from[k]) / way].sort((a, b) => a - b);
    start = Math.max(start, ends[0]);
    end = Math.min(end, ends[1]);
  }
  return [start, end];
}

/**
 * Places every few units along a line from point to point, where it lies in a room, and its end.
 * @param {number[][]} points @param {Room} room
 */
function along(points, room) {
  const places = [];
  let from = points[0];
  for (const to of points) {
    const way = [to[0] - from[0], to[1] - from[1]];
    const far = Math.hypot(...way);
    if (far < EVERY) continue;
    const [start, end] = inside(room, from, to);
    const parts = Math.floor((far * (end - start)) / EVERY);
    for (let k = 0; k < parts; k++) {
      const t = start + (k / parts) * (end - start);
      places.push([from[0] + t * way[0], from[1] + t * way[1]]);
    }
    from = to;
  }
  return from ? [...places, from] : places;
}

/**
 * Finds places for names in a room. Each goes where its normal points, or to the other side, or
 * further off, wherever it lies on nothing; if all that is taken, to the nearest free place there is.
 *
 * @param {Room} room @param {number} [margin] in the room, to be kept free
 * @param {boolean} [aside] whether names lie all left or all right of what they name
 */
export function placer(room, margin = 0, aside = false) {
  const left = room.left + margin;
  const top = room.top + margin;
  const right = room.right - margin;
  const bottom = room.bottom - margin;
  /** @type {Box[]} */
  const names = [];
  /** @type {Box[]} */
  const marks = [];
  const cost = (/** @type {Box} */ box) =>
    ON_NAME * common(names, box) + ON_MARK * common(marks, box);
  /** @param {number} x its middle @param {number} y @param {number} long @returns {Box} */
  const boxAt = (x, y, long) => {
    const u = Math.max(left, Math.min(right - long, x - long / 2));
    const v = Math.max(top, Math.min(bottom - TALL, y - TALL / 2));
    return [u, v, u + long, v + TALL];
  };

  /** The nearest place on no name, anywhere. @param {number[]} at @param {number} long */
  const anywhere = (at, long) => {
    /** @type {{far: number, box: Box | null}} */
    let best = { far: Infinity, box: null };
    for (let v = top; v <= bottom - TALL; v += 5) {
      for (let u = left; u <= Math.max(left, right - long); u += 10) {
        const box = boxAt(u + long / 2, v + TALL / 2, long);
        const way = Math.hypot(u + long / 2 - at[0], v + TALL / 2 - at[1]);
        const far = way < best.far ? way + cost(box) : Infinity;
        if (far < best.far) best = { far, box };
      }
    }
    return best.box;
  };

  /** The best place beside one thing. @param {number[]} at @param {number[]} normal @param {number} long */
  const beside = (at, normal, long) => {
    const heading = Math.atan2(normal[1], normal[0]);
    /** @type {{cost: number, box: Box | null}} */
    let best = { cost: Infinity, box: null };
    for (const far of [...FAR, ...FARTHER]) {
      if (far === FARTHER[0] && best.box && !cost(best.box)) break;
      for (const turn of AROUND) {
        const least = far + Math.abs(turn); // if it lies on nothing
        if (least >= best.cost) continue;
        const c = Math.cos(heading + turn);
        const s = Math.sin(heading + turn);
        const half = (long / 2) * (aside ? Math.sign(c) : c);
        const box = boxAt(at[0] + c * far + half, at[1] + s * far, long);
        const is = cost(box) + least;
        if (is < best.cost) best = { cost: is, box };
      }
    }
    return best;
  };

  /** Keeps names off a place. @param {number} x @param {number} y @param {number} [r] */
  const avoid = (x, y, r = 7) => void marks.push([x - r, y - r, x + r, y + r]);

  return {
    avoid,
    /** Keeps names off a box. @param {Box} box */
    avoidBox(box) {
      marks.push(box);
    },
    /**
     * Keeps names off a text that is written already.
     * @param {number} x where it begins @param {number} y its line @param {number} long
     */
    taken(x, y, long) {
      names.push([x - 2, y - TALL + 3, x + long + 2, y + 4]);
    },
    /** Keeps names off a line from point to point, where it lies in the room. @param {number[][]} points */
    avoidLine(points) {
      for (const [x, y] of along(points, { left, right, top, bottom })) avoid(x, y, 4);
    },
    /**
     * The box of a name that is `long`.
     * @param {number[]} at what it names
     * @param {number[]} normal away from it; a direction, of any length
     * @param {number} long
     */
    find(at, normal, long) {
      return this.findAny([at], normal, long);
    },
    /**
     * The same for the name of several things: beside the one that has most room.
     * @param {number[][]} all at least one @param {number[]} normal @param {number} long
     */
    findAny(all, normal, long) {
      const found = all.map((at) => beside(at, normal, long));
      const best = found.reduce((a, b) => (b.cost < a.cost ? b : a));
      const at = all[found.indexOf(best)];
      if (best.box && common(names, best.box)) best.box = anywhere(at, long) ?? best.box;
      const box = best.box ?? boxAt(at[0], at[1], long);
      names.push(box);
      return box;
    },
  };
}

/**
 * A placer that writes the names it has found places for.
 *
 * @param {ReturnType<typeof import("./svg.js").drawing>} picture
 * @param {Room} room
 * @param {number} [margin] in the room, to be kept free
 * @param {boolean} [aside] whether names lie all left or all right of what they name
 */
export function labels(picture, room, margin = 0, aside = false) {
  const place = placer(room, margin, aside);
  return {
    ...place,
    /**
     * @param {string} key @param {string} text
     * @param {number[]} at what it names
     * @param {number[]} normal away from it; a direction, of any length
     * @param {string} [className]
     */
    put(key, text, at, normal, className = "") {
      const box = place.find(at, normal, lengthOf(text, className.includes("label")));
      const where = { x: (box[0] + box[2]) / 2, y: box[1] + 12 };
      picture.put(key, "text", { class: `small middle halo ${className}`, ...where }, text);
    },
  };
}

/**
 * Heights of names in a gutter, as near as can be to those they name: in their order, `room` apart,
 * between `low` and `high`. (Those that are too near are one block, at the mean of what its members
 * want: the least squares.)
 * @param {number[]} heights @param {number} low @param {number} high
 */
export function apart(heights, low, high, room = TALL) {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const last = Math.max(low, high - room * (heights.length - 1));
  /** @type {{sum: number, count: number}[]} */
  const blocks = [];
  order.forEach((i, k) => {
    let block = { sum: heights[i] - room * k, count: 1 };
    for (let one = blocks.at(-1); one; one = blocks.at(-1)) {
      if (one.sum / one.count <= block.sum / block.count) break;
      blocks.pop();
      block = { sum: one.sum + block.sum, count: one.count + block.count };
    }
    blocks.push(block);
  });
  const placed = heights.slice();
  let k = 0;
  for (const { sum, count } of blocks) {
    const at = Math.min(last, Math.max(low, sum / count));
    for (let n = 0; n < count; n++, k++) placed[order[k]] = at + room * k;
  }
  return placed;
}
