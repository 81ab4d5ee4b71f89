/** Models: the surface that anywidget promises, with Backbone's meaning. */

/**
 * @typedef {(...values: any[]) => void} Callback
 * @typedef {{ name: string | null, callback: Callback, context: unknown }} Handler
 * @typedef {{ path: (string | number)[], data: string }} Buffer a part of the state that is bytes
 * @typedef {object} ModelRecord a model as the page's state holds it
 * @property {string} model_name
 * @property {string} model_module
 * @property {Record<string, any>} state
 * @property {Buffer[]} [buffers]
 */

/** A reason to give the reader; already reported, or no error of any module's. */
export class Refusal extends Error {}

/** What an error says. @param {unknown} error */
export const message = (error) => (error instanceof Error ? error.message : String(error));

/** @param {ArrayBufferView} view */
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/**
 * Deep equality of JSON values and of bytes (DataView, typed arrays, ArrayBuffer).
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
export function equal(a, b) {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (!a || !b || typeof a !== "object" || a.constructor !== b.constructor) return false;
  if (a instanceof ArrayBuffer) return equal(new Uint8Array(a), new Uint8Array(b));
  if (a instanceof DataView) return equal(bytes(a), bytes(b));
  if (Array.isArray(a) || ArrayBuffer.isView(a)) {
    const [left, right] = /** @type {any[][]} */ ([a, b]);
    return left.length === right.length && left.every((value, i) => equal(value, right[i]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

/**
 * The names in a space-separated list of events; null stands for every name.
 * @param {string | null} [list]
 */
const events = (list) => (list == null ? [null] : list.trim().split(/\s+/));

let warned = false;

/**
 * A model's other half, where the page has a kernel: it gets what the page changes.
 * @typedef {object} Peer
 * @property {(values: Record<string, any>) => void} save
 * @property {(content: any, buffers?: ArrayBufferView[]) => void} send
 */

/** A widget's traits, and who is called when they change. */
export class Model {
  /** @type {Record<string, any>} */
  #values;
  /** @type {Handler[]} */
  #handlers = [];
  #changing = false;
  #pending = false;
  /** @type {Set<string>} the traits that the peer does not know of yet */
  #unsaved = new Set();
  /** @type {Map<string, any>} what the traits that have changed were at first */
  #published = new Map();

  /**
   * @param {string} id
   * @param {ModelRecord} record
   * @param {Peer | null} [peer]
   */
  constructor(id, record, peer = null) {
    this.model_id = id;
    this.peer = peer;
    this.name = record.model_name;
    this.module = record.model_module;
    this.#values = record.state;
    for (const { path, data } of record.buffers ?? []) {
      /** @type {any} */
      const holder = path.slice(0, -1).reduce((value, key) => value[key], this.#values);
      const decoded = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      holder[/** @type {string} */ (path.at(-1))] = new DataView(decoded.buffer);
    }
  }

  keys() {
    return Object.keys(this.#values);
  }

  /**
   * @param {string} name
   * @returns {any}
   */
  get(name) {
    return this.#values[name];
  }

  /**
   * `set(name, value)` or `set({name: value, …})`: all values first, then `change:name`, then
   * `change`.
   * @param {string | Record<string, any>} name
   * @param {any} [value]
   * @returns {this}
   */
  set(name, value) {
    const values = typeof name === "object" ? name : { [name]: value };
    const changed = Object.keys(values).filter((key) => !equal(this.#values[key], values[key]));
    for (const key of changed) {
      if (!this.#published.has(key)) this.#published.set(key, this.#values[key]);
      this.#unsaved.add(key);
    }
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

  /**
   * @param {string | null | undefined} names
   * @param {Callback} callback
   * @param {unknown} [context]
   * @returns {this}
   */
  on(names, callback, context) {
    for (const name of events(names)) this.#handlers.push({ name, callback, context });
    return this;
  }

  /**
   * Removes the handlers that match every argument given: `off()` removes all.
   * @param {string | null} [names]
   * @param {Callback | null} [callback]
   * @param {unknown} [context]
   * @returns {this}
   */
  off(names, callback, context) {
    for (const name of events(names))
      this.#handlers = this.#handlers.filter(
        (h) =>
          (name != null && h.name !== name) ||
          (callback != null && h.callback !== callback) ||
          (context != null && h.context !== context),
      );
    return this;
  }

  /**
   * Calls the handlers of one event. One that throws is reported and does not silence the others.
   * @param {string} name
   * @param {...any} values
   */
  trigger(name, ...values) {
    for (const h of this.#handlers.filter((h) => h.name === name)) {
      try {
        h.callback.apply(h.context ?? this, values);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** Takes values from the peer: they are not sent back. @param {Record<string, any>} values */
  receive(values) {
    this.set(values);
    for (const key of Object.keys(values))
      if (equal(this.#values[key], values[key])) this.#unsaved.delete(key);
  }

  /**
   * What its reader has changed: all that is not as published, or those of a figure's inputs, from
   * which the rest follows. Nothing of a figure that shows another function: see the workbench.
   * @returns {Record<string, any>}
   */
  changes() {
    const changed = Object.entries(this.first()).filter(
      ([name, first]) => !equal(first, this.get(name)),
    );
    return Object.fromEntries(changed.map(([name]) => [name, this.get(name)]));
  }

  /**
   * What all this was when it was published: to set it again takes back what the reader has done.
   * @returns {Record<string, any>}
   */
  first() {
    const names = this.get("_inputs") ?? this.keys();
    if (this.isOther()) return {};
    return Object.fromEntries([...this.#published].filter(([name]) => names.includes(name)));
  }

  /** Whether this is a figure that shows another function than the published one. */
  isOther() {
    return this.#published.has("_inputs");
  }

  /** Tells the peer what has changed. Without one there is nobody to save to. */
  save_changes() {
    const names = [...this.#unsaved];
    this.#unsaved.clear();
    if (names.length) this.peer?.save(Object.fromEntries(names.map((n) => [n, this.get(n)])));
  }

  /**
   * Without a kernel there is nobody to send to: says so once, and drops the message.
   * @param {any} content
   * @param {unknown} [callbacks]
   * @param {ArrayBufferView[]} [buffers]
   */
  send(content, callbacks, buffers) {
    if (this.peer) return this.peer.send(content, buffers);
    if (!warned) console.warn("The page has no kernel: custom messages of widgets are dropped.");
    warned = true;
  }

  widget_manager = { get_model: async (/** @type {string} */ id) => find(id) };
}

/** @type {Map<string, Model>} every model of the page, by its id */
export const models = new Map();

/** The model with this id or `IPY_MODEL_` reference, if the page has it. @param {unknown} reference */
export const lookUp = (reference) => models.get(String(reference).replace(/^IPY_MODEL_/, ""));

/** The model with this id or reference, or a Refusal. @param {unknown} reference */
export function find(reference) {
  const model = lookUp(reference);
  if (!model) throw new Refusal(`the page holds no state for ${reference}`);
  return model;
}

/** What messages call a model. @param {Model} model */
export const nameOf = (model) =>
  `${model.get("_anywidget_id") || model.name} (widget ${model.model_id})`;
