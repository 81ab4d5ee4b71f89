"""A term as a formula in LaTeX. Axes are letters: i is the first, j the second."""

import re

from .python import number

LETTERS = "ijklmn"
GREEK = re.compile(
    "alpha|beta|gamma|delta|eta|theta|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|phi|chi|psi|omega"
)
SYMBOLS = {"var": r"\sigma^2", "eps": r"\varepsilon", "x_hat": r"\hat{x}"}
FUNCTIONS = {
    "np.sqrt": r"\sqrt{{{0}}}",
    "np.exp": r"e^{{{0}}}",
    "np.log": r"\log\left({0}\right)",
    "np.tanh": r"\tanh\left({0}\right)",
    "np.sin": r"\sin\left({0}\right)",
    "np.cos": r"\cos\left({0}\right)",
    "np.abs": r"\left|{0}\right|",
    "np.sign": r"\operatorname{{sign}}\left({0}\right)",
    "np.heaviside": r"[{0} > 0]",
    "np.maximum": r"\max\left({0}, {1}\right)",
    "np.minimum": r"\min\left({0}, {1}\right)",
    "np.outer": r"{0}\,{{{1}}}^\top",
    "np.linalg.solve": r"{{{0}}}^{{-1}}\,{1}",
    "np.broadcast_to": "{0}",
    "np.where": r"\left\{{{1} \text{{ if }} {0} \text{{ else }} {2}\right\}}",
}
SIGNS = {">": ">", "<": "<", ">=": r"\ge", "<=": r"\le", "==": "=", "!=": r"\ne"}
SAME = ("copy", "astype", "reshape")  # methods that a formula does not show
ATOM, FACTOR, SUM = 2, 1, 0


