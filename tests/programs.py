"""What the tests of the graph and of the page's interpreter differentiate: the book's functions
and random programs, and the gradient of either by HIPS autograd, with edges cut.
"""

import warnings
from contextlib import contextmanager

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.tracer import getval
from hypothesis import strategies as st

from batchnorm.graph import Edge, trace
from batchnorm.reference import batch_norm

# --- The book's functions -------------------------------------------------------------------


def centre(x):
    mu = x.mean(axis=0)
    y = x - mu
    return y


def centre_with_bias(x, b):
    u = x + b
    mu = u.mean()
    y = u - mu
    return y


def normalise_by_raw_moment(x, eps=1e-5):
    mu = x.mean(axis=0)
    raw = (x**2).mean(axis=0)
    var = raw - mu**2
    y = (x - mu) / np.sqrt(var + eps)
    return y


def net(x, t, w1, gamma1, beta1, w2, gamma2, beta2, w3):
    h1 = np.maximum(batch_norm(x @ w1, gamma1, beta1), 0)
    h2 = np.maximum(batch_norm(h1 @ w2, gamma2, beta2), 0)
    y = h2 @ w3
    loss = np.mean((y - t) ** 2)
    return loss


def net_inputs(rng, m=8, width=4):
    def vector():
        return rng.normal(1, 0.3, width)

    return {
        "x": rng.normal(size=(m, 2)),
        "t": rng.normal(size=(m, 1)),
        "w1": rng.normal(size=(2, width)),
        "gamma1": vector(),
        "beta1": vector(),
        "w2": rng.normal(size=(width, width)),
        "gamma2": vector(),
        "beta2": vector(),
        "w3": rng.normal(size=(width, 1)),
    }


def book():
    """name -> (function, inputs): every function the book traces, on random inputs."""
    rng = np.random.default_rng(7)
    gamma, beta = np.array([1.5, -0.7, 0.4]), np.array([0.3, 2.0, -1.0])
    return {
        "batch_norm (m,)": (
            batch_norm,
            {"x": rng.normal(2, 3, 5), "gamma": 1.7, "beta": -0.4, "eps": 1e-3},
        ),
        "batch_norm (m, d)": (
            batch_norm,
            {"x": rng.normal(2, 3, (6, 3)), "gamma": gamma, "beta": beta},
        ),
        "two samples": (batch_norm, {"x": np.array([1.0, 3.5]), "gamma": 2.0, "beta": 0.5}),
        "centre": (centre, {"x": rng.normal(size=4)}),
        "centre_with_bias": (centre_with_bias, {"x": rng.normal(size=4), "b": 0.8}),
        "E[x²] − mu²": (normalise_by_raw_moment, {"x": rng.normal(1, 2, (6, 3))}),
        "net": (net, net_inputs(rng)),
    }


# --- One program an operation ---------------------------------------------------------------

RNG = np.random.default_rng(3)
A, B = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)) + 4
V, W = RNG.normal(size=3), RNG.normal(size=2)
OPERATIONS = [
    (lambda x, z: x + 2.5 - z, {"x": A, "z": B}),
    (lambda x: 2.5 - x, {"x": A}),
    (lambda x: 3 / x, {"x": B}),
    (lambda x: x / 3, {"x": B}),
    (lambda x: -x * [2.0, 3.0], {"x": A}),
    (lambda x: np.array([[2.0], [3.0], [5.0]]) * x, {"x": W}),
    (lambda x: np.float64(2) ** 2 * x, {"x": A}),
    (lambda x: x**3 + x**1 + x**0, {"x": A}),
    (lambda x: x**-1 + x**0.5 + x**-2.5, {"x": B}),
    (lambda x: x ** np.array([0, 1]), {"x": A}),
    (lambda x: x ** np.array([[0.0], [-1.0], [2.5]]), {"x": W**2}),
    (lambda x: x**-1, {"x": 3}),
    (lambda x, z: x * z, {"x": 3, "z": np.array([1, 2])}),
    (lambda x: x * x + x, {"x": A}),
    (lambda x, z: np.maximum(x, z) + np.maximum(0.1, x), {"x": A, "z": B - 4}),
    (lambda x: x.mean(0), {"x": A}),
    (lambda x: x.mean(), {"x": A}),
    (lambda x: np.mean(x, axis=-1) + np.sum(x, -1), {"x": A}),
    (lambda x: x - np.mean(x, axis=1, keepdims=True), {"x": A}),
    (lambda x: x.sum(axis=(0, -1), keepdims=True) * x, {"x": A}),
    (lambda x: np.sum(a=x, axis=()) * x, {"x": A}),
    (lambda x: x.sum(), {"x": 2.0}),
    (lambda x: x.max(axis=0) - np.max(x, -1, keepdims=True), {"x": A}),
    (lambda x: np.max(x * x, axis=(0, 1)) * x.max(), {"x": A}),
    (lambda x: np.max(x, axis=()) + x.max(axis=1, keepdims=True), {"x": np.round(A)}),
    (lambda x: x.max(), {"x": 2.0}),
    (lambda x, z: x @ z, {"x": A, "z": W}),
    (lambda x, z: x @ z, {"x": V, "z": A}),
    (lambda x, z: x @ z, {"x": V, "z": V + 1}),
    (lambda x, z: x.T @ z, {"x": A, "z": B}),
    (lambda x, z: np.matmul(x, z.transpose()), {"x": A, "z": B}),
    (lambda x: np.transpose(x) @ np.ones((3, 1)), {"x": A}),
    (lambda x: np.ones((1, 3)) @ x, {"x": A}),
    (lambda x: np.tanh(np.exp(x)) + np.log(np.sqrt(x)) + np.square(x), {"x": B}),
    (lambda x, unused: x * 2, {"x": A, "unused": B}),
    (lambda x: x * np.ones((0, 3)), {"x": V}),
]
"""(function, inputs): operators, methods and functions, on either side, in every shape."""


