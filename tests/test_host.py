"""The static host, on pages made from the state of real widgets, in a real browser."""

import json
import threading
from pathlib import Path

import anywidget
import ipywidgets as widgets
import pytest
import traitlets
from stage import STATE, VIEW, Quiet, get, put, serve, slide, write

from _ext.site.bundle import host_css, joined


class Echo(anywidget.AnyWidget):
    """Shows its value as JSON, and keeps a diary of its life in `window.diary`."""

    _esm = """
    export default {
      initialize({ model }) { (window.diary ??= []).push("initialize"); },
      render({ model, el, signal }) {
        window.diary.push("render");
        const out = document.createElement("output");
        const show = () => { out.textContent = JSON.stringify(model.get("value")); };
        model.on("change:value", show);
        signal.addEventListener("abort", () => window.diary.push("abort"));
        el.append(out);
        show();
        return () => window.diary.push("clean-up");
      },
    };
    """
    value = traitlets.Any(None, allow_none=True).tag(sync=True)


def figure(esm, name="Probe", **values):
    """An anywidget with this module; keyword arguments become synced traits of any type."""
    traits = {key: traitlets.Any(value).tag(sync=True) for key, value in values.items()}
    return type(name, (anywidget.AnyWidget,), {"_esm": esm, **traits})()


@pytest.fixture
def rough(browser, tmp_path):
    """As `show`, for pages that hold something bad: gives (page, what is named, console errors)."""
    context = browser.new_context()
    page = context.new_page()
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))

    def opened(*views, **options):
        page.goto(write(tmp_path, *views, **options).as_uri())
        page.evaluate("() => bnHost.ready")
        return page, page.locator(".bn-missing").all_text_contents(), errors

    yield opened
    context.close()


# Where it runs --------------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path):
    """The address of a plain file server on the folder above the page's."""
    with serve(tmp_path) as address:
        yield address


@pytest.mark.parametrize("over", ["file", "http"])
def test_lives_over_file_and_under_a_sub_path(page, tmp_path, server, over):
    a, echo = widgets.FloatSlider(description="a", value=0.5, max=1), Echo()
    widgets.jslink((a, "value"), (echo, "value"))
    folder = tmp_path / "some" / "book"
    folder.mkdir(parents=True)
    path = write(folder, a, echo)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri() if over == "file" else f"{server}/some/book/page.html")
    page.evaluate("() => bnHost.ready")
    assert page.locator("output").all_text_contents() == ["0.5"]
    slide(page, "a", 0.8)
    assert page.locator("output").all_text_contents() == ["0.8"]
    home = "file://" if over == "file" else f"{server}/some/book/"
    assert len(asked) >= 4
    assert [url for url in asked if not url.startswith((home, "blob:", "data:"))] == []


def test_a_second_copy_of_the_script_changes_nothing(show):
    a, echo = widgets.FloatSlider(description="a"), Echo()
    widgets.jslink((a, "value"), (echo, "value"))
    page = show(a, echo, copies=2)
    page.add_script_tag(content=joined("host/host.js"))
    page.evaluate("() => bnHost.ready")
    assert page.locator("output").count() == 1
    assert page.get_by_role("slider").count() == 1
    assert page.evaluate("diary") == ["initialize", "render"]


def test_a_page_without_widgets_is_left_alone(page, tmp_path):
    page.goto(write(tmp_path).as_uri())
    page.evaluate("() => bnHost.ready")
    assert page.locator("main").text_content().strip() == ""


@pytest.fixture
def slow_server():
    """Serves `pages`, each cut into pieces; a piece is sent when the test opens its gate."""
    pages, gates = {}, []
    pages["/host.js"] = ("text/javascript", [joined("host/host.js").encode()])
    pages["/host.css"] = ("text/css", [host_css().encode()])

    class Slow(Quiet):
        def do_GET(self):
            kind, pieces = pages[self.path]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            for i, piece in enumerate(pieces):
                if i:
                    gates[i - 1].wait(20)
                self.wfile.write(piece)
                self.wfile.flush()

    with serve(Slow) as address:
        yield address, pages, gates
        for gate in gates:
            gate.set()


def test_views_stand_while_the_page_still_arrives(page, tmp_path, slow_server):
    address, pages, gates = slow_server
    a, echo, late = widgets.FloatSlider(description="a", value=3), Echo(), Echo(value=8)
    link = widgets.jslink((a, "value"), (echo, "value"))
    text = write(tmp_path, a, echo, late, also=[link]).read_text("utf-8")
    text = text.replace("<script defer", "<script")
    inside = text.index(late.model_id, text.index("<main>")) + 5  # within the last view's tag
    within = text.index('"state"') + 300  # within the state's
    pieces = [text[:within], text[within:inside], text[inside:]]
    pages["/page.html"] = ("text/html", [piece.encode() for piece in pieces])
    gates += [threading.Event(), threading.Event()]
    page.goto(f"{address}/page.html", wait_until="commit")
    gates[0].set()
    page.wait_for_function("() => document.querySelector('output')?.textContent === '3'")
    assert page.evaluate("document.readyState") == "loading"
    assert page.get_by_role("slider", name="a").count() == 1
    gates[1].set()
    page.wait_for_load_state("load")
    page.evaluate("() => bnHost.ready")
    assert page.locator("output").all_text_contents() == ["3", "8"]
    assert page.locator(".bn-missing").count() == 0
    assert page.evaluate("diary.filter((line) => line === 'initialize').length") == 2


