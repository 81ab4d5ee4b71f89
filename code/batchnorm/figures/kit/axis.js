import { lengthOf } from "./labels.js";

/**
 * An axis: its line, ticks or a grid, and their numbers. A number that would lie on the one before
 * is not written. It lies level below what it measures, or
 * upright to the left of it; how it counts (evenly, in powers of ten, in degrees) the scale knows.
 *
 * @param {import("./svg.js").Drawing} picture @param {string} key @param {object} of
 * @param {import("./scale.js").Scale} of.scale
 * @param {number} of.at the line's y; of an upright axis, its x
 * @param {[number, number]} [of.grid] from where to where lines cross the plot at each tick;
 *   without it there are short ticks
 * @param {boolean} [of.upright]
 * @param {string} [of.title] what is measured: at the end of a level axis, above an upright one
 * @param {number} [of.count] how many ticks, about; as many as have room
 * @param {number[]} [of.values] the ticks themselves, where round numbers are not what counts
 * @param {(v: number) => string} [of.text] how to write one
 */
export function axis(picture, key, of) {
  const { scale, at, grid, upright = false, title } = of;
  const from = Math.min(...scale.range);
  const to = Math.max(...scale.range);
  const count = of.count ?? Math.max(2, Math.floor((to - from) / (upright ? 40 : 45)));
  const [start, end] = grid ?? (upright ? [at - 4, at] : [at, at + 4]);
  let taken = -Infinity; // up to where a level axis has numbers
  for (const [i, v] of (of.values ?? scale.ticks(count)).entries()) {
    const place = scale(v);
    const line = upright ? `M${start} ${place}H${end}` : `M${place} ${start}V${end}`;
    picture.put(`${key} tick ${i}`, "path", { class: grid ? "grid" : "axis", d: line });
    const where = upright
      ? { class: "small end", x: at - 6, y: place + 4 }
      : { class: "small middle", x: place, y: at + 17 };
    const text = (of.text ?? scale.text)(v);
    const half = lengthOf(text) / 2;
    if (!upright && place - half < taken) continue;
    taken = place + half;
    picture.put(`${key} number ${i}`, "text", where, text);
  }
  const line = upright ? `M${at} ${from}V${to}` : `M${from} ${at}H${to}`;
  picture.put(`${key} axis`, "path", { class: "axis", d: line });
  if (title === undefined) return;
  const where = upright
    ? { class: "small title", x: Math.max(0, at - 46), y: from - 14 }
    : { class: "small end", x: to, y: at + 33 };
  picture.put(`${key} title`, "text", where, title);
}
