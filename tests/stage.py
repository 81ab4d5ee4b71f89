"""A page for widgets, and what a reader does on it: what the browser tests share.

Each page carries the two tags that MyST-NB writes: the state of all widgets in the head, a view tag
where a widget was displayed. No kernel, no widget manager: what moves here moves on the built book.
"""

import json
import re
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ipywidgets.embed import dependency_state

from _ext.site.bundle import host_css, joined

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"
# Axe takes seconds for thousands of elements that all look alike. So for as long as it looks, the
# inside of a formula without colours of its own is plain text, and so is a word of code if one of
# its kind was seen on the same ground further up.
RUN_AXE = """async (where) => {
  const flat = [];
  const replace = (node, children) => {
    flat.push([node, [...node.childNodes]]);
    node.replaceChildren(...children);
  };
  for (const half of document.querySelectorAll(".katex-html, .katex-mathml math"))
    if (!half.querySelector("[style*=color]")) replace(half, [half.textContent]);
  const ground = (node) => {
    const { backgroundColor } = getComputedStyle(node);
    const none = backgroundColor === "rgba(0, 0, 0, 0)";
    return none && node.parentElement ? ground(node.parentElement) : backgroundColor;
  };
  const seen = new Set();
  for (const code of document.querySelectorAll(".highlight pre")) {
    const [under, shown] = [ground(code), code.checkVisibility()];
    const known = (word) => {
      const all = word.querySelectorAll?.("*") ?? [];
      const kind = [under, word.className, ...[...all].map((one) => one.className)].join();
      return !shown || seen.has(kind) || !seen.add(kind);
    };
    replace(code, [...code.childNodes].map((word) => (known(word) ? word.textContent : word)));
  }
  const { violations } = await axe.run(where, { preload: false, resultTypes: ["violations"] });
  for (const [node, children] of flat) node.replaceChildren(...children);
  return violations.map(({ id, nodes }) => id + ": " + nodes.map((n) => n.target).join(", "));
}"""

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def write(folder, *views, also=(), change=lambda state: None, tags="", copies=1, head="", above=""):
    """Writes a page that displays `views`; `also` are widgets with state but no view.

    `above` and `tags` stand before and after the views.
    """
    (folder / "host.js").write_text(joined("host/host.js"), "utf-8")
    (folder / "names.js").write_text(joined("host/names.js"), "utf-8")
    (folder / "host.css").write_text(host_css(), "utf-8")
    every = [*views, *also]
    state = dependency_state(every, drop_defaults=False) if every else {}
    change(state)
    text = json.dumps({"version_major": 2, "version_minor": 0, "state": state})
    text = text.replace("</script>", r"<\/script>")
    shown = "".join(
        f'<div class="cell_output"><script type="{VIEW}">'
        + json.dumps({"version_major": 2, "version_minor": 0, "model_id": view.model_id})
        + "</script></div>\n"
        for view in views
    )
    path = folder / "page.html"
    path.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Page</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="host.css">'
        f'{head}<script type="{STATE}">{text}</script>'
        + '<script defer src="host.js"></script>' * copies
        + f"</head><body><main>{above}{shown}{tags}</main></body></html>",
        "utf-8",
    )
    return path


def get(page, widget, trait="value"):
    """A trait's value on the page."""
    return page.evaluate("([id, t]) => bnHost.models.get(id).get(t)", [widget.model_id, trait])


def put(page, widget, value, trait="value"):
    """Sets a trait on the page, as a figure would."""
    script = "([id, t, v]) => { bnHost.models.get(id).set(t, v); }"
    page.evaluate(script, [widget.model_id, trait, value])


def settle(page, widget, value, trait="value"):
    """Waits until a trait has this value on the page."""
    page.wait_for_function(
        """([id, t, v]) => JSON.stringify(bnHost.models.get(id).get(t)) === v""",
        arg=[widget.model_id, trait, json.dumps(value, separators=(",", ":"), ensure_ascii=False)],
    )


# A reader who saves data: Python does not start while its buttons are only aimed at, which takes
# seconds and is of no use to a test that runs nothing
SAVE_DATA = 'Object.defineProperty(navigator, "connection", { value: { saveData: true } });'

