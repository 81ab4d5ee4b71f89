"""A figure taken along: as a page that lives by itself, as a picture, by its menu."""

import os
import re
import time
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from node import run
from PIL import Image
from playwright.sync_api import expect
from programs import assert_same, book, traced
from stage import accessible, frame, get, resize, sound
from test_goldens import STATES, batch
from test_one_view import CASES

import batchnorm as bn
from batchnorm.figures import take

HOSTILE = "</script><script>window.hit = 1</script><!--<script><img src=x onerror='window.hit = 1'>"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def saved(page, tmp_path):
    """Saves a figure as a page and opens it: all it may ask for is itself."""

    def opened(figure, **words):
        path = tmp_path / "figure.html"
        figure.save(path, **words)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.evaluate("() => bnHost.ready")
        frame(page)
        assert asked == [path.as_uri()]
        assert page.locator(".bn-missing").all_text_contents() == []
        return page

    return opened


@pytest.mark.parametrize("name", CASES)
def test_a_saved_page_is_alive_and_sound(saved, name):
    make, given = CASES[name]
    figure = make()
    box = bn.controls(figure, **given)
    page = saved(figure, caption="What to notice.")
    assert len(box.children) == 1 + len(given)
    for width in (1280, 390):
        resize(page, width, 900)
        assert sound(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    expect(page.locator("h1")).to_have_text(page.title())
    expect(page.get_by_text("What to notice.")).to_be_visible()
    control = page.locator("input[type=range]").first
    for end in ("max", "min"):
        control.fill(control.get_attribute(end))
        frame(page)
        assert sound(page)
    trait = next(iter(given))
    assert get(page, figure, trait) != getattr(figure, trait)


def test_a_saved_page_follows_its_readers_light(saved):
    saved(batch()).emulate_media(color_scheme="dark")
    page = saved(batch(), title="A title", caption="What to notice.")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    accessible(page, "body")  # around a figure; each figure itself: tests/test_embeds.py


def test_what_data_say_is_never_markup(saved):
    tour = [(HOSTILE, HOSTILE, {"flow_through_mean": False})]
    page = saved(batch(tour=tour), title=HOSTILE, caption=HOSTILE)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    expect(page.locator(".caption")).to_have_text(HOSTILE)
    expect(page.get_by_role("button", name=HOSTILE)).to_be_visible()
    assert page.evaluate("() => window.hit") is None


def test_a_saved_page_runs_no_other_script_and_loads_nothing(saved):
    page = saved(batch())
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


def lines(root):
    return [text for node in root.iter(f"{SVG}text") if (text := "".join(node.itertext()).strip())]


@pytest.mark.parametrize("name", STATES)
def test_a_picture_says_what_the_figure_says(page, show, tmp_path, name):
    """Drawn by itself, it asks for nothing, and every word and shape of the figure is in it."""
    figure = next(iter(STATES[name].values()))()[0]
    figure.save(tmp_path / "figure.svg", width=700)
    text = (tmp_path / "figure.svg").read_text("utf8")
    root = ET.fromstring(text)
    assert not re.search(r"\b(class|style|data-key|onload)=|url\(|href|var\(|NaN|undefined", text)
    resize(show(figure), 700 + 16, 900)
    drawn = page.evaluate(
        """() => [...document.querySelectorAll(".bn-picture svg text, .keys .entry")]
          .filter((node) => node.checkVisibility())
          .map((node) => node.querySelector(".gesture")?.previousSibling ?? node)
          .map((node) => node.textContent.trim()).filter(Boolean)"""
    )
    verdict = page.locator(".verdict").text_content()
    written = lines(root)
    assert verdict == root.find(f"{SVG}desc").text
    assert verdict.split() == " ".join(written).split()[: len(verdict.split())]
    assert set(drawn) - set(written) <= {text for text in drawn if re.search(r"\d", text)}
    assert len(written) >= 0.8 * len(drawn)
    if name != "predict":  # which asks its reader to drag in its message
        assert not re.search(r"\bdrag\b", " ".join(written), re.I)


def test_a_picture_of_a_training_waits_until_it_is_done(browser, tmp_path):
    STATES["training"]["trained"]()[0].save(tmp_path / "figure.svg")
    root = ET.parse(tmp_path / "figure.svg").getroot()
    assert root.find(f"{SVG}desc").text.startswith("After 30 steps")


def test_a_png_has_two_dots_a_unit_and_is_no_blank(browser, tmp_path):
    figure = batch()
    figure.save(tmp_path / "figure.svg")
    figure.save(tmp_path / "figure.png")
    root = ET.parse(tmp_path / "figure.svg").getroot()
    image = Image.open(BytesIO((tmp_path / "figure.png").read_bytes()))
    assert image.size == tuple(round(2 * float(root.get(side))) for side in ("width", "height"))
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    for meaning in ("data", "gradient", "mean", "ink", "paper"):
        hue = bn.plots.colour(meaning)
        assert tuple(bytes.fromhex(hue[1:])) in colours, meaning


def test_a_file_of_another_kind_is_refused(tmp_path):
    for name in ("figure.pdf", "figure", "figure.html.txt"):
        with pytest.raises(ValueError, match=r"path: got .*want a name that ends in \.html"):
            batch().save(tmp_path / name)
    with pytest.raises(ValueError, match="width: got 100, want 200 to 4000"):
        batch().save(tmp_path / "figure.svg", width=100)


def test_without_a_browser_a_picture_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(take, "_browser", lambda: None)
    with pytest.raises(RuntimeError, match=r"save: found no Chromium.*use the figure's menu"):
        batch().save(tmp_path / "figure.svg")
    quiet = tmp_path / "quiet"
    quiet.write_text("#!/bin/sh\n", "utf8")
    quiet.chmod(0o755)
    monkeypatch.setattr(take, "_browser", lambda: str(quiet))
    with pytest.raises(RuntimeError, match="did not draw the figure; open the page"):
        batch().save(tmp_path / "figure.png")
    assert not list(tmp_path.glob("figure.*"))


@pytest.mark.skipif(os.name != "posix", reason="it is about a shell's script")
def test_no_browser_stays_that_a_script_has_started(monkeypatch, tmp_path):
    script, held = tmp_path / "browser", tmp_path / "held"
    script.write_text(f'#!/bin/sh\nsleep 600 &\necho $! >"{held}"\nwait\n', "utf8")
    script.chmod(0o755)
    monkeypatch.setattr(take, "_browser", lambda: str(script))
    monkeypatch.setattr(take, "PATIENCE", 5)
    with pytest.raises(RuntimeError, match="did not draw the figure"):
        batch().save(tmp_path / "figure.svg")
    stat = Path(f"/proc/{held.read_text().strip()}/stat")
    ended = time.monotonic() + 30
    while stat.exists() and ") Z " not in stat.read_text():  # nobody may wait for its end
        assert time.monotonic() < ended
        time.sleep(0.05)


def test_the_menu_saves_pictures_by_keyboard(show):
    page = show(batch())
    button = page.get_by_role("button", name="Save, copy, embed")
    button.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    accessible(page)
    page.keyboard.press("End")
    expect(items.last).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.first).to_be_focused()
    with page.expect_download() as got:
        page.keyboard.press("Enter")
    assert got.value.suggested_filename == "batch.svg"
    ET.parse(got.value.path())
    expect(items).to_have_count(0)
    expect(button).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Saved as batch.svg")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    with page.expect_download() as got:
        page.keyboard.press("Enter")
    assert Image.open(got.value.path()).format == "PNG"


