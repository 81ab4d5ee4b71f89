"""Taking a figure along: as a page that lives by itself, or as a picture."""

import base64
import glob
import hashlib
import html
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
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
    r"%ProgramFiles%*\Google\Chrome\Application\chrome.exe",
    r"%ProgramFiles%*\Microsoft\Edge\Application\msedge.exe",
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
    else:
        path.write_bytes(picture(widget, path.suffix[1:], width))


def escaped(value):
    """JSON that ends no script and begins no comment, whatever the data say."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _script(text):
    """A script as it is written into a page; Python wrote none of it from data."""
    return re.sub(r"<(?=/script|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _classic(module, name):
    """A module that `make scripts` wrote, as a script that puts it into `bnScripts`."""
    code, default = re.fullmatch(
        r"(.+)export\{([\w$]+) as default\};\n", module, re.DOTALL
    ).groups()
    return f"(self.bnScripts??={{}}).{name}=()=>{{{code}return{{default:{default}}}}};"


def page(widget, title, caption="", *, more=("", ""), allow="connect-src 'none'"):
    """A page that shows the widget: all that it needs is in it, and it may load nothing else.

    ``more`` is a further script and style, ``allow`` a line of its policy.
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
        f"img-src data:; {allow}; base-uri 'none'; form-action 'none'"
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
<script type="{STATE}">{escaped(every)}</script>
</head>
<body>
<main>
{heading}<div class="cell_output"><script type="{VIEW}">{escaped(view)}</script></div>{below}
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


# As for print: nets are trained first. Once nothing moves, the figure's own menu makes the picture.
DRAW = """bnHost.ready.then(async () => {
  const figure = document.querySelector(".bn-figure");
  dispatchEvent(new Event("beforeprint"));
  let before = "";
  for (let still = 0; still < 12; ) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const now = figure.querySelector(".bn-picture").outerHTML;
    still = now === before ? still + 1 : 0;
    before = now;
  }
  const { text, png } = bnScripts.take().default.picture(figure);
  await fetch(location.href, { method: "POST", body: KIND === "png" ? await png() : text });
});"""
INSTEAD = "open the page that save('….html') writes, and use the figure's menu (⋯)"
PATIENCE = 120  # seconds


def _browser():
    """The path of a browser that can draw, or None."""
    on_path = filter(None, map(shutil.which, BROWSERS))
    whole = (os.path.expandvars(os.path.expanduser(pattern)) for pattern in ELSEWHERE)
    lying = (path for pattern in whole for path in glob.glob(pattern))
    return next(on_path, None) or next(lying, None)


class _Desk(BaseHTTPRequestHandler):
    """Hands out one page, and takes what it sends back."""

    def do_GET(self):
        known = self.path == self.server.address
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if known:
            self.wfile.write(self.server.page)

    def do_POST(self):
        if self.path == self.server.address:
            self.server.got = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def _end(process):
    """Ends a process that leads a session, and what it started: a browser's command may be a script
    that waits for the browser.
    """
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def picture(widget, kind, width):
    """The figure's picture, "svg" or "png", in bytes: a browser that nobody sees draws it.

    Raises RuntimeError where none is found that does.
    """
    browser = None if sys.platform == "emscripten" else _browser()
    if browser is None:
        raise RuntimeError(f"save: found no Chromium, Chrome or Edge to draw with; {INSTEAD}")
    more = DRAW.replace("KIND", repr(kind)), "body{max-width:none}"
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        HTTPServer(("127.0.0.1", 0), _Desk) as desk,
    ):
        desk.address, desk.got, desk.timeout = f"/{secrets.token_urlsafe()}", None, 0.2
        desk.page = page(widget, "", more=more, allow="connect-src 'self'").encode()
        address = f"http://127.0.0.1:{desk.server_port}{desk.address}"
        command = [browser, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        command += [f"--user-data-dir={folder}", f"--window-size={width + 32},2000"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to start for root without it
        command += ["--remote-debugging-port=0", address]  # with such a port it stays
        try:
            drawing = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise RuntimeError(f"save: {browser} does not start ({error}); {INSTEAD}") from None
        try:
            end = time.monotonic() + PATIENCE
            while desk.got is None and drawing.poll() is None and time.monotonic() < end:
                desk.handle_request()
        finally:
            _end(drawing)
        if desk.got is None:
            raise RuntimeError(f"save: {browser} did not draw the figure; {INSTEAD}")
        return desk.got
