"""Saved pages, embedded figures and links in Firefox and WebKit: they show what Chromium shows.

As test_engines.py: `make engines` asks for it. Chromium moves each figure, and says what is seen.
"""

import base64
import json
import random
import zlib
from contextlib import contextmanager
from urllib.parse import quote

import numpy as np
import pytest
from stage import AXE, RUN_AXE, serve
from test_engines import AWAY, KEEP_ERRORS, engine, homes  # noqa: F401
from test_goldens import STATES
from test_one_view import CASES
from test_page_python import python_book  # noqa: F401
from test_state_in_link import FIGURES, alike, figure_of, folder_with_links

import batchnorm as bn
from _ext.site import bundle

# What each figure of a page holds and hands back, once it is at rest
SHOWN = """async (outputs) => {
  if (document.readyState !== "complete" || !window.bnHost) return null;
  await bnHost.ready;
  const all = [...bnHost.models.values()].filter((model) => model.get("_link"));
  const idle = () => {  // a figure trains only in sight
    const verdicts = [...document.querySelectorAll(".verdict")];
    const training = verdicts.find((verdict) => verdict.innerText.startsWith("Training"));
    training?.scrollIntoView();
    return !training;
  };
  for (let still = 0; still < 2; still = idle() ? still + 1 : 0)
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  const seen = (model) => [...Object.keys(model.get("_link")),
    ...outputs[model.get("_anywidget_id").split(".").at(-1)]];
  return all.map((model) =>
    Object.fromEntries(seen(model).map((name) => [name, model.get(name) ?? null])));
}"""
MAKERS = [figure_of(make()) for make in FIGURES.values()]
OUTPUTS = {type(f).__name__: sorted({*f.outputs} - {"_losses"}) for f in MAKERS}

# What grows again while its new height is told is told of in the next frame: that is no error
ERRORS = "() => bnErrors"

# Each control to a place between its ends, each box ticked or not
MOVE = """(part) => {
  for (const input of document.querySelectorAll("input[type=range]")) {
    input.value = Number(input.min) + part * (Number(input.max) - Number(input.min));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  for (const box of document.querySelectorAll("input[type=checkbox]")) box.click();
}"""
# Every number that a link can hold, a little up
NUDGE = """() => {
  const up = (value) => Array.isArray(value) ? value.map(up) : value + 0.1234567890123;
  for (const model of bnHost.figures().values())
    for (const [name, [kind, , high]] of Object.entries(model.get("_link"))) {
      const to = up(model.get(name));
      if (kind === "reals" || (kind === "real" && to <= (high ?? 1e150))) model.set(name, to);
    }
}"""
LINK = "() => bnHost.embedded([...bnHost.figures().values()][0]).replace(/^[^#]*/, '')"


def same(mine, theirs):
    """Holds that figures show the same, to 1e-12: nets, whose training magnifies the last digit in
    which one browser's `exp` differs from another's, as long as they have taken few steps."""
    for a, b in zip(mine, theirs, strict=True):
        trained = ("now", "diverged") if a.get("taken", 0) > 20 else ()
        for name in a.keys() - trained:
            alike(a[name], b[name], name)


@pytest.fixture
def chromium(page):
    """chromium(address, deed, …): what figures show there, and what the deeds give."""

    def look(address, *deeds):
        page.goto("about:blank")
        page.goto(address)
        page.evaluate(SHOWN, OUTPUTS)
        given = [page.evaluate(*deed) for deed in deeds]
        return page.evaluate(SHOWN, OUTPUTS), given

    return look


@pytest.fixture
def sound(engine):  # noqa: F811
    """sound(address, home, axe): opens it. At its end all is well, to axe too."""

    @contextmanager
    def check(address, home, axe):
        engine.open("about:blank")
        engine.open(address)
        engine.until(SHOWN, OUTPUTS)
        assert engine.js("() => [...document.querySelectorAll('.bn-missing')].length") == 0
        yield engine
        if axe:  # it takes a second: the same figure is looked at saved or embedded
            look = f"async () => {{ {AXE.read_text('utf8')}; return ({RUN_AXE})('body'); }}"
            assert engine.js(look) == []
        assert engine.js(ERRORS) == []
        assert engine.js(AWAY, home) == []

    return check


@pytest.fixture
def saved(tmp_path):
    """{name: address} of each kind of figure as `Figure.save` writes it. Over http: what goes wrong
    on a page from the disk, WebKit calls "Script error."."""
    for name, (make, given) in CASES.items():
        box = bn.controls(make(), **given)
        box.children[0].save(tmp_path / f"{name}.html", caption="What to notice.")
        text = (tmp_path / f"{name}.html").read_text("utf8")
        kept = text.replace("<head>", f"<head>{KEEP_ERRORS}")  # above the policy
        (tmp_path / f"{name}.html").write_text(kept, "utf8")
    with serve(tmp_path) as home:
        yield {name: f"{home}/{quote(name)}.html" for name in CASES}


