import { forward, indexOf, nested, tensor } from "./interpreter.js";
import { clamp, domainOf, format, linear, short, ticks } from "./scale.js";
import { drawing, html, legend, movable, tell } from "./svg.js";
import { atStep, chart, panels } from "./chart.js";
import { makeFigure, parsed } from "./figure.js";

// --- The stream of batches; no DOM ---------------------------------------------------------------

const LARGEST = 64;

function runGraph(state, name, inputs) {
  const graph = parsed(state.graphs[name]);
  const tensors = Object.entries(inputs).map(([input, value]) => [input, tensor(value)]);
  const values = forward(graph, Object.fromEntries(tensors));
  return {
    output: nested(values[graph.outputs[0]]),
    node: (node) => nested(values[indexOf(graph, node)]),
  };
}

const unscaled = { gamma: 1, beta: 0 };
const train = (state, x) => runGraph(state, "train", { x, ...unscaled });
const evaluation = (state, x, { mean, var: v }) =>
  runGraph(state, "evaluate", { x, ...unscaled, mean, var: v }).output;

const rootMeanSquare = (a, b) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0) / a.length);

/** Float32 numbers out of the bytes of a trait, wherever they lie in their buffer. */
function floats({ buffer, byteOffset, byteLength }) {
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Each step: the batch, the running statistics after it, and how far the two modes disagree. */
function stream(state) {
  const { batch: m, drift, momentum, steps } = state;
  const noise = floats(state.noise);
  const bessel = m > 1 ? m / (m - 1) : 1;
  let now = { mean: 0, var: 1 };
  return Array.from({ length: steps }, (_, k) => {
    const x = Array.from(noise.subarray(k * LARGEST, k * LARGEST + m), (v) => drift * k + v);
    const { output, node } = train(state, x);
    const follow = (running, batch) => runGraph(state, "follow", { running, batch, momentum }).output;
    now = { mean: follow(now.mean, node("mu")), var: follow(now.var, bessel * node("var")) };
    return { ...now, x, truth: drift * k, mismatch: rootMeanSquare(output, evaluation(state, x, now)) };
  });
}

function analyse(state) {
  const run = stream(state);
  const here = atStep(run, state.step);
  const x = here.x.map((v) => v + state.shift);
  const [y_train, y_eval] = [train(state, x).output, evaluation(state, x, here)];
  return { run, here, x, y_train, y_eval, mismatch: rootMeanSquare(y_train, y_eval) };
}

function compute(state) {
  const { here, y_train, y_eval, mismatch } = analyse(state);
  return { mean: here.mean, var: here.var, y_train, y_eval, mismatch };
}

// --- The picture ---------------------------------------------------------------------------------

const LANE = 46;
const REACH = 5; // the batch can be dragged so far from where it lay

function mount(el, hand) {
  const picture = drawing("A batch in training mode and in evaluation mode, and the running statistics");
  const reset = html("button", { type: "button", click: () => hand.set({ shift: 0 }) }, "Put the batch back");
  const keys = html(
    ...["div", { class: "bar" }, reset],
    ...[
      ["data", "samples, and the truth"],
      ["mean", "running mean"],
      ["variance", "running variance"],
      ["ink", "mismatch"],
    ].map(([look, text]) => legend(look, text)),
  );
  const readout = html("p", { class: "readout" });
  el.append(picture.root, keys, readout);
  let shown;
  let held = null;

  function lane(key, i, width, domain, title, values) {
    const y = 30 + i * (LANE + 22);
    const scale = linear(domain, [20, width - 20]);
    picture.layer("ground");
    picture.put(`${key} title`, "text", { class: "small title", x: 0, y: y - 14 }, title);
    for (const [k, t] of ticks(...domain, width / 80).entries()) {
      picture.put(`${key} tick ${k}`, "path", { class: "grid", d: `M${scale(t)} ${y - 8}V${y + 18}` });
      picture.put(`${key} number ${k}`, "text", { class: "small middle", x: scale(t), y: y + 32 }, short(t));
    }
    picture.put(`${key} axis`, "path", { class: "axis", d: `M0 ${y + 16}H${width}` });
    picture.layer("samples");
    values.forEach((v, k) => picture.put(`${key} ${k}`, "circle", { class: "data many", cx: scale(clamp(v, ...domain)), cy: y + 4, r: 5 }));
    return { y, scale };
  }

  function draw(state, width) {
    shown = { ...state, ...analyse(state), width };
    const { run, here, x, y_train, y_eval, mismatch, steps, step, shift, batch } = shown;
    const domain = held ?? domainOf([...x, here.truth, here.mean]);
    const outputs = domainOf([...y_train, ...y_eval]);
    const top = 3 * (LANE + 22) + 16;
    const place = panels(width, 3, top);
    picture.size(width, place.at(-1).bottom + 24);
    for (const layer of ["ground", "samples", "things", "arrows"]) picture.layer(layer);

    const input = lane("x", 0, width, domain, "Inputs: this step's batch (drag its mean)", x);
    lane("train", 1, width, outputs, "Training mode: by its own statistics", y_train);
    lane("eval", 2, width, outputs, "Evaluation mode: by the running statistics", y_eval);

    picture.layer("things");
    const mark = (key, v, look) => {
      const at = input.scale(clamp(v, ...domain));
      picture.put(key, "path", { class: `${look} line`, d: `M${at} ${input.y - 10}V${input.y + 18}` });
    };
    mark("truth", here.truth, "data");
    mark("running mean", here.mean, "mean");
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    const at = input.scale(clamp(mean, ...domain));
    const told = `moved by ${format(shift, 2)}; mismatch ${format(mismatch)}`;
    const isNew = !picture.has("batch");
    const knob = picture.put("batch", "g", {
      ...{ transform: `translate(${at} ${input.y + 4})`, "data-x": at, "data-y": input.y, "aria-label": "the batch" },
      ...{ "aria-valuemin": -REACH, "aria-valuemax": REACH, "aria-valuenow": shift, "aria-valuetext": told },
    });
    knob.append(picture.put("batch target", "circle", { class: "target", r: 14 }));
    knob.append(picture.put("batch disc", "path", { class: "data", d: "M0 -9L9 0L0 9L-9 0Z" }));
    Object.assign(shown, { domain, scale: input.scale, mean });
    if (isNew) {
      const to = (v) => hand.set({ shift: clamp(v, -REACH, REACH) });
      movable(knob, {
        move: (u) => {
          held ??= shown.domain;
          to(shown.scale.invert(u) - shown.mean + shown.shift);
        },
        nudge: (right, up) => to(hand.get().shift + 0.1 * (right + up)),
        done: () => {
          held = null;
          draw(hand.get(), shown.width);
        },
      });
    }

    const words =
      `Step ${step}, batches of ${batch}: running mean ${format(here.mean)}, off by ${format(here.mean - here.truth)}; ` +
      `running variance ${format(here.var)}, off by ${format(here.var - 1)}. The two modes differ by ${format(mismatch)} (root mean square).` +
      (batch === 1 ? " A batch of one has variance 0: in training mode its output is β, whatever the input." : "");
    const path = (name) => run.map((r) => r[name]);
    const go = (to) => {
      const now = hand.get();
      hand.set({ step: clamp(to(now.step), 0, now.steps - 1), shift: 0 });
    };
    const shared = { steps: steps - 1, step, told: words };
    chart(picture, "mean", place[0], { title: "running mean", paths: { data: path("truth"), mean: path("mean") }, ...shared }, go);
    chart(picture, "var", place[1], { title: "running variance", paths: { data: run.map(() => 1), variance: path("var") }, ...shared }, go);
    chart(picture, "off", place[2], { title: "mismatch of the two modes", paths: { ink: path("mismatch") }, ...shared }, go);
    picture.sweep();
    tell(readout, words);
  }
  return draw;
}

export default makeFigure({ compute, mount });
