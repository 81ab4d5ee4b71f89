"""What the tracer makes of writing in place, of odd arguments, and of arrays that change later."""

import copy
from fractions import Fraction

import numpy as np
import pytest
from programs import assert_same

import batchnorm as bn
from batchnorm.check import numeric_gradient
from batchnorm.graph import UnknownOperation

RNG = np.random.default_rng(5)
X, Z = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2))


def seen_by_all_names(x, z):
    y = x * 2
    other = y
    y += z
    other *= x
    return y


def through_a_row(x, z):
    y = x * z
    row = y[1]
    row *= 3
    row[0] = z[2, 1]
    row -= x[0]
    return y * x


def entry_by_entry(x, z):
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(2):
            y[i, j] = x[i, j] * z[2 - i, j]
    y[:, 1] -= y[:, 0]
    return y


def rows_twice(x, z):
    y = x + z
    y[[0, 2, 0]] = z * 2
    y[[0, 1]] += x[:2]
    return y


def copy_before(x, z):
    y = x * z
    before = y.copy()
    deep = copy.deepcopy(y)
    y /= 2
    y **= 2
    return y * before + deep


def where_it_holds(x, z):
    y = x * 1
    y[x > z] = 0.5
    y[z[:, 0] > 0] = 2.0
    return y * z


def view_last(x, z):
    y = x * z
    turned = y.T
    turned += 1
    return turned * 2


def out_of_zeros(x, z):
    y = np.empty(x.shape)
    np.multiply(x, z, out=y)
    y[0] = y[1]
    total = np.zeros(2)
    for row in y:
        total += row
    return total


def known_stays_plain(x, z):
    c = np.zeros(3)
    c += 1
    row = c[:2]
    row += 2
    assert c.tolist() == [3.0, 3.0, 1.0]
    assert float(c[0]) == 3.0
    c[2] = x[0, 0]
    return c[:, None] * z


def numbers_are_no_arrays(x, z):
    total = x.sum()
    first = total
    total += z.sum()
    return first * total


WRITING = [seen_by_all_names, through_a_row, entry_by_entry, rows_twice, copy_before]
WRITING += [where_it_holds, view_last, out_of_zeros, known_stays_plain, numbers_are_no_arrays]


@pytest.mark.parametrize("function", WRITING)
def test_writing_in_place_is_numpys(function):
    graph = bn.trace(function, x=X, z=Z)
    for x, z in ((X, Z), RNG.normal(size=(2, 3, 2))):
        run, want = graph.forward(x=x, z=z), function(x.copy(), z.copy())
        np.testing.assert_allclose(run.output, want)
        dy = RNG.normal(size=np.shape(want))
        grads = run.backward(dy)
        for name in ("x", "z"):

            def of(v, name=name, x=x, z=z):
                return function(**{"x": x.real.copy(), "z": z.copy(), name: v.real})

            by_numbers = differences(of, {"x": x, "z": z}[name], dy)
            assert_same(name, grads[name], by_numbers, scale=1e7)


def differences(f, value, dy, step=1e-6):
    grads = np.zeros(value.shape)
    for k in np.ndindex(value.shape):
        change = np.zeros(value.shape)
        change[k] = step
        grads[k] = np.sum(dy * (f(value + change) - f(value - change))) / (2 * step)
    return grads


def stale(x):
    y = x * 2
    row = y[0]
    y += 1
    return row * x[0]


def stale_result(x):
    y = x * 2
    turned = y.T
    turned += 1
    return y


def stale_reshaped(x):
    y = x * 2
    flat = y.reshape(-1)
    y[0, 0] = 5
    return flat.sum()


def plain_inside(x):
    import numpy

    c = numpy.zeros(3)
    c[0] = x.sum()
    return c * x.sum()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (stale, "`row * x[0]` in line"),
        (stale, "copy it before the writing"),
        (stale_result, "return that one, or write into a copy"),
        (stale_reshaped, "`flat.sum()` in line"),
        (plain_inside, "`c[0] = x.sum()` in line"),
        (plain_inside, "np.zeros_like(x)"),
        (lambda x: x[x > 0], "write np.where(condition, x, 0)"),
        (lambda x: (x + 0)[x.mean(axis=1)], "an index has to be integers"),
    ],
)
def test_what_would_be_silently_wrong_is_refused(function, words):
    with pytest.raises(UnknownOperation, match=r"^trace: ") as raised:
        bn.trace(function, x=X)
    assert words in str(raised.value)


def test_a_condition_is_made_anew():
    graph = bn.trace(lambda x: np.where((x > 0) & ~(x > 1), x, -x), x=X)
    x = np.array([[-2.0, 0.5], [3.0, 1.0], [0.2, -0.1]])
    run = graph.forward(x=x)
    np.testing.assert_array_equal(run.output, [[2, 0.5], [-3, 1], [0.2, 0.1]])
    want = [[-1, 1], [-1, 1], [1, -1]]
    np.testing.assert_array_equal(run.backward(np.ones((3, 2)))["x"], want)


def test_a_graph_made_for_one_size_says_so():
    graph = bn.trace(lambda x: x.reshape(3, 2, 1).sum(-1), x=X)
    with pytest.raises(ValueError, match=r"reshape: got shape \(4, 2\), .* trace it again"):
        graph.forward(x=np.ones((4, 2)))
    anysize = bn.trace(lambda x: x.reshape(-1) * np.squeeze(x[:, None], 1).ravel(), x=X)
    assert anysize.forward(x=np.full((5, 4), 3.0)).output.tolist() == [9.0] * 20


