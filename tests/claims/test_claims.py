"""What chapters claim of runs, tried beyond the setting that they print.

Each test carries the id of a claim; the cell that makes it carries the tag ``claim-<id>``. The code
under test is the chapter's own where it takes other seeds and sizes. As a rule a few of these are
tried; ``make claims`` tries all of them.
"""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import batchnorm as bn
from batchnorm.training import Descents, Net, digits, spirals

ALL = os.environ.get("CLAIMS") == "all"
CHAPTERS = Path(__file__).parents[2] / "chapters"


def tried(few, every):
    """The range of a claim: some of it, or all of it for ``make claims``."""
    return every if ALL else few


@cache
def chapter(name, *ids):
    """What these cells of a chapter define, run in their order."""
    cells = {c["id"]: "".join(c["source"]) for c in read(name)}
    names = {}
    for cell in ids:
        exec(compile(cells[cell], f"{name}: {cell}", "exec"), names)
    return names


def read(name):
    return json.loads((CHAPTERS / f"{name}.ipynb").read_text("utf8"))["cells"]


# --- Start here ---------------------------------------------------------------------------------


@pytest.mark.claim("same-gradient-everywhere")
@pytest.mark.parametrize("m", tried([3], [2, 3, 5, 64]))
def test_the_same_gradient_everywhere_is_removed_whole_and_kept_by_the_cut(m):
    for seed in range(5):
        x, common = np.random.default_rng([m, seed]).normal(2, 3, m), 0.7 * (-1) ** seed
        given = dict(x=x, gamma=1.5, beta=0.3, eps=1e-3)
        run = bn.trace(bn.batch_norm, **given).forward(**given)
        dy = np.full(m, common)
        assert abs(run.backward(dy)["x"]).max() < 1e-12
        assert (np.sign(run.backward(dy, cut="mu")["x"]) == np.sign(common)).all()


# --- Where is the harm? -------------------------------------------------------------------------

HARM = "at_the_weights", "harm-imports", "harm-inputs-cell", "harm-inputs-cell-6"


@pytest.mark.claim("squeezed-batch-flips")
@pytest.mark.parametrize("m", tried([3, 8], [3, 5, 8, 16, 32]))
def test_with_the_variance_cut_a_squeezed_batch_flips(m):
    names = chapter(*HARM)
    for seed in tried([7], range(4)):
        x = np.random.default_rng([m, seed]).normal(size=(60, m))
        t = names["layer"](x.T).T / 2
        cut = names["steps_on_x"](x, t, steps=1500)
        assert (cut.max(axis=0) > 2 * cut[0]).mean() > 0.95
        whole = names["steps_on_x"](x, t, cut=False, rate=0.05)
        assert (whole.max(axis=0) < 1.01 * whole[0]).mean() > 0.95


@pytest.mark.claim("whole-gradient-falls-on-x")
@pytest.mark.parametrize("m", tried([8], [3, 5, 8, 16, 32]))
def test_on_the_inputs_the_whole_gradient_falls_at_a_small_rate(m):
    names = chapter(*HARM)
    for seed in tried([7], range(4)):
        x, t = np.random.default_rng([m, seed]).normal(size=(2, 40, m))
        whole = names["steps_on_x"](x, t, cut=False, rate=0.01)
        assert (whole[-1] <= whole[0] + 1e-9).all()


@pytest.mark.claim("large-batch-is-no-help")
def test_a_large_batch_does_not_mend_the_cut_of_the_mean():
    names = chapter("at_the_weights", "harm-imports", "harm-gradients", "harm-uphill")
    for m in tried([32, 512], [32, 64, 128, 256, 512, 1024, 2048]):
        mean, variance, _ = names["uphill"](m, 3, "off 0")
        assert 0.08 < mean < 0.14
        assert variance < (0.02 if m < 100 else 0.002)
    assert names["uphill"](32, 8, "off 0")[0] < 0.05 < names["uphill"](32, 8, "far off")[0]


