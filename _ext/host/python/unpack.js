import { say } from "../words.js";

/**
 * What is in pieces of base64: the bytes, unzipped. Throws if it is damaged: gzip has a checksum.
 * @param {string[]} texts
 * @param {string} name of what it is
 * @returns {Promise<ArrayBuffer>}
 */
export async function unpack(texts, name) {
  try {
    return await unzipped(texts);
  } catch {
    throw new Error(say("{name} arrived damaged", { name }));
  }
}

/** @param {string[]} texts */
function unzipped(texts) {
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
