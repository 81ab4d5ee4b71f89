"""Every public function with every kind of argument: right in a documented dtype, or refused.

`EXAMPLES` says for each name of `batchnorm.__all__` how it is called, with fresh arguments at each
call. A name that is missing fails a test. What is computed is compared with what the same numbers
give as plain float64; what is refused has to be a ValueError that begins with the argument's name.
"""

import copy
import inspect
import re
import reprlib
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import batchnorm as bn
import batchnorm.variance
from batchnorm import distributed
from batchnorm.check import GradientMismatch
from batchnorm.training import Data, Net

FIGURES = {name for name in bn.__all__ if name.endswith("Figure")}
# What these take goes to the reader's own functions as it is, bools and objects, too
AS_IT_IS = {"diagnose", "assert_gradient"}
# Their arguments are traits, which hold Python floats, not arrays
NO_ARRAYS = {*FIGURES, *AS_IT_IS, "controls", "exercises", "Edge", "Derivation"}
# Plain NumPy, to read and to trace: computed in the precision of what they are given
PLAIN = {
    *("batch_norm", "backward_staged", "backward_compact", "newton_schulz", "output_variance"),
    *("reparameterize", "batch_norm_loss", "least_squares_loss"),
    *("direction_loss", "direction_gradient", "distributed.moments"),
    "Graph.forward",
    *("variance.one_pass", "variance.two_pass", "variance.by_welford", "variance.merged"),
}


def cube(x):
    return x**3


def cube_backward(dy, x):
    return 3 * x**2 * dy


def batch(rng, m=6, d=3):
    """x, dy, gamma, beta: distinct numbers of some size, of which integers are a fair copy."""
    x = rng.permutation(m * d).reshape(m, d) * 1.0 + rng.normal(size=(m, d)) / 8
    gamma, beta = rng.uniform(1, 4, (2, d)) * rng.choice([-1, 1], (2, d))
    return x, 3 * rng.normal(size=(m, d)), gamma, beta


def layer(rng):
    x, _, gamma, beta = batch(rng)
    return dict(x=x, gamma=gamma, beta=beta, eps=0.5)


def to_read(rng):
    x, dy, gamma, _ = batch(rng)
    return dict(dy=dy, x_hat=(x - x.mean(axis=0)) / x.std(axis=0), gamma=gamma, s=x.std(axis=0))


def feature(rng):
    return dict(x=batch(rng, 5, 1)[0][:, 0], eps=0.5)


def weights(rng):
    x, _, gamma, beta = batch(rng, 8, 3)
    return dict(w=rng.permutation(3) - 4.0, x=x, gamma=gamma[0], beta=beta[0], eps=0.5)


def problem(rng):
    x, _, gamma, beta = batch(rng, 8, 3)
    t = 3 * rng.normal(size=8)
    return dict(w=rng.permutation(3) - 4.0, x=x, t=t, gamma=gamma[0], beta=beta[0], eps=0.5)


def quadratic(rng):
    S = np.diag([4.0, 2.0, 3.0]) + 1
    return dict(w=rng.permutation(3) - 4.0, S=S, c=rng.permutation(3) + 1.0)


def some(arguments, *names):
    return {name: arguments[name] for name in names}


def statistics(rng):
    return dict(mean=rng.normal(size=3) * 4, var=rng.uniform(1, 9, 3), momentum=0.25)


def covariances(rng):
    return dict(mean=rng.normal(size=3) * 4, cov=np.diag([4.0, 2.0, 3.0]) + 1, momentum=0.25)


class Alone:
    """A communicator of one."""

    rank = 0

    def Allreduce(self, given, into, op=None):
        np.copyto(into[0] if op else into, given[0] if op else given)


