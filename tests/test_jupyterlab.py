"""The chapters in a real JupyterLab: run all, move a slider, read the same numbers twice."""

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
import pytest
from contents import FIGURES
from playwright.sync_api import expect

import batchnorm as bn

pytestmark = pytest.mark.readers

ROOT = Path(__file__).parents[1]

# A figure and a slider, in few words: what every chapter's figures rest on.
DOT = '''
import anywidget
import ipywidgets
import traitlets


class Dot(anywidget.AnyWidget):
    _esm = """
    export default {
      initialize({ model }) {
        const square = () => { model.set("y", model.get("x") ** 2); model.save_changes(); };
        model.on("change:x", square);
        square();
      },
      render({ model, el }) {
        el.classList.add("bn-figure");
        const draw = () => (el.textContent = `x² = ${model.get("y")}`);
        model.on("change:y", draw);
        draw();
      },
    };
    """
    x = traitlets.Float(3.0).tag(sync=True)
    y = traitlets.Float().tag(sync=True)


dot = Dot()
slider = ipywidgets.FloatSlider(value=3.0, min=-8, max=8, step=0.5, description="x")
link = ipywidgets.jslink((slider, "value"), (dot, "x"))
ipywidgets.VBox([dot, slider])
'''

# Every class of figure, from the public package alone: what makes one, and a slider that moves it.
HEAD = """
import numpy as np
import batchnorm as bn
from batchnorm.training import Net, spirals

x, dy = np.array([1.0, 2.0, 4.0]), np.array([1.0, -1.0, 0.5])
norms = np.array([1.2, 1.3])[:, None] ** np.arange(10)


def loss(w):
    mu = w.mean()
    centred = w - mu
    fit = ((centred - x) ** 2).mean()
    return fit


made = []


def show(figure, **slider):
    (name,) = slider
    made.append((figure, name, getattr(figure, name)))
    return bn.controls(figure, **slider)
"""
EVERY = {
    "BatchFigure": "bn.BatchFigure(x, dy), gamma=(0.0, 3.0)",
    "CancellationFigure": "bn.CancellationFigure(), m=(2, 256)",
    "DepthFigure": "bn.DepthFigure(dict(linear={2: norms, 8: norms**2}), "
    "dict(linear=('1 + 1/m', lambda m: 1 + 1 / m)), depth=5), depth=(2, 7)",
    "DescentFigure": "bn.DescentFigure(loss, dict(w=dy), train=['w'], cut=['mu'], watch=['loss']), "
    "step=(0, 40)",
    "GraphFigure": "bn.GraphFigure(bn.batch_norm, dy=dy, x=x, gamma=1.0, beta=0.0, eps=0.1), "
    "gamma=(0.0, 3.0)",
    "JacobianFigure": "bn.JacobianFigure(), outlier=(-5.0, 5.0)",
    "PredictFigure": "bn.PredictFigure(x, dy, shown=True), gamma=(0.0, 3.0)",
    "RunningFigure": "bn.RunningFigure(), momentum=(0.0, 1.0)",
    "SphereFigure": "bn.SphereFigure(), gamma=(0.0, 3.0)",
    "TrainingFigure": "bn.TrainingFigure(dict(plain=Net((2, 4, 2), 'none'), "
    "normal=Net((2, 4, 2), 'batch')), spirals()), chosen=(0, 1)",
    "WeightSpaceFigure": "bn.WeightSpaceFigure(), step=(0, 100)",
    "WhiteningFigure": "bn.WhiteningFigure(), correlation=(-0.9, 0.9)",
}


OPEN_INSTEAD = """async (path) => {
  const old = jupyterapp.shell.currentWidget;
  await old.sessionContext.shutdown();
  old.context.model.dirty = false;
  old.close();
  await jupyterapp.commands.execute("docmanager:open", { path });
}"""


def until(holds, what, timeout=60):
    """Wait until ``holds()`` is true, and give it; ``what`` says what is waited for."""
    end = time.monotonic() + timeout
    while not (found := holds()):
        assert time.monotonic() < end, f"after {timeout} s it does not hold: {what}"
        time.sleep(0.05)
    return found