def test_a_module_that_fails_before_its_view_arrives_is_named_once(browser, tmp_path, slow_server):
    address, pages, gates = slow_server
    text = write(tmp_path, figure("throw new Error('boom');", name="Bad")).read_text("utf-8")
    head, body = text.replace("<script defer", "<script").split("<main>")
    pages["/page.html"] = ("text/html", [f"{head}<main>x".encode(), body.encode()])
    gates.append(threading.Event())
    page = browser.new_page()
    with page.expect_console_message(lambda message: "boom" in message.text):
        page.goto(f"{address}/page.html", wait_until="commit")
    gates[0].set()
    page.wait_for_load_state("load")
    page.evaluate("() => bnHost.ready")
    assert page.locator(".bn-missing").count() == 1
    assert page.locator("bn-view .bn-missing").count() == 1
    page.close()


def test_a_bad_tag_before_the_body_is_named(rough):
    tag = f'<script src="host.js"></script><script type="{STATE}">{{bad</script>'
    _, named, errors = rough(Echo(value=1), head=tag)
    assert len(named) == 1
    assert "cannot be read" in named[0]
    assert errors == []


# Controls -------------------------------------------------------------------------------------


def pick(role, name):
    return lambda page: page.get_by_role(role, name=name, exact=True)


CONTROLS = {
    # name: (widget, trait, locator, what the reader does, then, what a figure sets, what is shown)
    "FloatSlider": (
        lambda: widgets.FloatSlider(description="c", value=0.25, min=-1, max=2, step=0.05),
        "value",
        pick("slider", "c"),
        lambda at: at.fill("1.35"),
        1.35,
        -0.4,
        lambda at: float(at.input_value()),
    ),
    "IntSlider": (
        lambda: widgets.IntSlider(description="c", value=3, min=1, max=9),
        "value",
        pick("slider", "c"),
        lambda at: at.fill("7"),
        7,
        2,
        lambda at: int(at.input_value()),
    ),
    "FloatLogSlider": (
        lambda: widgets.FloatLogSlider(description="c", value=1e-3, min=-5, max=1, step=0.5),
        "value",
        pick("slider", "c"),
        lambda at: at.fill("-2"),
        0.01,
        0.1,
        lambda at: 10 ** float(at.input_value()),
    ),
    "Checkbox": (
        lambda: widgets.Checkbox(description="c", value=False),
        "value",
        pick("checkbox", "c"),
        lambda at: at.click(),
        True,
        False,
        lambda at: at.is_checked(),
    ),
    "ToggleButton": (
        lambda: widgets.ToggleButton(description="c", value=True),
        "value",
        pick("button", "c"),
        lambda at: at.click(),
        False,
        True,
        lambda at: at.get_attribute("aria-pressed") == "true",
    ),
    "ToggleButtons": (
        lambda: widgets.ToggleButtons(description="c", options=["p", "q", "r"]),
        "index",
        pick("radiogroup", "c"),
        lambda at: at.get_by_role("radio", name="r").click(),
        2,
        1,
        lambda at: [r.is_checked() for r in at.get_by_role("radio").all()].index(True),
    ),
    "RadioButtons": (
        lambda: widgets.RadioButtons(description="c", options=["p", "q", "r"]),
        "index",
        pick("radiogroup", "c"),
        lambda at: at.get_by_role("radio", name="r").click(),
        2,
        1,
        lambda at: [r.is_checked() for r in at.get_by_role("radio").all()].index(True),
    ),
    "Dropdown": (
        lambda: widgets.Dropdown(description="c", options=[("one", 10), ("two", 20)]),
        "index",
        pick("combobox", "c"),
        lambda at: at.select_option("two"),
        1,
        0,
        lambda at: at.evaluate("e => e.selectedIndex"),
    ),
}


