"""The derived function as lines: in which order, under which names, with which comments."""

import re
import textwrap
from typing import NamedTuple

import numpy as np

from ..ops import OPS
from .latex import Latex, symbol
from .naming import Names, node_word
from .python import Python
from .terms import Term

WIDTH = 88  # ruff's own line length
COMPOSITE = ("sum", "product", "total", "call", "method", "operator", "scatter")
FMT_OFF = ("# fmt: off", "# fmt: on")  # around a line that cannot be broken
FORWARD = "# Forward: what the backward pass uses"
BACKWARD = "# Backward: the last step first"


class Line(NamedTuple):
    """One line of code, and the node of the graph that it computes or speaks of, or None."""

    text: str
    node: int | None


class Writer:
    """Writes one derived function: ``lines``, each a text and the node it computes (or None)."""

    def __init__(self, backward):
        self.backward, self.terms = backward, backward.terms
        self.graph = backward.graph
        self.uses, self.lengths = {}, {}
        self.results = {i: backward.gradients[i] for i in backward.wrt}
        for term in self.results.values():
            if term is not None:
                self._reach(term)
        self.taken = Names(node.name for node in self.graph.nodes)
        self.names, self.constants = {}, {}
        self.written, self.said = set(), set()
        self._name_values()
        self._name_gradients()
        self._name_parts()
        self._name_lengths()
        self.python = Python(self.terms, self.names, self.lengths)
        self.lines, self.formulas = [], []

    # --- What is used, and how often ---

    def _reach(self, term):
        self.uses[term] = self.uses.get(term, 0) + 1
        if self.uses[term] > 1:
            return
        for part in self.parts(term):
            self._reach(part)

    def parts(self, term):
        """The terms that a term is written with."""
        if term.op == "gradient":
            return [self.terms.definitions[term]]
        if term.op == "length":
            return [self.terms.value(term.data[0])]
        if term.op == "value" and self._computed(term):
            return [self.terms.formula(term.data)]
        return list(term.args)

    # --- Names ---

    def _name_values(self):
        nodes = self.graph.nodes
        for term in sorted((t for t in self.uses if t.op == "value"), key=lambda t: t.data):
            node = nodes[term.data]
            if term in self.names:
                continue
            if node.op == "constant":
                value = node.params["value"]
                if value.size > 4 or not np.isfinite(value).all():
                    name = self.taken.new("constant")
                    self.names[term], self.constants[name] = name, value
            elif node.op == "input" or node.name:
                self.names[term] = node.name
            elif self.uses[term] > 1 or self.terms.formula(term.data).op == "scatter":
                self.names[term] = self.taken.new(node_word(self.backward.proofs, term.data))

    def _name_gradients(self):
        """``d`` and the node's name; of nodes that share one gradient, the name asked for."""
        shared = {}
        for i, term in enumerate(self.backward.gradients):
            if term is not None and term.op in ("gradient", "upstream"):
                shared.setdefault(term, []).append(i)
        nodes, wrt = self.graph.nodes, self.backward.wrt
        outputs = self.graph.outputs
        for k, i in enumerate(outputs):
            word = nodes[i].name if nodes[i].op != "input" else ""
            word = word or ("y" if len(outputs) == 1 else f"y{k + 1}")
            self.names[self.terms.upstream(i)] = self.taken.new(f"d{word}", f"d_{word}")
        for term, members in sorted(shared.items(), key=lambda item: min(item[1])):
            if term.op == "gradient":
                best = min(members, key=lambda i: (i not in wrt, not nodes[i].name, i))
                value = self.terms.value(best)
                word = nodes[best].name or self.names.get(value)
                if word:
                    name = self.taken.new(f"d{word}", f"d_{word}", f"grad_{word}")
                else:
                    name = self.taken.new(f"d{node_word(self.backward.proofs, best)}")
                self.names[term] = name

    def _name_parts(self):
        """Names for unnamed parts that are used more than once, and for those of a source."""
        own = {part for term in self.names for part in self.parts(term)} | self._bases()
        for term in [term for term in self.uses if term.op == "scatter"]:
            value = term.args[1]
            if value.op in COMPOSITE and value not in self.names:
                self.names[value] = self.taken.new(self._part_word(value))
        for term, n in [*self.uses.items()]:
            if term in self.names or term in own or term.op not in COMPOSITE:
                continue
            hint = self.terms.hints.get(term)
            if hint or term.op == "scatter" or (n > 1 and self.backward.size(term) > 1):
                self.names[term] = self.taken.new(hint or self._part_word(term))

    def _bases(self):
        """What is written into: made again each time."""
        return {term.args[0] for term in self.uses if term.op == "scatter"}

    def _part_word(self, term):
        """What a part is called."""
        words = {"sum": "summed", "operator": "chosen", "call": "slope", "method": "averaged"}
        words["scatter"] = "scattered"
        return words.get(term.op, "part")

    def _name_lengths(self):
        for term in self.uses:
            if term.op == "product":
                _, factors, divisors = self.terms.split(term)
                for side in (factors, divisors):
                    group = tuple(t for t in side if t.op == "length")
                    if group and group not in self.lengths:
                        self.lengths[group] = self.taken.new("m", "n", "k", "size")

    # --- Lines ---

    def write(self):
        """The lines of the function's body, and the names that it returns."""
        forward = sorted((t for t in self.names if t.op == "value"), key=lambda t: t.data)
        for group in self.lengths:
            if all(self.graph.nodes[term.data[0]].op == "input" for term in group):
                self._write_length(group)
        for term in forward:
            self._write(term)
        steps = len(self.lines)
        for i, term in sorted(self._gradients().items(), key=self._order):
            self._say_cuts(self.backward.place[i])
            if term is None:
                self._say(self._notes(i), i)
            else:
                self._write(term, i)
        self._say_cuts(-1)
        returned = [self._returned(i, term) for i, term in self.results.items()]
        self.halves = self.lines[:steps], self.lines[steps:]
        if steps:
            self.lines.insert(0, Line(FORWARD, None))
            self.lines[steps + 1 : steps + 1] = [Line("", None), Line(BACKWARD, None)]
        return self.lines, returned

    def split(self, parameters):
        """The lines of the two halves as functions of their own: forward, what it returns, what it
        keeps for the way back, and backward. `write` comes first.
        """
        forward, backward = self.halves
        self.lines, outputs = [*forward], []
        for i, dy in zip(self.graph.outputs, self.upstream, strict=True):
            term = self.terms.value(i)
            self._reach(term)
            self._name_values()
            if term not in self.names:
                self.names[term] = self.taken.new(dy[1:] if dy[1:].isidentifier() else "y", "out")
            self._write(term)
            outputs.append(self.names[term])
        made = [re.match(r"(\w+) = ", line.text) for line in forward]
        known = [*parameters, *(match[1] for match in made if match)]
        code = " ".join(line.text.partition("#")[0] for line in backward)
        used = set(re.findall(r"(?<![\w.])[^\W\d]\w*", code))
        return self.lines, outputs, [name for name in known if name in used], backward

    @property
    def upstream(self):
        """The names of the gradients that are given, one an output."""
        return [self.names[self.terms.upstream(i)] for i in self.graph.outputs]

    def _gradients(self):
        """The gradients that have a line, by the node at which they arrive first."""
        found = {}
        for i in reversed(range(len(self.graph.nodes))):
            term = self.backward.gradients[i]
            if term is None and self.backward.notes[i] and i not in self.results:
                found[i] = None
            if term in self.uses and term.op == "gradient" and term not in found.values():
                found[i] = term
        return found

    def _order(self, item):
        i, _ = item
        return -self.backward.place[i], i not in self.backward.wrt, -i

    def _write(self, term, node=None):
        """Write the line that a named term is computed in, after those it needs."""
        if term in self.written:
            return
        self.written.add(term)
        if term.op == "upstream" or (term.op == "value" and not self._computed(term)):
            return
        for part in self.parts(term):
            self._prepare(part)
        if term.op == "value":
            node = term.data
        name = self.names[term]
        text = self._short(term, name)
        self._say(self._comments(term, node), node)
        aside = self._aside(term, node)
        self._append(name, text, node, aside)
        self.lines += [Line(line, node) for line in self.python.writes(term, name)]
        self.formulas.append(term)

    def _short(self, term, name):
        """What a term is, parts of it on lines of their own where it would not fit one."""
        while len(statement(name, text := self.python.definition(term)[0])) == len(FMT_OFF) + 1:
            parts = {part: None for part in self._inside(term) if part.op in COMPOSITE}
            order = [(p.op not in ("sum", "method"), len(self.python.text(p))) for p in parts]
            parts = [part for _, part in sorted(zip(order, parts, strict=True), key=_first)]
            if not parts:
                break
            over = len(name) + 3 + len(text) + 4 - WIDTH
            fits = (part for part in parts if len(self.python.text(part)) > over + 10)
            part = next(fits, parts[-1])
            self.names[part] = self.taken.new(self._part_word(part))
            self._write(part, term.data if term.op == "gradient" else None)
        return text

    def _inside(self, term):
        """The unnamed parts that a named term's line is made of, as far as they are terms."""
        for part in self.parts(term):
            if part not in self.names and part not in self._bases():
                yield from [part] if term.op not in ("gradient", "value") else []
                yield from self._inside(part)

    def _computed(self, term):
        return bool(self.graph.nodes[term.data].inputs)

    def _prepare(self, term):
        """Write what an unnamed part needs, or a named one is."""
        if term in self.names:
            self._write(term)
            return
        if term.op == "product":
            _, factors, divisors = self.terms.split(term)
            for side in (factors, divisors):
                if group := tuple(t for t in side if t.op == "length"):
                    self._write_length(group)
        for part in self.parts(term):
            self._prepare(part)

    def _write_length(self, group):
        if group in self.written:
            return
        self.written.add(group)
        for term in group:
            self._prepare(self.terms.value(term.data[0]))
        name, text = self.lengths[group], self._length_text(group)
        self._append(name, text, None)
        self.formulas.append(rf"{name} = \text{{{text}}}".replace("_", r"\_"))

    def _length_text(self, group):
        """How many entries the axes of a group have together."""
        lengths = sorted(term.data for term in group)
        for node, known in zip(self.graph.nodes, self.backward.proofs.lengths, strict=True):
            if node.op == "input" and len(known) > 1:
                same = [self.backward.proofs.length(length) for length in known]
                if sorted(same) == lengths:
                    return f"{node.name}.size"
        return " * ".join(self.python.definition(term)[0] for term in group)

    def _append(self, name, text, node, aside=""):
        lines = statement(name, text)
        if aside and len(lines) == 1 and len(lines[0]) + len(aside) + 8 <= WIDTH:
            lines = [f"{lines[0]}  # {aside}"]
        self.lines += [Line(line, node) for line in lines]

    def _returned(self, i, term):
        """The name under which a result is returned; a line for it where it has none yet."""
        node = self.graph.nodes[i]
        if term is None:
            name = self.taken.new(f"d{node.name}", f"d_{node.name}")
            self._say(self._notes(i) or [f"nothing comes back to {node.name}"], i)
            self._append(name, f"np.zeros_like({node.name})", i)
            return name
        return self.names[term]

    # --- Comments ---

    def _say(self, comments, node):
        for comment in comments:
            self.lines += [Line(f"# {line}", node) for line in wrapped(comment)]

    def _comments(self, term, node):
        """What is worth saying of a line: what was simplified, and what is not seen at once."""
        if term.op != "gradient":
            return []
        notes = []
        for i in self._members(term):
            notes += self._notes(i)
        uses = [e for e in self.backward.proofs.uses[node] if self._brings(e)]
        if len(uses) > 1 and self.terms.definitions[term].op == "total":
            how = {2: "twice"}.get(len(uses), f"{len(uses)} times")
            notes.append(f"{self._word(node)} is used {how}: add what comes back")
        return notes

    def _aside(self, term, node):
        """A word beside a line: why something is summed, or divided by a number of entries."""
        if term.op != "gradient" or node is None:
            return ""
        for target, _ in self.backward.proofs.uses[node]:
            there, here = self.graph.nodes[target], self.graph.nodes[node]
            if self.backward.gradients[target] is None:
                continue
            if node in self.results and OPS[there.op].kind == "entrywise":
                axes = stretched(here.shape, there.shape)
                if axes and here.shape:
                    return f"{here.name} is shared {along(axes)}"
                if axes:
                    return f"{here.name} is one number for all entries"
        return ""

    def latex(self):
        """The lines that compute something as formulas."""
        symbols = {}
        for term, name in self.names.items():
            if term.op in ("gradient", "upstream") and name.startswith("d"):
                symbols[term] = "d" + symbol(name[1:].lstrip("_"))
            else:
                symbols[term] = symbol(name)
        latex = Latex(self.terms, symbols, self.lengths)
        return [
            f"{symbols[made]} = {latex.definition(made)[0]}" if isinstance(made, Term) else made
            for made in self.formulas
        ]

    def _members(self, term):
        gradients = self.backward.gradients
        return [i for i, known in enumerate(gradients) if known is term]

    def _brings(self, edge):
        backward = self.backward
        return edge not in backward.cut and backward.gradients[edge.target] is not None

    def _word(self, i):
        """How a comment calls a node."""
        known = self.names.get(self.terms.value(i))
        return self.graph.nodes[i].name or known or node_word(self.backward.proofs, i)

    def _notes(self, i):
        """What was simplified in the gradient of node i, each said once."""
        texts = []
        for note in self.backward.notes[i]:
            text = getattr(self, f"_say_{note[0]}")(*note[1:])
            if text and text not in self.said:
                self.said.add(text)
                texts.append(text)
        return texts

    def _say_zero(self, kind, term, node, axes):
        word, text = self._word(node), self.python.text(abs_term(self.terms, term))
        if kind == "value":
            why = "" if text == word else f", as {word} does"
        elif kind == "share":
            why = f", since a multiple of {word} has the same shares"
        else:
            why = f", since {word} is centred: moving it as a whole changes nothing"
        return f"{text} sums to 0 {along(axes)}{why}; left out"

    def _say_factor(self, terms, axes):
        names = [self.names[term] for term in terms if term in self.names]
        if not names or len(names) < len(terms):
            return ""
        what = " and ".join(names)
        be, them = ("is", "it") if len(names) == 1 else ("are", "them")
        return f"{what} {be} the same {along(axes)}: take {them} out of the sum"

    def _say_compact(self, norm):
        return norm.comment(self._word)

    def _say_cuts(self, place):
        """Say what was cut on the way from the nodes after ``place`` back to it."""
        for edge in sorted(self.backward.cut, reverse=True):
            source = self.backward.source(edge)
            if edge.target < place or edge in self.said or not self.backward.matters(edge):
                continue
            self.said.add(edge)
            text = f"cut: from {self._word(edge.target)} nothing goes back to {self._word(source)}"
            self._say([text], edge.target)


