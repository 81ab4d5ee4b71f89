import { analyse, outputs, sizeOf } from "./model.js";
import { arrange, neighbour, thingAt } from "./place.js";
import { drawGraph, drawTag } from "./view.js";
import { panelWords, table, verdict } from "./words.js";
import { makeFigure } from "../kit/figure.js";
import { bar, button, stage, steady } from "../kit/panel.js";
import { html, setText } from "../kit/svg.js";

/**
 * @import { Inputs, Mount, Shown, View } from "./model.js"
 * @import { Place } from "./place.js"
 */

const KEYS = /^(Arrow(Left|Right|Up|Down)|Home|End)$/;

/**
 * What a reader does to the graph, and how it is undone: a walk's steps, cuts, a reset.
 * @param {View} view @param {(key: string) => void} centre
 */
function actions(view, centre) {
  /** @type {Partial<Inputs>[]} */
  const past = []; // what was changed, as it was before
  const act = (/** @type {Partial<Inputs>} */ changes) => {
    const now = /** @type {Record<string, any>} */ (view.get());
    past.push(Object.fromEntries(Object.keys(changes).map((name) => [name, now[name]])));
    view.set(changes);
  };
  const walk = (/** @type {number} */ to) => {
    if (to) centre(`node ${view.analysis().order[to - 1]}`);
    return { step: to };
  };
  const undo = () => {
    const before = past.pop() ?? { step: view.get().step - 1 };
    view.set(before.step === undefined ? before : { ...before, ...walk(before.step) });
  };
  const buttons = {
    on: button("Next node", () => act(walk(view.get().step + 1))),
    back: button("Undo", undo),
    numbers: button("Show numbers", () => view.set({ numbers: !view.get().numbers })),
    reset: button("Reset the graph", () => act(view.get().start)),
  };
  return {
    root: bar(...Object.values(buttons)),
    /** Cuts an edge, or lets it flow again. @param {string} key of the edge */
    toggle(key) {
      const [target, slot] = key.split(":").map(Number);
      const { cut } = view.get();
      const others = cut.filter(([t, s]) => t !== target || s !== slot);
      const more = others.length < cut.length ? others : [...cut, [target, slot]];
      const sorted = more.sort(([a, b], [c, d]) => a - c || b - d);
      act({ cut: /** @type {[number, number][]} */ (sorted) });
    },
    /** @param {Shown} shown */
    show({ step, order, numbers }) {
      buttons.back.disabled = step === 0 && past.length === 0;
      buttons.on.disabled = step === order.length;
      setText(buttons.numbers, numbers ? "Hide numbers" : "Show numbers");
    },
  };
}

/**
 * What can be scrolled: it says so, fades where there is more, and moves a place into the middle.
 * @param {Element} content @param {(width?: number) => number} zoom
 */
function scroller(content, zoom) {
  const root = html("div", { class: "scroll" }, content);
  const hint = html("p", { class: "hint" }, "◂ ▸ The graph is wider than this page: scroll it.");
  let over = 0; // pixels that it is wider than its room
  let scale = 1;
  const fade = () => {
    root.classList.toggle("more-before", over > 0 && root.scrollLeft > 4);
    root.classList.toggle("more-after", over > 0 && root.scrollLeft < over - 4);
  };
  root.addEventListener("scroll", fade, { passive: true });
  return {
    root,
    hint,
    /** @param {number} drawn its width, in units @param {number} width of the room */
    fit(drawn, width) {
      scale = zoom(drawn);
      over = drawn * scale - width * zoom();
      hint.hidden = over <= 1;
      fade();
    },
    /** @param {number} x */
    centre(x) {
      if (over > 0) root.scrollLeft = x * scale - root.clientWidth / 2;
    },
    /** @param {Place} place @returns {[number, number]} the part in sight */
    seen({ width }) {
      const left = over > 0 ? root.scrollLeft / scale : 0;
      return [left, over > 0 ? left + root.clientWidth / scale : width];
    },
  };
}

/**
 * What has the focus, what is pointed at, and what the keys do.
 * @param {View} view @param {(key: string) => SVGElement} nodeOf @param {() => Place} placeNow
 * @param {(edge: string) => void} toggle
 */
