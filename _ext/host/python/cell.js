/** One code cell of the page: its source as published and as edited, and what it has put out. */
import { element } from "../element.js";
import { loadScript } from "../script.js";
import { say } from "../words.js";
import { Outputs, printed, WIDGET } from "./outputs.js";

/**
 * @typedef {import("./editor.js").Editor} Editor
 * @typedef {import("./protocol.js").Output} Output
 * @typedef {import("./protocol.js").Result} Result
 */

/** @param {string} text @param {string} name of what it does @param {() => void} onclick */
const button = (text, name, onclick) => {
  const el = element("button", { type: "button", textContent: text, onclick });
  if (name) el.setAttribute("aria-label", name);
  return el;
};

const here = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src;

/** @returns {Promise<typeof import("./editor.js")>} */
async function loadEditor() {
  const page = /** @type {any} */ (globalThis);
  if (!page.bnEditor) await loadScript(new URL("python/editor.js", here ?? document.baseURI).href);
  return page.bnEditor;
}

const NEEDS = say(
  "This cell draws with matplotlib, which Python in this page does not have: the picture is the published one.",
);

export class Cell {
  /** Whether it has run in the Python that is running now. */
  ran = false;
  /** @type {Editor | null} */
  editor = null;
  #running = false;
  #failed = false;
  verb = say("Run");
  /**
   * What the cell held before a link brought it code that its reader has not run yet.
   * @type {string | null}
   */
  foreign = null;
  /** @type {HTMLElement | null} */
  note = null;
  /**
   * What "Run" does instead, if anything: it gives the words to end with.
   * @type {((add: (output: Output) => void) => Promise<string>) | null}
   */
  check = null;
  /** @type {{ opened?: () => void, changed?: () => void }[]} */
  #followers = [];

  /**
   * @param {HTMLElement} el
   * @param {number} number from 1, in the order of the page
   * @param {(id: string) => Node} view
   * @param {{ run: (cell: Cell, advance?: boolean) => void, stop: () => void,
   *   restart: () => void, changed: (cell: Cell) => void,
   *   names: import("./completion.js").Names }} actions
   */
  constructor(el, number, view, actions) {
    this.el = el;
    const cell = say("cell {n}", { n: number });
    this.number = number;
    this.name = cell;
    this.actions = actions;
    this.input = /** @type {HTMLElement} */ (el.querySelector(".cell_input"));
    this.code = /** @type {HTMLElement} */ (this.input.querySelector(".highlight pre"));
    this.published = this.code.textContent?.replace(/\n$/, "") ?? "";
    this.source = this.published;
    this.colours = [...this.code.childNodes];
    this.old = /** @type {HTMLElement | null} */ (el.querySelector(".cell_output"));
    this.live = element("div", {
      className: "cell_output docutils container bn-live",
      hidden: true,
      role: "log",
      "aria-label": say("Output of {cell}", { cell }),
    });
    this.outputs = new Outputs(element("div", { className: "bn-outputs" }), view);
    this.status = element("p", { className: "bn-status", role: "status" });
    this.announcer = element("p", { className: "bn-announcer", role: "status" });
    this.bar = element("div", { className: "bn-bar", hidden: true });
    this.reset = button(say("Reset"), say("Reset {cell} as published", { cell }), () =>
      this.restore(),
    );
    this.again = button(say("Restart Python"), "", () =>
      this.#failed ? actions.run(this) : actions.restart(),
    );
    this.bar.append(this.status, this.announcer, this.reset, this.again);
    this.live.append(this.outputs.el);
    (this.old ?? this.input).after(this.live, this.bar);
    this.buttons = /** @type {HTMLButtonElement[]} */ ([...el.querySelectorAll(".bn-run button")]);
  }

  /**
   * Tells when its editor opens, and when its source changes.
   * @param {{ opened?: () => void, changed?: () => void }} follower
   */
  follow(follower) {
    this.#followers.push(follower);
  }

  get edited() {
    return this.source !== this.published;
  }

  /** Shows the cell's status in a line below it. @param {string} text */
  setStatus(text) {
    this.bar.hidden = false;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.reset.hidden = !this.edited && this.live.hidden && !this.editor;
  }

  /** Whether Python is not there to run it: its other button then tries again. @param {boolean} failed */
  set failed(failed) {
    this.#failed = failed;
    this.again.textContent = failed ? say("Try again") : say("Restart Python");
  }

  /** Says to screen readers what others see beside the lines. @param {string} text */
  announce(text) {
    this.announcer.textContent = text;
  }

  /** Takes away what an earlier run has put out, and what was published. */
  forget() {
    this.outputs.clear();
    this.live.hidden = true;
    this.announce("");
    if (this.old) this.old.hidden = true;
  }

  /** Shows whether it runs: its button then stops it. @param {boolean} running */
  set running(running) {
    this.#running = running;
    const [run] = this.buttons;
    const verb = running ? say("Stop") : this.verb;
    run.textContent = verb;
    run.setAttribute("aria-label", say("{verb} {cell}", { verb, cell: this.name }));
    this.el.classList.toggle("bn-running", running);
  }

  get running() {
    return this.#running;
  }

  /** Makes ready for outputs: the old ones go when the first new one comes, or at the end. */
  begin() {
    this.running = true;
    this.editor?.clearError();
    let fresh = true;
    const clear = () => {
      if (fresh) this.outputs.clear();
      fresh = false;
      this.live.hidden = false;
      if (this.old) this.old.hidden = true;
    };
    return {
      add: (/** @type {Output} */ output) => {
        clear();
        this.outputs.add(output);
        if (output.type === "error" && output.line)
          this.editor?.markError(output.line, `${output.name}: ${output.message}`);
      },
      clear,
    };
  }

