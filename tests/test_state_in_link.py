"""A page's state in its address: what a link holds, what opening it does, what it never does.

EVERY_CHAPTER=1 takes fifty random moves before it makes a link, where fifteen are the rule, and
opens code from a link in a file, too.
"""

import base64
import json
import os
import random
import re
import zlib

import ipywidgets
import numpy as np
import pytest
import traitlets
from contents import FIGURES as CONTENTS
from hypothesis import given, settings
from hypothesis import strategies as st
from models import ANALYSE
from node import Thrown, run
from playwright.sync_api import expect
from stage import AXE, RUN_AXE, drag, frame, get, put, serve, slide, strict, write
from stage import STATE as WIDGETS
from test_abuse import drag_at_random, operate_at_random, press_at_random
from test_goldens import batch, depth, descent, graph, predict, training, whitening
from test_page_python import python_book  # noqa: F401

import batchnorm as bn
from _ext.site import bundle
from batchnorm.figures.kit.link import number, packed, packed_rows, written

pytestmark = pytest.mark.readers

ADDRESS = "../../_ext/host/address.js"
SEED = 7
EVERY = bool(os.environ.get("EVERY_CHAPTER"))
MOVES = 50 if EVERY else 15
FIGURES = {
    "batch": lambda: bn.controls(batch(steps=2), gamma=(0.0, 3.0), flow_through_mean=True),
    "cancellation": lambda: bn.controls(
        bn.CancellationFigure(m=8), offset=ipywidgets.FloatLogSlider(min=0, max=8), m=(2, 64)
    ),
    "depth": lambda: bn.controls(depth(), depth=(1, 3)),
    "descent": lambda: bn.controls(descent(step=3, steps=12), step=(0, 12), rate=(0.0, 2.0)),
    "graph": lambda: bn.controls(graph()[0], gamma=(0.0, 3.0), eps=(0.0, 2.0)),
    "jacobian": lambda: bn.controls(
        bn.JacobianFigure(m=4), m=(2, 16), outlier=(-10.0, 10.0), mean=True
    ),
    "predict": lambda: predict(eps=0.1),
    "running": lambda: bn.controls(
        bn.RunningFigure(steps=20, batch=4, step=3), step=(0, 19), momentum=(0.0, 1.0)
    ),
    "sphere": lambda: bn.controls(bn.SphereFigure(), gamma=(0.0, 3.0), rate=(0.0, 3.0)),
    "training": lambda: bn.controls(training(steps=4, most=20), rate=(0.02, 1.0)),
    "weight_space": lambda: bn.controls(
        bn.WeightSpaceFigure(step=4), step=(0, 100), correlation=(-0.99, 0.99, 0.01)
    ),
    "whitening": lambda: bn.controls(
        whitening(), method=ipywidgets.ToggleButtons(options=["a", "b", "c"]), batch_size=(1, 64)
    ),
}
finite = st.floats(-1e150, 1e150)


def figure_of(shown):
    """The figure in a box of `controls`, or itself."""
    return shown.children[0] if isinstance(shown, ipywidgets.Box) else shown


@given(st.lists(finite, max_size=20))
@settings(max_examples=200, deadline=None)
def test_numbers_are_written_alike_in_python_and_in_the_page(values):
    small = [float(np.clip(v, -3e38, 3e38)) for v in values]
    three = np.reshape(small[: len(small) // 3 * 3], (-1, 3)).tolist()
    cases = [[["reals"], values], [["past", 3], small], [["rows", 3], three]]
    assert run(ADDRESS, "written", *cases) == [written(kind, value) for kind, value in cases]
    again = "({ valueFrom, written }, v) => valueFrom(written(['reals'], v), ['reals'], v)"
    (back,) = run(ADDRESS, again, [values])
    assert [float(v) for v in back] == [0.0 if v == 0 else v for v in values]
    assert [float(number(v)) for v in values] == values


# Subnormal numbers, which no picture shows, lose their sign on the way
DRAWN = st.floats(-1e9, 1e9, width=32, allow_subnormal=False)


@given(st.lists(DRAWN, max_size=30))
@settings(max_examples=100, deadline=None)
def test_what_is_only_drawn_is_kept_to_five_digits(values):
    flat = [*values, *[0.0] * (-len(values) % 3)]
    (back,) = run(ADDRESS, "({ valueFrom }, text) => valueFrom(text, ['past', 3])", [packed(flat)])
    np.testing.assert_allclose(back, flat, rtol=1.6e-5, atol=1e-40)
    assert packed(back) == packed(flat)


ROWS = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.lists(DRAWN, min_size=n, max_size=n), min_size=1, max_size=100)
)