# Counts what the figures' kit tells of, from the first script on
COUNT = """
  window.bnCounts = { analysis: 0, draw: 0 };
  window.bnWatch = (what) => { bnCounts[what] += 1; };
"""


@contextmanager
def counted(page, analysis):
    """Holds that what is done inside, on a page that `show` opened, costs so many analyses."""
    frame(page)
    before = page.evaluate("() => bnCounts.analysis")
    yield
    frame(page)
    assert page.evaluate("() => bnCounts.analysis") - before == analysis


def slide(page, name, value):
    """Moves the thumb to `value`, as a drag's last input event does."""
    named = page.get_by_role("slider", name=name, exact=True)
    named.and_(page.locator("input")).fill(str(value))


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and keeps quiet about it."""

    def log_message(self, *args):
        pass


def strict(folder, *changes):
    """A handler for `serve`: this folder, under the policy that the README names, or changed."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf8")
    (policy,) = re.findall("`(default-src .*)`", readme)

    for before, after in changes:
        assert before in policy
        policy = policy.replace(before, after)

    class Strict(Quiet):
        def end_headers(self):
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

    return partial(Strict, directory=str(folder))


@contextmanager
def serve(handler):
    """An HTTP server with this handler, or for this folder, on a free port: its address."""
    if isinstance(handler, Path):
        handler = partial(Quiet, directory=str(handler))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def resize(page, width, height):
    """Gives the window a size, and waits until the figures have drawn themselves for it."""
    size = {"width": width, "height": height}
    page.set_viewport_size(size)
    there = "({ width, height }) => innerWidth === width && innerHeight === height"
    page.wait_for_function(there, arg=size)
    frame(page)  # by then they have heard of it
    frame(page)


def frame(page):
    """Waits until what was changed has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def rest(page):
    """Waits until a lecture's letters have found their size."""
    page.evaluate(
        """async () => {
          let same = 0;
          for (let last = ""; same < 8; ) {
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            const box = document.querySelector(".bn-enlarged");
            const now = document.documentElement.style.cssText + box?.scrollHeight;
            same = now === last ? same + 1 : 0;
            last = now;
          }
        }"""
    )


def words(page):
    """All the text that figures and controls show or tell a screen reader (prose may say NaN)."""
    return page.evaluate(
        """() => [
          ...[...document.querySelectorAll(".bn-figure, .bn-box")].map((node) => node.innerText),
          ...[...document.querySelectorAll("svg text")].map((text) => text.textContent),
          ...[...document.querySelectorAll("[role=slider]")].flatMap((slider) =>
            ["aria-valuetext", "aria-valuenow"].map((name) => slider.getAttribute(name) ?? "")),
        ].join(" ")"""
    )


def sound(page):
    """Whether every number on the page is one: in the words, and in the shapes of the figures."""
    shapes = page.evaluate(
        """() => [...document.querySelectorAll(".bn-figure, .bn-figure *")].flatMap(
          (node) => [...node.attributes].map((attribute) => attribute.value)).join(" ")"""
    )
    told = words(page)
    return "null" not in told and not re.search("NaN|Infinity|undefined", told + shapes)


def to_their_ends(page):
    """Moves every slider on the page to its least and largest; nothing may break or overflow."""
    for control in page.locator("input[type=range]").all():
        for end in ("min", "max"):
            control.fill(control.get_attribute(end))
            frame(page)
            assert sound(page)
    width = page.viewport_size["width"]
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def drag(page, handle, right, down=0, touch=False, inset=None):
    """Pulls a handle (a locator, or its slider's name) by so many pixels, as a hand would.

    It is taken by the middle of its target, or `inset` pixels below the top of it.
    """
    if isinstance(handle, str):
        handle = page.get_by_role("slider", name=handle, exact=True)
    frame(page)  # it stands where it was last drawn
    handle.scroll_into_view_if_needed()
    box = handle.locator(".target").bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + (box["height"] / 2 if inset is None else inset)
    path = [(x + part * right, y + part * down) for part in (0.25, 0.5, 0.75, 1)]
    if touch:
        cdp = page.context.new_cdp_session(page)
        cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

        def finger(kind, *places):
            points = [{"x": a, "y": b} for a, b in places]
            cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        finger("touchStart", (x, y))
        for place in path:
            finger("touchMove", place)
            frame(page)
        finger("touchEnd")
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        for place in path:
            page.mouse.move(*place)
        page.mouse.up()
    frame(page)