# --- Random programs ------------------------------------------------------------------------


@contextmanager
def quiet():
    """Without the warnings of empty means, and of outputs that every path to is cut."""
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.filterwarnings("ignore", "Mean of empty slice")
        warnings.filterwarnings("ignore", "Output seems independent of input")
        yield


class Program:
    """Steps ``(operation, arguments, parameters)``; an int among the arguments is an earlier value.

    ``program(np, **inputs)`` runs it with NumPy, ``program(anp, **inputs)`` with autograd's.
    """

    def __init__(self, inputs):
        self.inputs, self.steps = inputs, []
        self.values, self.outputs = list(inputs.values()), ()

    def __call__(self, ns, **inputs):
        values = list(inputs.values())
        for op, arguments, params in self.steps:
            values.append(apply(ns, op, arguments, values, params))
        return tuple(values[i] for i in self.outputs)

    def add(self, op, *arguments, **params):
        self.steps.append((op, arguments, params))
        self.values.append(apply(np, op, arguments, self.values, params))
        return len(self.values) - 1

    def __repr__(self):
        shapes = {name: np.shape(value) for name, value in self.inputs.items()}
        return f"Program({shapes}, {self.steps}, outputs {self.outputs})"


def apply(ns, op, arguments, values, params):
    arguments = [values[a] if isinstance(a, int) else a for a in arguments]
    return getattr(ns, op)(*arguments, **params)


def fits(a, b):
    """Whether shapes broadcast."""
    return all(1 in (p, q) or p == q for p, q in zip(a[::-1], b[::-1], strict=False))


