/**
 * A figure's picture as a file that looks the same anywhere: its styles are written into it, and
 * its fonts are those that every machine has.
 */

/** What is written into a shape or text, and what it is where nothing is written. */
const LOOK = {
  fill: "rgb(0, 0, 0)",
  "fill-opacity": "1",
  stroke: "none",
  "stroke-opacity": "1",
  "stroke-width": "1px",
  "stroke-dasharray": "none",
  "stroke-linecap": "butt",
  "stroke-linejoin": "miter",
  "paint-order": "normal",
  "shape-rendering": "auto",
};
const LETTERS = {
  "font-size": "",
  "font-weight": "400",
  "font-style": "normal",
  "text-anchor": "start",
  "dominant-baseline": "auto",
  "text-decoration-line": "none",
};
const EVERYWHERE = { opacity: "1", visibility: "visible" };
const NAMES = /^(class|role|tabindex|style|translate|aria-.*|data-.*)$/;
const SANS = "Helvetica, Arial, 'Liberation Sans', sans-serif";
const SERIF = "Georgia, 'Times New Roman', 'Liberation Serif', serif";
const MARGIN = 16; // units around the picture
const LINE = 20; // units from one line of the legend or of the sentence to the next

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text !== undefined) node.textContent = text;
  return node;
}

/** A colour as every program reads it: [#rrggbb, opacity]. @param {string} colour */
function plain(colour) {
  const numbers = /^rgba?\(([^)]+)\)$/
    .exec(colour)?.[1]
    .split(/[,/\s]+/)
    .map(Number);
  if (!numbers) return [colour, 1];
  const [alpha = 1] = numbers.slice(3);
  const hex = numbers.slice(0, 3).map((n) => Math.round(n).toString(16).padStart(2, "0"));
  return alpha ? [`#${hex.join("")}`, alpha] : ["none", 1];
}

/**
 * Writes into a copy how the element looks; true if nothing of it is seen.
 * @param {Element} node @param {Element} copy
 */
function write(node, copy) {
  const style = getComputedStyle(node);
  for (const { name } of [...copy.attributes]) if (NAMES.test(name)) copy.removeAttribute(name);
  if (style.display === "none" || node.matches(".gesture")) return true;
  const isText = /^(text|tspan)$/.test(node.tagName);
  const isGroup = /^(g|svg)$/.test(node.tagName);
  const all = isGroup ? EVERYWHERE : { ...EVERYWHERE, ...LOOK, ...(isText ? LETTERS : {}) };
  for (const [name, usual] of Object.entries(all)) {
    const value = style.getPropertyValue(name);
    if (!value || value === usual) continue;
    if (name !== "fill" && name !== "stroke") {
      copy.setAttribute(name.replace(/-line$/, ""), value);
      continue;
    }
    const [colour, opacity] = plain(value);
    copy.setAttribute(name, String(colour));
    if (opacity !== 1) copy.setAttribute(`${name}-opacity`, String(opacity));
  }
  const empty = ["fill", "stroke"].every(
    (name) => plain(style.getPropertyValue(name))[0] === "none",
  );
  return !isGroup && empty;
}

/** A copy of what is drawn, with its looks in it. @param {Element} node @returns {Element | null} */
function copied(node) {
  const copy = /** @type {Element} */ (node.cloneNode(false));
  if (write(node, copy)) return null;
  for (const child of node.childNodes) {
    if (child instanceof Element) {
      const inner = copied(child);
      if (inner) copy.append(inner);
    } else if (child.textContent?.trim()) copy.append(child.textContent);
  }
  return copy.tagName === "g" && !copy.childNodes.length ? null : copy;
}

/** How long a text is. @param {string} font */
function ruler(font) {
  const pen = /** @type {CanvasRenderingContext2D} */ (
    document.createElement("canvas").getContext("2d")
  );
  pen.font = font;
  return (/** @type {string} */ text) => pen.measureText(text).width;
}

/** A text in lines of this width. @param {string} text @param {number} width @param {string} font */
function wrapped(text, width, font) {
  const long = ruler(font);
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && long(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/**
 * The figure's legend, in rows from this height on: its elements, and where the last row ends.
 * @param {Element} figure @param {number} width @param {number} top @param {string} family
 * @param {string} ink
 */
function legend(figure, width, top, family, ink) {
  const long = ruler(`13px ${family}`);
  /** @type {Element[]} */
  const made = [];
  let x = 0;
  let y = top;
  for (const entry of figure.querySelectorAll(".keys .entry")) {
    const text = entry.textContent ?? "";
    const wide = 30 + long(text);
    if (x && x + wide > width) [x, y] = [0, y + LINE];
    const line = entry.querySelector("path");
    const swatch = line && copied(line);
    const place = svg("g", { transform: `translate(${x} ${y + 2})` });
    if (swatch) place.append(swatch);
    const name = svg("text", { x: 30, y: 8.5, "font-size": 13, fill: ink }, text);
    if (entry.matches(".off")) name.setAttribute("text-decoration", "line-through");
    place.append(name);
    made.push(place);
    x += wide + 22;
  }
  return { made, bottom: made.length ? y + LINE : top };
}

/** An SVG document as a PNG of two dots a unit. @param {string} text @param {number[]} size */
async function raster(text, [width, height]) {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  /** @type {Promise<Blob>} */
  const blob = new Promise((resolve, reject) =>
    canvas.toBlob((made) => (made ? resolve(made) : reject(new Error("the picture is too large")))),
  );
  return blob;
}

/**
 * The picture under its sentence, as an SVG document of its own, and as a PNG.
 * @param {Element} figure
 */
export function picture(figure) {
  const drawn = /** @type {SVGSVGElement} */ (figure.querySelector(".bn-picture svg"));
  const style = getComputedStyle(figure);
  const [ink] = plain(style.color);
  const [paper] = plain(style.getPropertyValue("--bn-paper").trim());
  const family = /(^|[^-])\bserif/i.test(style.fontFamily) ? SERIF : SANS;
  const { width, height } = drawn.viewBox.baseVal;
  const sentence = figure.querySelector(".verdict")?.textContent ?? "";
  const lines = sentence ? wrapped(sentence, width, `600 15px ${family}`) : [];
  const top = lines.length * LINE + (lines.length ? 6 : 0);
  const keys = legend(figure, width, top + height + 4, family, String(ink));
  const size = [width, keys.bottom].map((side) => Math.ceil(side + 2 * MARGIN));
  const root = svg("svg", {
    width: size[0],
    height: size[1],
    viewBox: `${-MARGIN} ${-MARGIN} ${size.join(" ")}`,
    "font-family": family,
  });
  root.append(
    svg("title", {}, drawn.getAttribute("aria-label") ?? ""),
    svg("desc", {}, sentence),
    svg("rect", { x: -MARGIN, y: -MARGIN, width: size[0], height: size[1], fill: paper }),
    ...lines.map((line, i) =>
      svg("text", { y: 14 + i * LINE, "font-size": 15, "font-weight": 600, fill: ink }, line),
    ),
  );
  const inner = /** @type {Element} */ (copied(drawn));
  for (const [name, value] of Object.entries({ y: top, width, height })) {
    inner.setAttribute(name, String(value));
  }
  root.append(inner, ...keys.made);
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
  return { text, png: () => raster(text, size) };
}
