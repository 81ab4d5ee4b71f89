/** What a page says, in its language: as the figures do it. */
export { bring, count, say } from "../../code/batchnorm/figures/kit/words.js";