MODULES = {"distributed", "variance"}  # public, and no names of the package itself
EXAMPLES = {
    "distributed.forward": lambda rng: dict(layer(rng), comm=Alone()),
    "distributed.backward": lambda rng: dict(
        dy=batch(rng)[1], cache=distributed.forward(**layer(rng), comm=Alone())[1]
    ),
    "distributed.moments": lambda rng: some(layer(rng), "x"),
    **{
        f"variance.{name}": lambda rng: some(feature(rng), "x")
        for name in ("one_pass", "two_pass", "by_welford", "merged")
    },
    "RunningCovariance": covariances,
    "RunningCovariance.update": lambda rng: dict(
        self=bn.RunningCovariance(**covariances(rng)), mu=rng.normal(size=3) * 4, cov=np.eye(3), m=9
    ),
    "RunningStatistics": statistics,
    "RunningStatistics.update": lambda rng: dict(
        self=bn.RunningStatistics(**statistics(rng)), mu=rng.normal(size=3) * 4, var=np.ones(3), m=9
    ),
    "Graph": lambda rng: vars(bn.trace(bn.batch_norm, **layer(rng))),
    "Graph.forward": lambda rng: dict(self=bn.trace(bn.batch_norm, **layer(rng)), **layer(rng)),
    "backward": lambda rng: dict(dy=batch(rng)[1], cache=bn.forward(**layer(rng))[1]),
    "backward_compact": to_read,
    "backward_staged": to_read,
    "batch_norm": layer,
    "batch_norm_loss": problem,
    "compare": lambda rng: dict(name="dx", got=np.arange(3.0), want=np.arange(3.0), tolerance=0.5),
    "covariance": lambda rng: dict(x=batch(rng)[0]),
    "derive": lambda rng: dict(function=bn.batch_norm, **layer(rng)),
    "descend": lambda rng: dict(
        gradient=lambda w: 2 * w, w=rng.permutation(3) + 1.0, rate=0.25, decay=0.5, steps=3
    ),
    "direction_gradient": quadratic,
    "direction_loss": quadratic,
    "equilibrium_norm": lambda rng: dict(rate=0.25, decay=0.5, gradient_norm=2.0),
    "fold": weights,
    "forward": layer,
    "gradient_norm_squared": lambda rng: dict(
        x=feature(rng)["x"], dy=3 * rng.normal(size=5), gamma=2.0
    ),
    "jacobian_terms": feature,
    "least_squares_loss": lambda rng: some(problem(rng), "w", "x", "t"),
    "newton_schulz": lambda rng: some(layer(rng), "x", "eps"),
    "numeric_gradient": lambda rng: dict(
        function=cube, x=rng.normal(size=3), dy=rng.normal(size=3)
    ),
    "output_variance": lambda rng: some(problem(rng), "w", "x"),
    "reparameterize": lambda rng: some(quadratic(rng), "w", "S") | dict(gamma=2.0, eps=0.5),
    "tangent_projection": lambda rng: some(feature(rng), "x"),
    "trace": lambda rng: dict(function=bn.batch_norm, **layer(rng)),
    "whiten": lambda rng: some(layer(rng), "x", "eps"),
    "whiten_backward": lambda rng: dict(dy=batch(rng)[1], cache=bn.whiten(batch(rng)[0], 0.5)[1]),
    "x_hat_jacobian": feature,
}

DTYPES = [*"?bhiqBHIQefdgFDGO", "S4", "U4", "M8[s]", "m8[s]", "V8"]
DTYPES += [">f4", ">i2", np.dtype([("a", float)]), np.dtypes.StringDType()]


class Tagged(np.ndarray):
    """An array of a subclass, as libraries make them."""


class Twisted(np.ndarray):
    """One whose operators mean something else."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return 0.0


def masked(a):
    mask = np.zeros(a.shape, bool)
    mask.flat[0] = True
    return np.ma.array(a, mask=mask)


SUBCLASSES = {
    "matrix": lambda a: a.view(np.matrix) if a.ndim == 2 else a.view(Tagged),
    "recarray": lambda a: a.view(np.recarray),
    "subclass": lambda a: a.view(Tagged),
    "twisted": lambda a: a.view(Twisted),
    "memmap": lambda a: a.view(np.memmap),
    "list": lambda a: a.tolist(),
    "reversed": lambda a: a[::-1][::-1],
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "Fortran": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, axis=0)[::2],
    "array interface": lambda a: memoryview(np.ascontiguousarray(a)),
}


class Held:
    """What becomes an array when asked, as frames and tensors of other libraries do."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        if isinstance(self.a, Exception):
            raise self.a
        return self.a


