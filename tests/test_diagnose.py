"""The judge on other people's backward passes: right ones have no ✗, wrong ones are named."""

import doctest
import sys

import numpy as np
import pytest
from backwards import FORWARD, RIGHT, WRONG, inputs, written

import batchnorm as bn


def diagnose(name, parameters, body, **changed):
    return bn.diagnose(FORWARD[name], written(parameters, body), **{**inputs(name), **changed})


def test_doctests():
    results = doctest.testmod(sys.modules["batchnorm.judge.diagnose"])
    assert results.failed == 0
    assert results.attempted > 2


def test_there_are_enough():
    assert len(RIGHT) + len(WRONG) >= 60
    assert {name for name, *_ in RIGHT} == set(FORWARD)


@pytest.mark.parametrize(("name", "parameters", "body"), RIGHT)
def test_a_right_backward_pass_has_no_cross(name, parameters, body):
    verdict = diagnose(name, parameters, body)
    assert verdict, verdict
    assert {line.verdict for line in verdict.lines} <= {"right"}
    assert "✗" not in repr(verdict)


@pytest.mark.parametrize(("name", "parameters", "body", "words"), WRONG)
def test_a_slip_is_named(name, parameters, body, words):
    verdict = diagnose(name, parameters, body)
    assert not verdict
    assert words in verdict.message
    assert verdict.message.count("Not yet") <= 1  # told once
    assert "In the formula" not in verdict.message


def test_the_line_is_blamed_not_the_return():
    name, parameters, body, _ = next(w for w in WRONG if "dx = dx1\n" in w[2])
    verdict = diagnose(name, parameters, body)
    (wrong,) = [line for line in verdict.lines if line.verdict == "wrong"]
    assert wrong.text == "dx = dx1"
    assert f"line {wrong.number}:" in verdict.message


def test_a_stage_is_blamed_only_if_its_right_value_mends_the_result():
    body = """
        N = len(x)
        mu = x.mean(0)
        var = ((x - mu) ** 2).mean(0) + eps  # another thing than the graph's var
        s = 1 / np.sqrt(var)
        x_hat = (x - mu) * s
        dx_hat = dout * gamma
        dvar = (dx_hat * (x - mu)).sum(0) * -0.5 * s**3
        dmu = (dx_hat * s).sum(0)
        dx = dx_hat * s + dvar * 2 * (x - mu) / N - dmu
        return dx
        """
    verdict = diagnose("batch_norm", "dout, x, gamma, eps", body)
    wrong = [line.name for line in verdict.lines if line.verdict == "wrong"]
    assert wrong == ["dx"]  # not var, s or dmu, which mean something else
    assert "1/m" in verdict.message


def test_what_special_inputs_hide_is_found():
    """gamma = 1, beta = 0, as layers start: leaving gamma out would show nothing."""
    ones = {"gamma": np.ones(4), "beta": np.zeros(4)}
    body = "return (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) / s"
    verdict = diagnose("batch_norm", "dy, x_hat, gamma, s", body, **ones)
    assert not verdict
    assert "the factor gamma is left out" in verdict.message


def test_a_backward_pass_that_holds_its_arrays_is_judged_on_these():
    given = inputs("batch_norm")
    mu, var = given["x"].mean(0), given["x"].var(0)
    s = np.sqrt(var + 1e-5)
    x_hat = (given["x"] - mu) / s

    def right(dy):
        return given["gamma"] / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))

    assert bn.diagnose(bn.batch_norm, right, **given)
    assert not bn.diagnose(bn.batch_norm, lambda dy: 2 * right(dy), **given)


def test_arguments_in_float32_are_no_fault():
    small = {name: value.astype(np.float32) for name, value in inputs("kept").items()}
    _, parameters, body = next(r for r in RIGHT if r[0] == "kept")
    assert bn.diagnose(FORWARD["kept"], written(parameters, body), **small)