@pytest.mark.parametrize("kind", CONTROLS)
def test_control_moves_the_figure_and_the_figure_moves_the_control(show, kind):
    build, trait, find, act, then, other, shown = CONTROLS[kind]
    control, echo = build(), Echo()
    widgets.jslink((control, trait), (echo, "value"))
    page = show(control, echo)
    at = find(page)
    start = getattr(control, trait)
    assert json.loads(page.locator("output").text_content()) == start
    assert shown(at) == pytest.approx(start)
    act(at)
    assert get(page, control, trait) == pytest.approx(then, rel=1e-15)
    assert json.loads(page.locator("output").text_content()) == pytest.approx(then, rel=1e-15)
    assert shown(at) == pytest.approx(then)
    put(page, echo, other)
    assert get(page, control, trait) == other
    assert shown(at) == pytest.approx(other)


@pytest.mark.parametrize("kind", CONTROLS)
def test_disabled_control_is_disabled_and_can_be_enabled(show, kind):
    build, *_ = CONTROLS[kind]
    control = build()
    control.disabled = True
    page = show(control)
    inputs = page.locator("bn-view").locator("input, select, button")
    assert inputs.count() > 0
    assert all(one.is_disabled() for one in inputs.all())
    put(page, control, False, "disabled")
    assert all(one.is_enabled() for one in inputs.all())


@pytest.mark.parametrize("kind", CONTROLS)
def test_control_without_description_still_has_a_name(show, kind):
    build, *_ = CONTROLS[kind]
    control = build()
    control.description = ""
    page = show(control)
    inputs = page.locator("bn-view").locator("input, select, button, fieldset")
    names = page.evaluate(
        "all => all.map(e => e.ariaLabel || [...e.labels ?? []].map(l => l.textContent).join()"
        " || e.textContent)",
        [one.element_handle() for one in inputs.all()],
    )
    assert names
    assert all(name.strip() for name in names)


def test_several_controls_of_one_kind_do_not_disturb_each_other(show):
    one, two = (widgets.ToggleButtons(description=d, options=["p", "q"]) for d in "ab")
    page = show(one, two, one)
    page.get_by_role("radiogroup", name="a").nth(1).get_by_role("radio", name="q").click()
    checked = [
        [radio.is_checked() for radio in group.get_by_role("radio").all()]
        for group in page.get_by_role("radiogroup").all()
    ]
    assert checked == [[False, True], [True, False], [False, True]]


def test_choice_of_nothing_and_new_options(show):
    page = show(
        buttons := widgets.ToggleButtons(description="b", options=["p", "q"], index=None),
        menu := widgets.Dropdown(description="d", options=["p", "q"], index=None),
    )
    assert page.get_by_role("radio", checked=True).count() == 0
    assert page.get_by_role("combobox").evaluate("e => e.selectedIndex") == -1
    for widget in (buttons, menu):
        put(page, widget, ["u", "v", "w"], "_options_labels")
        put(page, widget, 2, "index")
    assert page.get_by_role("radio", checked=True).count() == 1
    assert page.get_by_role("radio", name="w").is_checked()
    assert page.get_by_role("combobox").input_value() == "w"


def test_a_value_off_the_steps_is_kept_exactly(show):
    a = widgets.FloatSlider(description="a", value=0.123456789012345, max=1, step=0.25)
    b = widgets.FloatLogSlider(description="b", value=3.3e-5, min=-8, max=0, step=1)
    page = show(a, b, echo := Echo())
    put(page, echo, 1)  # something else moves
    assert get(page, a) == a.value
    assert get(page, b) == b.value
    assert page.get_by_role("textbox", name="a, value").input_value() == "0.12"


def test_readout_format(show):
    cases = [
        (".2f", 1.005, "1.00"),
        (".3f", -0.0625, "-0.063"),
        (".0f", 2.6, "3"),
        ("d", 7, "7"),
        (".1e", 0.00012, "1.2e-4"),
        (".4g", 0.0123456, "0.01235"),
        (".3g", 1.0, "1.00"),
        (".3g", 1e-7, "1.00e-7"),
        ("nonsense", 0.1, "0.1"),
    ]
    sliders = [
        widgets.FloatSlider(description=f"s{i}", value=value, min=-9, max=9)
        for i, (_, value, _) in enumerate(cases)
    ]

    def change(state):
        for slider, (spec, *_) in zip(sliders, cases, strict=True):
            state[slider.model_id]["state"]["readout_format"] = spec

    page = show(*sliders, change=change)
    for slider, (_, value, text) in zip(sliders, cases, strict=True):
        name = slider.description
        assert page.get_by_role("textbox", name=f"{name}, value").input_value() == text
        assert page.get_by_role("slider", name=name).get_attribute("aria-valuetext") == text
        assert get(page, slider) == value


def test_readout_can_be_hidden(show):
    page = show(widgets.IntSlider(description="a", readout=False))
    assert page.get_by_role("textbox").count() == 0
    assert page.get_by_role("slider", name="a").is_visible()