def with_masks(a):
    """An array with a mask, in each of the ways in which it may come."""
    yield from (masked(a), masked(a).astype(int), Held(masked(a)))
    yield [masked(a[0]), *a[1:]]
    if a.ndim > 1:
        yield [[np.ma.masked, *a[0][1:]], *a[1:].tolist()]
        yield (a[0].tolist(), *([masked(row[:1])[0], *row[1:]] for row in a[1:]))


NUMBERS = [
    *(np.float16, np.float32, np.float64, np.longdouble, np.array, Fraction, Decimal),
    *(lambda v: np.array(v, np.float32), lambda v: np.array([v]), lambda v: v * (1 + 0j)),
    *(lambda v: True, lambda v: np.True_, lambda v: str(v), lambda v: None, lambda v: [v]),
    *(
        lambda v: 10**400,
        lambda v: -(10**400),
        lambda v: Fraction(10**400),
        lambda v: np.ma.masked,
    ),
    *(lambda v: Decimal("1e999"), lambda v: Decimal("sNaN"), lambda v: masked(np.array(v))),
    *(lambda v: np.array(v, object), lambda v: np.array(str(v)), lambda v: np.datetime64(1, "s")),
]


def function(name):
    found = bn
    for part in name.split("."):
        found = getattr(found, part)
    return found


def call(name, arguments):
    """What a function gives; of a method that gives nothing, its object."""
    f, given = function(name), dict(arguments)
    if "self" in given:
        given["self"] = copy.deepcopy(given["self"])
    if name in ("trace", "derive"):
        return f(given.pop("function"), **given)
    result = f(**given)
    return given["self"] if result is None else result


def follow(name, result, rng):
    """All numbers that a result holds or leads to: those of a cache by the backward pass, …"""
    dy = batch(rng)[1]
    if name == "distributed.forward":
        return [result[0], *distributed.backward(dy, result[1])]
    if name == "forward":
        return [result[0], *bn.backward(dy, result[1])]
    if name == "whiten":
        return [result[0], bn.whiten_backward(dy, result[1])]
    if name in ("trace", "Graph"):
        run = result.forward(**layer(rng))
        return [run.output, *(run.backward(dy)[name] for name in result.inputs)]
    if name == "Graph.forward":
        return [result.output, *(result.backward(dy)[name] for name in result.graph.inputs)]
    if name == "derive":
        return list(result.function(dy, **layer(rng)))
    if name.startswith("Running"):
        return [np.asarray(v) for v in list(vars(result).values())[:2]]
    if name == "compare":
        return []
    return list(result) if isinstance(result, tuple) else [result]


def outcome(name, arguments, seed=0):
    """The numbers that follow, or the ValueError; nothing else may be raised."""
    try:
        with np.errstate(all="ignore"):
            result = call(name, arguments)
            return [np.array(a) for a in follow(name, result, np.random.default_rng(seed))]
    except ValueError as error:
        return error
    except GradientMismatch:
        return []


def arrays(arguments):
    return {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}


def floats(arguments):
    return {k: v for k, v in arguments.items() if isinstance(v, float)}


def assert_right_or_refused(name, arguments, argument, value, tolerance):
    """``value`` in the place of an argument, against the same numbers in plain float64."""
    got = outcome(name, arguments | {argument: value})
    what = f"{name}({argument}={reprlib.repr(value)})"
    if isinstance(got, ValueError):
        assert str(got).startswith(f"{argument}:"), f"{what}: {got}"
        return
    want = outcome(name, arguments | {argument: as_float64(value)})
    assert not isinstance(want, ValueError), f"{what} is computed, but {want}"
    for a, b in zip(got, want, strict=True):
        assert type(a) is np.ndarray, what
        assert a.dtype.kind in ("fc" if name in PLAIN else "f"), f"{what}: {a.dtype}"
        assert a.shape == b.shape, what
        size = np.abs(b).max(initial=0) + 1
        allowed = max(tolerance, 4 * np.finfo(a.dtype).eps)
        assert np.abs(a - b).max(initial=0) <= allowed * size, f"{what}: {a}, want {b}"


def as_float64(value):
    if isinstance(value, Fraction | Decimal | int):
        return float(value)
    plain = np.asarray(np.real(value)).astype(float)
    return plain if plain.ndim else float(plain)


