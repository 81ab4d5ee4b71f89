"""From a key press on a slider to the end of the figure's update, in a real JupyterLab.

Each figure stands beside the same picture drawn by matplotlib in the kernel under
`ipywidgets.interact`: two sliders in one notebook, pressed in turn. The clock starts at the key's
event in the browser and stops when the page shows the change: the figure's script has drawn, or
the kernel's new image is decoded. The same figure on the static page, with no kernel, comes last.
"""

import statistics
import tempfile
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
from conftest import launch
from playwright.sync_api import sync_playwright
from row import Row
from stage import write
from test_jupyterlab import Lab, running_lab

import batchnorm as bn
from batchnorm.training import Net, spirals

PRESSES = 40
SPACE = {
    "bn": bn,
    "np": np,
    "x": np.array([-1.5, 0.5, 2.5]),
    "dy": np.array([1.0, 0.8, -0.5]),
    "knob": lambda lo, hi: ipywidgets.FloatSlider(min=lo, max=hi, description="knob"),
    "whole": lambda lo, hi: ipywidgets.IntSlider(min=lo, max=hi, description="knob"),
}
SETUP = """
import ipywidgets, numpy as np, matplotlib.pyplot as plt
import batchnorm as bn
bn.plots.use_style()
x, dy = np.array([-1.5, 0.5, 2.5]), np.array([1.0, 0.8, -0.5])
def knob(lo, hi): return ipywidgets.FloatSlider(min=lo, max=hi, description="knob")
def whole(lo, hi): return ipywidgets.IntSlider(min=lo, max=hi, description="knob")
def layer(gamma=1.0, eps=0.1): return dict(x=x, gamma=gamma, beta=0.0, eps=eps)
graph = bn.trace(bn.batch_norm, **layer())
colour = bn.plots.colour
"""

