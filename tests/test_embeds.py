"""A page for each kind of figure, to be shown in a frame on other pages: embed/<figure>.html."""

import pytest
from playwright.sync_api import expect
from stage import accessible, frame, resize, serve, sound, strict
from test_goldens import STATES

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


def test_each_kind_of_figure_has_a_page(book):
    assert {path.stem for path in (book / "embed").glob("*.html")} == {*STATES}


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
        accessible(page, "body")


@pytest.mark.parametrize("name", STATES)
def test_it_says_how_high_it_is_to_a_page_of_another_host(page, site, tmp_path, name):
    (tmp_path / "index.html").write_text(FRAME.format(address=f"{site}/embed/{name}.html"), "utf8")
    with serve(tmp_path) as elsewhere:
        for width in (1000, 390):
            resize(page, width, 800)
            page.goto(elsewhere)
            inner = next(f for f in page.frames if "/embed/" in f.url)
            inner.wait_for_function("() => window.bnHost && bnHost.ready.then(() => true)")
            # No bar to scroll by, and no empty room, once both have come to rest
            page.wait_for_function("() => window.told > 200")
            inner.wait_for_function(
                "() => Math.abs(document.body.getBoundingClientRect().height - innerHeight) < 2"
            )
            assert inner.evaluate("() => document.documentElement.scrollHeight - innerHeight") <= 1


def test_the_menu_gives_a_frame_that_shows_it(page, site, tmp_path):
    page.goto(f"{site}/chapters/several_workers.html")
    page.evaluate("() => bnHost.ready")
    page.evaluate("() => { navigator.clipboard.writeText = async (t) => { window.copied = t; }; }")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".bn-menu").first.click()
    page.get_by_role("menuitem", name="Embed").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert [url.rpartition("/")[2] for url in asked] == ["take.js"]  # and not before it was asked
    text = page.evaluate("() => window.copied")
    assert f'src="{site}/embed/graph.html"' in text
    head = '<!doctype html><html lang="en"><title>A slide</title><link rel="icon" href="data:,">'
    (tmp_path / "index.html").write_text(head + text, "utf8")
    with serve(tmp_path) as elsewhere:
        page.goto(elsewhere)
        inner = page.frame_locator("iframe")
        expect(inner.locator(".bn-picture svg").first).to_be_visible()
        frame(page)
