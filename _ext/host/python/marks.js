/** Marks on lines of the editor: a sign at the line's end, and what is to be said below it. */
import { element } from "../element.js";
import { say } from "../words.js";
import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

/**
 * @typedef {"error" | "wrong" | "right" | "follows"} Kind
 * @typedef {{ line: number, text?: string, kind: Kind }} Mark of a line, counted from 1
 */

/** @type {Record<Kind, [sign: string, words: string]>} */
const SIGNS = {
  error: ["✗", say("error")],
  wrong: ["✗", say("wrong")],
  right: ["✓", say("right")],
  follows: ["·", say("right, given the lines before")],
};

class Sign extends WidgetType {
  /** @param {Kind} kind */
  constructor(kind) {
    super();
    this.kind = kind;
  }

  /** @param {Sign} other */
  eq(other) {
    return other.kind === this.kind;
  }

  toDOM() {
    const [sign, words] = SIGNS[this.kind];
    const label = { role: "img", "aria-label": words, title: words };
    return element("span", { className: `bn-sign bn-sign-${this.kind}`, ...label }, sign);
  }
}

class Note extends WidgetType {
  /** @param {string} text @param {Kind} kind */
  constructor(text, kind) {
    super();
    this.text = text;
    this.kind = kind;
  }

  /** @param {Note} other */
  eq(other) {
    return other.text === this.text && other.kind === this.kind;
  }

  toDOM() {
    return element("div", { className: `bn-note bn-sign-${this.kind}` }, this.text);
  }
}

/** @type {import("@codemirror/state").StateEffectType<Mark[]>} */
export const setMarks = StateEffect.define();

/**
 * @param {import("@codemirror/state").Text} doc
 * @param {Mark[]} marks
 */
function decorations(doc, marks) {
  const all = marks.flatMap(({ line, text, kind }) => {
    const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
    return [
      Decoration.line({ class: `bn-line-${kind}` }).range(from),
      Decoration.widget({ widget: new Sign(kind), side: 1 }).range(to),
      ...(text
        ? [Decoration.widget({ widget: new Note(text, kind), side: 2, block: true }).range(to)]
        : []),
    ];
  });
  return Decoration.set(all, true);
}

/** The marks; they move with their lines. */
export const marking = StateField.define({
  create: () => Decoration.none,
  update(marks, { changes, effects, newDoc }) {
    const set = effects.find((effect) => effect.is(setMarks));
    return set ? decorations(newDoc, set.value) : marks.map(changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});
