import { motion } from "../kit/motion.js";
import { bar, button } from "../kit/panel.js";
import { html, setText } from "../kit/svg.js";
import { say } from "../kit/words.js";

/**
 * For someone who sees the figure first: one switch, one button, and a few stops that show what
 * there is to see. Each stop sets the figure's state; whoever would rather play ignores them.
 *
 * @import { Inputs, View } from "./model.js"
 * @typedef {{label: string, caption: string, changes: Partial<Inputs>}} Stop from the start state
 * @typedef {{step: () => void, reset: () => void}} Act
 */

/**
 * Two buttons for the mean's path. Steps that were taken are taken again along the other gradient,
 * so that one sees what the path was good for.
 * @param {View} view @param {Act} act
 */
function pathSwitch(view, act) {
  const choose = (/** @type {boolean} */ flow) => {
    const { x, trail, flow_through_mean: flows } = view.get();
    if (flow === flows) return;
    view.set({ flow_through_mean: flow, x: trail[0] ?? x, trail: [], steps: 0 });
    for (const _ of trail) act.step();
  };
  const buttons = [true, false].map((flow) => ({
    flow,
    node: button(flow ? say("whole") : say("cut"), () => choose(flow)),
  }));
  const nodes = buttons.map(({ node }) => node);
  const name = say("The mean’s path");
  const root = html("div", { class: "switch", role: "group", "aria-label": name }, name, ...nodes);
  const show = (/** @type {boolean} */ flows) => {
    for (const { node, flow } of buttons) node.setAttribute("aria-pressed", String(flow === flows));
  };
  return { root, show };
}

/**
 * The stops, numbered, and what the one chosen last has to say.
 * @param {Inputs["tour"]} tour @param {View} view @param {Act} act
 */
function stops(tour, view, act) {
  const hint = say("Three steps show the idea. Or just drag a blue dot.");
  const caption = html("p", { class: "tour-caption", "aria-live": "polite" }, hint);
  let at = -1;
  /** The samples glide to their places, if nothing was chosen since. @param {number[]} to */
  const glide = (to) => {
    const from = view.get().x;
    const mine = at;
    const moved = motion({ redraw: () => requestAnimationFrame(move) }, 600);
    const move = () => {
      if (mine !== at) return;
      const part = moved.part();
      view.set({ x: from.map((v, i) => v + part * (to[i] - v)) });
    };
    moved.start();
    move();
  };
  const choose = (/** @type {number} */ i) => {
    const [x, dy] = view.get().start;
    const { steps = 0, x: to, ...changes } = tour[i].changes;
    at = i;
    view.set({ flow_through_mean: true, flow_through_variance: true, ...changes });
    view.set({ x, dy, trail: [], steps: 0 });
    for (let k = 0; k < steps; k++) act.step();
    if (to) glide(to);
    setText(caption, say(tour[i].caption));
    nodes.forEach((node, k) => node.setAttribute("aria-pressed", String(k === i)));
  };
  const nodes = tour.map(({ label }, i) => button(say(label), () => choose(i)));
  const list = html("ol", { class: "stops" }, ...nodes.map((node) => html("li", {}, node)));
  return html("div", { class: "tour" }, list, caption);
}

/**
 * What is below the picture of a figure with a tour.
 * @param {View} view @param {Act} act
 */
export function guide(view, act) {
  const { tour } = view.get();
  const { root, show } = pathSwitch(view, act);
  const buttons = bar(root, button(say("Take a step"), act.step), button(say("Reset"), act.reset));
  buttons.classList.add("wide");
  return { parts: [buttons, stops(tour, view, act)], show };
}
