"""The editor of the reader's own code, on a page of its own."""

import pytest
from playwright.sync_api import expect

from _ext.site.bundle import editor_js

SOURCE = "def f(x):\n    mu = x.mean()  # the mean\n    return x - mu\n"
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>Page</title><link rel="icon" href="data:,"><script src="editor.js"></script></head>
<body><main><h1>Page</h1><button>before</button><div id="here"></div><button>after</button></main>
<script>
  window.runs = 0;
  window.changes = [];
  window.editor = bnEditor.openEditor(document.getElementById("here"), {
    source: SOURCE, label: "Code of this cell",
    onRun: () => { runs += 1; }, onChange: (text) => changes.push(text),
  });
</script></body></html>"""


@pytest.fixture
def editor(page, tmp_path):
    """A page from file:// with an editor between two buttons, and its field."""
    (tmp_path / "editor.js").write_text(editor_js(), "utf8")
    path = tmp_path / "page.html"
    path.write_text(PAGE.replace("SOURCE", repr(SOURCE)), "utf8")
    page.goto(path.as_uri())
    return page.get_by_role("textbox", name="Code of this cell")


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