@pytest.mark.claim("whole-descent-ends-lower")
@pytest.mark.parametrize(("m", "n"), tried([(8, 3)], [(6, 2), (8, 3), (8, 5), (16, 3), (16, 6)]))
def test_descent_on_the_whole_gradient_ends_lower_a_cut_one_may_not(m, n):
    names = chapter("at_the_weights", "harm-imports", "harm-gradients", "harm-losses")
    size = {"problems": tried(300, 2000), "m": m, "n": n}
    start, best = names["losses"](0, **size)
    assert (best < start).mean() > 0.99  # the rate 0.5 is too long a step for a few
    for which in (1, 2, 3):
        _, end = names["losses"](which, **size)
        assert (end < best - 0.2).mean() < 0.01
        if m == 8:
            assert (end > best + 0.2).mean() > 0.02


# --- Two samples --------------------------------------------------------------------------------


@pytest.mark.claim("two-samples-swap-places")
@pytest.mark.parametrize("eps", tried([0.1], [1e-6, 1e-3, 0.1, 1.0]))
def test_with_the_variance_cut_two_samples_that_approach_swap_places(eps):
    given, start = dict(gamma=1.0, beta=0.0, eps=eps), np.array([1.0, 3.0])
    graph = bn.trace(bn.batch_norm, x=start, **given)
    for sign, swapped in ((1, False), (-1, True)):
        x = start
        for _ in range(10):
            dy = sign * np.array([0.9, -0.4])
            x = x - 0.5 * graph.forward(x=x, **given).backward(dy, cut="var")["x"]
        assert (x[0] > x[1]) == swapped
        if not swapped:
            before, after = (bn.batch_norm(v, **given) for v in (start, x))
            assert abs(after - before).max() < 0.3 * min(1, 2 * eps) + 1e-4


@pytest.mark.claim("scale-crosses-zero")
@pytest.mark.parametrize("k", tried([0.5, 2.0], [0.1, 0.3, 0.5, 0.7, 0.9, 1.2, 2.0, 4.0]))
def test_a_scale_crosses_zero_where_targets_are_closer(k):
    descend = chapter("variance_of_two", "variance-imports", "cell-046")["descend"]
    a, rise = descend(k, tried(range(10, 13), range(10, 30)), steps=tried(100, 400))
    if k > 1:
        assert (np.diff(a, axis=0) > 0).all()
        assert abs(rise).max() < 1e-5
    else:
        assert (a < 0).any(axis=0).all()
        assert abs(rise).max(axis=0) == pytest.approx(2 * k, rel=0.1)


# --- Does it help? Smooth? ----------------------------------------------------------------------

RAW = digits()
MEAN = RAW.x.mean(axis=0)
PIXELS = {"raw": RAW, "centred": RAW._replace(x=RAW.x - MEAN, test_x=RAW.test_x - MEAN)}
SEEDS = np.array(tried(range(20, 24), range(20, 40)))  # none of those that the chapters print


def nets(pixels, kind, rates, activation="relu", std=None, **options):
    """Networks of other seeds than the chapters', in rows of one rate."""
    net = Net((64, 32, 32, 32, 10), kind, activation, std)
    rate, seed = np.repeat(rates, len(SEEDS)), np.tile(SEEDS, len(rates))
    return Descents(net, PIXELS[pixels], seed=seed, rate=rate, **options)


def medians(found):
    return np.median(found.accuracy().reshape(-1, len(SEEDS)), axis=1)


@pytest.mark.claim("room-for-rates")
def test_batch_norm_leads_and_less_so_on_centred_pixels():
    rates, lead = [0.2, 0.5, 1.0, 2.0], {}
    for pixels in PIXELS:
        plain, normal = (medians(nets(pixels, k, rates).train(100)) for k in ("none", "batch"))
        lead[pixels] = normal.max() - plain.max()
        assert normal[-1] > plain[-1] + 0.1, "at the rate 2"
        assert normal.min() > 0.8
    assert 0 < lead["centred"] < 0.05 < lead["raw"] < 0.12


