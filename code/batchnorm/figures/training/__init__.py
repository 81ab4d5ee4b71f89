"""Train small nets live: several descents from one seed over one data set, side by side."""

import numpy as np
import traitlets

from ...graph import trace
from ...training import Descent, Net
from ..kit import Figure

LARGEST = np.finfo("<f4").max
LAST = 20  # batches whose mean loss is reported
PLOTS = ("loss", "boundary", "drift", "length", "angle")
MOST = 100_000  # steps
HOW = ("seed", "rate", "batch_size", "momentum", "weight_decay", "eps", "noise", "running")
MODES = ("cut_mean", "cut_variance", "cut")


class TrainingFigure(Figure):
    """Descents of several nets on one data set, from one seed, trained where the figure is shown.

    In the browser they are trained step by step, as fast as the page stays smooth; a change of any
    setting starts again from the same seed and goes as far as before. In Python they take `steps`
    steps at once.

    Parameters
    ----------
    variants : {name: `Net`, or (net, settings)}; the settings of one variant alone: ``cut_mean`` or
        ``cut_variance`` (True cuts the gradient's paths through the moments), ``cut`` (edges, as in
        `Graph.cut`), and any of rate, momentum, weight_decay, eps, noise. A subclass of `Net` may
        override `loss` and `logits`: what it says is traced.
    data : `batchnorm.training.Data`
    steps : to how many steps all of them are brought, as soon as the figure is in sight (at once,
        where less motion is asked for or the page is printed); "Run" brings them to ``most``
    plots : of "loss", "boundary" (of each variant, for data of two features), "drift" (of the
        hidden layers' biases from where they began), "length" (of all weights) and "angle" (between
        the cut gradient and the whole one); None for all that say something
    chosen : the index of the variant that stands out
    rate, batch_size, momentum, weight_decay, eps, noise, running, seed : as in `Descent`

    Hands back ``taken``, the steps taken; ``losses``, {name: the loss of each batch}; ``diverged``,
    {name: the step at which a value was no longer finite, or None}; and ``now``, {name: {loss,
    the mean of the last 20 batches; accuracy on the test part with running statistics; drift;
    length; angle}}.

    Raises ValueError for no variants, and for what `Net`, `Descent` or `Graph.cut` refuse.
    """

    inputs = (*HOW, "steps", "chosen", "most", "plots", "problem", "samples")
    outputs = ("taken", "diverged", "now", "_losses")

    seed = traitlets.Int(0).tag(sync=True, link=("int", 0, 2**32 - 1))
    rate = traitlets.CFloat(0.1).tag(sync=True, link=("real", 0))
    batch_size = traitlets.Int(64).tag(sync=True)
    momentum = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0))
    weight_decay = traitlets.CFloat(0.0).tag(sync=True, link=("real", 0))
    eps = traitlets.CFloat(1e-5).tag(sync=True, link=("real", 0))
    noise = traitlets.CFloat(0.5).tag(sync=True, link=("real", 0))
    running = traitlets.CFloat(0.1).tag(sync=True, link=("real", 0))
    steps = traitlets.Int(0).tag(sync=True, link=("int", 0, MOST))
    most = traitlets.Int(1000).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    plots = traitlets.List(traitlets.Unicode()).tag(sync=True)
    problem = traitlets.Dict().tag(sync=True)
    samples = traitlets.Bytes().tag(sync=True)  # float64: all x, then all of the test part
    taken = traitlets.Int(0).tag(sync=True)
    diverged = traitlets.Dict().tag(sync=True)
    now = traitlets.Dict().tag(sync=True)
    # float32: those of each variant in turn; a kernel gets them as a memoryview
    _losses = traitlets.Bytes().tag(sync=True, from_json=lambda value, widget: bytes(value))

    _min_height = traitlets.Int(520).tag(sync=True)

    def __init__(self, variants, data, *, plots=None, **settings):
        if not variants:
            raise ValueError("variants: got none, want at least one")
        self._variants = {
            name: (given, {}) if isinstance(given, Net) else (given[0], dict(given[1]))
            for name, given in variants.items()
        }
        self._data, self._trained = data, ([], {})
        problem = self._problem(settings)
        can = {
            "boundary": data.x.shape[1] == 2,
            "angle": any(variant["cut"] for variant in problem["variants"]),
        }
        plots = [name for name in PLOTS if can.get(name, True)] if plots is None else [*plots]
        for name in plots:
            if name not in PLOTS or not can.get(name, True):
                wanted = ", ".join(name for name in PLOTS if can.get(name, True))
                raise ValueError(f"plots: got {name!r}, want some of {wanted}")
        samples = np.concatenate([data.x, data.test_x]).astype("<f8").tobytes()
        super().__init__(problem=problem, samples=samples, plots=plots, **settings)

    def _kinds(self):
        most = {"batch_size": [1, len(self._data.x)], "chosen": [0, len(self._variants) - 1]}
        return super()._kinds() | {name: ["int", *ends] for name, ends in most.items()}

    def _descent(self, name, how):
        net, own = self._variants[name]
        options = how | {key: value for key, value in own.items() if key != "cut"}
        made = Descent(net, self._data, **options)
        made.cut = [*made.cut, *made.graph.cut(own.get("cut", ()))]
        return made

    def _problem(self, settings):
        """What the page gets: nets and their graphs, each once, and which edges are cut."""
        how = {name: settings.get(name, self.trait_defaults(name)) for name in HOW}
        nets, variants = {}, []
        for name, (net, own) in self._variants.items():
            unknown = own.keys() - {*HOW, *MODES} | own.keys() & {"seed", "batch_size", "running"}
            if unknown:
                raise ValueError(f"{name}: a variant takes no {', '.join(sorted(unknown))}")
            made = self._descent(name, how)
            if net not in nets:
                nets[net] = (
                    len(nets),
                    {
                        "loss": made.graph.to_json(),
                        "evaluation": self._evaluation(made).to_json(),
                        "normalization": [*net.normalization],
                        "sizes": [*net.sizes],
                        "starts": [[key, *start] for key, start in net.starts().items()],
                    },
                )
            variants.append(
                {
                    "name": name,
                    "net": nets[net][0],
                    "cut": [f"{target}:{slot}" for target, slot in made.cut],
                    "look": _look(net, own),
                    "own": {key: value for key, value in own.items() if key not in MODES},
                }
            )
        x, labels, test_x, test_labels = self._data
        return {
            "nets": [written for _, written in nets.values()],
            "variants": variants,
            "shapes": [[*x.shape], [*test_x.shape]],
            "classes": self._data.classes,
            "labels": [*labels.tolist(), *test_labels.tolist()],
        }

    @staticmethod
    def _evaluation(made):
        """The graph of a net in evaluation mode."""
        net, given = made.net, {"x": made.x[:2], "eps": made.eps, **made.parameters}
        for k, kind in enumerate(net.normalization, start=1):
            if kind in ("batch", "noisy"):
                held = np.zeros((1, net.sizes[k])), np.ones((1, net.sizes[k]))
                given |= dict(zip((f"mean{k}", f"var{k}"), held, strict=True))
        return trace(net.evaluation, **given)

    @traitlets.validate("steps", "most", "batch_size", "chosen", "seed")
    def _check_count(self, proposal):
        name, value = proposal.trait.name, proposal.value
        least = 1 if name in ("most", "batch_size") else 0
        ends = {"batch_size": len(self._data.x), "chosen": len(self._variants) - 1}
        most = ends.get(name, 2**32 - 1 if name == "seed" else MOST)
        if not least <= value <= most:
            raise ValueError(f"{name}: got {value}, want {least} to {most}")
        return value

    @traitlets.validate("rate", "momentum", "weight_decay", "eps", "noise", "running")
    def _check_number(self, proposal):
        if not 0 <= proposal.value < np.inf:
            raise ValueError(f"{proposal.trait.name}: got {proposal.value}, want a number >= 0")
        return proposal.value

    @property
    def losses(self):
        """The loss of each batch so far, to float32 and at most 3.4e38: {name: array}."""
        every, found, start = np.frombuffer(self._losses, "<f4"), {}, 0
        for name in self._variants:
            end = start + (self.taken if self.diverged.get(name) is None else self.diverged[name])
            found[name], start = every[start:end], end
        return found

    def compute(self):
        how = {name: getattr(self, name) for name in HOW}
        key, made = self._trained
        if key != how or any(d.steps > self.steps for d in made.values()):
            made = {name: self._descent(name, how) for name in self._variants}
            self._trained = how, made
        for descent in made.values():
            descent.train(self.steps - descent.steps)
        ended = all(descent.diverged is not None for descent in made.values())
        last = max(descent.steps for descent in made.values())
        losses = np.concatenate([descent.losses for descent in made.values()])
        return {
            "taken": last if ended else self.steps,
            "diverged": {name: descent.diverged for name, descent in made.items()},
            "now": {name: _now(descent) for name, descent in made.items()},
            "_losses": np.minimum(losses, LARGEST).astype("<f4").tobytes(),
        }


