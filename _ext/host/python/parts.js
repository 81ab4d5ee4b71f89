/**
 * Python's parts: files that are classic scripts, each of which hands over a piece of base64. It is
 * the one form that a page may load over http and from file:// alike.
 */

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
 * @returns {Promise<string>}
 */
export function load(root, file) {
  const known = files.get(file);
  if (known) return known;
  const loading = script(root + file).then(() => {
    const text = arrived.get(file);
    arrived.delete(file);
    if (text === undefined) throw new Error(`${file} holds no part of Python`);
    return text;
  });
  files.set(file, loading);
  loading.catch(() => files.delete(file)); // the next start tries again
  return loading;
}

/**
 * Loads a classic script.
 * @param {string} src
 * @returns {Promise<void>}
 */
export function script(src) {
  const tag = document.createElement("script");
  const loading = new Promise((resolve, reject) => {
    tag.onload = () => resolve(undefined);
    tag.onerror = () => reject(new Error(`${src.replace(/.*\//, "")} did not load`));
  });
  tag.src = src;
  document.head.append(tag);
  return loading.then(() => tag.remove());
}

/**
 * What is in pieces of base64: the bytes, unzipped.
 * @param {string[]} texts
 * @returns {Promise<ArrayBuffer>}
 */
export function unpack(texts) {
  const zipped = texts.map((text) => {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
    return bytes;
  });
  // Not by a Blob: from file://, WebKit cannot read one in a worker
  const stream = new ReadableStream({
    start(controller) {
      for (const bytes of zipped) controller.enqueue(bytes);
      controller.close();
    },
  });
  return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}
