"""What the built book must show: which figures in which chapter, in their order; how high it is."""

FIGURES = {
    "start_here": ["BatchFigure", "DescentFigure"],
    "two_samples": ["PredictFigure", "BatchFigure", "DescentFigure"],
    "variance_of_two": ["BatchFigure"],
    "at_the_weights": ["DescentFigure", "DescentFigure"],
    "batch_normalization": ["RunningFigure"],
    "computation_graph": ["GraphFigure"],
    "paths": ["GraphFigure", "PredictFigure", "GraphFigure", "BatchFigure"],
    "two_variance_graphs": ["GraphFigure"],
    "circle": ["SphereFigure", "PredictFigure"],
    "derivation": [],
    "jacobian": ["JacobianFigure"],
    "implementation": [],
    "numerics": ["CancellationFigure"],
    "reparameterization": ["WeightSpaceFigure"],
    "length_of_weights": ["WeightSpaceFigure"],
    "whitening": ["WhiteningFigure"],
    "whitening_gradient": ["WhiteningFigure"],
    "newton_schulz": ["WhiteningFigure"],
    "does_it_help": ["TrainingFigure"],
    "smoothness": ["BatchFigure"],
    "longer_steps": [],
    "depth": ["DepthFigure", "BatchFigure"],
    "samples_apart": ["DepthFigure"],
    "relatives": ["BatchFigure", "BatchFigure"],
    "standardized_weights": ["GraphFigure"],
    "without_it": ["BatchFigure", "BatchFigure"],
    "cut_on_purpose": ["GraphFigure"],
    "constants": ["DescentFigure"],
    "several_workers": ["GraphFigure"],
    "in_practice": ["RunningFigure"],
    "higher_derivatives": ["GraphFigure"],
    "workbench": ["GraphFigure", "BatchFigure"],
    "exercises": [],
    "questions": [],
    "corrections": [],
    "api": [],
    "notation": [],
    "references": [],
    "about": [],
    "contributing": [],
}

# The first chapter with each kind of figure
FIRST = {
    next(name for name, figures in FIGURES.items() if kind in figures)
    for figures in FIGURES.values()
    for kind in figures
}

# How many pixels high a page may be with its folds closed, on a screen of 1280 by 720. What is
# higher is so for its figures, mostly: they are not folded
TALLEST = 7000
TALLER = {
    "at_the_weights": 7200,
    "exercises": 11800,
    "higher_derivatives": 7100,
    "notation": 10800,
    "workbench": 7300,
}