@pytest.mark.claim("steps-to-a-goal")
def test_how_many_times_as_fast():
    learn = chapter("does_it_help", "imports", "sweep-measure")["learn"]
    rates = [0.2, 0.5, 1.0, 2.0]
    for pixels, (low, high) in {"raw": (3.3, 5.5), "centred": (1.3, 3.5)}.items():
        steps = []
        for kind in ("none", "batch"):
            _, first = learn(nets(pixels, kind, rates), most=300)
            fives = first.reshape(len(rates), -1, min(len(SEEDS), 5), 2)
            steps.append(np.median(fives, axis=2).min(axis=0))  # at the best of the rates
        times = steps[0] / steps[1]
        assert ((times > low) & (times < high)).all()


@pytest.mark.claim("less-care-at-the-start")
def test_small_sigmoids_need_time_and_batch_normalization_does_not():
    for std, early, late in [
        (0.1, (0, 0.2), (0.2, 0.8)),
        (0.3, (0.3, 0.8), (0.9, 1)),
        (1.0, (0.7, 0.85), (0.9, 1)),
    ]:
        plain = nets("raw", "none", [2.0], "sigmoid", std)
        assert early[0] < medians(plain.train(100))[0] < early[1]
        assert late[0] < medians(plain.train(900))[0] < late[1]
        normal = nets("raw", "batch", [2.0], "sigmoid", std)
        assert normal.train(100).accuracy().min() > 0.8


@pytest.mark.claim("noisier-updates")
def test_updates_are_noisier_with_relu_alone():
    names = chapter("does_it_help", "imports", "ics-measures", "updates-measure")
    for activation, std in [("relu", None), ("sigmoid", 1.0), ("sigmoid", 0.1)]:
        pair = [nets("centred", kind, [0.1], activation, std) for kind in ("none", "batch")]
        for steps in (30, 70):
            plain, normal = (names["noise_share"](each.train(steps)) for each in pair)
            if activation == "relu":
                assert (normal > plain).mean() > 0.95
            else:
                assert np.median(normal) < 1.1 * np.median(plain)


@pytest.mark.claim("mean-path-matters-most-off-zero")
def test_what_a_cut_path_costs():
    lost = {}
    for pixels in PIXELS:
        for rate in (0.5, 2.0):
            whole, mean, variance = (
                nets(pixels, "batch", [rate], **cut).train(100)
                for cut in ({}, {"cut_mean": True}, {"cut_variance": True})
            )
            for moments in ("running", "batch"):
                right = [np.median(each.accuracy(moments)) for each in (whole, mean, variance)]
                lost[pixels, rate, moments] = right[0] - right[1]
                assert abs(right[0] - right[2]) < 0.03
    for rate in (0.5, 2.0):
        assert 0.01 < lost["centred", rate, "running"] < 0.15 < lost["raw", rate, "running"]
    assert 0.05 < lost["raw", 0.5, "batch"] < 0.15, "the weights' part"
    assert lost["raw", 2.0, "batch"] < 0.06, "what is lost at the rate 2 are the running means"


@pytest.mark.claim("noise-that-costs-little")
def test_a_noise_that_costs_little_and_one_that_costs_all():
    quiet = medians(nets("centred", "batch", [0.5]).train(100))[0]
    noisy = [
        medians(nets("centred", "noisy", [0.5], noise=noise).train(100))[0]
        for noise in (0.25, 0.5, 1.0)
    ]
    assert quiet - noisy[0] < 0.05 < quiet - noisy[1]
    assert noisy[2] < 0.15


@pytest.mark.claim("spirals")
def test_spirals_at_a_high_rate_a_low_one_and_in_small_batches():
    data, seeds = spirals(), np.arange(tried(4, 12))

    def accuracies(kind, rate, **options):
        net, rates = Net((2, 16, 16, 2), kind), np.full(len(seeds), rate)
        with np.errstate(all="ignore"):  # plain ones diverge
            return Descents(net, data, seed=seeds, rate=rates, **options).train(400).accuracy()

    assert np.median(accuracies("batch", 3.0)) > 0.95 > 0.6 > np.median(accuracies("none", 3.0))
    assert accuracies("none", 0.3).min() > 0.95
    for size in tried([8], [8, 4]):
        assert np.median(accuracies("batch", 3.0, batch_size=size)) < 0.6
    some, more = (accuracies("noisy", 3.0, noise=noise) for noise in (0.25, 2.0))
    assert np.median(some) > 0.95 > 0.6 > np.median(more)