class Lab:
    """A JupyterLab with one notebook open, operated through its own commands.

    After `open` and `run_all`, `page` is the Playwright page to look at and act on.
    """

    def __init__(self, page, address):
        self.page, self.address, self.problems = page, address, []

    def open(self, name):
        """Open a notebook of the server's folder, alone, and wait for its kernel."""
        if self.page.url == "about:blank":
            self.page.goto(f"{self.address}/doc/tree/{name}")
        else:  # in the same window: JupyterLab itself takes longer than a notebook
            self.page.evaluate(OPEN_INSTEAD, name)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
        )
        self.page.evaluate("() => jupyterapp.shell.currentWidget.context.ready")
        self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.ready")

    def run_all(self):
        """Run all cells in order. Fails with what a cell that raised has to say."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        outputs = self.outputs()
        assert [o["ename"] + ": " + o["evalue"] for o in outputs if "ename" in o] == []

    def outputs(self):
        """The outputs of all cells, as in the notebook's file."""
        return self.page.evaluate(
            """() => jupyterapp.shell.currentWidget.context.model.toJSON().cells
              .flatMap((cell) => cell.outputs ?? [])"""
        )

    def python(self, expression):
        """The value of a Python expression in the notebook's kernel (a literal, by its repr)."""
        reply = self.page.evaluate(
            """async (expression) => {
              const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
              const request = { code: "", store_history: false, user_expressions: { expression } };
              return (await kernel.requestExecute(request).done).content;
            }""",
            expression,
        )
        result = reply["user_expressions"]["expression"]
        assert result["status"] == "ok", f"{expression}: {result.get('evalue')}"
        return ast.literal_eval(result["data"]["text/plain"])

    def wait_for_python(self, expression, timeout=60):
        """Wait until a Python expression holds: what the page sends arrives a little later."""
        until(lambda: self.python(f"bool({expression})"), expression, timeout)

    def figures(self):
        """The figures on the page, as a locator."""
        return self.page.locator(".bn-figure")

    def handle(self, description=None):
        """The handle of the slider so described (else of the first), as a locator."""
        sliders = self.page.locator(".widget-slider")
        if description is not None:
            label = self.page.get_by_text(description, exact=True)
            sliders = sliders.filter(has=label)
        return sliders.locator(".noUi-handle").first


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@contextmanager
def running_lab(home):
    """A JupyterLab over ``home / "notebooks"``, with its settings beside them: its address."""
    notebooks = home / "notebooks"
    # Draw every cell, also those below the window.
    tracker = home / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}), "utf8")
    port = free_port()
    log = (home / "log").open("w+")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *(f"--ServerApp.root_dir={notebooks}", f"--ServerApp.port={port}"),
            *("--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"),
            *("--IdentityProvider.token=", "--expose-app-in-browser"),
            *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        env=os.environ
        | {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_PREFER_ENV_PATH": "1",
        },
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
            break
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None or time.monotonic() > end:
                process.kill()
                pytest.fail(f"JupyterLab does not start:\n{(home / 'log').read_text()}")
            time.sleep(0.1)
    try:
        yield address
    finally:
        process.terminate()  # takes its kernels along
        process.wait(timeout=60)
        log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A JupyterLab over copies of the chapters."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "chapters", home / "notebooks")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    every = [HEAD, *(f"show({figure})" for figure in EVERY.values())]
    for name, cells in {"dot": [DOT], "every": every}.items():
        notebook = nbformat.v4.new_notebook(metadata=kernel)
        notebook.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
        nbformat.write(notebook, home / "notebooks" / f"{name}.ipynb")
    with running_lab(home) as address:
        yield address