@pytest.mark.parametrize(
    ("build", "cases"),
    [
        (
            lambda: widgets.FloatSlider(description="a", value=0.5, min=-2, max=2),
            {"0.777": 0.777, "1e-3": 1e-3, "-5": -2, "99": 2, "Infinity": 2, "two": 2, "": 2},
        ),
        (
            lambda: widgets.IntSlider(description="a", value=1, min=-2, max=9),
            {"4.6": 5, "-100": -2, "4x": -2},
        ),
        (
            lambda: widgets.FloatLogSlider(description="a", value=0.5, min=-2, max=2),
            {"3": 3, "1e9": 100, "-1": 0.01},
        ),
    ],
)
def test_typed_number(show, build, cases):
    a = build()
    page = show(a)
    at = page.get_by_role("textbox", name="a, value")
    for typed, value in cases.items():
        at.fill(typed)
        at.press("Enter")
        assert get(page, a) == pytest.approx(value, rel=1e-15), typed
        assert float(at.input_value()) == pytest.approx(value, abs=0.005), typed


def test_slider_reaches_its_ends_and_follows_new_bounds(show):
    a = widgets.FloatSlider(description="a", value=0.5, min=0.2, max=0.9, step=0.1)
    page = show(a)
    at = page.get_by_role("slider", name="a")
    at.press("End")
    assert get(page, a) == 0.9
    at.press("Home")
    assert get(page, a) == 0.2
    put(page, a, 5, "max")
    at.press("End")
    assert get(page, a) == pytest.approx(5, abs=0.1)


def test_events_arrive_at_once_or_when_asked_only_at_the_end(show):
    fast = widgets.FloatSlider(description="fast")
    slow = widgets.FloatSlider(description="slow", continuous_update=False)
    echo = Echo()
    widgets.jslink((fast, "value"), (echo, "value"))
    page = show(fast, slow, echo)
    inside = page.evaluate(
        """() => {
          const at = document.querySelector('input[type=range]');
          at.value = 42;
          at.dispatchEvent(new Event("input", { bubbles: true }));
          return document.querySelector("output").textContent;
        }"""
    )
    assert inside == "42"  # in the same task: synchronous
    at = page.get_by_role("slider", name="slow")
    at.evaluate("e => { e.value = 7; e.dispatchEvent(new Event('input')); }")
    assert get(page, slow) == 0
    at.evaluate("e => { e.dispatchEvent(new Event('change')); }")
    assert get(page, slow) == 7


def test_keyboard_reaches_and_moves_every_control(show):
    a = widgets.FloatSlider(description="a", value=0.5, max=1, step=0.1)
    b = widgets.Checkbox(description="b")
    c = widgets.ToggleButton(description="c")
    d = widgets.ToggleButtons(description="d", options=["p", "q"])
    e = widgets.Dropdown(description="e", options=["p", "q"])
    page = show(a, b, c, d, e)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")  # the number
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert get(page, a) == 0.6
    assert [get(page, b), get(page, c)] == [True, True]
    assert [get(page, d, "index"), get(page, e, "index")] == [1, 1]
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) != "none"


def test_a_click_on_the_label_reaches_the_control(show):
    box = widgets.Checkbox(description="Flow through the mean")
    page = show(box)
    page.get_by_text("Flow through the mean").click()
    assert get(page, box) is True
    assert page.get_by_label("Flow through the mean").is_checked()


def test_data_never_becomes_markup(show):
    bad = "<img src=x onerror=\"document.title='owned'\"> $\\gamma$"
    page = show(
        widgets.FloatSlider(description=bad),
        widgets.Checkbox(description=bad),
        widgets.ToggleButtons(description=bad, options=[bad, "q"]),
        widgets.Dropdown(description=bad, options=[bad, "q"]),
        widgets.Label(description=bad, value=bad),
        widgets.ToggleButton(description=bad),
    )
    assert page.locator("main img").count() == 0
    assert page.title() == "Page"
    assert page.get_by_role("slider", name=bad).count() == 1


def test_label_follows_its_value(show):
    a, label = widgets.Label(value="before"), widgets.Label(description="name")
    link = widgets.jslink((a, "value"), (label, "value"))
    page = show(label, also=[link])
    assert page.locator("bn-view").inner_text().split() == ["name", "before"]
    put(page, a, "after")
    assert page.locator("bn-view").inner_text().split() == ["name", "after"]


