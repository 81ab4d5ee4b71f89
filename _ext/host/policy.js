/**
 * What the site's Content-Security-Policy has refused, where it is stricter than the book needs
 * (README.md names one that does). In the page and in the worker.
 */

/** @type {string | null} */
let refused = null;

/** @type {Set<() => void>} */
const listeners = new Set();

/** @type {Record<string, string>} what a directive must allow, by what was refused */
const ALLOW = {
  blob: "blob:",
  data: "data:",
  "wasm-eval": "'wasm-unsafe-eval'",
  eval: "'wasm-unsafe-eval'",
  inline: "'unsafe-inline'",
};

globalThis.addEventListener?.("securitypolicyviolation", (event) => {
  const { disposition, effectiveDirective, blockedURI } =
    /** @type {SecurityPolicyViolationEvent} */ (event);
  if (disposition !== "enforce") return;
  const allow = ALLOW[blockedURI.replace(/:.*/, "")] ?? (blockedURI ? "'self'" : "");
  refused = `${effectiveDirective}${allow && ` would have to allow ${allow}`}`;
  for (const listener of listeners) listener();
});

/** Rejects when something is refused: not all that fails for it says so. @returns {Promise<never>} */
export const refusal = () =>
  new Promise((_, reject) => {
    listeners.add(() => reject(new Error("refused")));
  });

/** Forgets what was refused before. */
export const forget = () => {
  refused = null;
};

/**
 * An error with the directive that caused it, if one did: the browser tells of that a little later.
 * @param {unknown} error
 */
export async function explained(error) {
  await new Promise((resolve) => setTimeout(resolve));
  const what = error instanceof Error ? error.message : String(error);
  if (!refused || what.includes("Content-Security-Policy")) return error;
  return new Error(`this site's Content-Security-Policy forbids it: its directive ${refused}`);
}
