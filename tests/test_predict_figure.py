"""Predict, then reveal: nothing of dx can be read before it is shown; then the distance is true."""

import re

import numpy as np
import pytest
from models import analyses
from node import Thrown
from playwright.sync_api import expect
from stage import counted, drag, frame, get, put, settle, sound, words

import batchnorm as bn
from batchnorm.figures import PredictFigure

X, DY = [1.0, -0.5, 2.2], [1.0, 0.6, -0.4]
LAYER = dict(gamma=1.5, beta=0.5, eps=0.0)


def centre(x):
    mu = x.mean(axis=0)
    y = x - mu
    return y


def shift(x):
    y = 3.0 * x + 1.0
    return y


def numeric(x, dy, layer):
    return bn.numeric_gradient(lambda x: bn.batch_norm(x, **layer), np.array(x), np.array(dy))


# In Python ---------------------------------------------------------------------------------------


def test_the_truth_is_handed_back_once_it_is_shown():
    figure = PredictFigure(X, DY, **LAYER)
    assert (figure.guess, figure.dx) == ([0, 0, 0], [])
    figure.shown = True
    for problem, (x, dy) in enumerate(figure.problems):
        figure.problem = problem
        assert (figure.x, figure.dy) == (x, dy)
        bn.compare("dx", figure.dx, numeric(x, dy, LAYER))
    figure.shown = False
    assert figure.dx == []


def test_batches_are_the_same_for_the_same_seed_and_worth_a_guess():
    first, again, other = (
        PredictFigure(X, DY, more=8, seed=seed, **LAYER).problems for seed in (0, 0, 1)
    )
    assert first == again != other
    assert first[0] == other[0] == [X, DY]
    assert len(first) == 9
    for x, dy in first[1:]:
        dx = numeric(x, dy, LAYER)
        assert np.linalg.norm(dx) > 0.25
        assert np.linalg.norm(dx - dy) > 0.25 * np.linalg.norm(dx)


@pytest.mark.parametrize(
    ("args", "more", "message"),
    [
        (([1.0], [1.0]), {}, r"x: got shape \(1,\), want 2 to 8 samples"),
        (
            ([1.0, 2.0], [1.0]),
            {},
            r"dy: got .*, want one finite number per sample, shape \(2,\)",
        ),
        (([1.0, 2.0], [1.0, np.nan]), {}, "dy: got .*, want one finite number"),
        (([2.0, 2.0], [1.0, 0.0]), {}, "x: got .*, where dx is not defined"),
        (([1.0, 2.0], [1.0, 0.0]), {}, "more: got 5, want 0"),  # two samples, eps 0: dx is 0
        ((X, DY), dict(function=shift, gamma=1.0, seed=1, eps=-1.0), "eps: got -1"),
        ((X, DY), dict(guess=[1.0]), "guess: got 1 numbers, want one per sample, 3"),
        ((X, DY), dict(problem=6), "problem: got 6, want 0 to 5"),
    ],
)
def test_says_what_is_wrong(args, more, message):
    with pytest.raises(ValueError, match=message):
        PredictFigure(*args, **more)


def test_two_samples_get_nothing_back():
    figure = PredictFigure([1.0, 3.0], [0.9, -0.4], more=0, shown=True)
    bn.compare("dx", figure.dx, [0, 0], 1e-12)


# The page's model, in Node.js --------------------------------------------------------------------


def shown(*args, **parameters):
    return PredictFigure(*args, shown=True, **parameters)


def test_the_page_agrees_with_python_and_a_numeric_gradient():
    figures = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        m, layer = int(rng.integers(3, 9)), dict(gamma=rng.normal(), eps=rng.uniform(0, 1))
        x, dy, guess = rng.normal(size=(3, m))
        figures.append(shown(x, dy, more=0, guess=guess, **layer))
    for figure, there in zip(figures, analyses(*figures), strict=True):
        layer = dict(gamma=figure.gamma, beta=0.0, eps=figure.eps)
        bn.compare("dx", there["outputs"]["dx"], figure.dx, 1e-12)
        bn.compare("dx", figure.dx, numeric(figure.x, figure.dy, layer))
        apart = np.linalg.norm(np.subtract(figure.guess, figure.dx))
        assert there["reveal"]["apart"] == pytest.approx(apart)
        assert there["reveal"]["size"] == pytest.approx(np.linalg.norm(figure.dx))
        assert there["reveal"]["push"] == pytest.approx(sum(figure.guess))
        assert there["reach"] >= max(np.abs([*figure.dx, *figure.dy]))