def test_boxes_nest_and_layout_is_honoured(show):
    a, b, c = (widgets.FloatSlider(description=d) for d in "abc")
    a.layout.width = "200px"
    c.layout.display = "none"
    page = show(widgets.VBox([widgets.HBox([a, b]), widgets.GridBox([c]), Echo(value=1)]))
    assert page.get_by_role("slider").count() == 2
    rows = page.locator(".bn-slider")
    first, second = rows.nth(0).bounding_box(), rows.nth(1).bounding_box()
    assert first["width"] == 200
    assert first["y"] == second["y"]
    assert page.locator("output").bounding_box()["y"] > first["y"]
    put(page, c.layout, None, "display")
    assert page.get_by_role("slider", name="c").is_visible()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_overflows(show, width, theme):
    long = "a long description of what this control does to the gradient"
    page = show(
        widgets.VBox(
            [
                widgets.FloatSlider(description=long, layout={"width": "900px"}),
                widgets.HBox([widgets.FloatSlider(description=d) for d in "abc"]),
                widgets.Checkbox(description=long),
                widgets.ToggleButton(description=long),
                widgets.ToggleButtons(description=long, options=[long, "q"]),
                widgets.Dropdown(description=long, options=[long, "q"]),
            ]
        )
    )
    page.set_viewport_size({"width": width, "height": 700})
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = [at.bounding_box() for at in page.locator("bn-view input, bn-view select").all()]
    assert all(size["x"] >= 0 and size["x"] + size["width"] <= width for size in sizes)
    ranges = [at.bounding_box() for at in page.locator("input[type=range]").all()]
    assert all(size["width"] >= 120 for size in ranges)


# Links ----------------------------------------------------------------------------------------


def test_link_both_ways_starts_with_the_source(show):
    a, b = widgets.FloatSlider(description="a", value=3), widgets.FloatSlider(description="b")
    link = widgets.jslink((a, "value"), (b, "value"))
    page = show(a, b, also=[link])
    assert get(page, b) == 3
    slide(page, "b", 8)
    assert get(page, a) == 8
    slide(page, "a", 5)
    assert get(page, b) == 5


def test_directional_link_goes_one_way(show):
    a, b = widgets.FloatSlider(description="a", value=3), widgets.FloatSlider(description="b")
    link = widgets.jsdlink((a, "value"), (b, "value"))
    page = show(a, b, also=[link])
    slide(page, "b", 8)
    assert get(page, a) == 3
    slide(page, "a", 5)
    assert get(page, b) == 5


def test_ring_of_links_through_undisplayed_models_comes_to_rest(show):
    a, b, c = (widgets.FloatSlider(description=d, value=i) for i, d in enumerate("abc"))
    hidden = Echo()
    links = [
        widgets.jslink((a, "value"), (b, "value")),
        widgets.jslink((b, "value"), (c, "value")),
        widgets.jsdlink((c, "value"), (a, "value")),
        widgets.jsdlink((c, "value"), (hidden, "value")),
    ]
    page = show(a, also=links)
    slide(page, "a", 7)
    assert [get(page, w) for w in (a, b, c, hidden)] == [7] * 4
    assert page.evaluate("diary") == ["initialize"]


def test_a_figure_that_answers_a_link_with_another_value_comes_to_rest(show):
    picky = figure(
        """export default { initialize({ model }) {
          model.on("change:value", () => model.set("value", Math.min(model.get("value"), 1)));
        } };""",
        value=0,
    )
    a = widgets.FloatSlider(description="a")
    page = show(a, also=[picky, widgets.jslink((a, "value"), (picky, "value"))])
    slide(page, "a", 5)
    assert [get(page, picky), get(page, a)] == [1, 5]  # as in JupyterLab: no answer comes back
    put(page, picky, 0.5)
    assert get(page, a) == 0.5


# Models ---------------------------------------------------------------------------------------


def run(page, widget, script):
    """Runs a function of the page's model; gives what it returns."""
    return page.evaluate(f"id => ({script})(bnHost.models.get(id))", widget.model_id)


def test_change_is_told_only_when_the_value_differs(show):
    echo = Echo(value={"a": [1, 2, {"b": None}]})
    seen = """m => {
      const seen = [];
      m.on("change:value change:other change", (...a) => seen.push(a.length));
      m.set("value", { a: [1, 2, { b: null }] });
      const equal = seen.length;
      m.set("value", { a: [1, 2, { b: 0 }] });
      m.set("value", NaN);
      m.set("value", NaN);
      return [equal, seen.length];
    }"""
    assert run(show(echo), echo, seen) == [0, 4]


def test_equality_is_deep(show):
    cases = [
        ("new DataView(u(1, 2))", "new DataView(u(0, 1, 2), 1)", True),
        ("new DataView(u(1, 2))", "new DataView(u(1, 3))", False),
        ("new DataView(u(1, 2))", "new DataView(u(1, 2, 3))", False),
        ("new Float64Array([1, NaN])", "new Float64Array([1, NaN])", True),
        ("new Float64Array([1, 2])", "new Float64Array([1, 3])", False),
        ("new Float64Array([1])", "new Float32Array([1])", False),
        ("u(1, 2)", "u(1, 2)", True),
        ("u(1, 2)", "u(2, 1)", False),
        ("[1, [2]]", "[1, [2]]", True),
        ("[1]", "{ 0: 1 }", False),
        ("{ a: undefined }", "{ b: undefined }", False),
        ("{ a: 1 }", "{ a: 1, b: 2 }", False),
        ("null", "{}", False),
        ("0", "false", False),
        ("''", "null", False),
    ]
    page = show(echo := Echo())
    for a, b, same in cases:
        script = f"""m => {{
          const u = (...bytes) => new Uint8Array(bytes).buffer;
          let told = 0;
          m.set("other", {a});
          m.on("change:other", () => told++);
          m.set("other", {b});
          m.off("change:other");
          return told;
        }}"""
        assert run(page, echo, script) == (0 if same else 1), (a, b)


