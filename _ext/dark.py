"""A dark version of each plot and small picture, which the page shows in the dark theme.

matplotlib drew it on light paper in the colours of `plots.PALETTE`, each with its edges blended
into the paper. So each colour lies near the line from paper to one colour of the palette; it goes
to the same place on the line between the two's dark versions. Meanings keep their colours.
"""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from batchnorm.plots import PALETTE, colour

GREYS = ("paper", "faint", "cut", "ink")  # these blend into each other: one line with bends
IMAGE = re.compile(r'<img[^>]* src="[^"]*/_images/([\w-]+)\.png"[^>]*>')


def rgb(meaning, dark):
    """A meaning's colour, three numbers from 0 to 1."""
    return np.array([int(colour(meaning, dark)[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def lines():
    """Each straight piece: (from, to, dark from, dark to)."""
    ends = list(pairwise(GREYS))
    ends += [("paper", meaning) for meaning in PALETTE if meaning not in GREYS]
    return [(rgb(a, 0), rgb(b, 0), rgb(a, 1), rgb(b, 1)) for a, b in ends]


def darkened(colours):
    """The dark version of each colour, (n, 3) from 0 to 1."""
    nearest = np.full(len(colours), np.inf)
    result = np.empty_like(colours)
    for start, end, dark_start, dark_end in lines():
        along = end - start
        share = np.clip((colours - start) @ along / (along @ along), 0, 1)[:, None]
        distance = ((colours - start - share * along) ** 2).sum(axis=1)
        better = distance < nearest
        nearest[better] = distance[better]
        result[better] = (dark_start + share * (dark_end - dark_start))[better]
    return result


def darken(path, out):
    """Write the dark version of the plot at `path` to `out`."""
    picture = np.asarray(Image.open(path).convert("RGB"), dtype=np.int32)
    numbers, places = np.unique(picture @ [65536, 256, 1], return_inverse=True)
    colours = numbers[:, None] // [65536, 256, 1] % 256
    dark = np.round(255 * darkened(colours / 255)).astype(np.uint8)
    Image.fromarray(dark[places.ravel()].reshape(picture.shape)).save(out, optimize=True)


def pair(app, pagename, templatename, context, doctree):
    """Put beside each plot its dark version, loaded where it is seen: paper needs the light one."""

    def both(match):
        tag, name = match[0], match[1]
        light = tag.replace("<img", '<img class="only-light"')
        dark = tag.replace("<img", '<img class="only-dark" loading="lazy"')
        return light + dark.replace(f"{name}.png", f"{name}_dark.png")

    context["body"] = IMAGE.sub(both, context.get("body", ""))


def write(app, exception):
    if exception is not None:
        return
    site = Path(app.outdir)
    for path in [*site.glob("_images/*.png"), *site.glob("_static/thumbs/*.png")]:
        out = path.with_stem(f"{path.stem}_dark")
        if not path.stem.endswith("_dark") and not out.exists():
            darken(path, out)


def setup(app):
    app.connect("html-page-context", pair, priority=600)  # once images have their sizes
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