# name: the live figure with one slider, the peer's slider, and the peer's body: the same picture
CASES = {
    "BatchFigure": (
        "bn.controls(bn.BatchFigure(x, dy), gamma=knob(0, 3))",
        "(0.0, 3.0)",
        """
run = graph.forward(**layer(knob))
whole, direct, half = (run.backward(dy, cut=c)["x"] for c in ([], ["mu", "var"], "mu"))
fig, (a, b) = plt.subplots(1, 2)
for i in range(3):
    a.arrow(x[i], -i, whole[i], 0, color=colour("gradient"), width=0.02)
    a.arrow(x[i], -i - 0.2, direct[i], 0, color=colour("direct"), width=0.01)
    a.arrow(x[i], -i - 0.3, half[i] - direct[i], 0, color=colour("variance"), width=0.01)
    a.arrow(x[i], -i - 0.4, whole[i] - half[i], 0, color=colour("mean"), width=0.01)
    b.arrow(run.output[i], -i, dy[i], 0, color=colour("gradient"), width=0.02)
a.plot(x, -np.arange(3), "o")
b.plot(run.output, -np.arange(3), "o")
""",
    ),
    "PredictFigure": (
        "bn.controls(bn.PredictFigure(x, dy, shown=True), gamma=knob(0, 3))",
        "(0.0, 3.0)",
        """
run = graph.forward(**layer(knob))
dx, guess = run.backward(dy)["x"], np.zeros(3)
fig, ax = plt.subplots()
for i in range(3):
    ax.arrow(x[i], -i, guess[i], 0, color=colour("cut"), width=0.02)
    ax.arrow(x[i], -i - 0.2, dx[i], 0, color=colour("gradient"), width=0.02)
ax.plot(x, -np.arange(3), "o")
""",
    ),
    "DescentFigure": (
        """
def loss(b, u):
    mu = (u + b).mean(axis=0)
    L = ((u + b - mu - 1.0) ** 2).mean(axis=0)
    return L


bn.controls(
    bn.DescentFigure(loss, dict(b=0.0, u=x), train=["b"], cut=["mu"], watch=["b", "loss"]),
    rate=knob(0, 3),
)""",
        "(0.0, 3.0)",
        """
from batchnorm.figures.descent import descend
g = bn.trace(loss, b=0.0, u=x)
fig, (a, b) = plt.subplots(1, 2)
for cut in ([], ["mu"]):
    runs = descend(g, dict(b=0.0, u=x), ["b"], knob, 40, cut)
    a.plot([run["b"] for run in runs])
    b.plot([run.output for run in runs])
""",
    ),
    "GraphFigure": (
        "bn.controls(bn.GraphFigure(bn.batch_norm, dy=dy, x=x, gamma=1.0, beta=0.0, eps=0.1),"
        " gamma=knob(0, 3))",
        "(0.0, 3.0)",
        """
run = graph.forward(**layer(knob))
grads = run.backward(dy)
fig, ax = plt.subplots(figsize=(8, 3))
for i, node in enumerate(graph.nodes):
    text = f"{node.symbol}\\n{np.round(run[i], 2)}\\n{np.round(grads[i], 2)}"
    ax.text(i, i % 3, text, fontsize=6, bbox=dict(boxstyle="round", fill=False))
    for j in node.inputs:
        ax.annotate("", (j, j % 3), (i, i % 3), arrowprops=dict(arrowstyle="->"))
ax.set(xlim=(-1, 15), ylim=(-1, 3))
""",
    ),
    "SphereFigure": (
        "bn.controls(bn.SphereFigure(), gamma=knob(0, 3))",
        "(0.0, 3.0)",
        """
run = graph.forward(**layer(knob))
dx = run.backward(dy)["x"]
fig = plt.figure(figsize=(8, 4))
a, b = fig.add_subplot(121), fig.add_subplot(122, projection="3d")
plane = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
a.add_patch(plt.Circle((0, 0), np.sqrt(3), fill=False))
for v in (x, run["x_hat"]):
    a.plot(*plane @ v, "o")
    b.plot(*v[:, None], "o")
for v in (dy, dx):
    a.arrow(*plane @ run["x_hat"], *plane @ v, width=0.02)
    b.quiver(*run["x_hat"], *v)
""",
    ),
    "JacobianFigure": (
        "bn.controls(bn.JacobianFigure(m=12), outlier=knob(-10, 10))",
        "(-10.0, 10.0)",
        """
samples = np.append(np.linspace(-1, 1, 11), knob)
J = bn.x_hat_jacobian(samples, 1e-5)
fig, (a, b) = plt.subplots(1, 2)
a.imshow(J, cmap="RdBu")
b.bar(np.arange(12), np.linalg.svd(J)[1])
""",
    ),
    "RunningFigure": (
        "bn.controls(bn.RunningFigure(), momentum=knob(0, 1))",
        "(0.0, 1.0)",
        """
rng, running, paths = np.random.default_rng(0), bn.RunningStatistics(momentum=knob), []
for k in range(60):
    batch = 0.05 * k + rng.normal(size=(8, 1))
    y = bn.forward(batch, np.ones(1), np.zeros(1), running=running)[0]
    still = bn.forward(batch, np.ones(1), np.zeros(1), running=running, training=False)[0]
    paths.append([running.mean[0], running.var[0], np.sqrt(np.mean((y - still) ** 2))])
fig, axes = plt.subplots(2, 3)
for ax, path in zip(axes[1], np.transpose(paths)):
    ax.plot(path)
for ax, values in zip(axes[0], (batch, y, still)):
    ax.plot(values, 0 * values, "o")
""",
    ),
    "CancellationFigure": (
        "bn.controls(bn.CancellationFigure(), m=whole(2, 256))",
        "(2, 256)",
        """
from batchnorm.figures.cancellation import METHODS
fig, ax = plt.subplots()
noise = np.random.default_rng(0).normal(size=knob)
for method in METHODS.values():
    errors = []
    for offset in 10 ** np.linspace(0, 8, 65):
        f32 = (offset + noise).astype(np.float32)
        errors.append(abs(method(f32) / f32.astype(float).var() - 1))
    ax.loglog(10 ** np.linspace(0, 8, 65), errors)
""",
    ),
    "DepthFigure": (
        """
runs = {m: (1.5 + 2 / m) ** np.arange(51) * np.ones((5, 1)) for m in (4, 8, 16)}
bn.controls(bn.DepthFigure({"ReLU": runs}, {"ReLU": ("3/2", lambda m: 1.5)}), depth=whole(1, 50))
""",
        "(1, 50)",
        """
norms = (1.5 + 2 / 8) ** np.arange(51) * np.ones((5, 1))
fig, (a, b) = plt.subplots(1, 2)
a.semilogy(np.median(norms, axis=0)[: knob + 1])
for m in (4, 8, 16):
    factors = ((1.5 + 2 / m) ** np.arange(51) * np.ones((5, 1)))[:, knob] ** (1 / knob)
    b.plot([m] * 5, factors, "o")
b.axhline(1.5)
""",
    ),
    "WhiteningFigure": (
        "bn.controls(bn.WhiteningFigure(correlation=0.0), correlation=knob(-1, 1))",
        "(-0.99, 0.99)",
        """
rng = np.random.default_rng(1)
cloud = rng.normal(size=(24, 2)) @ np.linalg.cholesky([[1, knob], [knob, 1]]).T
x_hat, cache = bn.whiten(cloud, 1e-5)
back = bn.whiten_backward(np.eye(24, 2), cache)
fig, axes = plt.subplots(1, 3, figsize=(9, 3))
axes[0].plot(*cloud.T, "o")
axes[0].quiver(*cloud.T, *back.T)
axes[1].plot(*x_hat.T, "o")
axes[2].plot(np.arange(64), np.arange(64) ** 3)
""",
    ),
    "WeightSpaceFigure": (
        "bn.controls(bn.WeightSpaceFigure(step=100), correlation=knob(-0.99, 0.99))",
        "(-0.99, 0.99)",
        """
S, best = np.array([[1, knob], [knob, 1]]), np.array([1.5, 0.5])
c, grid = S @ best, np.stack(np.meshgrid(*[np.linspace(-3, 3, 61)] * 2))
q = np.einsum("iab,ij,jab->ab", grid, S, grid)
plain = q / 2 - np.einsum("i,iab->ab", c, grid)
fig, axes = plt.subplots(1, 2, figsize=(8, 4))
axes[0].contour(*grid, plain)
axes[1].contour(*grid, -np.einsum("i,iab->ab", c, grid) / np.sqrt(q + 1e-9))
path = [np.array([-1.2, 1.6])]
for _ in range(100):
    w = path[-1]
    path.append(w + c / np.sqrt(w @ S @ w) - (c @ w) * (S @ w) / (w @ S @ w) ** 1.5)
axes[1].plot(*np.transpose(path))
""",
    ),
}

