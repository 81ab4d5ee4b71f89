import { drawing, html, setText, svg } from "./svg.js";
import { say } from "./words.js";

/** What is beside the picture: buttons, a legend, a verdict and its numbers. */

const LAYERS = ["ground", "trails", "things", "arrows"]; // arrows over what they start from

/** @param {string} text @param {() => void} click */
export const button = (text, click) => html("button", { type: "button", click }, text);

/** Buttons, in a row. @param {...(Node | string)} children */
export const bar = (...children) => html("div", { class: "bar" }, ...children);

/**
 * Keeps a text at least as high as it is now. To the fraction of a pixel: an observer that changes
 * the size of what it observes is an error to Firefox, "loop completed with undelivered
 * notifications".
 * @param {HTMLElement} node
 */
export function hold(node) {
  node.style.minHeight = getComputedStyle(node).height;
}

/** Takes away the height that a text was kept at; in the next frame, for the same reason.
 * @param {HTMLElement} node
 */
export const release = (node) =>
  void requestAnimationFrame(() => node.style.removeProperty("min-height"));

/**
 * Keeps a text as high as it was while its width is the same: what is below it would jump.
 * @param {HTMLElement} node
 */
export function steady(node) {
  let width = 0;
  new ResizeObserver(() => {
    if (node.clientWidth === width) hold(node);
    else release(node);
    width = node.clientWidth;
  }).observe(node);
}

/** A piece of line, as the picture draws it. @param {string} className */
function swatch(className) {
  const root = svg("svg", { width: 24, height: 8, "aria-hidden": "true" });
  root.append(svg("path", { class: `${className} line swatch`, d: "M0 4H24" }));
  return root;
}

/**
 * A legend for what has no room for a label of its own: a row of entries.
 *
 * `show([[className, text, on], …])` lists what can be seen now; what is not `on` is struck out.
 * An entry's swatch is drawn with the classes of its line. Given `choose`, its entries are buttons.
 * @param {Record<string, string>} [attributes] @param {(i: number) => void} [choose]
 */
export function legend(attributes = { class: "bar keys" }, choose) {
  const root = html("div", attributes);
  let last = "";
  /** @param {[string, string, boolean?][]} entries */
  const show = (entries) => {
    const now = JSON.stringify(entries);
    if (now === last) return;
    last = now;
    const made = entries.map(([className, text, on = true], i) => {
      const node = choose
        ? button("", () => choose(i))
        : html("span", { class: on ? "entry" : "entry off" });
      node.append(swatch(on ? className : "cut"), text);
      return node;
    });
    root.replaceChildren(...made);
  };
  return { root, show };
}

/** @param {boolean} head @param {number} column @param {string} text */
const cellAt = (head, column, text) => {
  if (head) return text ? html("th", { scope: "col" }) : html("td");
  return column ? html("td") : html("th", { scope: "row" });
};

/** A table: a row is a name and its cells. */
function numbers() {
  const table = html("table", { class: "numbers" });
  let last = "";
  /** @type {(rows: string[][], head: string[], looks: string[]) => void} */
  const fill = (rows, head, looks) => {
    const all = head.length ? [head, ...rows] : rows;
    const shape = JSON.stringify([head.length, ...all.map((row) => row.length)]);
    if (shape !== last) {
      last = shape;
      table.replaceChildren(
        ...all.map((row, i) =>
          html(
            "tr",
            { class: looks[i - (head.length ? 1 : 0)] ?? "" },
            ...row.map((text, k) => cellAt(head.length > 0 && i === 0, k, text)),
          ),
        ),
      );
    }
    all.forEach((row, i) => row.forEach((text, k) => setText(table.rows[i].cells[k], text)));
  };
  return { table, fill };
}

/**
 * What is reported: the figure's message, the caption of its picture, and the numbers that it comes
 * from, in a table to be unfolded; those that tell its story are in one above it.
 *
 * `show({ verdict, lead, rows, head, looks })`: `head` names the columns of `lead` and `rows`,
 * `looks` gives each row the colour of what it is about.
 */
function report() {
  const words = html("span");
  const verdict = html("p", { class: "verdict", "aria-live": "polite" }, words);
  const first = numbers();
  const all = numbers();
  const above = html("div", { class: "lead" });
  const summary = html("summary", {}, say("Numbers"));
  const root = html("details", { class: "report" }, summary, html("div", {}, all.table));
  /**
   * @param {{verdict: string, lead?: string[][], rows?: string[][], head?: string[], looks?: string[]}} message
   */
  const show = ({ verdict: sentence, lead = [], rows = [], head = [], looks = [] }) => {
    setText(words, sentence);
    above.hidden = !lead.length;
    root.hidden = !rows.length;
    if (lead.length) {
      if (!above.firstChild) above.append(first.table);
      first.fill(lead, head, []);
    }
    all.fill(rows, head, looks);
  };
  return { verdict, tables: [above, root], show };
}

/**
 * What is in a figure, one below the other: the picture under its caption, the `parts`, the
 * numbers. `finish` ends a frame: it shows what is reported, and what was not drawn again goes.
 * @param {HTMLElement} el @param {import("./svg.js").Viewed} view
 * @param {string} about the picture, in words
 * @param {Node[]} [parts] @param {string[]} [layers] of the picture; later ones lie on top
 */
export function stage(el, view, about, parts = [], layers = LAYERS) {
  const { verdict, tables, show } = report();
  const picture = drawing(about, view, layers);
  picture.svg.before(verdict);
  el.append(picture.root, ...parts, ...tables);
  const finish = (/** @type {Parameters<typeof show>[0]} */ message) => {
    picture.sweep();
    show(message);
  };
  return { picture, finish };
}
