import { enlarger } from "./enlarge.js";
import { memoizer } from "./memo.js";

/**
 * What joins every figure to its model: analyse once a state, draw once a frame, clean up.
 *
 * A figure's script is three functions.
 *
 *   export default makeFigure({ analyse, outputs, mount });
 *
 * `analyse(inputs, memo)` is pure and knows no DOM: from the traits that the figure reads follows
 * everything that is shown. It runs once for each state, however many traits changed in one go and
 * however many views there are. `outputs(analysis)` picks from it the traits handed back. What is
 * costly and does not change at every move, it may memoize: `memo("ground", [a, b], () => …)` makes
 * the value again only when a or b is another one than last time.
 *
 * `mount(el, view)` fills `el` and returns `draw(analysis, width)`, which is called at most once a
 * frame. There `analysis` holds the inputs too, and `width` is in the units of the drawing: where
 * there is room, or the figure is enlarged, the kit draws all of it larger (see `zoomOf`).
 *
 * A listener reads `view.get()` (the inputs) or `view.analysis()` as they are now: what was drawn
 * may be a frame old. `view.set({…})` changes inputs; `view.redraw()` asks for a frame when only
 * the view itself has changed (what is pointed at, a motion under way); `view.again()` analyses
 * again, when something that is kept has moved on by itself (a training).
 *
 * `globalThis.bnWatch`, where a test or a bench has put such a function, is told of every
 * "analysis" and "draw".
 *
 * @typedef {Record<string, any>} Traits
 * @import { Memo } from "./memo.js"
 * @typedef {{get: (name: string) => any, set: (name: string, value: any) => void,
 *   save_changes: () => void, on: (event: string, listener: () => void) => void,
 *   off: (event: string, listener: () => void) => void}} Model what anywidget promises
 */

/**
 * @template {Traits} Inputs
 * @template {Traits} Analysis
 * @typedef {object} View
 * @property {() => Inputs} get the inputs as they are now
 * @property {() => Inputs & Analysis} analysis of the inputs as they are now
 * @property {(changes: Partial<Inputs>) => void} set
 * @property {() => void} redraw in the next frame
 * @property {() => void} again analyses what has moved on by itself, hands it back, redraws
 * @property {() => number} zoom how much larger than life the figure is drawn
 */

/**
 * @template {Traits} Inputs
 * @template {Traits} Analysis
 * @typedef {object} Figure
 * @property {(inputs: Inputs, memo: Memo) => Analysis} analyse
 * @property {(analysis: Inputs & Analysis) => Traits} outputs
 * @property {(el: HTMLElement, view: View<Inputs, Analysis>) =>
 *   (analysis: Inputs & Analysis, width: number) => void} mount
 */

/** @param {"analysis" | "draw"} what */
const notify = (what) => /** @type {any} */ (globalThis).bnWatch?.(what);

/**
 * The model's side of a figure: its analysis, made when it is asked for and at the latest, with
 * the outputs written, before the task ends in which an input changed.
 *
 * @template {Traits} Inputs @template {Traits} Analysis @param {Figure<Inputs, Analysis>} figure
 * @param {Model} model
 */
function analysed({ analyse, outputs }, model) {
  /** @type {string[]} */
  let names = [];
  const memo = memoizer();
  /** @type {Set<() => void>} */
  const views = new Set();
  /** @type {(Inputs & Analysis) | null} */
  let now = null;
  let pending = false;

  const get = () => /** @type {Inputs} */ (Object.fromEntries(names.map((n) => [n, model.get(n)])));
  const analysis = () => {
    if (!now) {
      const inputs = get();
      now = { ...inputs, ...analyse(inputs, memo) };
      notify("analysis");
    }
    return now;
  };
  const flush = () => {
    pending = false;
    for (const [name, value] of Object.entries(outputs(analysis()))) model.set(name, value);
    model.save_changes();
    for (const redraw of views) redraw();
  };
  const changed = () => {
    now = null;
    if (!pending) queueMicrotask(flush);
    pending = true;
  };
  const deaf = () => names.forEach((name) => model.off(`change:${name}`, changed));
  const listen = () => {
    deaf();
    names = model.get("_inputs");
    for (const name of names) model.on(`change:${name}`, changed);
  };
  listen();
  flush();
  // The workbench gives a figure another function, with other inputs
  const renamed = () => {
    listen();
    changed();
  };
  model.on("change:_inputs", renamed);
  return {
    get,
    analysis,
    views,
    // What does change is saved with the outputs that follow from it, in one message
    /** @param {Partial<Inputs>} changes */
    set: (changes) => Object.entries(changes).forEach(([name, v]) => model.set(name, v)),
    again() {
      now = null;
      flush();
    },
    end() {
      deaf();
      model.off("change:_inputs", renamed);
    },
  };
}

