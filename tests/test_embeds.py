"""A page for each figure, to be shown in a frame on other pages: embed/<figure>.html."""

import json
import random

import pytest
from contents import FIGURES
from playwright.sync_api import expect
from stage import accessible, frame, resize, serve, sound, strict
from test_goldens import STATES
from test_state_in_link import HOSTILE

import batchnorm as bn

pytestmark = pytest.mark.readers

FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>
<link rel="icon" href="data:,">
<style>body {{ margin: 0 }} iframe {{ width: 100%; border: 0 }}</style>
<iframe src="{address}" title="A figure" height="200"></iframe>
<script>
  const there = document.querySelector("iframe");
  addEventListener("message", ({{ source, data }}) => {{
    if (source === there.contentWindow && data?.type === "batchnorm-height") {{
      there.height = window.told = data.height;
    }}
  }});
</script></html>"""


@pytest.fixture(scope="module")
def site(book):
    with serve(strict(book)) as address:
        yield address


def test_each_figure_and_each_kind_has_a_page(book):
    keys = set()
    for name, kinds in FIGURES.items():
        for i, kind in enumerate(kinds):
            nth = kinds[: i + 1].count(kind)
            key = kind.removesuffix("Figure").lower() + (f"-{nth}" if nth > 1 else "")
            keys.add(f"{name}-{key}")
    assert {path.stem for path in (book / "embed").glob("*.html")} == keys | {*STATES}


@pytest.mark.parametrize("name", STATES)
def test_a_figure_is_alive_alone(page, site, name):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}/embed/{name}.html")
    page.evaluate("() => bnHost.ready")
    assert page.locator(".bn-missing").all_text_contents() == []
    assert all(url.startswith((site, "data:")) for url in asked)
    for width in (1280, 390):
        resize(page, width, 900)
        assert sound(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.locator(".bn-picture svg").first.bounding_box()["height"] > 60
    expect(page.locator(".from a")).to_have_attribute("rel", "noopener")
    accessible(page, "body")
    there = page.locator(".from a").get_attribute("href").removeprefix("..")
    assert page.request.get(site + there).ok


@pytest.mark.parametrize("wished", ["", "?theme=light", "?theme=dark", "?theme=purple"])
def test_it_is_light_or_dark_by_wish(page, site, wished):
    for system in ("light", "dark"):
        page.emulate_media(color_scheme=system)
        page.goto(f"{site}/embed/sphere.html{wished}")
        asked = wished.removeprefix("?theme=")
        want = asked if asked in ("light", "dark") else system
        assert page.evaluate("() => document.documentElement.dataset.theme") == want
        page.evaluate("() => bnHost.ready")
        if not wished:  # what one wishes for is the same as what the system has
            accessible(page, "body")


@pytest.mark.parametrize("name", STATES)
def test_it_says_how_high_it_is_to_a_page_of_another_host(page, site, tmp_path, name):
    (tmp_path / "index.html").write_text(FRAME.format(address=f"{site}/embed/{name}.html"), "utf8")
    with serve(tmp_path) as elsewhere:
        resize(page, 1000, 800)
        page.goto(elsewhere)
        inner = next(f for f in page.frames if "/embed/" in f.url)
        inner.wait_for_function("() => window.bnHost && bnHost.ready.then(() => true)")
        page.wait_for_function("() => window.told > 200")
        for width in (1000, 390):
            resize(page, width, 800)
            # No bar to scroll by, and no empty room, once both have come to rest
            inner.wait_for_function(
                """(width) => innerWidth === width
                  && Math.abs(document.body.getBoundingClientRect().height - innerHeight) < 2
                  && document.documentElement.scrollHeight - innerHeight <= 1""",
                arg=width,
            )


# A page's figure by its place, moved: its number, and what becomes of what it shows
MOVED = """([nth, values]) => {
  const model = [...bnHost.figures().values()][nth];
  model.set(values);
  return model.model_id;
}"""
SHOWN = """(nth) => {
  const model = [...bnHost.figures().values()][nth];
  const names = [...Object.keys(model.get("_link")), "y", "dx", "graph"];
  return Object.fromEntries(names.map((name) => [name, model.get(name) ?? null]));
}"""


@pytest.mark.parametrize(
    ("name", "nth", "inside", "values"),
    [
        ("several_workers", 0, 0, {"step": 3, "numbers": True}),
        ("relatives", 1, 1, {"gamma": 0.1 + 0.2, "x": [1.5, -0.25, 3.125, 1e-7]}),
        ("two_samples", 1, 0, {"eps": 0.5, "trail": [[1.0, 2.0], [0.5, 2.25]], "steps": 2}),
        ("start_here", 1, 0, {"step": 4}),
    ],
)
def test_the_menu_gives_a_frame_that_shows_the_figure_as_it_is(
    page, site, tmp_path, name, nth, inside, values
):
    page.goto(f"{site}/chapters/{name}.html?some=thing#a-place")
    page.evaluate("() => bnHost.ready")
    page.evaluate("() => { navigator.clipboard.writeText = async (t) => { window.copied = t; }; }")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    key = page.evaluate("(nth) => [...bnHost.figures().keys()][nth]", nth)
    id = page.evaluate(MOVED, [nth, values])
    frame(page)
    shown = page.evaluate(SHOWN, nth)
    view = page.evaluate_handle(
        "(id) => [...document.querySelectorAll('bn-view')].find((el) => el.model?.model_id === id)",
        id,
    )
    view.query_selector(".bn-menu").click()
    page.get_by_role("menuitem", name="Embed").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert [url.rpartition("/")[2] for url in asked] == ["take.js"]  # and not before it was asked
    text = page.evaluate("() => window.copied")
    assert f'src="{site}/embed/{name}-{key}.html#s=1&amp;' in text
    head = '<!doctype html><html lang="en"><title>A slide</title><link rel="icon" href="data:,">'
    (tmp_path / "index.html").write_text(head + text, "utf8")
    with serve(tmp_path) as elsewhere:
        page.goto(elsewhere)
        expect(page.frame_locator("iframe").locator(".bn-picture svg").first).to_be_visible()
        inner = next(f for f in page.frames if "/embed/" in f.url)
        inner.wait_for_function("() => window.bnLinks && bnHost.ready.then(() => true)")
        # A frame of a frame: its menu gives the same line again
        again = "() => bnHost.embedded([...bnHost.figures().values()][0]).replace(/.*#/, '')"
        inner.wait_for_function(f"(end) => ({again})() === end", arg=inner.url.partition("#")[2])
        frame(page)
        assert inner.evaluate(SHOWN, inside) == shown
        assert inner.locator(".bn-link-notice").count() == 0


def test_a_page_with_one_figure_is_there_for_each(page, site):
    """What a menu copies leads to a page that there is, and that shows the same figure."""
    for name in [name for name, kinds in FIGURES.items() if len(kinds) > 1]:
        page.goto(f"{site}/chapters/{name}.html")
        page.evaluate("() => bnHost.ready")
        ends = page.evaluate("() => [...bnHost.figures().values()].map(bnHost.embedded)")
        shown = [page.evaluate(SHOWN, nth) for nth in range(len(ends))]
        assert len({*ends}) == len(FIGURES[name])
        for end, values in zip(ends, shown, strict=True):
            page.goto(f"{site}/embed/{name}-{end}")
            page.evaluate("() => bnHost.ready")
            inside = page.evaluate("() => [...bnHost.figures().keys()].length")
            assert values in [page.evaluate(SHOWN, nth) for nth in range(inside)]


def test_an_address_holds_the_state_and_may_change_it(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto(f"{site}/embed/batch.html")
    page.evaluate("() => bnHost.ready")
    assert "open.js" not in asked
    published = page.evaluate(SHOWN, 0)
    to = "(hash) => { location.hash = hash; }"
    gamma = "(gamma) => [...bnHost.figures().values()][0].get('gamma') === gamma"
    page.evaluate(to, "#s=1&batch.gamma=2.5&batch.flow_through_mean=0&at=batch")
    page.wait_for_function(gamma, arg=2.5)
    assert page.evaluate(SHOWN, 0)["flow_through_mean"] is False
    page.evaluate(to, "#s=1&batch.gamma=0.25")
    page.wait_for_function(gamma, arg=0.25)
    assert page.evaluate(SHOWN, 0) | {"gamma": 1, "y": 0, "dx": 0} == published | {
        "gamma": 1,
        "y": 0,
        "dx": 0,
    }
    assert page.locator(".bn-link-notice").count() == 0  # who embeds it has chosen so
    entries = page.evaluate("() => history.length")
    page.get_by_role("button", name="Take a step").click()
    frame(page)
    assert page.evaluate("() => history.length") == entries  # Back is the page's around it
    page.evaluate(to, "")
    page.wait_for_function(gamma, arg=published["gamma"])
    assert page.evaluate(SHOWN, 0) == published
    page.goto("about:blank")
    page.goto(f"{site}/embed/batch.html?theme=dark#s=1&batch.gamma=0.75")
    page.wait_for_function(f"window.bnHost && ({gamma})(0.75)")


def test_figure_link_writes_what_an_embed_opens(page, site):
    figure = bn.SphereFigure()
    figure.x, figure.gamma = [0.1 + 0.2, -1e-7, 2.5], 1 / 3
    link = figure.link(f"{site}/embed/sphere.html")
    page.goto(link)
    there = "([x, gamma]) => { const [m] = bnHost.figures().values();"
    there += " return m.get('gamma') === gamma && JSON.stringify(m.get('x')) === x; }"
    x = json.dumps(figure.x, separators=(",", ":")).replace("e-07", "e-7")
    page.wait_for_function(f"window.bnHost && ({there})({json.dumps([x, figure.gamma])})")
    assert page.evaluate("() => [...bnHost.figures().values()][0].get('dx')") == pytest.approx(
        figure.dx, rel=1e-12
    )


@pytest.mark.parametrize(("end", "words"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_what_does_not_fit_is_said_in_a_line(page, site, end, words):
    page.goto(f"{site}/embed/batch.html{end}")
    expect(page.locator(".bn-link-notice [role=status]")).to_contain_text(words)
    assert page.locator("main :is(b, img)").count() == 0
    assert page.evaluate("() => [...bnHost.figures().values()][0].changes()") == {}
    if end == "#s=1&batch.gamma=x":
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            accessible(page, "body")


KEYS = ["gamma", "x", "trail", "cut", "steps", "flow_through_mean", "nothing", "__proto__"]
VALUES = [
    "1",
    "-1",
    "0.5",
    "1e150",
    "1e999",
    "3,1,2",
    "NaN",
    "AAAA",
    "<b>",
    "3%2C1,2",
    "%",
    "é",
    "",
]
MORE = ["&batch-2.x=1", "&cell1=AAAA", "&at=batch", "&", "=", "&s=2"]


def test_whatever_an_address_says_breaks_nothing(page, site):
    rng = random.Random(7)
    page.goto(f"{site}/embed/batch.html#s=1")
    page.wait_for_function("() => window.bnLinks && bnHost.ready.then(() => true)")
    fitted = 0
    for _ in range(80):
        said = [f"&batch.{rng.choice(KEYS)}={rng.choice(VALUES)}" for _ in range(rng.randint(0, 4))]
        text = "#s=1" + "".join([*said, *rng.choices(MORE, k=rng.randint(0, 1))])
        page.evaluate("(hash) => bnLinks.show(hash)", text)
        frame(page)
        assert sound(page), text
        fitted += bool(
            page.evaluate("() => Object.keys([...bnHost.figures().values()][0].changes()).length")
        )
    assert fitted > 5
