/**
 * What joins every figure to its model: compute on change, draw once a frame, clean up.
 *
 * @typedef {Record<string, any>} State the traits that a figure reads, by name
 * @typedef {{get: () => State, set: (changes: State) => void}} Hand the inputs as they are now, and
 *   a way to change them. A listener reads them here: what was drawn may be a frame old.
 */

/**
 * An anywidget module from two functions.
 *
 * `compute(state)` is pure: inputs -> outputs. It runs once a model, shown or not, so that links
 * carry its results on. `mount(el, hand)` builds a view and returns `draw(state, width)`, which is
 * called at most once a frame, with the inputs and outputs in one object and the width in pixels.
 *
 * @param {{compute: (state: State) => State,
 *   mount: (el: HTMLElement, hand: Hand) => (state: State, width: number) => void}} figure
 */
export function makeFigure({ compute, mount }) {
  const read = (model) =>
    Object.fromEntries(model.get("_inputs").map((name) => [name, model.get(name)]));
  const write = (model, changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const onInputs = (model, listener) => {
    const events = model.get("_inputs").map((name) => `change:${name}`);
    for (const event of events) model.on(event, listener);
    return () => events.forEach((event) => model.off(event, listener));
  };
  return {
    initialize({ model }) {
      const update = () => write(model, compute(read(model)));
      update();
      return onInputs(model, update);
    },
    render({ model, el }) {
      el.classList.add("bn-figure");
      const draw = mount(el, { get: () => read(model), set: (changes) => write(model, changes) });
      const redraw = () => {
        if (!el.clientWidth) return; // not laid out yet: the observer calls again
        const state = read(model);
        draw({ ...state, ...compute(state) }, el.clientWidth);
      };
      let frame = 0;
      const schedule = () => {
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          redraw();
        });
      };
      const off = onInputs(model, schedule);
      const observer = new ResizeObserver(schedule);
      observer.observe(el);
      redraw();
      return () => {
        off();
        observer.disconnect();
        cancelAnimationFrame(frame);
      };
    },
  };
}

const graphs = new Map();

/** The graph of a JSON text; a text is parsed once. @returns {import("./interpreter.js").Graph} */
export function parsed(text) {
  if (!graphs.has(text)) graphs.set(text, JSON.parse(text));
  return graphs.get(text);
}