def test_the_menu_closes(show):
    page = show(batch())
    button = page.get_by_role("button", name="Save, copy, embed")
    items = page.get_by_role("menuitem")
    for leave in (
        lambda: page.keyboard.press("Escape"),
        lambda: page.keyboard.press("Tab"),
        lambda: page.mouse.click(5, 5),
        button.click,
    ):
        button.click()
        expect(items.first).to_be_focused()
        expect(button).to_have_attribute("aria-expanded", "true")
        leave()
        expect(items).to_have_count(0)
        expect(button).to_have_attribute("aria-expanded", "false")


def test_a_menu_of_an_enlarged_figure_lies_on_it(show):
    page = show(batch())
    page.get_by_role("button", name="Enlarge").click()
    page.get_by_role("button", name="Save, copy, embed").click()
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".bn-enlarged")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".bn-enlarged")).to_have_count(0)


def test_a_menu_that_does_not_load_says_so_and_may_be_pressed_again(show):
    page = show(batch())
    page.evaluate("() => { for (const m of bnHost.models.values()) m.set('_take', ''); }")
    button = page.locator(".bn-menu")
    button.click()
    expect(button).to_have_attribute("title", re.compile("could not be loaded. Press again"))


NUMPY = """(module, state, bytes) => {
  for (const name of bytes) state[name] = new DataView(Uint8Array.from(state[name]).buffer);
  return ["import numpy as np", ...module.lines((name) => state[name])].join("\\n");
}"""
SHOWN = {  # what a figure hands back that its lines do not make: why
    "graph": {"errors"},  # of a cut gradient, against the true one
    "training": {"_losses", "diverged", "taken", "now"},  # under other names: see below
}


