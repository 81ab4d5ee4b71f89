"""The graph's figure: Python and page agree whatever is cut; keys, mouse and touch; every width."""

import json
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest
from programs import net, net_inputs, normalise_by_raw_moment
from stage import frame, get, put, write

import batchnorm as bn
from batchnorm.figures.graph_figure import Nested
from batchnorm.graph_words import drawn_edges

X, DY = np.array([1.0, -0.5, 2.2]), np.array([0.8, -1.1, 0.4])
LAYER = dict(x=X, gamma=1.5, beta=0.5, eps=0.1)
RNG = np.random.default_rng(0)
WIDE = RNG.normal(size=(6, 3))


def by_sample(x1, x2, gamma):
    mu = (x1 + x2) / 2
    c1 = x1 - mu
    c2 = x2 - mu
    s = np.sqrt((c1 * c1 + c2 * c2) / 2 + 0.1)
    y1 = gamma * (c1 / s)
    y2 = gamma * (c2 / s)
    return y1, y2


def tiny(x):
    y = 2 * x
    return y


FIGURES = {
    "layer": lambda: bn.GraphFigure(bn.batch_norm, dy=DY, **LAYER),
    "features": lambda: bn.GraphFigure(
        bn.batch_norm,
        x=WIDE,
        gamma=np.array([1.5, 0.5, 2]),
        beta=np.ones(3),
        dy=RNG.normal(size=(6, 3)),
    ),
    "samples": lambda: bn.GraphFigure(by_sample, x1=1.0, x2=-0.7, gamma=1.5, dy=[0.8, -1.1]),
    "raw moment": lambda: bn.GraphFigure(normalise_by_raw_moment, x=X, dy=DY),
    "tiny": lambda: bn.GraphFigure(tiny, x=3.0, dy=0.5),
}


def names(figure):
    return list(figure._graph.inputs)


def edges(figure):
    return drawn_edges(figure._graph)


def things(page, kind, name=""):
    role = {"edge": "switch", "node": "img"}[kind]
    return page.locator(f"[role={role}]" + (f'[aria-label^="{name}"]' if name else ""))


def told(page):
    """All that the page shows or tells a screen reader."""
    labels = page.evaluate(
        "() => [...document.querySelectorAll('[aria-label]')].map(e => e.ariaLabel)"
    )
    return " ".join(
        [page.inner_text("body"), *page.locator("svg text").all_text_contents(), *labels]
    )


def assert_page_agrees(page, figure, cut):
    """The page's gradients are those of Python's own backward pass with these edges cut."""
    graph = figure._graph
    inputs = {name: np.asarray(get(page, figure, name)) for name in names(figure)}
    dy = np.asarray(get(page, figure, "dy"))
    want = graph.forward(**inputs).backward(dy, cut=cut)
    true = graph.forward(**inputs).backward(dy)
    errors = get(page, figure, "errors")
    for name in names(figure):
        got = np.asarray(get(page, figure, f"d{name}"))
        assert got.shape == np.shape(want[name])
        np.testing.assert_allclose(got, want[name], rtol=1e-9, atol=1e-12)
        worst = np.abs(want[name] - true[name]).max()
        np.testing.assert_allclose(errors[name], worst, rtol=1e-9, atol=1e-12)


# In Python ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FIGURES)
def test_python_gives_the_graphs_own_gradients(kind):
    figure = FIGURES[kind]()
    graph = figure._graph
    run = graph.forward(**{name: np.asarray(getattr(figure, name)) for name in names(figure)})
    for edge in [None, *edges(figure)]:
        figure.cut = [edge] if edge else []
        want = run.backward(np.asarray(figure.dy), cut=[edge] if edge else [])
        for name in names(figure):
            np.testing.assert_array_equal(getattr(figure, f"d{name}"), want[name])


