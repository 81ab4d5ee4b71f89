"""The normalization in a graph, if there is one, and its backward pass written out.

A layer that normalizes computes ``x_hat = centred / s`` somewhere, whatever its axes, its names and
the layout of its arrays. Where the graph has such a place, and its gradient there is the one that
the formulas below give, these formulas, traced, tell what a reader may have left out of theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..graph import OPS, trace
from ..graph.graph import Run
from .differences import close, fitted
from .slips import Slip
from .values import evaluate

LAYOUT = ("reshape", "transpose")  # operations that move entries and change none


def compact(dy, gamma, x_hat, s, axis):
    dx_hat = dy * gamma
    shared = np.mean(dx_hat, axis=axis, keepdims=True)
    tilt = np.mean(dx_hat * x_hat, axis=axis, keepdims=True)
    return (dx_hat - shared - x_hat * tilt) / s


def compact_outside(dy, gamma, x_hat, s, axis):
    shared = np.mean(dy, axis=axis, keepdims=True)
    tilt = np.mean(dy * x_hat, axis=axis, keepdims=True)
    return gamma / s * (dy - shared - x_hat * tilt)


def bare_means(dy, gamma, x_hat, s, axis):
    """What is wrong where only the direct path has its gamma."""
    shared = np.mean(dy, axis=axis, keepdims=True)
    tilt = np.mean(dy * x_hat, axis=axis, keepdims=True)
    return (dy * gamma - shared - x_hat * tilt) / s


def summed(dy, gamma, x_hat, s, m, axis):
    dx_hat = dy * gamma
    shared = np.sum(dx_hat, axis=axis, keepdims=True)
    tilt = np.sum(dx_hat * x_hat, axis=axis, keepdims=True)
    return 1 / m / s * (m * dx_hat - shared - x_hat * tilt)


def staged(dy, gamma, centred, s, m, axis):
    dx_hat = dy * gamma
    dvar = np.sum(dx_hat * centred, axis=axis, keepdims=True) * -0.5 * s**-3.0
    dmu = -np.sum(dx_hat / s, axis=axis, keepdims=True)
    dx = dx_hat / s + dvar * 2 * centred / m + dmu / m
    return dx


def root_mean_square(dy, gamma, x_hat, s, axis):
    dx_hat = dy * gamma
    return (dx_hat - x_hat * np.mean(dx_hat * x_hat, axis=axis, keepdims=True)) / s


def held(dy, gamma, s, axis):
    """What is wrong where mean and variance are taken for constants."""
    return dy * gamma / s


def scale(dy, x_hat, axis):
    return np.sum(dy * x_hat, axis=axis, keepdims=True)


def shift(dy, axis):
    return np.sum(dy, axis=axis, keepdims=True)


@dataclass(frozen=True)
class Solved:
    """A solution's graph on each batch, with what goes in and where its results are in it."""

    graphs: list
    inputs: list[dict]
    known: list[dict]  # further values by name, that may take the place of the graph's own
    at: dict[str, int]  # result -> node
    view: Callable = lambda k, got: got  # an answer, in the layout that the solution has
    extra: tuple[Slip, ...] = ()
    alone: bool = False  # whether the extra slips are all: a solution that is itself wrong

    @property
    def shapes(self):
        """The shapes of the values that have a reader's name."""
        return {name: np.shape(v) for name, v in self.known[0].items() if name.isidentifier()}

    def values(self, k, slip):
        """Every node's value with the slip, on batch k."""
        return evaluate(self.graphs[k], self.inputs[k], slip, self.known[k])


@dataclass(frozen=True)
class Normalization:
    """Where in a graph it is: ``x_hat = (u - mu) / s`` or ``(u - mu) * r``; node numbers."""

    x_hat: int
    u: int
    mu: int | None
    spread: int  # the node of s, or of r = 1 / s
    inverse: bool
    before: tuple[int, ...]  # layout operations from the input to u
    after: tuple[int, ...]  # those from x_hat to where gamma comes in
    scaled: int | None
    gamma: int | None
    stable: int | None  # the node of var + eps
    names: dict[str, str]  # what the reader calls x, gamma, beta

    def called(self, graph):
        """The nodes of the mean and of var + eps, and what a sentence calls them."""
        found = {self.mu: "mean", self.stable: "variance"}
        words = {}
        for i, word in found.items():
            if i is not None:
                name = graph.nodes[i].name or graph.nodes[graph.nodes[i].inputs[0]].name
                words[i] = f"the {word} ({name})" if name else f"the {word}"
        return words