def lines_of(figure):
    """The lines that the menu copies, in the state in which the figure is."""
    state = {name: getattr(figure, name) for name in (*figure.inputs, *figure.outputs)}
    packed = [name for name, v in state.items() if isinstance(v, bytes | memoryview)]
    state |= {name: list(bytes(state[name])) for name in packed}
    name = type(figure).__module__.rpartition(".")[2]
    (text,) = run(f"figures/{name}/numpy.js", NUMPY, [state, packed])
    if isinstance(text, Exception):
        raise text
    return text


def executed(figure):
    made = {}
    with np.errstate(all="ignore"):
        exec(lines_of(figure), made)
    return made


def same(a, b):
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in b)
    if b is None or (isinstance(b, list) and not b):
        return True  # not defined, and the figure says so: what NumPy makes of it is no matter
    a, b = np.asarray(a, float), np.asarray(b, float)
    scale = np.abs(b).max(initial=1)
    return a.shape == b.shape and np.abs(a - b).max(initial=0) <= 1e-9 * scale


@pytest.mark.parametrize(
    ("name", "state"), [(name, state) for name, all in STATES.items() for state in all]
)
def test_copied_lines_make_the_numbers_that_are_shown(name, state):
    figure = STATES[name][state]()[0]
    made = executed(figure)
    for output in {*figure.outputs} - SHOWN.get(name, set()):
        want = getattr(figure, output)
        if output in made or not (want == [] or want is None):
            assert same(made[output], want), output


def test_copied_lines_of_a_training_hold_its_losses_and_readings():
    figure = STATES["training"]["trained"]()[0]
    made = executed(figure)
    assert same(made["losses"], figure.losses)
    for name, now in figure.now.items():  # the losses are kept in single precision
        assert made["loss"][name] == pytest.approx(now["loss"], rel=1e-6)
    for reading in ("accuracy", "drift", "length", "angle"):
        now = {name: figure.now[name][reading] for name in figure.now}
        assert all(now[name] is None or same(made[reading][name], now[name]) for name in now)


TRACED = """({ traced }, graph, how) => {
  const cut = new Set(how.cut);
  const { forward, backward } = traced(graph, { ...how, cut });
  return [...forward, ...backward].join("\\n");
}"""


def check_written(graph, inputs, rng, cut=()):
    """The lines written for a graph against the graph itself, forward and backward."""
    ran = graph.forward(**inputs)
    outputs = ran.output if isinstance(ran.output, tuple) else (ran.output,)
    dys = [rng.normal(size=np.shape(output)) for output in outputs]
    names = [f"upstream_{k}" for k in range(len(dys))]
    to = [name for name in graph.inputs]
    how = {"dys": names, "to": to, "cut": [f"{edge.target}:{edge.slot}" for edge in cut]}
    (text,) = run("figures/take/lines.js", TRACED, [graph.to_json(), how])
    if isinstance(text, Exception):
        raise text
    values = {name: np.asarray(inputs[name], float) for name in to}
    made = {"np": np, **values, **dict(zip(names, dys, strict=True))}
    with np.errstate(all="ignore"):
        exec(text, made)
        want = ran.backward(dys if len(dys) > 1 else dys[0], cut=cut)
    scale = max((np.abs(f).max(initial=0) for f in want.flow.values()), default=1)
    for name in to:
        assert_same(f"{name}\n{text}\n", made[f"d{name}"], want[name], scale)