class Layer:
    """A layer as an object: it keeps what it needs, and its parameters' gradients."""

    def __init__(self, d):
        self.gamma, self.beta, self.eps = np.ones(d), np.zeros(d), 1e-5
        self.running_mean, self.running_var = np.zeros(d), np.ones(d)
        self.grads = {}

    def forward(self, x, train=True):
        mu, var = x.mean(axis=0), x.var(axis=0)
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mu) / self.std
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        m, dxhat = len(dout), dout * self.gamma
        self.dgamma = (dout * self.xhat).sum(0)
        self.grads["beta"] = dout.sum(0)
        tilt = (dxhat * self.xhat).sum(0)
        dx = (m * dxhat - dxhat.sum(0) - self.xhat * tilt) / (m * self.std)
        return dx

    def averaged(self, dout):
        dx = self.backward(dout)
        self.dgamma = self.dgamma / len(dout)
        return dx

    def without_gamma(self, dout):
        m = len(dout)
        tilt = (dout * self.xhat).sum(0)
        dx = (m * dout - dout.sum(0) - self.xhat * tilt) / (m * self.std)
        return dx


def test_methods_of_an_object_are_judged_with_what_they_leave_on_it():
    x, layer = inputs("kept")["x"], Layer(4)
    verdict = bn.diagnose(layer.forward, layer.backward, x=x)
    assert verdict
    assert "dx, dgamma, grads.beta agree" in verdict.message
    verdict = bn.diagnose(layer.forward, layer.averaged, x=x)
    assert "dgamma is 1/m of what it should be" in verdict.message
    verdict = bn.diagnose(layer.forward, layer.without_gamma, x=x)  # though gamma is 1 here
    assert "the factor gamma is left out" in verdict.message
    assert not hasattr(layer, "xhat")  # the object itself was left alone


class Foreign:
    """An array of another library: it has a graph of its own, and NumPy can read it if detached."""

    def __init__(self, array, detached=False):
        self.array, self.detached = array, detached

    def detach(self):
        return Foreign(self.array, True)

    def __array__(self, dtype=None, copy=None):
        assert self.detached
        return np.asarray(self.array, dtype)


def test_arrays_of_another_library_are_read():
    def backward(dy, x_hat, gamma, s):
        return Foreign(gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)))

    assert bn.diagnose(bn.batch_norm, backward, **inputs("batch_norm"))


def test_a_function_of_pytorch_is_judged():
    torch = pytest.importorskip("torch")

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, dy):
            x, w = ctx.saved_tensors
            return dy * w, (dy * x).mean(dim=0)

    def scale(x, w):
        y = x * w
        return y

    x, w = np.random.default_rng(0).normal(size=(2, 4, 3))
    verdict = bn.diagnose(scale, Scale, x=x, w=w[0])
    assert "dw is 1/m of what it should be" in verdict.message


def test_assert_gradient_raises_with_the_same_sentence():
    name, parameters, body, words = WRONG[0]
    backward, given = written(parameters, body), inputs(name)
    with pytest.raises(AssertionError) as error:
        bn.assert_gradient(FORWARD[name], backward, **given)
    assert words in str(error.value) == bn.diagnose(FORWARD[name], backward, **given).message
    name, parameters, body = RIGHT[0]
    assert bn.assert_gradient(FORWARD[name], written(parameters, body), **inputs(name))


@pytest.mark.parametrize(
    ("parameters", "body", "words"),
    [
        ("dy", "pass", "Nothing returned yet"),
        ("dy", "return dy, dy, dy, dy", "returns 4 results, want dx, dgamma, dbeta"),
        ("dy", "return dy[0]", "dx has shape (4,), want (6, 4)"),
        ("dy", "return dy / nothing", "stopped with NameError"),
        ("dy", "while True: pass", "did not end within"),
        ("dy", "return {'dx': dy[0]}", "dx has shape (4,), want (6, 4)"),
        ("dy, x_hat", "x_hat *= 2\nreturn dy", "dx"),
    ],
)
def test_what_is_no_backward_pass_gets_a_sentence(parameters, body, words):
    verdict = diagnose("batch_norm", parameters, body)
    assert not verdict
    assert words in verdict.message


@pytest.mark.parametrize(
    ("forward", "parameters", "message"),
    [
        ("batch_norm", "dy, unheard_of", "parameter unheard_of is not a value of the"),
        ("batch_norm", "x, gamma", "want a parameter for the gradient that arrives"),
    ],
)
def test_a_parameter_that_is_no_value_is_refused(forward, parameters, message):
    with pytest.raises(ValueError, match=message):
        diagnose(forward, parameters, "return x")


def test_a_forward_pass_that_cannot_be_run_is_refused():
    with pytest.raises(ValueError, match=r"forward: .*missing"):
        bn.diagnose(bn.batch_norm, lambda dy: dy, x=np.ones((3, 2)))
