"""A term as Python's text, spaced and bracketed as ruff formats it."""

import re
from fractions import Fraction

from .terms import arguments

ANY, COMPARISON, SUM, PRODUCT, NEGATIVE, POWER, ATOM = range(7)
BINDS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "@": PRODUCT, "**": POWER}
SIMPLE = re.compile(r"[\w.]+|-[\d.e+-]+")  # what ruff writes a power of without spaces


class Python:
    """Writes terms; ``names`` are those that have a name, ``lengths`` names products of lengths."""

    def __init__(self, terms, names, lengths):
        self.terms, self.names, self.lengths = terms, names, lengths

    def text(self, term, binds=ANY):
        """The text of a term, in brackets if it binds less than ``binds``."""
        if term in self.names:
            return self.names[term]
        text, own = self.definition(term)
        return f"({text})" if own < binds else text

    def definition(self, term):
        """What a term is, without its own name: the text, and how strongly it binds."""
        return getattr(self, f"_{term.op}")(term)

    def _number(self, term):
        text = number(term.data)
        return text, NEGATIVE if text.startswith("-") else ATOM

    def _value(self, term):
        return self._known(self.terms.formula(term.data))

    def _gradient(self, term):
        return self._known(self.terms.definitions[term])

    def _known(self, definition):
        name = self.names.get(definition)
        return (name, ATOM) if name else self.definition(definition)

    def _product(self, term):
        coefficient, factors, divisors = self.terms.split(term)
        above, below = _fraction(abs(coefficient))
        over = [above] if above != "1" else []
        # ruff writes -(a**2), not -a**2
        over += self._factors(factors, ATOM if coefficient < 0 and not over else NEGATIVE)
        under = [below] if below != "1" else []
        under += self._factors(divisors)
        text = " * ".join(over) or "1"
        if len(under) > 1:
            text += f" / ({' * '.join(under)})"
        elif under:
            text += f" / {under[0]}"
        binds = PRODUCT if len(over) > 1 or under else NEGATIVE
        return ("-" + text if coefficient < 0 else text), binds

    def _factors(self, terms, binds=NEGATIVE):
        """The texts of factors, the lengths among them under one name; the first may have to bind
        more than the others.
        """
        lengths = tuple(term for term in terms if term.op == "length")
        texts = [self.lengths[lengths]] if lengths else []
        rest = [term for term in terms if term.op != "length"]
        for k, term in enumerate(rest):
            if term in rest[:k]:
                continue
            binds = NEGATIVE if texts else binds
            n = rest.count(term)
            if n == 1:
                texts.append(self.text(term, binds))
            else:
                text = power(self.text(term, ATOM), number(n))
                texts.append(f"({text})" if binds == ATOM else text)
        return texts

    def _total(self, term):
        first, *rest = term.args
        text = self.text(first, SUM)
        for part in rest:
            coefficient, factors, divisors = self.terms.split(part)
            if coefficient < 0 and part not in self.names:
                positive = self.terms.product(-coefficient, factors, divisors)
                text += f" - {self.text(positive, PRODUCT)}"
            else:
                text += f" + {self.text(part, PRODUCT)}"
        return text, SUM

    def _sum(self, term):
        gone, stay = term.data
        (inner,) = term.args
        text, ndim = self.text(inner, ATOM), len(inner.shape)
        for axes, kept in ((gone, False), (tuple(axis - len(gone) for axis in stay), True)):
            if axes:
                given = [] if len(axes) == ndim else [f"axis={axes[0] if len(axes) == 1 else axes}"]
                text += f".sum({', '.join(given + ['keepdims=True'] * kept)})"
                ndim -= 0 if kept else len(axes)
        return text, ATOM

    def _length(self, term):
        node, axis = term.data
        return f"{self.text(self.terms.value(node), ATOM)}.shape[{axis}]", ATOM

    def _call(self, term):
        function, words = term.data
        return f"{function}({arguments([self.text(a) for a in term.args], words)})", ATOM

    def _method(self, term):
        name, words = term.data
        rest = [self.text(a) for a in term.args[1:]]
        return f"{self.text(term.args[0], ATOM)}.{name}({arguments(rest, words)})", ATOM

    def _attribute(self, term):
        return f"{self.text(term.args[0], ATOM)}.{term.data}", ATOM

    def _index(self, term):
        base, *arrays = term.args
        return f"{self.text(base, ATOM)}[{self._indices(term.data, arrays)}]", ATOM

    def _indices(self, index, arrays):
        return index.format(*(self.text(array, SUM) for array in arrays))

    def _scatter(self, term):
        return self.definition(term.args[0])

    def writes(self, term, name):
        """The lines that write into what a term's own line has made."""
        if term.op in ("value", "gradient"):
            known = self.terms.definitions.get(term) or self.terms.formula(term.data)
            return self.writes(known, name) if known not in self.names else []
        if term.op != "scatter":
            return []
        _, value, *arrays = term.args
        index, how = term.data
        index = self._indices(index, arrays)
        if how == "=":
            return [f"{name}[{index}] = {self.text(value)}"]
        index = f"np.s_[{index}]" if ":" in index else f"({index})" if "," in index else index
        return [f"np.add.at({name}, {index}, {self.text(value)})"]

    def _operator(self, term):
        sign = term.data
        if len(term.args) == 1:
            (inner,) = term.args
            return f"{sign}{self.text(inner, ATOM if inner.op == 'value' else NEGATIVE)}", NEGATIVE
        left, right = term.args
        binds = BINDS.get(sign, COMPARISON)
        if sign == "**":
            return power(self.text(left, ATOM), self.text(right, NEGATIVE)), POWER
        if binds == COMPARISON:
            return f"{self.text(left, SUM)} {sign} {self.text(right, SUM)}", binds
        return f"{self.text(left, binds)} {sign} {self.text(right, binds + 1)}", binds

    def _tuple(self, term):
        texts = [self.text(part) for part in term.args]
        return f"({', '.join(texts)}{',' * (len(texts) == 1)})", ATOM

    def _text(self, term):
        return term.data, ATOM


def power(base, exponent):
    """``base ** exponent``, without spaces where both are simple."""
    simple = SIMPLE.fullmatch(base) and SIMPLE.fullmatch(exponent)
    return f"{base}**{exponent}" if simple else f"{base} ** {exponent}"


def number(value):
    """A number as it is read: 2.0 is 2."""
    value = float(value)
    if value.is_integer() and abs(value) < 1e6:
        return repr(int(value))
    if abs(value) < float("inf"):
        return re.sub(r"e([-+])0+", r"e\1", repr(value)).replace("e+", "e")
    return "np.nan" if value != value else f"{'-' * (value < 0)}np.inf"


def _fraction(value):
    """A positive number as (what multiplies, what divides)."""
    if isinstance(value, Fraction):
        return number(value.numerator), number(value.denominator)
    return number(value), "1"
