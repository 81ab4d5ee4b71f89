"""Values to run a reader's function on, where its parameters have none by default."""

import inspect

import numpy as np

from .refusal import lines_in
from .trace import trace

FEATURES = 4  # of a channel or a column: two groups of two
NAMES = {
    "x": "x X inp input inputs a h z data features batch images image feature_map",
    "gamma": "gamma g weight weights scale w",
    "beta": "beta b bias shift offset",
    "zeros": "running_mean moving_mean mean_running running_mu",
    "ones": "running_var moving_var running_variance",
    "eps": "eps epsilon",
    "momentum": "momentum decay",
    "groups": "G groups num_groups n_groups",
    "features": "num_features n_features features dim d D C channels num_channels size",
    "training": "training train train_flg is_training is_train",
    "mode": "mode",
}
KINDS = {name: kind for kind, names in NAMES.items() for name in names.split()}


class Missing(ValueError):
    """Something without which there is nothing to trace."""


def example(function):
    """Arguments on which the function can be traced: {name: value}. For a class, those that make
    its object.

    Parameters' defaults are taken as they are; where there are none, values are known for the usual
    names (`NAMES`): a batch of single numbers, of vectors, or of images, whichever is traced first.

    Raises ValueError for a parameter that no value is known for; else what came of the example with
    which the function got farthest.
    """
    if isinstance(function, type):
        return next(examples(function))
    called = function if callable(function) else function.forward
    worst, far = Missing("The function takes nothing: give it an input, x for example."), -1
    for inputs in examples(called):
        try:
            trace(function, **inputs)
            return inputs
        except Exception as error:
            file = getattr(getattr(called, "__code__", None), "co_filename", None)
            line = max(lines_in(error, file), default=0)
            if inputs and line > far:
                worst, far = error, line
    raise worst


def examples(function):
    """Dictionaries of arguments to try, one after another: a batch of single numbers, one of
    vectors, one of images. Raises Missing for a parameter that no value is known for.

    Numbers and arrays that are defaults are given as they are, so that they become inputs.
    """
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind.name not in ("VAR_POSITIONAL", "VAR_KEYWORD")
    }
    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, FEATURES, 2, 2)).round(1)
    batches = [
        (np.array([1.0, -0.5, 2.2]), ()),
        (rng.normal(size=(3, FEATURES)).round(1), (FEATURES,)),
        (images, (FEATURES,)),
        (images, (1, FEATURES, 1, 1)),
    ]
    makes = isinstance(function, type)
    for x, features in batches[1:2] if makes else batches:
        values = {}
        for name, parameter in parameters.items():
            if parameter.default is not parameter.empty:
                if _is_input(name, parameter.default):
                    values[name] = parameter.default
            elif "param" not in name.lower():  # the tracer fills such a dictionary itself
                values[name] = _value(name, x, features, makes)
        yield values
        if not any(KINDS.get(name) == "x" for name in parameters):
            return


def _is_input(name, value):
    """Whether a default becomes an input: arrays of integers are labels, but for the batch."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" or KINDS.get(name) == "x"
    return isinstance(value, int | float | np.number | list)


def _value(name, x, features, makes):
    kind = KINDS.get(name)
    if makes and kind in ("x", "features"):
        return FEATURES
    values = {
        "x": x,
        "gamma": np.reshape([1.5, 0.8, 1.2, -0.7], features) if features else 1.5,
        "beta": np.reshape([0.5, -0.2, 0.1, 0.3], features) if features else 0.5,
        "zeros": np.zeros(features) if features else 0.0,
        "ones": np.ones(features) if features else 1.0,
        "eps": 0.1,
        "momentum": 0.9,
        "groups": 2,
        "features": FEATURES,
        "training": True,
        "mode": "train",
    }
    if kind is None:
        raise Missing(f"{name} needs a value to start from: write {name}=1.0 in the brackets.")
    return values[kind]
