"""What the page's Python says of names while they are typed: never by running the reader's code."""

import json
import subprocess
import sys

import pytest

import batchnorm as bn
from _ext.host.python.page.lookup import MOST, ROWS, complete, describe, keywords, table

# What a reader may have written: it counts whatever of it runs
READER = """
import functools

import numpy as np

import batchnorm as bn


runs = []


def touched(*_, **__):
    runs.append(1)
    raise RuntimeError("the reader's code was run")


class Meta(type):
    "A metaclass that answers for its classes."

    __eq__ = __hash__ = __instancecheck__ = __subclasscheck__ = __getattr__ = __dir__ = touched
    __repr__ = touched


class Touchy(metaclass=Meta):
    '''A class whose objects must not be touched.

    More of it.
    '''

    __slots__ = ("__dict__", "empty", "slot")
    __getattr__ = __getattribute__ = __dir__ = __repr__ = __eq__ = __hash__ = __bool__ = touched
    __len__ = __iter__ = __call__ = __array__ = __str__ = touched
    __class__ = property(touched)
    lazy = functools.cached_property(touched)
    width = property(touched, doc="How wide it is.")

    def __init__(self, size, start=0.5, *, by=np.arange(3)):
        object.__setattr__(self, "slot", np.ones(4))
        object.__setattr__(self, "held", np.ones((2, 3)))

    @classmethod
    def made(cls, size):
        "Makes one."

    @staticmethod
    def free(size):
        "Of no object."

    def method(self, x, *rest, key=None, **others):
        "Does something."


class Descriptor:
    "A docstring that computes."

    __get__ = touched


@functools.wraps(Touchy.method)
def decorated(*args):
    touched()


def own(x, gamma=1.0, other=Touchy(3)):
    '''Normalise x.

    And more.
    '''


def speaking():
    pass


speaking.__signature__ = touched
speaking.__doc__ = Descriptor()
list_of = type("Listed", (list,), {"__class__": property(touched)})

touchy, append, add = Touchy(3), list_of().append, functools.partial(own, 1)
x, generator, n, _hidden = np.ones((3, 4)), np.random.default_rng(0), 3, 1
globals()[3] = "no name"
"""
NAMES = {}
exec(READER, NAMES)


@pytest.fixture(autouse=True)
def nothing_runs():
    NAMES["runs"].clear()
    yield
    assert NAMES["runs"] == []


def offered(path, **options):
    return {name: what for name, what in complete(NAMES, path, **options)}


def test_names_of_cells_of_modules_and_of_python():
    names = offered("")
    assert names["x"] == "array (3, 4)"
    assert (names["own"], names["n"], names["np"]) == ("function", "int", "module")
    assert (names["len"], names["for"]) == ("function", "keyword")
    assert "_hidden" not in names
    assert offered("", hidden=True)["_hidden"] == "int"
    assert offered("np.linalg")["norm"] == "function"
    assert offered("np")["add"] == "function"
    assert set(offered("bn")) == set(bn.__all__)
    assert "normal" in offered("generator")
    assert offered("x.T")["mean"] == "function"
    assert complete({}, "np")  # before the first cell has imported it
    for unknown in ("nowhere", "np.nowhere", "np.nowhere.more", "n.real.more", "x.mT.more.more"):
        assert complete(NAMES, unknown) == []
    assert len(complete({f"a{i}": i for i in range(10_000)}, "")) == MOST


@pytest.mark.parametrize(
    ("path", "given", "some"),
    [
        ("np.linspace", 2, {"num=": "50", "endpoint=": "True", "device=": "None"}),
        ("np.array", 1, {"dtype=": "None", "copy=": "True"}),
        ("np.add", 2, {"out=": "None", "where=": "True"}),
        ("bn.forward", 1, {"gamma=": "", "beta=": ""}),
        ("bn.BatchFigure", 2, {"steps=": "0", "function=": "…"}),
        ("own", 0, {"x=": "", "gamma=": "1.0", "other=": "…"}),
        ("own", 1, {"gamma=": "1.0", "other=": "…"}),
        ("decorated", 2, {"key=": "None"}),
        ("generator.normal", 0, {"loc=": "0.0", "scale=": "1.0", "size=": "None"}),
        ("x.mean", 0, {"axis=": "None"}),
        ("len", 0, {}),
        ("x", 0, {}),
        ("nowhere.more", 0, {}),
        ("touchy.width", 0, {}),
        ("append", 0, {}),
    ],
)
def test_what_a_call_may_give_by_name(path, given, some):
    found = dict(keywords(NAMES, path, given))
    assert found.items() >= some.items()
    assert bool(found) == bool(some)
    assert not (given and "x=" in found)


def test_none_of_the_reader_s_code_runs():
    assert offered("touchy") == {
        "empty": "property",
        "free": "function",
        "held": "array (2, 3)",
        "lazy": "property",
        "made": "function",
        "method": "function",
        "slot": "property",
        "width": "property",
    }
    assert "mean" in offered("touchy.held")
    assert "mean" in offered("touchy.slot")
    for computed in ("touchy.width", "touchy.lazy", "touchy.empty", "Touchy.width", "x.nbytes"):
        assert offered(computed) == {}
    for name in ("touchy", "Touchy", "own", "speaking", "decorated", "append", "add"):
        assert offered(name, hidden=True)
        assert describe(NAMES, name)
    json.dumps(complete(NAMES, "touchy", hidden=True))


