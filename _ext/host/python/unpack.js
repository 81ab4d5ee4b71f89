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
