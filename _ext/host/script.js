/** Scripts and style sheets that are loaded when they are needed; from file://, too. */
import { element } from "./element.js";
import { explained } from "./policy.js";
import { say } from "./words.js";

/** @type {Map<string, Promise<void>>} by address */
const loading = new Map();

/**
 * Loads a classic script, once. Rejects if it cannot be had; the next call tries again.
 * @param {string} src
 * @returns {Promise<void>}
 */
export function loadScript(src) {
  const known = loading.get(src);
  if (known) return known;
  const tag = document.createElement("script");
  const fresh = new Promise((resolve, reject) => {
    tag.onload = () => resolve(undefined);
    tag.onerror = () =>
      reject(new Error(say("{file} did not load", { file: src.replace(/.*\/|\?.*/g, "") })));
    tag.src = src;
    document.head.append(tag);
  })
    .catch(async (error) => {
      loading.delete(src);
      throw await explained(error);
    })
    .finally(() => tag.remove());
  loading.set(src, fresh);
  return fresh;
}

/** Loads a style sheet. @param {string} href */
export const loadStyle = (href) =>
  document.head.append(element("link", { rel: "stylesheet", href }));
