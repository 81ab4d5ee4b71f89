"""Train small nets with and without normalization, in NumPy and in the page alike.

`net` is the loss to trace, `descent` the steps, `descents` many of them at once, in NumPy alone;
`data` is what there is to learn, `draws` the random numbers that both languages draw.
"""

from .data import Data, clusters, digits, spirals
from .descent import Descent
from .descents import Descents
from .net import Net

__all__ = ["Data", "Descent", "Descents", "Net", "clusters", "digits", "spirals"]
