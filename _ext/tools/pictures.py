"""Take the picture of the README, and each page's preview card, from the figures they show.

    make pictures
    .venv/bin/python _ext/tools/pictures.py depth    the cards of these pages alone

They are in git, since taking them needs a browser: do it again when figures look different. A card
is small: few colours, half as large as it is shown.
"""

import base64
import io
import sys
from html import escape
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "_static"
PLAIN = ".bn-enlarge, .bn-menu { display: none !important; }"

CARD = """<!doctype html><meta charset="utf-8"><style>
@font-face {{ font-family: Book; font-weight: 600; src: url(data:font/woff2;base64,{font}); }}
body {{ display: grid; grid-template-rows: auto 1fr auto; gap: 24px; box-sizing: border-box;
  height: 630px; margin: 0; padding: 56px 64px; background: #fff; color: #22262b;
  border-top: 12px solid #1c5d99; }}
h1 {{ margin: 0; font: 600 64px/1.1 Book, serif; letter-spacing: -0.012em; }}
p {{ margin: 0; color: #5a626c; font: 600 28px Book, serif; }}
div {{ min-height: 0; }}
img {{ width: 100%; height: 100%; object-fit: contain; object-position: left; }}
.side {{ grid-template: 1fr auto / 24rem 1fr; column-gap: 48px; }}
.side div {{ grid-area: 1 / 2 / 3 / 3; }}
.side img {{ object-position: center; }}
</style><body class="{layout}"><h1>{title}</h1><div>{picture}</div><p>{book}</p>"""
SIDE = 2.2  # a picture less wide than so many times its height goes beside the title


def data(content, kind):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def take_card(page, card, name):
    """The card of a built page: its title, and the picture of its first figure."""
    page.goto((ROOT / "_build" / "html" / "chapters" / f"{name}.html").as_uri())
    page.evaluate("() => window.bnHost?.ready")
    page.add_style_tag(content=PLAIN)
    title = page.locator("h1").first.evaluate("(h1) => h1.firstChild.textContent")
    figure = page.locator(".bn-picture").first
    page.evaluate("() => void dispatchEvent(new Event('beforeprint'))")  # trains what is trained
    shot = figure.screenshot()
    picture = f'<img src="{data(shot, "image/png")}">'
    width, height = Image.open(io.BytesIO(shot)).size
    layout = "side" if width < SIDE * height else ""
    font = base64.b64encode((STATIC / "fonts" / "semibold.woff2").read_bytes()).decode()
    book = page.locator(".bd-sidebar-primary .title").inner_text()
    words = {"title": escape(title), "book": escape(book)}
    card.set_content(CARD.format(font=font, picture=picture, layout=layout, **words))
    card.evaluate("() => document.fonts.ready")
    image = Image.open(io.BytesIO(card.screenshot())).convert("RGB")
    small = image.resize((600, 315), Image.Resampling.LANCZOS).quantize(48)
    small.save(STATIC / "cards" / f"{name}.png", optimize=True)


def main(wanted):
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from conftest import launch
    from contents import FIGURES

    (STATIC / "cards").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        look = {"device_scale_factor": 2, "reduced_motion": "reduce"}  # nothing is in the middle
        page = browser.new_page(viewport={"width": 770, "height": 900}, **look)
        if not wanted:
            page.goto((ROOT / "_build" / "html" / "chapters" / "start_here.html").as_uri())
            page.evaluate("() => window.bnHost?.ready")
            page.add_style_tag(content=PLAIN)
            page.locator(".bn-picture").first.screenshot(path=STATIC / "start_here.png")
        card = browser.new_page(viewport={"width": 1200, "height": 630})
        page.set_viewport_size({"width": 1280, "height": 900})  # graphs from left to right
        for name in wanted or [name for name, figures in FIGURES.items() if figures]:
            take_card(page, card, name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
