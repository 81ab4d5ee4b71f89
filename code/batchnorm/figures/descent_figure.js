import { backward, forward, indexOf, leaving, tensor } from "./interpreter.js";
import { atStep, chart, panels } from "./chart.js";
import { clamp, format } from "./scale.js";
import { drawing, html, legend, tell } from "./svg.js";
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

const analyse = (state) => ({ gradient: descend(state, []), cut: descend(state, state.cut) });

function compute(state) {
  const { gradient, cut } = analyse(state);
  const pair = (name) => [atStep(gradient[name], state.step), atStep(cut[name], state.step)];
  return { now: Object.fromEntries(state.watch.map((name) => [name, pair(name)])) };
}

// --- The picture --------------------------------------------------------------------------------

function mount(el, hand) {
  const picture = drawing("Gradient descent step by step, with the whole gradient and with a cut one");
  const keys = html("div", { class: "bar" });
  const readout = html("p", { class: "readout", "aria-live": "polite" });
  const go = (to) => {
    const { step, steps } = hand.get();
    hand.set({ step: clamp(to(step), 0, steps) });
  };
  const button = (text, to) => html("button", { type: "button", click: () => go(to) }, text);
  const buttons = [button("Back", (now) => now - 1), button("Step", (now) => now + 1), button("To the start", () => 0)];
  const bar = html("div", { class: "bar" }, ...buttons, keys);
  el.append(picture.root, bar, readout);

  return function draw(state, width) {
    const { watch, step, steps } = state;
    const { gradient, cut } = analyse(state);
    const each = watch.map((name) => {
      const [whole, part] = [gradient, cut].map((paths) => format(atStep(paths[name], step)));
      return `${name} = ${whole} with ${HOW.gradient}, ${part} with ${HOW.cut}`;
    });
    let told = `Step ${step}: ${each.join("; ")}.`;
    if (cut[watch[0]].length <= steps) told += " The cut descent leaves the range of numbers.";
    const place = panels(width, watch.length);
    picture.size(width, place.at(-1).bottom + 24);
    for (const layer of ["ground", "things", "arrows"]) picture.layer(layer);
    watch.forEach((name, k) => {
      const paths = { gradient: gradient[name], cut: cut[name] };
      const title = name === "loss" ? "the loss" : name;
      chart(picture, k, place[k], { title, paths, steps, step, told }, go);
    });
    picture.sweep();
    keys.replaceChildren(
      ...Object.entries(HOW).map(([how, text]) => legend(how, text)),
    );
    tell(readout, told);
  };
}

export default makeFigure({ compute, mount });
