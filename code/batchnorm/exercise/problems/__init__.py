"""The exercises, one a file, from easy to hard."""

from importlib import import_module

ORDER = (
    "broadcast",
    "only_mean",
    "two_samples",
    "gamma_beta",
    "evaluation",
    "staged",
    "one_line",
    "raw_moments",
    "bessel",
    "layer_norm",
    "group_norm",
    "renorm",
    "merge",
    "workers",
    "zca",
    "second_derivative",
    "five_faults",
)


def load():
    """Name -> exercise, in the order of `ORDER`; each file holds its own as ``EXERCISE``."""
    modules = (import_module(f"{__name__}.{name}") for name in ORDER)
    return {name: module.EXERCISE for name, module in zip(ORDER, modules, strict=True)}
