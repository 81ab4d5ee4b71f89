/** The controls that need a kernel: they join the static host's when the page has its Python. */
import { element } from "../element.js";
import { Outputs } from "./outputs.js";

/** @typedef {import("../controls.js").Builder} Builder */

/** @type {Builder} */
function button(model, row) {
  const el = element("button", { type: "button" });
  row.append(el);
  el.addEventListener("click", () => model.send({ event: "click" }));
  return () => {
    el.textContent = model.get("description") || model.get("tooltip") || "Button";
    el.disabled = Boolean(model.get("disabled"));
  };
}

/** A line of text, a number among them. @type {Builder} */
function entry(model, row) {
  const input = element("input", { type: "text", autocomplete: "off", className: "bn-number" });
  const label = element("label", {}, element("span"), input);
  row.append(label);
  const number = typeof model.get("value") === "number";
  input.addEventListener("change", () => {
    const value = number ? Number(input.value) : input.value;
    if (!Number.isNaN(value)) model.set("value", value).save_changes();
    update();
  });
  function update() {
    const [name] = label.children;
    name.textContent = model.get("description") ?? "";
    if (!name.textContent) input.setAttribute("aria-label", model.name.replace(/Model$/, ""));
    input.value = String(model.get("value"));
    input.disabled = Boolean(model.get("disabled"));
  }
  return update;
}

/** @type {(view: (id: string) => Node) => Builder} */
const output = (view) => (model, row) => {
  const outputs = new Outputs(row, view);
  row.setAttribute("role", "log");
  return () => {
    outputs.clear();
    for (const shown of model.get("outputs") ?? []) outputs.add(shown);
  };
};

/**
 * Teaches the static host these controls.
 * @param {{ CONTROLS: Map<string, [Builder, string]>, view: (id: string) => Node }} host
 */
export function addControls({ CONTROLS, view }) {
  CONTROLS.set("ButtonModel", [button, "bn-toggle"]);
  CONTROLS.set("OutputModel", [output(view), "bn-output"]);
  for (const kind of ["Text", "FloatText", "IntText", "BoundedFloatText", "BoundedIntText"])
    CONTROLS.set(`${kind}Model`, [entry, "bn-slider"]);
}
