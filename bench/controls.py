"""What one move of a control costs the page, for every control of every figure.

By Chromium's own accounting (the metrics of its Performance domain): milliseconds of script, style
and layout from a control's event until the figure has drawn, median and 95th percentile. Then, with
the processor slowed four times, how long a dragged slider waits for its picture. The figures and
controls are those of tests/test_one_view.py.
"""

import statistics
import tempfile
from pathlib import Path

from conftest import launch
from playwright.sync_api import sync_playwright
from row import Row
from stage import write
from test_one_view import CASES

from batchnorm.figures import controls

MOVES = 30
WORK = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")

# Moves a control, as a hand would, and waits until the frame that shows it has been made, or until
# the next one begins; resolves to the milliseconds that took. (The next one belongs to a training
# that was started, no longer to the press.)
MOVE = """([control, k, next]) => new Promise((done) => {
  const began = performance.now();
  if (control.type === "range") {
    const [lo, hi] = [Number(control.min), Number(control.max)];
    control.value = String(lo + ((hi - lo) * (1 + (k * 7) % 18)) / 20);
    control.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (control.tagName === "SELECT") {
    control.selectedIndex = k % control.options.length;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  } else control.click();
  const then = next ? requestAnimationFrame : setTimeout;
  requestAnimationFrame(() => then(() => done(performance.now() - began)));
})"""


def work(cdp):
    metrics = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
    return 1000 * sum(metrics[name] for name in WORK)


def times(page, cdp, control, until_next=False):
    """(milliseconds of work, milliseconds until it is shown) of each move."""
    taken = []
    for k in range(MOVES + 5):
        before = work(cdp)
        waited = page.evaluate(MOVE, [control, k, until_next])
        taken.append((work(cdp) - before, waited))
    return list(zip(*taken[5:], strict=True))  # the first ones compile


def name_of(control):
    return control.evaluate("(c) => c.labels?.[0]?.textContent || c.textContent || c.ariaLabel")


def rows():
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as tmp:
        browser = launch(playwright.chromium)
        for figure, (make, wanted) in CASES.items():
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(write(Path(tmp), controls(make(), **wanted)).as_uri())
            page.evaluate("() => bnHost.ready")
            cdp = page.context.new_cdp_session(page)
            cdp.send("Performance.enable")
            every = page.locator(".bn-box :is(input:not(.bn-number), select, .bar button)").all()
            moves = {name_of(c): times(page, cdp, c.element_handle())[0] for c in every}
            cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
            sliders = page.locator(".bn-box input[type=range]").all()
            slow = {name_of(c): times(page, cdp, c.element_handle(), True)[1] for c in sliders}
            page.close()
            for name, spent in moves.items():
                yield Row(f"{figure}, {name}", statistics.median(spent), "ms", "(aim)", 8)
            for name, waited in slow.items():
                what = f"{figure}, {name}, four times slower"
                yield Row(what, statistics.median(waited), "ms", "(aim)", 50)
        browser.close()