def _first(pair):
    return pair[0]


def abs_term(terms, term):
    """A term without its sign."""
    coefficient, factors, divisors = terms.split(term)
    return terms.product(abs(coefficient), factors, divisors)


def stretched(shape, full):
    """The axes of ``full`` along which an array of ``shape`` is used again and again."""
    lead = len(full) - len(shape)
    return [i for i, n in enumerate(full) if n != 1 and (i < lead or shape[i - lead] == 1)]


def along(axes):
    """Axes in words."""
    if len(axes) == 1:
        return f"along axis {axes[0]}"
    return f"along axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"


def wrapped(text):
    """A comment's lines, without their sign."""
    return textwrap.wrap(text, WIDTH - 6, break_long_words=False)


def statement(name, text):
    """``name = text`` as ruff breaks it, for a body indented by 4."""
    line = f"{name} = {text}"
    if len(line) + 4 <= WIDTH:
        return [line]
    if len(text) + 8 <= WIDTH and splits(text):
        return [f"{name} = (", f"    {text}", ")"]
    return [FMT_OFF[0], line, FMT_OFF[1]]


def splits(text):
    """Whether an operator is outside every bracket, where ruff may break."""
    while (flat := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text)) != text:
        text = flat
    return bool(re.search(r" [-+*/@] ", text))
