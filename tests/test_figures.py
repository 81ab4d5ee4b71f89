"""What all figures share: their script, their colours, their traits, and the controls."""

import json
import re
import shutil

import ipywidgets
import numpy as np
import pytest
import traitlets
from drawn import DOM
from node import run

import batchnorm as bn
from _ext.site import bundle
from _ext.tools.figure import write
from batchnorm import figures
from batchnorm.figures.controls import controls
from batchnorm.figures.kit.base import FIGURES, Figure, Vector
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


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The figures' scripts, joined now."""
    folder = tmp_path_factory.mktemp("built")
    bundle.write_figures(folder)
    return folder


@pytest.mark.parametrize("name", MODULES)
def test_the_script_that_is_committed_is_up_to_date(built, name):
    there = (FIGURES / name / "built.js").read_text("utf8")
    assert there == (built / name / "built.js").read_text("utf8"), "run: make scripts"


@pytest.mark.parametrize("name", MODULES)
def test_a_built_script_is_one_module(page, name):
    script = (FIGURES / name / "built.js").read_text("utf8")
    kinds = page.evaluate(
        """async ([text, factory]) => {
          const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
          const module = await import(url);
          (0, eval)(factory);
          return [module, bnScripts.here()].flatMap(({ default: made }) => {
            const { initialize, render } = made();
            return [typeof initialize, typeof render];
          });
        }""",
        [script, bundle.factory(script, "here")],
    )
    assert kinds == ["function"] * 4


def test_a_script_that_was_not_built_is_refused():
    for text in ("export default 3;", "export{a as b};\n", "var a=1;export{a as default};"):
        with pytest.raises(ValueError, match="here: got a script that `make scripts` did not"):
            bundle.factory(text, "here")


@pytest.mark.parametrize("name", MODULES)
def test_a_script_stands_in_the_page_once_per_figure_so_it_is_small(name):
    assert (FIGURES / name / "built.js").stat().st_size < 54_000


def test_what_figures_take_along_is_up_to_date(built, tmp_path):
    bundle.write_host(tmp_path)
    for path, now in {
        "built.js": built / "take" / "built.js",
        "host/built.js": tmp_path / "built.js",
        "host/built.css": tmp_path / "built.css",
    }.items():
        there = (FIGURES / "take" / path).read_text("utf8")
        assert there == now.read_text("utf8"), "run: make scripts"


def test_who_inherits_from_a_figure_has_its_script():
    class Mine(bn.BatchFigure):
        pass

    assert Mine._esm == bn.BatchFigure._esm
    with pytest.raises(FileNotFoundError, match=r"built\.js: no such file; run: make scripts"):

        class Other(Figure):
            pass


def test_a_skeleton_is_a_figure(tmp_path):
    figures = tmp_path / "figures"
    for room in ("figures/kit", "graph"):
        shutil.copytree(FIGURES.parent / room, tmp_path / room)
    folder, kind = write("wide_spread", figures)
    assert kind == "WideSpreadFigure"
    bundle.write_figures(figures, figures)
    assert (folder / "built.js").stat().st_size > 1000
    state = {"x": [1.0, -0.5, 2.2], "_inputs": ["x"]}
    files = [str(folder / "figure.js"), DOM]
    ((tree,),) = [run(files, "(m, ...how) => m.drawn(m, ...how)", [state, 600, []])]
    assert "sample x₃" in json.dumps(tree, ensure_ascii=False)
    assert "The mean is 0.90." in json.dumps(tree, ensure_ascii=False)
    for bad in ("", "Spread", "wide_spread", "a-b"):
        with pytest.raises(ValueError, match=r"^NAME: "):
            write(bad, figures)


# Draws frames: each a list of the parts it has, and what they are drawn from. Says which parts were
# drawn again, and which elements are there
FRAMES = """async ({ drawn, drawing }, frames) => {
  const keys = (node) => [node.getAttribute("data-key"), ...node.children.flatMap(keys)];
  let seen;
  const render = () => {
    const picture = drawing("parts", { redraw() {}, zoom: () => 1 }, ["ground", "things"]);
    seen = frames.map((frame) => {
      const again = [];
      const put = ([name, from, inner = []]) => picture.part(name, [from], () => {
        again.push(name);
        picture.layer("things");
        picture.put(`${name} ${from}`, "path");
        inner.forEach(put);
      });
      picture.layer("ground");
      frame.forEach(put);
      picture.put("after", "path");
      picture.sweep();
      return [again, picture.svg.children.map((layer) => keys(layer).filter(Boolean))];
    });
  };
  await drawn({ default: () => ({ initialize() {}, render }) }, {}, 600, []);
  return seen;
}"""


def test_a_part_is_drawn_again_only_when_what_it_is_drawn_from_has_changed():
    frames = [
        [["a", 1, [["b", 1]]], ["c", 1]],
        [["a", 1, [["b", 1]]], ["c", 2]],
        [["a", 1, [["b", 1]]]],  # c is not there
        [["a", 2, [["b", 1]]], ["c", 2]],  # b was drawn within a, which is drawn again
        [["a", 2, [["b", 1]]], ["c", 2]],
    ]
    ((one, two, three, four, five),) = run([DOM, "figures/kit/svg.js"], FRAMES, [frames])
    assert one == [["a", "b", "c"], [["after"], ["a 1", "b 1", "c 1"]]]
    assert two == [["c"], [["after"], ["a 1", "b 1", "c 2"]]]
    assert three == [[], [["after"], ["a 1", "b 1"]]]
    assert sorted(four[0]) == ["a", "b", "c"]
    assert [sorted(layer) for layer in four[1]] == [["after"], ["a 2", "b 1", "c 2"]]
    assert five == [[], four[1]]


def test_no_module_makes_markup_from_data():
    for path in FIGURES.rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text("utf8")
        ), path


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
    inputs = ()
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
    for bad in [(3.0, 1.0), (0.0, 1.0, -0.1), (0.0, 1.0, 0.0), (0.0, "1"), (np.nan, 1.0), []]:
        with pytest.raises(ValueError, match=re.escape(f"gamma: got {bad!r}")):
            controls(figure, gamma=bad)
