/**
 * Widgets that Python makes in the page: their models are in the static host, as those of the
 * published page do, and each is joined to its other half by the messages of its comm.
 */
import { loadScript, loadStyle } from "../script.js";
import { addControls } from "./widgets.js";

/**
 * @typedef {import("./kernel.js").Kernel} Kernel
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("../models.js").Model} Model
 */

const page = /** @type {any} */ (globalThis);

/**
 * The static host; a page without figures does not carry it, and loads it now.
 * @param {string} root the address of the folder of scripts, "/" at its end
 */
async function host(root) {
  if (!page.bnHost) {
    loadStyle(`${root}host.css`);
    await loadScript(`${root}host.js`);
  }
  addControls(page.bnHost);
  return page.bnHost;
}

/**
 * Values as they travel: bytes lie beside the rest, each named by its path.
 * @param {Record<string, any>} values
 */
function pack(values) {
  /** @type {Record<string, any>} */
  const state = {};
  const paths = [];
  const buffers = [];
  for (const [name, value] of Object.entries(values)) {
    if (ArrayBuffer.isView(value)) {
      paths.push([name]);
      buffers.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    } else state[name] = value;
  }
  return { state, buffer_paths: paths, buffers };
}

/**
 * Puts bytes where they belong in a state, in place.
 * @param {Record<string, any>} state
 * @param {(string | number)[][]} [paths]
 * @param {Uint8Array[]} [buffers]
 */
function unpack(state, paths = [], buffers = []) {
  paths.forEach((path, i) => {
    /** @type {any} */
    const holder = path.slice(0, -1).reduce((value, key) => value[key], state);
    const { buffer, byteOffset, byteLength } = buffers[i];
    holder[/** @type {string} */ (path.at(-1))] = new DataView(buffer, byteOffset, byteLength);
  });
  return state;
}

/** The other half of a model: a change that comes while Python is busy waits, and is merged. */
class Peer {
  /** @type {Record<string, any>} */
  #waiting = {};
  #busy = false;

  /** @param {string} id @param {Kernel} kernel */
  constructor(id, kernel) {
    this.id = id;
    this.kernel = kernel;
  }

  /** @param {Record<string, any>} values */
  save(values) {
    Object.assign(this.#waiting, values);
    if (!this.#busy) this.flush();
  }

  /** Sends what waits. */
  async flush() {
    const values = this.#waiting;
    if (!Object.keys(values).length) return;
    this.#waiting = {};
    this.#busy = true;
    const { buffers, ...rest } = pack(values);
    await this.#post({ method: "update", ...rest }, buffers);
    this.#busy = false;
    this.flush();
  }

  /** @param {any} content @param {ArrayBufferView[]} [views] */
  send(content, views = []) {
    const buffers = views.map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
    this.#post({ method: "custom", content }, buffers);
  }

  /** @param {any} data @param {Uint8Array[]} buffers */
  #post(data, buffers) {
    return this.kernel.send({ type: "comm_msg", id: this.id, data, buffers });
  }
}

/**
 * Joins all that Python makes to the static host.
 * @param {Kernel} kernel
 * @param {string} root the address of the folder of scripts, "/" at its end
 */
export function join(kernel, root) {
  /** @type {Map<string, Peer>} */
  const peers = new Map();
  /** @type {any} */
  let here = null;

  /** A figure's script and style of the book, where this page does not carry them. */
  const fetchScripts = (/** @type {Record<string, any>} */ state) => {
    const [, name] = /^bn-script:(\w+)$/.exec(state._esm) ?? [];
    const here =
      name && (page.bnScripts?.[name] || document.querySelector(`script[src*="${name}"]`));
    if (name && !here) loadScript(`${root}figures/${name}.js`).catch(() => {}); // its figure says so
    const [, style] = /^bn-style:(\w+)$/.exec(state._css) ?? [];
    if (style && !document.querySelector(`link[href*="${style}"]`))
      loadStyle(`${root}figures/${style}.css`);
  };

  const open = (/** @type {Message} */ { id, data, buffers }) => {
    const state = unpack(data.state, data.buffer_paths, buffers);
    const peer = new Peer(id, kernel);
    peers.set(id, peer);
    fetchScripts(state);
    const { _model_name: model_name, _model_module: model_module } = state;
    here.enter({ state: { [id]: { model_name, model_module, state } } }, peer);
  };

  const hear = (/** @type {Message} */ { id, data, buffers }) => {
    const model = here.models.get(id);
    if (data.method === "update") model?.receive(unpack(data.state, data.buffer_paths, buffers));
    else if (data.method === "custom") model?.trigger("msg:custom", data.content, buffers);
  };

  kernel.onMessage((message) => {
    if (message.type === "comm_open" && message.data.state) open(message);
    else if (message.type === "comm_msg") hear(message);
    else peers.delete(message.id); // what still shows the model keeps it
  });

  kernel.onCaught = (id, output) => {
    const model = here.models.get(id);
    const outputs = output.type === "clear" ? [] : [...(model?.get("outputs") ?? []), output];
    model?.set("outputs", outputs).save_changes();
  };

  return {
    /** Makes ready for the first message. */
    ready: async () => {
      here ??= await host(root);
    },
    /** Sends what still waits: the next cell reads what the reader has just moved. */
    flush: () => peers.forEach((peer) => void peer.flush()),
    /** An element that shows a model. @param {string} id @returns {HTMLElement} */
    view: (id) => here.view(id),
  };
}
