import { html, setText } from "./svg.js";
import { say } from "./words.js";

/** What can have the focus in a figure and its controls. */
const FOCUSED = "button, input, select, [tabindex='0']";
const dialog = () => ({
  role: "dialog",
  "aria-modal": "true",
  "aria-label": say("The figure, enlarged"),
});

/**
 * A button that lets a figure, with its controls, fill the screen, drawn twice as large: for
 * lectures. It is a dialog then; Escape or the button leads back. Nothing is moved in the page, and
 * the focus stays on the button.
 *
 * @param {{redraw: () => void}} view
 */
export function enlarger(view) {
  /** @type {(() => void) | null} */
  let back = null; // leads back to the page, while the figure fills the screen
  const button = html("button", { type: "button", class: "bn-enlarge" });
  const name = () => {
    setText(button, back ? "×" : "⤢");
    button.setAttribute("aria-label", back ? say("Back to the page") : say("Enlarge"));
    button.title = back ? say("Back to the page (Escape)") : say("Enlarge");
  };
  const changed = () => {
    name();
    button.focus({ preventScroll: true });
    view.redraw();
  };
  const close = () => {
    back?.();
    back = null;
    changed();
  };
  button.addEventListener("click", () => {
    if (back) return close();
    const figure = /** @type {HTMLElement} */ (button.closest(".bn-figure"));
    back = fill(/** @type {HTMLElement} */ (figure.closest(".bn-box") ?? figure), figure, close);
    changed();
  });
  name();
  return button;
}

/**
 * Lets a box fill the screen; Escape calls `close`. Returns what undoes it.
 * @param {HTMLElement} box
 * @param {HTMLElement} figure in it
 * @param {() => void} close
 */
function fill(box, figure, close) {
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Tab") stayInside(box, event);
    else return;
    event.stopPropagation();
  };
  // The box may lie outside of what knows the figures' colours
  box.style.setProperty("--ground", getComputedStyle(figure).getPropertyValue("--bn-paper"));
  box.classList.add("bn-enlarged");
  document.documentElement.classList.add("bn-behind");
  for (const [name, value] of Object.entries(dialog())) box.setAttribute(name, value);
  box.addEventListener("keydown", onKey);
  const layered = "popover" in HTMLElement.prototype;
  if (layered) {
    // The top layer: nothing around the figure can cover or clip it
    box.popover = "manual";
    box.showPopover();
  }
  return () => {
    if (layered) box.hidePopover();
    box.removeEventListener("keydown", onKey);
    for (const name of [...Object.keys(dialog()), "popover"]) box.removeAttribute(name);
    document.documentElement.classList.remove("bn-behind");
    box.classList.remove("bn-enlarged");
    const { top } = box.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight) box.scrollIntoView({ block: "nearest" });
  };
}

/** Tab goes round inside a box. @param {HTMLElement} box @param {KeyboardEvent} event of Tab */
function stayInside(box, event) {
  const all = /** @type {NodeListOf<HTMLInputElement>} */ (box.querySelectorAll(FOCUSED));
  const inside = [...all].filter((node) => !node.disabled && node.getClientRects().length);
  const [last, next] = event.shiftKey ? [inside[0], inside.at(-1)] : [inside.at(-1), inside[0]];
  if (document.activeElement !== last) return;
  event.preventDefault();
  next?.focus();
}