@pytest.mark.claim("shift-depends-on-the-setting")
def test_internal_covariate_shift_goes_either_way():
    names = chapter("does_it_help", "imports", "trained", "ics-measures", "ics-shifts")
    found = {}
    for pixels in PIXELS:
        pair = [
            names["shifts"](nets(pixels, kind, [0.02, 0.1]), PIXELS[pixels].x[:256])
            for kind in ("batch", "none")
        ]
        rows = (np.median(v.reshape(3, 3, 2, -1), axis=3) for v in pair)
        found[pixels] = np.divide(*rows)  # [measure, layer, rate]
        assert (found[pixels][0] < 0.6).all(), "moments"
    assert (found["raw"][1:, :, 1] < 1).all(), "gradients, raw pixels, rate 0.1"
    assert (found["raw"][2, :, 0] > 1).all(), "absolute, raw pixels, rate 0.02"
    assert (found["centred"][1:] > 1).all(), "gradients, centred pixels"


@pytest.mark.claim("smoother-on-raw-pixels")
def test_gradients_are_more_predictive_on_raw_pixels_and_less_on_centred_ones():
    names = chapter("smoothness", "imports", "twice-pixels", "along-measure")
    net = {kind: Net((64, 32, 32, 32, 10), kind) for kind in ("none", "batch")}
    for first in tried([30], [30, 35, 40, 45]):
        seeds = range(first, first + 5)
        for pixels, sign in {"raw": 1, "centred": -1}.items():
            plain, normal = (
                names["worst"](Descents(net[kind], PIXELS[pixels], rate=0.1, seed=seeds))
                for kind in ("none", "batch")
            )
            difference = np.median(plain[1], axis=1) - np.median(normal[1], axis=1)
            assert (sign * difference[:2] > 0).all()


LONGER = "longer_steps", "imports", "twice-pixels", "longer-nets"


@pytest.mark.claim("longer-steps")
def test_deep_plain_networks_fail_at_high_rates_and_catch_up_at_a_low_one():
    names = chapter(*LONGER, "growth-measure")
    descents, fives = names["descents"], names["fives"]
    for first in tried([30], [20, 30, 40]):
        for activation in ("relu", "tanh"):
            for pixels in tried(["centred"], ["raw", "centred"]):
                how = dict(pixels=pixels, activation=activation, first=first)
                plain, normal = (descents(kind, (0.1,), **how) for kind in ("none", "batch"))
                early, late = (
                    fives(normal.train(n))[0, 2] - fives(plain.train(n))[0, 2] for n in (100, 400)
                )
                assert early > 0.02
                assert -0.01 < late < min(early, 0.06)
                plain, normal = (
                    (fives(descents(kind, (0.3, 2.0), **how).train(100)) > 0.6).sum(axis=1)
                    for kind in ("none", "batch")
                )
                assert plain[1] == 0
                if (activation, pixels) == ("relu", "raw"):
                    assert plain[0] == 0
                assert normal[0] == 5
                assert normal[1] >= 3
        grown = {
            kind: np.median(
                names["growth"](descents(kind, rates, "centred", first=first)).reshape(8, 3, 5), 2
            )
            for rates in [(0.1, 0.3, 1.0)]
            for kind in ("none", "batch")
        }
        assert (grown["none"][-1, 1:] > 1.5 * grown["none"][0, 1:]).all()
        assert (grown["batch"][-1] <= 1.05 * grown["batch"][0]).all()
        assert max(grown["none"][:, 0].max(), grown["batch"][:, 0].max()) < 1.2


