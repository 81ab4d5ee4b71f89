/**
 * Names and docstrings, from the running Python (page/lookup.py): offered after a dot and by
 * Ctrl+Space; Shift+Tab shows the docstring of what is called where the cursor is. All of it is text.
 */
import { element } from "../element.js";
import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  moveCompletionSelection,
  selectedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { localCompletionSource } from "@codemirror/lang-python";
import { syntaxTree } from "@codemirror/language";
import { Prec, StateEffect, StateField } from "@codemirror/state";
import { EditorView, keymap, showTooltip, tooltips } from "@codemirror/view";
import { kindOf } from "./kinds.js";
import { say } from "../words.js";

/**
 * @typedef {{ title: string, first: string, text: string }} Description
 *
 * @typedef {object} Names what Python knows; undefined where it does not run, or is busy
 * @property {(path: string, hidden: boolean) => Promise<[name: string, what: string][] | undefined>}
 *   complete what may follow a dotted name, or ""; `hidden`: with names that begin with "_"
 * @property {(path: string) => Promise<Description | null | undefined>} describe
 * @property {(path: string, given: number) => Promise<[name: string, what: string][] | undefined>}
 *   keywords what a call may still give by name, after so many arguments in their places
 *
 * @typedef {import("@codemirror/state").EditorState} State
 * @typedef {import("@codemirror/autocomplete").CompletionContext} Context
 * @typedef {import("@codemirror/autocomplete").Completion} Completion
 */

const PATH = /(?<![\p{L}\p{N}_.)\]}"'])((?:[\p{L}_][\p{L}\p{N}_]*\.)*)([\p{L}_][\p{L}\p{N}_]*)?$/u;
const DOTTED = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
const NO_CODE = /String|Comment/;

/** Whether text at this place is no code. @param {State} state @param {number} pos */
const inText = (state, pos) => NO_CODE.test(syntaxTree(state).resolveInner(pos, -1).name);

/** A description as it is shown. @param {Description} found @param {string} text */
const described = ({ title }, text) =>
  element("div", {}, element("code", {}, title), ...(text ? [element("p", {}, text)] : []));

/**
 * The call in which an argument begins at a place: what is called, how many arguments are given
 * before in their places, and which by name.
 * @param {State} state @param {number} pos
 */