def test_saved_pages_work_alone(sound, chromium, saved):
    for i, (name, address) in enumerate(sorted(saved.items())):
        shown, _ = chromium(address, [MOVE, 0.4])
        with sound(address, "nowhere", i % 2) as engine:  # noqa: F811
            before = engine.js(SHOWN, OUTPUTS)
            engine.press("input[type=range]", right=120)
            assert engine.js(SHOWN, OUTPUTS) != before, name
            engine.js(MOVE, 0.4)
            same(shown, engine.until(SHOWN, OUTPUTS))


def test_embeds_show_what_their_address_holds(sound, chromium, homes):  # noqa: F811
    home = homes["http"]
    for i, name in enumerate(sorted(STATES)):
        address = f"{home}/embed/{name}.html"
        shown, (*_, link) = chromium(address, [MOVE, 0.6], [NUDGE], [LINK])
        assert link.startswith("#s=1&")
        with sound(address + link, home, 1 - i % 2) as engine:  # noqa: F811
            engine.until("() => window.bnLinks")
            same(shown, engine.until(SHOWN, OUTPUTS))
            assert engine.js("() => document.querySelectorAll('.bn-link-notice').length") == 0
            engine.js(NUDGE)
            assert engine.js(LINK) != link


def a_move(figure, rng):
    """A trait that a link holds, and a value that a reader may give it."""
    name, (kind, *ends) = rng.choice(sorted(figure._link.items()))
    low, high = [*ends, None, None][:2]
    low, high = max(-3 if low is None else low, -3), min(3 if high is None else high, 10)
    now, groups = getattr(figure, name), range(rng.randint(0, 5))

    def number():
        whole = kind in ("int", "ints")
        return (
            rng.randint(int(low), max(int(high), 2)) if whole else rng.uniform(low, max(low, high))
        )

    def shaped(now):
        return [shaped(part) for part in now] if isinstance(now, list) else number()

    if kind == "bool":
        return name, rng.random() < 0.5
    if kind == "edges":
        nodes = enumerate(json.loads(figure.graph)["nodes"])
        edges = [[i, slot] for i, node in nodes for slot in range(len(node.get("inputs", [])))]
        return name, rng.sample(edges, rng.randint(0, 2))
    if kind in ("list", "past", "rows"):
        rows = [[rng.uniform(-3, 3) for _ in range(ends[0])] for _ in groups]
        if kind == "list":
            rows = [[i, *row[1:]] for i, row in enumerate(rows)]
        return name, rows if kind == "rows" else [v for row in rows for v in row]
    return name, shaped(np.asarray(now).tolist())


SET = """(all) => {
  for (const [id, moves] of all)
    for (const [name, value] of moves) bnHost.models.get(id).set(name, value);
}"""
CODE = "def f(x):\n    return x - x.mean()  # é ∂ 𝛾\n" + "y = f(x)\n" * 200


def test_a_link_of_fifty_moves_a_figure_gives_the_same_numbers(engine, chromium, tmp_path):  # noqa: F811
    """And it is the same link, letter by letter, whichever browser writes it."""
    figures = [figure_of(make()) for make in FIGURES.values()]
    rng = random.Random(7)
    moves = [[f.model_id, [a_move(f, rng) for _ in range(50)]] for f in figures]
    packing = ["--bundle", "--format=iife", "--global-name=packing"]
    script = bundle.esbuild(bundle.EXT / "host" / "packing.js", *packing)
    above = f"<script>{script}</script>{KEEP_ERRORS}"
    address = folder_with_links(tmp_path, *figures, above=above).as_uri()
    shown, (_, link) = chromium(address, [SET, moves], ["() => bnHost.link()"])
    assert link.count("&") > 40
    engine.open(address)
    engine.until(SHOWN, OUTPUTS)
    engine.js(SET, moves)
    same(shown, engine.until(SHOWN, OUTPUTS))
    assert engine.js("() => bnHost.link()") == link
    engine.open("about:blank")
    engine.open(link)
    engine.until("() => document.querySelector('.bn-link-notice')")
    same(shown, engine.until(SHOWN, OUTPUTS))
    assert engine.js("() => bnHost.link()") == link
    text = engine.js("packing.deflated", CODE)
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert zlib.decompress(raw, -15).decode() == CODE
    assert engine.js("packing.inflated", text) == CODE
    assert engine.js("packing.inflated", text[:-4]) is None
    assert engine.js(ERRORS) == []