def test_the_layer_agrees_with_the_layer():
    figure = FIGURES["layer"]()
    _, cache = bn.forward(X[:, None], np.array([1.5]), np.array([0.5]), 0.1)
    dx, dgamma, dbeta = bn.backward(DY[:, None], cache)
    assert bn.agree("dx", np.asarray(figure.dx), dx[:, 0])
    assert bn.agree("dgamma", np.asarray(figure.dgamma), dgamma[0])
    assert bn.agree("dbeta", np.asarray(figure.dbeta), dbeta[0])
    assert figure.errors == dict.fromkeys(LAYER, 0.0)


def test_a_cut_is_named_as_in_the_graph():
    figure = bn.GraphFigure(bn.batch_norm, dy=DY, cut="mu", **LAYER)
    graph = figure._graph
    assert figure.cut == [list(edge) for edge in graph.cut("mu")]
    constant_mean = X.mean()
    by_hand = bn.numeric_gradient(
        lambda x: 1.5 * (x - constant_mean) / np.sqrt(((x - constant_mean) ** 2).mean() + 0.1),
        X,
        DY,
    )
    assert bn.agree("dx", np.asarray(figure.dx), by_hand)
    assert figure.errors["x"] == pytest.approx(np.abs(by_hand - FIGURES["layer"]().dx).max())
    figure.cut = ["s->x_hat", "beta"]
    assert figure.cut == [list(edge) for edge in sorted(graph.cut(["s->x_hat", "beta"]))]
    assert figure.dbeta == 0


def test_follows_what_python_sets():
    figure = FIGURES["layer"]()
    figure.x = np.array([0.0, 1.0, 5.0])
    figure.dy = [1, 2, 3]
    want = figure._graph.forward(**{**LAYER, "x": np.array([0.0, 1, 5])}).backward(
        np.array([1.0, 2, 3])
    )
    np.testing.assert_array_equal(figure.dx, want["x"])
    assert figure.x == [0.0, 1.0, 5.0]


def test_what_is_not_defined_is_empty():
    figure = FIGURES["layer"]()
    figure.eps = 0
    figure.x = [2, 2, 2]
    assert figure.dx == figure.dgamma == []
    assert figure.errors == {}


def test_forty_nodes_are_laid_out():
    inputs = net_inputs(np.random.default_rng(1))
    figure = bn.GraphFigure(net, dy=1.0, **inputs)
    drawn = json.loads(figure.picture)
    assert 35 <= len(drawn["nodes"]) <= 48
    for a in drawn["nodes"]:
        for b in drawn["nodes"]:
            if a is not b and a["rank"] == b["rank"]:
                assert a["y"] + a["h"] <= b["y"] + 1e-6 or b["y"] + b["h"] <= a["y"] + 1e-6
    at = {node["node"]: node["rank"] for node in drawn["nodes"]}
    assert all(at[edge["source"]] < at[edge["target"]] for edge in drawn["edges"])


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"dy: got shape \(2,\), want \(3,\)"):
        bn.GraphFigure(bn.batch_norm, dy=[1.0, 2.0], **LAYER)
    with pytest.raises(ValueError, match=r"dy: got .*, want finite numbers"):
        bn.GraphFigure(bn.batch_norm, dy=[1.0, np.nan, 2.0], **LAYER)
    with pytest.raises(ValueError, match=r"x: got .*, want finite numbers"):
        bn.GraphFigure(bn.batch_norm, dy=DY, **{**LAYER, "x": np.array([1, np.inf, 2])})
    with pytest.raises(ValueError, match=r"cut: .*sigma"):
        bn.GraphFigure(bn.batch_norm, dy=DY, cut="sigma", **LAYER)
    with pytest.raises(ValueError, match="keys: the figure needs this name"):
        bn.GraphFigure(lambda keys: 2 * keys, dy=1.0, keys=2.0)
    with pytest.raises(ValueError, match="y: the figure needs this name"):
        bn.GraphFigure(lambda y: 2 * y, dy=1.0, y=2.0)
    with pytest.raises(ValueError, match="one shape"):
        bn.GraphFigure(lambda x: (2 * x, x.sum()), dy=[1.0, 2.0], x=X)

    def long(x):
        for _ in range(60):
            x = 2 * x
        return x

    with pytest.raises(ValueError, match="its graph has 61 nodes"):
        bn.GraphFigure(long, dy=1.0, x=1.0)
    figure = FIGURES["layer"]()
    with pytest.raises(ValueError, match=r"x: got shape \(2,\), want \(3,\)"):
        figure.x = [1, 2]
    with pytest.raises(ValueError, match="step: got -1"):
        figure.step = -1
    with pytest.raises(ValueError, match="cut: the graph has no edge"):
        figure.cut = [[99, 0]]


