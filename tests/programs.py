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
from batchnorm.graph.ops.shapes import key_of
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
T = RNG.normal(size=(4, 2, 3))


def written(x, z):
    y = x * 2
    y[1] = z[0] * x[2]
    y[:, 0] += z[:, 1]
    y[[0, 2, 0], 1] = z[0, 0]
    y *= x
    return y


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
    (lambda x, z: np.minimum(x, z) + np.abs(x) * np.minimum(z, 0.3), {"x": A, "z": B - 4}),
    (lambda x, z: np.power(x, z) + 2.0**z, {"x": B, "z": A}),
    (lambda x: np.sin(x) * np.cos(x) + np.log1p(x * x) - np.expm1(x), {"x": A}),
    (lambda x: x.min(axis=0) + np.min(x, axis=(0, 1), keepdims=True), {"x": A}),
    (lambda x, z: np.where(x > z, x * z, z) + (x <= z) * x, {"x": A, "z": B - 4}),
    (lambda x, z: (x >= 0) * z - (x < z) * x + (x == z) + (x != z) * z, {"x": A, "z": A + 1}),
    (lambda x: np.reshape(x, (2, -1)) @ x, {"x": A}),
    (lambda x: x.reshape(1, 3, 2).transpose(2, 0, 1) * [[[1.0, 2.0, 3.0]]], {"x": A}),
    (lambda x: np.swapaxes(x[None], 0, 2) + x.T[:, :, None], {"x": A}),
    (lambda x: x[0] + x[-1, 1] - x[1:, ::-1].sum(0) + x[..., 0].mean(), {"x": A}),
    (lambda x: x[[0, 0, 2]] + x[[1, 2, 0], [0, 1, 1]][:, None], {"x": A}),
    (lambda x: x[None, [0, 2], :, None][0, :, [1, 0, 1], 0], {"x": A}),
    (lambda x, z: np.concatenate([x, 2 * z, x[:1]]) + np.stack([z[0]] * 7), {"x": A, "z": B}),
    (lambda x, z: np.concatenate([x, z], axis=-1), {"x": A, "z": B}),
    (lambda x, z: x + np.broadcast_to(z, (3, 2)), {"x": A, "z": W}),
    (lambda x, z: x @ z, {"x": T, "z": A}),
    (lambda x, z: x @ z, {"x": W, "z": T}),
    (lambda x, z: x @ z, {"x": T[None], "z": np.stack([T, -T])[:, :1].swapaxes(2, 3)}),
    (lambda x, z: x @ z, {"x": T, "z": V}),
    (written, {"x": A, "z": B}),
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
    if op in STEPS:
        return STEPS[op](ns, *arguments, **params)
    return getattr(ns, op)(*arguments, **params)


def write(ns, a, v, key):
    """A copy with v written into it; autograd cannot write: it picks from both."""
    if ns is np:
        y = a * 1.0
        y[key] = v
        return y
    return picked_from_both(a, v, key)


def picked_from_both(a, v, key):
    places = np.arange(np.size(a)).reshape(np.shape(a))
    v = v + np.zeros(np.shape(places[key]))
    places[key] = np.size(a) + np.arange(np.size(v)).reshape(np.shape(v))
    return anp.concatenate([anp.ravel(a), anp.ravel(v)])[places]


def whole(ns, condition, *choices):
    """Autograd's where does not undo a broadcast: there it is made before."""
    if ns is np:
        return condition, *choices
    shape = np.broadcast_shapes(*map(np.shape, (condition, *choices)))
    return condition, *(c + np.zeros(shape) for c in choices)


def picked(ns, a, key):
    """Autograd does not take an index of a number."""
    return a[key] if ns is np or np.ndim(a) else anp.reshape(a, np.shape(np.zeros(())[key]))


STEPS = {
    "choose": lambda ns, a, b, c, d: ns.where(*(whole(ns, a > b, c, d))),
    "mask": lambda ns, a, b: (a <= b) * b,
    "pick": lambda ns, a, key: picked(ns, a, key),
    "join": lambda ns, *parts, axis: ns.concatenate(parts, axis=axis),
    "write": write,
}
"""What random programs do in more than one call, with NumPy and with autograd's."""


def fits(a, b):
    """Whether shapes broadcast."""
    return all(1 in (p, q) or p == q for p, q in zip(a[::-1], b[::-1], strict=False))


