import { inside, lengthOf } from "./labels.js";
import { clamp } from "./scale.js";

/** @import { Room } from "./labels.js" */

const STUB = 18; // units: what is seen of an arrow that lies outside

/**
 * The part of a line that lies in a room, and whether that is all of it; a stub at the edge if
 * there is none.
 * @param {number[]} from @param {number[]} to @param {Room} room
 */
export function clipped(from, to, room) {
  const lows = [room.left, room.top];
  const highs = [room.right, room.bottom];
  const [start, end] = inside(room, from, to);
  const at = (/** @type {number} */ t) => from.map((v, k) => v + t * (to[k] - v));
  const far = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const whole = start === 0 && end === 1;
  if (whole || (end - start) * far >= STUB) return { whole, from: at(start), to: at(end) };
  // It lies beyond an edge, or all but does: a stub that ends at the edge
  const tip = [0, 1].map((k) => Math.min(highs[k], Math.max(lows[k], at(Math.max(start, end))[k])));
  return { whole, from: tip.map((v, k) => v - (STUB * (to[k] - from[k])) / far), to: tip };
}

/**
 * An arrow. Its shaft may be dashed (class "cut" or "dashed"), its head is not; the head grows with
 * the arrow. One too short to leave the dot it starts from is drawn beside the dot, at its full
 * length. Nothing is drawn for an arrow of no length. One that leaves the room that it has ends at
 * the edge: a break across its shaft says that it is longer, and its number says how long.
 * Returns what is seen of it, and where its number is: its left end, its line, its length.
 *
 * @param {import("./svg.js").Drawing} picture @param {string} key @param {[number, number]} start
 * @param {[number, number]} tip @param {object} how
 * @param {string} how.className its meaning, and "part" or "arrow" for its weight
 * @param {number} [how.head] the length of the head, at most
 * @param {number} [how.dot] the radius of the dot that it starts from
 * @param {number} [how.least] a shorter arrow is drawn so long: its direction is what counts
 * @param {[number, number]} [how.side] to which side of the dot a short one goes, a unit vector;
 *   without it, to the left of its direction
 * @param {Room} [how.within] the room that it has
 * @param {string} [how.value] its number, written where it breaks
 */
export function arrow(picture, key, start, tip, how) {
  const { className, head = 9, dot = 0, least = 0, side, within, value } = how;
  const far = Math.hypot(tip[0] - start[0], tip[1] - start[1]);
  if (!(far > 0.25)) return;
  const unit = [(tip[0] - start[0]) / far, (tip[1] - start[1]) / far];
  const seen = within && Number.isFinite(far) ? clipped(start, tip, within) : null;
  const { from, to } = seen ?? { from: start, to: tip };
  const length = Math.max(Math.hypot(to[0] - from[0], to[1] - from[1]), least);
  const normal = side ?? [unit[1], -unit[0]];
  const aside = length < dot + 4 ? dot + 5 : 0;
  const x = from[0] + normal[0] * aside;
  const y = from[1] + normal[1] * aside;
  const size = Math.min(head, Math.max(3, 0.7 * length));
  const at = (/** @type {number} */ along, /** @type {number} */ across) =>
    `${(x + unit[0] * along - unit[1] * across).toFixed(2)} ` +
    `${(y + unit[1] * along + unit[0] * across).toFixed(2)}`;
  const neck = length - size;
  const wing = size * 0.5;
  if (neck > 0.5) {
    const d = `M${at(0, 0)}L${at(neck, 0)}`;
    picture.put(`${key} shaft`, "path", { class: `${className} shaft`, d });
  }
  const d = `M${at(length, 0)}L${at(neck, wing)}L${at(neck, -wing)}Z`;
  picture.put(`${key} head`, "path", { class: `${className} head`, d });
  /** @type {{from: number[], to: number[], broken: boolean, value?: [number, number, number]}} */
  const shown = { from, to, broken: seen !== null && !seen.whole };
  if (!shown.broken) return shown;
  const slash = (/** @type {number} */ along) => `M${at(along - 2, 5)}L${at(along + 2, -5)}`;
  const middle = neck / 2;
  const gap = `M${at(middle - 2, 0)}L${at(middle + 2, 0)}`;
  picture.put(`${key} gap`, "path", { class: "gap", d: gap });
  const lines = { class: "break", d: slash(middle - 3) + slash(middle + 3) };
  picture.put(`${key} break`, "path", lines);
  if (!value || !within) return shown;
  const long = lengthOf(value);
  const back = Math.abs(unit[0]) < 0.3 ? long / 2 : unit[0] > 0 ? long : 0;
  const left = clamp(to[0] - unit[0] * 4 - back, within.left + 2, within.right - long - 2);
  const line = clamp(to[1] - 6, within.top + 12, within.bottom - 4);
  picture.text(`${key} value`, "small middle halo", left + long / 2, line, value);
  return { ...shown, value: /** @type {[number, number, number]} */ ([left, line, long]) };
}

/**
 * How long an arrow of 1 is: a bar, and what it says.
 * @param {import("./svg.js").Drawing} picture @param {string} key
 * @param {number} x where the bar begins @param {number} y
 * @param {number} unit how long it is @param {string} text to the right of it
 */
export function scaleBar(picture, key, x, y, unit, text) {
  const d = `M${x} ${y - 4}V${y + 4}M${x} ${y}H${x + unit}M${x + unit} ${y - 4}V${y + 4}`;
  picture.put(`${key} bar`, "path", { class: "gradient hollow round", d });
  picture.text(`${key} bar text`, "small", x + unit + 8, y + 4, text);
}
