"""Merge the statistics of two workers."""

from ..exercise import Exercise


def merge(n_a, mean_a, m2_a, n_b, mean_b, m2_b):
    n = n_a + n_b
    delta = mean_b - mean_a
    mean = mean_a + delta * n_b / n
    m2 = m2_a + m2_b + delta**2 * n_a * n_b / n
    return mean, m2


def data(rng, k):
    n_a, n_b, d = [(5, 3, 2), (2, 7, 3), (4, 1, 2)][k]
    a, b = rng.normal(1.0, size=(n_a, d)), rng.normal(-2.0, 2.0, size=(n_b, d))
    found = {}
    for name, part in (("a", a), ("b", b)):
        mean = part.mean(axis=0)
        found[f"n_{name}"] = float(len(part))
        found[f"mean_{name}"] = mean
        found[f"m2_{name}"] = ((part - mean) ** 2).sum(axis=0)
    return found


EXERCISE = Exercise(
    name="merge",
    title="Merge two workers' statistics",
    chapter="several_workers",
    statement="""
Two workers hold parts of a batch. Each sends its count `n`, its mean, and `m2`, the sum of the
squared distances from *its own* mean. Let `delta = mean_b - mean_a`. Return `mean, m2` of the whole
batch.
""",
    function=merge,
    data=data,
    takes=("n_a", "mean_a", "m2_a", "n_b", "mean_b", "m2_b"),
    gives={"mean": "mean", "m2": "m2"},
    solution=merge,
    stub="""
def my_merge(n_a, mean_a, m2_a, n_b, mean_b, m2_b):
    mean = m2 = None  # your code here
    return mean, m2
""",
    hints=(
        "The larger part counts for more: the mean is weighted by the counts.",
        "m2 grows by more than m2_a + m2_b, since the two means differ.",
        "What is added is (mean_b - mean_a)**2 * n_a * n_b / (n_a + n_b).",
    ),
    upstream=(),
)
