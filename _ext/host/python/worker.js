/**
 * The kernel's worker: Pyodide, and page/session.py in it. Its script is one file with Pyodide's
 * own (pyodide.asm.js, pyodide.js) before this module, so that it needs nothing but its blob.
 */
import { checkWebAssembly, explained } from "../policy.js";
import { unpack } from "./unpack.js";
import { bring, say } from "../words.js";

const here = /** @type {any} */ (globalThis);
const post = (/** @type {any} */ message) => here.postMessage(message);

/** @type {any} page/session.py's functions */
let session;
/** @type {Promise<void>} each message waits for the one before it */
let queue = Promise.resolve();

/**
 * Puts Python together from its parts. Pyodide fetches by name what it is made of: here from them.
 * @param {Record<string, string[]>} parts
 * @param {string[]} figures
 */
async function start(parts, figures) {
  checkWebAssembly();
  // What is damaged is said here: Pyodide would wait for ever for its WebAssembly
  const unpacked = Object.entries(parts).map(
    async ([name, texts]) => /** @type {const} */ ([name, await unpack(texts, name)]),
  );
  const files = new Map(await Promise.all(unpacked));
  here.fetch = async (/** @type {string | URL} */ url) => {
    const name = String(url).replace(/.*\//, "");
    const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    const file = files.get(name);
    if (!file) throw new Error(say("this page’s Python reads nothing from the network"));
    return new Response(file, { headers: { "content-type": type } });
  };
  const lock = JSON.parse(new TextDecoder().decode(files.get("lock.json")));
  const python = await here.loadPyodide({
    indexURL: "bn://python/",
    packageBaseUrl: "bn://python/",
    lockFileContents: lock,
    stdin: () => null,
    env: { MPLBACKEND: "module://page.backend", HOME: "/reader", JUPYTER_WIDGETS_ECHO: "0" },
  });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  for (const name of ["packages.zip", "page.zip"])
    python.unpackArchive(files.get(name), "zip", { extractDir: site });
  files.clear();
  session = python.pyimport("page.session");
  session.start(tell, python.toPy(figures));
  session.prepare();
}

/**
 * How Python speaks: JSON, and for comms the buffers beside it.
 * @param {string} json
 * @param {any} [buffers] a list of bytes
 */
function tell(json, buffers) {
  const message = JSON.parse(json);
  if (message.kind === "comm") message.message.buffers = buffers?.toJs() ?? [];
  post(message);
}

/** @param {any} data what the page asks */
async function answer({ kind, id, parts, figures, words, source, name, values, message }) {
  let value;
  if (kind === "comm") {
    const { buffers = [], ...rest } = message;
    session.hear(JSON.stringify(rest), buffers);
  } else if (kind === "start") {
    bring(words);
    await start(parts, figures);
  } else if (kind === "run") value = JSON.parse(session.run(source, name, id));
  else if (kind === "look") value = JSON.parse(session.look(name, JSON.stringify(values)));
  else value = JSON.parse(session.call(name, JSON.stringify(values)));
  post({ kind: "done", id, value });
}

here.onmessage = (/** @type {MessageEvent} */ { data }) => {
  queue = queue
    .then(() => answer(data))
    .catch(async (caught) => {
      const error = await explained(caught);
      post({ kind: "lost", reason: String(/** @type {any} */ (error)?.message ?? error) });
    });
};
