"""Normalizations of two-dimensional batches, as courses and repositories write them."""

import numpy as np
import numpy.linalg as la
from numpy import mean, sqrt, zeros


def course(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    _, D = x.shape
    running_mean = bn_param.get("running_mean", np.zeros(D, dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(D, dtype=x.dtype))
    out, cache = None, None
    if mode == "train":
        sample_mean = np.mean(x, axis=0)
        sample_var = np.var(x, axis=0)
        x_hat = (x - sample_mean) / np.sqrt(sample_var + eps)
        out = gamma * x_hat + beta
        cache = (x, x_hat, gamma, sample_mean, sample_var, eps)
        running_mean = momentum * running_mean + (1 - momentum) * sample_mean
        running_var = momentum * running_var + (1 - momentum) * sample_var
    elif mode == "test":
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        out = gamma * x_hat + beta
    else:
        raise ValueError(f'Invalid mode "{mode}"')
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def twelve_lines(x, gamma, beta, eps=1e-5):
    N, _ = x.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu**2
    var = 1.0 / N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache


def dict_cache(X, gamma, beta, epsilon=1e-8):
    cache = {}
    cache["mean"] = X.mean(axis=0, keepdims=True)
    cache["std"] = X.std(axis=0, keepdims=True)
    cache["norm"] = (X - cache["mean"]) / (cache["std"] + epsilon)
    return {"out": gamma * cache["norm"] + beta, "cache": cache}


def list_result(x, gamma, beta):
    v = x.var(0)
    return [gamma * (x - x.mean(0)) / np.sqrt(v + 1e-3) + beta, {"v": v}]


def nested_result(x, gamma):
    mu, v = np.mean(x, 0), np.var(x, 0)
    return (gamma * (x - mu) * (v + 1e-3) ** -0.5, (mu, v)), "train"


def unbiased(x, gamma, beta):
    return (x - x.mean(axis=0)) / x.std(axis=0, ddof=1) * gamma + beta


def columns(X, gamma, beta, eps=1e-8):
    """Features in rows, samples in columns."""
    m = X.shape[1]
    mu = np.sum(X, axis=1, keepdims=True) / m
    sigma2 = np.sum(np.square(X - mu), axis=1, keepdims=True) / m
    Xn = np.divide(np.subtract(X, mu), np.sqrt(np.add(sigma2, eps)))
    return np.add(np.multiply(gamma, Xn), beta)


def in_place(x, gamma, beta):
    out = x - x.mean(axis=0)
    out /= np.sqrt(np.mean(out**2, axis=0) + 1e-5)
    out *= gamma
    out += beta
    return out


def copies(x, gamma, beta):
    out = x.copy()
    out -= np.mean(out, axis=0)
    scale = np.reciprocal(np.sqrt(np.var(x, axis=0) + 1e-5))
    return (out * scale * gamma + beta).astype(np.float64)


def loop_over_features(x, gamma, beta):
    out = np.zeros_like(x)
    for j in range(x.shape[1]):
        column = x[:, j]
        mu, var = np.mean(column), np.var(column)
        out[:, j] = gamma[j] * (column - mu) / np.sqrt(var + 1e-5) + beta[j]
    return out


def loop_into_zeros(x, gamma, beta):
    N, D = x.shape
    y = np.zeros((N, D))
    for i in range(D):
        y[:, i] = (x[:, i] - x[:, i].mean()) / (x[:, i].std() + 1e-3)
        y[:, i] *= gamma[i]
        y[:, i] += beta[i]
    return y


def loop_over_samples(x):
    total = 0
    for row in x:
        total += row
    mu = total / len(x)
    rows = []
    for i in range(len(x)):
        rows.append(x[i] - mu)
    return np.array(rows)


def expanded(x, gamma, beta):
    mu = np.expand_dims(x.mean(axis=1), axis=1)
    var = np.var(x, axis=1)[:, np.newaxis]
    return gamma[None, :] * (x - mu) / np.sqrt(var + 1e-5) + beta[None, :]


def layer_norm_transposed(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    xt = x.T
    mu, var = xt.mean(axis=0), xt.var(axis=0) + eps
    std = var**0.5
    z = (xt - mu) / std
    out = gamma * z.T + beta
    return out, {"z": z.T, "std": std}


def rms(x, g, *, eps=1e-6):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * g


def rms_by_norm(x, g):
    return g * x * np.sqrt(x.shape[-1]) / np.linalg.norm(x, axis=-1, keepdims=True)


def unit_length(w):
    return w / la.norm(w)


def weight_norm(x, v, g):
    w = g * v / np.linalg.norm(v, axis=0)
    return x.dot(w)


def weight_standardization(x, W):
    W_hat = (W - np.mean(W, axis=0)) / (np.std(W, axis=0) + 1e-5)
    return np.dot(x, W_hat)


def renormalization(x, gamma, beta, running_mean, running_std, r_max=3.0, d_max=5.0):
    mu, std = x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)
    r = np.clip(std / running_std, 1 / r_max, r_max)
    d = np.clip((mu - running_mean) / running_std, -d_max, d_max)
    return gamma * ((x - mu) / std * r + d) + beta


def dynamic_tanh(x, alpha, gamma, beta):
    return gamma * np.tanh(alpha * x) + beta


def weighted(x, w):
    mu = np.average(x, axis=0, weights=w)
    var = np.average((x - mu) ** 2, axis=0, weights=w)
    return (x - mu) / np.sqrt(var + 1e-3)


def einsum(x, gamma):
    n = x.shape[0]
    mu = np.einsum("nd->d", x) / n
    c = x - mu
    var = np.einsum("nd,nd->d", c, c) / n
    return np.einsum("d,nd->nd", gamma / np.sqrt(var + 1e-5), c)


def from_imports(x, gamma, beta):
    out = zeros(x.shape)
    out[:] = gamma * (x - mean(x, axis=0)) / sqrt(x.var(axis=0) + 1e-5) + beta
    return out


def keyword_only(x, *, gamma, beta=0.0, axis=0, eps=1e-5, affine=True):
    mu = x.mean(axis=axis, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=axis, keepdims=True)
    z = (x - mu) / np.sqrt(var + eps)
    return gamma * z + beta if affine else z


def positional_only(x, gamma, /, eps=1e-5):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps)


def asarray(x, gamma):
    x = np.asarray(x, dtype=np.float64)
    assert isinstance(x, np.ndarray)
    assert x.ndim == 2
    return np.array(gamma) * (x - x.mean(axis=0, dtype=np.float64)) / np.maximum(x.std(0), 1e-3)


def printed(x):
    mu = x.mean(axis=0)
    text = f"mean {mu[0]:.3f}, of {mu}"
    return (x - mu) / (np.max(x, axis=0) - np.min(x, axis=0) + len(text) * 0)


def min_max(x):
    return (x - x.min(axis=0)) / np.ptp(x, axis=0)


def mean_absolute(x, gamma):
    centred = x - x.mean(axis=0)
    return gamma * centred / np.abs(centred).mean(axis=0)


def no_broadcast(x, gamma):
    m = x.shape[0]
    mu = np.tile(x.mean(axis=0), (m, 1))
    s = np.repeat(np.sqrt(x.var(axis=0, keepdims=True) + 1e-5), m, axis=0)
    return np.broadcast_to(gamma, x.shape) * (x - mu) / s


def ghost(x, gamma, beta):
    parts = []
    for part in np.split(x, 2):
        parts.append((part - part.mean(axis=0)) / np.sqrt(part.var(axis=0) + 1e-5))
    return gamma * np.concatenate(parts) + beta


def two_halves(x):
    first, second = x[: len(x) // 2], x[len(x) // 2 :]
    return np.vstack([first - second.mean(axis=0), second - first.mean(axis=0)])


def rows_of_a_list(x):
    return np.sum([x, x**2], axis=0) - np.mean([x, 2 * x])


def decorrelated(x):
    S = np.cov(x, rowvar=False, bias=True) + np.diag(np.ones(3))
    L = np.linalg.cholesky(S)
    return (x - x.mean(axis=0)) @ np.linalg.inv(L).T


def own_scale(x, gamma):
    return x @ np.diag(gamma) + np.diag(x.T @ x)


class Layer:
    """Parameters and statistics on the object, caches too."""

    def __init__(self, d):
        rng = np.random.default_rng(d)
        self.gamma, self.beta = rng.normal(1, 0.3, d), rng.normal(size=d)
        self.running_mean, self.running_var = np.zeros(d), np.ones(d)
        self.momentum, self.eps = 0.9, 1e-5

    def forward(self, x, train_flg=True):
        if train_flg:
            mu = x.mean(axis=0)
            xc = x - mu
            var = np.mean(xc**2, axis=0)
            std = np.sqrt(var + self.eps)
            xn = xc / std
            self.batch_size = x.shape[0]
            self.xc, self.xn, self.std = xc, xn, std
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
            self.running_var *= self.momentum
            self.running_var += (1 - self.momentum) * var
        else:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + self.eps)
        out = self.gamma * xn + self.beta
        return out


class Called(Layer):
    def __call__(self, x):
        self.mu, self.var = x.mean(0), x.var(0)
        self.x_hat = (x - self.mu) / np.sqrt(self.var + self.eps)
        return self.gamma * self.x_hat + self.beta


class Params:
    """Its parameters in a dict."""

    def __init__(self):
        self.params = {"W": np.array([[1.0, -0.5], [0.3, 2.0], [0.7, 0.1]]), "b": np.ones(2)}

    def __call__(self, x):
        return np.maximum(0, x @ self.params["W"] + self.params["b"])
