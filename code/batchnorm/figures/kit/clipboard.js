import { say } from "./words.js";

/**
 * Copies a text, and says so. Where no page may copy, it is shown, to be copied by hand.
 * @param {string} text @param {string} [done] what is said of one that was copied
 */
export const copy = async (text, done = say("Copied")) =>
  (await copied(text)) ? done : say("Press Ctrl+C (or ⌘C) to copy what is selected");

/**
 * Whether a text could be copied. If not, it is in a field, selected, until its reader leaves it.
 * @param {string} text
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedAsSelection(text);
  }
}

/** The same for pages over plain HTTP, which have no `navigator.clipboard`. @param {string} text */
function copiedAsSelection(text) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const area = document.createElement("textarea");
  area.readOnly = true;
  area.value = text;
  area.setAttribute("aria-label", say("What to copy"));
  // Fixed: else the page scrolls to it
  area.style.cssText = "position: fixed; z-index: 9999; inset: auto 5% 1rem auto; opacity: 0";
  (before?.closest("[popover]") ?? document.body).append(area); // over a figure that fills the screen
  area.select();
  if (document.execCommand("copy")) {
    area.remove();
    before?.focus({ preventScroll: true });
    return true;
  }
  area.style.cssText += "; width: min(90%, 34rem); height: 12rem; opacity: 1";
  area.addEventListener("blur", () => area.remove());
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") area.blur();
  });
  return false;
}