def test_every_public_name_has_an_example():
    assert {name.split(".")[0] for name in EXAMPLES} | NO_ARRAYS == {*bn.__all__} | MODULES
    assert not NO_ARRAYS & EXAMPLES.keys()
    for name, example in EXAMPLES.items():
        assert not isinstance(outcome(name, example(np.random.default_rng(0))), ValueError), name


@pytest.mark.parametrize("name", sorted(AS_IT_IS))
def test_what_is_judged_has_no_masks(name):
    with pytest.raises(ValueError, match="x: got a masked array"):
        getattr(bn, name)(cube, cube_backward, x=masked(np.arange(3.0)))


each = pytest.mark.parametrize("name", EXAMPLES)
seeds = drawn(seed=st.integers(0, 2**32 - 1))
few = settings(max_examples=2, deadline=None)


@each
@seeds
@few
@pytest.mark.filterwarnings("ignore")
def test_every_dtype_is_right_or_refused(name, seed):
    arguments = EXAMPLES[name](np.random.default_rng(seed))
    for argument, a in arrays(arguments).items():
        for dtype in map(np.dtype, DTYPES):
            if dtype.kind in "OSUTMmV":
                value = np.zeros(a.shape, dtype) if dtype.kind in "MmV" else a.astype(dtype)
            else:
                value = (np.abs(a) if dtype.kind in "uM" else a).astype(dtype)
            tolerance = {"e": 2e-2, "f": 1e-4, "F": 1e-4}.get(dtype.char, 1e-9)
            assert_right_or_refused(name, arguments, argument, value, tolerance)


@each
@seeds
@few
@pytest.mark.filterwarnings("ignore")
def test_every_kind_of_array_is_right_or_refused(name, seed):
    arguments = EXAMPLES[name](np.random.default_rng(seed))
    for argument, a in arrays(arguments).items():
        for kind in SUBCLASSES.values():
            assert_right_or_refused(name, arguments, argument, kind(a), 1e-9)
        for value in with_masks(a):
            got = outcome(name, arguments | {argument: value})
            assert isinstance(got, ValueError), f"{name}: the mask of {argument} is lost"
            assert str(got).startswith(f"{argument}: got a masked array"), got


@each
def test_what_does_not_become_an_array_is_refused_by_name(name):
    arguments = EXAMPLES[name](np.random.default_rng(0))
    for argument in arrays(arguments):
        for error in (RuntimeError("it requires grad"), TypeError("it is on another device")):
            got = outcome(name, arguments | {argument: Held(error)})
            assert isinstance(got, ValueError), (name, argument, got)
            assert str(got).startswith(f"{argument}: got {error}"), got


@each
def test_what_is_true_or_false_is_a_bool(name):
    found = function(name)
    parameters = inspect.signature(found).parameters.values()
    for argument in (p.name for p in parameters if isinstance(p.default, bool)):
        arguments = EXAMPLES[name](np.random.default_rng(0))
        for value in ("no", None, 2, np.array([True, False]), [False]):
            got = outcome(name, arguments | {argument: value})
            assert isinstance(got, ValueError), (name, argument, value)
            assert str(got).startswith(f"{argument}: got"), got
        assert not isinstance(outcome(name, arguments | {argument: np.True_}), ValueError)