def _look(net, own):
    """The classes that colour a variant's curve: what is cut says most."""
    cut = own.get("cut_mean", False), own.get("cut_variance", False)
    looks = {(True, False): "mean dashed", (False, True): "variance dashed", (True, True): "cut"}
    if cut in looks or own.get("cut"):
        return looks.get(cut, "cut")
    # Blue is a class of the samples
    looks = {"noisy": "gradient dotted", "batch": "gradient", "layer": "direct"}
    for kind, look in looks.items():
        if kind in net.normalization:
            return look
    return "ink"


def _norm(arrays):
    every = np.concatenate([a.ravel() for a in arrays])
    most = np.abs(every).max(initial=0)  # its square may be beyond all numbers
    return float(most * np.sqrt(((every / most) ** 2).sum())) if most else 0.0


def _now(descent):
    """What is shown of a descent where it is."""
    hidden = range(1, len(descent.net.sizes) - 1)
    first = descent.net.initial(descent.seed)
    angle = None
    if descent.cut and descent.diverged is None:
        whole, part = (
            np.concatenate([d.ravel() for d in descent.gradients(cut)[1].values()])
            for cut in ((), None)
        )
        with np.errstate(all="ignore"):
            cosine = whole @ part / np.sqrt((whole @ whole) * (part @ part))
        if np.isfinite(cosine):
            angle = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return {
        "loss": float(np.mean(descent.losses[-LAST:])) if descent.losses else None,
        "accuracy": descent.score()[1] if descent.steps else None,
        "drift": _norm(descent.parameters[f"b{k}"] - first[f"b{k}"] for k in hidden),
        "length": _norm(descent.parameters[f"w{k}"] for k in range(1, len(descent.net.sizes))),
        "angle": angle,
    }
