import { html, setText } from "./svg.js";

/** What stands beside the picture: buttons, a legend, a verdict and its numbers. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} text @param {() => void} click */
export const button = (text, click) => html("button", { type: "button", click }, text);

/** Buttons, in a row. @param {...(Node | string)} children */
export const bar = (...children) => html("div", { class: "bar" }, ...children);

/**
 * A piece of line as the picture draws it: in its colour, dashed or dotted as it is.
 * @param {string} className
 */
export function swatch(className) {
  const [svg, line] = ["svg", "path"].map((tag) => document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries({ width: 24, height: 8, "aria-hidden": "true" })) {
    svg.setAttribute(name, String(value));
  }
  line.setAttribute("class", `${className} line swatch`);
  line.setAttribute("d", "M0 4H24");
  svg.append(line);
  return svg;
}

/**
 * A legend for what has no room for a label of its own: a row of entries.
 *
 * `show([[className, text, on], …])` lists what can be seen now; one that is not `on` is struck out.
 * An entry's swatch is drawn with the classes of its line.
 */
export function legend() {
  const root = html("div", { class: "bar keys" });
  let last = "";
  /** @param {[string, string, boolean?][]} entries */
  const show = (entries) => {
    const now = JSON.stringify(entries);
    if (now === last) return;
    last = now;
    root.replaceChildren(
      ...entries.map(([className, text, on = true]) =>
        html("span", { class: on ? "entry" : "entry off" }, swatch(on ? className : "cut"), text),
      ),
    );
  };
  return { root, show };
}

/** @param {boolean} head @param {number} column @param {string} text */
const cellAt = (head, column, text) => {
  if (head) return text ? html("th", { scope: "col" }) : html("td");
  return column ? html("td") : html("th", { scope: "row" });
};

/**
 * The figure's message in one sentence, in bold, and the numbers below it in a small table. It
 * keeps the height that it had, so that what stands below stays where it is.
 *
 * `show(verdict, rows, head)`: a row is a name and its cells, `head` names the columns.
 */
export function report() {
  const verdict = html("p", { class: "verdict", "aria-live": "polite" });
  const table = html("table", { class: "numbers" });
  const root = html("div", { class: "report" }, verdict, table);
  let last = "";
  /** @param {string} sentence @param {string[][]} [rows] @param {string[]} [head] */
  const show = (sentence, rows = [], head = []) => {
    setText(verdict, sentence);
    const all = head.length ? [head, ...rows] : rows;
    const shape = JSON.stringify([head.length, ...all.map((row) => row.length)]);
    if (shape !== last) {
      last = shape;
      table.replaceChildren(
        ...all.map((row, i) =>
          html("tr", {}, ...row.map((text, k) => cellAt(head.length > 0 && i === 0, k, text))),
        ),
      );
    }
    all.forEach((row, i) => row.forEach((text, k) => setText(table.rows[i].cells[k], text)));
  };
  return { root, show };
}