@given(ROWS)
@settings(max_examples=100, deadline=None)
def test_rows_are_kept_to_a_pixel_of_their_columns_room(rows):
    count, n = np.shape(rows)
    text = packed_rows(rows, n)
    (back,) = run(ADDRESS, "({ valueFrom }, ...it) => valueFrom(...it)", [text, ["rows", n], []])
    room = np.ptp(rows, axis=0) / (2 ** min(12, 6400 // (count * n)) - 1)
    far = np.abs(np.subtract(back, rows)) - 2.0**-16 * np.abs(rows).max(0)
    assert (far <= 0.51 * room + 1e-40).all()
    assert len(text) <= 2 + 8 * n + 1067
    assert packed_rows(back, n) == text  # a link to what a link showed is that link


KINDS = [
    *([["bool"], True], [["int", 0, 100], 3], [["real"], 1.5], [["real", 0], 0.1]),
    *([["reals"], [1.0, 2.0]], [["reals"], [[1.0], [2.0]]], [["ints", 0], [0, 1]]),
    *([["list", 3, 4], []], [["past", 3], []], [["rows", 2], []], [["edges"], []]),
]
READ = """({ parsed, valueFrom }, hash, kinds) => {
  const said = parsed(hash);
  return [said, kinds.map(([kind, now]) => (said?.entries ?? [["", hash]]).map(([, text]) => {
    const found = valueFrom(text, kind, now, (target, slot) => target < 3 && slot < 2);
    return found === undefined ? null : [found];
  }))];
}"""
PIECES = st.sampled_from(
    [
        *("#s=1", "#s=", "&", "=", "batch.x=", "cut=", "1", "-1", "1e999", "0.5", ",", "%2C", "%"),
        *("NaN", "&at=x", "__proto__.x=1", "\0", "<b>", "AAAA", "Infinity", "0x10", "é", "_-"),
    ]
)
HASHES = st.text(max_size=200) | st.lists(PIECES, max_size=12).map("".join)


def check(kind, now, value):
    """That a value which was read is one of its kind."""
    name, low, high = [*kind, None, None][:3]
    if name == "bool":
        assert value in (True, False)
        return
    flat = np.ravel(np.asarray(value, float))
    assert np.isfinite(flat).all()
    if name in ("int", "ints", "edges"):
        assert (flat == flat.round()).all()
    if name in ("int", "real", "ints", "reals"):
        assert np.shape(value) == np.shape(now)
        assert (flat >= (-np.inf if low is None else low)).all()
        assert (flat <= (np.inf if high is None else high)).all()
    else:
        assert len(flat) % (low or 2) == 0


@given(HASHES | HASHES.map(lambda text: f"#s=1&batch.x={text}"))
@settings(max_examples=400, deadline=None)
def test_whatever_stands_in_an_address_is_read_or_refused(text):
    ((said, found),) = run(ADDRESS, READ, [text, KINDS])
    if said is not None:
        assert set(said) == {"version", "entries", "at"}
    for (kind, now), values in zip(KINDS, found, strict=True):
        for value in values:
            if value is not None:
                check(kind, now, value[0])


def folder_with_links(folder, *views, **options):
    """A page like the book's, whose address says its state: `stage.write`, and what opens links."""
    (folder / "open.js").write_text(bundle.joined("host/open.js"), "utf8")
    head = f'<script>var bnLinkScript = "open.js";{bundle.joined("host/head.js")}</script>'
    return write(folder, *views, head=head, **options)


STATE = """([id, names]) => {
  const model = bnHost.models.get(id);
  return Object.fromEntries(names.map((name) => [name, model.get(name)]));
}"""


def state(page, figure, names):
    return page.evaluate(STATE, [figure.model_id, names])


def alike(a, b, name):
    """Holds that a trait has the same value, to 1e-12; a path that is only drawn, to a pixel."""
    close = dict(rtol=1e-12, atol=1e-12)
    if name == "trail":
        close = dict(rtol=2e-5, atol=2e-4 * np.ptp(a) if len(a) else 0)
    if isinstance(a, dict):
        assert a.keys() == b.keys(), name
        for key in a:
            alike(a[key], b[key], f"{name}.{key}")
    elif a is None or isinstance(a, str):
        assert a == b, name
    else:
        np.testing.assert_allclose(
            np.asarray(a, float), np.asarray(b, float), **close, err_msg=name
        )


# What a figure says while it trains; `taken` and all else it hands back are of the last rest
TRAINING = re.compile("^Training")
CHANGED = """() => [...bnHost.models.values()].some(
  (model) => model.changes && Object.keys(model.changes()).length)"""


def move_at_random(page, rng, deeds):
    """Does so many of these things, and goes on until there is something for a link to hold."""
    done = 0
    while done < MOVES or (done < 50 and not page.evaluate(CHANGED)):
        rng.choice(deeds)(page, rng)
        done += 1
    frame(page)


def change_the_rest(page, figure):
    """Changes the switches and numbers that are as they were published."""
    changed = page.evaluate("(id) => bnHost.models.get(id).changes()", figure.model_id)
    for name, (kind, *_) in figure._link.items():
        if name not in changed and kind in ("bool", "real", "reals"):
            now = get(page, figure, name)
            number = np.array(now) * 0.75 + 0.1
            put(page, figure, not now if kind == "bool" else number.tolist(), name)


@pytest.mark.parametrize("kind", FIGURES)
def test_after_random_moves_a_link_gives_the_same_numbers(page, browser, tmp_path, kind):
    shown = FIGURES[kind]()
    figure, rng = figure_of(shown), random.Random(f"{SEED} {kind}")
    path = folder_with_links(tmp_path, shown)
    page.goto(path.as_uri())
    page.evaluate("() => bnHost.ready")
    deeds = [drag_at_random] * 3 + [press_at_random] * 2 + [operate_at_random] * 5
    move_at_random(page, rng, deeds)
    change_the_rest(page, figure)
    frame(page)
    expect(page.locator(".verdict").filter(has_text=TRAINING)).to_have_count(0)
    names = sorted({*figure._link, *figure.outputs} - {"_losses"})
    before = state(page, figure, names)
    link = page.evaluate("(id) => bnHost.link(bnHost.models.get(id))", figure.model_id)
    assert link.startswith(f"{path.as_uri()}#s=1&{kind.replace('_', '')}.")
    assert len(link) - len(path.as_uri()) < 2000
    changed = page.evaluate("(id) => bnHost.models.get(id).changes()", figure.model_id)
    assert set(changed) <= set(figure._link)

    context = browser.new_context()
    other = context.new_page()
    other.goto(link)
    expect(other.locator(".bn-link-notice [role=status]")).to_contain_text("state that its link")
    frame(other)
    expect(other.locator(".verdict").filter(has_text=TRAINING)).to_have_count(0)
    after = state(other, figure, names)
    context.close()
    for name in names:
        alike(before[name], after[name], name)
    with figure.hold_trait_notifications():
        for name in sorted(changed, key=lambda name: name == "entry"):
            setattr(figure, name, before[name])
    base, _, written_by_python = figure.link(path.as_uri()).partition("#")
    assert f"{base}#{written_by_python}" == link


@pytest.fixture
def opened(page, tmp_path):
    """opened(end of the address, *views): a page like the book's, at that address."""

    def opened(end, *views, **options):
        page.goto("about:blank")
        page.goto(folder_with_links(tmp_path, *views, **options).as_uri() + end)
        page.evaluate("() => bnHost.ready")
        return page

    return opened


def said(page):
    return page.locator(".bn-link-notice [role=status]")


def two_figures():
    """Two figures of a kind, the second with a slider."""
    second = batch([1.0, 2.0], [0.5, 0.25])
    return batch(), bn.controls(second, gamma=(0.0, 3.0)), second


def test_opening_restores_says_so_and_leads_back(opened):
    first, box, second = two_figures()
    above = '<h1>Page</h1><p style="height: 3000px">Text</p>'
    end = "#s=1&batch-2.gamma=2.5&batch-2.x=1,3.5&batch-2.flow_through_mean=0&at=batch-2"
    page = opened(end, first, box, above=above)
    expect(said(page)).to_have_text("This page is in the state that its link holds.")
    expect(said(page)).to_be_in_viewport()
    assert [get(page, second, n) for n in ("gamma", "x", "flow_through_mean")] == [
        *(2.5, [1, 3.5], False)
    ]
    assert page.get_by_role("textbox").last.input_value() == "2.50"
    assert get(page, first, "x") == first.x
    page.evaluate(AXE.read_text("utf8"))
    assert page.evaluate(RUN_AXE, ".bn-link-notice") == []
    page.get_by_role("button", name="Show the published state").click()
    expect(said(page)).to_have_text("This page is as it was published.")
    assert [get(page, second, n) for n in ("gamma", "x")] == [second.gamma, second.x]
    assert "gamma" not in page.url
    page.go_back()
    page.wait_for_function(
        "(id) => bnHost.models.get(id).get('gamma') === 2.5", arg=second.model_id
    )
    page.reload()
    expect(said(page)).to_have_text("This page is in the state that its link holds.")
    assert get(page, second, "x") == [1, 3.5]


def test_back_steps_through_presses_and_not_through_a_drag(opened):
    _, box, figure = two_figures()
    page = opened("#place", box, above='<h2 id="place">Place</h2>')
    entries = "() => history.length"
    start = page.evaluate(entries)
    for value in (1.0, 1.5, 2.0):
        slide(page, "scale γ", value)
    page.wait_for_function("() => location.hash === '#s=1&batch.gamma=2&at=place'")
    assert page.evaluate(entries) == start
    step = page.get_by_role("button", name="Take a step")
    step.click()
    page.wait_for_function("() => location.hash.includes('batch.steps=1')")
    slide(page, "scale γ", 0.5)
    step.click()
    page.wait_for_function("() => location.hash.includes('batch.steps=2')")
    assert page.evaluate(entries) == start + 2
    wanted = (
        "([id, steps, gamma]) => { const m = bnHost.models.get(id);"
        " return m.get('steps') === steps && m.get('gamma') === gamma }"
    )
    for go, steps, gamma in [
        *((page.go_back, 1, 0.5), (page.go_back, 0, 2), (page.go_forward, 1, 0.5)),
        *((page.go_forward, 2, 0.5), (page.go_back, 1, 0.5), (page.go_back, 0, 2)),
    ]:
        go()
        page.wait_for_function(wanted, arg=[figure.model_id, steps, gamma])
    assert "batch.gamma=2&at=place" in page.url
    slide(page, "scale γ", figure.gamma)
    page.wait_for_function("() => location.hash === '#place'")


def test_a_link_to_the_page_that_is_open_is_opened(opened):
    first, _, _ = two_figures()
    page = opened("", first)
    page.evaluate("() => { location.hash = '#s=1&batch.gamma=0.25&at=batch'; }")
    expect(said(page)).to_contain_text("state that its link holds")
    assert get(page, first, "gamma") == 0.25
    page.evaluate("() => { location.hash = '#s=1&batch.eps=0.5'; }")
    page.wait_for_function("(id) => bnHost.models.get(id).get('eps') === 0.5", arg=first.model_id)
    assert get(page, first, "gamma") == first.gamma
    page.evaluate("() => { location.hash = '#section'; }")  # as a list of contents does
    page.wait_for_function("() => location.hash === '#s=1&batch.eps=0.5&at=section'")
    assert get(page, first, "eps") == 0.5


HOSTILE = {
    "#s=1&batch.gamma=x": "Nothing in this link fits this page: batch.gamma.",
    "#s=1&batch.eps=-1&batch.steps=0.5&batch.x=1,2&batch.dy=&batch.cut=0,0&batch.trail=AA": (
        "Nothing in this link fits this page: batch.eps, batch.steps, batch.x and 3 more."
    ),
    "#s=1&batch.graph=1&batch.start=1&batch.tour=1": "batch.graph, batch.start, batch.tour.",
    "#s=1&batch.__proto__=1&__proto__.x=1&batch.constructor=1&batch.x.y=1": "and 1 more.",
    "#s=1&batch.gamma=1e999&nobody.x=1&batch-3.x=1&at=nowhere": "batch.gamma, nobody.x, batch-3.x",
    "#s=1&cell1=AAAA": "Nothing in this link fits this page: cell1.",
    "#s=2&batch.gamma=2": "made by a later version of this book",
    "#s=99999999999": "This link is damaged",
    "#s=1&batch.gamma=2&%": "This link is damaged",
    "#s=<img src=x onerror=alert(1)>": "This link is damaged",
    "#s=1&<b>=1": "This link is damaged",
    f"#s=1&batch.x={'1,' * 30_000}1": "This link is damaged",
}


@pytest.mark.parametrize(("end", "words"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_what_does_not_fit_does_nothing_but_is_said(opened, end, words):
    figure, _, _ = two_figures()
    page = opened(end, figure)
    expect(said(page)).to_contain_text(words)
    assert page.locator("main :is(b, img)").count() == 0
    assert page.evaluate("(id) => bnHost.models.get(id).changes()", figure.model_id) == {}


def test_what_fits_is_set_and_the_rest_is_named(opened):
    figure, _, _ = two_figures()
    page = opened("#s=1&batch.gamma=0.75&batch.eps=-1", figure)
    expect(said(page)).to_have_text(
        "This page is in the state that its link holds. "
        "Left out, because it does not fit this page: batch.eps."
    )
    assert [get(page, figure, n) for n in ("gamma", "eps")] == [0.75, figure.eps]


def test_a_link_may_lead_to_a_section(opened):
    figure, _, _ = two_figures()
    above = '<div style="height: 3000px"></div><section id="far"><h2>Far</h2>Text</section>'
    page = opened("#s=1&batch.gamma=0.75&at=far", figure, above=above)
    expect(page.get_by_role("heading", name="Far")).to_be_in_viewport()
    expect(said(page)).to_be_in_viewport()


def test_a_link_is_opened_as_it_was_though_the_page_changes_meanwhile(page, tmp_path):
    figure, _, _ = two_figures()
    folder_with_links(tmp_path, figure)
    waiting = []
    page.route("**/open.js", lambda route: waiting.append(route))
    with serve(tmp_path) as home:
        page.goto(f"{home}/page.html#s=1&batch.gamma=0.75", wait_until="commit")
        page.wait_for_function("() => globalThis.bnHost")
        put(page, figure, 0.125, "beta")
        page.wait_for_function("() => location.hash === '#s=1&batch.beta=0.125'")
        while not waiting:
            frame(page)
        waiting[0].continue_()
        expect(said(page)).to_contain_text("state that its link holds")
        assert [get(page, figure, name) for name in ("gamma", "beta")] == [0.75, figure.beta]


def test_what_a_jslink_carries_over_is_said_once(opened):
    first, second = batch(), batch(gamma=0.5)
    links = [ipywidgets.jslink((first, name), (second, name)) for name in ("x", "trail", "steps")]
    page = opened("", first, second, also=links)
    page.get_by_role("button", name="Take a step").last.click()
    page.wait_for_function("() => location.hash.includes('batch.steps=1')")
    link = page.evaluate("() => bnHost.link()")
    assert "batch.x=" in link
    assert "batch-2" not in link
    moved = get(page, second, "x")
    page = opened(f"#{link.partition('#')[2]}", first, second, also=links)
    expect(said(page)).to_contain_text("state that its link holds")
    assert get(page, first, "x") == get(page, second, "x") == moved


def test_a_page_that_opens_no_links_leaves_its_address_alone(show):
    figure, box, _ = two_figures()
    page = show(figure, box)
    page.get_by_role("button", name="Take a step").first.click()
    page.wait_for_function("() => Object.keys(history.state?.bn?.models ?? {}).length")
    assert "#" not in page.url
    assert page.evaluate("() => bnHost.link === undefined")


PAGE = "chapters/two_samples.html"
WAIT = 60_000  # milliseconds: a busy machine is slow, not broken


def code(source):
    """A cell's source as a link holds it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = packer.compress(source.encode()) + packer.flush()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def cell(page, number):
    return page.locator(".cell:has(.bn-run)").nth(number - 1)


def press(page, name, number):
    page.get_by_role("button", name=f"{name} cell {number}", exact=True).click()


KERNEL = "() => globalThis.bnPython?.kernel.status.state"
KEPT = "() => localStorage.getItem(`bn-cells:${location.pathname}`)"


@pytest.fixture(params=["http", "file"] if EVERY else ["http"])
def address(request, python_book):  # noqa: F811
    """Where the book is, under its policy or as a folder."""
    if request.param == "file":
        yield python_book.as_uri()
        return
    with serve(strict(python_book)) as home:
        yield home


def test_code_from_a_link_is_shown_as_someone_else_s_and_runs_only_when_pressed(page, address):
    held = code("print(6 * 7)\nx = np.array([1.0, 3.0])")
    page.goto(f"{address}/{PAGE}#s=1&cell2={held}&at=cell2")
    second, third = cell(page, 2), cell(page, 3)
    expect(said(page)).to_contain_text("Cell 2 holds code that came with the link", timeout=WAIT)
    expect(second.locator(".cm-content")).to_contain_text("print(6 * 7)")
    expect(second.get_by_role("note")).to_contain_text("Nobody has run it here")
    expect(second.get_by_role("note")).to_be_in_viewport()
    page.locator("details.hide > summary").evaluate_all("(all) => all.forEach((s) => s.click())")
    press(page, "Run", 3)
    expect(third.locator(".bn-status")).to_contain_text("Not run: cell 2, above, holds code")
    second.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" # mine")
    expect(second.locator(".bn-status")).to_contain_text("Code from the link, but not run yet.")
    expect(second.get_by_role("note")).to_be_visible()
    assert page.evaluate(KEPT) is None
    expect(second.locator(".bn-live")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(second.locator(".bn-live")).to_contain_text("42", timeout=WAIT)
    expect(second.get_by_role("note")).to_have_count(0)
    assert "# mine" in page.evaluate(KEPT)
    page.wait_for_function("(old) => !location.hash.includes(old)", arg=held)
    page.reload()
    expect(second.locator("pre").first).to_contain_text("# mine", timeout=WAIT)
    expect(second.get_by_role("note")).to_have_count(0)  # now it is the reader's own


def test_what_a_link_brought_is_taken_away_again(page, python_book):  # noqa: F811
    page.goto((python_book / PAGE).as_uri())
    page.evaluate("""() => localStorage.setItem(`bn-cells:${location.pathname}`, JSON.stringify(
      { [document.querySelectorAll(".cell_input pre")[1].textContent.trimEnd()]: "own = 1" }))""")
    page.goto("about:blank")
    page.goto(f"{(python_book / PAGE).as_uri()}#s=1&cell2={code('theirs = 2')}&batch.gamma=0.5")
    second = cell(page, 2)
    expect(second.locator(".cm-content")).to_have_text("theirs = 2", timeout=WAIT)
    second.get_by_role("button", name="Remove the link's code from cell 2").click()
    expect(second.locator(".cm-content")).to_have_text("own = 1")
    assert "own = 1" in page.evaluate(KEPT)
    assert "theirs" not in page.evaluate(KEPT)
    page.get_by_role("button", name="Show the published state").click()
    expect(said(page)).to_have_text("This page is as it was published.")
    page.wait_for_function("() => !location.hash.includes('gamma')")


def test_the_workbench_does_not_follow_a_link_s_code_before_it_is_run(page, python_book):  # noqa: F811
    theirs = "def theirs(x, gamma=2.0):\n    shift = x.mean(axis=0)\n    return gamma * (x - shift)"
    end = f"#s=1&cell2={code(theirs)}&at=cell2"
    page.goto((python_book / "chapters/workbench.html").as_uri() + end)
    second = cell(page, 2)
    expect(second.get_by_role("note")).to_be_visible(timeout=WAIT)
    second.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" + 1")
    page.evaluate("() => new Promise((go) => setTimeout(go, 200))")  # longer than it waits for keys
    assert page.evaluate(KERNEL) == "off"
    press(page, "Run", 2)
    expect(page.locator(".bn-figure .node .name").filter(has_text="shift")).to_have_count(
        1, timeout=WAIT
    )
    expect(second.get_by_role("note")).to_have_count(0)


def test_a_reader_s_page_is_copied_into_another_browser(browser, python_book):  # noqa: F811
    with serve(strict(python_book)) as home:
        mine = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = mine.new_page()
        loaded = []
        page.on("request", lambda request: loaded.append(request.url))
        page.goto(f"{home}/{PAGE}")
        page.evaluate("() => bnHost.ready")
        assert not any("open.js" in url for url in loaded)
        press(page, "Edit", 3)
        cell(page, 3).locator(".cm-content").click()
        page.keyboard.press("Control+End")
        page.keyboard.type("\nmine = '<b>é</b>'")
        page.get_by_role("button", name="Take a step").first.click()
        both = "() => ['.steps=1', '&cell3='].every((part) => location.hash.includes(part))"
        page.wait_for_function(both)
        page.get_by_role("button", name="Copy a link to this page as it is").click()
        expect(page.locator(".bn-toast")).to_contain_text("Copied")
        link = page.evaluate("() => navigator.clipboard.readText()")
        assert link == page.url
        assert len(link) < 2000
        theirs = browser.new_context()
        other = theirs.new_page()
        other.goto(link)
        expect(said(other)).to_contain_text("Cell 3 holds code", timeout=WAIT)
        expect(cell(other, 3).locator(".cm-content")).to_contain_text("mine = '<b>é</b>'")
        values = "() => [...bnHost.figures()].map(([key, model]) => [key, model.changes()])"
        assert other.evaluate(values) == page.evaluate(values)
        for context in (mine, theirs):
            context.close()


@pytest.mark.parametrize("name", ["computation_graph", "relatives", "depth", "whitening"])
def test_a_whole_page_after_random_moves_fits_into_a_link(browser, book, name):
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
    page, other = (context.new_page() for context in contexts)
    rng = random.Random(f"{SEED} {name}")
    page.goto((book / "chapters" / f"{name}.html").as_uri())
    page.evaluate("() => bnHost.ready")
    move_at_random(page, rng, [drag_at_random, press_at_random, operate_at_random])
    link = page.evaluate("() => bnHost.link()")
    assert len(link.partition("#")[2]) < 2000
    other.goto(link)
    expect(said(other)).to_contain_text("state that its link holds", timeout=WAIT)
    values = """() => [...bnHost.figures().values()].map((model) => Object.fromEntries(
      [...Object.keys(model.get("_link")), "dx", "x", "y", "factors"]
        .filter((name) => model.get(name) !== undefined).map((name) => [name, model.get(name)])))"""
    frame(other)
    for mine, theirs in zip(page.evaluate(values), other.evaluate(values), strict=True):
        for trait in mine:
            alike(mine[trait], theirs[trait], trait)
    for context in contexts:
        context.close()


def a_number(rng, low, high):
    """A number in a range: its ends, extremes, or one between."""
    low, high = (-1e150 if low is None else low), (1e150 if high is None else high)
    some = [low, high, 0, 1, -1, 0.5, 1e-300, 1e9, -1e9, 1e150, 1e300, rng.uniform(-5, 5)]
    return rng.choice([v for v in some if low <= v <= high])


def shaped(now, make):
    return [shaped(part, make) for part in now] if isinstance(now, list) else make()


def a_value(rng, kind, now):
    """Any value that a link may give a trait."""
    name, low, high = [*kind, None, None][:3]
    groups = range(rng.randint(0, 5))
    if name == "bool":
        return rng.random() < 0.5
    if name in ("int", "ints"):
        return shaped(now, lambda: int(a_number(rng, low, min(high or 2**53, 2**53 - 1))))
    if name in ("real", "reals"):
        return shaped(now, lambda: a_number(rng, low, high))
    if name == "list":
        return [v for _ in groups for v in (rng.randrange(high), *[a_number(rng, None, None)] * 2)]
    rows = [[rng.choice([0.0, 1.0, 3e38, -3e38]) for _ in range(low)] for _ in groups if low]
    return rows if name == "rows" else [v for row in rows for v in row]


def the_longest(kind, now, edges):
    """The value of a trait that takes the most room in a link."""
    name, low, high = [*kind, None, None][:3]
    if name in ("real", "reals"):
        real = 1.2345678901234567e-100 if low is None or low < 1e-9 else (low + high) / 3
        return np.full(np.shape(now), -real if low is None else real)
    if name in ("bool", "int", "ints"):
        return np.full(np.shape(now), high or 2**53 - 1)
    if name == "list":  # as it is dragged: see whitening/figure.js
        return [[i, -999.123, -999.123] for i in range(high)]
    return {"edges": edges, "past": [1 / 3] * 180, "rows": [[1 / 3] * (low or 1)] * 100}[name]


@pytest.mark.parametrize("kind", FIGURES)
def test_the_longest_link_has_less_than_2000_characters(kind):
    figure = figure_of(FIGURES[kind]())
    if kind == "batch":
        figure = batch(np.arange(8.0), np.ones(8))
    graph = json.loads(getattr(figure, "graph", '{"nodes": []}'))
    nodes = enumerate(graph["nodes"])
    edges = [[i, slot] for i, node in nodes for slot in range(len(node.get("inputs", [])))]
    key, said = f"{kind.replace('_', '')}-2", ""
    for name, how in figure._link.items():
        value = the_longest(how, getattr(figure, name), edges)
        said += f"&{key}.{name}={written(how, value)}"
    assert len(f"#s=1{said}&at={key}") < 2000


SHORTEST = """async ({ shortHash, written, parsed, valueFrom }, traits) => {
  const read = (room) => traits.map(([key, kind, value]) => [key, written(kind, value, room)]);
  const hash = shortHash(read, traits.at(-1)[0].split(".")[0]);
  const { entries } = parsed(hash);
  const back = traits.map(([, kind, value], i) =>
    valueFrom(entries[i][1], kind, value, () => true));
  return [hash, back];
}"""


def test_the_longest_link_to_each_page_has_less_than_2000_characters(book):
    """Every trait of all of a page's figures changed, to what takes the most room."""
    shared = set()
    for name in filter(CONTENTS.get, CONTENTS):
        traits = []
        text = (book / "chapters" / f"{name}.html").read_text("utf8")
        found = re.search(f'<script type="{re.escape(WIDGETS)}">(.+?)</script>', text, re.DOTALL)
        states = [model["state"] for model in json.loads(found[1])["state"].values()]
        for k, values in enumerate(values for values in states if values.get("_link")):
            nodes = json.loads(values.get("graph", '{"nodes": []}'))["nodes"]
            edges = [
                [i, slot]
                for i, node in enumerate(nodes)
                for slot in range(len(node.get("inputs", [])))
            ]
            key = values["_anywidget_id"].split(".")[-1].removesuffix("Figure").lower()
            for trait, how in values["_link"].items():
                value = np.array(the_longest(how, values[trait], edges)).tolist()
                traits.append([f"{key}-{k + 2}.{trait}", how, value])
        ((hash_, back),) = run(ADDRESS, SHORTEST, [traits])
        assert len(hash_) < 2000, name
        for (key, (kind, *_), value), read in zip(traits, back, strict=True):
            if kind == "rows":
                np.testing.assert_allclose(read, value, rtol=2e-5, err_msg=key)
        full = "&".join(f"{key}={written(how, value)}" for key, how, value in traits)
        shared |= {name} if len(full) > 2000 else set()
    assert shared == {"paths", "relatives", "without_it"}  # else it tests less than it seems to


@pytest.mark.parametrize("room", [6400, 3000, 1700, 900])
def test_a_trail_is_as_fine_as_its_room_allows(room):
    rng = np.random.default_rng(SEED)
    code = """({ written, valueFrom }, rows, room) =>
      valueFrom(written(["rows", 4], rows, room), ["rows", 4], [])"""
    for count in (1, 2, 50, 100):
        rows = rng.normal(size=(count, 4))
        (back,) = run(ADDRESS, code, [rows.tolist(), room])
        size = min(12, room // rows.size)
        apart = np.abs(np.array(back) - rows)
        assert (apart <= 0.51 * np.ptp(rows, axis=0) / (2**size - 1) + 1e-4).all()


def test_a_dragged_point_is_short_in_a_link(show):
    figure = bn.WhiteningFigure()
    page = show(figure)
    for _ in range(3):
        drag(page, page.locator(".bn-figure [role=slider]").first, 17, 11)
    moved = get(page, figure, "moved")
    assert moved
    assert moved == [round(v, 3) for v in moved]


@pytest.mark.parametrize("kind", FIGURES)
def test_whatever_a_link_may_say_breaks_no_figure_s_model(kind):
    figure, rng = figure_of(FIGURES[kind]()), random.Random(SEED)
    inputs = {name: getattr(figure, name) for name in figure.inputs}
    packed = [name for name, value in inputs.items() if isinstance(value, bytes)]
    inputs |= {name: list(inputs[name]) for name in packed}
    few = {name: kind for name, kind in figure._link.items() if (name, kind[0]) != ("cut", "edges")}
    few = {name: kind for name, kind in few.items() if kind[0] != "int" or kind[-1] != 100_000}
    cases = []
    for _ in range(80):
        some = {name: how for name, how in few.items() if rng.random() < 0.5}
        said = {name: a_value(rng, how, inputs[name]) for name, how in some.items()}
        cases.append([inputs | said, packed])
    results = run(f"figures/{kind}/model.js", f"(...a) => {{ ({ANALYSE})(...a); }}", *cases)
    assert [result for result in results if isinstance(result, Thrown)] == []


@pytest.mark.parametrize("kind", FIGURES)
def test_the_ranges_that_a_link_knows_are_those_of_python(kind):
    figure = figure_of(FIGURES[kind]())
    figure._from_page = True  # what follows from the inputs is not asked here
    for name, (what, *ends) in figure._link.items():
        nearest = (kind, name) == ("depth", "batch")  # of those there are
        if what not in ("int", "real") or nearest:
            continue
        low, high = [*ends, None, None][:2]
        for end, beyond in ((low, -1), (high, 1)):
            if end is None:
                continue
            setattr(figure, name, end)
            if (kind, name) == ("batch", "steps"):
                continue  # Python takes what it is given
            step = beyond if what == "int" else beyond * max(abs(end) * 1e-6, 1e-12)
            with pytest.raises((ValueError, traitlets.TraitError)):
                setattr(figure, name, end + step)
            setattr(figure, name, end)
