"""Training: gradients against autograd, steps against a plain loop, draws against the page's."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from node import run as in_node

from batchnorm.graph import trace
from batchnorm.training import Data, Descent, Descents, Net, clusters, digits, spirals
from batchnorm.training.draws import below, normal, uniform
from batchnorm.training.net import ACTIVATIONS, NORMALIZATIONS, cross_entropy, normalize

SMALL = spirals(m=48, classes=3, seed=2)


def descent(normalization="batch", activation="relu", **options):
    net = Net((2, 5, 4, 3), normalization, activation)
    return Descent(net, SMALL, **{"batch_size": 12, "seed": 3, **options})


# --- The loss and its gradient ------------------------------------------------------------------


def loss_by_hand(net, parameters, x, labels, eps, noise):
    """The loss in autograd's NumPy, written without the package."""
    h = x
    for k, kind in enumerate(net.normalization, start=1):
        z = anp.dot(h, parameters[f"w{k}"]) + parameters[f"b{k}"]
        if kind != "none":
            axis = 1 if kind == "layer" else 0
            mu = anp.mean(z, axis=axis, keepdims=True)
            var = anp.mean(z**2, axis=axis, keepdims=True) - mu**2
            z = (z - mu) * (var + eps) ** -0.5
            z = parameters[f"gamma{k}"] * z + parameters[f"beta{k}"]
        if kind == "noisy":
            z = z * noise[f"scale{k}"] + noise[f"shift{k}"]
        h = {
            "relu": lambda z: (z + anp.abs(z)) / 2,
            "tanh": anp.tanh,
            "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
        }[net.activation](z)
    last = len(net.sizes) - 1
    z = anp.dot(h, parameters[f"w{last}"]) + parameters[f"b{last}"]
    shares = anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True)
    return -anp.mean(anp.log(shares[np.arange(len(x)), labels]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_the_gradient_is_autograd_s(normalization, activation):
    found = descent(normalization, activation, eps=0.1)
    rng = np.random.default_rng(8)
    for name, value in found.parameters.items():
        found.parameters[name] = value + rng.normal(size=value.shape)
    inputs = found._inputs(0)
    at = found.batch(0)
    loss, grads = found.gradients()

    def by_hand(parameters):
        return loss_by_hand(found.net, parameters, SMALL.x[at], SMALL.labels[at], 0.1, inputs)

    assert loss == pytest.approx(by_hand(found.parameters), rel=1e-12)
    want = autograd.grad(by_hand)(found.parameters)
    assert grads.keys() == want.keys() == found.parameters.keys()
    for name, value in want.items():
        assert grads[name].shape == value.shape
        assert grads[name] == pytest.approx(value, rel=1e-8, abs=1e-10), name


def test_a_cut_is_a_stop_gradient():
    found = descent(eps=0.1)
    whole = found.gradients()[1]
    for mean, variance in [(True, False), (False, True), (True, True)]:
        edges = found.net.moment_edges(found.graph, mean, variance)
        moments = {}

        def by_hand(parameters, held=moments, mean=mean, variance=variance):
            h = SMALL.x[found.batch(0)]
            for k in (1, 2):
                z = anp.dot(h, parameters[f"w{k}"]) + parameters[f"b{k}"]
                mu = held[k][0] if mean and k in held else anp.mean(z, axis=0)
                var = anp.mean((z - mu) ** 2, axis=0)
                var = held[k][1] if variance and k in held else var
                h = parameters[f"gamma{k}"] * (z - mu) / anp.sqrt(var + 0.1)
                h = h + parameters[f"beta{k}"]
                held.setdefault(k, (mu, var))
                h = (h + anp.abs(h)) / 2
            z = anp.dot(h, parameters["w3"]) + parameters["b3"]
            z = z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))
            return -anp.mean(z[np.arange(12), SMALL.labels[found.batch(0)]])

        by_hand(found.parameters)  # the moments as they are, which are held from here on
        want = autograd.grad(by_hand)(found.parameters)
        grads = found.gradients(cut=edges)[1]
        for name in grads:
            assert grads[name] == pytest.approx(want[name], abs=1e-9), (name, mean, variance)
        assert not np.allclose(grads["w1"], whole["w1"])


