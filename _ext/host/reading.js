/**
 * Which pages have been read: a page whose end was in sight has a tick in the list of chapters. The
 * marks are the reader's own: they stay in the browser, and a button below the list erases them.
 */
import { element } from "./element.js";
import { recall, store } from "./store.js";
import { say } from "./words.js";

const KEY = "bn-read";

/** The page's name, as the last part of its address has it. @param {string} pathname */
const nameOf = (pathname) => pathname.replace(/.*\//, "");

/** @returns {string[]} */
const read = () => {
  const known = recall(KEY, []);
  return Array.isArray(known) ? known : [];
};

/** @param {Element} list of links to the pages */
function show(list) {
  const known = new Set(read());
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (list.querySelectorAll("a"))) {
    const mark = link.querySelector(".bn-read");
    if (!known.has(nameOf(link.pathname))) mark?.remove();
    else if (!mark) {
      const label = { role: "img", "aria-label": say("read") };
      link.append(" ", element("span", { className: "bn-read", ...label }, "✓"));
    }
  }
}

/** Marks this page as read once its end is in sight. */
export function markRead() {
  const list = document.querySelector(".bd-links");
  const end = document.querySelector(".bd-article > section > :last-child");
  if (!list || !end) return;
  const named = { type: "button", className: "bn-forget" };
  const forget = element("button", named, say("Forget what I have read"));
  forget.addEventListener("click", () => {
    store.remove(KEY);
    watch.disconnect();
    update();
  });
  list.append(forget);
  const update = () => {
    forget.hidden = !read().length;
    show(list);
  };
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    store.set(KEY, JSON.stringify([...new Set([...read(), nameOf(location.pathname)])]));
    update();
  });
  watch.observe(end);
  update();
}
