"""The graph's figure: Python and page agree whatever is cut; keys, mouse and touch; every width."""

import json
import re
from functools import cache
from itertools import permutations, product
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest
from drawn import draw
from models import analyses
from node import run
from playwright.sync_api import expect
from programs import net, net_inputs, normalise_by_raw_moment
from stage import counted, frame, get, put, settle, slide, sound, write

import batchnorm as bn
from batchnorm.figures.graph import Nested
from batchnorm.figures.kit.paths import gradient_paths
from batchnorm.graph.describe import drawn_edges

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
    assert bn.compare("dx", np.asarray(figure.dx), dx[:, 0])
    assert bn.compare("dgamma", np.asarray(figure.dgamma), dgamma[0])
    assert bn.compare("dbeta", np.asarray(figure.dbeta), dbeta[0])
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
    assert bn.compare("dx", np.asarray(figure.dx), by_hand)
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
    for how in ("plain", "full"):
        for way in ("across", "down"):
            boxes = {int(i): box for i, box in drawn[how][way]["boxes"].items()}
            at, size = ("x", "w") if way == "down" else ("y", "h")
            for a, b in permutations(boxes.values(), 2):
                if a["rank"] == b["rank"]:
                    after = a[at] + a[size] <= b[at] + 1e-6
                    assert after or b[at] + b[size] <= a[at] + 1e-6
            for edge in drawn["edges"]:
                assert boxes[edge["source"]]["rank"] < boxes[edge["target"]]["rank"]


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


# The page's model, in Node.js --------------------------------------------------------------------

WORDS = """(m, inputs) => {
  const all = { ...inputs, ...m.analyse(inputs, (name, from, make) => make()) };
  const about = (symbol) => ({ node: all.drawn.nodes.find((node) => node.symbol === symbol) });
  return { verdict: m.verdict(all), rows: m.table(all).rows, panel: m.panelWords(all, {}),
    s: m.panelWords(all, about("s")), edges: all.drawn.edges.map((e) => m.edgeWords(all, e)) };
}"""
MODULES = ["figures/graph/model.js", "figures/graph/words.js"]


def with_cuts(figure):
    """A case for each edge cut alone, none and all of them: (inputs of the figure, cut)."""
    plain = {name: getattr(figure, name) for name in figure.inputs}
    cuts = [[], *([edge] for edge in edges(figure)), edges(figure)]
    return [(plain | {"cut": [list(edge) for edge in cut]}, cut) for cut in cuts]