def test_gradients_at_other_parameters_and_on_another_batch():
    found, moved = descent(seed=3), descent(seed=3)
    loss, grads = found.gradients()
    moved.parameters = {name: v - 0.2 * grads[name] for name, v in moved.parameters.items()}
    there = {name: moved.parameters[name] for name in ("w1", "gamma2")}
    here = found.parameters | there
    other, g = found.gradients(parameters=there)
    moved.parameters = here
    assert other == moved.gradients()[0] != loss
    assert g["w2"].tolist() == moved.gradients()[1]["w2"].tolist()
    later, _ = found.gradients(step=9)
    moved.parameters, moved.steps = found.parameters, 9
    assert later == moved.gradients()[0] != loss


def test_normalize_has_the_book_s_moments():
    rng = np.random.default_rng(1)
    z, gamma, beta = rng.normal(3, 2, (6, 4)), rng.normal(size=4), rng.normal(size=4)
    for axis in (0, 1):
        y, mu, var = normalize(z, gamma, beta, 0.1, axis)
        assert mu == pytest.approx(z.mean(axis=axis, keepdims=True))
        assert var == pytest.approx(z.var(axis=axis, keepdims=True))
        assert y == pytest.approx(gamma * (z - mu) / np.sqrt(var + 0.1) + beta)


def test_cross_entropy_is_log_classes_for_no_idea():
    assert cross_entropy(np.zeros((4, 7)), np.eye(7)[:4]) == pytest.approx(np.log(7))


def test_cross_entropy_of_any_logits_is_finite():
    logits, target = np.array([[1e4, -1e4, 0.0], [-800.0, 900.0, 900.0]]), np.eye(3)[[1, 1]]
    assert cross_entropy(logits, target) == pytest.approx((2e4 + np.log(2)) / 2)
    graph = trace(cross_entropy, logits=logits, target=target)
    got = graph.forward(logits=logits, target=target).backward(1.0)["logits"]
    assert got == pytest.approx(np.array([[0.5, -0.5, 0], [0, -0.25, 0.25]]), abs=1e-15)


# --- Steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_steps_are_those_of_a_plain_loop(normalization):
    options = {"rate": 0.3, "momentum": 0.8, "weight_decay": 0.01}
    found = descent(normalization, **options)
    start = {name: value.copy() for name, value in found.parameters.items()}
    plain = descent(normalization)
    velocity = {name: 0.0 for name in start}
    for _ in range(5):
        grads = plain.gradients()[1]
        for name, value in plain.parameters.items():
            pull = grads[name] + (0.01 * value if name[0] == "w" else 0)
            velocity[name] = 0.8 * velocity[name] + pull
            plain.parameters[name] = value - 0.3 * velocity[name]
        plain.steps += 1
    found.train(5)
    assert found.steps == len(found.losses) == 5
    for name, value in plain.parameters.items():
        assert found.parameters[name] == pytest.approx(value, rel=1e-10, abs=1e-12)
        assert not np.allclose(value, start[name]) or (name[0] == "b" and normalization != "none")


def test_a_seed_repeats_and_another_does_not():
    a, b, c = descent().train(20), descent().train(20), descent(seed=4).train(20)
    assert a.losses == b.losses
    assert a.losses != c.losses


def test_float32_stays_float32():
    found = descent("noisy", dtype=np.float32).train(10)
    assert {v.dtype for v in found.parameters.values()} == {np.dtype(np.float32)}
    double = descent("noisy").train(10)
    assert found.losses == pytest.approx(double.losses, rel=1e-3)


def test_a_diverged_descent_stops_and_says_when():
    found = descent("none", rate=10.0, weight_decay=1e3).train(50)  # the weights times -1e4 a step
    assert found.diverged is not None
    assert found.diverged == found.steps < 50
    assert np.isfinite(found.losses).all()
    assert all(np.isfinite(v).all() for v in found.parameters.values())
    assert np.isnan(found.step())
    assert np.isfinite(found.score()[1])


def test_training_learns():
    for normalization in ("none", "batch", "layer"):
        found = Descent(Net((2, 16, 16, 2), normalization), spirals(), rate=0.3).train(600)
        assert found.score()[1] > 0.95, normalization


def test_scores_tell_running_statistics_from_the_batch_s():
    found = descent(rate=0.5).train(30)
    running, batch = found.score(), found.score(statistics="batch")
    assert running != batch
    for k, (mean, var) in found.statistics.items():
        assert mean.shape == var.shape == (1, found.net.sizes[k])
    layer = descent("layer").train(10)
    assert layer.score() == layer.score(statistics="batch")


