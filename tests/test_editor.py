"""The editor of the reader's own code, on a page of its own."""

import pytest
from playwright.sync_api import expect
from stage import accessible

from _ext.site.bundle import joined

SOURCE = "def f(x):\n    mu = x.mean()  # the mean\n    return x - mu\n"
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>Page</title><link rel="icon" href="data:,"><script src="editor.js"></script></head>
<body><main><h1>Page</h1><button>before</button><div id="here"></div><button>after</button></main>
<script>
  ALSO
  window.runs = 0;
  window.changes = [];
  window.editor = bnEditor.openEditor(document.getElementById("here"), {
    source: SOURCE, label: "Code of this cell",
    onRun: () => { runs += 1; }, onChange: (text) => changes.push(text), ...window.also,
  });
</script></body></html>"""


# Stands for the running Python; what it is asked is kept
NAMES = """
  window.asked = [];
  window.python = { "": [["np", "module"], ["x", "array (3,)"]],
    np: [["mean", "function"], ["median", "function"], ["pi", "float"]] };
  const title = "mean(a, axis=None)";
  const names = {
    async complete(path, hidden) { asked.push([path, hidden]); return window.python?.[path]; },
    async describe(path) {
      if (!window.python) return undefined;
      const text = "The <b>mean</b>.\\n\\n" + "More of it.\\n".repeat(60);
      return path === "np.mean" ? { title, first: "The <b>mean</b>.", text } : null;
    },
    async keywords(path, given) {
      asked.push([path, given]);
      return window.python && [["axis=", "None"], ["dtype=", "None"]].slice(Math.max(given - 1, 0));
    },
  };
  window.also = { names };
"""


def opened(page, folder, also=""):
    """A page from file:// with an editor between two buttons, and its field."""
    (folder / "editor.js").write_text(joined("host/python/editor.js", "bnEditor"), "utf8")
    path = folder / "page.html"
    path.write_text(PAGE.replace("SOURCE", repr(SOURCE)).replace("ALSO", also), "utf8")
    page.goto(path.as_uri())
    return page.get_by_role("textbox", name="Code of this cell")


@pytest.fixture
def editor(page, tmp_path):
    return opened(page, tmp_path)


@pytest.fixture
def knowing(page, tmp_path):
    """An editor that knows names, in an empty line below its source."""
    field = opened(page, tmp_path, NAMES)
    field.focus()
    page.keyboard.press("Control+End")
    return field


def value(page, wanted):
    page.wait_for_function("(text) => editor.value === text", arg=wanted)


def test_it_edits_runs_and_never_traps_the_keyboard(page, editor):
    expect(page.locator(".cm-editor.highlight .k").first).to_have_text("def")
    expect(page.locator(".highlight .nf")).to_have_text("f")
    expect(page.locator(".highlight .c1")).to_have_text("# the mean")

    before, after = (page.get_by_role("button", name=name) for name in ("before", "after"))
    before.focus()
    page.keyboard.press("Tab")
    expect(editor).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.press("Tab")
    page.keyboard.type("y")
    page.keyboard.press("Tab")  # on to the next multiple of four
    page.keyboard.type("z")
    value(page, SOURCE + "    y   z")
    assert page.evaluate("changes.at(-1)") == SOURCE + "    y   z"
    page.keyboard.press("Shift+Tab")
    value(page, SOURCE + "y   z")
    for key in ("Shift+Enter", "Control+Enter"):
        page.keyboard.press(key)
    assert page.evaluate("runs") == 2
    value(page, SOURCE + "y   z")

    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(after).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(before).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    page.keyboard.type("w")  # typing goes on: Tab indents again
    page.keyboard.press("Tab")
    expect(editor).to_be_focused()

    page.evaluate("editor.value = 'x = 1\\n'")
    value(page, "x = 1\n")
    page.evaluate("editor.focus()")
    page.keyboard.press("Control+z")
    value(page, SOURCE + "y   zw  ")


def test_marks_stand_beside_their_lines_and_move_with_them(page, editor):
    page.evaluate("editor.markError(2, 'mu is no name')")
    wrong = page.locator(".bn-line-error")
    expect(wrong).to_have_text("    mu = x.mean()  # the mean✗")
    expect(page.get_by_role("img", name="error")).to_have_count(1)
    expect(page.locator(".bn-note")).to_have_text("mu is no name")
    editor.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.type("# first\n")
    expect(page.locator(".cm-line").nth(2)).to_have_class("cm-line bn-line-error")
    page.evaluate(
        """editor.mark([{line: 3, kind: "right"}, {line: 9, kind: "wrong", text: "too far"}])"""
    )
    expect(wrong).to_have_count(0)
    expect(page.locator(".cm-line").nth(2).get_by_role("img", name="right")).to_have_text("✓")
    expect(page.locator(".cm-line").last).to_have_class("cm-line bn-line-wrong")
    page.evaluate("editor.clearError()")
    expect(page.locator(".bn-sign, .bn-note")).to_have_count(0)
    assert page.evaluate("editor.value") == "# first\n" + SOURCE


def guarded(page, milliseconds=75):
    """Waits until keys act on a list that has just opened: at first they are not meant for it."""
    page.evaluate("window.opened = performance.now()")
    page.wait_for_function(f"performance.now() > opened + {milliseconds}")