def find(graph):
    """The first normalization in the graph, of whichever input, or None."""
    found = (_find(graph, start) for start in graph.inputs.values())
    return next((at for at in found if at), None)


def _find(graph, start):
    moving = _moving(graph, start)
    for i, node in enumerate(graph.nodes):
        if node.op not in ("divide", "multiply") or not all(moving[k] for k in node.inputs):
            continue
        sizes = [np.prod(graph.nodes[k].shape, dtype=int) for k in node.inputs]
        if (node.op == "divide" and sizes[0] <= sizes[1]) or sizes[0] == sizes[1]:
            continue
        large, small = node.inputs if sizes[0] > sizes[1] else node.inputs[::-1]
        centred, u, mu = graph.nodes[large], large, None
        if centred.op == "subtract" and all(moving[k] for k in centred.inputs):
            u, mu = centred.inputs
        before, x = _back(graph, u)
        if x is not None:
            after, scaled, gamma = _on(graph, i, moving)
            names = {"x": x}
            if scaled is not None:
                names["gamma"] = _back(graph, gamma)[1]
                beta = _other(graph, scaled, "add", moving)
                names["beta"] = beta and _back(graph, beta[1])[1]
            stable = _stable(graph, small)
            inverse = node.op == "multiply"
            return Normalization(
                i, u, mu, small, inverse, before, after, scaled, gamma, stable, names
            )
    return None


def _moving(graph, start):
    """For each node whether it depends on the input ``start``."""
    moving = []
    for i, node in enumerate(graph.nodes):
        moving.append(i == start or any(moving[k] for k in node.inputs))
    return moving


def _back(graph, i):
    """The layout operations from an input to node i, and the input's name; or None for it."""
    chain = []
    while graph.nodes[i].op in LAYOUT:
        chain.append(i)
        i = graph.nodes[i].inputs[0]
    return tuple(chain[::-1]), graph.nodes[i].name if graph.nodes[i].op == "input" else None


def _on(graph, i, moving):
    """The layout operations from node i on, and the product behind them with what stands still."""
    chain = []
    while True:
        if found := _other(graph, i, "multiply", moving):
            return tuple(chain), *found
        users = [t for t, node in enumerate(graph.nodes) if i in node.inputs]
        if len(users) != 1 or graph.nodes[users[0]].op not in LAYOUT:
            return (), None, None
        i = users[0]
        chain.append(i)


def _other(graph, i, op, moving):
    """The only user of node i, and its other operand, if it is of that kind and stands still."""
    users = [t for t, node in enumerate(graph.nodes) if i in node.inputs]
    if len(users) == 1 and graph.nodes[users[0]].op == op:
        others = [k for k in graph.nodes[users[0]].inputs if k != i]
        if others and not moving[others[0]]:
            return users[0], others[0]
    return None


def _stable(graph, i):
    """The node var + eps above the one of s or r."""
    while graph.nodes[i].op in ("sqrt", "divide", "power", "reciprocal", *LAYOUT):
        node = graph.nodes[i]
        i = node.inputs[1] if node.op == "divide" else node.inputs[0]
    node = graph.nodes[i]
    if node.op != "add" or graph.nodes[node.inputs[1]].shape != ():
        return None
    return i


def of_forward(at, trials):
    """The forward pass as a solution of its own: what can go wrong in computing its values."""
    graphs = [trial.run.graph for trial in trials]
    inputs = [{n: t.run.arrays[i] for n, i in t.run.graph.inputs.items()} for t in trials]
    names = {n.name: i for i, n in enumerate(graphs[0].nodes) if n.name and n.inputs}
    extra = ()
    if at and at.stable is not None:
        extra = tuple(
            Slip(text, nodes={at.stable: lambda var, eps, of=of: of(var, eps) ** 2})
            for text, of in OF_EPS
        )
    return Solved(graphs, inputs, [trial.known for trial in trials], names, extra=extra)


# --- On a batch ---------------------------------------------------------------------------------


