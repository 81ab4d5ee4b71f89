"""Taking a figure along: as a page that lives by itself, or as a picture."""

import base64
import glob
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ipywidgets.embed import dependency_state

from ...plots import PALETTE

HERE = Path(__file__).parent
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
KINDS = (".html", ".svg", ".png")

# Browsers that draw without a window, as they are called on the PATH or lie elsewhere
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
    *("google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
)
ELSEWHERE = (
    "~/.cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "~/Library/Caches/ms-playwright/chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files*\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files*\Microsoft\Edge\Application\msedge.exe",
)

# Before the page is painted: light or dark, as its reader's system has it
THEME = """document.documentElement.dataset.theme =
  matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";"""


def _variables(dark):
    paper, ink, faint = (PALETTE[name][dark] for name in ("paper", "ink", "faint"))
    return (
        f"color-scheme:{'dark' if dark else 'light'};--pst-color-background:{paper};"
        f"--pst-color-text-base:{ink};--pst-color-border:{faint};background:{paper};color:{ink}"
    )


STYLE = f"""\
:root{{{_variables(0)}}}
:root[data-theme=dark]{{{_variables(1)}}}
body{{margin:1rem auto;padding:0 1rem;max-width:56rem;font:17px/1.5 system-ui,sans-serif}}
h1{{font-size:1.3rem;line-height:1.3;margin:0 0 1rem}}
.caption{{margin:1rem 0}}
"""


def save(widget, path, *, title, caption, width):
    """Write a figure, or a box with figures and controls, to a file: see `Figure.save`."""
    path = Path(path)
    if path.suffix not in KINDS:
        raise ValueError(f"path: got {path.name!r}, want a name that ends in {', '.join(KINDS)}")
    if path.suffix == ".html":
        path.write_text(page(widget, title, caption), "utf8")
    elif path.suffix == ".svg":
        path.write_text(_drawn(widget, "svg", width), "utf8")
    else:
        path.write_bytes(base64.b64decode(_drawn(widget, "png", width).partition(",")[2]))


def _escaped(value):
    """JSON that ends no script and begins no comment, whatever the data say."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _script(text):
    """A script as it is written into a page; Python wrote none of it from data."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _classic(module, name):
    """A module that `make scripts` wrote, as a script that puts it into `bnScripts`."""
    code, default = re.fullmatch(r"(.+)export\{([\w$]+) as default\};\n", module, re.DOTALL).groups()
    return f"(self.bnScripts??={{}}).{name}=()=>{{{code}return{{default:{default}}}}};"


def page(widget, title, caption="", *, more=("", "")):
    """A page that shows the widget: all that it needs is in it, and it may load nothing else.

    ``more`` is a further script and style.
    """
    state = dependency_state([widget], drop_defaults=False)
    modules, styles = {}, {}
    for model in state.values():
        values = model["state"]
        take = values.pop("_take", "")
        if "_esm" in values:
            name = f"figure_{hashlib.sha256(values['_esm'].encode()).hexdigest()[:12]}"
            modules |= {name: values["_esm"]} | ({"take": take} if take else {})
            values["_esm"] = f"bn-script:{name}"
        styles[values.pop("_css", "")] = None
    host = (HERE / "host" / "built.js").read_text("utf8")
    scripts = [_classic(module, name) for name, module in modules.items()]
    scripts = [_script(text) for text in (THEME, *scripts, host, more[0]) if text]
    style = STYLE + (HERE / "host" / "built.css").read_text("utf8") + "".join(styles) + more[1]
    every = {"version_major": 2, "version_minor": 0, "state": state}
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    policy = (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes([style])}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    title, caption = html.escape(title), html.escape(caption)
    heading = f"<h1>{title}</h1>\n" if title else ""
    below = f'\n<p class="caption">{caption}</p>' if caption else ""
    head, *rest = (f"<script>{text}</script>" for text in scripts)
    return f"""<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
{head}
<script type="{STATE}">{_escaped(every)}</script>
</head>
<body>
<main>
{heading}<div class="cell_output"><script type="{VIEW}">{_escaped(view)}</script></div>{below}
</main>
<noscript><p>This figure needs JavaScript.</p></noscript>
{chr(10).join(rest)}
</body>
</html>
"""


def _hashes(texts):
    """The sources that a policy allows: these texts and no other."""
    every = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{text}'" for text in every)


# The page's own menu makes the picture; its text is then what the page holds
DRAW = """bnHost.ready.then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))))
  .then(() => bnScripts.take().default.file(document.querySelector(".bn-figure"), "%s"))
  .then((text) => { document.body.replaceChildren();
    document.body.dataset.file = btoa(unescape(encodeURIComponent(text))); });"""


def _browser():
    """The path of a browser that can draw, or None."""
    on_path = filter(None, map(shutil.which, BROWSERS))
    lying = (path for pattern in ELSEWHERE for path in glob.glob(os.path.expanduser(pattern)))
    return next(on_path, None) or next(lying, None)


def _drawn(widget, kind, width):
    """The text of the picture: SVG, or a PNG's data address. It is drawn by a browser."""
    browser = None if sys.platform == "emscripten" else _browser()
    instead = f"open the page that save('….html') writes, and use the figure's menu (⋯) for {kind}"
    if browser is None:
        raise RuntimeError(f"save: found no Chromium, Chrome or Edge to draw with; {instead}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "figure.html")
        path.write_text(page(widget, "", more=(DRAW % kind, "body{max-width:none}")), "utf8")
        command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to start for root without it
        command += [f"--user-data-dir={folder}/profile", f"--window-size={width + 32},2000"]
        command += ["--virtual-time-budget=20000", "--dump-dom", path.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf8", timeout=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"save: {browser} did not draw ({error}); {instead}") from None
    found = re.search(r'<body data-file="([A-Za-z0-9+/=]+)"', done.stdout)
    if not found:
        raise RuntimeError(f"save: {browser} did not draw the figure; {instead}")
    return base64.b64decode(found[1]).decode()
