"""Functions in other people's styles are traced, and have the right gradients."""

import copy

import numpy as np
import pytest
from programs import assert_same
from styles import images, layers

import batchnorm as bn

RNG = np.random.default_rng(11)
X, GAMMA, BETA = RNG.normal(1, 2, (6, 3)), RNG.normal(1, 0.4, 3), RNG.normal(size=3)
IMAGE, C4 = RNG.normal(1, 2, (2, 4, 2, 4)), RNG.normal(1, 0.4, 4)
LABELS = np.array([0, 2, 1, 1, 0, 2])
PLAIN = {"x": X, "gamma": GAMMA, "beta": BETA}
TRAIN = {"mode": "train", "momentum": 0.8}
ONE = {"x": IMAGE, "gamma": C4, "beta": C4 - 1}
STYLES = [
    (layers.course, {**PLAIN, "bn_param": TRAIN}),
    (layers.course, {**PLAIN, "bn_param": {**TRAIN, "running_mean": np.ones(3)}}),
    (
        layers.course,
        {**PLAIN, "bn_param": {"mode": "test", "running_mean": BETA, "running_var": GAMMA**2}},
    ),
    (layers.course, PLAIN),
    (layers.twelve_lines, PLAIN),
    (layers.twelve_lines, {**PLAIN, "eps": 0.3}),
    (layers.dict_cache, {"X": X, "gamma": GAMMA, "beta": BETA}),
    (layers.list_result, PLAIN),
    (layers.nested_result, {"x": X, "gamma": GAMMA}),
    (layers.unbiased, PLAIN),
    (layers.columns, {"X": X.T, "gamma": GAMMA[:, None], "beta": BETA[:, None]}),
    (layers.in_place, PLAIN),
    (layers.copies, PLAIN),
    (layers.loop_over_features, PLAIN),
    (layers.loop_into_zeros, PLAIN),
    (layers.loop_over_samples, {"x": X}),
    (layers.expanded, PLAIN),
    (layers.layer_norm_transposed, {**PLAIN, "ln_param": {}}),
    (layers.rms, {"x": X, "g": GAMMA}),
    (layers.rms_by_norm, {"x": X, "g": GAMMA}),
    (layers.unit_length, {"w": X}),
    (layers.weight_norm, {"x": X, "v": X[:3] - 1, "g": GAMMA}),
    (layers.weight_standardization, {"x": X, "W": X[:3] - 1}),
    (
        layers.renormalization,
        {**PLAIN, "running_mean": BETA, "running_std": np.array([0.5, 2.0, 9.0])},
    ),
    (layers.dynamic_tanh, {**PLAIN, "alpha": 0.7}),
    (layers.weighted, {"x": X, "w": np.arange(1.0, 7)}),
    (layers.einsum, {"x": X, "gamma": GAMMA}),
    (layers.from_imports, PLAIN),
    (layers.keyword_only, {"x": X, "gamma": GAMMA, "axis": 1}),
    (layers.keyword_only, {"x": X, "gamma": GAMMA, "affine": False, "axis": (0,)}),
    (layers.positional_only, {"x": X, "gamma": GAMMA}),
    (layers.asarray, {"x": X, "gamma": GAMMA}),
    (layers.printed, {"x": X}),
    (layers.min_max, {"x": X}),
    (layers.mean_absolute, {"x": X, "gamma": GAMMA}),
    (layers.no_broadcast, {"x": X, "gamma": GAMMA}),
    (layers.ghost, PLAIN),
    (layers.two_halves, {"x": X}),
    (layers.rows_of_a_list, {"x": X}),
    (layers.decorrelated, {"x": X}),
    (layers.own_scale, {"x": X, "gamma": GAMMA}),
    (layers.Layer(3), {"x": X}),
    (layers.Layer(3).forward, {"x": X}),
    (layers.Layer(3), {"x": X, "train_flg": False}),
    (layers.Called(3), {"x": X}),
    (layers.Params(), {"x": X}),
    (images.spatial, {**ONE, "bn_param": {}}),
    (images.axes, ONE),
    (images.channels_last, ONE),
    (images.rolled, ONE),
    (images.group, {"x": IMAGE, "gamma": C4[:, None, None], "beta": C4[:, None, None] * 2}),
    (images.group, {"x": IMAGE, "gamma": C4[:, None, None], "beta": 1.0, "G": 4}),
    (images.group_slices, {"x": IMAGE, "groups": 2}),
    (images.instance, ONE),
    (images.layer_norm_flat, {"x": IMAGE}),
    (images.response, {"x": IMAGE}),
    (images.pooled, {"x": IMAGE}),
    (images.squeeze_excite, {"x": IMAGE, "w": RNG.normal(size=(4, 4))}),
    (images.global_norm, {"x": IMAGE}),
    (
        images.two_layers,
        {
            **{"x": X, "W1": X[:3] / 2, "b1": BETA, "gamma": GAMMA, "beta": BETA},
            **{"W2": X[3:] / 2, "b2": GAMMA},
        },
    ),
    (images.softmax_loss, {"x": X, "y": LABELS}),
    (images.one_hot_loss, {"x": X / 2, "y": LABELS}),
    (images.hinge, {"x": X, "y": LABELS}),
    (images.leaky, {"x": X}),
    (images.relu_mask, {"x": X}),
    (images.elu, {"x": X}),
    (images.softplus, {"x": X}),
    (images.gelu, {"x": X}),
    (images.swish, {"x": X, "beta": 1.3}),
    (images.dropout, {"x": X, "mask": X > 0.5}),
    (images.attention, {"q": IMAGE[0], "k": IMAGE[1], "v": IMAGE[1] * 2}),
    (images.encoded, {"x": X, "freq": GAMMA}),
    (images.cosine, {"a": GAMMA, "b": BETA}),
    (images.traced_exponent, {"x": X, "p": 3.0}),
    (images.log_sum_exp, {"x": X}),
]


