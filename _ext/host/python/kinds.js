/** What a name stands for, in words: page/lookup.py has them in English. */
import { say } from "../words.js";

const KINDS = new Map([
  ["module", say("module")],
  ["class", say("class")],
  ["function", say("function")],
  ["property", say("property")],
  ["keyword", say("keyword")],
]);

/** @param {string} what a kind, or the name of a type, which is the same in every language */
export const kindOf = (what) => KINDS.get(what) ?? what;
