/**
 * The same entries in other places.
 *
 * @import { Operations, Params } from "./index.js"
 */
import { transpose } from "../tensor.js";

/** @type {Operations} */
export const OPERATIONS = {
  transpose: [transpose, transpose],
};
