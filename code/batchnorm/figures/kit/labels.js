/**
 * Names that stand beside what they name, and not on one another: each goes where its normal
 * points, or to the other side, or further off, wherever the first free place is.
 *
 * @param {ReturnType<typeof import("./svg.js").drawing>} picture
 * @param {import("./chart.js").Place} room
 * @param {number} [margin] in the room, to be kept free
 */
export function labels(picture, room, margin = 0) {
  const left = room.left + margin;
  const top = room.top + margin;
  const right = room.right - margin;
  const bottom = room.bottom - margin;
  /** @type {number[][]} boxes that are taken: left, top, right, bottom */
  const taken = [];
  const overlap = (/** @type {number[]} */ a) =>
    taken.reduce((sum, b) => {
      const [w, h] = [0, 1].map((k) => Math.min(a[k + 2], b[k + 2]) - Math.max(a[k], b[k]));
      return sum + Math.max(0, w) * Math.max(0, h);
    }, 0);
  const around = [0, Math.PI, 0.8, -0.8, 2.2, -2.2, 1.6, -1.6];

  return {
    /** Keeps names off a place. @param {number} x @param {number} y @param {number} [r] */
    avoid(x, y, r = 7) {
      taken.push([x - r, y - r, x + r, y + r]);
    },
    /**
     * @param {string} key @param {string} text
     * @param {number[]} at what it names
     * @param {number[]} normal away from it; a direction, of any length
     * @param {string} [className]
     */
    put(key, text, at, normal, className = "") {
      const long = (className.includes("label") ? 7.9 : 6.9) * text.length;
      const heading = Math.atan2(normal[1], normal[0]);
      let best = { cost: Infinity, box: [0, 0, 0, 0] };
      for (const far of [12, 24, 38]) {
        for (const turn of around) {
          const c = Math.cos(heading + turn);
          const s = Math.sin(heading + turn);
          const x = at[0] + c * far + (c * long) / 2;
          const y = at[1] + s * far;
          const u = Math.min(right - long, Math.max(left, x - long / 2));
          const v = Math.min(bottom - 15, Math.max(top, y - 7.5));
          const box = [u, v, u + long, v + 15];
          const cost = 10 * overlap(box) + far + Math.abs(turn);
          if (cost < best.cost) best = { cost, box };
        }
      }
      taken.push(best.box);
      const where = { x: (best.box[0] + best.box[2]) / 2, y: best.box[1] + 12 };
      picture.put(key, "text", { class: `small middle halo ${className}`, ...where }, text);
    },
  };
}