  /**
   * Says how a run has ended.
   * @param {Result} result
   * @param {string} how "Python 3.13, …, in 0.02 s"
   */
  finish(result, how) {
    this.ran = result.status === "ok";
    if (result.status === "stopped")
      return this.setStatus(say("Stopped. Python starts again at the next run."));
    const needs = result.needs.includes("matplotlib");
    if (needs && this.old)
      for (const picture of this.old.querySelectorAll("img"))
        this.outputs.el.append(picture.cloneNode());
    const same = printed(this.live) === printed(this.old);
    const drawn = needs ? ` ${NEEDS}` : "";
    const differs = same
      ? say("The output is the published one.")
      : say("The output differs from the published one.");
    const ended = result.status === "ok" ? differs : say("It ended with an error.");
    this.setStatus(`${ended}${drawn} (${how})`);
  }

  /** Shows code that came with a link: someone else's, which nothing runs before it is accepted. */
  async offer(/** @type {string} */ source) {
    this.foreign ??= this.source;
    const { verb, name: cell } = this;
    const words = say(
      "This code came with the link. Nobody has run it here: read it before you press {verb}.",
      { verb },
    );
    this.note ??= element("p", { className: "bn-foreign", role: "note" });
    const named = say("Remove the link's code from {cell}", { cell });
    const remove = button(say("Remove it"), named, () => this.decline());
    this.note.replaceChildren(`${words} `, remove);
    this.input.before(this.note);
    this.el.classList.add("bn-offered");
    if (this.editor) this.editor.value = source;
    this.take(source);
    await this.edit(false);
  }

  /** Its reader runs it: from now on it is theirs. */
  accept() {
    if (this.foreign === null) return;
    this.#own();
    this.actions.changed(this);
    for (const { changed } of this.#followers) changed?.();
  }

  /** Takes away what a link brought: the cell is as it was. */
  decline() {
    const before = this.foreign ?? this.published;
    this.#own();
    if (before === this.published) return this.restore();
    if (this.editor) this.editor.value = before;
    this.take(before);
  }

  #own() {
    this.foreign = null;
    this.note?.remove();
    this.el.classList.remove("bn-offered");
  }

  /** Opens an editor in place of the code. */
  async edit(focus = true) {
    if (this.editor) return focus && this.editor.focus();
    const place = element("div", { className: "bn-editor" });
    let advance = false;
    place.addEventListener(
      "keydown",
      (/** @type {KeyboardEvent} */ e) => (advance = e.shiftKey),
      true,
    );
    // Sphinx's search takes every "/" that is typed outside of an input, and this is none
    place.addEventListener("keydown", (e) => e.ctrlKey || e.metaKey || e.stopPropagation());
    const was = this.status.textContent ?? "";
    this.setStatus(say("Loading the editor"));
    /** @type {typeof import("./editor.js") | Error} */
    const loaded = await loadEditor().catch((error) => error);
    this.setStatus(
      loaded instanceof Error
        ? say("The editor did not open: {reason}.", { reason: loaded.message })
        : was,
    );
    if (this.editor || loaded instanceof Error) return;
    const shown = /** @type {HTMLElement} */ (this.input.firstElementChild);
    this.editor = loaded.openEditor(place, {
      source: this.source,
      label: say("The code of {cell}", { cell: this.name }),
      onRun: () => this.actions.run(this, advance),
      onChange: (source) => this.take(source),
      names: this.actions.names,
    });
    shown.hidden = true;
    shown.after(place);
    this.buttons[1].hidden = true;
    this.setStatus(was);
    if (focus) this.editor.focus();
    for (const { opened } of this.#followers) opened?.();
  }

  /** Takes a new source from the editor, or from an earlier visit. @param {string} source */
  take(source) {
    this.source = source;
    if (!this.editor) this.code.textContent = source;
    this.actions.changed(this);
    const words =
      this.foreign === null
        ? say("Changed, but not run yet.")
        : say("Code from the link, but not run yet.");
    this.setStatus(this.edited ? words : "");
    for (const { changed } of this.#followers) changed?.();
  }

  /** Puts another source into the cell, as if it had been written. @param {string} source */
  put(source) {
    if (this.editor) this.editor.value = source;
    else this.take(source);
  }

  /** Brings the cell back as it was published. */
  restore() {
    if (this.running) this.actions.stop();
    this.#own();
    const shown = /** @type {HTMLElement} */ (this.input.firstElementChild);
    this.editor?.destroy();
    this.editor = null;
    this.input.querySelector(".bn-editor")?.remove();
    shown.hidden = false;
    if (this.edited) this.ran = false;
    this.source = this.published;
    this.actions.changed(this);
    this.code.replaceChildren(...this.colours);
    this.showPublished();
    this.bar.hidden = true;
    this.buttons[1].hidden = false;
    this.buttons[0].focus();
    for (const { changed } of this.#followers) changed?.();
  }

  /** What it shows, to be kept: the widgets that Python made are gone with it. */
  state() {
    const outputs = this.outputs.all.map((output) =>
      "data" in output && WIDGET in output.data
        ? { ...output, data: { "text/plain": output.data["text/plain"] } }
        : output,
    );
    return { outputs, status: this.status.textContent };
  }

  /** Shows again what it showed. @param {ReturnType<Cell["state"]>} state */
  recall({ outputs, status }) {
    const { add } = this.begin();
    outputs.forEach(add);
    this.running = false;
    if (status) this.setStatus(status);
  }

  /** Brings back the output as it was published. */
  showPublished() {
    this.live.hidden = true;
    this.outputs.clear();
    if (this.old) this.old.hidden = false;
  }
}
