/** How the editor looks: sizes and colours of the theme, so that it is light where the page is. */
import { EditorView } from "@codemirror/view";

const WRONG = "var(--pst-color-danger, #a12236)";

export const look = EditorView.theme({
  "&": {
    fontSize: "0.8rem",
    border: "1px solid var(--pst-color-border, GrayText)",
    containerType: "inline-size",
  },
  "&.cm-focused": { outline: "2px solid var(--pst-color-primary, Highlight)" },
  ".cm-scroller": { fontFamily: "var(--pst-font-family-monospace, monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "currentColor", paddingBlock: "0.5rem" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    border: "0",
    color: "var(--pst-color-text-muted, GrayText)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "transparent",
    outline: "1px solid currentColor",
  },
  ".bn-sign": { paddingInlineStart: "1ch", fontWeight: "700", userSelect: "none" },
  ".bn-sign-right, .bn-sign-follows": { color: "var(--pst-color-success, #00622f)" },
  ".bn-sign-error, .bn-sign-wrong": { color: WRONG },
  ".bn-line-error, .bn-line-wrong": { boxShadow: `inset 3px 0 ${WRONG}` },
  ".bn-note": {
    // In sight, however long the lines of code are
    position: "sticky",
    insetInlineStart: "2.5rem",
    maxInlineSize: "calc(100cqi - 3rem)",
    padding: "0.1rem 0.75rem 0.25rem",
    boxShadow: "inset 3px 0 currentColor",
    fontFamily: "var(--pst-font-family-base, sans-serif)",
    whiteSpace: "pre-wrap",
  },
  ".cm-tooltip": {
    border: "1px solid var(--pst-color-border, GrayText)",
    backgroundColor: "var(--pst-color-surface, Canvas)",
    color: "var(--pst-color-text-base, CanvasText)",
  },
  ".cm-tooltip-autocomplete ul li": { padding: "0.2rem 0.5rem", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--pst-color-primary, Highlight)",
    color: "var(--pst-color-background, HighlightText)",
  },
  ".cm-completionDetail": { fontStyle: "normal" },
  ".cm-completionInfo, .bn-docstring": {
    padding: "0.4rem 0.75rem",
    fontFamily: "var(--pst-font-family-base, sans-serif)",
    fontSize: "1em",
    lineHeight: "1.4",
  },
  ":is(.cm-completionInfo-left-narrow, .cm-completionInfo-right-narrow)": {
    maxInlineSize: "60cqi",
  },
  ".bn-docstring": {
    maxInlineSize: "min(42rem, 96cqi)",
    maxBlockSize: "16rem",
    overflow: "auto",
    whiteSpace: "pre-wrap",
  },
  ":is(.cm-completionInfo, .bn-docstring) > code": {
    whiteSpace: "pre-wrap",
    wordBreak: "break-word",
  },
  ":is(.cm-completionInfo, .bn-docstring) > p": { margin: "0.3rem 0 0" },
});
