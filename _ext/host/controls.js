/** Controls: ipywidgets as native HTML. A builder fills `row` and returns what shows the state. */
import { element } from "./element.js";
import { equal } from "./models.js";
import { say } from "./words.js";

/**
 * @typedef {import("./models.js").Model} Model
 * @typedef {(model: Model, row: HTMLElement) => () => void} Builder
 */

let count = 0;
const freshId = () => `bn-control-${++count}`;

/**
 * An input that browsers do not give back an old value.
 * @param {Partial<HTMLInputElement>} properties
 */
const entry = (properties) => element("input", { autocomplete: "off", ...properties });

/**
 * What a control is called: its description, else its tooltip, else its kind.
 * @param {Model} model
 */
const titleOf = (model) =>
  model.get("description") || model.get("tooltip") || model.name.replace(/Model$/, "");

/**
 * A label bound to `input`, which goes by its title if it has no description.
 * @param {Model} model
 * @param {HTMLInputElement | HTMLSelectElement} input
 */
function makeLabel(model, input) {
  input.id = freshId();
  const label = element("label", { htmlFor: input.id });
  const show = () => {
    const text = model.get("description") ?? "";
    if (label.textContent !== text) label.textContent = text; // or all is laid out again
    label.hidden = !label.textContent;
    if (label.hidden) input.setAttribute("aria-label", titleOf(model));
    else input.removeAttribute("aria-label");
    input.disabled = Boolean(model.get("disabled"));
  };
  return { label, show };
}

/**
 * A number in the d3 formats d, f, e and g; in full for any other format.
 * @param {number} value
 * @param {string} [spec]
 */
function format(value, spec = "") {
  const [, places, kind] = /^(?:\.(\d+))?([dfeg])$/.exec(spec) ?? [];
  const digits = Number(places ?? 6);
  if (kind === "d") return value.toFixed(0);
  if (kind === "f") return value.toFixed(digits);
  if (kind === "e") return value.toExponential(digits);
  if (kind === "g") return value.toPrecision(Math.max(digits, 1));
  return String(value);
}

/**
 * What maps a slider's track to its model: the exponent, if it is logarithmic.
 * @param {Model} model
 */
function trackOf(model) {
  const log = model.name === "FloatLogSliderModel";
  const base = () => model.get("base") ?? 10;
  return {
    log,
    to: (/** @type {number} */ value) => (log ? Math.log(value) / Math.log(base()) : value),
    from: (/** @type {number} */ value) => (log ? base() ** value : value),
  };
}

/**
 * A gesture that becomes a scroll gives back what it has changed, and a wheel changes nothing.
 * @param {HTMLInputElement} range
 * @param {() => any} read the value as it is
 * @param {(value: any) => void} giveBack
 * @returns {() => boolean} whether an event comes from scrolling
 */
function scrolling(range, read, giveBack) {
  let before = read();
  let scrolls = false;
  const over = () => setTimeout(() => (scrolls = false)); // after its last event of a change
  range.addEventListener("pointerdown", () => {
    before = read();
  });
  range.addEventListener("pointercancel", () => {
    scrolls = true;
    giveBack(before);
  });
  for (const end of ["touchend", "touchcancel"]) range.addEventListener(end, over);
  range.addEventListener("wheel", () => {
    scrolls = true; // Firefox takes a wheel over a slider in focus for a key
    over();
  });
  return () => scrolls;
}

/**
 * Float, int and log sliders. The thumb is at the nearest step; the model keeps its value.
 * @type {Builder}
 */
function slider(model, row) {
  const track = trackOf(model);
  const range = entry({ type: "range" });
  const number = entry({ type: "text", className: "bn-number" });
  const { label, show } = makeLabel(model, range);
  row.append(label, range, number);

  const move = () => model.set("value", track.from(range.valueAsNumber)).save_changes();
  const scrolls = scrolling(
    range,
    () => model.get("value"),
    (value) => {
      model.set("value", value).save_changes();
      update();
    },
  );
  for (const [event, continuous] of /** @type {const} */ ([
    ["input", true],
    ["change", false],
  ]))
    range.addEventListener(event, () => {
      if (scrolls()) update();
      else if ((model.get("continuous_update") ?? true) === continuous) move();
    });
  number.addEventListener("change", () => {
    const typed = number.value.trim() === "" ? NaN : Number(number.value);
    const [low, high] = [model.get("min"), model.get("max")].map(track.from);
    let value = Math.min(Math.max(typed, low), high);
    if (model.name === "IntSliderModel") value = Math.round(value);
    if (!Number.isNaN(value)) model.set("value", value).save_changes();
    update(); // also puts right what was no number, or the old one
  });
  number.addEventListener("keydown", (event) => {
    if (!["ArrowUp", "ArrowDown"].includes(event.key) || range.step === "any") return;
    event.preventDefault();
    if (event.key === "ArrowUp") range.stepUp();
    else range.stepDown();
    move();
  });

  function update() {
    show();
    const value = model.get("value");
    const text = format(value, model.get("readout_format"));
    Object.assign(range, { min: model.get("min"), max: model.get("max") });
    range.step = model.get("step") ?? "any";
    range.value = String(track.to(value));
    range.setAttribute("aria-valuetext", text);
    number.value = text;
    // As wide as what is in it, now or at an end of the track
    const ends = ["min", "max"].map((end) => format(model.get(end), model.get("readout_format")));
    const longest = Math.max(...[text, ...ends].map((written) => written.length), 3);
    number.style.width = `calc(${longest}ch + 1rem)`;
    number.hidden = model.get("readout") === false;
    number.disabled = range.disabled;
    // Phones' decimal keys lack a minus.
    number.inputMode = model.get("min") < 0 || track.log ? "text" : "decimal";
    number.setAttribute("aria-label", say("{title}, value", { title: titleOf(model) }));
  }
  return update;
}

