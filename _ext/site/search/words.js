/** The words of a text, as the search compares them: no DOM, so that it is tested in Node. */

/** Letters and signs of formulas, as the code and the prose call them. */
export const NAMES = Object.entries({
  ...{ α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "eps", ϵ: "eps", η: "eta", θ: "theta" },
  ...{ λ: "lambda", μ: "mu", ρ: "rho", σ: "sigma", ς: "sigma", τ: "tau", φ: "phi", ω: "omega" },
  ...{ "∑": "sum", "√": "sqrt", "∇": "gradient" },
});
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";

/**
 * A text in which a formula reads the same however it is typed: σ² as σ^2, sigma^2 and \sigma^2;
 * x̂ as x_hat, xhat and \hat{x}; ∂L/∂x as dL/dx; and signs that were copied from elsewhere.
 * @param {string} text
 */
function spelled(text) {
  let plain = text
    .replace(/[\uff01-\uff5e]|[\u{1d400}-\u{1d7ff}]/gu, (wide) => wide.normalize("NFKC"))
    .toLowerCase()
    .replace(/\b([xyz])hat\b/g, "$1 hat")
    .replaceAll("µ", "μ")
    .replace(/\\hat\s*\{?\s*(\w)\}?/g, "$1 hat")
    .replace(/\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "$1/$2")
    .replace(/(?<=\p{L})(?:\u0302|\^(?![\p{L}\p{N}({⊤∗′*−-]))/gu, " hat ")
    .replace(/\\partial\s*|∂\s?/g, "d")
    .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (digit) => `^${RAISED.indexOf(digit)}`)
    .replace(/[₀₁₂₃₄₅₆₇₈₉]/g, (digit) => `_${LOWERED.indexOf(digit)}`);
  for (const [sign, name] of NAMES) plain = plain.replaceAll(sign, ` ${name} `);
  return plain.replace(/\bepsilon\b/g, "eps");
}

/** The words of a text, in lower case; 0.9 is one. @param {string} text */
export const wordsOf = (text) => spelled(text).match(/\p{L}[\p{L}\p{N}]*|\d+(\.\d+)?/gu) ?? [];

/** Words that ask and join, and say nothing of what is asked for. */
export const SILENT = new Set(
  (
    "a an and any are as at be been but by can could did do does for from get gets had has have how " +
    "i if in into is it its just me my no not of on or our out put should so still than that the their them " +
    "then there they this to too use vs was we what when where which while who whose why with would you"
  ).split(" "),
);

/** What people call things, and how the book does; whole words, after `stem`. */
const SAME = Object.entries({
  ...{ bn: "batch norm", grad: "gradient", stat: "statistic", stats: "statistic", eval: "evalu" },
  ...{ learn: "parameter", learnabl: "parameter", backprop: "differenti", axes: "axis" },
  ...{ backpropag: "differenti", derivativ: "differenti", fuse: "fold", save: "stor" },
  ...{
    froz: "freez",
    froze: "freez",
    frozen: "freez",
    fus: "fold",
    gpu: "worker",
    gpus: "worker",
    ddp: "worker",
  },
  ...{ distribut: "worker", example: "sampl", one: "1", two: "2", first: "1", second: "2" },
  ...{ twice: "2", double: "2", zero: "0", vanish: "0", img: "imag", sqrt: "root" },
  ...{ normaliz: "norm", normalis: "norm", higher: "order", debug: "check", sigma: "s" },
});
/** Words that are often written as one. */
const JOINED = /(batch|layer|group|instance|ghost|sync|grad|check)(?=norm|size|batch|check|list)/g;

/** A word without its ending. @param {string} word */
const stem = (word) =>
  word.length < 5
    ? word
    : word.replace(
        /(i[sz]ation|ations?|at(?:e[ds]?|ing)|i[sz]e[ds]?|ings?|ions?|e[ds]|s|e)$/,
        (end) => (/^i[sz]/.test(end) ? end.slice(0, 2) : ""),
      );

/** The words of a text as the search compares them. @param {string} text */
export function termsOf(text) {
  const apart = text.toLowerCase().replace(JOINED, "$1 ");
  return wordsOf(apart.replace(/(\p{L}{4,})[0-9]d\b/gu, "$1")).flatMap((word) => {
    const short = stem(word);
    return (SAME.find(([name]) => name === short || name === word)?.[1] ?? short).split(" ");
  });
}