def test_traits_of_one_figure_are_its_own():
    a, b = FIGURES["layer"](), FIGURES["tiny"]()
    assert isinstance(a, bn.GraphFigure)
    assert not b.has_trait("gamma")
    assert not bn.GraphFigure.class_traits().keys() & {"x", "dx"}
    assert isinstance(a.traits()["x"], Nested)
    assert repr(b) == "GraphFigure(x=3.0, dy=0.5)"


# On the page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FIGURES)
def test_cutting_any_edge_gives_pythons_gradients(show, kind):
    figure = FIGURES[kind]()
    page = show(figure)
    assert_page_agrees(page, figure, [])
    switches = things(page, "edge")
    assert switches.count() == len(edges(figure))
    for i, edge in enumerate(edges(figure)):
        switches.nth(i).press("Enter")
        assert get(page, figure, "cut") == [list(edge)]
        assert switches.nth(i).get_attribute("aria-checked") == "false"
        assert_page_agrees(page, figure, [edge])
        switches.nth(i).press(" ")
        assert get(page, figure, "cut") == []
    for i in range(len(edges(figure))):
        switches.nth(i).press("Enter")
    assert_page_agrees(page, figure, edges(figure))


@pytest.mark.parametrize(("press", "width"), [("click", 1280), ("tap", 360)])
def test_every_edge_can_be_hit(browser, tmp_path, press, width):
    context = browser.new_context(has_touch=True, viewport={"width": width, "height": 800})
    page = context.new_page()
    for kind in ("layer", "samples", "raw moment"):
        figure = FIGURES[kind]()
        page.goto(write(tmp_path, figure).as_uri())
        page.evaluate("() => bnHost.ready")
        for i, edge in enumerate(edges(figure)):
            handle = things(page, "edge").nth(i).locator("circle")
            for cut in ([list(edge)], []):
                getattr(handle, press)(timeout=2000)  # fails if anything lies over it
                assert get(page, figure, "cut") == cut
    context.close()


def test_a_cut_is_seen_at_once_and_greys_what_is_lost(show):
    page = show(figure := FIGURES["layer"]())
    assert "true gradient" in page.locator(".results").inner_text()
    height = page.locator(".bn-figure").bounding_box()["height"]
    things(page, "edge", "edge from x̂ to").click(force=True)
    assert "off by up to" in page.locator(".results p").first.inner_text()
    lost = page.locator(".node:has(.entry.lost) .name").all_text_contents()
    assert {"x", "μ", "x−μ", "(x−μ)²", "σ²", "ε", "σ²+ε", "s", "x̂"} == set(lost)
    assert page.locator(".edge.severed").count() == 1
    assert page.locator(".edge.lost").count() == 10
    assert things(page, "node", "x,").get_attribute("aria-label").endswith("gradient lost")
    assert page.locator(".bn-figure").bounding_box()["height"] == height
    page.get_by_role("button", name="Reset").click()
    assert get(page, figure, "cut") == []
    things(page, "edge", "edge from μ to x−μ").click(force=True)
    label = things(page, "node", "x,").get_attribute("aria-label")
    true = ", ".join(f"{v:.3f}" for v in figure.dx).replace("-", "−")
    assert f"without a cut ({true})" in label
    assert page.locator(".node:has(.entry.changed) .name").all_text_contents() == ["x"]
    assert "off by up to" in page.locator("[aria-live]").text_content()


