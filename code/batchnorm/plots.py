"""The book's one palette and one matplotlib style.

A colour means the same thing in every picture, live or printed. Readers with the common kinds of
colour blindness can tell the colours apart (they follow Okabe & Ito 2008).
"""

PALETTE = {
    "data": ("#0072b2", "#56b4e9"),  # samples, inputs, outputs
    "gradient": ("#c04a00", "#ff8c42"),  # any gradient as a whole: dy, dx
    "direct": ("#00795a", "#2fc79b"),  # the part of dx that comes straight through
    "mean": ("#8a6d00", "#f0c53d"),  # the mean, and the part of dx that comes through it
    "variance": ("#a3407d", "#e59fc9"),  # the variance, and the part of dx that comes through it
    "cut": ("#6f6f6f", "#9d9d9d"),  # what was cut off, what has been, what is switched off
    "alarm": ("#c4102f", "#ff7083"),  # what has gone wrong
    "positive": ("#5a3fd0", "#ab9dff"),  # entries of a matrix above 0
    "negative": ("#4a7a10", "#a0d060"),  # and below
    "ink": ("#1f2328", "#e8e8e8"),  # text and axes
    "faint": ("#d8dce1", "#454b52"),  # grids, bands
    "paper": ("#ffffff", "#14181e"),  # the ground
}
"""Meaning -> (colour on a light ground, colour on a dark ground)."""


def colour(meaning, dark=False):
    """The colour of a meaning, "#rrggbb". Raises ValueError for one that is not in PALETTE."""
    if meaning not in PALETTE:
        raise ValueError(f"meaning: got {meaning!r}, want one of {', '.join(PALETTE)}")
    return PALETTE[meaning][bool(dark)]


def use_style(dark=False):
    """Give the book's look to every matplotlib figure made from now on."""
    import matplotlib.pyplot as plt  # a second that most chapters need not wait

    ink, paper, faint = (colour(c, dark) for c in ("ink", "paper", "faint"))
    lines = [colour(c, dark) for c in ("data", "gradient", "direct", "mean", "variance", "cut")]
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.2),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "figure.facecolor": paper,
            "axes.facecolor": paper,
            "axes.edgecolor": ink,
            "axes.labelcolor": ink,
            "axes.titlesize": "medium",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.prop_cycle": plt.cycler(color=lines),
            "grid.color": faint,
            "grid.linewidth": 0.6,
            "text.color": ink,
            "xtick.color": ink,
            "ytick.color": ink,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "svg.hashsalt": "batchnorm",
        }
    )
