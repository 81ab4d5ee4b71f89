"""The terms that a derived backward pass is made of, and the algebra that keeps them short.

A term stands for an array. It may be narrower than that array, if it broadcasts to it: what a mean
sends back is one number for many entries, and is spread only where it must be. Equal terms are one
object, so that what is used twice can be recognized.

The algebra changes no value but by rounding: factors are gathered, like terms added, what is the
same along the summed axes taken out of a sum; and a sum that is 0 for every input is dropped, if
the graph proves it (`proofs`).
"""

import ast
import functools
import math
import re
from fractions import Fraction

import numpy as np

from ..ops import OPS

OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
ARGUMENTS = re.compile(r"np\.add\.at\((\w+), (.+), (\w+)\)")
IN_INDEX = re.compile(r"\b([a-z]\w*)(?:\.\w+(?:\(\w*\)|\[\d+\])?)*")  # a name, and what is its
NUMPY = re.compile(r"np(\.\w+)+")  # a name in NumPy


class Term:
    """One term: ``op`` on ``args``, with ``data`` that says more.

    ========== ============================================================ =====================
    op         data                                                         args
    ========== ============================================================ =====================
    value      a node of the graph: what it is forward                      none
    gradient   a node of the graph: what arrives at it                      none
    upstream   an output of the graph: the gradient given there             none
    number     the number                                                   none
    length     (node, axis): how long it is there                           none
    product    (a fraction or float, how many args multiply)                factors, then divisors
    total      none                                                         what is added
    sum        (axes that go, axes that stay as 1)                          what is summed
    call       (function, names of the keywords)                            arguments
    method     (name, names of the keywords)                                object, arguments
    attribute  its name                                                     object
    index      what is between the brackets; {0}, {1} are arrays there  object, arrays
    scatter    what is between the brackets, "=" or "add"               base, value, arrays
    operator   its sign                                                     left, right, or one
    tuple      none                                                         its parts
    text       Python's text: an axis, a tuple                              none
    ========== ============================================================ =====================
    """

    __slots__ = ("args", "data", "op", "shape")

    def __init__(self, op, args, data, shape):
        self.op, self.args, self.data, self.shape = op, args, data, shape

    def __repr__(self):
        return f"Term({self.op}, {self.data}, {list(self.args)})"