@pytest.mark.parametrize("name", book())
def test_lines_written_for_the_books_functions(name):
    function, inputs = book()[name]
    graph = bn.trace(function, **inputs)
    given = {n: inputs.get(n, graph.state.get(n)) for n in graph.inputs}
    rng = np.random.default_rng(0)
    check_written(graph, given, rng)
    edges = sorted(graph.cut([e for e in graph.edges if e.target % 2]))
    check_written(graph, given, rng, cut=edges[:3])


@settings(max_examples=150, deadline=None)
@given(traced())
def test_lines_written_for_random_programs(case):
    program, graph, _, cut = case
    rng = np.random.default_rng(0)
    for edges in (set(), cut):
        check_written(graph, program.inputs, rng, cut=edges)


def choose(page, entry):
    page.get_by_role("button", name="Save, copy, embed").click()
    page.get_by_role("menuitem", name=entry).click()


def test_numpy_lines_are_copied(show):
    figure = batch(flow_through_mean=False)
    page = show(figure)
    page.evaluate(
        "() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }"
    )
    choose(page, "Copy as NumPy")
    expect(page.get_by_role("status")).to_have_text("Copied")
    made = {}
    exec(page.evaluate("() => window.copied"), made)
    np.testing.assert_allclose(made["dx"], figure.dx, rtol=1e-12)


NO_CLIPBOARD = "() => Object.defineProperty(navigator, 'clipboard', { value: undefined })"


@pytest.mark.parametrize("enlarged", [False, True])
def test_over_plain_http_too_it_is_copied(show, enlarged):
    page = show(batch())
    page.evaluate(NO_CLIPBOARD)
    page.evaluate("""() => document.addEventListener("copy", ({ target }) => {
      window.copied = target.value.slice(target.selectionStart, target.selectionEnd);
    })""")
    if enlarged:
        page.get_by_role("button", name="Enlarge").click()
    choose(page, "Copy as NumPy")
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("() => copied").startswith("import numpy as np\n")
    expect(page.get_by_role("button", name="Save, copy, embed")).to_be_focused()
    expect(page.locator("textarea")).to_have_count(0)


@pytest.mark.parametrize("enlarged", [False, True])
def test_where_nothing_may_be_copied_it_is_shown(show, enlarged):
    page = show(batch())
    page.evaluate("() => { navigator.clipboard.writeText = async () => { throw new Error(); }; }")
    page.evaluate("() => { document.execCommand = () => false; }")
    if enlarged:
        page.get_by_role("button", name="Enlarge").click()
    choose(page, "Copy as NumPy")
    area = page.get_by_role("textbox", name="What to copy")
    expect(area).to_be_focused()
    assert page.evaluate("() => getSelection().toString()").startswith("import numpy as np\n")
    over = """(area) => {
      const { x, y } = area.getBoundingClientRect();
      return document.elementFromPoint(x + 9, y + 9) === area;
    }"""
    assert area.evaluate(over)  # nothing covers it
    accessible(page, "textarea")
    page.keyboard.press("Escape")
    expect(area).to_have_count(0)


def test_entries_without_a_use_are_absent(saved):
    """A saved page gives no links and no lectures, and is not embedded anywhere."""
    page = saved(batch())
    page.get_by_role("button", name="Save, copy, embed").click()
    expect(page.get_by_role("menuitem")).to_have_text(
        ["Save as SVG", "Save as PNG", "Copy as NumPy"]
    )
    page.keyboard.press("Escape")
    page.evaluate("() => { bnHost.link = () => 'the link'; }")
    page.evaluate(
        "() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }"
    )
    choose(page, "Copy link")
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("() => window.copied") == "the link"