def test_set_of_many_tells_each_then_once(show):
    script = """m => {
      const seen = [];
      m.on("change:a", (model, value) => {
        seen.push(["a", value, m.get("b"), model === m]);
        if (value < 3) m.set("a", 3); // a change within a change
      });
      m.on("change:b", (_, value) => seen.push(["b", value]));
      m.on("change", () => seen.push("change"));
      m.set({ a: 1, b: 2 });
      return seen;
    }"""
    assert run(show(echo := Echo()), echo, script) == [
        ["a", 1, 2, True],
        ["a", 3, 2, True],
        ["b", 2],
        "change",
    ]


def test_off_removes_what_matches_every_argument(show):
    cases = {
        "m.off('x', f, one)": "g1 f2 g2 y1",
        "m.off('x', f)": "g1 g2 y1",
        "m.off('x')": "y1",
        "m.off('x y')": "",
        "m.off(null, f)": "g1 g2",
        "m.off(null, null, one)": "f2 g2",
        "m.off()": "",
        "m.off('x', () => 0)": "f1 g1 f2 g2 y1",
    }
    page = show(echo := Echo())
    for call, left in cases.items():
        script = f"""m => {{
          let seen = [];
          const one = {{ n: 1 }}, two = {{ n: 2 }};
          const f = function (e) {{ seen.push((e === "y" ? "y" : "f") + this.n); }};
          const g = function () {{ seen.push("g" + this.n); }};
          m.off();
          m.on("x", f, one).on("x", g, one).on("x", f, two).on("x", g, two).on("y", f, one);
          {call};
          m.trigger("x", "x");
          m.trigger("y", "y");
          return seen.join(" ");
        }}"""
        assert run(page, echo, script) == left, call


def test_a_handler_that_throws_does_not_silence_the_others(rough):
    page, named, errors = rough(echo := Echo(value=0))
    # in a later task, so that the error is the page's and not this call's
    run(
        page,
        echo,
        """m => {
          m.off("change:value");
          m.on("change:value", () => { throw new Error("mine"); });
          m.on("change:value", () => { window.heard = true; });
          m.set("value", 1);
          m.on("change", () => { window.again = true; });
          m.set("value", 2);
        }""",
    )
    assert page.evaluate("[heard, again]") == [True, True]
    assert named == []
    assert len(errors) == 2
    assert all("mine" in error for error in errors)


def test_bytes_arrive_as_data_views_on_their_paths(show):
    data = bytes(range(256))
    echo = Echo(value={"a": [1, b"\x01\x02"], "b": {"c": b""}})
    whole = figure("export default {};", value=data)
    page = show(echo, also=[whole])
    assert run(
        page,
        echo,
        """m => { const v = m.get("value");
        return [v.a[0], v.a[1].constructor.name, v.a[1].getUint8(1), v.b.c.byteLength]; }""",
    ) == [1, "DataView", 2, 0]
    assert run(page, whole, "m => [...new Uint8Array(m.get('value').buffer)]") == list(data)


# anywidget modules ----------------------------------------------------------------------------


def test_several_views_of_one_model_and_clean_up(show):
    echo = Echo(value=1)
    page = show(echo, echo, other := Echo(value=5))
    put(page, echo, 2)
    assert page.locator("output").all_text_contents() == ["2", "2", "5"]
    assert sorted(page.evaluate("diary.splice(0)")) == ["initialize"] * 2 + ["render"] * 3

    # a move is not a removal
    page.evaluate("() => { const v = document.querySelector('bn-view'); v.parentNode.append(v); }")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert page.evaluate("diary") == []

    # the first view leaves with the cell around it; the second lives on
    page.evaluate(
        "() => { window.gone = document.querySelector('output');"
        " document.querySelector('.cell_output').remove(); }"
    )
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert sorted(page.evaluate("diary")) == ["abort", "clean-up"]
    put(page, echo, 3)
    assert page.evaluate("gone.textContent") == "2"
    assert page.locator("output").all_text_contents() == ["3", "5"]
    assert get(page, other) == 5


def test_a_removed_control_lets_go_of_its_model(show):
    a = widgets.FloatSlider(description="a", value=1)
    page = show(a)
    page.evaluate(
        "() => { window.gone = document.querySelector('input');"
        " document.querySelector('bn-view').remove(); }"
    )
    page.evaluate("() => new Promise(requestAnimationFrame)")
    put(page, a, 9)
    assert page.evaluate("gone.value") == "1"


