"""How long a reader waits for Python in the page, beside a Jupyter kernel on the same machine.

The first result counts from the click on *Run*, with nothing loaded before, on a page from the
folder of the built book. Later results are those of a cell that does nothing, so that what is left
is the way there and back. The workbench counts from the last change of its function until the
picture of the new graph has been drawn. Nothing here is asserted: a busy machine is slower.
"""

import statistics
import sys
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel
from playwright.sync_api import sync_playwright

sys.path.extend(str(Path(__file__).parents[1] / folder) for folder in ("tests", "."))

from conftest import ROOT, launch

TIMES = 30
NOTHING = "1 + 1"

# Runs a cell as its button does; resolves to the milliseconds until its result stands below it
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


def row(what, values, beside=""):
    median, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
    print(f"{what:44} {median:9.1f} {p95:9.1f}   {beside}", flush=True)
    return median


def opened(browser, name):
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto((ROOT / "_build" / "html" / "chapters" / name).as_uri())
    page.evaluate(
        "() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }"
    )
    return page


def first_result(browser):
    """Seconds from the click to the published output, and the page."""
    page = opened(browser, "start_here.html")
    cell = page.locator(".cell:has(.bn-run)").nth(1)
    began = time.perf_counter()
    cell.get_by_role("button", name="Run").click()
    cell.get_by_text("The output is the published one").wait_for()
    return time.perf_counter() - began, page


def kernel_times():
    """Milliseconds of the same cell in a Jupyter kernel."""
    manager, client = start_new_kernel()
    taken = []
    for _ in range(TIMES + 5):
        began = time.perf_counter()
        client.execute_interactive(NOTHING, output_hook=lambda message: None)
        taken.append(1000 * (time.perf_counter() - began))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return taken[5:]


def main():
    with sync_playwright() as playwright:
        browser = launch(playwright)
        seconds, page = first_result(browser)
        page.evaluate("(source) => bnPython.notebook.cells[1].take(source)", NOTHING)
        later = [page.evaluate(RUN) for _ in range(TIMES + 5)][5:]
        page = opened(browser, "workbench.html")
        cell = page.locator(".tag_workbench")
        cell.get_by_role("button", name="Edit").click()
        cell.get_by_text("The figures show layer.").wait_for()
        edits = [page.evaluate(EDIT, k) for k in range(TIMES + 5)][5:]
        browser.close()
    print(f"\nPython in the page: the first result after {seconds:.1f} s\n")
    print(f"{'milliseconds':44} {'median':>9} {'95 %':>9}")
    peer = row("the cell in a Jupyter kernel", kernel_times())
    ratio = statistics.median(later) / peer
    row("a cell that does nothing, in the page", later, f"{ratio:.1f} times the kernel's")
    row("the workbench: from an edit to its picture", edits)


if __name__ == "__main__":
    main()
