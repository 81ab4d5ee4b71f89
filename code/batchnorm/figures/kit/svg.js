/** Drawing on the page: elements kept by key, things to drag, arrows. No markup from data. */
import { memoizer } from "./memo.js";
import { follower } from "./motion.js";

/**
 * An SVG element, with attributes.
 * @param {string} tag @param {Record<string, any>} attributes @returns {SVGElement}
 */
export function svg(tag, attributes = {}) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/**
 * An HTML element with attributes, listeners (functions) and children (strings become text).
 * @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag
 * @param {Record<string, any>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/**
 * Gives a node this text; an unchanged one is not touched, or it would be read out again.
 * @param {Node} node @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @typedef {ReturnType<typeof drawing>} Drawing */

/**
 * @typedef {{redraw: () => void, zoom: (width?: number, height?: number) => number, get?: () => any, set?: (to: any) => void}}
 *   Viewed what a drawing needs of its view: see figure.js
 */

/**
 * @typedef {{node: SVGElement, given: Record<string, any>, text?: string}} Known an element, its
 *   attributes and its text
 */

/** Gives an element attributes; the same ones again would lay it out again. @param {Known} known */
function change({ node, given }, /** @type {Record<string, any>} */ attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (given[name] === value) continue;
    given[name] = value;
    node.setAttribute(name, value);
  }
}

/** The elements of a drawing, by their keys. @param {SVGElement} root @param {string[]} layers */
function elements(root, layers) {
  /** @type {Map<string, Known>} */
  const known = new Map();
  /** @type {Set<string>} */
  const used = new Set();
  /** @type {Map<string, {from: any[], keys: string[], on: boolean}>} */
  const kept = new Map(); // parts
  /** @type {string[]} */
  let putting = []; // the keys of the part that is being drawn
  const groups = Object.fromEntries(layers.map((name) => [name, svg("g", { class: name })]));
  root.append(...Object.values(groups));
  let parent = root;
  /** @type {(key: string, tag: string, attributes?: Known["given"], text?: string) => SVGElement} */
  const put = (key, tag, attributes = {}, text) => {
    let found = known.get(key);
    if (!found) {
      found = { node: svg(tag, { "data-key": key }), given: {} };
      known.set(key, found);
      parent.append(found.node);
    }
    used.add(key);
    putting.push(key);
    change(found, attributes);
    if (text !== undefined && found.text !== text) {
      found.text = text;
      found.node.textContent = text;
    }
    return found.node;
  };
  return {
    put,
    /** @type {(key: string, className: string, x: number, y: number, text: string) => void} */
    text: (key, className, x, y, text) => put(key, "text", { class: className, x, y }, text),
    /**
     * A text, and the gesture that it invites to, which a picture on paper leaves out.
     * @param {string} key @param {Record<string, any>} attributes @param {string} text
     * @param {string} gesture
     */
    invite(key, attributes, text, gesture) {
      const outer = parent;
      parent = put(key, "text", attributes);
      put(`${key} itself`, "tspan", {}, text);
      put(`${key} gesture`, "tspan", { class: "gesture" }, gesture);
      parent = outer;
    },
    /** @param {string} key */
    has: (key) => known.has(key),
    /** @param {string} name */
    layer(name) {
      parent = groups[name];
    },
    /** @param {string} key @param {Record<string, any>} attributes @param {() => void} fill */
    group(key, attributes, fill) {
      const node = put(key, "g", attributes);
      const outer = parent;
      parent = node;
      fill();
      parent = outer;
      return node;
    },
    /** @param {string} key @param {any[]} from @param {() => void} fill */
    part(key, from, fill) {
      const old = kept.get(key);
      const same = old?.from.length === from.length && from.every((v, i) => v === old.from[i]);
      const keys = old && same ? old.keys : [];
      if (!same) {
        const outer = putting;
        const place = parent;
        putting = keys;
        fill();
        putting = outer;
        parent = place;
      }
      kept.set(key, { from, keys, on: true });
      for (const one of keys) {
        used.add(one);
        putting.push(one);
      }
    },
    sweep() {
      for (const [key, { node }] of known) {
        if (used.has(key)) continue;
        node.remove();
        known.delete(key);
      }
      for (const [key, part] of kept) {
        if (!part.on) kept.delete(key);
        part.on = false;
      }
      used.clear();
      putting = [];
    },
  };
}

/**
 * A drawing whose elements are kept from frame to frame, so that focus and drags survive.
 *
 * `put(key, tag, attributes, text)` makes the element or changes it, `text(…)` writes; `sweep()`
 * takes away what the last frame did not put. Elements keep the order in which they were first
 * put, inside the layer (an SVG group) that `layer(name)` chose last, or in the group that
 * `group(key, attributes, fill)` makes while `fill` runs. `size(width, height)` is in units; the
 * view's zoom makes pixels.
 *
 * `part(key, from, fill)` draws a part of the picture again only when what it is drawn from has
 * changed: while one axis is on its way, the others need not be drawn in each frame.
 *
 * `memo(name, from, make)` makes a value again only when what it is made from has changed, as in
 * figure.js. `follow(key, value)` gives back a value, such as the ends of an axis, that follows the
 * one given smoothly; `moving(key)` says whether it is under way. `hold(key, value)` does the same for
 * the axis of what is dragged: meanwhile it rests, or it would run away under the hand.
 *
 * @param {string} label what the picture shows, in words
 * @param {Viewed} view
 * @param {string[]} layers their names; later ones lie on top
 */
export function drawing(label, view, layers) {
  const root = svg("svg", { role: "group", "aria-label": label });
  const own = { node: root, given: {} };
  const { follow, rest, moving } = follower(view);
  let dragged = false;
  /** @type {Record<string, any> | undefined} */
  let before; // the inputs, when the drag began
  return {
    root: html("div", { class: "bn-picture" }, root),
    svg: root,
    ...elements(root, layers),
    memo: memoizer(),
    /** @template {number | number[]} T @param {string} key @param {T} value @returns {T} */
    hold: (key, value) => /** @type {T} */ ((dragged && rest(key)) || follow(key, value)),
    follow,
    moving,
    /** @param {boolean} on whether a handle is dragged */
    drag(on) {
      dragged = on;
      // A verdict of more or fewer lines would move the picture from under the hand: until it lets
      // go, a line too many lies over the picture
      const verdict = /** @type {HTMLElement | null} */ (
        root.parentElement?.querySelector(".verdict")
      );
      if (verdict) {
        verdict.style.height = on ? getComputedStyle(verdict).height : "";
        verdict.style.minHeight = "";
        verdict.classList.toggle("resting", on);
      }
      if (on) before = view.get?.();
      else view.redraw();
    },
    /** Takes back what the drag has changed. */
    restore() {
      if (before) view.set?.(before);
    },
    /** @param {number} width @param {number} height */
    size(width, height) {
      const zoom = view.zoom(width, height);
      const viewBox = `0 0 ${width} ${height}`;
      change(own, { width: width * zoom, height: height * zoom, viewBox });
    },
  };
}
