"""The paths of a gradient through batch normalization, taken apart by cutting edges."""


def gradient_paths(run, dy, at="x"):
    """The gradient at the node `at`, split by the path it took: {path: array}.

    A path is the difference that a cut makes: first both moments are cut ("direct"), then the mean
    alone, then nothing. The three sum to the gradient. `run` is a `Run` of a graph that has nodes
    named ``mu`` and ``var``, `dy` the gradient at its output.

    `paths.js` does the same in the page.
    """
    direct = run.backward(dy, cut=["mu", "var"])[at]
    with_variance = run.backward(dy, cut="mu")[at]
    whole = run.backward(dy)[at]
    return {"direct": direct, "mean": whole - with_variance, "variance": with_variance - direct}