# What is wrong with how figures lie on a page: controls that are higher than their picture (on a
# `wide` one), a slider that takes two rows, a number's box too narrow or far too wide for it
UNEVEN = """(wide) => [...document.querySelectorAll(".bn-picture")].flatMap((picture) => {
  const box = picture.closest(".bn-box") ?? picture.closest(".bn-figure");
  const size = (node) => node.getBoundingClientRect();
  const parts = [...box.querySelectorAll(":scope > bn-view:not(.bn-figure), .bar")];
  const there = parts.map(size).filter(({ height }) => height);
  const high = Math.max(...there.map((r) => r.bottom)) - Math.min(...there.map((r) => r.top));
  const { height } = size(picture);
  const several = box.querySelectorAll(".bn-picture").length > 1;
  const wrong = wide && !several && high > height ? [`controls ${high}, picture ${height}`] : [];
  for (const row of box.querySelectorAll(".bn-slider")) {
    if (size(row).height > 36) wrong.push(`${row.textContent}: ${size(row).height} high`);
  }
  for (const number of box.querySelectorAll(".bn-number:not([hidden])")) {
    if (number.scrollWidth > number.clientWidth + 1) wrong.push(`cut: ${number.value}`);
    if (size(number).width > 24 + 11 * Math.max(5, number.value.length + 5))
      wrong.push(`a wide box for ${number.value}`);
  }
  return wrong;
})"""

# Controls that have the focus while their picture is out of sight, whether one comes from above or
# from below: less than nine tenths of it are seen, and they fill less than 0.45 of the window
OUT_OF_SIGHT = """async () => {
  await Promise.all(document.getAnimations().map((one) => one.finished));
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const seen = ({ top, bottom }) => Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0));
  const wrong = [];
  for (const picture of document.querySelectorAll(".bn-picture")) {
    const figure = picture.closest(".bn-figure");
    const box = picture.closest(".bn-box");
    const root = box?.matches(".bn-single") ? box : figure;
    for (const control of root.querySelectorAll("input, select, .bar button")) {
      for (const from of [0, document.documentElement.scrollHeight]) {
        document.activeElement.blur();
        scrollTo(0, from);
        control.focus();
        if (document.activeElement !== control) continue; // disabled, or folded away
        await frame();
        const { left, top, width, height } = control.getBoundingClientRect();
        const over = document.elementFromPoint(left + width / 2, top + height / 2);
        const room = picture.getBoundingClientRect();
        const there = seen(room) >= 0.9 * room.height || seen(room) >= 0.45 * innerHeight;
        const free = control.contains(over) || over?.closest("label")?.control === control;
        if (there && free) continue;
        wrong.push(`${control.outerHTML.slice(0, 80)}, from ${from}: picture at ${room.top}`);
      }
    }
  }
  document.activeElement.blur();
  scrollTo(0, 0);
  return wrong;
}"""

# What lies, all or in part, outside the screen that a figure fills
OFF_SCREEN = """() => {
  const box = document.querySelector(".bn-enlarged");
  const all = box.querySelectorAll(
    ".bn-picture > *, .scroll svg, svg text, input, select, button, label, summary, .panel");
  const drawn = [...all].filter((node) => node.getClientRects().length);
  const off = drawn.filter((node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    return left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1;
  });
  return off.map((node) => node.outerHTML.slice(0, 120));
}"""


# How far each text and each mark of the figures stands out from what it lies on, as WCAG counts
CONTRASTS = (Path(__file__).with_name("contrast.js")).read_text("utf8")


def accessible(page, where="main"):
    """Nothing there that axe finds fault with."""
    page.evaluate(AXE.read_text("utf8"))
    assert page.evaluate(RUN_AXE, where) == []
