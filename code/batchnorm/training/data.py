"""What the small nets learn: spirals and clusters made on the spot, and real handwritten digits."""

from importlib.resources import files
from typing import NamedTuple

import numpy as np

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


def spirals(m=256, classes=2, turns=1.0, noise=0.05, seed=0):
    """Points in the plane on arms that wind round each other; half as many more to test on.

    m : samples to train on; turns : how far an arm winds; noise : standard deviation added
    """
    total = m + m // 2
    along = uniform(seed, SPREAD, total)
    labels = np.arange(total) % classes
    radius = 0.15 + 0.85 * np.sqrt(along)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = x + noise * normal(seed, SPREAD + 1, 2 * total).reshape(total, 2)
    return _split(x, labels, m)


def clusters(m=512, classes=10, features=64, distance=1.0, seed=0):
    """Gaussian clouds of variance 1 round centres whose entries have the deviation `distance`."""
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
    if not 0 < test < len(x):
        raise ValueError(f"test: got {test}, want a number from 1 to {len(x) - 1}")
    return _split(x, labels, len(x) - test)


def _split(x, labels, m):
    return Data(x[:m], labels[:m], x[m:], labels[m:])