class Terms:
    """The terms of one graph. ``definitions`` say what each gradient is."""

    def __init__(self, graph, proofs):
        self.graph, self.proofs = graph, proofs
        self.definitions, self.notes, self.hints = {}, [], {}
        self._known, self._samples, self._formulas = {}, {}, {}
        self._rng = np.random.default_rng(0)

    def make(self, op, args=(), data=None, shape=None):
        args = [self.number(0) if term is None else term for term in args]
        key = op, data, *map(id, args)
        if key not in self._known:
            term = Term(op, tuple(args), data, shape)
            if shape is None:
                sample = self.sample(term)
                term.shape = () if isinstance(sample, tuple) else np.shape(sample)
            self._known[key] = term
        return self._known[key]

    # --- Leaves ---

    def number(self, value):
        return self.make("number", (), value, ())

    def value(self, i):
        """What node i is forward."""
        node = self.graph.nodes[i]
        if node.op == "constant" and node.shape == ():
            return self.number(float(node.params["value"]))
        if node.op == "negative" and node.inputs and not node.name:
            return self.product(-1, [self.value(node.inputs[0])])
        return self.make("value", (), i, node.shape)

    def shaped_like(self, term):
        """A value of the same shape that is at hand: an input's, if there is one."""
        while term.op == "value":
            node = self.graph.nodes[term.data]
            like = [k for k in node.inputs if self.graph.nodes[k].shape == node.shape]
            if not like or OPS[node.op].kind != "entrywise":
                break
            term = self.make("value", (), min(like), node.shape)
        return term

    def formula(self, i):
        """What node i is computed as, in terms of the values before it, as it was written."""
        if i not in self._formulas:
            self._formulas[i] = self._formula(i)
        return self._formulas[i]

    def _formula(self, i):
        node = self.graph.nodes[i]
        if node.op == "constant":
            value = node.params["value"]
            dtype = "" if value.dtype == float else f", dtype=np.{value.dtype}"
            return self.make("text", (), f"np.array({value.tolist()}{dtype})", node.shape)
        return self.filled(source_of(node.op).value, i, {}, as_written=True, shape=node.shape)

    def filled(self, text, i, names, **how):
        """What a source's text says of node i, the terms of its inputs and ``names`` put in.

        Lines before the last make a name, ``phi = np.tril(a)``, or write into what it holds,
        ``phi[0] = b``.
        """
        node = self.graph.nodes[i]
        if callable(text):
            text = text(node, *(self.graph.nodes[k] for k in node.inputs))
        inputs = [self.value(k) for k in node.inputs]
        names = dict(zip("abc", inputs, strict=False)) | names
        names |= {f"a{k}": term for k, term in enumerate(inputs)}
        *before, last = text.split("\n")
        for line in before:
            made, _, expression = line.partition(" = ")
            if made.startswith("np.add.at("):
                made, index, expression = ARGUMENTS.fullmatch(line).groups()
                term = self._scattered(names[made], index, "add", expression, names)
            elif "[" in made:
                made, _, index = made[:-1].partition("[")
                term = self._scattered(names[made], index, "=", expression, names)
            else:
                term = self.read(expression, names)
                self.hints[term] = made
            names = names | {made: term}
        return self.read(last, names, **how)

    def _scattered(self, base, index, how, value, names):
        """A copy of ``base`` with a value written, or added, at an index."""
        self.hints.pop(base, None)
        index, arrays = self._indexed(index, names)
        value = self.read(value, names)
        return self.make("scatter", [base, value, *arrays], (index, how), base.shape)

    def _indexed(self, index, names):
        """An index with its arrays as {0}, {1}; and these."""
        arrays = []

        def place(match):
            if match[1] not in names:
                return match[0]
            arrays.append(self.read(match[0], names))
            return f"{{{len(arrays) - 1}}}"

        return IN_INDEX.sub(place, index), arrays

    def upstream(self, i):
        return self.make("upstream", (), i, self.graph.nodes[i].shape)

    def length(self, i, axis):
        """How long node i is along an axis, as the first node of this length has it."""
        source = self.proofs.lengths[i][axis]
        source = source and self.proofs.length(source)
        if source is None or self.graph.nodes[source[0]].op == "constant":
            return self.number(self.graph.nodes[i].shape[axis])
        return self.make("length", (), source, ())

    def gradient(self, i, definition):
        term = self.make("gradient", (), i, definition.shape)
        self.definitions[term] = definition
        return term

    # --- Algebra ---

    def product(self, coefficient, factors, divisors=()):
        """``coefficient * factors / divisors``; None, which is 0 everywhere, if a factor is."""
        if coefficient == 0 or any(term is None for term in factors):
            return None
        above, below = [], []
        pending = [(term, False) for term in factors] + [(term, True) for term in divisors]
        for term, under in pending:
            if term.op == "number":
                coefficient = _scaled(coefficient, term.data, under)
                if coefficient == 0:
                    return None
            elif term.op == "product":
                inner, n = term.data
                coefficient = _scaled(coefficient, inner, under)
                (below if under else above).extend(term.args[:n])
                (above if under else below).extend(term.args[n:])
            else:
                (below if under else above).append(term)
        for term in [term for term in above if term.op == "length" and term in below]:
            above.remove(term)
            below.remove(term)
        if not below and not above:
            return self.number(coefficient)
        if coefficient == 1 and not below and len(above) == 1:
            return above[0]
        shape = np.broadcast_shapes(*(term.shape for term in above + below))
        return self.make("product", above + below, (coefficient, len(above)), shape)

    def total(self, terms):
        """The sum of terms, like ones gathered; None if nothing is left."""
        flat = []
        for term in terms:
            if term is not None:
                flat.extend(term.args if term.op == "total" else [term])
        gathered = {}
        for term in flat:
            coefficient, factors, divisors = self.split(term)
            key = tuple(sorted(map(id, factors))), tuple(sorted(map(id, divisors)))
            known = gathered.setdefault(key, [0, factors, divisors])
            known[0] += coefficient
        kept = [self.product(*parts) for parts in gathered.values()]
        kept = [term for term in kept if term is not None]
        if len(kept) < 2:
            return kept[0] if kept else None
        return self.make("total", kept, None, np.broadcast_shapes(*(term.shape for term in kept)))

    def split(self, term):
        """A term as (coefficient, factors, divisors)."""
        if term.op == "number":
            return term.data, [], []
        if term.op != "product":
            return 1, [term], []
        coefficient, n = term.data
        return coefficient, list(term.args[:n]), list(term.args[n:])

    def reduced(self, term, at, target):
        """Sum what stands for an array of node ``at``'s shape down to ``target``."""
        full = self.graph.nodes[at].shape
        lead = len(full) - len(target)
        stretched = [lead + i for i, n in enumerate(target) if n == 1 and full[lead + i] != 1]
        axes = [*range(lead), *stretched]
        return self.summed(term, at, axes, lead) if axes and term is not None else term

    def summed(self, term, at, axes, lead):
        """Sum over ``axes`` of node ``at``; those before ``lead`` go, the others stay as 1."""
        full = self.graph.nodes[at].shape
        if note := self.proofs.sums_to_zero(self, term, full, axes):
            self.notes.append(note)
            return None
        parts = self.terms_of(term)
        zero = [self.proofs.sums_to_zero(self, part, full, axes) for part in parts]
        if any(zero):
            self.notes += [note for note in zero if note]
            rest = [part for part, note in zip(parts, zero, strict=True) if not note]
            return self.total([self.summed(part, at, axes, lead) for part in rest])
        ndim = len(full)
        coefficient, factors, divisors = self.split(term)
        inside, outside = [], []
        for factor in factors:
            free = constant_along(factor, [axis - ndim for axis in axes])
            fits = len(factor.shape) <= ndim - lead
            (outside if free and fits else inside).append(factor)
        under, kept = [], []
        for factor in divisors:
            free = constant_along(factor, [axis - ndim for axis in axes])
            (kept if free and len(factor.shape) <= ndim - lead else under).append(factor)
        inner = self.product(1, inside, under)
        counts = []
        inner, counts = self._sum(inner, full, axes, lead)
        if inner.op == "sum" and outside + kept:
            self.notes.append(("factor", (*outside, *kept), tuple(axes)))
        counts = [self.length(at, axis) for axis in counts]
        return self.product(coefficient, [*counts, inner, *outside], kept)

    def terms_of(self, term):
        """What a term adds up, seen through the definition of a gradient and a factor before it."""
        coefficient, factors, divisors = self.split(term)
        if len(factors) == 1:
            (inner,) = factors
            inner = self.definitions.get(inner, inner)
            if inner.op == "total":
                return [self.product(coefficient, [part], divisors) for part in inner.args]
        return [term]

    def _sum(self, inner, full, axes, lead):
        """The sum itself, and the axes along which the term is narrow, so that it is a multiple."""
        start = len(full) - len(inner.shape)
        gone, stay, counts = [], [], []
        for axis in axes:
            if axis >= start and (axis < lead or inner.shape[axis - start] != 1):
                (gone if axis < lead else stay).append(axis - start)
            if (axis < start or inner.shape[axis - start] == 1) and full[axis] != 1:
                counts.append(axis)
        if not gone and not stay:
            return inner, counts
        shape = [1 if i in stay else n for i, n in enumerate(inner.shape) if i not in gone]
        return self.make("sum", (inner,), (tuple(gone), tuple(stay)), tuple(shape)), counts

    def narrowed(self, term, target):
        """Sum a term down to a shape that broadcasts to its own; a reduction's stays narrower."""
        lead = len(term.shape) - len(target)
        if lead < 0 or np.broadcast_shapes(term.shape, target) == target:
            return term
        stay = tuple(lead + i for i, n in enumerate(target) if n == 1 != term.shape[lead + i])
        return self.make("sum", [term], (tuple(range(lead)), stay), target)

    # --- Python's text as a term ---

    def read(self, text, names, as_written=False, shape=None):
        """The term that a line of Python means, where ``names`` are terms; its sums and products
        gathered, or ``as_written``. Its shape is found by trying, if it is not given.
        """
        self._as_written, self._shape = as_written, shape
        return self._convert(_parsed(text), names)

    def _convert(self, node, names):
        shape, self._shape = self._shape, None
        match node:
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.Constant(value=value) if type(value) in (int, float):
                return self.number(value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                if self._as_written and not isinstance(operand, ast.Constant):
                    return self.make("operator", [self._convert(operand, names)], "-", shape)
                return self.product(-1, [self._convert(operand, names)])
            case ast.BinOp(left=left, op=op, right=right):
                left, right = self._convert(left, names), self._convert(right, names)
                return self._binary(op, left, right, shape)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                left, right = self._convert(left, names), self._convert(right, names)
                return self._binary(op, left, right, shape)
            case ast.Call(func=func, args=args, keywords=keywords):
                terms = [self._argument(a, names) for a in [*args, *(k.value for k in keywords)]]
                words = tuple(k.arg for k in keywords)
                function = ast.unparse(func)
                if NUMPY.fullmatch(function):
                    call = self.make("call", terms, (function, words), shape)
                    ops = {argument.op for argument in call.args}
                    if function == "np.heaviside" and ops <= {"number", "text"}:
                        return self.number(float(self.sample(call)))
                    return call
                terms.insert(0, self._convert(func.value, names))
                return self.make("method", terms, (func.attr, words), shape)
            case ast.Tuple(elts=parts):
                return self.make("tuple", [self._convert(part, names) for part in parts], None, ())
            case ast.Attribute(value=value, attr=attr) if not NUMPY.fullmatch(ast.unparse(node)):
                value = self._convert(value, names)
                if attr == "shape":
                    value = self.shaped_like(value)
                return self.make("attribute", [value], attr, shape)
            case ast.Subscript(value=value, slice=index):
                index, arrays = self._indexed(_bare(ast.unparse(index)), names)
                return self.make("index", [self._convert(value, names), *arrays], index, shape)
        return self.make("text", (), ast.unparse(node), ())

    def _argument(self, node, names):
        """An argument of a call; a number or a tuple of them is an axis or a shape: text."""
        if any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node)):
            return self._convert(node, names)
        return self.make("text", (), ast.unparse(node), ())

    def _binary(self, op, left, right, shape):
        if self._as_written:
            return self.make("operator", [left, right], OPERATORS[type(op)], shape)
        match op:
            case ast.Add():
                return self.total([left, right])
            case ast.Sub():
                return self.total([left, self.product(-1, [right])])
            case ast.Mult():
                return self.product(1, [left, right])
            case ast.Div():
                return self.product(1, [left], [right])
            case ast.Pow() if right.op == "number" and right.data in (0, 1):
                return left if right.data else self.number(1)
        return self.make("operator", [left, right], OPERATORS[type(op)], shape)

    def sample(self, term):
        """An array such as the term stands for, to see the shape of what is computed from it."""
        if term not in self._samples:
            self._samples[term] = self._sample(term)
        return self._samples[term]

    def _is_index(self, i):
        """Whether a node holds places in an array: 0 is one, other numbers may be none."""
        first = {"getitem": 1, "setitem": 2}
        return any(
            edge.slot >= first.get(self.graph.nodes[edge.target].op, len(self.graph.nodes))
            for edge in self.proofs.uses[i]
        )

    def _sample(self, term):
        match term.op:
            case "tuple":
                return tuple(map(self.sample, term.args))
            case "text":
                return eval(term.data, {"np": np})
            case "number":
                return term.data
            case "value" if self.graph.nodes[term.data].shape and self._is_index(term.data):
                return np.zeros(term.shape, int)
            case "value" if self.graph.nodes[term.data].op == "constant":
                return self.graph.nodes[term.data].params["value"]
            case "call" | "method" | "attribute" | "index" | "operator":
                text = _call_text(term)
                known = {f"_{i}": self.sample(arg) for i, arg in enumerate(term.args)}
                with np.errstate(all="ignore"):
                    return eval(text, {"np": np, **known})
        return self._rng.uniform(1, 2, term.shape)


