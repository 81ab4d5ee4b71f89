"""What a page costs its reader: bytes, time until its figures are alive, the longest task, jumps.

Every page of the book, and some beside the same chapter as Jupyter Book builds it (`stock`). Bytes
are counted as a server sends them, compressed by gzip. A page is alive when its first control is
there (or counts as 60 s). Both kinds come from a server on this machine: no network is in it.
"""

import contextlib
import gzip
import statistics
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import stock
from conftest import ROOT, launch
from playwright.sync_api import Error, sync_playwright
from row import Row

TIMES = 5
OURS = ROOT / "_build" / "html" / "chapters"
THEIRS = stock.STOCK / "_build" / "html"
WATCH = """
globalThis.bnTasks = []; globalThis.bnJumps = 0;
new PerformanceObserver((list) => bnTasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => { for (const e of list.getEntries()) bnJumps += e.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
ALIVE = """() => new Promise((done) => {
  const alive = () => document.querySelector("SLIDER");
  const look = () => {
    if (alive() || performance.now() > 60000) done(performance.now());
    else setTimeout(look, 5);
  };
  look();
})"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def visit(browser, address, slider, route=None):
    """(kB compressed, ms until alive or None, longest task in ms, layout shift) of one visit."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    if route:
        context.route("**/*", route)
    page, size = context.new_page(), 0
    bodies = []
    page.on("response", lambda response: bodies.append(response))
    page.add_init_script(WATCH)
    page.goto(address, wait_until="load")
    alive = page.evaluate(ALIVE.replace("SLIDER", slider)) if slider else None
    page.evaluate("() => new Promise((done) => requestIdleCallback(done, { timeout: 5000 }))")
    tasks, jumps = page.evaluate("() => [Math.max(0, ...bnTasks), bnJumps]")
    for response in bodies:
        with contextlib.suppress(Error):  # a redirect has no body
            size += len(gzip.compress(response.body(), 6))
    context.close()
    return size / 1000, alive, tasks, jumps


def medians(*arguments):
    visits = [visit(*arguments) for _ in range(TIMES)]
    return [None if v[0] is None else statistics.median(v) for v in zip(*visits, strict=True)]


def rows():
    with sync_playwright() as playwright, served(OURS.parent) as here, served(THEIRS) as there:
        browser = launch(playwright.chromium)
        for path in sorted(OURS.glob("*.html")):
            slider = (
                "bn-view :is(input, button)"
                if "widget-view+json" in path.read_text("utf8")
                else None
            )
            name = path.stem
            size, alive, task, jumps = medians(browser, f"{here}/chapters/{path.name}", slider)
            peer = [None] * 4
            if name in stock.CHAPTERS and THEIRS.exists():
                peer = medians(
                    browser, f"{there}/{path.name}", ".widget-slider .noUi-handle", stock.answer
                )
            says = "the stock book" if peer[0] else ""
            yield Row(f"{name}, compressed", size, "kB", says or "(aim)", peer[0] or 220)
            if alive:
                yield Row(f"{name}, until alive", alive, "ms", says, peer[1])
            yield Row(f"{name}, longest task", task, "ms", says or "(aim)", peer[2] or 200)
            yield Row(f"{name}, layout shift", jumps, "", says, peer[3])
        browser.close()