def test_ties_and_edges_are_those_that_are_documented():
    at = {"x": np.array([0.0, 0.0])}

    def slope(function):
        with np.errstate(all="ignore"):
            return bn.trace(function, **at).forward(**at).backward(np.ones(2))["x"].tolist()

    assert slope(np.abs) == [0.0, 0.0]
    assert slope(lambda x: np.minimum(x, 0)) == slope(lambda x: np.clip(x, 0, 1)) == [0.5, 0.5]
    assert slope(lambda x: x.max() + 0 * x) == slope(lambda x: x.min() + 0 * x) == [1.0, 1.0]
    assert slope(np.sqrt) == [np.inf, np.inf]
    assert np.isnan(slope(lambda x: x / x)).all()
    assert slope(lambda x: x**0 + 0.0**x) == [0.0, 0.0]


# --- Arguments of every type ----------------------------------------------------------------


def normalise(x, gamma):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i8", "f2", "f4", "f8", "g", ">f8", ">i4"])
def test_every_real_dtype_is_right(dtype):
    x = np.array([[1, 4], [2, 2], [6, 3]], dtype)
    gamma = np.array([2, 3], dtype)
    graph = bn.trace(normalise, x=x, gamma=gamma)
    run = graph.forward(x=x, gamma=gamma)
    dy = np.zeros((3, 2))
    dy[0, 0] = 1
    grads = run.backward(dy)
    plain = {"x": x.astype(float), "gamma": gamma.astype(float)}
    digits = 3e-3 if dtype == "f2" else 1e-6
    for name in plain:
        want = numeric_gradient(lambda v, n=name: normalise(**plain | {n: v}), plain[name], dy)
        np.testing.assert_allclose(np.asarray(grads[name], float), want, atol=digits)
        assert grads[name].dtype.isnative


def test_what_is_no_real_number_is_refused_by_name():
    masked = np.ma.masked_array(X, X > 0)
    odd = [masked, np.matrix(X), X * 1j, X.astype(object), X.astype("M8[s]"), X.astype("S3")]
    for value in (*odd, [X, [1.0]], 10**400):
        with pytest.raises(ValueError, match=r"^x: got .*, want|^x: got a number beyond"):
            bn.trace(lambda x: x * 2, x=value)
        with pytest.raises(ValueError, match=r"^constant: got .*, want|beyond|^trace"):
            bn.trace(lambda x, value=value: x * value, x=X)
    for value in (Fraction(1, 2), np.float16(0.5), np.array(0.5), 0.5):
        got = bn.trace(lambda x, s: x * s, x=X, s=value).forward(x=X, s=value).output
        np.testing.assert_array_equal(got, X / 2)


def test_the_gradient_of_a_long_mean_is_not_lost():
    x = np.ones(70_000, np.float16)
    run = bn.trace(lambda x: x.mean(), x=x).forward(x=x)
    got = run.backward(np.float16(1))["x"]
    assert got.dtype == np.float16
    np.testing.assert_allclose(got[:3], 1 / 70_000, rtol=3e-3)
    ones = np.ones((70_000, 1), np.float16)
    many = bn.trace(lambda x, b: (x * b).mean(), x=ones, b=np.float16(1))
    got = many.forward(x=ones, b=np.float16(1)).backward(np.float16(1))["b"]
    assert got == pytest.approx(1, rel=3e-3)


# --- Nothing that is kept is the caller's -----------------------------------------------------


def test_what_is_kept_does_not_change_with_the_callers_arrays():
    x, c, dy = X.copy(), Z.copy(), Z.copy()
    graph = bn.trace(lambda x: x * x * c, x=x)
    run = graph.forward(x=x)
    first = run.backward(dy)
    want = {"x": first["x"].copy(), "y": run.output.copy()}
    for array in (x, c, dy):
        array *= 7
    np.testing.assert_array_equal(run.output, want["y"])
    np.testing.assert_array_equal(first["x"], want["x"])
    np.testing.assert_array_equal(run.backward(Z)["x"], want["x"])
    np.testing.assert_array_equal(graph.forward(x=X).output, want["y"])
    for kept in (run.output, run["x"], first["x"], first[graph.outputs[0]]):
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 1


def test_two_steps_with_the_same_array():
    x = np.array([1.0])
    graph = bn.trace(lambda x: x * x, x=x)
    run = graph.forward(x=x)
    run.backward(np.ones(1))
    x -= 0.1 * 2
    assert run.backward(np.ones(1))["x"] == 2.0


def test_dicts_and_objects_are_not_changed():
    class Layer:
        def __init__(self):
            self.mean, self.inner = np.zeros(2), {"seen": [], "mean": np.zeros(2)}

        def __call__(self, x):
            self.mean *= 0.5
            self.mean += x.mean(axis=0)
            self.inner["seen"].append(1)
            self.inner["mean"] = self.mean
            self.mu = x.mean(axis=0)
            return x - self.mu

    layer, params = Layer(), {"mode": "train", "running_mean": np.zeros(2)}

    def step(x, params):
        params["running_mean"] += x.mean(axis=0)
        params["new"] = x
        return x * 2

    graph = bn.trace(layer, x=X)
    bn.trace(step, x=X, params=params)
    assert vars(layer).keys() == {"mean", "inner"}
    assert layer.mean.tolist() == [0.0, 0.0]
    assert layer.inner["seen"] == []
    assert params.keys() == {"mode", "running_mean"}
    assert params["running_mean"].tolist() == [0.0, 0.0]
    assert [node.op for node in graph.nodes] == ["input", "mean", "subtract"]
    assert graph.nodes[1].name == "mu"