def solutions(at, trials, upstream):
    """The backward passes of the normalization ``at`` in the trials' graph, written out and traced.

    None where the gradient is another one than they give, as for the unbiased variance.
    """
    parts = [_parts(at, trial) for trial in trials]
    if not all(map(_holds, parts)):
        return []
    named = _named(at, trials[0].run.graph, upstream)

    def view(k, got):
        return _moved(trials[k].run, at.before, got)

    functions = [compact, summed, staged] if at.mu is not None else [root_mean_square]
    if all(np.ptp(p["gamma"], axis=p["axis"]).max() < 1e-12 for p in parts):
        functions[:1] = [compact_outside, compact] if at.mu is not None else functions[:1]
    x = at.names["x"]
    found = [_solved(f, parts, named, x, view) for f in functions]
    if functions[0] is compact:  # gamma varies along the averaged axes
        text = f"{named['gamma']} is pulled out of the means, along which it varies"
        outside = _solved(compact_outside, parts, named, x, view)
        found.append(replace(outside, extra=(Slip(text),), alone=True))
    if at.mu is not None:
        bare = _solved(bare_means, parts, named, x, view)
        text = f"the factor {named['gamma']} is left out of every mean"
        found.append(replace(bare, extra=(Slip(text),), alone=True))
    cut = _solved(held, parts, named, x, view)
    text = "the paths through the mean and through the variance are cut"
    extra = tuple(replace(slip, text=f"{text}, and {slip.text}") for slip in cut.extra)
    found.append(replace(cut, extra=extra, alone=True))
    return found + _of_parameters(at, trials, parts, named)


