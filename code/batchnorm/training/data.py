"""What the small nets learn: spirals and clusters made on the spot, and real handwritten digits."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from ..validate import LARGEST, array, finite, integer, number
from .draws import normal, uniform

SPREAD = 7  # the stream of `draws` that data come from


class Data(NamedTuple):
    """Samples and their classes, in two parts: to train on and to test on."""

    x: np.ndarray  # (m, n)
    labels: np.ndarray  # (m,) integers from 0
    test_x: np.ndarray
    test_labels: np.ndarray

    @property
    def classes(self):
        """How many classes there are."""
        return int(self.labels.max()) + 1


def kept(data):
    """A copy of data, its x in float64.

    Raises ValueError for an x that is not finite and real, and for labels that do not fit it.
    """
    parts = []
    for x_name, labels_name in (("x", "labels"), ("test_x", "test_labels")):
        x = finite(x_name, getattr(data, x_name))
        labels = class_numbers(labels_name, getattr(data, labels_name), len(x))
        parts += [x, labels]
    return Data(*parts)


def class_numbers(name, value, m):
    """A copy of the classes of m samples. Raises ValueError unless they are integers >= 0."""
    labels = array(name, value)
    if labels.dtype.kind not in "iu" or labels.shape != (m,) or labels.min(initial=0) < 0:
        raise ValueError(
            f"{name}: got {labels.dtype} data of shape {labels.shape}, want {m} integers >= 0"
        )
    return labels.copy()


def spirals(m=256, classes=2, turns=1.0, noise=0.05, seed=0):
    """Points in the plane on arms that wind round each other; half as many more to test on.

    m : samples to train on; turns : how far an arm winds; noise : standard deviation added

    Raises ValueError unless m and classes are integers >= 1, turns is a number and noise one >= 0.
    """
    m, classes = (integer(k, v, 1, "an integer >= 1") for k, v in (("m", m), ("classes", classes)))
    turns = number("turns", turns, -LARGEST, want="a finite number")
    noise = number("noise", noise)
    total = m + m // 2
    along = uniform(seed, SPREAD, total)
    labels = np.arange(total) % classes
    radius = 0.15 + 0.85 * np.sqrt(along)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = x + noise * normal(seed, SPREAD + 1, 2 * total).reshape(total, 2)
    return _split(x, labels, m)


def clusters(m=512, classes=10, features=64, distance=1.0, seed=0):
    """Gaussian clouds of variance 1 round centres whose entries have the deviation `distance`.

    Raises ValueError unless m, classes and features are integers >= 1, distance a number >= 0.
    """
    given = ("m", m), ("classes", classes), ("features", features)
    m, classes, features = (integer(k, v, 1, "an integer >= 1") for k, v in given)
    distance = number("distance", distance)
    total = m + m // 2
    centres = distance * normal(seed, SPREAD + 2, classes * features).reshape(classes, features)
    labels = np.arange(total) % classes
    x = centres[labels] + normal(seed, SPREAD + 3, total * features).reshape(total, features)
    return _split(x, labels, m)


def digits(test=497):
    """1797 handwritten digits, 8 x 8 pixels from 0 to 1 in 64 features; the last `test` to test on.

    They are the test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998,
    UCI Machine Learning Repository, CC BY 4.0), as scikit-learn ships it. The writers of the last
    ones are not those of the first.

    Raises ValueError unless 0 < test < 1797.
    """
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as held:
        x, labels = held["images"].reshape(-1, 64) / 16, held["labels"].astype(int)
    test = integer("test", test, 1, f"an integer from 1 to {len(x) - 1}", len(x) - 1)
    return _split(x, labels, len(x) - test)


def _split(x, labels, m):
    return Data(x[:m], labels[:m], x[m:], labels[m:])