def test_arrow_keys_reach_every_thing(show):
    page = show(FIGURES["layer"]())
    label = "() => document.activeElement.ariaLabel"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "img"
    page.keyboard.press("Home")
    assert page.evaluate(label).startswith("x, value (1.000, −0.500, 2.200)")
    seen, waiting = set(), [page.evaluate(label)]
    focus = """want => [...document.querySelectorAll('[role=img], [role=switch]')]
        .find(e => e.ariaLabel === want).focus()"""
    while waiting:
        here = waiting.pop()
        seen.add(here)
        for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
            page.evaluate(focus, here)
            page.keyboard.press(key)
            there = page.evaluate(label)
            if there not in seen and there not in waiting:
                waiting.append(there)
    assert len(seen) == things(page, "node").count() + things(page, "edge").count()
    page.keyboard.press("End")
    assert page.evaluate(label).startswith("y, value")
    page.keyboard.press("Tab")  # one stop for the whole graph
    assert page.evaluate("document.activeElement.textContent") == "Forward ▸"


def test_pointing_tells_formula_and_numbers(show):
    page = show(FIGURES["layer"]())
    panel = page.locator(".panel")
    things(page, "node", "s,").hover()
    text = panel.inner_text()
    s = np.sqrt(X.var() + 0.1)
    assert f"s = √(σ²+ε) = {s:.3f}, shape ()." in text
    assert f"∂s/∂(σ²+ε) = 1/(2s) = {1 / (2 * s):.3f}" in text
    assert "dL/ds = Σ(−dL/dx̂·x̂ / s)" in text
    lit = page.locator(".node.lit .name").all_text_contents()
    assert set(lit) == {"s", "σ²+ε", "x̂"}
    things(page, "edge", "edge from μ to x−μ").focus()
    page.mouse.move(5, 5)
    text = panel.inner_text()
    assert "Broadcast from () to (3,) going forward, so summed coming back." in text
    assert "Carries back Σ(−dL/d(x−μ)) = " in text
    assert page.locator(".tag").text_content().startswith("μ ◂ x−μ: ")
    page.get_by_role("button", name="Forward").focus()
    assert "Point at a node" in panel.inner_text()


def test_steps_back_through_it(show):
    page = show(figure := FIGURES["layer"]())
    forward, back = (page.get_by_role("button", name=name) for name in ("Forward", "Back"))
    order = ["y", "γx̂", "x̂", "s", "σ²+ε", "σ²", "(x−μ)²", "x−μ", "μ", "ε", "β", "γ", "x"]
    assert back.is_disabled()
    for k, symbol in enumerate(order, 1):
        forward.click()
        page.mouse.move(5, 5)
        assert get(page, figure, "step") == k
        assert page.locator(".panel").inner_text().startswith(f"Step {k} of 13: {symbol}.")
        assert page.locator(".node.current .name").text_content() == symbol
        hidden = page.locator(".node:has(.entry.gradient:text-is('·'))").count()
        assert hidden == 13 - k
    assert forward.is_disabled()
    assert (
        f"dL/dx = dL/d(x−μ) + dL/dμ / 3 = ({figure.dx[0]:.3f}"
        in page.locator(".panel").inner_text()
    )
    for k in range(12, -1, -1):
        back.click()
        assert get(page, figure, "step") == k
    assert back.is_disabled()
    assert "whole backward pass" in page.inner_text("body")


def test_reset_brings_the_start_back(show):
    page = show(figure := bn.GraphFigure(bn.batch_norm, dy=DY, cut="mu", **LAYER))
    put(page, figure, [4.0, 5.0, 6.0], "x")
    put(page, figure, [], "cut")
    page.get_by_role("button", name="Forward").click()
    page.get_by_role("button", name="Reset").click()
    assert get(page, figure, "x") == X.tolist()
    assert get(page, figure, "cut") == figure.cut
    assert get(page, figure, "step") == 0
    assert_page_agrees(page, figure, "mu")