# Resolves to the milliseconds from the next key press to the end of the update that it causes. Our
# figures change the page within an animation frame, so the observer runs as soon as they are done.
WATCH = """([selector, image]) => new Promise((done, fail) => {
  setTimeout(() => fail(new Error("nothing changed within ten seconds")), 10000);
  const shown = () => document.querySelector(selector + " img");
  const before = shown();
  const started = (event) => (start ??= event.timeStamp);
  let start;
  addEventListener("keydown", started, { capture: true, once: true });
  const observer = new MutationObserver(async () => {
    if (start === undefined) return;
    if (image) {
      const img = shown();
      if (!img || img === before) return;
      // An image that is replaced before it is decoded is not the last one: wait for that
      if (!(await img.decode().then(() => true, () => false))) return;
    }
    observer.disconnect();
    done(performance.now() - start);
  });
  const what = { subtree: true, childList: true, attributes: true, characterData: true };
  observer.observe(document.querySelector(selector), what);
})"""


def times(page, handle, selector, image=False):
    """How long each of PRESSES key presses takes to show."""
    handle.focus()
    taken = []
    for k in range(PRESSES + 5):
        page.evaluate(f"(args) => {{ window.took = ({WATCH})(args); }}", [selector, image])
        page.keyboard.press("ArrowRight" if k % 10 < 5 else "ArrowLeft")
        taken.append(page.evaluate("() => window.took"))
        page.wait_for_timeout(200 if image else 30)  # let the kernel's last image arrive
    return taken[5:]  # the first ones compile


