"""A page's state in its address: what a link holds, what opening it does, and what it never does."""

import base64
import random
import zlib
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from node import run
from playwright.sync_api import expect
from stage import AXE, RUN_AXE, frame, get, serve, slide, write
from test_abuse import drag_at_random, operate_at_random, press_at_random
from test_goldens import batch, biased, depth, descent, graph, predict, training, weights, whitening

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
    ["#s=1", "#s=", "&", "=", "batch.x=", "cut=", "1", "-1", "1e999", "0.5", ",", "%2C", "%", "NaN"]
    + ["&at=x", "__proto__.x=1", "constructor", "\0", "<b>", "AAAA", "Infinity", "0x10", "é", "_-"]
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
    """Whether two values of a trait are the same to 1e-12; a path that is only drawn, to 5 digits."""
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
