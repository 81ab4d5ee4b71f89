"""Write the skeleton of a figure: ``make figure NAME=spread`` makes ``figures/spread/``.

It is a figure already: samples on an axis, to be dragged, and their mean. Change it bit by bit.
"""

import re
import sys
from pathlib import Path

FIGURES = Path(__file__).parents[2] / "code" / "batchnorm" / "figures"
SKELETON = {
    "__init__.py": '''"""NAME: what it shows, in a line."""

import numpy as np
import traitlets

from ..kit import Figure, Vector


class CLASS(Figure):
    """What it shows.

    Parameters
    ----------
    x : the samples, numbers

    Hands back ``mean``. Raises ValueError for samples that are not finite.
    """

    inputs = ("x",)
    outputs = ("mean",)

    x = Vector().tag(sync=True, link=("reals",))
    mean = traitlets.CFloat(0.0).tag(sync=True)

    def __init__(self, x=(1.0, -0.5, 2.2), **parameters):
        super().__init__(x=x, **parameters)

    def compute(self):
        return {"mean": np.mean(self.x)}
''',
    "model.js": """/**
 * What CLASS shows, from its inputs; no DOM.
 *
 * @typedef {{x: number[]}} Inputs
 * @typedef {{mean: number}} Analysis
 * @typedef {Inputs & Analysis} Shown
 * @typedef {import("../kit/figure.js").Figure<Inputs, Analysis>["mount"]} Mount
 */

/** @param {Inputs} inputs @returns {Analysis} */
export const analyse = ({ x }) => ({ mean: x.reduce((a, b) => a + b, 0) / x.length });

/** @param {Analysis} analysis */
export const outputs = ({ mean }) => ({ mean });
""",
    "view.js": """import { axis } from "../kit/axis.js";
import { handle } from "../kit/handle.js";
import { domainOf, format, linear, subscript, tidy } from "../kit/scale.js";

/**
 * The picture of CLASS.
 *
 * @import { Shown } from "./model.js"
 * @import { Drawing } from "../kit/svg.js"
 */

const PAD = 20;
const LINE = 40; // where the samples lie
const HEIGHT = 90;

/**
 * @param {Drawing} picture @param {Shown} shown @param {number} width
 * @param {(i: number, v: number) => void} set
 */
export function paint(picture, { x, mean }, width, set) {
  const scale = linear(picture.hold("samples", domainOf(x)), [PAD, width - PAD]);
  picture.size(width, HEIGHT);
  picture.layer("ground");
  axis(picture, "x", { scale, at: LINE + 20 });
  picture.put("mean", "path", { class: "mean line", d: `M${scale(mean)} 10V${LINE + 20}` });
  picture.layer("things");
  x.forEach((v, i) => {
    handle(picture, `x ${i}`, {
      x: scale(v),
      y: LINE,
      label: `sample ${subscript("x", i)}`,
      range: [-10, 10],
      value: v,
      text: format(v, 2),
      marks: [["circle", { class: "data", r: 7 }]],
      move: (to) => set(i, tidy(Math.round(10 * scale.invert(to)) / 10)),
      nudge: (stepX, stepY) => set(i, tidy(v + 0.1 * (stepX + stepY))),
    });
  });
}
""",
    "figure.js": """import { makeFigure } from "../kit/figure.js";
import { stage } from "../kit/panel.js";
import { format } from "../kit/scale.js";
import { analyse, outputs } from "./model.js";
import { paint } from "./view.js";

/** @import { Mount } from "./model.js" */

/** @type {Mount} */
function mount(el, view) {
  const { picture, finish } = stage(el, view, "Samples and their mean");
  const set = (/** @type {number} */ i, /** @type {number} */ v) =>
    view.set({ x: view.get().x.with(i, v) });

  return function draw(shown, width) {
    paint(picture, shown, width, set);
    finish({ verdict: `The mean is ${format(shown.mean, 2)}.` });
  };
}

export default makeFigure({ analyse, outputs, mount });
""",
}
NEXT = """{folder} is a figure: samples on an axis, and their mean. Now

  name {kind} in figures/__init__.py and in batchnorm/__init__.py,
  draw what it shows, and
  write three of its states into tests/test_goldens.py, then: make goldens
"""


def write(name, figures=FIGURES):
    """Writes the folder of a figure of this name. Raises ValueError if there can be none."""
    if not re.fullmatch("[a-z][a-z_]*", name):
        raise ValueError(f"NAME: got {name!r}, want small letters and _, as in weight_space")
    folder = figures / name
    if folder.exists():
        raise ValueError(f"NAME: {name} is there already; choose another")
    kind = "".join(map(str.capitalize, name.split("_"))) + "Figure"
    folder.mkdir()
    for path, text in SKELETON.items():
        title = kind.removesuffix("Figure")
        (folder / path).write_text(text.replace("CLASS", kind).replace("NAME", title), "utf8")
    return folder, kind


if __name__ == "__main__":
    try:
        folder, kind = write(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(NEXT.format(folder=folder, kind=kind))
