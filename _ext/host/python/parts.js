/**
 * Python's parts: files that are classic scripts, each of which hands over a piece of base64. It is
 * the one form that a page may load over http and from file:// alike.
 */

import { loadScript } from "../script.js";
import { say } from "../words.js";

/** @type {Map<string, string>} what has arrived and was not taken yet */
const arrived = new Map();

// Each file calls this: bnPart("part_0123456789ab.js", "H4sI…")
/** @type {any} */ (globalThis).bnPart = (/** @type {string} */ file, /** @type {string} */ text) =>
  arrived.set(file, text);

/** @type {Map<string, Promise<string>>} */
const files = new Map();

/** Whether what came before was of no use: then the browser must not give it again. */
let distrust = false;

/** Loads all of it again the next time, since what has arrived did not start. */
export function forgetParts() {
  files.clear();
  distrust = true;
}

/**
 * The base64 in a file of the folder `root`, which is loaded once.
 * @param {string} root
 * @param {string} file
 * @param {(bytes: number) => void} onBytes called with the bytes that arrive, where that can be known
 * @returns {Promise<string>}
 */
export function load(root, file, onBytes) {
  const known = files.get(file);
  if (known) return known;
  const loading = arriving(root, file, onBytes);
  files.set(file, loading);
  loading.catch(() => files.delete(file)); // the next start tries again
  return loading;
}

/**
 * Reported as it arrives: over a slow line a file takes a minute. Not from file://, and not where a
 * policy forbids to connect: there it comes as the script that it is.
 * @param {string} root
 * @param {string} file
 * @param {(bytes: number) => void} onBytes
 */
async function arriving(root, file, onBytes) {
  const answer = /^https?:/.test(root)
    ? await fetch(root + file, { cache: distrust ? "reload" : "default" }).catch(() => null)
    : null;
  if (answer && !answer.ok)
    throw new Error(say("{file} did not load: status {status}", { file, status: answer.status }));
  if (answer?.body) return between(file, await streamed(file, answer.body, onBytes));
  await loadScript(root + file);
  const text = arrived.get(file);
  arrived.delete(file);
  if (text === undefined) throw none(file);
  return text;
}

/** @param {string} file @param {ReadableStream<Uint8Array>} body @param {(n: number) => void} onBytes */
async function streamed(file, body, onBytes) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(say("the connection broke off in {file}", { file }));
    });
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    onBytes(value.byteLength);
  }
}

const none = (/** @type {string} */ file) =>
  new Error(say("{file} holds no part of Python", { file }));

/** What is between the quotes of such a file. @param {string} file @param {string} text */
function between(file, text) {
  const [before, after] = [`bnPart("${file}","`, '");\n'];
  if (!text.startsWith(before) || !text.endsWith(after)) throw none(file);
  return text.slice(before.length, -after.length);
}
