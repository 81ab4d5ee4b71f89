/** What cells print and show, as Jupyter has it. All of it is text or pictures: never markup. */
import { element } from "../element.js";

/**
 * @typedef {import("./protocol.js").Output} Output
 * @typedef {import("./protocol.js").Failure} Failure
 */

/** The MIME type of a widget. */
export const WIDGET = "application/vnd.jupyter.widget-view+json";

/** A block of text that scrolls. @param {string} className @param {string} text */
function block(className, text) {
  const pre = element("pre", { textContent: text, tabIndex: 0, translate: false });
  return { box: element("div", { className: `output ${className}` }, pre), pre };
}

/** The outputs of one run: they are added as they come. */
export class Outputs {
  /** @type {HTMLElement | null} the stream that text is added to */
  #pre = null;
  #stream = "";
  #clear = false;
  /** @type {Output[]} what is shown */
  all = [];

  /**
   * @param {HTMLElement} el
   * @param {(id: string) => Node} view what shows a widget
   */
  constructor(el, view) {
    this.el = el;
    this.view = view;
  }

  /** Takes everything away. */
  clear() {
    this.el.replaceChildren();
    this.#pre = null;
    this.#clear = false;
    this.all = [];
  }

  /** @param {Output} output */
  add(output) {
    if (output.type === "clear") {
      if (output.wait) this.#clear = true;
      else this.clear();
      return;
    }
    if (this.#clear) this.clear();
    this.all.push(output);
    if (output.type === "stream") return this.#print(output.name, output.text);
    this.#pre = null;
    this.el.append(output.type === "error" ? failed(output) : this.#shown(output.data));
  }

  /** @param {"stdout" | "stderr"} name @param {string} text */
  #print(name, text) {
    if (!this.#pre || this.#stream !== name) {
      const { box, pre } = block(`stream bn-${name}`, "");
      this.#pre = pre;
      this.#stream = name;
      this.el.append(box);
    }
    this.#pre.append(text);
  }

  /** @param {Record<string, any>} data by MIME type, the richest that the page can show */
  #shown(data) {
    if (data[WIDGET]) {
      const box = element("div", { className: "output" });
      box.append(this.view(data[WIDGET].model_id));
      return box;
    }
    const [type, source] =
      ["image/png", "image/svg+xml"].map((type) => [type, data[type]]).find(([, s]) => s) ?? [];
    if (!source) return block("text_plain", data["text/plain"]).box;
    const whole = String(source).replace(/\p{Surrogate}/gu, "\ufffd"); // half a pair is no text
    const src = type === "image/png" ? `base64,${source}` : `utf8,${encodeURIComponent(whole)}`;
    const alt = data["text/plain"];
    const box = element("div", { className: "output" });
    box.append(element("img", { alt, src: `data:${type};${src}` }));
    return box;
  }
}

/** An exception, announced to screen readers at once. @param {Failure} failure */
function failed({ text }) {
  const { box } = block("bn-error", text);
  box.setAttribute("role", "alert");
  return box;
}

/**
 * The text that outputs print: a widget and a picture have none. A page that is read from a file
 * loses the line break that begins a block, and so it counts for nothing.
 * @param {Element | null} area
 */
export const printed = (area) =>
  [...(area?.querySelectorAll("pre") ?? [])]
    .filter((pre) => !pre.closest("bn-view"))
    .map((pre) => pre.textContent?.replace(/^\n+/, "") ?? "")
    .join("\n")
    .trimEnd();
