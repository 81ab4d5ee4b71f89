/** Drawing on the page: elements kept by key, things to drag, arrows. No markup from data. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes, listeners (functions) and children (strings become text). */
export function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** An entry of a legend: the colour of a meaning, and what it stands for; struck out if off. */
export const legend = (look, text, on = true) =>
  html("span", { class: on ? "key" : "key off", style: `--swatch: var(--bn-${look})` }, text);

/** Gives a node this text; an unchanged one is not touched, or it would be read out again. */
export function tell(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A drawing whose elements are kept from frame to frame, so that focus and drags survive.
 * `put(key, tag, attributes, text)` makes the element or changes it; `sweep()` takes away what
 * the last frame did not put. Elements stand in the order in which they were first put, inside
 * the layer (an SVG group) that `layer(name)` chose last.
 */
export function drawing(label) {
  const root = document.createElementNS(SVG, "svg");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  const known = new Map();
  const used = new Set();
  let parent = root;
  const put = (key, tag, attributes = {}, text) => {
    let node = known.get(key);
    if (!node) {
      node = document.createElementNS(SVG, tag);
      known.set(key, node);
      parent.append(node);
    }
    used.add(key);
    for (const [name, value] of Object.entries(attributes)) {
      if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    }
    if (text !== undefined) tell(node, text);
    return node;
  };
  return {
    root,
    put,
    has: (key) => known.has(key),
    layer(name) {
      parent = root;
      parent = put(`layer ${name}`, "g", { class: name });
    },
    sweep() {
      for (const [key, node] of known) {
        if (used.has(key)) continue;
        node.remove();
        known.delete(key);
      }
      used.clear();
    },
    size(width, height) {
      for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
        root.setAttribute(name, value);
      }
    },
  };
}

/** The path of an arrow from (x1, y1) to (x2, y2); shorter than its head it is all head. */
export function arrow(x1, y1, x2, y2, head = 7) {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (length < 0.5) return "";
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const h = Math.min(head, length);
  const [bx, by] = [x2 - ux * h, y2 - uy * h];
  const [wx, wy] = [-uy * h * 0.55, ux * h * 0.55];
  return `M${x1} ${y1}L${bx} ${by}M${x2} ${y2}L${bx + wx} ${by + wy}L${bx - wx} ${by - wy}Z`;
}

/**
 * Makes an SVG element something to move, by mouse, touch and keyboard: a slider to screen
 * readers. `move(x, y)` gets the pointer's place in the drawing; `nudge(dx, dy)` the arrow keys'
 * steps (1, with Shift or Page keys 10); `done()` the end of a drag. A large thing that only moves
 * sideways is `level`: a finger that goes up or down on it scrolls the page.
 */
export function movable(node, { move, nudge, done = () => {}, level = false }) {
  const keys = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowDown: [0, -1],
    ArrowUp: [0, 1],
    PageDown: [0, -10],
    PageUp: [0, 10],
  };
  node.setAttribute("tabindex", "0");
  node.setAttribute("role", "slider");
  node.classList.add("bn-movable");
  let grip = null; // where in the thing it was taken hold of, so that it does not jump
  let down; // where on the screen that was
  const at = (event) => {
    const box = node.ownerSVGElement.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    node.setPointerCapture(event.pointerId);
    node.focus({ preventScroll: true });
    const [x, y] = at(event);
    grip = [x - Number(node.dataset.x), y - Number(node.dataset.y)];
    down = event;
    event.preventDefault();
  });
  node.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const [x, y] = at(event);
    move(x - grip[0], y - grip[1]);
  });
  // Chromium does not heed touch-action inside an SVG: it would scroll, and cancel the drag
  const hold = (event) => {
    const { clientX, clientY } = event.touches[0];
    const upright = Math.abs(clientY - down?.clientY) > Math.abs(clientX - down?.clientX);
    if (grip && !(level && upright) && event.cancelable) event.preventDefault();
  };
  node.addEventListener("touchmove", hold, { passive: false });
  for (const end of ["pointerup", "pointercancel"]) {
    node.addEventListener(end, () => {
      if (grip) done();
      grip = null;
    });
  }
  node.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would move to another cell
    nudge(...step.map((v) => (event.shiftKey ? v * 10 : v)));
  });
}
