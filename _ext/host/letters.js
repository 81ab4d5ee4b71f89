/*
 * The letters of text and formulas are in their style sheets. Made ready before the page is painted,
 * they have their width from the start: no line breaks elsewhere later, and nothing jumps.
 */

const EARLY = /^(Book|KaTeX_Main normal (400|normal)|KaTeX_Math italic (400|normal))/;
for (const face of document.fonts) {
  const name = `${face.family.replaceAll('"', "")} ${face.style} ${face.weight}`;
  if (EARLY.test(name)) face.load();
}