def test_a_view_removed_while_it_renders_is_cleaned_up(show):
    slow = figure(
        """export default { async render({ signal }) {
          window.signal = signal;
          await new Promise((resolve) => { window.finish = resolve; });
          return () => { window.cleaned = true; };
        } };"""
    )
    page = show(Echo(value=1))
    page.goto(write(Path(page.url[7:]).parent, slow).as_uri())
    page.wait_for_function("() => Boolean(window.finish)")
    page.evaluate("() => { document.querySelector('bn-view').remove(); }")
    page.wait_for_function("window.signal.aborted")
    page.evaluate("() => { finish(); return bnHost.ready; }")
    assert page.evaluate("cleaned")


def test_off_of_a_module_reaches_only_its_own_view(show):
    probe = figure(
        """export default {
          initialize({ model }) { model.on("change:value", () => { window.kept = true; }); },
          render({ model, el }) {
            model.on("change:value", () => { el.textContent = model.get("value"); });
            const button = document.createElement("button");
            button.onclick = () => model.off();
            el.append(button);
          },
        };""",
        value=0,
    )
    page = show(probe, probe)
    page.locator("button").first.click()
    put(page, probe, 4)
    assert page.locator("bn-view").all_text_contents() == ["", "4"]
    assert page.evaluate("kept")


@pytest.mark.parametrize(
    "esm",
    [
        "export default { render({ el }) { el.append('here'); } };",
        "export default () => ({ render({ el }) { el.append('here'); } });",
        "export default async () => ({ async render({ el }) { el.append('here'); } });",
        "export function render({ el }) { el.append('here'); }",
    ],
)
def test_shapes_of_a_module(show, esm):
    assert show(figure(esm)).locator("bn-view").text_content() == "here"


def test_modules_reach_other_widgets(show):
    child = figure(
        """export default {
          initialize: () => ({ answer: 42 }),
          render({ model, el }) {
            const show = () => { el.textContent = `child ${model.get("value")}`; };
            model.on("change:value", show);
            show();
          },
        };""",
        value=1,
    )
    parent = figure(
        """export default { async render({ model, el, host }) {
          const ref = model.get("child");
          const widget = await host.getWidget(ref);
          const inner = document.createElement("p");
          await widget.render({ el: inner });
          el.append(inner, ` ${widget.exports.answer}`);
          const other = await host.getModel(ref);
          other.on("change:value", () => { window.heard = other.get("value"); });
          window.same = (await model.widget_manager.get_model(ref.slice(10))).get("value");
        } };""",
        child=f"anywidget:{child.model_id}",
    )
    page = show(parent, also=[child])
    assert page.locator("bn-view").text_content() == "child 1 42"
    assert page.evaluate("same") == 1
    put(page, child, 2)
    assert page.locator("bn-view").text_content() == "child 2 42"
    assert page.evaluate("window.heard") == 2
    page.evaluate("() => { document.querySelector('bn-view').remove(); delete window.heard; }")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    put(page, child, 3)
    assert page.evaluate("window.heard") is None


def test_style_stands_once_per_kind(show):
    class Red(Echo):
        _css = "output { color: rgb(200, 0, 0); }"

    page = show(Red(value=1), Red(value=2))
    assert page.locator("head style").count() == 1
    assert page.locator("output").last.evaluate("e => getComputedStyle(e).color") == (
        "rgb(200, 0, 0)"
    )


def test_without_a_kernel_messages_are_dropped_with_one_warning(page, tmp_path):
    warnings = []
    page.on("console", lambda m: warnings.append(m.text) if m.type == "warning" else None)
    probe = figure(
        """export default { async render({ model, el, experimental }) {
          model.send({ hello: 1 });
          model.send({ hello: 2 });
          model.set("value", 1);
          model.save_changes();
          await experimental.invoke("work").catch((error) => el.append(error.message));
        } };""",
        value=0,
    )
    page.goto(write(tmp_path, probe, probe).as_uri())
    page.evaluate("() => bnHost.ready")
    assert len(warnings) == 1
    assert "no kernel" in warnings[0]
    assert "needs a running kernel" in page.locator("bn-view").first.text_content()


@pytest.mark.parametrize(
    ("aspect", "least", "height"), [(4.0, 50, 150.0), (4.0, 400, 400.0), (None, 220, 220.0)]
)
def test_a_figure_s_place_is_held_until_it_has_rendered(page, tmp_path, aspect, least, height):
    slow = figure(
        """export default { async render({ el }) {
          await new Promise((resolve) => { window.finish = resolve; });
          el.textContent = "done";
        } };""",
        _min_height=least,
        **({} if aspect is None else {"_aspect": aspect}),
    )
    head = "<style>main { width: 600px; }</style>"
    page.goto(write(tmp_path, slow, head=head).as_uri())
    page.wait_for_function("() => Boolean(window.finish)")
    assert page.locator("bn-view").bounding_box()["height"] == pytest.approx(height, abs=0.5)
    page.evaluate("() => { finish(); return bnHost.ready; }")
    assert page.locator("bn-view").bounding_box()["height"] < 50


