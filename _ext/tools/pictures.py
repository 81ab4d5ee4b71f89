"""Take the picture of the README from the figure that it shows.

    make pictures

It is in git, since taking it needs a browser: do it again when the figure looks different.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]


def main():
    sys.path.insert(0, str(ROOT / "tests"))
    from conftest import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 770, "height": 900}, device_scale_factor=2)
        page.goto((ROOT / "_build" / "html" / "chapters" / "start_here.html").as_uri())
        page.evaluate("() => window.bnHost?.ready")
        page.add_style_tag(content=".bn-enlarge { display: none !important; }")
        page.locator(".bn-picture").first.screenshot(path=ROOT / "_static" / "start_here.png")
        browser.close()


if __name__ == "__main__":
    main()