def test_properties_are_told_only_of_a_layer_that_has_them():
    guess = [0.5, 0.5, -0.2]
    square, smoothed, mean, none = analyses(
        shown(X, DY, guess=guess),
        shown(X, DY, guess=guess, eps=0.3),
        shown(X, DY, guess=guess, function=centre),
        shown(X, DY, guess=guess, function=shift),
    )
    x_hat = bn.batch_norm(np.array(X), 1.0, 0.0, 0.0)
    cosine = np.dot(guess, x_hat) / np.linalg.norm(guess) / np.linalg.norm(x_hat)
    assert square["reveal"]["angle"] == pytest.approx(np.degrees(np.arccos(cosine)))
    assert square["reveal"]["push"] == smoothed["reveal"]["push"] == pytest.approx(0.8)
    assert "angle" not in smoothed["reveal"]  # with eps > 0 some of x_hat comes through
    assert mean["reveal"]["push"] == pytest.approx(0.8)
    assert "angle" not in mean["reveal"]
    assert "push" not in none["reveal"]


def test_nothing_is_revealed_before_it_is_shown_nor_where_it_is_not_defined():
    hidden = PredictFigure(X, DY)
    equal = shown([1.0, 1.0, 2.0], [1.0, 0.0, 0.0], more=0)
    equal.problems = [[[2.0, 2.0, 2.0], [1.0, 0.0, 0.0]]]
    for there in analyses(hidden, equal):
        assert there["reveal"] is None
        assert there["outputs"]["dx"] == []
    # And the room for the arrows is a bound for all dy of this size, so it does not tell dx
    there = analyses(*(PredictFigure(X, dy, more=0) for dy in ([1, 1, 1], [1, -1, 0.5])))
    assert not any(isinstance(one, Thrown) for one in there)
    assert there[0]["reach"] == there[1]["reach"]


# On the page -------------------------------------------------------------------------------------


def test_the_truth_is_nowhere_on_the_page_before_it_is_shown(show):
    figure = PredictFigure(X, DY, **LAYER)
    page = show(figure)
    truth = [f"{abs(v):.2f}" for v in numeric(X, DY, LAYER)]
    assert truth == ["0.86", "0.38", "0.48"]
    text = words(page)
    assert not any(v in text for v in truth)
    assert "the true" not in text
    assert "Batch 1 of 6. What is dx?" in text
    heads = page.locator("path.gradient.head")
    expect(heads).to_have_count(3)  # those of dy
    with counted(page, analysis=1):
        page.get_by_role("button", name="Show dx").click()
    expect(heads).to_have_count(6)
    text = words(page)
    assert all(v in text for v in truth)
    slider = page.get_by_role("slider", name="guess of dx₁")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("the true dx₁ = 0.86"))
    bn.compare("dx", get(page, figure, "dx"), numeric(X, DY, LAYER))
    page.get_by_role("button", name="Hide dx").click()
    expect(heads).to_have_count(3)
    assert not any(v in words(page) for v in truth)
    assert get(page, figure, "dx") == []
    assert sound(page)


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_guess_is_dragged(show, touch, width):
    figure = PredictFigure(X, DY, **LAYER)
    page = show(figure)
    page.set_viewport_size({"width": width, "height": 800})
    frame(page)
    drag(page, "guess of dx₂", -40, touch=touch)
    guess = get(page, figure, "guess")
    assert guess[0] == guess[2] == 0
    assert -2 <= guess[1] < -0.1
    assert guess[1] * 20 == pytest.approx(round(guess[1] * 20))
    assert get(page, figure, "x") == X
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_keys_alone_do_it_all(show):
    figure = PredictFigure([1, 1, 3, 3], [0, 1, 0, 1])  # dx is (-1/2, 1/2, -1/2, 1/2)
    page = show(figure)
    for i, key in enumerate(["Shift+ArrowLeft", "PageUp", "PageDown", "Shift+ArrowRight"]):
        page.get_by_role("slider", name=f"guess of dx{'₁₂₃₄'[i]}").focus()
        with counted(page, analysis=1):
            page.keyboard.press(key)
    settle(page, figure, [-0.5, 0.5, -0.5, 0.5], "guess")
    page.get_by_role("button", name="Show dx").press("Enter")
    expect(page.locator(".verdict")).to_have_text("Exactly right.")
    page.get_by_role("slider", name="guess of dx₁").press("ArrowRight")
    expect(page.locator(".verdict")).to_have_text(
        "Very close: the guess is off by 5 % of the length of dx. "
        "Your guess adds up to 0.05; every dx of this layer adds up to 0."
    )
    page.get_by_role("button", name="Next batch").press("Enter")
    settle(page, figure, [0, 0, 0, 0], "guess")
    settle(page, figure, False, "shown")
    assert get(page, figure, "x") == figure.problems[1][0]
    expect(page.locator(".verdict")).to_contain_text("Batch 2 of 6.")
    for _ in range(5):
        page.get_by_role("button", name="Next batch").press("Enter")
    expect(page.locator(".verdict")).to_contain_text("Batch 1 of 6.")


