/** Fetches a script of the site when it is first needed; from file://, too, where import() fails. */

const here = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src;
const SITE = new URL("python/", here ?? document.baseURI);

/** @type {Map<string, Promise<any>>} */
const loading = new Map();

/**
 * What a script leaves behind under a global name; rejects if it cannot be had.
 * @param {string} file in the site's folder `python`
 * @param {string} name
 * @returns {Promise<any>}
 */
function load(file, name) {
  const known = loading.get(file);
  if (known) return known;
  const fresh = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL(file, SITE).href;
    script.onload = () => resolve(/** @type {any} */ (window)[name]);
    script.onerror = () => {
      loading.delete(file); // the next click tries again
      script.remove();
      reject(new Error(`${file} did not load`));
    };
    document.head.append(script);
  });
  loading.set(file, fresh);
  return fresh;
}

/** @returns {Promise<typeof import("./editor.js")>} */
export const loadEditor = () => load("editor.js", "bnEditor");