def first(result):
    """The first array of what a function returns."""
    if isinstance(result, dict):
        result = list(result.values())
    return first(result[0]) if isinstance(result, tuple | list) else result


def called(function, state, inputs):
    """What a fresh copy of the function (or object) gives, its arrays replaced by ``state``."""
    target = copy.deepcopy(getattr(function, "__self__", function))
    inputs = copy.deepcopy(inputs)
    if "bn_param" not in inputs and function is layers.course:
        inputs["bn_param"] = {"mode": "train"}
    for name, value in state.items():
        for held in (getattr(target, "__dict__", {}), *inputs.values(), *vars_of(target)):
            if isinstance(held, dict) and name in held:
                held[name] = value
    if target is not function and hasattr(target, "forward"):
        return first(target.forward(**inputs))
    run = target if callable(target) else target.forward
    if function is layers.positional_only:
        return run(inputs["x"], inputs["gamma"])
    return first(run(**inputs))


def vars_of(target):
    return [v for v in getattr(target, "__dict__", {}).values() if isinstance(v, dict)]


def differences(f, value, dy, step=1e-6):
    value, grads = np.asarray(value, float), []
    for k in range(value.size):
        change = np.zeros(value.size)
        change[k] = step
        change = change.reshape(value.shape)
        grads.append(np.sum(dy * (f(value + change) - f(value - change))) / (2 * step))
    return np.reshape(grads, value.shape)


NAMES = [f"{getattr(f, '__name__', type(f).__name__)}-{k}" for k, (f, _) in enumerate(STYLES)]


