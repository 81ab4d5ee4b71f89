/** Links: two traits joined, as ipywidgets' jslink (both ways) and jsdlink do. */
import { find } from "./models.js";

/** @typedef {import("./models.js").Model} Model */

/** Whether a model is a link. @param {Model} model */
export const isLink = (model) => /^(Directional)?LinkModel$/.test(model.name);

/**
 * Joins the two traits of a link: first the source's value goes over, then each change; none while
 * the link is "resting".
 * @param {Model} link
 */
export function joinTraits(link) {
  const [source, from] = endOf(link, "source");
  const [target, to] = endOf(link, "target");
  let busy = false; // what a change sets off does not come back through the same link
  /** @type {(giver: Model, given: string, taker: Model, taken: string) => () => void} */
  const carry = (giver, given, taker, taken) => () => {
    if (busy || link.get("resting")) return;
    busy = true;
    taker.set(taken, giver.get(given)).save_changes();
    busy = false;
  };
  const there = carry(source, from, target, to);
  source.on(`change:${from}`, there);
  if (link.name === "LinkModel") target.on(`change:${to}`, carry(target, to, source, from));
  there();
}

/**
 * The model and the trait that one end of a link names.
 * @param {Model} link
 * @param {"source" | "target"} end
 * @returns {[Model, string]}
 */
function endOf(link, end) {
  const [reference, trait] = link.get(end);
  return [find(reference), trait];
}
