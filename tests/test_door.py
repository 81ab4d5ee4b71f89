"""The book's first screen, the faces of its pages, and what a reader has read."""

import re
from urllib.parse import urljoin

import numpy as np
import pytest
from contents import FIGURES
from playwright.sync_api import expect
from stage import get, serve, settle

import batchnorm as bn
from batchnorm.figures import BatchFigure

X, DY = [-1.5, 0.5, 2.5], [0.9, 1.3, 0.8]
TOUR = [
    ("Move", "It has moved.", {"x": [-1.5, 1.5, 2.5]}),
    ("Cut", "It is cut.", {"flow_through_mean": False}),
    ("Step", "Three steps.", {"flow_through_mean": False, "steps": 3}),
]


def guided(**given):
    return BatchFigure(X, DY, eps=1e-3, tour=TOUR, **given)


# The figure with a tour --------------------------------------------------------------------------


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_the_switch_walks_again_along_the_other_gradient(show):
    """The outputs go where they went; only the inputs travel further, for nothing."""
    cut, whole = guided(flow_through_mean=False, steps=3), guided(steps=3)
    page = show(cut)
    expect(page.get_by_role("button", name="cut", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    press(page, "whole")
    bn.compare("x", get(page, cut, "x"), whole.x, 1e-12)
    bn.compare("y", get(page, cut, "y"), BatchFigure(cut.x, DY, eps=1e-3).y, 1e-9)
    bn.compare("trail", np.array(get(page, cut, "trail")), np.array(whole.trail), 1e-12)
    expect(page.locator(".verdict")).to_contain_text("With the whole gradient, 3 steps")
    press(page, "cut")
    settle(page, cut, False, "flow_through_mean")
    bn.compare("x", get(page, cut, "x"), cut.x, 1e-12)
    press(page, "Take a step")
    settle(page, cut, 4, "steps")
    press(page, "Reset")
    settle(page, cut, X, "x")


def test_each_stop_sets_its_state_whatever_was_before(show):
    figure = guided()
    page = show(figure)
    page.emulate_media(reduced_motion="reduce")
    wanted = {
        "Step": guided(flow_through_mean=False, steps=3),
        "Move": BatchFigure([-1.5, 1.5, 2.5], DY, eps=1e-3),
        "Cut": guided(flow_through_mean=False),
    }
    for label, there in wanted.items():
        press(page, label)
        settle(page, figure, there.steps, "steps")
        settle(page, figure, there.flow_through_mean, "flow_through_mean")
        bn.compare("x", get(page, figure, "x"), there.x, 1e-12)
        bn.compare("dx", get(page, figure, "dx"), there.dx, 1e-9)
        expect(page.get_by_role("button", name=label, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        caption = next(caption for name, caption, _ in TOUR if name == label)
        expect(page.locator(".tour-caption")).to_have_text(caption)


def test_a_sample_that_moves_arrives_and_another_stop_ends_it(show):
    figure = guided()
    page = show(figure)
    press(page, "Move")
    settle(page, figure, [-1.5, 1.5, 2.5], "x")
    both = """() => { for (const name of ["Move", "Cut"])
      [...document.querySelectorAll(".stops button")].find((b) => b.textContent === name).click();
    }"""
    page.evaluate(both)
    settle(page, figure, X, "x")
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
    assert get(page, figure, "x") == X


def test_a_stop_says_what_it_cannot_change():
    with pytest.raises(ValueError, match=r"tour: 'Grow' changes \['gamma'\]"):
        BatchFigure(X, DY, tour=[("Grow", "It grows.", {"gamma": 2.0})])


# The built book ----------------------------------------------------------------------------------


def opened(page, book, name, width=1280, height=720):
    page.set_viewport_size({"width": width, "height": height})
    page.goto((book / "chapters" / f"{name}.html").as_uri())
    page.evaluate("() => window.bnHost?.ready")
    page.evaluate("() => document.fonts.ready")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_first_screen_asks_answers_and_can_be_touched(page, book, width, height):
    opened(page, book, "start_here", width, height)
    article = page.locator(".bd-article")
    whole = [
        article.get_by_text("Why must the gradient pass"),
        article.get_by_text("Because every sample moves them"),
        article.locator(".bn-picture svg").first,
        article.get_by_role("group", name="The mean’s path"),
        article.get_by_role("button", name="Take a step"),
        article.get_by_role("button", name="Move a sample"),
    ]
    for part in whole:
        expect(part).to_be_in_viewport(ratio=0.99)
    switch = article.get_by_role("button", name="whole")
    expect(article.locator(".verdict").first).to_contain_text("path through the mean cut, 3 steps")
    switch.click()
    expect(article.locator(".verdict").first).to_contain_text("With the whole gradient, 3 steps")
    for box in (
        switch.bounding_box(),
        article.get_by_role("button", name="Take a step").bounding_box(),
    ):
        assert box["height"] >= 40


def face(path):
    html = path.read_text("utf8")
    title = re.search(r"<title>(.*?)</title>", html)[1]
    description = re.search(r'<meta name="description" content="(.*?)"', html)
    return title, description and description[1]


def test_each_page_has_a_title_and_a_description_of_its_own(book):
    faces = {path.stem: face(path) for path in (book / "chapters").glob("*.html")}
    assert faces.keys() == FIGURES.keys()
    for name, (title, description) in faces.items():
        assert title.count("Gradients Through Batch Normalization") == 1, name
        assert 20 <= len(description or "") <= 160, name
        assert not re.search(r"[\\{}<>^_]|\$", description), name
    for each in zip(*faces.values(), strict=True):
        assert len(set(each)) == len(faces)


READ = ".bd-sidebar-primary .bn-read"


@pytest.fixture
def site(book):
    with serve(book) as address:
        yield f"{address}/chapters/"


def to_the_end(page):
    page.evaluate("() => document.querySelector('.bd-article > section > :last-child')"
                  ".scrollIntoView({ block: 'end', behavior: 'instant' })")  # fmt: skip


def test_a_page_that_was_read_to_its_end_has_a_mark_and_marks_can_be_erased(page, site):
    page.goto(urljoin(site, "two_samples.html"))
    forget = page.get_by_role("button", name="Forget what I have read")
    expect(page.locator(READ)).to_have_count(0)
    expect(forget).to_be_hidden()
    to_the_end(page)
    expect(page.locator(READ)).to_have_count(1)
    page.goto(urljoin(site, "jacobian.html"))
    link = page.get_by_role("link", name="Two samples read")
    expect(link).to_have_count(1)
    expect(page.locator(READ)).to_have_count(1)
    forget.click()
    expect(page.locator(READ)).to_have_count(0)
    page.reload()
    expect(page.locator(READ)).to_have_count(0)


def test_without_storage_marks_last_until_the_page_is_left(page, site):
    page.add_init_script("""Object.defineProperty(window, "localStorage", { configurable: true,
      get() { throw new DOMException("denied", "SecurityError"); } });""")
    page.goto(urljoin(site, "jacobian.html"))
    to_the_end(page)
    expect(page.locator(READ)).to_have_count(1)
    page.get_by_role("button", name="Forget what I have read").click()
    expect(page.locator(READ)).to_have_count(0)


def test_what_to_notice_is_set_beside_what_to_try(page, book):
    opened(page, book, "two_samples")
    notes = page.locator(".bn-notes")
    expect(notes).to_have_count(2)
    for pair in notes.all():
        left, right = (half.bounding_box() for half in pair.locator("> div").all())
        assert left["x"] + left["width"] <= right["x"]
        assert abs(left["y"] - right["y"]) < 1
        assert right["x"] + right["width"] <= 1280