@pytest.mark.parametrize(("function", "inputs"), STYLES, ids=NAMES)
def test_the_gradient_of_each_style(function, inputs):
    before = copy.deepcopy((inputs, getattr(function, "__dict__", {})))
    graph = bn.trace(function, **inputs)
    run = graph.forward(**{k: v for k, v in inputs.items() if k in graph.inputs})
    output = called(function, {}, inputs)
    several = len(graph.outputs) > 1
    got = run.output[0] if several else run.output
    np.testing.assert_allclose(got, output, rtol=1e-12)
    dy = RNG.normal(size=np.shape(output))
    grads = run.backward([dy] + [None] * (len(graph.outputs) - 1) if several else dy)
    assert "x" in graph.inputs or len(graph.inputs) > 0
    for name in graph.inputs:
        if name == "y":  # labels
            np.testing.assert_array_equal(grads[name], 0)
            continue
        start = graph.state.get(name, inputs.get(name))

        def of(value, name=name):
            if name in graph.state:
                return called(function, {name: value}, inputs)
            return called(function, {}, {**inputs, name: value})

        assert_same(name, grads[name], differences(of, start, dy), scale=1e7)
    after = (inputs, getattr(function, "__dict__", {}))
    for old, new in zip(before, after, strict=True):
        np.testing.assert_equal(new, old)
    assert bn.Graph.from_json(graph.to_json()).to_json() == graph.to_json()


def test_there_are_many_styles():
    assert len(STYLES) >= 60


def test_parameters_on_objects_are_inputs_and_may_be_cut():
    graph = bn.trace(layers.Layer(3), x=X)
    assert set(graph.inputs) == {"x", "gamma", "beta"}
    assert {"mu", "var", "std", "xn", "out"} <= {node.name for node in graph.nodes}
    assert set(bn.trace(layers.Params(), x=X).inputs) == {"x", "W", "b"}
    other = graph.forward(x=X, gamma=np.zeros(3)).output
    np.testing.assert_allclose(other, np.broadcast_to(layers.Layer(3).beta, (6, 3)))


def test_which_array_was_taken():
    assert bn.trace(layers.course, **PLAIN).taken == "result[0]"
    assert bn.trace(layers.dict_cache, X=X, gamma=GAMMA, beta=BETA).taken == "result['out']"
    assert bn.trace(layers.nested_result, x=X, gamma=GAMMA).taken == "result[0][0]"
    graph = bn.trace(layers.course, **PLAIN)
    other = graph.with_outputs("sample_mean")
    np.testing.assert_allclose(other.forward(**PLAIN).output, X.mean(axis=0))
    with pytest.raises(KeyError, match="no node 'nobody'"):
        graph.with_outputs("nobody")


def test_what_the_function_took_for_a_constant_is_one():
    inputs = {"x": IMAGE, "groups": 2}
    graph = bn.trace(images.group_slices, **inputs)
    assert list(graph.inputs) == ["x"]
    assert graph.fixed == {"groups": 2}
    np.testing.assert_array_equal(graph.forward(**inputs).output, graph.forward(x=IMAGE).output)
    with pytest.raises(ValueError, match="groups is 2 throughout this graph"):
        graph.forward(x=IMAGE, groups=4)


def test_the_mean_inside_a_variance_can_be_cut():
    graph = bn.trace(lambda x: np.var(x, axis=1), x=X)
    assert [node.name for node in graph.nodes if node.name] == ["x", "mu", "var"]
    centred = X - X.mean(axis=1, keepdims=True)
    grads = graph.forward(x=X).backward(np.ones(6), cut="mu")
    np.testing.assert_allclose(grads["x"], 2 * centred / 3)
    shared = bn.trace(layers.course, **PLAIN)
    assert sum(node.op == "mean" for node in shared.nodes) == 2  # of x, and of its squares


def test_a_figure_of_an_object_moves_its_parameters():
    figure = bn.GraphFigure(layers.Layer(3), dy=np.ones((6, 3)), x=X, train_flg=True)
    assert set(figure.inputs) >= {"x", "gamma", "beta"}
    assert "train_flg" not in figure.inputs
    np.testing.assert_allclose(figure.dbeta, [6.0] * 3)
    figure.gamma = [0.0, 0.0, 0.0]
    np.testing.assert_allclose(figure.dx, np.zeros((6, 3)))
    grouped = bn.GraphFigure(images.group_slices, dy=np.ones(IMAGE.shape), x=IMAGE, groups=2)
    assert not grouped.has_trait("groups")
