"""The ways on which a gradient passes through batch normalization, taken apart by cutting edges."""


def ways(run, dy, at="x"):
    """The gradient at the node `at`, split into the ways it took: {way: array}.

    A way is the difference that a cut makes: first both moments are cut ("direct"), then the mean
    alone, then nothing. The three sum to the gradient. `run` is a `Run` of a graph that has nodes
    named ``mu`` and ``var``, `dy` the gradient at its output.

    `figures/moments.js` does the same in the page.
    """
    direct = run.backward(dy, cut=["mu", "var"])[at]
    with_variance = run.backward(dy, cut="mu")[at]
    whole = run.backward(dy)[at]
    return {"direct": direct, "mean": whole - with_variance, "variance": with_variance - direct}