def source_of(op):
    """The source of an operation. Raises ValueError if it has none."""
    if OPS[op].source is None:
        raise ValueError(f"derive: {op.replace('_', ' ')} cannot be written in lines of NumPy")
    return OPS[op].source


@functools.cache
def _parsed(text):
    return ast.parse(text, mode="eval").body


def _call_text(term):
    names = [f"_{i}" for i in range(len(term.args))]
    match term.op:
        case "call":
            return f"{term.data[0]}({arguments(names, term.data[1])})"
        case "method":
            return f"_0.{term.data[0]}({arguments(names[1:], term.data[1])})"
        case "attribute":
            return f"_0.{term.data}"
        case "index":
            return f"_0[{term.data.format(*names[1:])}]"
    return f"_0 {term.data} _1" if len(term.args) > 1 else f"{term.data}_0"


def arguments(texts, words):
    """The arguments of a call: those at the end by keyword."""
    plain = len(texts) - len(words)
    return ", ".join(
        [*texts[:plain], *(f"{k}={v}" for k, v in zip(words, texts[plain:], strict=True))]
    )


def constant_along(term, axes):
    """Whether a term is the same along ``axes``, counted from the last as -1."""
    return all(-axis > len(term.shape) or term.shape[axis] == 1 for axis in axes)


def _scaled(coefficient, by, under):
    """A coefficient times ``by`` or, ``under`` the line, divided by it; fractions stay exact."""
    if under and by == 0:
        return math.inf if coefficient > 0 else -math.inf
    exact = all(isinstance(c, Fraction | int) or float(c).is_integer() for c in (coefficient, by))
    if exact:
        coefficient, by = Fraction(coefficient), Fraction(by)
    return coefficient / by if under else coefficient * by


def _bare(text):
    """An index without brackets, its slices spaced as ruff does it."""
    text = text[1:-1] if text.startswith("(") else text
    return re.sub(r"[^,\[\]]*(\[[^\]]*\][^,\[\]]*)*", lambda part: _spaced(part[0]), text)


def _spaced(part):
    """One item of an index; a slice with more than names and numbers in it gets spaces."""
    if ":" not in part or re.fullmatch(r"[\w\s:-]*", part):
        return part
    blank = " " * part.startswith(" ")
    return blank + " : ".join(side.strip() for side in part.split(":")).strip()