@pytest.mark.claim("shared-part")
@pytest.mark.parametrize("width", tried([32], [16, 32, 64]))
def test_the_part_that_samples_share_and_what_descent_without_it_bears(width):
    names = chapter(*LONGER, "shared-measure", "unshared-measure")
    for first in tried([30], [20, 30, 40]):

        def descents(*args, first=first, **options):
            return names["descents"](*args, first=first, width=width, **options)

        length = {
            (pixels, kind, bool(cut)): np.median(
                names["shared_length"](descents(kind, (0.1,), pixels, **cut)), axis=1
            )
            for pixels in PIXELS
            for kind, cut in [("none", {}), ("batch", {}), ("batch", {"cut_mean": True})]
        }
        assert length["raw", "none", False][0] > 0.8
        assert (length["raw", "none", False] > 0.6).all()
        assert length["centred", "none", False][0] < 0.3
        assert (length["centred", "none", False][1:] > 0.45).all()
        for pixels in PIXELS:
            assert (length[pixels, "batch", False] < 1e-9).all()
            assert (length[pixels, "batch", True][1:] > 0.4).all()
        for depth in (2, 3, 6):
            whole, left_out = (descents("none", (1.0,), depth=depth) for _ in range(2))
            with np.errstate(all="ignore"):
                pair = [
                    names["fives"](nets)[0, 2]
                    for nets in (whole.train(100), names["train_unshared"](left_out, 100))
                ]
            assert pair[0] < 0.7
            assert pair[1] > 0.8 if depth < 4 else pair[1] < 0.6


# --- The length of the weights ------------------------------------------------------------------


@pytest.mark.claim("steps-lead-outward")
def test_without_decay_steps_lead_outward_only_at_eps_0():
    inward = {}
    for eps in (0.0, 0.05, 0.5):
        for angle in np.linspace(0, 2 * np.pi, tried(8, 24), endpoint=False):
            w = [np.cos(angle), np.sin(angle)]
            figure = bn.WeightSpaceFigure(w=w, correlation=0.5, rate=0.2, eps=eps, step=100)
            lengths = np.linalg.norm(figure.path, axis=1)
            inward[eps] = inward.get(eps, 0) + (np.diff(lengths) < -1e-12).any()
    assert inward[0.0] == 0 < min(inward[0.05], inward[0.5])


@pytest.mark.claim("momentum-grows-weights")
def test_momentum_never_shortens_the_weights():
    names = chapter("length_of_weights", "imports", "setting", "right-angle-check")
    gradient = names["gradient"]
    for seed in tried(range(50, 53), range(50, 80)):
        rng = np.random.default_rng(seed)
        graph, given = names["setting"](seed)
        w, v, keep = given["w"], np.zeros(4), rng.uniform(0, 0.99)
        for _ in range(100):  # any rates, even if they change from step to step
            rate = 10 ** rng.uniform(-3, 1)
            v = keep * v - rate * gradient(graph, given, w=w)["w"]
            assert (w + v) @ (w + v) >= w @ w * (1 - 1e-9)
            w = w + v


@pytest.mark.claim("equilibrium-length")
@pytest.mark.parametrize(("rate", "decay"), tried([(0.2, 0.02)], [(0.2, 0.02), (0.5, 0.01)]))
def test_the_length_settles_as_a_rule_within_a_tenth(rate, decay):
    names = chapter("length_of_weights", "imports", "noisy")
    g, best = names["noisy"](range(20, tried(28, 36)))
    size = np.sqrt(np.mean([(g(best) ** 2).sum(axis=1) for _ in range(400)], axis=0))
    length = np.linalg.norm(bn.descend(g, best, rate, decay, steps=2000)[-1000:], axis=2)
    told = [bn.equilibrium_norm(rate, decay, each) for each in size]
    share = length.mean(axis=0) / told
    assert np.median(share) == pytest.approx(1, abs=0.1)
    assert ((share > 0.7) & (share < 1.1)).all()


# --- The view from the weights ------------------------------------------------------------------


