/**
 * An arrow. Its shaft may be dashed (class "cut" or "dashed"), its head is not; the head grows with
 * the arrow. One too short to leave the dot it starts from is drawn beside the dot, at its full
 * length. Nothing is drawn for an arrow of no length.
 *
 * @param {import("./svg.js").Drawing} picture @param {string} key @param {[number, number]} from
 * @param {[number, number]} to @param {object} how
 * @param {string} how.className its meaning, and "part" or "arrow" for its weight
 * @param {number} [how.head] the length of the head, at most
 * @param {number} [how.dot] the radius of the dot that it starts from
 * @param {number} [how.least] a shorter arrow is drawn so long: its direction is what counts
 * @param {[number, number]} [how.side] to which side of the dot a short one goes, a unit vector;
 *   without it, to the left of its direction
 */
export function arrow(picture, key, from, to, { className, head = 9, dot = 0, least = 0, side }) {
  const far = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (!(far > 0.25)) return;
  const unit = [(to[0] - from[0]) / far, (to[1] - from[1]) / far];
  const length = Math.max(far, least);
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
}