def test_controls_and_links_move_it(show):
    figure = FIGURES["layer"]()
    box = bn.controls(figure, gamma=(0.0, 3.0))
    batch = bn.BatchFigure(X, DY, gamma=1.5, beta=0.5, eps=0.1)
    links = [
        ipywidgets.jslink((figure, name), (batch, name)) for name in ("x", "dy", "cut", "gamma")
    ]
    page = show(box, batch)
    assert links
    page.get_by_role("slider", name="γ gamma", exact=True).fill("2.5")
    assert get(page, figure, "gamma") == 2.5
    assert_page_agrees(page, figure, [])
    things(page, "edge", "edge from μ to x−μ").press("Enter")
    assert_page_agrees(page, figure, "mu")
    np.testing.assert_allclose(get(page, batch, "dx"), get(page, figure, "dx"), rtol=1e-9)
    page.get_by_role("slider", name="sample x₁").press("ArrowRight")
    assert get(page, figure, "x")[0] == pytest.approx(1.1)
    assert_page_agrees(page, figure, "mu")
    np.testing.assert_allclose(get(page, batch, "dx"), get(page, figure, "dx"), rtol=1e-9)


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_stays_in_its_box_at_every_width_and_extreme(show, width):
    figures = [make() for make in FIGURES.values()]
    page = show(*figures)
    page.set_viewport_size({"width": width, "height": 800})
    first = figures[0]
    for x in ([1e9, -1e9, 3.0], [1e-9, 0.0, 0.0], [2.0, 2.0, 2.0], [1e200, -1e200, 0.0]):
        for eps in (0.0, 1e9):
            put(page, first, x, "x")
            put(page, first, eps, "eps")
            frame(page)
            frame(page)
            text = told(page)
            assert not any(bad in text for bad in ("NaN", "Infinity", "undefined", "null"))
    assert "not defined" in page.locator(".panel").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for node in page.locator(".node").all():
        box, name = (node.locator(part).bounding_box() for part in (".box", ".name"))
        assert box["x"] <= name["x"] + 0.5
        assert name["x"] + name["width"] <= box["x"] + box["width"] + 0.5


def test_a_large_graph_is_drawn(show):
    figure = bn.GraphFigure(net, dy=1.0, **net_inputs(np.random.default_rng(1)))
    page = show(figure)
    assert things(page, "node").count() == len(json.loads(figure.picture)["nodes"])
    assert_page_agrees(page, figure, [])
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


# In the chapter -------------------------------------------------------------------------------


def chapter():
    """What the chapter's cells leave behind, by name."""
    path = Path(__file__).parents[1] / "chapters" / "computation_graph.ipynb"
    left = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, left)
    return left


def test_cutting_any_edge_of_the_chapter_gives_pythons_gradients(show):
    left = chapter()
    figures = {k: v for k, v in left.items() if isinstance(v, bn.GraphFigure)}
    assert sorted(figures) == ["above", "moments", "samples", "whole"]
    for figure in figures.values():
        page = show(figure)
        for i, edge in enumerate(edges(figure)):
            things(page, "edge").nth(i).press("Enter")
            assert get(page, figure, "cut") == [list(edge)]
            assert_page_agrees(page, figure, [edge])
            things(page, "edge").nth(i).press("Enter")


def test_cutting_an_edge_of_the_chapter_cuts_the_linked_batch(show):
    left = chapter()
    graph, batch = left["above"], left["below"]
    page = show(graph, batch)
    for i, edge in enumerate(edges(graph)):
        things(page, "edge").nth(i).press("Enter")
        assert get(page, batch, "cut") == [list(edge)]
        np.testing.assert_allclose(get(page, batch, "dx"), get(page, graph, "dx"), atol=1e-12)
        things(page, "edge").nth(i).press("Enter")