function pointing(view, nodeOf, placeNow, toggle) {
  /** @type {Record<"chosen" | "pointed" | "home" | "centre", string | null>} */
  const now = { chosen: null, pointed: null, home: null, centre: null };
  const change = (/** @type {Partial<typeof now>} */ changes) => {
    Object.assign(now, changes);
    view.redraw();
  };
  const onKey = (/** @type {KeyboardEvent} */ event, /** @type {string} */ key) => {
    const { edge } = thingAt(placeNow(), key);
    if (edge && (event.key === "Enter" || event.key === " ")) toggle(edge.key);
    else if (KEYS.test(event.key)) {
      const next = neighbour(placeNow(), key, event.key);
      if (next) nodeOf(next).focus();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would move to another cell
  };
  const listen = (/** @type {SVGElement} */ node, /** @type {string} */ key) => {
    node.addEventListener("focus", () => {
      // Under a mouse it would run away
      const centre = node.matches(":focus-visible") ? key : null;
      change({ chosen: key, home: key, centre });
    });
    node.addEventListener("blur", () => change({ chosen: null }));
    node.addEventListener("keydown", (event) => onKey(event, key));
    if (key.startsWith("edge")) point(node, key);
  };
  const point = (/** @type {SVGElement} */ node, /** @type {string} */ key) => {
    const hover = (/** @type {string | null} */ to) => (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === "mouse") change({ pointed: to });
    };
    node.addEventListener("pointerenter", hover(key));
    node.addEventListener("pointerleave", hover(null));
    const [kind, id] = key.split(" ");
    if (kind === "edge") node.addEventListener("click", () => toggle(id));
  };
  return { now, change, listen, point };
}

/** Lines of text. @param {HTMLElement} parent @param {string[]} lines */
function setLines(parent, lines) {
  while (parent.children.length > lines.length) parent.lastChild?.remove();
  lines.forEach((line, i) => {
    setText(parent.children[i] ?? parent.appendChild(html("p")), line);
  });
}

/**
 * Joins the figure to the names in the code that it was traced from, if anything on the page cares:
 * "bn-point" with a name points at its node, and what is pointed at is emitted as "bn-pointed".
 * @param {HTMLElement} el @param {View} view @param {(key: string | null) => void} point
 */
function named(el, view, point) {
  let last = "";
  el.addEventListener("bn-point", (event) => {
    const { detail } = /** @type {CustomEvent<string>} */ (event);
    const node = view
      .analysis()
      .drawn.nodes.find(({ node }) => view.analysis().traced.nodes[node].name === detail);
    point(node ? `node ${node.node}` : null);
  });
  /** @param {Shown} shown @param {number[]} nodes that are pointed at */
  return function emit({ traced }, nodes) {
    const detail = nodes.flatMap((i) => traced.nodes[i].name || []);
    if (last === detail.join()) return;
    last = detail.join();
    el.dispatchEvent(new CustomEvent("bn-pointed", { detail }));
  };
}

/** @type {Mount} */
function mount(el, view) {
  const about = "A computation graph. Arrow keys move along it; Enter on an edge cuts it.";
  const attributes = { class: "panel", tabindex: "0", role: "group" };
  const panel = html("div", { ...attributes, "aria-label": "About what is chosen" });
  const buttons = actions(view, (centre) => change({ centre }));
  const parts = [buttons.root, panel];
  const layers = ["wires", "handles", "nodes", "tags"];
  const { picture, finish } = stage(el, view, about, parts, layers);
  const scroll = scroller(picture.svg, view.zoom);
  picture.root.append(scroll.root, scroll.hint);
  /** @type {Place} */
  let place;
  const nodeOf = (/** @type {string} */ key) => picture.put(key, "g");
  const { now, change, ...listeners } = pointing(view, nodeOf, () => place, buttons.toggle);
  const emit = named(el, view, (pointed) => change({ pointed }));
  el.classList.add("bn-broad");
  steady(panel);

  return function draw(shown, width) {
    const how = shown.numbers ? "full" : "plain";
    place = arrange(shown.drawn, how, width, width * view.zoom());
    const home = thingAt(place, now.home);
    if (!home.node && !home.edge) now.home = `node ${place.nodes[0].node}`;
    const reading = now.pointed ?? now.chosen;
    const item = thingAt(
      place,
      reading ?? (shown.step ? `node ${shown.order[shown.step - 1]}` : null),
    );
    const on = item.edge?.key;
    const at = item.node?.node;
    emit(shown, item.edge ? [item.edge.source, item.edge.target] : at === undefined ? [] : [at]);
    const litEdge = (/** @type {import("./place.js").PlacedEdge} */ { key, source, target }) =>
      key === on || source === at || target === at;
    const lit = new Set(place.edges.filter(litEdge).flatMap((e) => [e.source, e.target]));
    const frame = {
      ...listeners,
      shown,
      place,
      litEdge,
      at,
      home: now.home,
      litNode: (/** @type {{node: number}} */ { node }) => node === at || lit.has(node),
      most: Math.max(0, ...[...shown.trueFlow.values()].map(sizeOf)),
    };
    drawGraph(picture, frame);
    if (item.edge) drawTag(picture, frame, item.edge, scroll.seen(place));
    scroll.fit(place.width, width);
    const { edge, node } = thingAt(place, now.centre);
    if (edge) scroll.centre(edge.hold.x);
    if (node) scroll.centre(node.x + node.w / 2);
    now.centre = null;
    buttons.show(shown);
    setLines(panel, panelWords(shown, reading ? item : {}));
    finish({ verdict: verdict(shown), ...table(shown) });
  };
}

export default makeFigure({ analyse, outputs, mount });