/** @type {Builder} */
function checkbox(model, row) {
  const input = entry({ type: "checkbox" });
  const { label, show } = makeLabel(model, input);
  row.append(input, label);
  input.addEventListener("input", () => model.set("value", input.checked).save_changes());
  return () => {
    show();
    input.checked = Boolean(model.get("value"));
  };
}

/** @type {Builder} */
function toggleButton(model, row) {
  const button = element("button", { type: "button" });
  row.append(button);
  button.addEventListener("click", () => model.set("value", !model.get("value")).save_changes());
  return () => {
    button.textContent = titleOf(model);
    button.setAttribute("aria-pressed", String(Boolean(model.get("value"))));
    button.disabled = Boolean(model.get("disabled"));
  };
}

/**
 * Toggle buttons and radio buttons: native radio inputs, so the arrow keys work.
 * @type {Builder}
 */
function choice(model, row) {
  const group = element("fieldset", { role: "radiogroup" });
  const legend = element("legend");
  const name = freshId();
  /** @type {string[]} */
  let drawn;
  row.append(group);
  return () => {
    /** @type {string[]} */
    const labels = model.get("_options_labels");
    if (!equal(drawn, labels)) {
      const options = labels.map((text, i) => {
        const option = element("label");
        const input = entry({ type: "radio", name });
        input.addEventListener("input", () => model.set("index", i).save_changes());
        option.append(input, element("span", { textContent: text }));
        return option;
      });
      group.replaceChildren(legend, ...options);
      drawn = labels;
    }
    legend.textContent = model.get("description");
    legend.hidden = !legend.textContent;
    group.setAttribute("aria-label", titleOf(model));
    group.disabled = Boolean(model.get("disabled"));
    group.querySelectorAll("input").forEach((input, i) => {
      input.checked = i === model.get("index");
    });
  };
}

/** @type {Builder} */
function dropdown(model, row) {
  const select = element("select", { autocomplete: "off" });
  const { label, show } = makeLabel(model, select);
  /** @type {string[]} */
  let drawn;
  row.append(label, select);
  select.addEventListener("input", () => model.set("index", select.selectedIndex).save_changes());
  return () => {
    show();
    /** @type {string[]} */
    const labels = model.get("_options_labels");
    if (!equal(drawn, labels)) select.replaceChildren(...labels.map((text) => new Option(text)));
    drawn = labels;
    select.selectedIndex = model.get("index") ?? -1;
  };
}

/** @type {Builder} */
function text(model, row) {
  const [name, value] = [element("span"), element("span")];
  row.append(name, value);
  return () => {
    name.textContent = model.get("description") ?? "";
    name.hidden = !name.textContent;
    value.textContent = model.get("value") ?? "";
  };
}

/** @type {Map<string, [Builder, string]>} how each kind is built, and its class on the page */
export const CONTROLS = new Map([
  ["FloatSliderModel", [slider, "bn-slider"]],
  ["FloatLogSliderModel", [slider, "bn-slider"]],
  ["IntSliderModel", [slider, "bn-slider"]],
  ["CheckboxModel", [checkbox, "bn-checkbox"]],
  ["ToggleButtonModel", [toggleButton, "bn-toggle"]],
  ["ToggleButtonsModel", [choice, "bn-choice bn-buttons"]],
  ["RadioButtonsModel", [choice, "bn-choice"]],
  ["DropdownModel", [dropdown, "bn-dropdown"]],
  ["LabelModel", [text, "bn-label"]],
]);

/** @type {Record<string, string>} why some kinds are not shown: writers read it, in English */
export const REASONS = {
  ButtonModel: "a Button needs a running kernel",
  OutputModel: "an Output needs a running kernel",
  HTMLModel: "markup from data is not shown; use a Label or Markdown",
  HTMLMathModel: "markup from data is not shown; use a Label or Markdown",
};