function callAt(state, pos) {
  const before = state.sliceDoc(0, pos).trimEnd();
  const list = /[(,]$/.test(before) && syntaxTree(state).resolveInner(before.length, -1).parent;
  const called = list && list.name === "ArgList" ? list.parent?.firstChild : null;
  const path = called ? state.sliceDoc(called.from, called.to) : "";
  if (!list || !DOTTED.test(path)) return null;
  /** @type {string[]} */
  const named = [];
  let given = 0;
  for (let node = list.firstChild; node; node = node.nextSibling) {
    const { prevSibling } = node;
    if (node.name === "AssignOp" && prevSibling) {
      named.push(`${state.sliceDoc(prevSibling.from, prevSibling.to)}=`);
      if (node.to <= pos) given -= 1;
    } else if (node.name === "," && node.to <= pos) given += 1;
  }
  return { path, given, named };
}

/**
 * What may be given by name to the call that the cursor is in.
 * @param {Names} names @param {State} state @param {number} from where the word begins
 * @returns {Promise<Completion[]>}
 */
async function keywordsAt(names, state, from) {
  const call = callAt(state, from);
  const known = call && (await names.keywords(call.path, call.given));
  return (known ?? [])
    .filter(([label]) => !call?.named.includes(label))
    .map(([label, detail]) => ({ label, detail, boost: 1 }));
}

/**
 * The names that may go where the cursor is. Unasked, only after a dot.
 * @param {Names} names
 * @param {Context} context
 */
async function offered(names, context) {
  const { state, pos, explicit } = context;
  const match = PATH.exec(state.sliceDoc(state.doc.lineAt(pos).from, pos));
  if (!match || inText(state, pos)) return null;
  const [, dots, word = ""] = match;
  if (!explicit && !dots) return null;
  const hidden = word.startsWith("_");
  const known = await names.complete(dots.slice(0, -1), hidden);
  const info = async (/** @type {Completion} */ { label }) => {
    const found = await names.describe(dots + label);
    return found ? described(found, found.first) : null;
  };
  /** @type {Map<string, Completion>} */
  const options = new Map(
    known?.map(([label, what]) => [label, { label, detail: kindOf(what), info }]),
  );
  const here = dots ? null : await localCompletionSource(context);
  for (const { label } of here?.options ?? [])
    if (!options.has(label)) options.set(label, { label, detail: say("in this cell") });
  const validFor = hidden ? /^[\p{L}\p{N}_]*$/u : /^([\p{L}\p{N}][\p{L}\p{N}_]*)?$/u;
  const from = pos - word.length;
  const keywords = dots ? [] : await keywordsAt(names, state, from);
  return { from, options: [...keywords, ...options.values()], validFor };
}

/** The dotted name that is called at the cursor, or else the one that ends there. @param {State} state */
function askedFor(state) {
  const { head } = state.selection.main;
  if (inText(state, head)) return "";
  /** @type {import("@lezer/common").SyntaxNode | null} */
  let node = syntaxTree(state).resolveInner(head, -1);
  while (node && node.name !== "CallExpression") node = node.parent;
  const called = node?.firstChild ? state.sliceDoc(node.firstChild.from, node.firstChild.to) : "";
  const [path] = PATH.exec(state.sliceDoc(state.doc.lineAt(head).from, head)) ?? [""];
  return [called, path].find((text) => DOTTED.test(text)) ?? "";
}

/** @type {import("@codemirror/state").StateEffectType<Description | null>} */
const setShown = StateEffect.define();

/** The docstring that is shown, until the cursor moves or something is typed. */
const shown = StateField.define({
  create: () => /** @type {{ pos: number, found: Description } | null} */ (null),
  update(value, { state, startState, docChanged, effects }) {
    const set = effects.find((effect) => effect.is(setShown));
    if (set) return set.value && { pos: state.selection.main.head, found: set.value };
    return docChanged || !startState.selection.eq(state.selection) ? null : value;
  },
  provide: (field) =>
    showTooltip.from(
      field,
      (value) =>
        value && { pos: value.pos, create: (view) => ({ dom: docstring(view, value.found) }) },
    ),
});

/** @param {EditorView} view */
const hide = (view) => view.state.field(shown) && view.dispatch({ effects: setShown.of(null) });

/** @param {EditorView} view @param {Description} found */
function docstring(view, found) {
  const dom = described(found, found.text);
  dom.className = "bn-docstring";
  dom.tabIndex = 0; // it may scroll
  dom.onblur = () => hide(view);
  dom.onkeydown = ({ key }) => void (key === "Escape" && view.focus());
  return dom;
}

/** Shows the docstring, or goes to it where it is shown. @param {Names} names @param {EditorView} view */
function explain(names, view) {
  const { state } = view;
  const { main } = state.selection;
  const indent = !state.sliceDoc(state.doc.lineAt(main.head).from, main.head).trim();
  const path = main.empty && !indent && askedFor(state);
  if (!path) return false; // this key then takes the indent away
  const open = /** @type {HTMLElement | null} */ (view.dom.querySelector(".bn-docstring"));
  if (open) open.focus();
  else void look(names, path, view);
  return true;
}

/** @param {Names} names @param {string} path @param {EditorView} view */
async function look(names, path, view) {
  const { doc, selection } = view.state;
  const known = await names.describe(path);
  if (view.state.doc !== doc || !view.state.selection.eq(selection)) return;
  const why =
    known === undefined
      ? say("Python is off, or busy. Run a cell, then ask again.")
      : say("{path} is not known to Python yet.", { path });
  const found = known ?? { title: path, first: why, text: why };
  const announcement = EditorView.announce.of(`${found.title}. ${found.first}`);
  view.dispatch({ effects: [setShown.of(found), announcement] });
}

/** Enter breaks the line where the word is already what would be put in. @param {EditorView} view */
function enter(view) {
  const { state } = view;
  const label = selectedCompletion(state)?.label;
  const { head } = state.selection.main;
  if (!label || !PATH.exec(state.sliceDoc(state.doc.lineAt(head).from, head))?.includes(label, 2))
    return acceptCompletion(view);
  closeCompletion(view);
  return false;
}

/**
 * Completion, and docstrings. Tab takes a name only from a list that was asked for: elsewhere it is
 * the editor's.
 * @param {Names} names
 */
export function completing(names) {
  let asked = false;
  const override = (/** @type {Context} */ context) => {
    asked = context.explicit;
    return offered(names, context);
  };
  const close = (/** @type {EditorView} */ view) => {
    closeCompletion(view);
    hide(view);
    return false; // and then what these keys do in any case
  };
  return [
    autocompletion({
      override: [override],
      defaultKeymap: false,
      icons: false,
      filterStrict: true,
    }),
    [shown, tooltips({ position: "absolute" })],
    EditorView.domEventHandlers({
      blur: ({ relatedTarget }, view) =>
        void (view.dom.contains(/** @type {Node | null} */ (relatedTarget)) || hide(view)),
    }),
    Prec.highest(
      keymap.of([
        ...[{ key: "Ctrl-Space", mac: "Alt-`" }, { key: "Ctrl-Space" }].map((key) => ({
          ...key,
          run: startCompletion,
        })),
        { key: "ArrowDown", run: moveCompletionSelection(true) },
        { key: "ArrowUp", run: moveCompletionSelection(false) },
        { key: "PageDown", run: moveCompletionSelection(true, "page") },
        { key: "PageUp", run: moveCompletionSelection(false, "page") },
        { key: "Enter", run: enter },
        {
          key: "Tab",
          run: (view) => asked && acceptCompletion(view),
          shift: (view) => explain(names, view),
        },
        ...["Escape", "Shift-Enter", "Ctrl-Enter", "Cmd-Enter"].map((key) => ({ key, run: close })),
      ]),
    ),
  ];
}
