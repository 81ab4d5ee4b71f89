/**
 * A page that shows one figure, in a frame of somebody else's page: light or dark as `?theme=` or
 * its reader's system asks, in the state that its address holds (see address.js), and as high as it
 * says. When whoever embeds it changes the address after the `#`, the figure follows.
 *
 * Its parent gets its height, now and whenever it changes, by the message
 * `{ type: "batchnorm-height", height }`, in pixels. The page listens to nobody.
 */
import { hashOf, holdsState } from "./address.js";
import { loadScript } from "./script.js";

const page = /** @type {any} */ (globalThis);
page.bnAlone = true;
const own = /** @type {HTMLScriptElement} */ (document.currentScript).src;

/** Shows what the address says, by a script that is loaded only then. */
async function openState() {
  if (!page.bnLinks && !holdsState(location.hash)) return;
  await loadScript(new URL("open.js", own).href);
  page.bnLinks.show(holdsState(location.hash) ? location.hash : hashOf([]));
}
openState();
addEventListener("hashchange", openState);

const system = matchMedia("(prefers-color-scheme: dark)");
const wished = new URLSearchParams(location.search).get("theme") ?? "";

function show() {
  const own = system.matches ? "dark" : "light";
  document.documentElement.dataset.theme = ["light", "dark"].includes(wished) ? wished : own;
}
show();
system.addEventListener("change", show);

document.addEventListener("DOMContentLoaded", () => {
  let sent = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === sent || parent === window) return;
    sent = height;
    // Whoever embeds it may know: it is only a height
    parent.postMessage({ type: "batchnorm-height", height }, "*");
  }).observe(document.body);
});