@pytest.mark.parametrize("axis", [True, (False,), [], (0, -2), 0.0, None, "0", 2, (0, 2), [[0]]])
def test_an_axis_is_an_integer_or_several(axis):
    x, _, gamma, beta = batch(np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^axis: got"):
        bn.forward(x, gamma, beta, axis=axis)


def shown():
    """Figures with what they are given as arrays: {name: (function, arguments)}."""
    x, dy = np.array([1.0, 2.5, -0.5]), np.array([0.5, -0.7, 1.0])
    pair = dict(x=x, dy=dy)
    return {
        "BatchFigure": (bn.BatchFigure, pair),
        "PredictFigure": (bn.PredictFigure, pair),
        "SphereFigure": (bn.SphereFigure, pair),
        "WeightSpaceFigure": (bn.WeightSpaceFigure, dict(samples=np.diag(x)[:, :2])),
        "GraphFigure": (partial(bn.GraphFigure, lambda x: x - x.mean()), pair),
    }


@pytest.mark.parametrize("name", shown())
def test_figures_take_no_mask_either(name):
    make, arguments = shown()[name]
    make(**arguments)
    for argument, a in arguments.items():
        for value in (masked(a), Held(masked(a)), [np.ma.masked, *a[1:]]):
            with pytest.raises(ValueError, match=f"{argument}: got a masked array"):
                make(**arguments | {argument: value})


def squares(w):
    loss = (w**2).sum()
    return loss


def figures():
    """An example of each figure: {name: (function, arguments)}."""
    w = dict(given=dict(w=[1.0, 2.0]), train=["w"], cut=[], watch=["loss"], step=3, steps=3)
    runs = {"net": {2: [[1.0, 2.0, 3.0]], 4: [[1.0, 0.5, 0.2]]}}
    x, labels = np.random.default_rng(0).normal(size=(4, 2)), np.array([0, 1, 0, 1])
    data, net = Data(x, labels, x, labels), dict(variants={"net": Net((2, 3, 2))})
    return shown() | {
        "CancellationFigure": (bn.CancellationFigure, {}),
        "DepthFigure": (bn.DepthFigure, dict(runs=runs, formulas={"net": ("1", lambda m: 1.0)})),
        "DescentFigure": (partial(bn.DescentFigure, squares), w),
        "JacobianFigure": (bn.JacobianFigure, {}),
        "RunningFigure": (bn.RunningFigure, {}),
        "TrainingFigure": (partial(bn.TrainingFigure, data=data, batch_size=2), net),
        "WhiteningFigure": (bn.WhiteningFigure, {}),
    }


def test_every_figure_has_an_example():
    assert set(figures()) == FIGURES


EXTREME = [1e308, -1e308, 1e200, 1e-200, 0.0, -1.0, np.inf, -np.inf, np.nan]
WHOLE = [2**62, -1, 0, 1]


def leaves(value):
    """The numbers of a trait, however they are nested."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple, np.ndarray)):
        return [v for part in value for v in leaves(part)]
    return [value] if isinstance(value, (float, np.floating)) else []


@contextmanager
def nothing_or_refusal(message):
    """What runs in it may raise a ValueError, but one that begins like this."""
    refused = []
    try:
        yield refused
    except ValueError as error:
        refused.append(error)
    for error in refused:
        assert message, error
        assert re.match(message, str(error)), error


@pytest.mark.parametrize("name", figures())
@pytest.mark.filterwarnings("error")
def test_figures_refuse_by_name_what_is_too_large_for_them(name):
    """No extreme of a number gives an infinity, a warning, or an error that names something else"""
    make, arguments = figures()[name]
    first = make(**arguments)
    for trait in first.inputs:
        value = getattr(first, trait)
        several = isinstance(value, list) and len(leaves(value)) == len(value) > 0
        for extreme in WHOLE if type(value) is int else EXTREME:
            if not several and type(value) not in (int, float):
                continue
            figure = make(**arguments)
            signs = np.where(np.array(value) < 0, -1, 1)
            given = (extreme * signs).tolist() if several else extreme
            with nothing_or_refusal(f"{trait}: got"):
                setattr(figure, trait, given)
            for output in figure.outputs:
                found = leaves(getattr(figure, output))
                assert np.isfinite(found).all(), (trait, given, output, found)


@pytest.mark.parametrize("name", ["BatchFigure", "PredictFigure", "SphereFigure"])
@pytest.mark.parametrize("power", [1022, 514, 496, -450])
def test_figures_are_right_or_refuse_at_any_size(name, power):
    """Without eps, x_hat knows no unit: a batch of any size is shown right, or is refused."""
    make, arguments = shown()[name]
    own = dict(eps=0.0) | (dict(shown=True) if name == "PredictFigure" else {})
    want = make(**arguments, **own)
    with nothing_or_refusal("x: got .* want at most 1e.150" if power > 496 else None) as refused:
        got = make(**arguments | dict(x=arguments["x"] * 2.0**power), **own)
    if not refused:
        assert np.array(got.dx) * 2.0**power == pytest.approx(np.array(want.dx), rel=1e-9)


@each
@pytest.mark.filterwarnings("ignore")
def test_every_kind_of_number_is_right_or_refused(name):
    arguments = EXAMPLES[name](np.random.default_rng(0))
    for argument, v in floats(arguments).items():
        for kind in NUMBERS:
            assert_right_or_refused(name, arguments, argument, kind(v), 1e-6)


@each
@drawn(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["f2", "f4", "f8"]),
    power=st.floats(0.4, 1),
    part=st.floats(0.1, 1),
)
@settings(max_examples=12, deadline=None)
def test_no_infinity_comes_of_finite_numbers(name, seed, dtype, power, part):
    if name in PLAIN:
        return  # they say so; NumPy warns
    arguments = EXAMPLES[name](np.random.default_rng(seed))
    given = arguments | {k: a.astype(dtype) for k, a in arrays(arguments).items()}
    for argument, a in arrays(arguments).items():
        large = part * float(np.finfo(dtype).max) ** power
        for given_array in (a / np.abs(a).max() * large, np.full(a.shape, large)):
            with np.errstate(all="ignore"):
                got = outcome(name, given | {argument: given_array.astype(dtype)})
            if not isinstance(got, ValueError):
                assert all(np.isfinite(v).all() for v in got), (name, argument, got)


SCALED = {  # what without eps does not change when x grows: its first result, or that times x
    "forward": lambda x: bn.forward(x, np.ones(3), np.zeros(3), 0)[0],
    "distributed.forward": lambda x: distributed.forward(
        x, np.ones(3), np.zeros(3), 0, comm=Alone()
    )[0],
    "whiten": lambda x: bn.whiten(x, 0)[0],
    "tangent_projection": lambda x: bn.tangent_projection(x[:, 0]),
    "x_hat_jacobian": lambda x: bn.x_hat_jacobian(x[:, 0], 0) * np.ptp(x[:, 0]),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("power", [450, 480, -480, -500, -511, -515, -520, -530, -536, -1000])
def test_what_has_no_unit_is_right_or_refused_at_any_size(name, power):
    """Squares of small numbers lose their digits before they are 0: nothing is made of those."""
    x = np.random.default_rng(3).normal(size=(6, 3))
    with nothing_or_refusal("x: " if power < -500 else None) as refused:
        got = SCALED[name](x * 2.0**power)
    if not refused:
        np.testing.assert_allclose(got, SCALED[name](x), rtol=1e-9, atol=1e-9)


def test_no_variance_below_0_is_taken_in():
    for name in ("RunningStatistics.update", "RunningCovariance.update"):
        given = EXAMPLES[name](np.random.default_rng(0))
        argument = "var" if "var" in given else "cov"
        with pytest.raises(ValueError, match=f"^{argument}: got .* below 0"):
            call(name, given | {argument: -given[argument]})


@each
@seeds
@few
def test_what_happens_to_the_arguments_later_changes_nothing(name, seed):
    arguments = EXAMPLES[name](np.random.default_rng(seed))
    before = copy.deepcopy(arrays(arguments))
    result = call(name, arguments)
    if "self" not in arguments:
        for argument, a in arrays(arguments).items():
            np.testing.assert_array_equal(a, before[argument], err_msg=f"{name} writes {argument}")
    kept = [np.array(a) for a in follow(name, result, np.random.default_rng(seed))]
    for a in arrays(arguments).values():
        a *= 3
    for a, b in zip(follow(name, result, np.random.default_rng(seed)), kept, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=f"{name} keeps what it was given")


# What gives a cache, a graph or a run, which is asked for more numbers later
LATE = {"forward", "distributed.forward", "whiten", "trace", "Graph", "Graph.forward"}


@pytest.mark.parametrize("name", sorted(LATE))
def test_what_is_done_to_results_changes_no_later_one(name):
    result = call(name, EXAMPLES[name](np.random.default_rng(0)))
    first = follow(name, result, np.random.default_rng(1))
    kept = [np.array(a) for a in first]
    for a in first:
        if a.flags.writeable:
            a[...] = 7
    again = follow(name, result, np.random.default_rng(1))
    for a, b in zip(again[1:], kept[1:], strict=True):  # the first is what was written to
        np.testing.assert_array_equal(a, b, err_msg=f"{name} hands out what it keeps")