def test_says_how_far_off_and_what_is_lacking(show):
    figure = PredictFigure([1, 1, 3, 3], [0, 1, 0, 1], shown=True, more=0)
    page = show(figure)
    verdict = page.locator(".verdict")
    expect(page.get_by_role("button", name="Next batch")).to_be_hidden()
    expect(verdict).to_have_text("You guessed 0 everywhere. The true dx has the length 1.00.")
    for guess, text in {
        (0, 1, 0, 1): "Some way off: the guess is off by 100 % of the length of dx. "
        "Your guess adds up to 2.00; every dx of this layer adds up to 0.",
        (-0.5, 0.5, 0.5, -0.5): "Far off: the guess is off by 141 % of the length of dx. "
        "A guess of 0 everywhere would have been nearer. "
        "Like every dx of this layer, your guess adds up to 0 and is at right angles to x̂.",
        (-1, -1, 1, 1): "Far off: the guess is off by 224 % of the length of dx. "
        "A guess of 0 everywhere would have been nearer. "
        "Your guess is at 0° to x̂; every dx of this layer is at 90°.",
    }.items():
        put(page, figure, list(guess), "guess")
        expect(verdict).to_have_text(text)


def test_a_truth_of_nothing_is_said(show):
    figure = PredictFigure([1.0, 3.0], [0.9, -0.4], more=0, guess=[0.5, -0.5], shown=True)
    page = show(figure)
    expect(page.locator(".verdict")).to_have_text(
        "The true dx is 0: nothing comes back. Your guess has the length 0.71."
    )
    assert page.locator("path.gradient.head").count() == 2  # dy alone
    put(page, figure, [0.0, 0.0], "guess")
    expect(page.locator(".verdict")).to_have_text("Exactly right.")


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_breaks_at_the_extremes(show, width):
    figure = PredictFigure(X, DY, **LAYER)
    page = show(figure)
    page.set_viewport_size({"width": width, "height": 800})
    page.get_by_role("button", name="Show dx").click()
    for values in (
        dict(gamma=0.0),
        dict(gamma=1e6, guess=[2.0, -2.0, 2.0]),
        dict(gamma=-1e-6, eps=1e9),
        dict(gamma=1.0, eps=0.0, problems=[[[1.0, 1.0, 1.0], DY]], problem=0),
        dict(problems=[[[1e9, -1e9, 0.0], [1e9, 0.0, 1.0]]], guess=[1e9, -1e9, 1e9]),
        dict(problems=[[[1.0, 1.0, 1.0 + 1e-9], [0.0, 0.0, 0.0]]], guess=[0.0, 0.0, 0.0]),
    ):
        for name, value in values.items():
            put(page, figure, value, name)
        frame(page)
        assert sound(page), values
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    put(page, figure, [[[2.0, 2.0, 2.0], DY]], "problems")
    expect(page.locator(".verdict")).to_contain_text("dx is not defined")


def test_says_of_a_guess_only_what_every_dx_of_the_layer_has(show):
    """RMS norm subtracts no mean: its dx are at right angles to x_hat, and need not add up to 0."""

    def rms_norm(x, gamma, beta, eps):
        x_hat = x / np.sqrt((x**2).mean(axis=0) + eps)
        y = gamma * x_hat + beta
        return y

    figure = PredictFigure(
        [1, 1, 3, 3], [0, 1, 0, 1], function=rms_norm, shown=True, more=0, eps=0.0
    )
    page = show(figure)
    put(page, figure, [1, -1, 0, 0], "guess")
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Like every dx of this layer, your guess is at right angles")
    put(page, figure, [1, 2, -1, 0], "guess")  # at right angles, and adds up to 2
    expect(verdict).to_contain_text("Like every dx of this layer, your guess is at right angles")