def test_running_statistics_follow_the_batches():
    found = descent(running=0.25, rate=0.0)
    means = []
    for step in range(4):
        z = SMALL.x[found.batch(step)] @ found.parameters["w1"] + found.parameters["b1"]
        means.append(z.mean(axis=0))
    found.train(4)
    want = means[0]
    for mean in means[1:]:
        want = 0.75 * want + 0.25 * mean
    assert found.statistics[1][0][0] == pytest.approx(want)


# --- Many at once -------------------------------------------------------------------------------

SETTINGS = [
    {"seed": 3, "rate": 0.3, "noise": 0.4},
    {"seed": 4, "rate": 0.1, "noise": 0.2, "cut_mean": True},
    {"seed": 3, "rate": 1.0, "eps": 0.1, "cut_variance": True},
    {"seed": 9, "rate": 0.5, "cut_mean": True, "cut_variance": True},
]


def side_by_side(normalization, activation="relu", settings=SETTINGS, **shared):
    """One `Descent` for each of the settings, and the `Descents` of them all."""
    one = [descent(normalization, activation, **shared, **given) for given in settings]
    usual = {"eps": 1e-5, "noise": 0.5, "cut_mean": False, "cut_variance": False}
    stacked = {
        name: [(usual | given)[name] for given in settings]
        for name in ("seed", "rate", *usual)
        if any(name in given for given in settings)
    }
    return one, Descents(one[0].net, SMALL, batch_size=12, **shared, **stacked)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("normalization", ["none", "batch", "noisy"])
def test_many_descents_are_each_of_them(normalization, activation):
    one, many = side_by_side(normalization, activation, running=0.3)
    losses, grads = many.gradients(step=7)
    for i, single in enumerate(one):
        loss, wanted = single.gradients(step=7)
        assert losses[i] == pytest.approx(loss, rel=1e-12)
        assert grads.keys() == wanted.keys()
        for name, value in wanted.items():
            assert grads[name][i].shape == value.shape
            assert grads[name][i] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    many.train(12)
    for i, single in enumerate(one):
        single.train(12)
        assert np.array(many.losses)[:, i] == pytest.approx(single.losses, rel=1e-8)
        for name, value in single.parameters.items():
            assert many.parameters[name][i] == pytest.approx(value, rel=1e-7, abs=1e-9)
        for k, moments in (single.statistics or {}).items():
            for got, want in zip(many.statistics[k], moments, strict=True):
                assert got[i] == pytest.approx(want, rel=1e-8, abs=1e-10)
        for moments in ("running", "batch"):
            assert many.accuracy(moments)[i] == single.score(statistics=moments)[1]


def test_one_of_many_may_diverge():
    settings = [{"seed": 1, "rate": 0.1}, {"seed": 1, "rate": 1e300}]
    one, many = side_by_side("none", settings=settings)
    for single in one:
        single.train(20)
    many.train(20)
    assert many.diverged.tolist() == [-1, one[1].diverged]
    assert np.isnan(np.array(many.losses)[one[1].diverged :, 1]).all()
    for i, single in enumerate(one):
        assert many.parameters["w1"][i] == pytest.approx(single.parameters["w1"], rel=1e-9)


