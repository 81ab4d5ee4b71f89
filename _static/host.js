/**
 * The static host: runs a notebook's widgets on a page without a kernel.
 *
 * It reads the two kinds of script tag that MyST-NB writes (the state of all widgets, and one view tag
 * where a widget was displayed), runs anywidget modules, and draws the ipywidgets controls, boxes and
 * links of the book as native HTML. What it cannot draw it names on the page (class `bn-missing`).
 *
 * A classic script, so that it also loads from file://. In the head, without `defer`, it draws each view
 * as its tag arrives, and nothing jumps; deferred, it draws all views once the page has been read.
 *
 * `window.bnHost` gives `models`, by id, and `ready`, a promise of the time when every view stands.
 *
 * Not here, because nothing needs it: Button, HTML, Output, Play, Text, Tab (refused by name); vertical
 * sliders (drawn flat); icons and styles (ignored); LaTeX and markup in descriptions (shown as plain
 * text). Layout is honoured in full.
 */
(() => {
  "use strict";
  if (window.bnHost) return; // a stray second copy of this script must not draw a second figure

  const STATE = "application/vnd.jupyter.widget-state+json";
  const VIEW = "application/vnd.jupyter.widget-view+json";

  const PREFIX = /^IPY_MODEL_/;

  /** A reason to give the reader; already reported, or no error of any module's. */
  class Refusal extends Error {}

  // Models: the surface that anywidget promises, with Backbone's meaning -------------------------

  /** Deep equality of JSON values and of bytes (DataView, typed arrays, ArrayBuffer). */
  function equal(a, b) {
    if (a === b || (a !== a && b !== b)) return true;
    if (!a || !b || typeof a !== "object" || a.constructor !== b.constructor) return false;
    if (a instanceof ArrayBuffer) return equal(new Uint8Array(a), new Uint8Array(b));
    if (a instanceof DataView) {
      const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      return equal(bytes(a), bytes(b));
    }
    if (Array.isArray(a) || ArrayBuffer.isView(a))
      return a.length === b.length && a.every((value, i) => equal(value, b[i]));
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
    );
  }

  /** The words of a space-separated list of event names; null stands for every name. */
  const words = (names) => (names == null ? [null] : names.trim().split(/\s+/));

  class Model {
    #values;
    #handlers = [];
    #changing = false;
    #pending = false;

    constructor(id, record) {
      this.model_id = id;
      this.name = record.model_name;
      this.module = record.model_module;
      this.#values = record.state;
      for (const { path, data } of record.buffers ?? []) {
        const holder = path.slice(0, -1).reduce((value, key) => value[key], this.#values);
        const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
        holder[path.at(-1)] = new DataView(bytes.buffer);
      }
    }

    keys() {
      return Object.keys(this.#values);
    }

    get(name) {
      return this.#values[name];
    }

    /** `set(name, value)` or `set({name: value, …})`: all values first, then `change:name`, then `change`. */
    set(name, value) {
      const values = typeof name === "object" ? name : { [name]: value };
      const changed = Object.keys(values).filter((key) => !equal(this.#values[key], values[key]));
      Object.assign(this.#values, values);
      this.#pending ||= changed.length > 0;
      const nested = this.#changing;
      this.#changing = true;
      for (const key of changed) this.trigger(`change:${key}`, this, this.#values[key]);
      if (nested) return this; // the outermost call tells of the change, once all is quiet
      while (this.#pending) {
        this.#pending = false;
        this.trigger("change", this);
      }
      this.#changing = false;
      return this;
    }

    on(names, callback, context) {
      for (const name of words(names)) this.#handlers.push({ name, callback, context });
      return this;
    }

    /** Removes the handlers that match every argument given: `off()` removes all. */
    off(names, callback, context) {
      for (const name of words(names))
        this.#handlers = this.#handlers.filter(
          (h) =>
            (name != null && h.name !== name) ||
            (callback != null && h.callback !== callback) ||
            (context != null && h.context !== context),
        );
      return this;
    }

    /** Calls the handlers of one event. One that throws is reported and does not silence the others. */
    trigger(name, ...values) {
      for (const h of this.#handlers.filter((h) => h.name === name)) {
        try {
          h.callback.apply(h.context ?? this, values);
        } catch (error) {
          reportError(error);
        }
      }
    }

    /** Without a kernel there is nobody to save to; `set` has already told the page. */
    save_changes() {}

    /** Without a kernel there is nobody to send to: says so once, and drops the message. */
    send() {
      if (!Model.warned) console.warn("The page has no kernel: custom messages of widgets are dropped.");
      Model.warned = true;
    }

    widget_manager = { get_model: async (id) => find(id) };
  }

  /** @type {Map<string, Model>} */
  const models = new Map();

  /** The model with this id or `IPY_MODEL_` reference. */
  function find(reference) {
    const model = models.get(String(reference).replace(PREFIX, ""));
    if (!model) throw new Refusal(`the page holds no state for ${reference}`);
    return model;
  }

  // anywidget modules: the lifecycle of anywidget 0.11 -------------------------------------------

  /** Calls a part of a module; if it throws, the console gets the error and the page the reason. */
  async function attempt(part, call) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof Refusal) throw error;
      console.error(error);
      throw new Refusal(`its ${part} failed (${error})`);
    }
  }

  /** What a module sees of a model: its handlers are its own to remove, and go when the signal aborts. */
  function proxy(model, signal) {
    const context = {};
    signal.addEventListener("abort", () => model.off(null, null, context));
    return {
      get: model.get.bind(model),
      set: model.set.bind(model),
      save_changes: model.save_changes,
      send: model.send,
      on: (names, callback) => void (signal.aborted || model.on(names, callback, context)),
      off: (names, callback) => void model.off(names, callback, context),
      widget_manager: model.widget_manager,
    };
  }

  const experimental = {
    invoke: async (name) => {
      throw new Error(`invoke("${name}") needs a running kernel, and this page has none`);
    },
  };

  const started = new Map();

  /** Imports an anywidget's module and initializes the model, once. */
  function start(model) {
    if (!started.has(model)) started.set(model, load(model));
    return started.get(model);
  }

  async function load(model) {
    const [code, css, name] = ["_esm", "_css", "_anywidget_id"].map((key) => model.get(key));
    if (typeof code !== "string") throw new Refusal("its state holds no module");
    if (/^https?:/.test(code) || /^https?:/.test(css ?? ""))
      throw new Refusal("its module or style is at another address, and this page loads nothing from there");
    if (css && !document.getElementById(name)) {
      const style = document.createElement("style");
      style.id = name;
      style.textContent = css;
      document.head.append(style);
    }
    const widget = await attempt("module", async () => {
      // One import a model, as anywidget has it: a module's variables belong to one widget.
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      const module = await import(url).finally(() => URL.revokeObjectURL(url));
      const found = module.render ? { render: module.render } : module.default;
      if (!found) throw new TypeError("it has no default export");
      return typeof found === "function" ? found() : found;
    });
    const controller = new AbortController(); // a model lives as long as the page, unless it fails
    const { signal } = controller;
    try {
      const exports = await attempt("initialize", () =>
        widget.initialize?.({ model: proxy(model, signal), signal, experimental }),
      );
      return { widget, exports: typeof exports === "function" ? undefined : exports };
    } catch (error) {
      controller.abort();
      throw error;
    }
  }

  /** Renders one view of an anywidget into `el`; aborting the signal ends it. */
  async function render(model, el, signal, host = hostFor(signal)) {
    const { widget } = await start(model);
    if (signal.aborted) return;
    const cleanup = await attempt("render", () =>
      widget.render?.({ model: proxy(model, signal), el, signal, experimental, host }),
    );
    if (typeof cleanup !== "function") return;
    const end = async () => {
      try {
        await cleanup();
      } catch (error) {
        console.warn("A widget's clean-up failed.", error);
      }
    };
    if (signal.aborted) await end();
    else signal.addEventListener("abort", end);
  }

  /** anywidget's `host`: reaches other widgets by "anywidget:<id>" references. */
  function hostFor(signal) {
    const target = (reference) => {
      if (!String(reference).startsWith("anywidget:"))
        throw new Error(`Invalid widget reference: ${JSON.stringify(reference)}`);
      return find(reference.slice("anywidget:".length));
    };
    const host = {
      getModel: async (reference) => proxy(target(reference), signal),
      async getWidget(reference) {
        const model = target(reference);
        const { exports } = await start(model);
        return { exports, render: (view) => render(model, view.el, view.signal ?? signal, host) };
      },
    };
    return host;
  }

  // Controls: each builder fills `row` and returns the function that shows the model's state ------

  let count = 0;

  /** Makes an element with properties; `off` keeps browsers from restoring a control's old value. */
  const make = (tag, properties = {}) =>
    Object.assign(document.createElement(tag), { autocomplete: "off" }, properties);

  /** A label bound to `input`; an undescribed control is named after its tooltip or its kind. */
  function label(model, input) {
    const element = make("label", { htmlFor: (input.id = `bn-control-${++count}`) });
    const show = () => {
      element.textContent = model.get("description") ?? "";
      element.hidden = !element.textContent;
      if (element.hidden) input.setAttribute("aria-label", title(model));
      else input.removeAttribute("aria-label");
      input.disabled = Boolean(model.get("disabled"));
    };
    return { element, show };
  }

  const title = (model) =>
    model.get("description") || model.get("tooltip") || model.name.replace(/Model$/, "");

  /** A number in the d3 formats d, f, e and g; in full for any other format. */
  function format(value, spec = "") {
    const [, digits, kind] = /^(?:\.(\d+))?([dfeg])$/.exec(spec) ?? [];
    if (kind === "d") return value.toFixed(0);
    if (kind === "f") return value.toFixed(digits ?? 6);
    if (kind === "e") return value.toExponential(digits ?? 6);
    if (kind === "g") return value.toPrecision(Math.max(digits ?? 6, 1));
    return String(value);
  }

  /** Float, int and log sliders. The thumb stands on the nearest step; the model keeps its value. */
  function slider(model, row) {
    const log = model.name === "FloatLogSliderModel";
    const base = () => model.get("base") ?? 10;
    const toTrack = (value) => (log ? Math.log(value) / Math.log(base()) : value);
    const fromTrack = (value) => (log ? base() ** value : value);
    const range = make("input", { type: "range" });
    const number = make("input", { type: "text", className: "bn-number" });
    const { element, show } = label(model, range);
    row.append(element, range, number);

    const move = () => model.set("value", fromTrack(range.valueAsNumber)).save_changes();
    range.addEventListener("input", () => model.get("continuous_update") === false || move());
    range.addEventListener("change", () => model.get("continuous_update") === false && move());
    number.addEventListener("change", () => {
      const typed = number.value.trim() === "" ? NaN : Number(number.value);
      const [low, high] = [model.get("min"), model.get("max")].map(fromTrack);
      let value = Math.min(Math.max(typed, low), high);
      if (model.name === "IntSliderModel") value = Math.round(value);
      if (!Number.isNaN(value)) model.set("value", value).save_changes();
      update(); // also puts right what was no number, or the old one
    });

    function update() {
      show();
      const value = model.get("value");
      const text = format(value, model.get("readout_format"));
      Object.assign(range, { min: model.get("min"), max: model.get("max") });
      range.step = model.get("step") ?? "any";
      range.value = toTrack(value);
      range.setAttribute("aria-valuetext", text);
      number.value = text;
      number.hidden = model.get("readout") === false;
      number.disabled = range.disabled;
      number.inputMode = model.get("min") < 0 || log ? "text" : "decimal"; // phones' decimals lack minus
      number.setAttribute("aria-label", `${title(model)}, value`);
    }
    return update;
  }

  function checkbox(model, row) {
    const input = make("input", { type: "checkbox" });
    const { element, show } = label(model, input);
    row.append(input, element);
    input.addEventListener("input", () => model.set("value", input.checked).save_changes());
    return () => {
      show();
      input.checked = Boolean(model.get("value"));
    };
  }

  function toggleButton(model, row) {
    const button = make("button", { type: "button" });
    row.append(button);
    button.addEventListener("click", () => model.set("value", !model.get("value")).save_changes());
    return () => {
      button.textContent = title(model);
      button.setAttribute("aria-pressed", String(Boolean(model.get("value"))));
      button.disabled = Boolean(model.get("disabled"));
    };
  }

  /** Toggle buttons and radio buttons: native radio inputs, so the arrow keys work. */
  function choice(model, row) {
    const group = make("fieldset", { role: "radiogroup" });
    const legend = make("legend");
    const name = `bn-control-${++count}`;
    let drawn;
    row.append(group);
    return () => {
      const labels = model.get("_options_labels");
      if (!equal(drawn, labels)) {
        const options = labels.map((text, i) => {
          const option = make("label");
          const input = make("input", { type: "radio", name });
          input.addEventListener("input", () => model.set("index", i).save_changes());
          option.append(input, make("span", { textContent: text }));
          return option;
        });
        group.replaceChildren(legend, ...options);
        drawn = labels;
      }
      legend.textContent = model.get("description");
      legend.hidden = !legend.textContent;
      group.setAttribute("aria-label", title(model));
      group.disabled = Boolean(model.get("disabled"));
      group.querySelectorAll("input").forEach((input, i) => (input.checked = i === model.get("index")));
    };
  }

  function dropdown(model, row) {
    const select = make("select");
    const { element, show } = label(model, select);
    let drawn;
    row.append(element, select);
    select.addEventListener("input", () => model.set("index", select.selectedIndex).save_changes());
    return () => {
      show();
      const labels = model.get("_options_labels");
      if (!equal(drawn, labels)) select.replaceChildren(...labels.map((text) => new Option(text)));
      drawn = labels;
      select.selectedIndex = model.get("index") ?? -1;
    };
  }

  function text(model, row) {
    const [name, value] = [make("span"), make("span")];
    row.append(name, value);
    return () => {
      name.textContent = model.get("description") ?? "";
      name.hidden = !name.textContent;
      value.textContent = model.get("value") ?? "";
    };
  }

  function box(model, row) {
    row.append(...model.get("children").map(view));
    return () => {};
  }

  const CONTROLS = new Map([
    ["FloatSliderModel", [slider, "bn-slider"]],
    ["FloatLogSliderModel", [slider, "bn-slider"]],
    ["IntSliderModel", [slider, "bn-slider"]],
    ["CheckboxModel", [checkbox, "bn-checkbox"]],
    ["ToggleButtonModel", [toggleButton, "bn-toggle"]],
    ["ToggleButtonsModel", [choice, "bn-choice bn-buttons"]],
    ["RadioButtonsModel", [choice, "bn-choice"]],
    ["DropdownModel", [dropdown, "bn-dropdown"]],
    ["LabelModel", [text, "bn-label"]],
    ["BoxModel", [box, "bn-hbox"]],
    ["HBoxModel", [box, "bn-hbox"]],
    ["VBoxModel", [box, "bn-vbox"]],
    ["GridBoxModel", [box, "bn-grid"]],
  ]);

  const REASONS = {
    ButtonModel: "a Button needs a running kernel",
    OutputModel: "an Output needs a running kernel",
    HTMLModel: "markup from data is not shown; use a Label or Markdown",
    HTMLMathModel: "markup from data is not shown; use a Label or Markdown",
  };

  // Views -------------------------------------------------------------------------------------------

  // A custom element hears when it leaves the page, at no cost to a figure that redraws itself.
  customElements.define(
    "bn-view",
    class extends HTMLElement {
      disconnectedCallback() {
        queueMicrotask(() => this.isConnected || this.dispose?.()); // a move is not a removal
      }
    },
  );

  /** Names on the page what could not be shown, and why. */
  function missing(where, what, why) {
    where.append(
      Object.assign(document.createElement("p"), {
        className: "bn-missing",
        role: "alert",
        textContent: `Cannot show ${what}: ${why}.`,
      }),
    );
  }

  const name = (model) => `${model.get("_anywidget_id") || model.name} (widget ${model.model_id})`;
  const shown = new Set();
  const pending = [];

  /** A new element that shows the model with this id, or says why it cannot. */
  function view(reference) {
    const el = document.createElement("bn-view");
    const controller = new AbortController();
    const model = models.get(String(reference).replace(PREFIX, ""));
    el.dispose = () => controller.abort();
    shown.add(model);
    pending.push(
      draw(reference, el, controller.signal).catch((error) => {
        if (!(error instanceof Refusal)) console.error(error);
        controller.abort();
        el.replaceChildren();
        missing(el, model ? name(model) : `widget ${reference}`, error.message);
      }),
    );
    return el;
  }

  /** Draws a control before it returns; an anywidget as soon as its module stands. */
  async function draw(reference, el, signal) {
    const model = find(reference);
    signal.addEventListener("abort", () => model.off(null, null, el));
    if (model.get("layout")) {
      const layout = find(model.get("layout"));
      const apply = () => {
        for (const key of layout.keys().filter((key) => !key.startsWith("_")))
          el.style.setProperty(key.replaceAll("_", "-"), layout.get(key) ?? "");
      };
      layout.on("change", apply, el);
      signal.addEventListener("abort", () => layout.off(null, null, el));
      apply();
    }
    if (model.module === "anywidget") {
      // Hold the figure's place, so that nothing jumps when it comes.
      el.style.setProperty("--bn-min-height", `${model.get("_min_height") ?? 0}px`);
      el.style.setProperty("--bn-aspect", model.get("_aspect") ?? "auto");
      el.className = "bn-anywidget bn-waiting";
      try {
        await render(model, el, signal);
      } finally {
        el.classList.remove("bn-waiting");
      }
      return;
    }
    const [build, className] = CONTROLS.get(model.name) ?? [];
    if (!build) throw new Refusal(REASONS[model.name] ?? "this page knows no such control");
    el.className = className;
    const update = build(model, el);
    model.on("change", update, el);
    update();
  }

  // The page ------------------------------------------------------------------------------------

  const parsed = new Promise((resolve) => {
    if (document.readyState !== "loading") resolve();
    else document.addEventListener("DOMContentLoaded", resolve);
  });

  /** Says at the end of the page, once there is one, what has no place of its own on it. */
  const complain = (what, why) =>
    pending.push(parsed.then(() => missing(document.querySelector("main") ?? document.body, what, why)));

  /** Whether the parser has left a tag behind, so that its text is whole. */
  function whole(node) {
    return document.readyState !== "loading" || (node && (node.nextSibling || whole(node.parentNode)));
  }

  const done = new WeakSet();

  /** Hands the JSON of each new tag to `use`, which may leave it for later by giving false. */
  function read(type, use) {
    for (const tag of document.querySelectorAll(`script[type="${type}"]`)) {
      if (done.has(tag) || !whole(tag)) continue;
      done.add(tag);
      try {
        if (use(JSON.parse(tag.textContent), tag) === false) done.delete(tag);
      } catch (error) {
        complain("this page's widgets", `the tag ${type} cannot be read (${error.message})`);
      }
    }
  }

  /** Joins two traits as jslink (both ways) and jsdlink do: first the source's value, then each change. */
  function join(link) {
    const [[source, from], [target, to]] = ["source", "target"].map((end) => {
      const [reference, trait] = link.get(end);
      return [find(reference), trait];
    });
    let busy = false; // what a change sets off does not come back through the same link
    const carry = (giver, given, taker, taken) => () => {
      if (busy) return;
      busy = true;
      taker.set(taken, giver.get(given)).save_changes();
      busy = false;
    };
    const there = carry(source, from, target, to);
    source.on(`change:${from}`, there);
    if (link.name === "LinkModel") target.on(`change:${to}`, carry(target, to, source, from));
    there();
  }

  /** Does `task` for a model that may have no view; a failure is named all the same. */
  async function offstage(model, task) {
    try {
      await task(model);
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      await scanned; // its view, which names the failure, may still be on its way
      if (!shown.has(model)) complain(name(model), error.message);
    }
  }

  function enter({ state }) {
    const fresh = Object.entries(state).map(([id, record]) => new Model(id, record));
    for (const model of fresh) models.set(model.model_id, model);
    // Links first, so that what is drawn is drawn with the values it will have.
    for (const model of fresh)
      if (/^(Directional)?LinkModel$/.test(model.name)) pending.push(offstage(model, async () => join(model)));
    // Every anywidget is initialized, displayed or not: another may be linked to it.
    for (const model of fresh) if (model.module === "anywidget") pending.push(offstage(model, start));
  }

  function scan() {
    read(STATE, enter);
    read(VIEW, ({ model_id }, tag) => {
      if (document.readyState === "loading" && !models.has(model_id)) return false;
      tag.after(view(model_id));
    });
  }

  // While the page still arrives, a view takes its place as soon as its tag is there: nothing jumps.
  const observer = new MutationObserver(scan);
  observer.observe(document, { childList: true, subtree: true });
  const scanned = parsed.then(() => {
    observer.disconnect();
    scan();
  });
  scan();

  async function finish() {
    await scanned;
    for (let seen = -1; seen < pending.length; await Promise.all(pending)) seen = pending.length;
  }

  window.bnHost = { models, ready: finish() };
})();