def symbol(name):
    """A name in LaTeX: greek letters, hats, indices."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    if match := re.fullmatch(r"(.+?)_?(\d+)", name):
        base = symbol(match[1])
        return f"{base}_{{{match[2]}}}" if "^" not in base else rf"{{{base}}}_{{{match[2]}}}"
    if match := re.fullmatch(r"(\w)_hat", name):
        return rf"\hat{{{match[1]}}}"
    if GREEK.fullmatch(name):
        return "\\" + name
    if len(name) == 1:
        return name
    plain = name.replace("_", r"\_")
    return rf"\mathrm{{{plain}}}"


class Latex:
    """Writes terms as formulas; ``symbols`` are those of the terms that have a name."""

    def __init__(self, terms, symbols, lengths):
        self.terms, self.symbols, self.lengths = terms, symbols, lengths

    def text(self, term, binds=SUM):
        if term in self.symbols:
            return self.symbols[term]
        text, own = self.definition(term)
        return rf"\left({text}\right)" if own < binds else text

    def definition(self, term):
        """What a term is, without its own symbol: the formula, and how strongly it binds."""
        match term.op:
            case "number":
                text = number(term.data)
                if match := re.fullmatch(r"1e([-+]\d+)", text):
                    text = f"10^{{{int(match[1])}}}"
                return text, FACTOR if text.startswith("-") else ATOM
            case "value" | "gradient":
                inner = self.terms.definitions.get(term) or self.terms.formula(term.data)
                known = self.symbols.get(inner)
                return (known, ATOM) if known else self.definition(inner)
            case "product":
                return self._product(term)
            case "total":
                return self._added([self.text(part) for part in term.args]), SUM
            case "sum":
                return rf"\sum{self._letters(term)} {self.text(term.args[0], FACTOR)}", FACTOR
            case "length":
                return rf"\operatorname{{length}}_{LETTERS[term.data[1]]}", ATOM
            case "call":
                return self._call(term)
            case "method":
                return self._method(term)
            case "attribute" if term.data == "T":
                return rf"{{{self.text(term.args[0], ATOM)}}}^\top", ATOM
            case "scatter":
                value = self.text(term.args[1])
                shown = term.data[0].replace("_", r"\_")
                return rf"{value} \text{{ at }} [\text{{{shown}}}]", SUM
            case "attribute" | "index":
                plain = term.op == "index" and set(term.data) <= set("None:, ")
                if plain:
                    return self.text(term.args[0], ATOM), ATOM
                shown = term.data.replace("_", r"\_")
                return rf"{self.text(term.args[0], ATOM)}[\text{{{shown}}}]", ATOM
            case "tuple":
                return ",".join(self.text(part) for part in term.args), ATOM
            case "operator":
                return self._operator(term)
        shown = term.data.replace("_", r"\_")
        return rf"\text{{{shown}}}", ATOM

    def _product(self, term):
        coefficient, factors, divisors = self.terms.split(term)
        above, below = abs(coefficient), 1
        if hasattr(coefficient, "numerator"):
            above, below = abs(coefficient.numerator), coefficient.denominator
        over = [number(above)] if above != 1 else []
        over += self._factors(factors, bool(divisors) or below != 1)
        under = [number(below)] if below != 1 else []
        under += self._factors(divisors, True)
        text = r"\,".join(over) or "1"
        if under:
            text = rf"\frac{{{text}}}{{{self._joined(under)}}}"
        return ("-" if coefficient < 0 else "") + text, FACTOR

    def _joined(self, texts):
        return r"\,".join(texts)

    def _factors(self, terms, alone):
        """Factors, the lengths among them first, under one symbol; sums bracketed in company."""
        lengths = tuple(term for term in terms if term.op == "length")
        texts = [symbol(self.lengths[lengths])] if lengths else []
        rest = [term for term in terms if term.op != "length"]
        for k, term in enumerate(rest):
            if term in rest[:k]:
                continue
            n = rest.count(term)
            lone = alone and len(rest) == 1 and not lengths
            company = term.op in ("sum", "product") and not lone and k < len(rest) - 1
            text = self.text(term, ATOM if n > 1 or company else SUM if lone else FACTOR)
            texts.append(f"{{{text}}}^{{{n}}}" if n > 1 else text)
        return texts

    def _added(self, texts):
        text = texts[0]
        for part in texts[1:]:
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return text

    def _letters(self, term):
        gone, stay = term.data
        axes = sorted({*gone, *stay})
        return f"_{{{''.join(LETTERS[a] for a in axes)}}}" if len(term.args[0].shape) > 1 else "_i"

    def _call(self, term):
        name, _ = term.data
        texts = [self.text(a) for a in term.args]
        if name in FUNCTIONS:
            if name in ("np.outer", "np.linalg.solve"):
                texts = [self.text(a, ATOM) for a in term.args]
            return FUNCTIONS[name].format(*texts), FACTOR
        plain = name.split(".")[-1].replace("_", r"\_")
        return rf"\operatorname{{{plain}}}\left({', '.join(texts)}\right)", ATOM

    def _method(self, term):
        name, words = term.data
        inner = term.args[0]
        if name in SAME:
            return self.definition(inner) if inner not in self.symbols else (self.text(inner), ATOM)
        axes = [a.data for a, word in zip(term.args[-len(words) :], words, strict=False)]
        axes = [a for a, word in zip(axes, words, strict=False) if word == "axis"] if words else []
        letters = "".join(LETTERS[int(a)] for a in re.findall(r"\d+", axes[0])) if axes else ""
        below = f"_{{{letters}}}" if letters and len(inner.shape) > 1 else ""
        if name == "sum":
            return rf"\sum{below} {self.text(inner, FACTOR)}", FACTOR
        return rf"\operatorname{{{name}}}{below}\left({self.text(inner)}\right)", ATOM

    def _operator(self, term):
        if len(term.args) == 1:
            return f"-{self.text(term.args[0], FACTOR)}", FACTOR
        left, right = term.args
        match term.data:
            case "+":
                return self._added([self.text(left), self.text(right)]), SUM
            case "-":
                return f"{self.text(left)} - {self.text(right, FACTOR)}", SUM
            case "*" | "@":
                return rf"{self.text(left, FACTOR)}\,{self.text(right, FACTOR)}", FACTOR
            case "/":
                return rf"\frac{{{self.text(left)}}}{{{self.text(right)}}}", ATOM
            case "**":
                return rf"{{{self.text(left, ATOM)}}}^{{{self.text(right)}}}", ATOM
        return rf"[{self.text(left)} {SIGNS.get(term.data, term.data)} {self.text(right)}]", ATOM