@pytest.mark.claim("faster-after-tuning")
def test_after_tuning_descent_with_batch_norm_is_ahead_in_two_problems_of_three():
    tuned = chapter("reparameterization", "cell-002", "cell-054", "cell-070")["tuned"]
    steps = np.array([tuned(seed) for seed in tried(range(20, 32), range(20, 100))])
    assert 0.5 < (steps[:, 0] < steps[:, 1]).mean() < 0.75


# --- The gradient of whitening ------------------------------------------------------------------


@pytest.mark.claim("whitening-held-constant")
def test_with_w_held_the_weights_grow_or_the_outputs_jump():
    names = chapter("whitening_gradient", "imports", "constant-def")
    for seed in tried(range(20, 22), range(20, 32)):
        for larger in (True, False):
            u, A, t = names["nothing_to_gain"](seed, larger)
            lengths, losses = names["descend"](u, A, t, cut=True)
            grown, most = lengths[-1] / lengths[0], max(losses) / losses[0]
            assert (grown > 3 and most < 2.5) if larger else most > 4
            lengths, losses = names["descend"](u, A, t, cut=False, rate=0.02)
            assert lengths[-1] == pytest.approx(lengths[0], rel=0.01)
            assert max(losses) < 1.01 * losses[0]


# --- The layer ----------------------------------------------------------------------------------


@pytest.mark.claim("modes-differ-by-kurtosis")
@pytest.mark.parametrize("m", tried([64], [64, 256, 1024]))
def test_how_far_the_modes_differ_depends_on_the_kurtosis(m):
    rng = np.random.default_rng(m)
    for x, kurtosis in [
        (rng.choice([-1.0, 1.0], (m, 2000)), 1),
        (rng.uniform(-1, 1, (m, 2000)) * np.sqrt(3), 1.8),
        (rng.normal(size=(m, 2000)), 3),
        (rng.laplace(size=(m, 2000)) / np.sqrt(2), 6),
    ]:
        train, _ = bn.forward(x, np.ones(2000), np.zeros(2000))
        off = np.sqrt(((train - x) ** 2).mean())
        assert off == pytest.approx(np.sqrt((1 + (kurtosis - 1) / 4) / m), rel=0.05)


# --- Do the samples stay apart? ----------------------------------------------------------------

DEEP = "samples_apart", "imports", "twice-norms", "apart-code"


@pytest.mark.claim("samples-stay-apart")
@pytest.mark.parametrize("n", tried([16], [16, 32, 64]))
def test_with_batch_norm_about_the_root_of_the_width_directions_stay(n):
    directions = chapter(*DEEP)["directions"]
    for m in tried([n, 2 * n], [n, 2 * n, 4 * n]):
        linear, relu = (
            [
                np.median([directions(m, n, depth, norm, kind, seed=s) for s in range(10, 19)])
                for norm in (False, True)
            ]
            for kind, depth in (("linear", 200), ("relu", 60))
        )
        assert linear[0] < 1.1
        assert 0.7 < linear[1] / np.sqrt(n) < 1.3
        assert relu[0] < 1.1
        assert 0.8 < relu[1] / np.sqrt(n) < 2.5