# What cannot be shown -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "widget",
    [
        lambda: widgets.Button(description="b"),
        lambda: widgets.HTML("<b>x</b>"),
        lambda: widgets.HTMLMath("<b>x</b>"),
        lambda: widgets.Output(),
        lambda: widgets.Play(),
        lambda: widgets.Text("t"),
        lambda: widgets.Tab([widgets.Label("x")]),
        lambda: widgets.FloatRangeSlider(),
    ],
)
def test_unknown_widget_is_named_and_the_rest_lives(rough, widget):
    bad = widget()
    page, named, errors = rough(
        widgets.VBox([bad, widgets.FloatSlider(description="a")]), Echo(value=1)
    )
    assert len(named) == 1
    assert type(bad).__name__ in named[0]
    assert bad.model_id in named[0]
    assert errors == []
    assert page.locator("bn-view .bn-missing").get_attribute("role") == "alert"
    assert page.locator("main b").count() == 0
    slide(page, "a", 3)
    assert page.locator("output").text_content() == "1"


@pytest.mark.parametrize(
    ("esm", "part"),
    [
        ("this is no module", "module failed"),
        ("export const nothing = 1;", "no default export"),
        ("throw new Error('boom');", "boom"),
        ("export default () => { throw new Error('boom'); };", "boom"),
        ("export default { initialize() { throw new Error('boom'); } };", "initialize failed"),
        ("export default { async initialize() { throw 'boom'; } };", "initialize failed"),
        (
            "export default { render({ el }) { el.append('half'); throw new Error('boom'); } };",
            "render failed",
        ),
        ("export default { async render() { throw new Error('boom'); } };", "render failed"),
    ],
)
def test_module_that_throws_is_named_with_its_reason(rough, esm, part):
    bad = figure(esm, name="BadFigure")
    page, named, errors = rough(bad, Echo(value=1))
    assert len(named) == 1
    assert "BadFigure" in named[0]
    assert part in named[0]
    assert len(errors) == 1
    assert page.locator("bn-view").first.text_content() == named[0]
    assert page.locator("output").text_content() == "1"


def test_undisplayed_module_that_throws_is_named_once(rough):
    bad = figure("throw new Error('boom');", name="BadFigure")
    a = widgets.FloatSlider(description="a")
    link = widgets.jslink((a, "value"), (bad, "layout"))
    _, named, errors = rough(a, also=[bad, link])
    assert len(named) == 1
    assert "BadFigure" in named[0]
    assert len(errors) == 1


def test_handlers_of_a_module_that_failed_are_silent(rough):
    bad = figure(
        """export default { render({ model }) {
          model.on("change:value", () => { throw new Error("again"); });
          throw new Error("boom");
        } };""",
        value=0,
    )
    page, named, errors = rough(bad)
    put(page, bad, 1)
    assert len(named) == len(errors) == 1


def test_module_or_style_at_another_address_is_refused(rough, monkeypatch):
    remote = "http" + "://example.invalid/x"
    code, style = Echo(), Echo()

    def change(state):
        state[code.model_id]["state"]["_esm"] = f"{remote}.js"
        state[style.model_id]["state"]["_css"] = f"{remote}.css"

    _, named, errors = rough(code, style, change=change)
    assert len(named) == 2
    assert all("another address" in text for text in named)
    assert errors == []


def test_missing_state_is_named(rough):
    echo, a = Echo(), widgets.FloatSlider(description="a")
    box = widgets.VBox([widgets.FloatSlider(), a])
    link = widgets.jslink((a, "value"), (echo, "value"))

    def change(state):
        del state[echo.model_id], state[box.children[0].model_id]

    page, named, errors = rough(echo, box, also=[link], change=change)
    assert len(named) == 3
    assert sum(echo.model_id in text for text in named) == 2
    assert sum("LinkModel" in text for text in named) == 1
    assert sum(box.children[0].model_id in text for text in named) == 1
    assert errors == []
    assert page.get_by_role("slider", name="a").is_visible()


@pytest.mark.parametrize("tag", ["{not json", "null", "[]"])
@pytest.mark.parametrize("kind", [STATE, VIEW])
def test_a_tag_that_cannot_be_read_is_named(rough, kind, tag):
    tags = f'<script type="{kind}">{tag}</script>'
    page, named, errors = rough(Echo(value=1), tags=tags)
    assert len(named) == 1
    assert page.locator("output").text_content() == "1"
    assert errors == []