const BROAD = 690; // pixels: a figure with more room is drawn larger than life
const TALL = 0.86; // of the window: a picture is not enlarged beyond it
const TIGHT = 560; // pixels: with less room, controls stand below their picture in any window
const LEAST = 220; // units: a narrower picture would have no room for its marks; it shrinks
const NARROW = 330; // units: no picture is drawn narrower, however much it is enlarged
const STAYS = 0.6; // of the window: what stays in sight of a taller picture, while the rest scrolls

/**
 * How much larger than life a figure is drawn: as its room allows, so that a class can read it;
 * twice if it fills the screen.
 * @param {number} pixels the room it has
 * @param {number} height of the drawing as it was drawn last
 * @param {boolean} enlarged
 */
function zoomOf(pixels, height, enlarged) {
  const fits = height ? (TALL * window.innerHeight) / height : Infinity;
  const most = enlarged ? Math.min(2, pixels / NARROW) : Math.min(2, pixels / BROAD, fits);
  return Math.max(1, Math.round(most * 20) / 20);
}

/** The height of a drawing, in units; 0 before it was drawn. @param {HTMLElement} room */
const heightOf = (room) => room.querySelector("svg")?.viewBox.baseVal?.height ?? 0;

/**
 * Sets a variable of the style sheet, if it is another one.
 * @param {HTMLElement} el @param {string} name @param {string} value
 */
function give(el, name, value) {
  if (el.style.getPropertyValue(name) !== value) el.style.setProperty(name, value);
}

/** Tells the style sheet what a box holds. @param {HTMLElement} box @param {HTMLElement} figure */
function mark(box, figure) {
  const holds = {
    "bn-broad": figure.matches(".bn-broad"),
    "bn-several": box.querySelectorAll(":scope > .bn-figure").length > 1,
  };
  for (const [name, is] of Object.entries(holds)) {
    if (is && !box.classList.contains(name)) box.classList.add(name);
  }
}

/**
 * One view of a figure: draws what the model shows, as wide as the page has room.
 *
 * @template {Traits} Inputs @template {Traits} Analysis
 * @param {Figure<Inputs, Analysis>["mount"]} mount
 * @param {ReturnType<typeof analysed<Inputs, Analysis>>} shared @param {HTMLElement} el
 */
function shown(mount, { get, analysis, set, again, views }, el) {
  let frame = 0;
  let zoom = 1;
  let pixels = 0;
  const redraw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
  // To read its width lays the page out: so not at every move
  const resized = () => {
    pixels = 0;
    redraw();
  };
  el.classList.add("bn-figure");
  const draw = mount(el, { get, analysis, set, again, redraw, zoom: () => zoom });
  const picture = /** @type {HTMLElement | null} */ (el.querySelector(":scope > .bn-picture"));
  picture?.append(enlarger({ redraw: resized }));
  el.classList.toggle("bn-pictured", Boolean(picture));
  const room = picture ?? el;
  const paint = () => {
    // With the controls that stand around it, it grows
    const box = /** @type {HTMLElement} */ (el.closest(".bn-box, .bn-enlarged") ?? el);
    mark(box, el);
    // In a card, a tab or a column, the picture and its controls do not fit side by side
    if (!pixels) box.classList.toggle("bn-tight", box.clientWidth < TIGHT);
    pixels ||= room.clientWidth;
    if (!pixels) return; // not laid out yet: the observer calls again
    zoom = zoomOf(pixels, heightOf(room), box.matches(".bn-enlarged"));
    give(box, "--zoom", String(zoom));
    draw(analysis(), Math.max(pixels / zoom, LEAST));
    const over = STAYS * window.innerHeight - zoom * heightOf(room);
    if (picture) give(picture, "--over", `${Math.min(0, Math.round(over))}px`);
    notify("draw");
  };
  views.add(redraw);
  const observer = new ResizeObserver(resized);
  observer.observe(room);
  paint();
  return () => {
    views.delete(redraw);
    observer.disconnect();
    cancelAnimationFrame(frame);
  };
}

/**
 * An anywidget module. It is a function, which anywidget calls once for each model: so all views
 * of a model share its analysis, and models share nothing.
 *
 * @template {Traits} Inputs @template {Traits} Analysis @param {Figure<Inputs, Analysis>} figure
 */
export function makeFigure(figure) {
  return () => {
    /** @type {any} */
    let shared; // by all views: initialize runs before the first render
    return {
      /** @param {{model: Model}} what */
      initialize({ model }) {
        shared = analysed(figure, model);
        return shared.end;
      },
      /** @param {{el: HTMLElement}} what */
      render: ({ el }) => shown(figure.mount, shared, el),
    };
  };
}
