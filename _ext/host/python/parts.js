/**
 * Python's parts: files that are classic scripts, each of which hands over a piece of base64. It is
 * the one form that a page may load over http and from file:// alike.
 */

import { loadScript } from "../script.js";

/** @type {Map<string, string>} what has arrived and was not taken yet */
const arrived = new Map();

// Each file calls this: bnPart("part_0123456789ab.js", "H4sI…")
/** @type {any} */ (globalThis).bnPart = (/** @type {string} */ file, /** @type {string} */ text) =>
  arrived.set(file, text);

/** @type {Map<string, Promise<string>>} */
const files = new Map();

/**
 * The base64 in a file of the folder `root`, which is loaded once.
 * @param {string} root
 * @param {string} file
 * @param {(bytes: number) => void} heard called with the bytes that arrive, where that can be known
 * @returns {Promise<string>}
 */
export function load(root, file, heard) {
  const known = files.get(file);
  if (known) return known;
  const loading = streamed(root + file, heard).catch(async () => {
    await loadScript(root + file);
    const text = arrived.get(file);
    arrived.delete(file);
    return text;
  });
  const checked = loading.then((text) => {
    if (text === undefined) throw new Error(`${file} holds no part of Python`);
    return text;
  });
  files.set(file, checked);
  checked.catch(() => files.delete(file)); // the next start tries again
  return checked;
}

/**
 * The same, reported as it arrives: over a slow line a file takes a minute. Not from file://, and
 * not where a policy forbids to connect.
 * @param {string} src
 * @param {(bytes: number) => void} heard
 */
async function streamed(src, heard) {
  if (!/^https?:/.test(src)) throw new Error("only over http");
  const response = await fetch(src);
  if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    heard(value.byteLength);
  }
  const [, , , base64] = text.split('"'); // bnPart("part_0123456789ab.js","H4sI…")
  return base64;
}
