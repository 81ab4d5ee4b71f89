import { clamp, linear, niceDomain, short, ticks } from "./scale.js";
import { movable } from "./svg.js";

/** Curves over the steps of a run, and a line to drag at the step that is read. */

const TALL = 190;
const GAP = 36;
const LEFT = 46;

/** The value of a path at a step; a path may end early. */
export const atStep = (path, step) => path[clamp(step, 0, path.length - 1)];

/** Panels side by side where there is room, else one above the other; the first starts at `y`. */
export function panels(width, count, y = 0) {
  const columns = clamp(Math.floor(width / 225), 1, count);
  const w = (width - GAP * (columns - 1)) / columns;
  return Array.from({ length: count }, (_, i) => {
    const left = (i % columns) * (w + GAP) + LEFT;
    const top = y + Math.floor(i / columns) * (TALL + 50) + 28;
    return { left, right: left - LEFT + w - 10, top, bottom: top + TALL };
  });
}

/**
 * Draws one panel. `paths` holds the curves, number[] by the class that colours them; `told` is
 * what the line's handle says; `go(to)` moves it, `to` taking the present step to the next one.
 */
export function chart(picture, key, { left, right, top, bottom }, { title, paths, steps, step, told }, go) {
  const domain = niceDomain(Object.values(paths).flat());
  const x = linear([0, steps], [left, right]);
  const y = linear(domain, [bottom, top]);
  const numbers = (name, values, at) =>
    values.forEach((t, i) => picture.put(`${key} ${name} ${i}`, "text", at(t), short(t)));
  picture.layer("ground");
  picture.put(`${key} title`, "text", { class: "title small", x: left - LEFT, y: top - 14 }, title);
  for (const [i, t] of ticks(...domain, 4).entries()) {
    picture.put(`${key} grid ${i}`, "path", { class: "grid", d: `M${left} ${y(t)}H${right}` });
  }
  numbers("y", ticks(...domain, 4), (t) => ({ class: "small end", x: left - 6, y: y(t) + 4 }));
  numbers("x", ticks(0, steps, 4), (t) => ({ class: "small middle", x: x(t), y: bottom + 17 }));
  picture.put(`${key} axis`, "path", { class: "axis", d: `M${left} ${bottom}H${right}` });

  picture.layer("things");
  const at = x(clamp(step, 0, steps));
  const isNew = !picture.has(`${key} hold`);
  const hold = picture.put(`${key} hold`, "g", {
    ...{ transform: `translate(${at} 0)`, "data-x": at, "data-y": 0, "aria-label": "step" },
    ...{ "aria-valuemin": 0, "aria-valuemax": steps, "aria-valuenow": step, "aria-valuetext": told },
  });
  const area = { x: -12, y: top, width: 24, height: bottom - top };
  hold.append(picture.put(`${key} target`, "rect", { class: "target", ...area }));
  hold.append(picture.put(`${key} now`, "path", { class: "axis", d: `M0 ${top}V${bottom}` }));
  hold.scale = x; // the listeners are made once, the scale changes
  if (isNew) {
    movable(hold, {
      level: true,
      move: (u) => go(() => Math.round(hold.scale.invert(u))),
      nudge: (right_, up) => go((now) => now + right_ + up),
    });
  }

  picture.layer("arrows");
  for (const [look, path] of Object.entries(paths)) {
    const d = path.map((v, i) => `${i ? "L" : "M"}${x(i)} ${y(v)}`).join("");
    picture.put(`${key} ${look}`, "path", { class: `${look} hollow line`, d });
    const [cx, cy] = [x(clamp(step, 0, path.length - 1)), y(atStep(path, step))];
    picture.put(`${key} ${look} dot`, "circle", { class: look, cx, cy, r: 5 });
  }
}
