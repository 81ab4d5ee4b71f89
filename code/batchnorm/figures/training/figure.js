import { makeFigure } from "../kit/figure.js";
import { bar, button, legend, stage } from "../kit/panel.js";
import { format, listed } from "../kit/scale.js";
import { html, setText } from "../kit/svg.js";
import { analyse, outputs } from "./model.js";
import { gauge, layout, losses, planes } from "./view.js";

/** @import { Mount, Shown, View } from "./model.js" */

const MOST = 100_000; // steps
const CHOICES = { class: "bar choices", role: "group", "aria-label": "variant to look at" };
const FRAME = 8; // milliseconds of work a frame: half of it, at 60 a second
const LEAST = FRAME / 4; // of training
/** @type {("drift" | "length" | "angle")[]} */
const GAUGES = ["drift", "length", "angle"];

/** The message, and its numbers. @param {Shown} shown */
function summary({ runs, taken, done }) {
  const gone = runs.filter(({ diverged }) => diverged !== null);
  const going = runs.filter(({ diverged }) => diverged === null);
  const ends = gone.map(({ name, diverged }) => `${name} diverged at step ${diverged}`);
  const fate = listed(ends);
  const verdict = () => {
    if (!done) return fate ? `Training goes on: ${fate}.` : "Training.";
    if (!taken && !fate) return "Nothing has been trained yet: press Run.";
    if (!going.length) return `${fate}: nothing is left to train.`;
    const best = going.reduce((a, b) => ((a.now.loss ?? 0) <= (b.now.loss ?? 0) ? a : b));
    const loss = format(best.now.loss ?? 0);
    const alone =
      runs.length === 1 ? `the loss is ${loss}` : `${best.name} has the lowest loss, ${loss}`;
    return `After ${taken} ${taken === 1 ? "step" : "steps"} ${alone}${fate && `; ${fate}`}.`;
  };
  const cut = runs.some(({ now }) => now.angle !== null);
  /** @param {number | null} v @param {number} digits */
  const shown = (v, digits, unit = "") => (v === null ? "–" : format(v, digits) + unit);
  /** @param {number} v three digits of it: there are five columns beside the picture */
  const short = (v) => shown(v, Math.abs(v) < 9.995 ? 2 : Math.abs(v) < 99.95 ? 1 : 0);
  const rows = runs.map(({ name, now, diverged }) => [
    name,
    diverged === null ? shown(now.loss, 3) : `diverged (${diverged})`,
    now.accuracy === null ? "–" : `${Math.round(100 * now.accuracy)}%`,
    ...[now.drift, now.length].map(short),
    ...(cut ? [shown(now.angle, 0, "°")] : []),
  ]);
  const head = ["", "loss", "test", "drift", "‖w‖", ...(cut ? ["angle"] : [])];
  return { verdict: verdict(), rows, head };
}

/**
 * Trains a little in each frame while the picture is in sight, until all steps are taken. Readers
 * who asked for less motion see the end at once, unless they press Run; and so does who prints.
 * @param {View} view
 * @param {Element} el what has to be in sight
 * @param {() => void} paint
 */
function ticker(view, el, paint) {
  let asked = false; // for a frame
  let seen = false;
  let drawn = 0; // milliseconds that the last picture took
  let due = 0; // when the next one is due
  /** @type {Shown | undefined} */
  let last; // what was shown when it had trained
  const self = {
    moves: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    /** Goes on, if there is anything to be done. */
    arm() {
      const { done } = view.analysis();
      if (asked || !seen || done) return;
      asked = true;
      requestAnimationFrame(work);
    },
    /** @param {() => void} draw */
    timed(draw) {
      const began = performance.now();
      draw();
      drawn = performance.now() - began;
      due = began + 3 * drawn; // where drawing is slow, not in every frame
    },
  };
  function work() {
    asked = false;
    const now = view.analysis();
    const { trainer, steps, done } = now;
    if (!seen || done) return;
    // A frame that shows what a control did has done its work; in a drag, the next one starts again
    const moved = now !== last;
    const shows = self.moves && !moved && performance.now() >= due;
    trainer.run(steps, moved ? LEAST : shows ? Math.max(LEAST, FRAME - drawn) : FRAME);
    if (shows || trainer.taken() >= steps || trainer.ended()) view.again();
    last = view.analysis();
    self.arm();
  }
  new IntersectionObserver((entries) => {
    seen = entries.at(-1)?.isIntersecting ?? false;
    self.arm();
  }).observe(el);
  const finish = () => {
    if (!el.isConnected) return window.removeEventListener("beforeprint", finish);
    const { trainer, steps, done } = view.analysis();
    if (done) return;
    trainer.run(steps);
    view.again();
    paint(); // there is no frame before a page is printed
  };
  window.addEventListener("beforeprint", finish);
  return self;
}

/** @type {Mount} */
function mount(el, view) {
  const title = "Small nets while they are trained: decision boundaries, losses, what else moves";
  // A button for each variant: pressed, its curve and its boundary stand out
  const keys = legend(CHOICES, (chosen) => view.set({ chosen }));
  const halt = () => view.set({ steps: view.analysis().trainer.reached() });
  const isRunning = () => !view.analysis().done;
  const run = button("Run", () => {
    const { taken, most } = view.analysis();
    if (isRunning()) return halt();
    work.moves = true;
    view.set({ steps: taken < most ? most : Math.min(taken + most, MOST) });
  });
  const step = () => {
    const { taken } = view.analysis();
    view.set({ steps: Math.min(taken + 1, MOST) });
  };
  const again = () => view.set({ seed: (view.get().seed + 1) % 2 ** 32 });
  const count = html("span", { class: "count" });
  const buttons = [
    run,
    button("Step", step),
    button("Reset", () => view.set({ steps: 0 })),
    button("New seed", again),
  ];
  const { picture, finish } = stage(el, view, title, [bar(...buttons, count), keys.root]);
  el.classList.add("bn-full");
  let width = 0; // that was drawn last
  const work = ticker(view, picture.root, () => {
    if (width) paint(view.analysis(), width);
  });

  /** @param {Shown} shown @param {number} width */
  const paint = (shown, width) => {
    const { plots, taken, seed, runs, chosen } = shown;
    const place = layout(
      width,
      plots,
      runs.map(({ name }) => name),
    );
    const { places } = place;
    picture.size(width, place.height);
    planes(picture, place.planes, shown);
    if (places.loss) losses(picture, places.loss, shown);
    for (const name of GAUGES) {
      const place = places[name];
      if (place) gauge(picture, name, place, shown);
    }
    keys.show(runs.map(({ look, name }) => [look, name]));
    [...keys.root.children].forEach((node, i) => {
      node.setAttribute("aria-pressed", String(i === chosen));
    });
    setText(run, isRunning() ? "Pause" : "Run");
    setText(count, `step ${taken}, seed ${seed}`);
    finish(summary(shown));
  };
  return function draw(shown, units) {
    width = units;
    work.timed(() => paint(shown, width));
    work.arm();
  };
}

export default makeFigure({ analyse, outputs, mount });
