/**
 * What figures need of a document, in Node: elements that know their attributes, their children and
 * their listeners. There is no layout and no font, so a picture is the same on every machine.
 */

/** Time stands still between frames, and a frame takes a second: every motion has arrived then. */
const clock = { now: 0 };
/** @type {Map<number, (time: number) => void>} */
const frames = new Map();
let asked = 0;

class Element extends EventTarget {
  constructor(tag) {
    super();
    this.tag = tag;
    this.attributes = new Map();
    this.childNodes = [];
    this.parentNode = null;
    this.scrollLeft = 0;
    this.style = { given: new Map(), getPropertyValue: (name) => this.style.given.get(name) ?? "" };
    this.style.setProperty = (name, value) => this.style.given.set(name, value);
    const names = () => new Set((this.getAttribute("class") ?? "").split(" ").filter(Boolean));
    const give = (all) => this.setAttribute("class", [...all].join(" "));
    this.classList = {
      contains: (name) => names().has(name),
      add: (name) => give(names().add(name)),
      toggle(name, on = !names().has(name)) {
        const all = names();
        all[on ? "add" : "delete"](name);
        if (all.size || names().size) give(all);
      },
    };
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  get dataset() {
    return { x: this.getAttribute("data-x"), y: this.getAttribute("data-y") };
  }

  get children() {
    return this.childNodes.filter((node) => node instanceof Element);
  }
  get firstElementChild() {
    return this.children[0];
  }
  get lastChild() {
    return this.childNodes.at(-1) ?? null;
  }
  get nextSibling() {
    const all = this.parentNode.childNodes;
    return all[all.indexOf(this) + 1] ?? null;
  }
  remove() {
    const all = this.parentNode?.childNodes;
    all?.splice(all.indexOf(this), 1);
    this.parentNode = null;
  }
  append(...nodes) {
    for (const node of nodes) {
      if (node instanceof Element) {
        node.remove();
        node.parentNode = this;
      }
      this.childNodes.push(node);
    }
  }
  appendChild(node) {
    this.append(node);
    return node;
  }
  before(node) {
    node.remove();
    node.parentNode = this.parentNode;
    const all = this.parentNode.childNodes;
    all.splice(all.indexOf(this), 0, node);
  }
  replaceChildren(...nodes) {
    this.childNodes = [];
    this.append(...nodes);
  }
  get textContent() {
    return this.childNodes.map((node) => node.textContent ?? node).join("");
  }
  set textContent(text) {
    this.childNodes = text ? [text] : [];
  }

  get rows() {
    return this.children;
  }
  get cells() {
    return this.children;
  }
  get viewBox() {
    const [, , width, height] = (this.getAttribute("viewBox") ?? "0 0 0 0").split(" ").map(Number);
    return { baseVal: { width, height } };
  }

  /** Of selectors a tag or a class, perhaps among the children alone. */
  matches(selector) {
    return selector.split(", ").some((one) => {
      const is = one.replace(":scope > ", "");
      return is[0] === "." ? this.classList.contains(is.slice(1)) : is === this.tag;
    });
  }
  querySelectorAll(selector) {
    const deep = selector.startsWith(":scope") ? [] : this.children;
    const all = [...this.children, ...deep.flatMap((node) => node.querySelectorAll("*"))];
    return selector === "*" ? all : all.filter((node) => node.matches(selector));
  }
  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
  closest(selector) {
    return this.matches(selector) ? this : (this.parentNode?.closest(selector) ?? null);
  }
  focus() {
    this.dispatchEvent(new Event("focus"));
  }
}

/** What scripts find in the page, while a picture of this width is drawn. @param {number} width */
const pageOf = (width) => ({
  document: {
    createElement: (tag) => Object.assign(new Element(tag), { clientWidth: width }),
    createElementNS: (_, tag) => new Element(tag),
  },
  window: {
    innerHeight: 900,
    matchMedia: () => ({ matches: false }),
    addEventListener() {},
  },
  performance: clock,
  requestAnimationFrame(draw) {
    frames.set(++asked, draw);
    return asked;
  },
  cancelAnimationFrame: (id) => frames.delete(id),
  ResizeObserver: class {
    observe() {}
  },
  IntersectionObserver: class {
    constructor(see) {
      this.observe = () => see([{ isIntersecting: true }]);
    }
  },
});
clock.now = () => 1000 * asked;

/** All frames that are asked for, and those that these ask for. */
function settle() {
  for (let k = 0; frames.size; k++) {
    if (k > 1000) throw new Error("it never comes to rest");
    const [[id, draw]] = frames;
    frames.delete(id);
    asked++;
    draw(clock.now());
  }
}

/** The traits of a figure as anywidget would give them to its script. */
function modelOf(traits) {
  const [state, listeners] = [{ ...traits }, new EventTarget()];
  return {
    get: (name) => state[name],
    set(name, value) {
      if (Object.is(state[name], value)) return;
      state[name] = value;
      listeners.dispatchEvent(new Event(`change:${name}`));
    },
    on: (event, listener) => listeners.addEventListener(event, listener),
    off: (event, listener) => listeners.removeEventListener(event, listener),
    save_changes() {},
    state,
  };
}

const bytes = (value) => (value?.bytes ? new DataView(Uint8Array.from(value.bytes).buffer) : value);
const packed = (node) => {
  if (!(node instanceof Element)) return node;
  const { tag, attributes, childNodes, hidden = false, disabled = false } = node;
  return [tag, { ...Object.fromEntries(attributes), hidden, disabled }, childNodes.map(packed)];
};

/**
 * A figure as it is drawn, after what a reader does: [who, event, its properties], where `who` is
 * the text of a button or how the label of something in the picture begins.
 * @param {{default: () => any}} module a figure's script
 * @param {Record<string, any>} traits its model's
 */
export async function drawn(module, traits, width, actions) {
  const page = pageOf(width);
  const kept = Object.keys(page).map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  for (const [name, value] of Object.entries(page)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
  try {
    const given = Object.entries(traits).map(([name, value]) => [name, bytes(value)]);
    const model = modelOf(Object.fromEntries(given));
    const [{ initialize, render }, el] = [module.default(), page.document.createElement("div")];
    initialize({ model });
    render({ el });
    settle();
    for (const [who, event, properties] of actions) {
      const named = (node) =>
        node.textContent === who || node.getAttribute("aria-label")?.startsWith(who);
      const some = el.querySelectorAll("*").filter(named);
      // Words of the picture may be those of a handle
      const found = some.find((node) => node.getAttribute("role") === "slider") ?? some[0];
      if (!found) throw new Error(`nothing here is called ${who}`);
      found.dispatchEvent(Object.assign(new Event(event), properties));
      await null; // the model hands its outputs back when the task ends
      settle();
    }
    return packed(el);
  } finally {
    Object.keys(page).forEach((name, i) => {
      if (kept[i]) Object.defineProperty(globalThis, name, kept[i]);
      else delete globalThis[name];
    });
    frames.clear();
  }
}