def test_many_descents_refuse_what_they_cannot_stack():
    for options, message in [
        ({"batch_size": 0}, "batch_size: got 0, want 1 to 48"),
        ({"rate": np.ones((2, 2))}, r"an array of shape \(2, 2\), want numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            Descents(Net((2, 5, 3)), SMALL, **{"batch_size": 12, **options})
    with pytest.raises(ValueError, match="net: got one with layer norm"):
        Descents(Net((2, 5, 3), "layer"), SMALL, batch_size=12)
    with pytest.raises(ValueError, match="statistics: got 'both'"):
        Descents(Net((2, 5, 3)), SMALL, batch_size=12).accuracy("both")


# --- Data and draws -----------------------------------------------------------------------------


def test_data_are_what_they_say():
    data = digits()
    assert [len(part) for part in data] == [1300, 1300, 497, 497]
    assert data.classes == 10
    assert data.x.shape[1] == 64
    assert data.x.min() == 0
    assert data.x.max() == 1
    assert np.bincount(data.labels).min() > 100
    for made in (spirals(60, classes=3), clusters(80, classes=5, features=7)):
        assert isinstance(made, Data)
        assert len(made.test_x) * 2 == len(made.x)
        assert np.ptp(np.bincount(made.labels)) <= 1
    near, far = clusters(distance=0.1), clusters(distance=3.0)
    assert far.x.std() > 2 * near.x.std()


def test_draws_are_uniform_and_normal_enough():
    u, n = uniform(5, 9, 20_000), normal(5, 9, 20_000)
    assert 0 < u.min() < u.max() < 1
    assert np.histogram(u, bins=10, range=(0, 1))[0] == pytest.approx(2000, abs=200)
    assert n.mean() == pytest.approx(0, abs=0.03)
    assert n.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(u[:-1], u[1:])[0, 1] == pytest.approx(0, abs=0.03)
    assert np.corrcoef(uniform(5, 10, 20_000), u)[0, 1] == pytest.approx(0, abs=0.03)
    assert set(below(1, 2, 1000, 7)) == set(range(7))


def test_the_page_draws_the_same_numbers():
    cases = [(0, 0, 5), (7, 123, 50), (2**32 - 1, 2**32 - 1, 9), (12345, 10_007, 33)]
    for (seed, stream, n), page in zip(
        cases, in_node("training/draws.js", "uniform", *map(list, cases)), strict=True
    ):
        assert page == uniform(seed, stream, n).tolist()
    for (seed, stream, n), page in zip(
        cases, in_node("training/draws.js", "normal", *map(list, cases)), strict=True
    ):
        assert page == pytest.approx(normal(seed, stream, n).tolist(), rel=1e-12, abs=1e-13)
    assert in_node("training/draws.js", "below", [3, 4, 40, 11])[0] == below(3, 4, 40, 11).tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Net((2,)), "sizes: got"),
        (lambda: Net(normalization="bach"), "normalization: got 'bach', want one of none, batch"),
        (lambda: Net(normalization=("batch",)), "or 2 of them"),
        (lambda: Net(activation="gelu"), "activation: got 'gelu', want relu"),
        (lambda: descent(batch_size=0), "batch_size: got 0, want 1 to 48"),
        (lambda: descent().score(statistics="both"), "statistics: got 'both'"),
        (lambda: digits(test=0), "test: got 0"),
        (lambda: digits(test=True), "test: got True"),
        (lambda: spirals(m=2.5), r"m: got 2\.5, want an integer"),
        (lambda: spirals(noise=10**400), "noise: got a number beyond float64"),
        (lambda: clusters(distance="1"), "distance: got '1'"),
        (lambda: Net((2, 2.5, 2)), r"sizes: got 2\.5"),
        (lambda: Net(std=np.nan), "std: got nan"),
        (lambda: descent(dtype=np.float16), "dtype: got float16, want float32 or float64"),
        (lambda: descent(running=2), r"running: got 2\.0, want a number from 0 to 1"),
        (lambda: descent(rate=np.ma.masked), "rate: got"),
        (lambda: Descent(Net(), SMALL._replace(x=np.ma.array(SMALL.x))), "x: got a masked array"),
        (lambda: Descent(Net(), SMALL._replace(labels=SMALL.labels / 1)), "labels: got float64"),
        (lambda: descent().score(SMALL.x, SMALL.labels[1:]), "labels: got int64 data of shape"),
        (lambda: uniform(-1, 0, 3), "seed: got -1"),
        (lambda: uniform(1, 0.5, 3), r"stream: got 0\.5"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_numbers_of_any_kind_train_alike():
    plain = descent(rate=0.5, momentum=0.25, eps=1.0).train(5)
    other = descent(rate=Fraction(1, 2), momentum=np.float16(0.25), eps=np.array(1)).train(5)
    assert other.losses == plain.losses


def test_what_happens_to_the_data_later_changes_nothing():
    data = Data(*(a.copy() for a in SMALL))
    other = Descent(Net((2, 4, 3)), data, batch_size=12, seed=3)
    plain = Descent(Net((2, 4, 3)), SMALL, batch_size=12, seed=3)
    for a in data:
        a[...] = 0
    assert other.train(5).losses == plain.train(5).losses
    assert other.score() == plain.score()
