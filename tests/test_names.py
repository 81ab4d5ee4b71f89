"""Names in the code, nodes in the graph and symbols in the formulas light up together."""

import numpy as np
import pytest
from conftest import opened
from playwright.sync_api import expect
from stage import frame, write

import batchnorm as bn

# As the book's build writes them: what a cell printed, a cell's code, a formula.
HAT = '<span class="mord">x</span><span class="accent-body"><span>^</span></span>'
ABOVE = f"""<section><h1>Code</h1>
<pre id="other">x_hat = centred / s</pre>
<pre id="code"><span></span>    mu = x.mean(axis=0)
    centred = x - mu
    squared = centred**2
    var = squared.mean(axis=0)
    stable = var + eps
    s = np.sqrt(stable)
    <span class="n">x_hat</span> = <span class="n">centred</span> / s
    scaled = gamma * x_hat
    y = scaled + beta
    return y
</pre>
<p id="formulas"><span class="katex-html"><span class="mord">{HAT}</span><span>=</span>
<span>x</span><span>−</span><span>μ</span></span>
<span class="katex-html"><span>d</span><span>μ</span></span>
<span class="katex-html"><span>σ</span><span>2\u200b</span></span></p></section>"""
LIT = """(kind) => [...(CSS.highlights.get(kind) ?? [])].map((range) =>
  range.startContainer.parentElement.closest("[id]").id + ": " + range)"""


@pytest.fixture
def figure(show):
    example = dict(x=np.array([1.0, 1, 3, 3]), gamma=1.0, beta=0.0, eps=0.1)
    page = show(bn.GraphFigure(bn.batch_norm, dy=np.eye(4)[0], **example), above=ABOVE)
    frame(page)
    return page


def lit(page, kind, wanted):
    page.wait_for_function(
        f"([kind, wanted]) => JSON.stringify(({LIT})(kind)) === JSON.stringify(wanted)",
        arg=[kind, wanted],
    )


def pointed(page, symbol):
    """Waits until the node with this symbol, and no other, is the one pointed at."""
    expect(page.locator(".node.pointed .name")).to_have_text([symbol] if symbol else [])


def node(page, symbol):
    return page.locator(".node").filter(has=page.get_by_text(symbol, exact=True))


def over(page, text, nth=0):
    """Moves the mouse over a word of the code."""
    box = page.evaluate(
        """([text, nth]) => {
          const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
          for (let n = walker.nextNode(); n; n = walker.nextNode())
            for (const { index } of n.nodeValue.matchAll(new RegExp(text, "g")))
              if (!nth--) {
                const range = document.createRange();
                range.setStart(n, index);
                range.setEnd(n, index + text.length);
                const { x, y, width, height } = range.getBoundingClientRect();
                return [x + width / 2, y + height / 2];
              }
        }""",
        [text, nth],
    )
    page.mouse.move(*box)


def test_names_nodes_symbols_and_lines_light_up_together(figure):
    page = figure
    over(page, "mu")
    pointed(page, "μ")
    expect(page.get_by_role("group", name="About")).to_contain_text("mean x")
    lit(page, "bn-name", ["code: mu", "code: mu", "formulas: μ"])
    lit(page, "bn-line", ["code:     mu = x.mean(axis=0)"])

    over(page, "x_hat")  # in a span of its own
    pointed(page, "x̂")
    lit(page, "bn-name", ["code: x_hat", "code: x_hat", "formulas: x^"])
    lit(page, "bn-line", ["code:     x_hat = centred / s"])

    over(page, "mean")  # an attribute is no name
    pointed(page, None)
    lit(page, "bn-name", [])
    over(page, "x")  # an input has no line
    lit(page, "bn-name", ["code: x", "code: x", "formulas: x"])
    lit(page, "bn-line", [])
    page.mouse.move(1, 1)
    lit(page, "bn-name", [])

    node(page, "σ²").hover()
    lit(page, "bn-name", ["code: var", "code: var", "formulas: σ2"])
    page.mouse.move(1, 1)
    node(page, "x").focus()  # by the keyboard, too
    page.keyboard.press("End")
    lit(page, "bn-line", ["code:     y = scaled + beta"])
    page.keyboard.press("ArrowLeft")  # an edge: its two ends
    lit(page, "bn-name", ["code: beta", "code: y", "code: y"])


def test_a_graph_without_its_code_joins_nothing(show):
    page = show(bn.GraphFigure(lambda x: x * 2.0, dy=1.0, x=1.0), above="<pre>a = 1</pre>")
    node(page, "x").hover()
    frame(page)
    lit(page, "bn-name", [])


def test_without_the_script_that_joins_names_the_graph_is_whole_and_that_is_said(browser, tmp_path):
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    path = write(tmp_path, bn.GraphFigure(lambda x: x * 2.0, dy=1.0, x=1.0), above=ABOVE)
    (tmp_path / "names.js").unlink()
    page.goto(path.as_uri())
    page.evaluate("() => bnHost.ready")
    assert any("names.js did not load" in words for words in said)
    expect(page.locator(".bn-missing")).to_have_count(0)
    expect(page.locator(".node").first).to_be_visible()
    page.close()


def test_only_a_page_with_a_graph_and_code_loads_the_script_that_joins_them(page, tmp_path):
    loaded = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    graph = bn.GraphFigure(lambda x: x * 2.0, dy=1.0, x=1.0)
    batch = bn.BatchFigure([1.0, 2.0], [1.0, 0.0])
    for figures, above, times in (([batch], ABOVE, 0), ([graph], "", 0), ([graph] * 2, ABOVE, 1)):
        loaded.clear()
        opened(page, tmp_path, *figures, above=above)
        assert loaded.count("names.js") == times
