/**
 * What the site's Content-Security-Policy has refused, where it is stricter than the book needs
 * (README.md names one that does). In the page and in the worker.
 */
import { say } from "./words.js";

/** @type {{ directive: string, allow: string } | null} */
let refused = null;

/** @type {Record<string, string>} what a directive must allow, by what was refused */
const ALLOW = {
  blob: "blob:",
  data: "data:",
  "wasm-eval": "'wasm-unsafe-eval'",
  eval: "'wasm-unsafe-eval'",
  inline: "'unsafe-inline'",
  "trusted-types-sink": "", // no value of the directive would do
};

globalThis.addEventListener?.("securitypolicyviolation", (event) => {
  const { disposition, effectiveDirective, blockedURI } =
    /** @type {SecurityPolicyViolationEvent} */ (event);
  if (disposition !== "enforce") return;
  const allow = ALLOW[blockedURI.replace(/:.*/, "")] ?? (blockedURI ? "'self'" : "");
  refused = { directive: effectiveDirective, allow };
});

const EMPTY = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]); // the smallest module

/**
 * Throws where WebAssembly is refused. Pyodide would wait forever, and WebKit sends no event for it.
 */
export function checkWebAssembly() {
  try {
    new WebAssembly.Instance(new WebAssembly.Module(EMPTY)); // WebKit lets the module be made
  } catch (error) {
    if (typeof WebAssembly !== "undefined")
      refused = { directive: "script-src", allow: ALLOW["wasm-eval"] };
    throw error;
  }
}

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
  return new Error(
    refused.allow
      ? say(
          "this site’s Content-Security-Policy forbids it: its directive {directive} would have to allow {allow}",
          refused,
        )
      : say("this site’s Content-Security-Policy forbids it: its directive {directive}", refused),
  );
}