def write_notebook(folder, name, live, span, body):
    """A notebook with the live figure, and its peer under `interact`."""
    indented = "\n".join("    " + line for line in body.strip().splitlines())
    peer = f"def draw(knob):\n{indented}\n    plt.show()\n\nipywidgets.interact(draw, knob={span});"
    cells = [nbformat.v4.new_code_cell(code.strip()) for code in (SETUP, live, peer)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def on_the_page(browser, folder, live):
    """The times of the figure on a static page."""
    statements, _, expression = live.rpartition("bn.controls(")
    space = dict(SPACE)
    exec(statements, space)
    page = browser.new_page()
    page.goto(write(folder, eval("bn.controls(" + expression.strip(), space)).as_uri())
    page.evaluate("() => bnHost.ready")
    taken = times(page, page.get_by_role("slider", name="knob"), ".bn-figure")
    page.close()
    return taken


# Steps and frames that a page takes in so many milliseconds while nets are trained in it
PACE = """(milliseconds) => new Promise((done) => {
  const steps = () => parseInt(document.querySelector(".count").textContent.slice(5));
  const [began, from] = [performance.now(), steps()];
  let frames = 0;
  const tick = () => {
    const passed = performance.now() - began;
    if (passed < milliseconds) frames += 1, requestAnimationFrame(tick);
    else done([(1000 * (steps() - from)) / passed, (1000 * frames) / passed]);
  };
  requestAnimationFrame(tick);
})"""


def training(browser, folder):
    """How fast TrainingFigure trains three nets at once, and how smooth the page stays."""
    net = Net((2, 16, 16, 2), "batch")
    variants = {
        "no normalization": Net((2, 16, 16, 2), "none"),
        "batch norm": net,
        "mean's path cut": (net, {"cut_mean": True}),
    }
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    figure = bn.TrainingFigure(variants, spirals(), batch_size=64, most=100_000)
    page.goto(write(folder, figure).as_uri())
    page.evaluate("() => bnHost.ready")
    page.get_by_role("button", name="Run", exact=True).click()
    page.evaluate(PACE, 1000)  # the first ones compile
    steps, frames = page.evaluate(PACE, 5000)
    page.close()
    yield Row("TrainingFigure, time for a step of one net", 1000 / (3 * steps), "ms")
    yield Row(
        "TrainingFigure, a frame while three nets train", 1000 / frames, "ms", "(aim)", 1000 / 60
    )


def rows():
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as tmp:
        folder, browser = Path(tmp) / "notebooks", launch(playwright.chromium)
        folder.mkdir()
        for name, case in CASES.items():
            write_notebook(folder, name, *case)
        with running_lab(Path(tmp)) as address:
            for name, (live, *_) in CASES.items():
                page = browser.new_page()
                lab = Lab(page, address)
                lab.open(f"{name}.ipynb")
                lab.run_all()
                lab.figures().first.wait_for()
                page.locator(".widget-interact img").wait_for()
                handles = page.locator(".widget-slider .noUi-handle")
                here = statistics.median(times(page, handles.nth(0), ".bn-figure"))
                there = times(page, handles.nth(1), ".widget-interact", image=True)
                page.close()
                still = statistics.median(on_the_page(browser, folder, live))
                peer = "interact and matplotlib", statistics.median(there)
                yield Row(f"{name}, a key press in JupyterLab", here, "ms", *peer)
                yield Row(f"{name}, a key press on the page", still, "ms", *peer)
        yield from training(browser, Path(tmp))
        browser.close()
