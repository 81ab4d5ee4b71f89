import { enlarger } from "./enlarge.js";
import { memoizer } from "./memo.js";
import { menu } from "./menu.js";
import { hold, release } from "./panel.js";
import { bring } from "./words.js";

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
 * there is room, or the figure is enlarged, the kit draws all of it larger (see `layout`).
 *
 * A listener reads `view.get()` (the inputs) or `view.analysis()` as they are now: what was drawn
 * may be a frame old. `view.set({…})` changes inputs; `view.redraw()` asks for a frame when only
 * the view itself has changed (what is pointed at, a motion under way); `view.again()` analyses
 * again, when something that is kept has moved on by itself (a training).
 *
 * `globalThis.bnWatch`, where a test or a bench has put such a function, is called for every
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
 * @property {(width?: number, height?: number) => number} zoom how much larger than life the figure
 *   is drawn, if its drawing has this size
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
    unfolded: () => Boolean(model.get("unfolded")),
    more: () => menu(model),
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
const TALL = 0.62; // of the window: what a picture takes at most, if its controls are below it
const LEAST = 220; // units: a narrower picture would have no room for its marks; it shrinks
const NARROW = 330; // units: no picture is drawn narrower, however much it is enlarged
const STAYS = 0.6; // of the window: what stays in sight of a taller picture, while the rest scrolls
const WIDE = 760; // pixels: a box with less room has no side column
const SQUARE = 1.75; // a picture that is less wide than so many times its height leaves room beside
const MOST = 2.4; // times larger than life: no figure is drawn larger
const BAND = 0.4; // of the screen: what a broad figure takes that does not fill it alone

/** The height of a drawing, in units; 0 before it was drawn. @param {HTMLElement} room */
const heightOf = (room) => room.querySelector("svg")?.viewBox.baseVal?.height ?? 0;

/** To a twentieth, so that figures of almost the same width look the same. @param {number} zoom */
const rounded = (zoom) => Math.max(1, Math.floor(zoom * 20) / 20);

/**
 * Sets a variable of the style sheet, if it is another one.
 * @param {HTMLElement} el @param {string} name @param {string} value
 */
function give(el, name, value) {
  if (el.style.getPropertyValue(name) !== value) el.style.setProperty(name, value);
}

/**
 * Tells the style sheet what a box holds. A figure that is still to come counts already: else the
 * first would be laid out as if it were alone, and jump aside for the second.
 * @param {HTMLElement} box @param {HTMLElement} figure
 */
function mark(box, figure) {
  const several = box.querySelectorAll(":scope > :is(.bn-figure, .bn-anywidget)").length > 1;
  const holds = {
    "bn-alone": box === figure,
    "bn-broad": figure.matches(".bn-broad"),
    "bn-several": several,
    "bn-single": !several,
  };
  for (const [name, is] of Object.entries(holds)) {
    if (is && !box.classList.contains(name)) box.classList.add(name);
  }
  if (several) box.classList.remove("bn-single"); // where the second came without notice
}

/**
 * What a figure takes of the height of the screen that its box fills: all of it, beside another one
 * too. Only above or below a broad one they share it.
 * @param {HTMLElement} box @param {HTMLElement} figure
 */
function shareOf(box, figure) {
  const count = box.querySelectorAll(".bn-picture").length;
  if (count < 2 || !box.matches(".bn-broad")) return 1;
  return figure.matches(".bn-broad") ? BAND : (1 - BAND) / (count - 1);
}

/**
 * Where a picture and what belongs to it go, and how large it is drawn: by its shape. A wide,
 * short picture takes all the width, and its controls are below it. A square one has them beside
 * it, if there is room and their column is no taller than the picture (never beside one that asks for
 * all the width: `bn-full`). If the figure fills the
 * screen, all of it is drawn as large as the screen has room for. All this is found out when the
 * room changes, not at every move: it lays the page out.
 *
 * @param {HTMLElement} el @param {HTMLElement} room of the picture
 * @param {(units: number) => void} draw
 */