@pytest.mark.parametrize(
    ("path", "title", "first"),
    [
        (
            "np.mean",
            "mean(a, axis=None, dtype=None, out=None, ",
            "Compute the arithmetic mean along",
        ),
        ("np.add", "add(x1, x2, /, out=None, *, where=True, ", "Add arguments element-wise."),
        ("np.array", "array(object, dtype=None, *, copy=True, ", "Create an array."),
        (
            "np.linalg.norm",
            "norm(x, ord=None, axis=None, keepdims=False)",
            "Matrix or vector norm.",
        ),
        ("np.float64", "float64(", "Double-precision floating-point number type"),
        ("x", "x: array (3, 4)", ""),
        ("x.mean", "mean(axis=None, dtype=None, out=None", "Returns the average of the array"),
        ("generator.normal", "normal(loc=0.0, scale=1.0, size=None)", "Draw random samples from"),
        ("bn.backward", "backward(dy, cache, *, out=None)", "The gradients of x, gamma and beta."),
        ("bn.BatchFigure", "BatchFigure(x, dy, *, function=…, ", "A batch of one feature"),
        ("len", "len(obj, /)", "Return the number of items in a container."),
        ("own", "own(x, gamma=1.0, other=…)", "Normalise x."),
        ("decorated", "decorated(self, x, *rest, key=None, **others)", "Does something."),
        ("speaking", "speaking()", ""),
        ("append", "append", "Append object to the end of the list."),
        (
            "Touchy",
            "Touchy(size, start=0.5, *, by=…)",
            "A class whose objects must not be touched.",
        ),
        ("touchy", "touchy: Touchy", "A class whose objects must not be touched."),
        ("touchy.method", "method(x, *rest, key=None, **others)", "Does something."),
        ("touchy.made", "made(size)", "Makes one."),
        ("touchy.free", "free(size)", "Of no object."),
        ("touchy.width", "width: property", "How wide it is."),
        ("n", "n: int", ""),
    ],
)
def test_a_signature_and_the_first_paragraph(path, title, first):
    found = describe(NAMES, path)
    assert found["title"].startswith(title)
    assert found["first"].startswith(first)
    assert bool(first) == bool(found["first"])
    assert " ".join(found["text"].split()).startswith(found["first"])


def test_what_is_not_known_and_what_is_endless():
    assert describe(NAMES, "for") is None
    assert describe(NAMES, "np.nowhere") is None

    def long():
        pass

    long.__doc__ = "word " * 1_000_000
    found = describe({"long": long}, "long")
    assert len(json.dumps(found)) < 10_000
    long.__wrapped__ = long  # a ring
    assert describe({"long": long}, "long")["title"] == "long()"


VALUES = """
import numpy as np

_hidden, half = 1, 0.5
mean, count, big = np.float64(1 / 3), np.int64(7), 10**5000
names, empty, pair = ["a", "b"], [], (1, None)
word, long, many = "one\\ntwo", "x" * 10**6, list(range(10**5))
nested, held = [[1], [2]], {"a": 1}
x, wide = np.array([[1.5, np.nan], [np.inf, -2.0]]), np.zeros((1000, 1000), np.float32)
scalar, mixed, none = np.array(3), np.array([half, None]), np.zeros((0, 3), bool)
"""
ROWS_OF_VALUES = {
    "half": ["float", "", "", "0.5"],
    "mean": ["float64", "", "", "0.333333"],
    "count": ["int64", "", "", "7"],
    "big": ["int", "", "", "a number of 16610 bits"],
    "names": ["list", "", "", "['a', 'b']"],
    "empty": ["list", "", "", "[]"],
    "pair": ["tuple", "", "", "(1, None)"],
    "word": ["str", "", "", "'one\\ntwo'"],
    "long": ["str", "", "", f"'{'x' * 58}…"],
    "many": ["list", "", "", "[0, 1, 2, 3, 4, …]"],
    "nested": ["list", "", "", "2 items"],
    "held": ["dict", "", "", "1 item"],
    "x": ["array", "(2, 2)", "float64", "[1.5, nan, inf, -2]"],
    "wide": ["array", "(1000, 1000)", "float32", "[0, 0, 0, 0, 0, …]"],
    "scalar": ["array", "()", "int64", "[3]"],
    "mixed": ["array", "(2,)", "object", ""],
    "none": ["array", "(0, 3)", "bool", "[]"],
}


def test_the_table_has_shapes_and_short_values():
    names = {}
    exec(VALUES, names)
    assert table(names) == {"rows": [[k, *v] for k, v in ROWS_OF_VALUES.items()], "more": 0}


def test_the_table_touches_nothing_of_the_reader_s():
    kinds = {name: (kind, value) for name, kind, _, _, value in table(NAMES)["rows"]}
    assert kinds["touchy"] == ("Touchy", "")
    assert kinds["Touchy"] == ("class", "")
    assert kinds["own"] == ("function", "")
    assert not {"np", "bn", "_hidden", "display"} & set(kinds)
    held = [NAMES["touchy"]] * 3
    assert table({"held": held})["rows"] == [["held", "list", "", "", "3 items"]]
    found = table({f"n{i}": i for i in range(5000)})
    assert (len(found["rows"]), found["more"]) == (ROWS, 5000 - ROWS)
    assert found["rows"][-1] == ["n4999", "int", "", "", "4999"]


ASKED = """
import json, sys
sys.path.insert(0, sys.argv[1])
out = sys.stdout
from page import session
session.start(lambda text, buffers=None: None, [])
session.run("def mine(x): 'My own.'", "cell 1", 1)
print(session.look("describe", json.dumps({"path": "mine"})), file=out)
"""


def test_the_session_looks_into_the_names_that_cells_share():
    folder = "_ext/host/python"
    done = subprocess.run([sys.executable, "-c", ASKED, folder], capture_output=True, text=True)
    assert done.stderr == ""
    found = {"title": "mine(x)", "first": "My own.", "text": "My own."}
    assert json.loads(done.stdout) == {"value": found}