@pytest.fixture(scope="module")
def window(browser, server):
    """One `Lab` for all tests, whose page notes what goes wrong in `problems`."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.emulate_media(reduced_motion="reduce")  # no training that moves by itself
    lab = Lab(page, server)
    page.on("pageerror", lambda error: lab.problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((server, server.replace("http", "ws"), "blob:", "data:"))
            or lab.problems.append(f"request to another host: {request.url}")
        ),
    )
    yield lab
    context.close()


@pytest.fixture
def lab(window):
    """The `Lab`, which asks nothing of another host and in which no script fails."""
    window.problems.clear()
    yield window
    assert window.problems == []


def test_a_slider_moves_a_figure_and_python_reads_it(lab):
    lab.open("dot.ipynb")
    lab.run_all()
    figure = lab.figures().first
    figure.get_by_text("x² = 9", exact=True).wait_for()
    lab.handle("x").focus()
    lab.page.keyboard.press("ArrowRight")
    figure.get_by_text("x² = 12.25", exact=True).wait_for()
    lab.wait_for_python("dot.x == 3.5")
    assert lab.python("(slider.value, dot.x, dot.y)") == (3.5, 3.5, 12.25)


def test_every_figure_lives_in_jupyterlab(lab):
    """Each is drawn, a slider moves it, and Python knows; no script complains."""
    assert set(EVERY) == {name for name in bn.figures.__all__ if name.endswith("Figure")}
    complaints = []
    lab.page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    lab.open("every.ipynb")
    lab.run_all()
    expect(lab.figures()).to_have_count(len(EVERY))
    sliders = lab.page.locator(".widget-slider .noUi-handle")
    expect(sliders).to_have_count(len(EVERY))
    for k in range(len(EVERY)):
        picture = lab.figures().nth(k).locator(".bn-picture")
        expect(picture.locator("svg text").first).to_be_attached()
        before = picture.inner_html()
        sliders.nth(k).press("ArrowRight")
        expect(picture).not_to_have_js_property("innerHTML", before)
    lab.wait_for_python("all(getattr(figure, name) != was for figure, name, was in made)")
    assert complaints == []


def test_a_guess_is_compared_with_dx(lab):
    """In a chapter that runs from top to bottom, and draws its figures."""
    lab.open("two_samples.ipynb")
    lab.run_all()
    expect(lab.figures()).to_have_count(len(FIGURES["two_samples"]))
    expect(lab.page.get_by_text("Error displaying widget")).to_have_count(0)
    guess = lab.figures().first
    guess.get_by_role("button", name="Show dx").click()
    guess.get_by_text("guess 0, dx₁ = 0.65", exact=True).wait_for()


def test_two_samples_show_the_same_numbers_in_the_kernel_and_on_the_page(lab):
    """A slider and a drag: the traits that Python gets, the text on the page, `bn.backward`."""
    lab.open("variance_of_two.ipynb")
    lab.run_all()
    figure = lab.figures().first
    figure.wait_for()

    def same_numbers():
        """What Python has is right, and is what the page shows once it is at rest."""

        def both():
            values = lab.python("(pair.x, pair.dy, pair.gamma, pair.beta, pair.eps, pair.dx)")
            shown = f"∂L/∂x₁ = {values[-1][0]:.3f}".replace("-", "−")
            return values if figure.get_by_text(shown, exact=True).is_visible() else None

        x, dy, gamma, beta, eps, dx = until(both, "the page shows dx as Python has it")
        column = np.array([x, dy]).T
        _, cache = bn.forward(column[:, :1], np.array([gamma]), np.array([beta]), eps)
        bn.compare("dx", dx, bn.backward(column[:, 1:], cache)[0][:, 0], 1e-9)
        return x, eps

    x, eps = same_numbers()
    lab.handle("ε").focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowRight")
    lab.wait_for_python(f"pair.eps > {1.5 * eps}")
    assert same_numbers()[1] > 1.5 * eps

    figure.scroll_into_view_if_needed()
    sample = figure.get_by_role("slider", name="sample x₂")
    box = sample.locator(".target").bounding_box()
    at = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(*at)
    lab.page.mouse.down()
    lab.page.mouse.move(at[0] - 50, at[1], steps=5)
    lab.page.mouse.up()
    lab.wait_for_python(f"pair.x[1] < {x[1] - 0.3}")
    same_numbers()