function layout(el, room, draw) {
  let drawn = 0; // so wide, in units, for the room as it is now
  let pixels = 0; // how wide the room is
  let tall = 0; // pixels: no picture is taller, where the figure fills the screen
  let zoom = 1;
  const caption = () => /** @type {HTMLElement | null} */ (room.querySelector(".verdict"));
  const units = () => Math.max(pixels / zoom, LEAST);
  const drawOnce = () => {
    if (drawn !== units()) draw(units());
    drawn = units();
  };

  /** @param {HTMLElement} box */
  const fill = (box) => {
    const high = shareOf(box, el) * (window.innerHeight - 32);
    const wide = box.clientWidth >= WIDE;
    tall = wide ? high - (caption()?.offsetHeight ?? 0) - 12 : Infinity;
    let best = { size: 0, zoom: 1 };
    for (let most = rounded(Math.min(MOST, pixels / NARROW)); ; most = rounded(most - 0.2)) {
      zoom = most;
      drawOnce();
      const size = scale(units(), heightOf(room));
      // Of those that are as large, the one that fills the width
      if (size > best.size - 0.005) best = { size, zoom };
      if (zoom === 1 || size === zoom) break;
    }
    zoom = best.zoom;
  };

  /** @param {HTMLElement} box */
  const arrange = (box) => {
    zoom = rounded(Math.min(MOST, pixels / BROAD));
    drawOnce();
    const height = heightOf(room);
    const beside = box.matches(".bn-single") && !el.matches(".bn-full");
    if (box.clientWidth >= WIDE && beside && units() < SQUARE * height) {
      box.classList.add("bn-beside");
      pixels = room.clientWidth;
      zoom = rounded(Math.min(MOST, pixels / BROAD));
      drawOnce();
      if (box.clientHeight <= room.offsetHeight + 40) return; // and a row for the numbers
      box.classList.toggle("bn-beside", false);
      pixels = room.clientWidth;
    }
    zoom = rounded(Math.min(MOST, pixels / BROAD, (TALL * window.innerHeight) / height));
  };

  /**
   * How much larger than life a drawing is. One that is wider than its room is drawn less large;
   * smaller than life only where the figure fills the screen.
   * @param {number} width @param {number} height
   */
  const scale = (width, height) => {
    const fits = Math.min(zoom, pixels / width, tall / height);
    return tall === Infinity ? Math.max(1, fits) : fits;
  };

  return {
    /** The room has changed. */
    changed() {
      pixels = 0;
    },
    zoom: (width = 1, height = 1) => scale(width, height),
    draw() {
      const box = /** @type {HTMLElement} */ (el.closest(".bn-box, .bn-enlarged") ?? el);
      if (!pixels) {
        tall = Infinity;
        mark(box, el);
        box.classList.toggle("bn-beside", false);
        pixels = room.clientWidth;
        if (!pixels) return false; // not laid out yet: the observer calls again
        if (box.matches(".bn-enlarged")) fill(box);
        else arrange(box);
        give(room, "--zoom", String(zoom));
      }
      drawOnce();
      drawn = 0;
      const over = STAYS * window.innerHeight - zoom * heightOf(room);
      give(room, "--over", `${Math.min(0, Math.round(over))}px`);
      return true;
    },
  };
}

/**
 * Watches the room of a picture: `changed` is called when it has another width. Its caption keeps
 * the height that it had, or the picture would jump when a shorter sentence follows a longer one.
 * @param {HTMLElement} room @param {() => void} changed
 */
function watch(room, changed) {
  const caption = /** @type {HTMLElement | null} */ (room.querySelector(".verdict"));
  let width = 0;
  let height = 0;
  const observer = new ResizeObserver(() => {
    if (caption?.matches(".resting")) return; // under a hand nothing moves
    const wider = room.clientWidth !== width || window.innerHeight !== height;
    width = room.clientWidth;
    height = window.innerHeight;
    if (caption && wider) release(caption);
    else if (caption) hold(caption);
    if (wider || room.closest(".bn-enlarged")) changed();
  });
  observer.observe(room);
  return observer;
}

/**
 * One view of a figure: draws what the model shows, as wide as the page has room.
 *
 * @template {Traits} Inputs @template {Traits} Analysis
 * @param {Figure<Inputs, Analysis>["mount"]} mount
 * @param {ReturnType<typeof analysed<Inputs, Analysis>>} shared @param {HTMLElement} el
 */
function shown(mount, { get, analysis, set, again, views, unfolded, more }, el) {
  let frame = 0;
  const redraw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
  el.classList.add("bn-figure");
  /** @type {ReturnType<typeof layout>} */
  let place;
  const zoom = (width = 1, height = 1) => place?.zoom(width, height) ?? 1;
  const draw = mount(el, { get, analysis, set, again, redraw, zoom });
  const picture = /** @type {HTMLElement | null} */ (el.querySelector(":scope > .bn-picture"));
  const room = picture ?? el;
  place = layout(el, room, (units) => draw(analysis(), units));
  const resized = () => {
    place.changed();
    redraw();
  };
  picture?.append(more(), enlarger({ redraw: resized }));
  el.classList.toggle("bn-pictured", Boolean(picture));
  const numbers = /** @type {HTMLDetailsElement | null} */ (el.querySelector(".report"));
  if (numbers) numbers.open = unfolded();
  const paint = () => {
    if (place.draw()) notify("draw");
  };
  views.add(redraw);
  const observer = watch(room, resized);
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
        bring(model.get("_words"));
        shared = analysed(figure, model);
        return shared.end;
      },
      /** @param {{el: HTMLElement}} what */
      render: ({ el }) => shown(figure.mount, shared, el),
    };
  };
}
