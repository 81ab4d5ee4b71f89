/** Modules and files from what is in memory: each is a blob with an address for as long as need be. */

/** A module from its source. @param {string} code @returns {Promise<any>} */
export function imported(code) {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  return import(url).finally(() => URL.revokeObjectURL(url));
}

/** Hands a file to the browser. @param {Blob} content @param {string} name */
export function download(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // by then it has been read
}
