/**
 * The theme's menus and hints. They are Bootstrap's, 24 KB on the way: its script is loaded when a
 * reader points at one of them, or comes to it by a key. The button that leads back to the top, on
 * a small screen, would be Bootstrap's, too; it is here, and needs none of it.
 */
import { loadScript } from "./script.js";

/** Whether what happened still holds once the script is there. */
const HOLDS = { mouseover: ":hover", focusin: ":focus", click: "[data-bs-toggle=dropdown]" };

/** @param {string} src where Bootstrap is */
export function awaitReader(src) {
  for (const [type, holds] of Object.entries(HOLDS)) {
    addEventListener(type, async ({ target }) => {
      const button = target instanceof Element ? target.closest("[data-bs-toggle]") : null;
      if (!button || "bootstrap" in globalThis) return;
      try {
        await loadScript(src);
      } catch (error) {
        return console.warn(error);
      }
      if (button.matches(holds)) button.dispatchEvent(new MouseEvent(type, { bubbles: true }));
    });
  }
}

/** Shows the button on the way up, as the theme has it. */
export function offerTop() {
  const button = document.getElementById("pst-back-to-top");
  if (!button) return;
  button.onclick = () => scrollTo(0, 0);
  let last = scrollY;
  addEventListener("scroll", () => {
    button.style.display = last > scrollY && scrollY > 0 ? "block" : "none";
    last = scrollY;
  });
}
