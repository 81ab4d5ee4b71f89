/** Code as a link holds it: deflated, in base64url. */
import { fromBase64, toBase64 } from "./address.js";

const MOST = 65_536; // bytes of code

/** @param {Uint8Array<ArrayBuffer>} bytes @param {GenericTransformStream} change */
const through = (bytes, change) => new Blob([bytes]).stream().pipeThrough(change);

/** @param {string} code */
export async function deflated(code) {
  const stream = through(new TextEncoder().encode(code), new CompressionStream("deflate-raw"));
  return toBase64(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/** The code in a text; null if there is none, or more than anyone writes. @param {string} text */
export async function inflated(text) {
  try {
    const reader = through(fromBase64(text), new DecompressionStream("deflate-raw")).getReader();
    const decoder = new TextDecoder("utf-8", { fatal: true });
    let code = "";
    for (let size = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return code + decoder.decode();
      size += value.length;
      if (size > MOST) {
        reader.cancel();
        return null;
      }
      code += decoder.decode(value, { stream: true });
    }
  } catch {
    return null;
  }
}
