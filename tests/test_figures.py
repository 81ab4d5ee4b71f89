"""What all figures share: their script, their colours, their traits, and the controls."""

import re

import ipywidgets
import numpy as np
import pytest
import traitlets

import batchnorm as bn
from batchnorm import figures
from batchnorm.figures.controls import controls
from batchnorm.figures.kit.base import FIGURES, Figure, Vector, join
from batchnorm.plots import PALETTE, colour

KINDS = [
    kind
    for kind in vars(figures).values()
    if isinstance(kind, type) and issubclass(kind, Figure) and kind is not Figure
]
MODULES = sorted(path.parent.name for path in FIGURES.glob("*/model.js"))


def luminance(hex_colour):
    channels = [int(hex_colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def contrast(a, b):
    high, low = sorted([luminance(a), luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_figure_has_one_class_and_one_script():
    assert sorted(kind.__module__.rpartition(".")[2] for kind in KINDS) == MODULES


@pytest.mark.parametrize("stem", MODULES)
def test_a_joined_script_is_one_module(page, stem):
    script = join(stem)
    assert not re.search(r"^import\b", script, re.MULTILINE)
    assert len(re.findall(r"^export\b", script, re.MULTILINE)) == 1
    kinds = page.evaluate(
        """async (text) => {
          const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
          const module = await import(url);
          const { initialize, render } = module.default();
          return [typeof initialize, typeof render];
        }""",
        script,
    )
    assert kinds == ["function", "function"]


@pytest.mark.parametrize("stem", MODULES)
def test_a_script_stands_in_the_page_once_per_figure_so_it_is_small(stem):
    assert len(join(stem).encode()) < 72_000


def test_no_module_makes_markup_from_data():
    for path in FIGURES.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text("utf8")
        ), path


def test_another_form_of_import_is_refused(tmp_path, monkeypatch):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "figure.js").write_text(
        'import * as all from "./other.js";\nexport default {};\n'
    )
    monkeypatch.setattr("batchnorm.figures.kit.base.FIGURES", tmp_path)
    with pytest.raises(ValueError, match=r"figure\.js: an import is not of the form"):
        join("odd")


@pytest.mark.parametrize("dark", [False, True])
def test_colours_stand_out_from_the_ground(dark):
    ground = colour("paper", dark)
    for meaning in PALETTE:
        if meaning not in ("paper", "faint"):
            assert contrast(colour(meaning, dark), ground) > 4.5, meaning


def test_an_unknown_colour_is_named():
    with pytest.raises(ValueError, match="meaning: got 'loss', want one of data"):
        colour("loss")


def test_the_style_sheet_knows_every_colour_and_no_other():
    css = bn.BatchFigure([1.0, 2.0], [1.0, 0.0])._css
    scripts = {path: path.read_text("utf8") for path in FIGURES.rglob("*.js")}
    used = set(re.findall(r"var\(--bn-(\w+)\)", css + "".join(scripts.values())))
    assert used == PALETTE.keys()
    # A name that a script puts together could be any: there is none
    assert not [path.name for path, text in scripts.items() if re.search(r"--bn-\$\{", text)]
    for light, dark in PALETTE.values():
        assert light in css
        assert dark in css


def test_matplotlib_follows_the_palette():
    from matplotlib import pyplot as plt

    with plt.rc_context():
        bn.plots.use_style(dark=True)
        assert plt.rcParams["text.color"] == colour("ink", dark=True)
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0] == colour("data", dark=True)


class Box(traitlets.HasTraits):
    v = Vector([])


def test_a_vector_takes_arrays_and_refuses_the_rest():
    box = Box(v=np.array([1, 2]))
    assert box.v == [1.0, 2.0]
    for bad in ([[1.0]], [np.inf], ["a"], 3.0, [1j]):
        with pytest.raises(ValueError, match="v: got"):
            box.v = bad
    assert box.v == [1.0, 2.0]


def test_a_repr_holds_no_address_and_never_changes():
    figure = bn.BatchFigure([1.0, 2.0], [0.5, -0.5])
    assert repr(figure) == "BatchFigure(x=[1.0, 2.0], dy=[0.5, -0.5])"


def test_the_browser_s_numbers_are_not_computed_again():
    figure = bn.BatchFigure([1.0, 2.0], [0.5, -0.5])
    figure.set_state({"x": [5.0, 7.0], "y": [-9.0, 9.0], "dx": [0.0, 0.0]})
    assert figure.y == [-9.0, 9.0]
    figure.x = [5.0, 8.0]
    assert figure.y == pytest.approx([-1, 1], abs=1e-4)


def test_controls_take_the_abbreviations_of_interact():
    figure = bn.BatchFigure([1.0, 2.0], [0.5, -0.5], gamma=1.5, flow_through_mean=False)
    own = ipywidgets.FloatLogSlider(min=-6, max=1)
    box = controls(figure, gamma=(0.0, 3.0), flow_through_mean=True, steps=(0, 10, 2), eps=own)
    kinds = [type(child).__name__ for child in box.children]
    assert kinds == ["BatchFigure", "FloatSlider", "Checkbox", "IntSlider", "FloatLogSlider"]
    assert box.children[1].value == 1.5
    assert box.children[2].value is False
    assert own.value == pytest.approx(figure.eps)
    names = [child.description for child in box.children[1:]]
    assert names == ["scale γ", "flow through mean", "steps", "ε"]


def test_controls_say_what_is_wrong():
    figure = bn.BatchFigure([1.0, 2.0], [0.5, -0.5])
    with pytest.raises(ValueError, match="gama: no trait of BatchFigure"):
        controls(figure, gama=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"gamma: got .*, which stands for no control"):
        controls(figure, gamma=object())
