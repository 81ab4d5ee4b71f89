"""How long a reader waits for Python in the page, beside a Jupyter kernel on the same machine.

The first result counts from the click on *Run*, with nothing loaded before, on a page from the
folder of the built book; and once more from a click that came after Python had started, since the
button was aimed at. Later results are those of a cell that does nothing, so that what is left
is the way there and back. The workbench counts from the last change of its function until the
picture of the new graph has been drawn.
"""

import statistics
import time

from conftest import ROOT, launch
from jupyter_client.manager import start_new_kernel
from playwright.sync_api import sync_playwright
from row import Row

TIMES = 30
NOTHING = "1 + 1"

# Runs a cell as its button does; resolves to the milliseconds until its result is below it
RUN = """async () => {
  const cell = bnPython.notebook.cells[1];
  const began = performance.now();
  await bnPython.notebook.run(cell);
  return performance.now() - began;
}"""

# Writes one of two functions, in turn; resolves when the picture of its graph has been drawn
EDIT = """(k) => new Promise((done) => {
  const { editor, published } = bnPython.notebook.cells[1];
  const figure = document.querySelector(".bn-figure");
  const began = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
  }).observe(figure, { subtree: true, childList: true });
  editor.value = k % 2 ? published : published.replace("centred / s", "centred / (s + 0.0)");
})"""


def opened(browser, name):
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto((ROOT / "_build" / "html" / "chapters" / name).as_uri())
    page.evaluate(
        "() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }"
    )
    return page


STARTED = """async () => {
  while (!globalThis.bnPython) await new Promise(requestAnimationFrame);
  await new Promise((done) => bnPython.kernel.listen(({ state }) => state === "ready" && done()));
}"""


def first_result(browser, foreseen=False):
    """Seconds from the click to the published output, and the page."""
    page = opened(browser, "start_here.html")
    cell = page.locator(".cell:has(.bn-run)").nth(1)
    button = cell.get_by_role("button", name="Run")
    if foreseen:
        button.hover()
        page.evaluate(STARTED)
    began = time.perf_counter()
    button.click()
    cell.get_by_text("The output is the published one").wait_for()
    return time.perf_counter() - began, page


def kernel_times():
    """A Jupyter kernel: seconds to its first result, milliseconds of each later one."""
    began = time.perf_counter()
    manager, client = start_new_kernel()
    client.execute_interactive(NOTHING, output_hook=lambda message: None)
    start, taken = time.perf_counter() - began, []
    for _ in range(TIMES + 5):
        began = time.perf_counter()
        client.execute_interactive(NOTHING, output_hook=lambda message: None)
        taken.append(1000 * (time.perf_counter() - began))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return start, taken[5:]


def rows():
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        soon, _ = first_result(browser, foreseen=True)
        seconds, page = first_result(browser)
        page.evaluate("(source) => bnPython.notebook.cells[1].take(source)", NOTHING)
        later = [page.evaluate(RUN) for _ in range(TIMES + 5)][5:]
        page = opened(browser, "workbench.html")
        cell = page.locator(".tag_workbench")
        cell.get_by_role("button", name="Edit").click()
        cell.get_by_text("The figures show layer.").wait_for()
        edits = [page.evaluate(EDIT, k) for k in range(TIMES + 5)][5:]
        browser.close()
    start, kernel = kernel_times()
    yield Row("Python in the page, first result", seconds, "s", "a Jupyter kernel", start)
    yield Row("first result of a click that was foreseen", soon, "s", "(aim)", 3)
    here, there = statistics.median(later), statistics.median(kernel)
    yield Row("a cell that does nothing", here, "ms", "a Jupyter kernel", there)
    yield Row(
        "workbench, from an edit to its picture", statistics.median(edits), "ms", "(aim)", 150
    )