def broadcasts_into(shape, into):
    """Whether an array of that shape broadcasts to exactly the other."""
    return fits(shape, into) and np.broadcast_shapes(shape, into) == into


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
        if op in ("max", "min") and not program.values[i].size:
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

    def places():
        """Picks, writes, joins or reshapes."""
        i = pick()
        value = program.values[i]
        if not value.ndim:
            return program.add("pick", i, (None,))
        kind = draw(st.sampled_from(["pick", "pick", "write", "join", "reshape", "transpose"]))
        if kind == "transpose":
            order = draw(st.permutations(range(value.ndim)))
            return program.add("transpose", i, axes=tuple(order))
        if kind == "reshape":
            return program.add(
                "reshape", i, draw(st.sampled_from([(-1,), (1, -1), value.shape[::-1]]))
            )
        if kind == "join":
            axis = draw(st.integers(0, value.ndim - 1))
            return program.add("join", i, i, array(value.shape), axis=axis - value.ndim)
        key = tuple(index(n) for n in value.shape[: draw(st.integers(0, value.ndim))])
        dots = (..., *key[1:]) if len(key) == value.ndim else (*key, ...)  # each for its own axis
        key = draw(st.sampled_from([key, dots, (None, *key) if kind == "pick" else key]))
        if kind == "pick":
            return program.add("pick", i, key)
        into = value[key].shape
        fitting = [j for j, v in enumerate(program.values) if broadcasts_into(v.shape, into)]
        return program.add("write", i, draw(st.sampled_from([*fitting, 0.5])), key)

    def index(n):
        whole = draw(st.sampled_from([slice(None), slice(None, None, -1), slice(1, None, 2)]))
        if not n:
            return whole
        one = draw(st.integers(-n, n - 1))
        several = np.array(draw(st.lists(st.integers(-n, n - 1), min_size=2, max_size=2)))
        return draw(st.sampled_from([one, several, whole, slice(one, None)]))

    def chosen(op):
        frame = program.values[pick()].shape
        fitting = [j for j, v in enumerate(program.values) if broadcasts_into(v.shape, frame)]
        count = 4 if op == "choose" else 2
        return program.add(op, *(draw(st.sampled_from(fitting)) for _ in range(count)))

    def exponent():
        i = positive(pick())
        shape = program.values[i].shape
        fitting = [j for j, v in enumerate(program.values) if fits(shape, v.shape)]
        return program.add("power", i, program.add("tanh", draw(st.sampled_from(fitting))))

    new = {
        "sin": lambda i: program.add("sin", i),
        "cos": lambda i: program.add("cos", i),
        "absolute": lambda i: program.add("absolute", i),
        "log1p": lambda i: program.add("log1p", program.add("square", i)),
        "expm1": lambda i: program.add("expm1", program.add("tanh", i)),
    }
    extra = {"places": places, "exponent": exponent}
    extra |= {"choose": lambda: chosen("choose"), "mask": lambda: chosen("mask")}
    unary |= new
    two = ("add", "subtract", "multiply", "divide", "maximum", "minimum")
    kinds = [*two, *unary, *["power", "sum", "mean", "matmul"] * 2, "max"]
    kinds += ["min", *extra, *["places"] * 6]
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([*kinds, "transpose"]))
        if kind in two:
            i = binary(kind)
        elif kind in unary:
            i = unary[kind](pick())
        elif kind in ("sum", "mean", "max", "min"):
            i = reduction(kind)
        else:
            named = {"power": power, "matmul": matmul, "transpose": transpose}
            i = (named | extra)[kind]()
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
                values.append(node_by_autograd(node, arguments))
        return tuple(values[i] for i in graph.outputs)

    return function


def node_by_autograd(node, arguments):
    """One operation of a graph, in autograd's NumPy."""
    a, *more = arguments
    if node.op in COMPARISONS:
        return getattr(np, node.op)(getval(a), getval(*more)) * 1.0
    if node.op == "where":
        return anp.where(*whole(anp, getval(a) != 0, *more))
    if node.op in ("reshape", "broadcast_to"):
        return getattr(anp, node.op)(a, node.params["to"])
    if node.op == "getitem":
        return picked(anp, a, key_of(node.params["index"], map(getval, more)))
    if node.op == "setitem":
        return picked_from_both(a, more[0], key_of(node.params["index"], map(getval, more[1:])))
    if node.op == "concatenate":
        return anp.concatenate(arguments, **node.params)
    return getattr(anp, node.op)(*arguments, **node.params)


COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")


def assert_same(name, got, want, scale=0.0):
    """Shapes first, then values: to 1e-9 of the largest, or 1e-13 of ``scale``, if that is more."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{name}: got shape {got.shape}, want {want.shape}"
    finite = np.isfinite(want)
    allowed = max(1e-9 * np.abs(want[finite]).max(initial=0), 1e-13 * max(scale, 1))
    np.testing.assert_allclose(got, want, rtol=0, atol=allowed, err_msg=name)
