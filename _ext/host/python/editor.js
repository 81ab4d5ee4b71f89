/**
 * The editor of the reader's own Python: CodeMirror, in the colours of the published code.
 *
 * A script of its own, `bnEditor` on the page, which `load.js` fetches when it is first asked for.
 */
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentLess,
  indentMore,
  isolateHistory,
} from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import {
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { completing } from "./completion.js";
import { marking, setMarks } from "./marks.js";
import { look } from "./look.js";
import { say } from "../words.js";

/**
 * @typedef {import("./marks.js").Mark} Mark
 *
 * @typedef {object} Options
 * @property {string} source
 * @property {string} label what the editor is called
 * @property {() => void} [onRun] Shift+Enter and Ctrl+Enter
 * @property {(source: string) => void} [onChange] after each change
 * @property {import("./completion.js").Names} [names] what completes names and explains them
 *
 * @typedef {object} Editor
 * @property {string} value
 * @property {(line: number, text: string) => void} markError marks a line, counted from 1
 * @property {() => void} clearError takes all marks away
 * @property {(marks: Mark[]) => void} mark marks several lines, and takes all other marks away
 * @property {() => void} focus
 * @property {() => void} destroy
 * @property {EditorView} view
 */

/** The classes that Pygments gives the published cells, so that one style sheet does for both. */
const COLOURS = tagHighlighter([
  { tag: tags.comment, class: "c1" },
  { tag: [tags.keyword, tags.self], class: "k" },
  { tag: [tags.bool, tags.null], class: "kc" },
  { tag: [tags.moduleKeyword, tags.definitionKeyword, tags.controlKeyword], class: "k" },
  { tag: tags.operatorKeyword, class: "ow" },
  { tag: tags.operator, class: "o" },
  { tag: tags.number, class: "mi" },
  { tag: [tags.string, tags.special(tags.string)], class: "s2" },
  { tag: tags.function(tags.definition(tags.variableName)), class: "nf" },
  { tag: [tags.variableName, tags.propertyName], class: "n" },
]);

const INDENT = 4;
const LEAVING = 60_000; // milliseconds after Escape in which Tab leaves, if nothing is typed

/** Tab: indents what is selected, or goes on to the next column that indents. */
const tab = (/** @type {EditorView} */ view) => {
  const { state } = view;
  if (state.selection.ranges.some((range) => !range.empty)) return indentMore(view);
  const { head } = state.selection.main;
  const column = head - state.doc.lineAt(head).from;
  view.dispatch(state.replaceSelection(" ".repeat(INDENT - (column % INDENT))));
  return true;
};

/** Never a trap: after Escape, Tab leaves. */
const leave = (/** @type {EditorView} */ view) => {
  view.setTabFocusMode(LEAVING);
  return false;
};

/** @param {() => void} onRun */
function keys(onRun) {
  const run = () => {
    onRun();
    return true;
  };
  return [
    { key: "Shift-Enter", run },
    { key: "Ctrl-Enter", mac: "Cmd-Enter", run },
    { key: "Ctrl-Enter", run },
    { key: "Escape", run: leave },
    { key: "Tab", run: tab, shift: indentLess },
  ];
}

/**
 * An editor in `element`, which it fills.
 * @param {HTMLElement} element
 * @param {Options} options
 * @returns {Editor}
 */
export function openEditor(element, options) {
  const { source, label, onRun = () => {}, onChange = () => {}, names } = options;
  const name = names
    ? say(
        "{label} (Tab indents; Escape, then Tab leaves; Ctrl+Space completes a name; Shift+Tab explains a call)",
        { label },
      )
    : say("{label} (Tab indents; Escape, then Tab leaves)", { label });
  const view = new EditorView({
    parent: element,
    state: EditorState.create({
      doc: source,
      extensions: [
        Prec.high(keymap.of(keys(onRun))),
        keymap.of([...historyKeymap, ...defaultKeymap]),
        ...[pythonLanguage, syntaxHighlighting(COLOURS), indentUnit.of(" ".repeat(INDENT))],
        ...[history(), indentOnInput(), bracketMatching(), lineNumbers(), highlightSpecialChars()],
        names ? completing(names) : [],
        EditorState.phrases.of({ Completions: say("Completions") }),
        ...[marking, look, EditorView.editorAttributes.of({ class: "highlight" })],
        EditorView.contentAttributes.of({ "aria-label": name, autocapitalize: "off" }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(state.doc.toString());
        }),
      ],
    }),
  });
  const mark = (/** @type {Mark[]} */ marks) => view.dispatch({ effects: setMarks.of(marks) });
  return {
    get value() {
      return view.state.doc.toString();
    },
    set value(text) {
      if (text === view.state.doc.toString()) return;
      const changes = { from: 0, to: view.state.doc.length, insert: text };
      view.dispatch({ changes, annotations: isolateHistory.of("full") }); // one "undo" takes it back
    },
    ...{ view, mark },
    markError: (line, text) => mark([{ line, text, kind: "error" }]),
    clearError: () => mark([]),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