@pytest.mark.claim("orthogonal-weights")
@pytest.mark.parametrize("n", tried([16], [8, 16, 32, 64]))
def test_orthogonal_weights_keep_the_gradient_where_the_batch_is_twice_the_width(n):
    growth = chapter(*DEEP, "orthogonal-table")["growth"]
    how = {"width": n, "seeds": range(10, 13)}
    for m in (2 * n, 3 * n):
        found = growth(m, True, depth=tried(100, 400), **how)
        assert (found > 0.5).all()
        assert (found < 2).all()
    assert growth(max(4, n // 4), True, **how).min() > 1e3, "a small batch"
    assert growth(2 * n, True, depth=50, activation="relu", **how).min() > 1e5


# --- When a cut is right ------------------------------------------------------------------------


@pytest.mark.claim("renorm-runs-away-uncut")
def test_batch_renormalization_runs_away_under_its_whole_gradient():
    names = chapter("cut_on_purpose", "cut-imports", "cut-renorm", "cut-drift-run")
    for seed in tried(range(10, 12), range(10, 30)):
        u, t = np.random.default_rng(seed).normal(size=(2, 16))
        for rate, momentum in [(0.1, 0.1), (0.5, 0.05)]:
            path, losses = names["biases"]("whole", seed, rate=rate, momentum=momentum)
            speed = rate * t.mean() / (1 + rate / momentum)
            assert (path[-1] - path[-201]) / 200 == pytest.approx(speed, rel=0.02, abs=1e-6)
            assert losses[-1] == pytest.approx(losses[-201], rel=1e-3)
            path, held = names["biases"]("held", seed, rate=rate, momentum=momentum)
            assert abs(path).max() < 1e-9
            assert losses[-1] < held[-1]
            caught_up = ((u - u.mean() - t) ** 2).mean() / 2  # with the bias at any place
            assert held[-1] == pytest.approx(caught_up, rel=1e-4)
        path, losses = names["biases"]("whole", seed, momentum=0.0)
        assert path[-1] == pytest.approx(t.mean() - u.mean(), rel=1e-6)
        path, held = names["biases"]("held", seed, momentum=0.0)
        assert abs(path).max() < 1e-9
        assert losses[-1] < held[-1]


# --- Held, frozen or detached -------------------------------------------------------------------

TRAIN = "constants", "imports", "cut-train-net", "cut-train-descent"


@cache
def accuracies(m, classes, rate, seeds):
    """The medians of the four methods, and the parameters they end with."""
    names = chapter(*TRAIN)
    with np.errstate(all="ignore"):
        ends = names["train"](m, classes, (rate,), seeds)
    runs = [ends[name] for name in names["METHODS"]]
    return [np.median(names["accuracy"](*run)) for run in runs], [run[0] for run in runs]


@pytest.mark.claim("renorm-small-batches")
def test_batch_renormalization_helps_where_batches_mislead():
    for first in tried([20], [20, 28, 36]):
        seeds = range(first, first + 8)
        if ALL:
            (*three, cut), _ = accuracies(32, 10, 0.5, seeds)
            assert min(three) > 0.9
            assert max(three) - min(three) < 0.03
            assert cut > 0.85
            (normal, *others), _ = accuracies(4, 10, 0.1, seeds)
            assert all(-0.05 < other - normal < 0.08 for other in others)
        for rate, lead, gap in tried([(0.5, 0.03, 0.15)], [(0.2, 0.01, 0.05), (0.5, 0.03, 0.15)]):
            (normal, held, whole, cut), _ = accuracies(8, 2, rate, seeds)
            assert 0.5 < normal < held - lead < whole - lead - 0.01
            assert cut < normal - gap
        (normal, held, whole, _), _ = accuracies(2, 10, 0.1, seeds)
        assert normal + 0.1 < held < whole - 0.03


@pytest.mark.claim("renorm-lags")
def test_batch_renormalization_fails_where_its_statistics_lag():
    def lost(methods, rate, **options):
        """Which share of the descents ends with less than half of the digits right."""
        names = chapter(*TRAIN)
        with np.errstate(all="ignore"):
            ends = names["train"](32, 10, (rate,), seeds, methods, **options)
        return [(names["accuracy"](*ends[name]) < 0.5).mean() for name in methods]

    three = "batch norm", "batch renorm.", "its whole gradient"
    for first in tried([48], [48, 80, 112]):
        seeds = range(first, first + tried(8, 32))
        normal, held, whole = lost(three, 2.0)
        assert normal == held == 0
        assert 0.2 < whole < 0.6
        for options in tried([{"warm": 0.0}], [{"warm": 0.0}, {"momentum": 0.01}]):
            normal, held, whole = lost(three, 2.0, **options)
            assert normal == 0
            assert tried(0, 0.15) < held < 0.82
            assert held < whole
            assert whole > 0.5
        for rate, least, most in tried([], [(1.0, 0, 0), (2.5, 0.75, 1)]):
            normal, held, whole = lost(three, rate)
            assert normal == 0
            assert held <= (0.125 if rate > 2 else 0)
            assert least <= whole <= most


@pytest.mark.claim("detached-weights-grow")
def test_with_everything_cut_the_weights_grow_more():
    for m, classes, rate, times in tried(
        [(8, 2, 0.5, 1.5)], [(32, 10, 0.5, 1.1), (4, 10, 0.1, 1.1)]
    ):
        _, (normal, *_, cut) = accuracies(m, classes, rate, range(20, 28))
        both = (sum((p[w] ** 2).sum(axis=(1, 2)) for w in ("w1", "w2")) for p in (cut, normal))
        assert np.median(np.sqrt(np.divide(*both))) > times


# --- Networks without it ------------------------------------------------------------------------


@pytest.mark.claim("first-step-at-any-depth")
@pytest.mark.parametrize("k", tried([2], [2, 3, 4]))
def test_fixups_factor_gives_the_first_step_one_size_at_any_depth(k):
    first_step = chapter("without_it", "imports", "first-step")["first_step"]

    def median(branches, *how):
        return np.median([first_step(branches, k, *how, seed=seed) for seed in range(10, 17)])

    for n in tried([64], [64, 256]):
        fixup, plain, skip = (
            median(n, *how) / median(16, *how) for how in ((-1 / (2 * k - 2),), (0.0,), (0.0, True))
        )
        assert 0.6 < fixup < 1.5
        assert plain > 0.6 * n / 16
        assert 1.3 < skip < plain


@pytest.mark.claim("which-rates-diverge")
def test_which_rates_diverge_without_batch_norm():
    cells = "imports", "twice-standardize", "twice-clip", "blocks", "starts", "train"
    names = chapter("without_it", *cells)
    rates, seeds = (0.3, 0.7, 2.0), range(20, 20 + tried(3, 8))

    def lost(blocks, **how):
        """How many of the seeds, at each rate: diverged, or less than half of the digits right."""
        with np.errstate(all="ignore"):
            found = names["train"]([*names["METHODS"]], blocks, rates, seeds, **how)
        return {name: (np.nan_to_num(right) < 0.5).sum(axis=1) for name, right in found.items()}

    every, most = len(seeds), len(seeds) // 2
    for how in tried([{}], [{}, {"steps": 200}]):
        deep = lost(16, **how)
        assert all(deep["plain"] == every)
        assert all(deep["plain, clipped at 0.1"] == 0)
        for name in ("batch norm", "DyT", "SkipInit"):
            assert deep[name][0] == 0
            assert deep[name][1] > most
            assert deep[name][2] == every
        assert deep["two batch norms a branch"][:2].sum() == 0
        assert deep["two batch norms a branch"][2] > most
        assert deep["small branches"][0] == 0
        assert deep["small branches"][1] < most
        assert deep["small branches"][2] == every
        for name in ("Fixup", "normalizer-free", "normalizer-free, clipped"):
            assert deep[name][0] == 0
            assert deep[name].max() <= max(1, every // 4)  # of eight seeds one, as a rule
    if ALL:
        shallow = lost(4)
        assert all(found[0] == 0 for found in shallow.values())
        assert all(found[1] <= most for found in shallow.values())


# --- Several workers ----------------------------------------------------------------------------


@pytest.mark.claim("own-sums-keep-what-is-common")
@pytest.mark.parametrize("k", tried([8], [2, 4, 8, 16]))
def test_own_sums_remove_only_their_share_of_what_is_common(k):
    cells = "imports", "parts", "not-shared-code", "not-shared-table"
    off = chapter("several_workers", *cells)["off"]
    error = {pull: np.median([off(seed, k, pull)[1] for seed in range(10)]) for pull in (0, 1, 10)}
    assert abs(error[0] - np.sqrt(2 * (1 - 1 / k) / 32)) < 0.05
    assert abs(error[1] - (1 - 1 / k)) < 0.1
    assert abs(error[10] - 10 * (1 - 1 / k)) < 1
