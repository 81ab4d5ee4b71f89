"""A page's state in its address: what a link holds, what opening it does, what it never does."""

import random

import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from node import run
from playwright.sync_api import expect
from stage import AXE, RUN_AXE, frame, get, slide, write
from test_abuse import drag_at_random, operate_at_random, press_at_random
from test_goldens import batch, depth, descent, graph, predict, training, whitening

import batchnorm as bn
from _ext.site import bundle
from batchnorm.figures.kit.link import number, packed, written

ADDRESS = "../../_ext/host/address.js"
SEED = 7
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
finite = st.floats(allow_nan=False, allow_infinity=False)


def figure_of(shown):
    """The figure in a box of `controls`, or itself."""
    return shown.children[0] if isinstance(shown, ipywidgets.Box) else shown


@given(st.lists(finite, max_size=20))
@settings(max_examples=200, deadline=None)
def test_numbers_are_written_alike_in_python_and_in_the_page(values):
    small = [float(np.clip(v, -3e38, 3e38)) for v in values]
    cases = [["reals", values], ["rows", [small]], ["past", small]]
    assert run(ADDRESS, "written", *cases) == [written(kind, value) for kind, value in cases]
    again = "({ valueFrom, written }, v) => valueFrom(written('reals', v), ['reals'], v)"
    (back,) = run(ADDRESS, again, [values])
    assert [float(v) for v in back] == [0.0 if v == 0 else v for v in values]
    assert [float(number(v)) for v in values] == values


@given(st.lists(st.floats(-1e9, 1e9, width=32), max_size=30))
@settings(max_examples=100, deadline=None)
def test_what_is_only_drawn_is_kept_to_five_digits(values):
    flat = [*values, *[0.0] * (-len(values) % 3)]
    (back,) = run(ADDRESS, "({ valueFrom }, text) => valueFrom(text, ['past', 3])", [packed(flat)])
    np.testing.assert_allclose(back, flat, rtol=1.6e-5, atol=1e-40)
    assert packed(back) == packed(flat)


KINDS = [
    *([["bool"], True], [["int", 0, 100], 3], [["real"], 1.5], [["real", 0], 0.1]),
    *([["reals"], [1.0, 2.0]], [["reals"], [[1.0], [2.0]]], [["ints", 0], [0, 1]]),
    *([["list", 3], []], [["past", 3], []], [["rows", 2], []], [["edges"], []]),
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
        "#s=1",
        "#s=",
        "&",
        "=",
        "batch.x=",
        "cut=",
        "1",
        "-1",
        "1e999",
        "0.5",
        ",",
        "%2C",
        "%",
        "NaN",
        "&at=x",
        "__proto__.x=1",
        "constructor",
        "\x00",
        "<b>",
        "AAAA",
        "Infinity",
        "0x10",
        "é",
        "_-",
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
    (folder / "open.js").write_text(bundle.open_js(), "utf8")
    head = f'<script>var bnLinkScript = "open.js";{bundle.joined("host/head.js")}</script>'
    return write(folder, *views, head=head, **options)


STATE = """([id, names]) => {
  const model = bnHost.models.get(id);
  return Object.fromEntries(names.map((name) => [name, model.get(name)]));
}"""


def state(page, figure, names):
    return page.evaluate(STATE, [figure.model_id, names])


def alike(a, b, name):
    """Holds that a trait has the same value, to 1e-12; a path that is only drawn, to 5 digits."""
    close = dict(rtol=2e-5, atol=1e-9) if name == "trail" else dict(rtol=1e-12, atol=1e-12)
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


@pytest.mark.parametrize("kind", FIGURES)
def test_after_fifty_random_moves_a_link_gives_the_same_numbers(page, browser, tmp_path, kind):
    shown = FIGURES[kind]()
    figure, rng = figure_of(shown), random.Random(f"{SEED} {kind}")
    path = folder_with_links(tmp_path, shown)
    page.goto(path.as_uri())
    page.evaluate("() => bnHost.ready")
    for _ in range(50):
        deed = rng.choice([drag_at_random] * 3 + [press_at_random] * 2 + [operate_at_random] * 5)
        deed(page, rng)
    frame(page)
    if kind == "training":
        page.wait_for_function(
            "(id) => bnHost.models.get(id).get('taken') >= bnHost.models.get(id).get('steps')",
            arg=figure.model_id,
        )
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
    expect(other.locator(".bn-opened [role=status]")).to_contain_text("the state that its link")
    if kind == "training":
        other.wait_for_function(
            "(id) => bnHost.models.get(id).get('taken') >= bnHost.models.get(id).get('steps')",
            arg=figure.model_id,
        )
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
    return page.locator(".bn-opened [role=status]")


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
    assert page.evaluate(RUN_AXE, ".bn-opened") == []
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
