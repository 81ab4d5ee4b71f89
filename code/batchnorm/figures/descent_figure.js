import { backward, forward, indexOf, leaving, tensor } from "./interpreter.js";
import { clamp, format, linear, niceDomain, short, ticks } from "./scale.js";
import { drawing, html, movable } from "./svg.js";
import { makeFigure, parsed } from "./figure.js";

// --- The descents; no DOM -----------------------------------------------------------------------

const HOW = { gradient: "the whole gradient", cut: "the cut gradient" };

/** The watched values at every step of one descent: {name: number[]}. Ends where one is not finite. */
function descend({ graph: text, given, train, watch, rate, steps }, cutNames) {
  const graph = parsed(text);
  const cut = new Set(cutNames.flatMap((name) => leaving(graph, name)));
  const inputs = Object.fromEntries(Object.entries(given).map(([name, v]) => [name, tensor(v)]));
  const output = graph.outputs[0];
  const at = watch.map((name) => (name === "loss" ? output : indexOf(graph, name)));
  const paths = watch.map(() => []);
  for (let step = 0; step <= steps; step++) {
    const values = forward(graph, inputs);
    if (!values.every(({ data }) => data.every(Number.isFinite))) break;
    at.forEach((node, k) => paths[k].push(values[node].data[0]));
    const { grads } = backward(graph, values, [tensor(1)], cut);
    for (const name of train) {
      const d = grads[indexOf(graph, name)].data;
      const { shape, data } = inputs[name];
      inputs[name] = { shape, data: data.map((v, i) => v - rate * d[i]) };
    }
  }
  return Object.fromEntries(watch.map((name, k) => [name, paths[k]]));
}

const atStep = (path, step) => path[clamp(step, 0, path.length - 1)];

const analyse = (state) => ({ gradient: descend(state, []), cut: descend(state, state.cut) });

function compute(state) {
  const { gradient, cut } = analyse(state);
  const pair = (name) => [atStep(gradient[name], state.step), atStep(cut[name], state.step)];
  return { now: Object.fromEntries(state.watch.map((name) => [name, pair(name)])) };
}

// --- The picture --------------------------------------------------------------------------------

const TALL = 190;
const GAP = 36;
const LEFT = 46;

/** Panels side by side where there is room, else one above the other. */
function panels(width, count) {
  const columns = clamp(Math.floor(width / 280), 1, count);
  const w = (width - GAP * (columns - 1)) / columns;
  return Array.from({ length: count }, (_, i) => {
    const [left, top] = [(i % columns) * (w + GAP) + LEFT, Math.floor(i / columns) * (TALL + 50) + 28];
    return { left, right: left - LEFT + w - 10, top, bottom: top + TALL };
  });
}

function mount(el, hand) {
  const picture = drawing("Gradient descent step by step, with the whole gradient and with a cut one");
  const keys = html("div", { class: "bar" });
  const readout = html("p", { class: "readout", "aria-live": "polite" });
  const go = (by) => () => {
    const { step, steps } = hand.get();
    hand.set({ step: clamp(step + by, 0, steps) });
  };
  const bar = html(
    ...["div", { class: "bar" }],
    ...[html("button", { type: "button", click: go(-1) }, "Back"), html("button", { type: "button", click: go(1) }, "Step")],
    ...[html("button", { type: "button", click: () => hand.set({ step: 0 }) }, "To the start"), keys],
  );
  el.append(picture.root, bar, readout);
  let shown;

  function panel(name, k, { left, right, top, bottom }) {
    const { steps, step } = shown;
    const paths = Object.fromEntries(Object.keys(HOW).map((how) => [how, shown[how][name]]));
    const domain = niceDomain(Object.values(paths).flat());
    const x = linear([0, steps], [left, right]);
    const y = linear(domain, [bottom, top]);
    picture.layer("ground");
    picture.put(`title ${k}`, "text", { class: "title small", x: left - LEFT, y: top - 14 }, shown.titles[name] ?? name);
    for (const [i, t] of ticks(...domain, 4).entries()) {
      picture.put(`${k} y ${i}`, "path", { class: "grid", d: `M${left} ${y(t)}H${right}` });
      picture.put(`${k} y number ${i}`, "text", { class: "small end", x: left - 6, y: y(t) + 4 }, short(t));
    }
    for (const [i, t] of ticks(0, steps, 4).entries()) {
      picture.put(`${k} x number ${i}`, "text", { class: "small middle", x: x(t), y: bottom + 17 }, short(t));
    }
    picture.put(`${k} axis`, "path", { class: "axis", d: `M${left} ${bottom}H${right}` });
    picture.layer("things");
    const at = x(clamp(step, 0, steps));
    const hold = picture.put(`${k} hold`, "g", {
      ...{ transform: `translate(${at} 0)`, "data-x": at, "data-y": 0, "aria-label": "step" },
      ...{ "aria-valuemin": 0, "aria-valuemax": steps, "aria-valuenow": step, "aria-valuetext": shown.told },
    });
    hold.append(picture.put(`${k} target`, "rect", { class: "target", x: -12, y: top, width: 24, height: bottom - top }));
    hold.append(picture.put(`${k} now`, "path", { class: "axis", d: `M0 ${top}V${bottom}` }));
    shown.x = x;
    if (!hold.classList.contains("bn-movable")) {
      movable(hold, {
        move: (to) => hand.set({ step: clamp(Math.round(shown.x.invert(to)), 0, shown.steps) }),
        nudge: (right_, up) => go(right_ + up)(),
      });
    }
    picture.layer("arrows");
    for (const [how, path] of Object.entries(paths)) {
      const d = path.map((v, i) => `${i ? "L" : "M"}${x(i)} ${y(v)}`).join("");
      picture.put(`${k} ${how}`, "path", { class: `${how} hollow line`, d });
      picture.put(`${k} ${how} dot`, "circle", { class: how, cx: x(clamp(step, 0, path.length - 1)), cy: y(atStep(path, step)), r: 5 });
    }
  }

  return function draw(state, width) {
    shown = { ...state, ...analyse(state), titles: { loss: "the loss" } };
    const { watch, step, gradient, cut } = shown;
    const values = watch.map((name) => `${name} = ${format(atStep(gradient[name], step))} with ${HOW.gradient}, ${format(atStep(cut[name], step))} with ${HOW.cut}`);
    shown.told = `Step ${step}: ${values.join("; ")}.`;
    if (cut[watch[0]].length <= state.steps) shown.told += " The cut descent leaves the range of numbers.";
    const place = panels(width, watch.length);
    picture.size(width, place.at(-1).bottom + 24);
    for (const layer of ["ground", "things", "arrows"]) picture.layer(layer);
    watch.forEach((name, k) => panel(name, k, place[k]));
    picture.sweep();
    keys.replaceChildren(
      ...Object.entries(HOW).map(([how, text]) => html("span", { class: "key", style: `--swatch: var(--bn-${how})` }, text)),
    );
    if (readout.textContent !== shown.told) readout.textContent = shown.told;
  };
}

export default makeFigure({ compute, mount });