@st.composite
def programs(draw, sizes=(1, 1, 2, 3, 4)):
    """A `Program` of one to three inputs and up to eight drawn steps, its values kept tame."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def array(shape):
        return rng.integers(-4, 5, shape) / 2  # coarse, so that maxima tie

    def narrowed(shape):
        """A shape that broadcasts to ``shape``."""
        kept = shape[draw(st.integers(0, len(shape))) :]
        return tuple(n if draw(st.booleans()) else 1 for n in kept)

    ndim = draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))
    frame = tuple(draw(st.sampled_from(sizes)) for _ in range(ndim))
    shapes = [frame] + [narrowed(frame) for _ in range(draw(st.integers(0, 2)))]
    program = Program({f"x{i}": array(shape) for i, shape in enumerate(shapes)})

    def pick():
        return draw(st.integers(0, len(program.values) - 1))

    def positive(i):
        return program.add("add", program.add("square", i), 0.5)

    def binary(op):
        i = pick()
        shape = program.values[i].shape
        fitting = [j for j, value in enumerate(program.values) if fits(shape, value.shape)]
        other = draw(st.sampled_from([*fitting, "number", "array"]))
        if other == "number":
            other = draw(st.sampled_from([-1.5, 0.0, 0.5, 2.0]))
        elif other == "array":
            other = array(narrowed(shape))
        pair = [i, other]
        if draw(st.booleans()) and op != "divide":
            pair.reverse()
        elif op == "divide":
            pair[1] = positive(other) if isinstance(other, int) else np.abs(other) + 0.5
        return program.add(op, *pair)

    def power():
        if draw(st.booleans()):  # whole exponents from 0 up, on any base
            i, exponents = pick(), [0.0, 1.0, 2.0, 3.0]
        else:
            i, exponents = positive(pick()), [-2.0, -0.5, 0.0, 0.5, 1.0, 1.5]
        if draw(st.booleans()):
            return program.add("power", i, draw(st.sampled_from(exponents)))
        shape = narrowed(program.values[i].shape)
        return program.add("power", i, rng.choice(exponents, shape))

    def reduction(op):
        i = pick()
        ndim = program.values[i].ndim
        axes = st.lists(st.integers(0, ndim - 1), unique=True) if ndim else st.just([])
        axis = tuple(a - ndim * draw(st.booleans()) for a in draw(axes))
        axis = draw(st.sampled_from([None, axis, *axis[:1]]))
        if op == "max" and not program.values[i].size:
            op = "sum"  # nothing has no largest
        return program.add(op, i, axis=axis, keepdims=draw(st.booleans()))

    def matmul():
        flat = [i for i, value in enumerate(program.values) if 1 <= value.ndim <= 2]
        if not flat:
            return transpose()
        i = draw(st.sampled_from(flat))
        shape = program.values[i].shape
        on_left = draw(st.booleans())
        inner = shape[-1] if on_left else shape[0]
        fitting = [j for j in flat if program.values[j].shape[0 if on_left else -1] == inner]
        n = draw(st.sampled_from([0, *sizes]))  # 0: a vector
        matrix = ((inner, n) if on_left else (n, inner)) if n else (inner,)
        other = draw(st.sampled_from([*fitting, "array"]))
        other = array(matrix) if other == "array" else other
        return program.add("matmul", *((i, other) if on_left else (other, i)))

    def transpose():
        flat = [i for i, value in enumerate(program.values) if value.ndim <= 2]
        if not flat:
            return program.add("negative", pick())
        return program.add("transpose", draw(st.sampled_from(flat)))

    unary = {
        "negative": lambda i: program.add("negative", i),
        "square": lambda i: program.add("square", i),
        "tanh": lambda i: program.add("tanh", i),
        "exp": lambda i: program.add("exp", program.add("tanh", i)),
        "sqrt": lambda i: program.add("sqrt", positive(i)),
        "log": lambda i: program.add("log", positive(i)),
    }
    two = ("add", "subtract", "multiply", "divide", "maximum")
    kinds = [*two, *unary, *["power", "sum", "mean", "matmul"] * 2, "max"]
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([*kinds, "transpose"]))
        if kind in two:
            i = binary(kind)
        elif kind in unary:
            i = unary[kind](pick())
        elif kind in ("sum", "mean", "max"):
            i = reduction(kind)
        else:
            i = {"power": power, "matmul": matmul, "transpose": transpose}[kind]()
        if np.abs(program.values[i]).max(initial=0) > 10:
            program.add("tanh", program.add("multiply", i, 0.1))
    last = len(program.values) - 1
    program.outputs = tuple(sorted({last, draw(st.integers(len(shapes), last))}))
    return program


@st.composite
def traced(draw, sizes=(1, 1, 2, 3, 4)):
    """A random program, its graph, a random gradient at each output, and a set of cut edges."""
    with quiet():
        program = draw(programs(sizes))
        graph = trace(lambda **inputs: program(np, **inputs), **program.inputs)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dys = [rng.normal(size=graph.nodes[i].shape) for i in graph.outputs]
    cut = {edge for edge in graph.edges if draw(st.integers(0, 5)) == 0}
    return program, graph, dys, cut


# --- The oracle -----------------------------------------------------------------------------


def gradients_by_autograd(function, inputs, dys):
    """The gradients of ``sum(dy * output)`` of a function written with autograd's NumPy."""

    def loss(*arrays):
        outputs = function(**dict(zip(inputs, arrays, strict=True)))
        return sum(anp.sum(dy * output) for dy, output in zip(dys, outputs, strict=True))

    arrays = [np.asarray(value, float) for value in inputs.values()]
    with quiet():
        grads = autograd.grad(loss, tuple(range(len(arrays))))(*arrays)
    return dict(zip(inputs, grads, strict=True))


def with_cuts(graph, cut):
    """The graph as a function for autograd, that sees a constant at the end of every cut edge."""

    def function(**inputs):
        values = []
        for target, node in enumerate(graph.nodes):
            if node.op == "input":
                values.append(inputs[node.name])
            elif node.op == "constant":
                values.append(node.params["value"])
            else:
                arguments = [
                    getval(values[source]) if Edge(target, slot) in cut else values[source]
                    for slot, source in enumerate(node.inputs)
                ]
                values.append(getattr(anp, node.op)(*arguments, **node.params))
        return tuple(values[i] for i in graph.outputs)

    return function


def assert_same(name, got, want, scale=0.0):
    """Shapes first, then values: to 1e-9 of the largest, or 1e-13 of ``scale``, if that is more."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{name}: got shape {got.shape}, want {want.shape}"
    finite = np.isfinite(want)
    allowed = max(1e-9 * np.abs(want[finite]).max(initial=0), 1e-13 * max(scale, 1))
    np.testing.assert_allclose(got, want, rtol=0, atol=allowed, err_msg=name)
