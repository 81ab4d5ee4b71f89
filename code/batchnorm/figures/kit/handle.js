/** @import { Drawing } from "./svg.js" */
/**
 * A thing to move, by mouse, touch and keyboard; a slider to screen readers.
 *
 * Put it again in each frame, like anything else: `move` and `nudge` may use the frame's own scales,
 * since those of the last frame are called.
 *
 * @typedef {object} Handle
 * @property {number} x where it is, in the drawing's units
 * @property {number} y
 * @property {string} label what it is, for screen readers
 * @property {[number, number]} range of its value
 * @property {number} value
 * @property {string} text its value in words
 * @property {(x: number, y: number) => void} [move] it was dragged to this place in the drawing
 * @property {(right: number, up: number) => void} nudge an arrow key was pressed: steps of 1; with
 *   Shift, and for the Page keys, 10
 * @property {(value: number) => void} [go] Home or End was pressed: an end of the range. Without it,
 *   they are many steps: `nudge` stops at the ends
 * @property {[string, Record<string, any>][]} marks what is seen, around (0, 0): [tag, attributes]
 * @property {Record<string, any>} [target] what one can take hold of: a rectangle's attributes;
 *   without it, a disc for a finger
 * @property {boolean} [level] a large thing that only moves sideways: a finger that goes up or down
 *   on it scrolls the page
 */

const RADIUS = 15; // of the disc that a finger meets
const FAR = 1e6; // steps: farther than any range
const ENDS = ["pointerup", "pointercancel"];
/** @type {Partial<Record<string, [number, number]>>} */
const KEYS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowDown: [0, -1],
  ArrowUp: [0, 1],
  PageDown: [0, -10],
  PageUp: [0, 10],
  Home: [-FAR, 0],
  End: [FAR, 0],
};

/** @type {WeakMap<Element, Handle>} what each handle is in the frame that was drawn last */
const current = new WeakMap();

/** For screen readers: few digits, in range. @param {number} v @param {[number, number]} range */
const plain = (v, [lo, hi]) => Number(Math.min(hi, Math.max(lo, v)).toPrecision(6));

/** @param {Drawing} picture @param {string} key @param {Handle} now */
export function handle(picture, key, now) {
  const { x, y, label, range, value, text, marks, target, level = false } = now;
  const isNew = !picture.has(key);
  const attributes = {
    transform: `translate(${x} ${y})`,
    "data-x": x,
    "data-y": y,
    "aria-label": label,
    "aria-valuemin": plain(range[0], range),
    "aria-valuemax": plain(range[1], range),
    "aria-valuenow": plain(value, range),
    "aria-valuetext": text,
  };
  const node = picture.group(key, attributes, () => {
    const area = { class: "target", ...(target ?? { r: RADIUS }) };
    picture.put(`${key} target`, target ? "rect" : "circle", area);
    marks.forEach(([tag, of], i) => picture.put(`${key} mark ${i}`, tag, of));
  });
  current.set(node, now);
  if (isNew) listen(picture, node, level);
  return node;
}

/**
 * Where a pointer is in a drawing, in its units, however large it is drawn.
 * @param {SVGElement} node any of the drawing's
 * @param {{clientX: number, clientY: number}} pointer
 */
export function placeIn(node, { clientX, clientY }) {
  const svg = node.ownerSVGElement ?? /** @type {SVGSVGElement} */ (node);
  const box = svg.getBoundingClientRect();
  const zoom = box.width / svg.viewBox.baseVal.width || 1;
  return [(clientX - box.left) / zoom, (clientY - box.top) / zoom];
}

/** Its listeners. @param {Drawing} picture @param {SVGElement} node @param {boolean} level */
function listen(picture, node, level) {
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "slider");
  node.classList.add("bn-movable");
  /** @type {[number, number] | null} */
  let grip = null; // where in the thing it was taken hold of, so that it does not jump
  let down = { clientX: 0, clientY: 0 }; // where on the screen that was
  const end = (/** @type {Event} */ { type }) => {
    for (const name of ENDS) window.removeEventListener(name, end);
    grip = null;
    if (type === "pointercancel") picture.restore(); // it was the beginning of a scroll
    picture.drag(false);
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    const [x, y] = placeIn(node, event);
    grip = [x - Number(node.dataset.x), y - Number(node.dataset.y)];
    down = event;
    picture.drag(true);
    event.preventDefault();
    // On the window: the thing itself may be gone by then
    for (const name of ENDS) window.addEventListener(name, end);
  });
  node.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = placeIn(node, event);
    current.get(node)?.move?.(x - grip[0], y - grip[1]);
  });
  // Chromium does not heed touch-action inside an SVG: it would scroll, and cancel the drag
  const still = (/** @type {TouchEvent} */ event) => {
    const { clientX, clientY } = event.touches[0];
    const upright = Math.abs(clientY - down.clientY) > Math.abs(clientX - down.clientX);
    if (grip && !(level && upright) && event.cancelable) event.preventDefault();
  };
  node.addEventListener("touchmove", still, { passive: false });
  node.addEventListener("keydown", (event) => {
    const step = KEYS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would move to another cell
    const [right, up] = step.map((v) => (event.shiftKey ? v * 10 : v));
    const { nudge, go, range } = current.get(node) ?? {};
    if (go && range && Math.abs(right) >= FAR) go(range[right < 0 ? 0 : 1]);
    else nudge?.(right, up);
  });
}
