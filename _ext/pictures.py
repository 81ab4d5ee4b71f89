"""Take the pictures that are made from the book's figures: the README's and the small ones.

    make pictures

They are in git, since taking them needs a browser: do it again when a figure looks different.
"""

import io
import sys
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html" / "chapters"
STATIC = ROOT / "_static"
SIZE = (192, 120)  # twice what the page shows
MOST = 4096  # bytes
# Small enough for its lines to be seen, and without words, which cannot be read there
SMALL = """
.bn-figure .bn-picture text, .bn-figure .tags { display: none; }
.bn-enlarge, .bn-figure .hint { display: none !important; }
body { background: #fff !important; }
"""


@contextmanager
def opened(browser, path, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, device_scale_factor=2)
    page.set_default_timeout(120_000)
    page.goto(path.as_uri())
    page.evaluate("() => window.bnHost?.ready")
    yield page
    page.close()


def taken(page, selector):
    """The first thing of a kind on a page as an image, None if there is none."""
    things = page.locator(selector)
    if not things.count():
        return None
    things.first.scroll_into_view_if_needed()  # a training begins when it is seen
    page.evaluate("() => new Promise((done) => setTimeout(done, 500))")  # what moves has arrived
    expect(page.locator(".bn-figure").get_by_role("button", name="Pause")).to_have_count(0)
    return Image.open(io.BytesIO(things.first.screenshot())).convert("RGB")


def thumbnail(page):
    """The chapter's first figure, else its first plot, cut and made small, as PNG; or None."""
    page.add_style_tag(content=SMALL)
    image = taken(page, ".bn-picture") or taken(page, ".cell_output img.only-light")
    if image is None:
        return None
    image = image.crop((0, 0, image.width, min(image.height, image.width * 4 // 5)))
    small = ImageOps.pad(image, SIZE, Image.Resampling.LANCZOS, "#fff")
    for colours in (64, 32, 16, 8):
        file = io.BytesIO()
        few = small.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(file, "PNG", optimize=True)
        if len(file.getvalue()) <= MOST:
            break
    return file.getvalue()


def main():
    expect.set_options(timeout=120_000)
    with sync_playwright() as playwright:
        sys.path.insert(0, str(ROOT / "tests"))
        from conftest import launch

        browser = launch(playwright)
        with opened(browser, SITE / "start_here.html", 770) as page:
            page.add_style_tag(content=".bn-enlarge { display: none !important; }")
            taken(page, ".bn-picture").save(STATIC / "start_here.png", optimize=True)
        (STATIC / "thumbs").mkdir(exist_ok=True)
        for path in sorted(SITE.glob("*.html")):
            with opened(browser, path, 390) as page:
                small = thumbnail(page)
            if small and path.stem != "start_here":
                (STATIC / "thumbs" / f"{path.stem}.png").write_bytes(small)
        browser.close()


if __name__ == "__main__":
    main()
