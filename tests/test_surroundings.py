"""Figures and controls in tabs, folds, cards; on translated pages; from right to left."""

import ipywidgets as widgets
import pytest
from stage import frame, get, settle, slide, sound, write
from test_goldens import STATES
from test_host import Echo, figure

import batchnorm as bn

PLACES = {  # around the view, and what brings it to light
    "fold": ("<details id=place>", "</details>", "place.open = true"),
    "tab": ("<div id=place style='display: none'>", "</div>", "place.style.display = 'block'"),
    "hidden": ("<div id=place hidden>", "</div>", "place.hidden = false"),
    "card": ("<div id=place style='width: 300px; display: grid'>", "</div>", "place"),
    "moved": ("<div id=place>", "</div>", "document.body.prepend(place.querySelector('bn-view'))"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_figure_is_drawn_when_it_comes_to_light(page, tmp_path, place):
    before, after, show = PLACES[place]
    shown = bn.BatchFigure([1.0, 3.0, 2.0], [1.0, -1.0, 0.5])
    box = bn.controls(shown, gamma=(0.0, 3.0))
    path = write(tmp_path, box)
    html = path.read_text("utf8").replace("<main>", f"<main>{before}").replace("</main>", after)
    path.write_text(html, "utf8")
    page.goto(path.as_uri())
    page.evaluate("() => bnHost.ready")
    page.evaluate(show)
    picture = page.locator(".bn-picture svg").first
    picture.wait_for()
    page.wait_for_function("() => document.querySelector('.bn-picture svg').clientHeight > 60")
    page.locator("input[type=range]").first.fill("2")
    frame(page)
    assert get(page, shown, "gamma") == 2
    assert sound(page)
    room, drawn = page.locator(".bn-picture").bounding_box(), picture.bounding_box()
    assert drawn["width"] <= room["width"] + 30


ROUND = """export default { initialize({ model }) {
  model.on("change:value", () => model.set("value", Math.round(model.get("value"))));
}, render() {} };"""


@pytest.mark.parametrize("kinds", ["jj", "jd", "dj", "dd"])
def test_two_links_of_one_pair_of_traits_agree(show, kinds):
    link = {"j": widgets.jslink, "d": widgets.jsdlink}
    a, b = widgets.FloatSlider(description="a", value=1, max=9), figure(ROUND, value=2)
    ends = [((a, "value"), (b, "value")), ((b, "value"), (a, "value"))]
    links = [link[kind](*pair) for kind, pair in zip(kinds, ends, strict=True)]
    page = show(a, b, also=links)
    for value in (2.5, 7.2):
        slide(page, "a", value)
        settle(page, b, round(value + 1e-9))
        assert get(page, a) == get(page, b)
    page.evaluate("(id) => { bnHost.models.get(id).set('value', 4); }", b.model_id)
    assert get(page, a) == get(page, b) == 4


# What a browser's translator does: each text in elements of its own, in other words
TRANSLATE = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const all = [];
  while (texts.nextNode()) all.push(texts.currentNode);
  for (const text of all) {
    const { parentElement } = text;
    if (!text.data.trim() || parentElement.closest("script, style, svg [translate=no]")) continue;
    if (parentElement.closest("[translate=no]")) continue;
    const font = document.createElement("font");
    font.append(Object.assign(document.createElement("font"), { textContent: "ü" + text.data }));
    text.replaceWith(font);
  }
}"""


def test_a_translated_page_works(show, page):
    shown = bn.BatchFigure([1.0, 3.0, 2.0], [1.0, -1.0, 0.5])
    choice = widgets.ToggleButtons(description="c", options=["one", "two"])
    toggle = widgets.ToggleButton(description="on")
    box, echo = bn.controls(shown, gamma=(0.0, 3.0)), Echo(value=1)
    link = widgets.jslink((choice, "index"), (echo, "value"))
    show(box, choice, toggle, echo, also=[link], tags="<p>Words.</p>")
    before = page.locator(".bn-figure").first.inner_text()
    page.evaluate(TRANSLATE)
    assert page.get_by_text("üWords.").count() == 1
    assert page.locator(".bn-figure").first.inner_text() == before
    page.locator("input[type=range]").first.fill("2")
    page.get_by_label("two", exact=False).check()
    page.get_by_role("button", name="on").click()
    frame(page)
    assert get(page, shown, "gamma") == 2
    assert [get(page, choice, "index"), get(page, toggle)] == [1, True]
    assert page.locator("output").text_content() == "1"
    assert sound(page)


@pytest.mark.parametrize("width", [1280, 280])
def test_from_right_to_left_numbers_and_pictures_stay(show, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    shown = bn.BatchFigure([1.0, 3.0, 2.0], [1.0, -1.0, 0.5])
    show(bn.controls(shown, gamma=(0.0, 3.0)), above="<script>document.dir = 'rtl'</script>")
    ways = "(all) => all.map((node) => getComputedStyle(node).direction)"
    for kind in (".bn-figure svg", ".bn-figure table", "input"):
        assert set(page.locator(kind).evaluate_all(ways)) == {"ltr"}, kind
    frame(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    inside = page.evaluate(
        """() => [...document.querySelectorAll(".bn-picture svg text")].every((text) => {
          const { left, right } = text.getBoundingClientRect();
          const room = text.ownerSVGElement.getBoundingClientRect();
          return left >= room.left - 2 && right <= room.right + 2; })"""
    )
    assert inside


NARROW = (540, 300, 160)  # pixels of a column in a wide window


@pytest.mark.parametrize("name", STATES)
def test_in_a_narrow_column_of_a_wide_window_a_figure_has_its_room(show, page, name):
    drawn = next(iter(STATES[name].values()))()[0]
    show(drawn, above="<style>main { overflow: hidden }</style>")
    for width in NARROW:
        page.evaluate("(w) => { document.querySelector('main').style.width = `${w}px`; }", width)
        frame(page)
        frame(page)
        room, units = page.evaluate(
            """() => [document.querySelector(".bn-picture").clientWidth,
              document.querySelector(".bn-picture svg").viewBox.baseVal.width]"""
        )
        assert room > width - 30
        assert units >= 220
        assert sound(page)
