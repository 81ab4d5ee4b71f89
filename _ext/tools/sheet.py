"""Every published figure on one sheet, wide and narrow, light and dark, and filling the screen.

    make pictures

writes `_build/figures/index.html` and the pictures it shows. It is for whoever changes what figures
share: look at it before and after.
"""

import sys
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
LOOKS = [(1280, 900, "light"), (1280, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]
READY = """() => Promise.resolve(window.bnHost?.ready)
  .then(() => dispatchEvent(new Event("beforeprint"))) // nets are trained
  .then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100))))"""
OPEN = "() => { for (const aside of document.querySelectorAll('.bn-aside')) aside.open = true; }"
# What hangs over a page would hang over its figures
PLAIN = ".bd-header, .bd-header-article, .header-article, .skip-link { display: none !important; }"


def shoot(page, path, theme, folder, size):
    """Pictures of all figures of a page: their names."""
    page.goto(path.as_uri())
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    page.add_style_tag(content=PLAIN)
    page.evaluate(OPEN)
    page.evaluate(READY)
    names = []
    for i, box in enumerate(page.locator(".bn-box, .bn-alone").all()):
        names.append(f"{path.stem}-{i}-{size}-{theme}.png")
        box.screenshot(path=folder / names[-1])
        if theme == "light" and size > 600:
            names.append(f"{path.stem}-{i}-enlarged.png")
            button = box.locator(".bn-enlarge").first
            button.evaluate("(node) => node.click()")
            page.evaluate(READY)
            page.screenshot(path=folder / names[-1])
            page.keyboard.press("Escape")
    return names


def main():
    sys.path.insert(0, str(ROOT / "tests"))
    from conftest import launch

    folder = ROOT / "_build" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    chapters = sorted((ROOT / "_build" / "html" / "chapters").glob("*.html"))
    pages = [path for path in chapters if "widget-view" in path.read_text("utf8")]
    found = {path.stem: [] for path in pages}
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        for width, height, theme in LOOKS:
            page = browser.new_page(
                viewport={"width": width, "height": height}, reduced_motion="reduce"
            )
            for path in pages:
                found[path.stem] += shoot(page, path, theme, folder, width)
            page.close()
        browser.close()
    rows = [
        f"<h2>{escape(name)}</h2>" + "".join(f'<img src="{n}" width="45%">' for n in sorted(names))
        for name, names in found.items()
    ]
    (folder / "index.html").write_text("<meta charset=utf-8>" + "\n".join(rows), "utf8")
    sys.stdout.write(f"{sum(map(len, found.values()))} pictures: {folder / 'index.html'}\n")


if __name__ == "__main__":
    main()