def test_a_dot_offers_names_which_enter_takes(page, knowing):
    page.keyboard.type("np.m")
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_text(["meanfunction", "medianfunction"])
    info = page.locator(".cm-completionInfo")
    expect(info.locator("code")).to_have_text("mean(a, axis=None)")
    expect(info.locator("p")).to_have_text("The <b>mean</b>.")  # text, not markup
    accessible(page)
    guarded(page)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    value(page, SOURCE + "np.median")
    expect(options).to_have_count(0)
    page.keyboard.press("Enter")  # nothing is offered now: it breaks the line
    page.keyboard.type("np.mean")
    expect(options).to_have_text(["meanfunction"])
    guarded(page)
    page.keyboard.press("Enter")  # nor is a name that is there already
    value(page, SOURCE + "np.median\nnp.mean\n")
    page.keyboard.type("np.")
    expect(options).to_have_count(3)
    options.nth(2).click()
    value(page, SOURCE + "np.median\nnp.mean\nnp.pi")


@pytest.mark.parametrize("text", ["3.", "f(x).", "'np.", "# np.", "np.mean(x).", "y"])
def test_nothing_is_offered_where_nothing_can_be_known(page, knowing, text):
    page.keyboard.type(text)
    value(page, SOURCE + text)
    guarded(page, 200)  # twice as long as after a dot
    assert page.evaluate("asked") == []
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.type("\nnp.")  # but on another line it is
    expect(page.get_by_role("option")).to_have_count(3)


def test_ctrl_space_offers_python_s_names_and_the_cell_s_own(page, knowing):
    page.keyboard.press("Control+Space")
    options = page.get_by_role("option")
    expect(options).to_have_text(["fin this cell", "muin this cell", "npmodule", "xarray (3,)"])
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.evaluate("python = undefined")  # as before it runs, and while a cell runs
    page.keyboard.press("Control+Space")
    expect(options).to_have_text([f"{name}in this cell" for name in ("f", "mu", "x")])
    page.keyboard.press("Control+Enter")
    expect(options).to_have_count(0)
    assert page.evaluate("runs") == 1
    page.keyboard.type("np.")
    page.keyboard.type("_")
    page.wait_for_function("asked.at(-1)[1]")  # names that begin with _, since one is typed
    expect(options).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "given", "offered"),
    [
        ("np.mean(", 0, ["axis=None", "dtype=None"]),
        ("np.mean(x, a", 1, ["axis=None"]),
        ("np.mean(\nx,\n ", 1, ["axis=None", "dtype=None"]),
        ("np.mean(x, axis=0, ", 1, ["dtype=None"]),
        ("np.mean(x, AT, axis=0)", 1, ["dtype=None"]),
        ("np.mean(np.abs(x, 2), 0, d", 2, ["dtype=None"]),
        ("np.mean(f(1, x)[0, ", None, []),  # in an index
        ("np.mean(x, axis=", None, []),  # a value
        ("(x, ", None, []),
        ("f(1)(", None, []),  # what is called has no name
        ("np.mean('(', \"a, ", None, []),
    ],
)
def test_ctrl_space_offers_what_a_call_can_be_given_by_name(page, knowing, code, given, offered):
    page.evaluate("() => { python = { '': [] }; asked.length = 0; }")
    knowing.press("Control+End")
    before, _, after = code.partition("AT")
    page.evaluate("(code) => { editor.value += code; }", before + after)
    knowing.press("Control+End")
    for _ in after:
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+Space")
    names = page.get_by_role("option").filter(has_text="=")
    if given is None:
        guarded(page)
    else:
        expect(names).to_have_text(offered)
        assert ["np.mean", given] in page.evaluate("asked")
    assert names.count() == len(offered)


def test_tab_takes_only_what_was_asked_for_and_still_leaves(page, knowing):
    page.keyboard.type("np.")
    options = page.get_by_role("option")
    expect(options).to_have_count(3)
    page.keyboard.press("Tab")
    value(page, SOURCE + "np. ")
    page.keyboard.press("Backspace")
    page.keyboard.press("Control+Space")
    expect(options.first).to_have_attribute("aria-selected", "true")
    guarded(page)
    page.keyboard.press("Tab")
    value(page, SOURCE + "np.mean")
    page.keyboard.press("Backspace")
    page.keyboard.press("Control+Space")
    expect(options).to_have_count(1)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="after")).to_be_focused()


def test_shift_tab_explains_a_call_and_otherwise_takes_the_indent(page, knowing):
    page.keyboard.type("    np.mean(np.pi, 1")
    page.keyboard.press("Shift+Tab")
    shown = page.locator(".bn-docstring")
    expect(shown.locator("code")).to_have_text("mean(a, axis=None)")
    expect(shown.locator("p")).to_contain_text("The <b>mean</b>.\n\nMore of it.")
    expect(page.locator(".cm-announced")).to_have_text("mean(a, axis=None). The <b>mean</b>.")
    accessible(page)
    page.keyboard.press("Shift+Tab")
    expect(shown).to_be_focused()
    page.keyboard.press("End")
    page.wait_for_function("document.activeElement.scrollTop > 0")
    page.keyboard.press("Escape")
    expect(knowing).to_be_focused()
    expect(shown).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(shown).to_be_visible()
    page.keyboard.type("0")
    expect(shown).to_have_count(0)
    page.keyboard.type("); f")
    page.keyboard.press("Shift+Tab")
    expect(shown).to_have_text("ff is not known to Python yet.")
    page.evaluate("python = undefined")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="before")).to_be_focused()
    knowing.focus()
    page.keyboard.type("f")
    page.keyboard.press("Shift+Tab")
    expect(shown).to_contain_text("Python is off, or busy.")
    page.keyboard.press("Home")
    page.keyboard.press("Shift+Tab")
    value(page, SOURCE + "np.mean(np.pi, 10); ff")