def _parts(at, trial):
    """The values that the formulas speak of, in the layout in which the moments are taken."""
    run, found = trial.run, trial.found
    x_hat, u = run.arrays[at.x_hat], run.arrays[at.u]
    spread = np.asarray(run.arrays[at.spread])
    s = 1 / spread if at.inverse else spread
    s = s.reshape((1,) * (np.ndim(u) - np.ndim(s)) + np.shape(s))
    axis = tuple(k for k in range(np.ndim(u)) if s.shape[k] == 1)
    back = partial(_back_through, run, at.after)
    g = found.arrays[at.x_hat]
    parts = {"x_hat": x_hat, "s": s, "axis": axis, "g": g, "du": found.arrays[at.u]}
    parts["centred"] = x_hat * s
    parts["m"] = float(np.size(u) // np.size(s))
    parts["dy"], parts["gamma"] = g, np.ones_like(g)
    if at.scaled is not None:
        shape = np.shape(run.arrays[at.scaled])
        parts["dy"] = back(found.arrays[at.scaled])
        parts["gamma"] = back(np.broadcast_to(run.arrays[at.gamma], shape))
    known = {
        node.name: value
        for node, value in zip(run.graph.nodes, run.arrays, strict=True)
        if node.name and np.shape(value) == np.shape(u)
    }
    known[at.names["x"]] = u
    known |= {k: v for k, v in trial.known.items() if np.size(v) == np.size(s) and np.ndim(v)}
    if at.stable is not None:
        var, eps = (run.arrays[k] for k in run.graph.nodes[at.stable].inputs)
        known["(var)"], known["(eps)"] = fitted(np.asarray(var), s.shape), eps
        known["(centred)"] = parts["centred"]
        known["(x)"], known["(s)"] = u, s
    parts["known"] = known
    return parts


def _holds(p):
    with np.errstate(all="ignore"):
        dx_hat, x_hat, axis = p["g"], p["x_hat"], p["axis"]
        if not axis or np.shape(p["s"]) == np.shape(x_hat):
            return False
        without = root_mean_square(dx_hat, 1.0, x_hat, p["s"], axis)
        whole = compact(dx_hat, 1.0, x_hat, p["s"], axis)
        floor = 1e-6 * np.abs(dx_hat / p["s"]).max(initial=0)
        return close(whole, p["du"], floor) or close(without, p["du"], floor)


def _moved(run, chain, value):
    """A value in the layout that the operations of the chain lead to."""
    for i in chain:
        node = run.graph.nodes[i]
        others = [run.arrays[k] for k in node.inputs[1:]]
        value = OPS[node.op].forward(value, *others, **node.params)
    return value


def _back_through(run, chain, value):
    """A value in the layout that the operations of the chain started from."""
    for i in reversed(chain):
        node = run.graph.nodes[i]
        taken = [run.arrays[k] for k in node.inputs]
        value = OPS[node.op].rules[0](value, run.arrays[i], *taken, **node.params)
    return np.asarray(value)


def _named(at, graph, upstream):
    """What a sentence calls the values: by the reader's names, where they have some."""
    named = {"dy": upstream, "m": "m", "gamma": at.names.get("gamma") or "gamma"}
    named["x_hat"] = graph.nodes[at.x_hat].name or "x_hat"
    spread = graph.nodes[at.spread]
    root = graph.nodes[spread.inputs[-1]] if at.inverse and spread.inputs else spread
    named["s"] = root.name or "s"
    centred = graph.nodes[at.x_hat].inputs[0]
    named["centred"] = graph.nodes[centred].name or "x - mu"
    for key, name in named.items():  # the reader's dvar may be our s: then ours is kept apart
        if list(named.values()).count(name) > 1:
            named[key] = key
    return named


def _solved(function, parts, named, result, view=lambda k, got: got):
    """A formula, traced on each batch, its inputs named as the reader names them."""
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
    graphs, inputs = [], []
    for p in parts:
        given = {name: p[name] for name in wanted if name != "axis"}
        graph = trace(partial(function, axis=p["axis"]), **given)
        nodes = [
            replace(node, name=named.get(node.name, node.name)) if node.op == "input" else node
            for node in graph.nodes
        ]
        nodes = [_unnamed(node, function) for node in nodes]
        graphs.append(replace(graph, nodes=tuple(nodes)))
        inputs.append({named[name]: value for name, value in given.items()})
    known = [p["known"] for p in parts]
    extra = tuple(_of_spread(named, wanted, known[0])) + tuple(_of_sizes(parts[0], named, wanted))
    return Solved(graphs, inputs, known, {result: graphs[0].outputs[0]}, view, extra)


def _unnamed(node, function):
    """Without a name, unless it is an input, or one of the staged formulas' gradients."""
    return (
        node
        if node.op == "input" or node.name == "dx_hat" or function is staged
        else replace(node, name="")
    )


def _of_parameters(at, trials, parts, named):
    """The sums that are gamma's and beta's gradients."""
    if at.scaled is None:
        return []
    found = []
    shape = np.shape(trials[0].run.arrays[at.scaled])
    for name, function in (("gamma", scale), ("beta", shift)):
        key = at.names.get(name)
        if not key:
            continue
        own = np.shape(trials[0].run.arrays[at.gamma if name == "gamma" else _beta(at, trials[0])])
        own = (1,) * (len(shape) - len(own)) + own
        axis = tuple(k for k, n in enumerate(own) if n == 1 and shape[k] != 1)
        if not axis:
            continue
        there = []
        for p, trial in zip(parts, trials, strict=True):
            moved = partial(_moved, trial.run, at.after)
            known = {
                k: moved(v) for k, v in p["known"].items() if np.size(v) == np.size(p["x_hat"])
            }
            rest = {k: v for k, v in p["known"].items() if k not in known}
            there.append(
                {
                    **{"dy": moved(p["dy"]), "x_hat": moved(p["x_hat"]), "axis": axis},
                    **{"s": p["s"], "known": {**rest, **known}, "m": p["m"]},
                }
            )
        found.append(_solved(function, there, named, key))
    return found


def _beta(at, trial):
    users = [t for t, node in enumerate(trial.run.graph.nodes) if at.scaled in node.inputs]
    return next(k for k in trial.run.graph.nodes[users[0]].inputs if k != at.scaled)


# --- Slips of what is divided by ----------------------------------------------------------------

OF_EPS = (
    ("eps is outside the root", lambda var, eps: np.sqrt(var) + eps),
    ("eps is left out", lambda var, eps: np.sqrt(var)),
    ("eps is counted twice", lambda var, eps: np.sqrt(var + 2 * eps)),
    ("eps is counted twice", lambda var, eps: np.sqrt(var + eps) + eps),
    ("eps has the wrong sign", lambda var, eps: np.sqrt(var - eps)),
)


@dataclass(frozen=True)
class Altered:
    """A slip of eps, and the gradients that it leads to on a batch."""

    text: str
    gradients: Callable


def of_eps(at, graph):
    """Slips of eps: in the layer that a backward pass was derived from, or in one factor 1/s."""
    for text, of in OF_EPS:
        for derived in (True, False):
            yield Altered(text, partial(_with_other_s, at, of, derived))
    near = [e for e in graph.edges if at.stable < e.target <= at.x_hat]
    for text, of in OF_EPS:
        for edge in near:
            for power in (1, 2, 3):
                yield Altered(text, partial(_with_other_factor, at, of, edge, power))


def _with_other_s(at, of, derived, trial):
    """The gradients of the layer that has another s; unless they are ``derived``, that of the root
    is taken as if eps still stood inside it.
    """
    graph, run = trial.run.graph, trial.run
    slip = Slip("", nodes={at.stable: lambda var, eps: of(var, eps) ** 2})
    inputs = {name: run.arrays[i] for name, i in graph.inputs.items()}
    values = evaluate(graph, inputs, slip, {})
    var, eps = (run.arrays[k] for k in graph.nodes[at.stable].inputs)
    outside = np.ndim(eps) == 0 and np.allclose(of(var, eps), np.sqrt(var) + eps, 1e-13, 0)

    def carried(edge, d, arrived, taken):
        outer = edge.target == at.stable and edge.slot == 0 and outside
        return d * of(var, eps) / np.sqrt(var) if outer else d

    return Run(graph, values).backward(trial.dy, carried=carried if derived else None)


def _with_other_factor(at, of, edge, power, trial):
    """The gradients where an edge has another s in its factor."""
    run = trial.run
    var, eps = (run.arrays[k] for k in run.graph.nodes[at.stable].inputs)

    def carried(e, d, arrived, taken):
        return d * (np.sqrt(var + eps) / of(var, eps)) ** power if e == edge else d

    return run.backward(trial.dy, carried=carried)


def _of_spread(named, wanted, known):
    """Another s in place of the right one: everywhere, or in x_hat as well."""
    s, x_hat = named["s"], named["x_hat"]
    spreads = []
    if "(var)" in known:
        for text, of in OF_EPS:
            spreads.append((text, lambda names, of=of: of(names["(var)"], names["(eps)"]), None))
        text = f"the variance is used where {s}, its root, belongs"
        spreads.append((text, lambda names: names["(var)"], None))

        def unbiased(names):
            m = np.size(names["(x)"]) // np.size(names["(var)"])
            return np.sqrt(names["(var)"] * m / max(m - 1, 1) + names["(eps)"])

        spreads.append(("the variance divides by m - 1 instead of m", unbiased, None))
    running = [name for name in known if "run" in name.lower() or "moving" in name.lower()]
    for var in (name for name in running if "var" in name.lower()):
        mean = var.lower().replace("variance", "mean").replace("var", "mean")
        mean = next((name for name in running if name.lower() == mean), None)
        text = "the running statistics are used where those of the batch belong"
        of = partial(_of_running, var)
        spreads.append((text, of, mean))
    for text, spread, mean in spreads:

        def of_s(v, names, spread=spread):
            return np.reshape(spread(names), v.shape) if np.size(v) > 1 else spread(names)

        def of_x_hat(v, names, spread=spread, mean=mean):
            s = fitted(np.asarray(spread(names)), np.shape(names["(s)"]))
            if mean is None:
                return names["(centred)"] / s
            return (names["(x)"] - fitted(names[mean], s.shape)) / s

        changes = {}
        if "s" in wanted:
            changes[s] = of_s
            yield Slip(text, inputs=dict(changes))
        if "x_hat" in wanted:
            changes[x_hat] = of_x_hat
            yield Slip(text, inputs=dict(changes), rough=True)


def _of_running(var, names):
    return np.sqrt(names[var] + names.get("(eps)", 0))


def _of_sizes(parts, named, wanted):
    """Another count in place of m."""
    if "m" not in wanted:
        return
    shape = np.shape(parts["x_hat"])
    sizes = {*shape, int(np.prod(shape)), int(parts["m"]) - 1} - {int(parts["m"]), 0, 1}
    for size in sorted(sizes):
        text = "the size of the wrong axis is used where m belongs"
        if size == parts["m"] - 1:
            text = "m - 1 is used where m belongs"
        yield Slip(text, inputs={"m": lambda v, names, size=size: float(size)}, rough=True)