def assert_model_agrees(figure):
    graph, dy = figure._graph, np.asarray(figure.dy)
    at = graph.forward(**{name: np.asarray(getattr(figure, name)) for name in names(figure)})
    true, cases = at.backward(dy), with_cuts(figure)
    analyse = (
        "(m, inputs) => m.outputs({ ...inputs, ...m.analyse(inputs, (n, f, make) => make()) })"
    )
    found = run("figures/graph/model.js", analyse, *([inputs] for inputs, _ in cases))
    for (_, cut), there in zip(cases, found, strict=True):
        want = at.backward(dy, cut=cut)
        for name in names(figure):
            got = np.asarray(there[f"d{name}"])
            assert got.shape == np.shape(want[name])
            np.testing.assert_allclose(got, want[name], rtol=1e-9, atol=1e-12)
            worst = np.abs(want[name] - true[name]).max()
            np.testing.assert_allclose(there["errors"][name], worst, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", FIGURES)
def test_cutting_any_edge_gives_pythons_gradients(kind):
    assert_model_agrees(FIGURES[kind]())


def routes(graph):
    """Every way from an output back to an input that the moments are made of: lists of edges."""
    needed = {i for i, node in enumerate(graph.nodes) if node.name in ("mu", "var")}
    for i in range(len(graph.nodes) - 1, -1, -1):
        needed |= set(graph.nodes[i].inputs) if i in needed else set()

    def back(i, way):
        if graph.nodes[i].op == "input" and i in needed:
            yield way
        for slot, source in enumerate(graph.nodes[i].inputs):
            yield from back(source, [*way, (i, slot)])

    return [way for output in graph.outputs for way in back(output, [])]


def path_of(graph, way):
    passed = {graph.nodes[target].name for target, _ in way}
    return "mean" if "mu" in passed else "variance" if "var" in passed else "direct"


@pytest.mark.parametrize("kind", ["layer", "features", "samples", "raw moment"])
def test_paths_are_those_of_the_routes(kind):
    """An edge is coloured by the routes over it, a path is open while one of its routes is."""
    figure = FIGURES[kind]()
    graph = figure._graph
    ways = [(path_of(graph, way), way) for way in routes(graph)]
    every = {path for path, _ in ways}
    assert every == {"direct", "mean"} | ({"variance"} if kind != "samples" else set())
    (there,) = analyses(figure)
    for edge in edges(figure):
        over = {path for path, way in ways if edge in way}
        colour = there["paths"].get(f"{edge[0]}:{edge[1]}")
        if over == every or not over:
            assert colour is None
        elif len(over) == 1:
            assert {colour} == over
        else:
            assert colour == ("direct" if "direct" in over else "variance")
    for edge in edges(figure):
        figure.cut = [edge]
        (there,) = analyses(figure)
        assert there["all"] == sorted(every)
        assert there["open"] == sorted({path for path, way in ways if edge not in way})


def test_what_a_closed_path_would_bring_is_missing():
    figure = FIGURES["layer"]()
    graph = figure._graph
    brings = gradient_paths(graph.forward(**LAYER), DY)
    # Without this edge the mean is left with its way through the variance, which brings nothing
    (only_by_variance,) = graph.cut("centred->x_hat")
    for edge in set(edges(figure)) - {only_by_variance}:
        figure.cut = [edge]
        (there,) = analyses(figure)
        left = sum((brings[path] for path in there["open"]), np.zeros(3))
        np.testing.assert_allclose(figure.dx, left, atol=1e-12)


def test_tells_what_a_cut_does():
    figure = FIGURES["layer"]()
    inputs = [inputs for inputs, _ in with_cuts(figure)]
    edge = next(e for e in edges(figure) if e in figure._graph.cut("mu"))
    figure.cut = [edge]
    off = figure.errors["x"]
    cut = {name: getattr(figure, name) for name in figure.inputs}
    whole, severed, lost = run(MODULES, WORDS, [inputs[0]], [cut], [inputs[-1]])
    assert whole["verdict"] == (
        "Three paths lead back to x. Nothing is cut: every gradient is the true one."
    )
    assert severed["verdict"] == (
        f"With μ → x−μ cut, the path through the mean is closed: dL/dx is off by up to {off:.3f}."
    )
    assert [len(row) for row in whole["rows"]] == [2] * 4
    assert severed["rows"][0][3] == f"{off:.3f}"
    assert severed["rows"][1][2:] == ["", ""]
    assert "dL/dx, dL/dγ, dL/dβ and dL/dε are off" in lost["verdict"]
    (words,) = [words for words in severed["edges"] if "from μ to x−μ" in words[0]]
    assert "Cut. It would carry back Σ(−dL/d(x−μ)) = " in words[0]
    assert "Broadcast from () to (3,) going forward, so summed coming back." in words[1]


def test_tells_formula_and_numbers_of_a_node():
    figure = FIGURES["layer"]()
    (told,) = run(MODULES, WORDS, [{name: getattr(figure, name) for name in figure.inputs}])
    s = np.sqrt(X.var() + 0.1)
    text = " ".join(told["s"])
    assert f"s = √(σ²+ε) = {s:.3f}, shape ()." in text
    assert f"∂s/∂(σ²+ε) = 1/(2s) = {1 / (2 * s):.3f}" in text
    assert "dL/ds = Σ(−dL/dx̂·x̂ / s)" in text


ORDER = ["y", "γx̂", "x̂", "s", "σ²+ε", "σ²", "(x−μ)²", "x−μ", "μ", "ε", "β", "γ", "x"]


def test_walks_back_without_giving_the_answer_away():
    figure = FIGURES["layer"]()
    plain = {name: getattr(figure, name) for name in figure.inputs}
    walk = run(MODULES, WORDS, *([plain | {"step": k}] for k in range(1, 14)))
    for k, (symbol, told) in enumerate(zip(ORDER, walk, strict=True), 1):
        if k < 13:
            assert re.match(rf"Node {k} of 13: dL/d\(?{re.escape(symbol)}", told["verdict"])
        reached = dict(told["rows"])
        for name, here in (("x", "x"), ("gamma", "γ"), ("beta", "β"), ("eps", "ε")):
            known = ORDER.index(here) < k
            assert (reached[f"dL/d{here}"] == "not reached yet") != known, (k, name)
    assert walk[-1]["verdict"].startswith("Three paths lead back to x.")


def test_members_of_a_series_stand_in_order():
    for figure in (FIGURES["samples"](), chapter("paths")["samples"]):
        drawn = json.loads(figure.picture)
        for how, way in product(("plain", "full"), ("across", "down")):
            boxes = drawn[how][way]["boxes"]
            series = {}
            for node in drawn["nodes"]:
                stem, number = re.fullmatch(r"(.*?)([₁₂₃]?)(²?)", node["symbol"]).group(1, 2)
                box = boxes[str(node["node"])]
                if number:
                    aside = box["x" if way == "down" else "y"]
                    series.setdefault((stem, box["rank"]), []).append((number, aside))
            assert [len(v) for k, v in series.items() if k[0] == "x"] in ([2], [3])
            for members in series.values():
                assert [y for _, y in sorted(members)] == sorted(y for _, y in members)


def test_without_numbers_a_graph_of_samples_fits_the_column():
    for name in ("samples", "whole", "above"):
        figure = chapter("computation_graph" if name == "whole" else "paths")[name]
        drawn = json.loads(figure.picture)
        script = "(m, drawn, width) => m.arrange(drawn, 'plain', width)"
        wide, phone = run("figures/graph/place.js", script, [drawn, 690], [drawn, 340])
        assert (wide["width"] <= 690.001, wide["down"]) == (True, False)
        assert (phone["width"] <= 340.001, phone["down"]) == (True, True)


# On the page ----------------------------------------------------------------------------------


def things(page, kind, name=""):
    role = {"edge": "switch", "node": "img"}[kind]
    return page.locator(f"[role={role}]" + (f'[aria-label^="{name}"]' if name else ""))


def assert_page_agrees(page, figure, cut):
    """The page's gradients are those of Python's own backward pass with these edges cut."""
    inputs = {name: np.asarray(get(page, figure, name)) for name in names(figure)}
    dy = np.asarray(get(page, figure, "dy"))
    want = figure._graph.forward(**inputs).backward(dy, cut=cut)
    for name in names(figure):
        got = np.asarray(get(page, figure, f"d{name}"))
        np.testing.assert_allclose(got, want[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("press", "width"), [("click", 1280), ("tap", 360)])
def test_every_edge_can_be_hit(browser, tmp_path, press, width):
    context = browser.new_context(has_touch=True, viewport={"width": width, "height": 800})
    page = context.new_page()
    for kind in ("layer", "samples"):
        figure = FIGURES[kind]()
        page.goto(write(tmp_path, figure).as_uri())
        page.evaluate("() => bnHost.ready")
        for i, edge in enumerate(edges(figure)):
            handle = things(page, "edge").nth(i).locator("circle")
            for cut in ([list(edge)], []):
                getattr(handle, press)()  # fails if anything lies over it
                settle(page, figure, cut, "cut")
    context.close()


def test_a_cut_is_seen_at_once_and_greys_what_is_lost(show):
    page = show(figure := FIGURES["layer"]())
    verdict, entries = page.locator(".verdict"), page.locator(".path.closed")
    expect(verdict).to_contain_text("every gradient is the true one")
    expect(entries).to_have_count(0)
    with counted(page, analysis=1):
        things(page, "edge", "edge from x̂ to").press("Enter")
    expect(verdict).to_contain_text("off by up to")
    expect(entries).to_have_count(3)
    lost = page.locator(".node.lost .name").all_text_contents()
    assert {"x", "μ", "x−μ", "(x−μ)²", "σ²", "ε", "σ²+ε", "s", "x̂"} == set(lost)
    expect(page.locator(".edge.severed")).to_have_count(1)
    expect(page.locator(".edge.lost")).to_have_count(10)
    expect(things(page, "node", "x,")).to_have_attribute("aria-label", re.compile("gradient lost$"))
    with counted(page, analysis=1):
        page.get_by_role("button", name="Reset the graph").click()
    settle(page, figure, [], "cut")
    things(page, "edge", "edge from μ to x−μ").press("Enter")
    true = ", ".join(f"{v:.3f}" for v in figure.dx).replace("-", "−")
    whole = re.compile(re.escape(f"without a cut ({true})"))
    expect(things(page, "node", "x,")).to_have_attribute("aria-label", whole)
    expect(page.locator(".node.changed .name")).to_have_text(["x"])
    expect(entries).to_have_text(["through the mean"])


def test_an_edge_is_the_thicker_the_more_it_carries(show):
    page = show(figure := FIGURES["layer"]())
    at = figure._graph.forward(**LAYER).backward(DY)
    frame(page)
    widths = page.locator(".wire").evaluate_all(
        "(wires) => wires.map((wire) => Number(wire.getAttribute('stroke-width')))"
    )
    carried = [np.linalg.norm(at.flow[edge]) for edge in edges(figure)]
    np.testing.assert_allclose(widths, 1.2 + 7.8 * np.array(carried) / max(carried), atol=0.006)
    looks = page.locator(".wire").evaluate_all(
        "(wires) => wires.map((wire) => wire.getAttribute('class'))"
    )
    assert {look.split()[1] for look in looks} == {"direct", "mean", "variance", "gradient"}


def test_numbers_come_when_asked_for(show):
    page = show(FIGURES["layer"]())
    frame(page)
    expect(page.locator(".entry.data")).to_have_count(0)
    page.get_by_role("button", name="Show numbers").click()
    expect(page.get_by_role("button", name="Hide numbers")).to_be_visible()
    assert page.locator("svg .entry.data").all_text_contents()[:3] == ["1", "−0.5", "2.2"]


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
    frame(page)  # the thing that Tab comes to is drawn
    for button in ("Save, copy, embed", "Enlarge"):  # one stop for the whole graph
        page.keyboard.press("Tab")
        assert page.evaluate(label) == button


def test_pointing_tells_formula_and_numbers(show):
    page = show(FIGURES["layer"]())
    panel = page.locator(".panel")
    things(page, "node", "s,").hover()
    expect(panel).to_contain_text("s = √(σ²+ε) = ")
    expect(page.locator(".node.lit .name")).to_have_text(["σ²+ε", "s", "x̂"])
    things(page, "edge", "edge from μ to x−μ").focus()
    page.mouse.move(5, 5)
    expect(panel).to_contain_text("Carries back Σ(−dL/d(x−μ)) = ")
    expect(page.locator(".tag")).to_have_text(re.compile("^μ ◂ x−μ: "))
    page.get_by_role("button", name="Next node").focus()
    expect(panel).to_contain_text("Point at a node")


def test_steps_back_through_it(show):
    page = show(figure := FIGURES["layer"]())
    on, back = (page.get_by_role("button", name=name) for name in ("Next node", "Undo"))
    expect(back).to_be_disabled()
    for k, symbol in enumerate(ORDER, 1):
        with counted(page, analysis=1):
            on.click()
        settle(page, figure, k, "step")
        expect(page.locator(".node.current .name")).to_have_text(symbol)
        later = things(page, "node").and_(page.locator("[aria-label$='not yet reached']"))
        expect(later).to_have_count(13 - k)
    expect(on).to_be_disabled()
    for k in range(12, -1, -1):
        back.click()
        settle(page, figure, k, "step")
    expect(back).to_be_disabled()
    expect(page.locator(".verdict")).to_contain_text("every gradient is the true one")


def test_undo_takes_back_cuts_and_a_reset(show):
    page = show(figure := FIGURES["layer"]())
    back = page.get_by_role("button", name="Undo")
    things(page, "edge", "edge from μ to x−μ").press("Enter")
    page.get_by_role("button", name="Next node").click()
    things(page, "edge", "edge from s to").press("Enter")
    both = get(page, figure, "cut")
    mean = [list(edge) for edge in edges(figure) if edge in figure._graph.cut("mu")]
    assert len(both) == 2
    page.get_by_role("button", name="Reset the graph").click()
    for cut, step in ((both, 1), (mean, 1), (mean, 0), ([], 0)):
        back.click()
        settle(page, figure, cut, "cut")
        settle(page, figure, step, "step")
    expect(back).to_be_disabled()


def test_reset_brings_the_start_back(show):
    page = show(figure := bn.GraphFigure(bn.batch_norm, dy=DY, cut="mu", **LAYER))
    put(page, figure, [4.0, 5.0, 6.0], "x")
    put(page, figure, [], "cut")
    page.get_by_role("button", name="Next node").click()
    page.get_by_role("button", name="Reset the graph").click()
    settle(page, figure, [1, -0.5, 2.2], "x")
    settle(page, figure, figure.cut, "cut")
    settle(page, figure, 0, "step")
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
    with counted(page, analysis=2):  # one a figure
        slide(page, "scale γ", 2.5)
    settle(page, figure, 2.5, "gamma")
    assert_page_agrees(page, figure, [])
    things(page, "edge", "edge from μ to x−μ").press("Enter")
    assert_page_agrees(page, figure, "mu")
    np.testing.assert_allclose(get(page, batch, "dx"), get(page, figure, "dx"), rtol=1e-9)
    expect(page.locator(".path.closed")).to_have_text(["through the mean"])
    expect(page.locator(".keys .entry.off")).to_have_text(["path through the mean"])
    page.get_by_role("slider", name="sample x₁").press("ArrowRight")
    assert get(page, figure, "x")[0] == pytest.approx(1.1)
    assert_page_agrees(page, figure, "mu")
    np.testing.assert_allclose(get(page, batch, "dx"), get(page, figure, "dx"), rtol=1e-9)


@pytest.mark.parametrize(("width", "numbers"), [(320, True), (360, False), (1280, False)])
def test_stays_in_its_box_at_every_width_and_extreme(show, width, numbers):
    figures = [make() for make in FIGURES.values()]
    for figure in figures:
        figure.numbers = numbers
    page = show(*figures)
    page.set_viewport_size({"width": width, "height": 800})
    first = figures[0]
    for x in ([1e9, -1e9, 3.0], [1e-9, 0.0, 0.0], [2.0, 2.0, 2.0], [1e200, -1e200, 0.0]):
        for eps in (0.0, 1e9):
            put(page, first, x, "x")
            put(page, first, eps, "eps")
            frame(page)
            assert sound(page), (x, eps)
    expect(page.locator(".verdict").first).to_contain_text("not defined")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.locator(".node").evaluate_all(
        """(nodes) => nodes.filter((node) => {
          const [box, name] = [".box", ".name"].map((part) =>
            node.querySelector(part).getBoundingClientRect());
          return name.left < box.left - 0.5 || name.right > box.right + 0.5;
        }).map((node) => node.ariaLabel)"""
    )
    assert beyond == []


@pytest.mark.parametrize("kind", ["layer", "samples"])
def test_on_a_phone_a_graph_goes_down_and_is_whole(show, kind):
    page = show(figure := FIGURES[kind]())
    for width, ways in ((1280, "▸◂"), (390, "▾▴")):
        page.set_viewport_size({"width": width, "height": 844})
        expect(page.locator(".way")).to_have_text([f"values {ways[0]}", f"{ways[1]} gradients"])
        expect(page.locator(".hint")).to_be_hidden()
        over = page.locator(".scroll").evaluate("(node) => node.scrollWidth - node.clientWidth")
        assert over <= 1
    last = things(page, "node", "y").last.locator("rect").bounding_box()
    assert last["y"] > things(page, "node", "x").first.locator("rect").bounding_box()["y"] + 300
    things(page, "node", "x").first.focus()
    label = "() => document.activeElement.ariaLabel"
    for _ in range(40):  # down, down to an output
        page.keyboard.press("ArrowDown")
    assert page.evaluate(label).startswith("y")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert len(get(page, figure, "cut")) == 1


def crossed(picture):
    """Names of paths that lie on a node's box or on one another; letters are about 7.9 wide."""
    boxes = [picture[key] for key in picture.keys(r"node \d+ box")]
    taken = [(b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes]
    found = []
    for key in picture.keys("path .*"):
        name, half = picture[key].text, 3.95 * len(picture[key].text)
        x, y = picture[key].points[0]
        box = (x - half, y - 10, x + half, y + 2)
        if any(box[0] < c and a < box[2] and box[1] < d and b < box[3] for a, b, c, d in taken):
            found.append(name)
        taken.append(box)
    return found


@pytest.mark.parametrize("numbers", [False, True])
def test_each_path_has_its_name_beside_it(numbers):
    for kind in ("layer", "samples"):
        figure = FIGURES[kind]()
        figure.numbers = numbers
        for width in (340, 690, 968):
            picture = draw(figure, width=width)
            (there,) = analyses(figure)
            keys = [f"path {name}" for name in [*there["all"], "whole"]]
            assert picture.keys("path .*") == keys
            assert crossed(picture) == []


def test_a_graph_that_must_scroll_says_so_and_centres_what_is_chosen(show):
    figure = FIGURES["features"]()
    figure.numbers = True
    page = show(figure)
    page.set_viewport_size({"width": 1280, "height": 800})
    frame(page)
    expect(page.locator(".hint")).to_be_hidden()
    page.set_viewport_size({"width": 180, "height": 844})
    expect(page.locator(".hint")).to_be_visible()
    expect(page.locator(".scroll")).to_have_class("scroll more-after")
    page.locator(".scroll").evaluate("(node) => { node.scrollLeft = 1e6; }")
    expect(page.locator(".scroll")).to_have_class("scroll more-before")
    things(page, "node", "β").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".scroll")).not_to_have_class("scroll more-before")


def test_a_large_graph_is_drawn(show):
    figure = bn.GraphFigure(net, dy=1.0, **net_inputs(np.random.default_rng(1)))
    page = show(figure)
    frame(page)
    assert things(page, "node").count() == len(json.loads(figure.picture)["nodes"])
    assert_page_agrees(page, figure, [])
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


# In the chapters ------------------------------------------------------------------------------


@cache
def chapter(name):
    """What the chapter's cells leave behind, by name."""
    path = Path(__file__).parents[1] / "chapters" / f"{name}.ipynb"
    left = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, left)
    return left


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("computation_graph", ["whole"]),
        ("paths", ["above", "samples"]),
        ("two_variance_graphs", ["moments"]),
    ],
)
def test_cutting_any_edge_of_a_chapter_gives_pythons_gradients(name, theirs):
    figures = {k: v for k, v in chapter(name).items() if isinstance(v, bn.GraphFigure)}
    assert sorted(figures) == theirs
    for figure in figures.values():
        assert_model_agrees(figure)


def test_cutting_an_edge_of_the_chapter_cuts_the_linked_batch(show):
    left = chapter("paths")
    graph, batch = left["above"], left["below"]
    page = show(graph, batch)
    for i, edge in enumerate(edges(graph)):
        things(page, "edge").nth(i).press("Enter")
        settle(page, batch, [list(edge)], "cut")
        frame(page)
        np.testing.assert_allclose(get(page, batch, "dx"), get(page, graph, "dx"), atol=1e-12)
        things(page, "edge").nth(i).press("Enter")
