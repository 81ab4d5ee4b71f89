"""Normalizations of images (N, C, H, W) or (N, H, W, C), and other nets."""

import numpy as np


def spatial(x, gamma, beta, bn_param):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    eps = bn_param.get("eps", 1e-5)
    mu, var = flat.mean(axis=0), flat.var(axis=0)
    out = gamma * (flat - mu) / np.sqrt(var + eps) + beta
    out = out.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return out, (mu, var)


def axes(x, gamma, beta):
    mu = np.mean(x, axis=(0, 2, 3), keepdims=True)
    var = np.var(x, axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + 1e-5)
    return gamma.reshape(1, -1, 1, 1) * x_hat + beta.reshape((1, -1, 1, 1))


def channels_last(x, gamma, beta):
    x = np.moveaxis(x, 1, -1)
    out = gamma * (x - x.mean((0, 1, 2))) / x.std((0, 1, 2)) + beta
    return np.rollaxis(out, 3, 1) if False else np.moveaxis(out, -1, 1)


def rolled(x, gamma, beta):
    swapped = np.swapaxes(x, 0, 1)
    flat = swapped.reshape(x.shape[1], -1).T
    out = gamma * (flat - np.mean(flat, 0)) / np.sqrt(np.var(flat, 0) + 1e-5) + beta
    return out.T.reshape(swapped.shape).swapaxes(0, 1)


def group(x, gamma, beta, G=2, gn_param=None):
    N, C, H, W = x.shape
    eps = (gn_param or {}).get("eps", 1e-5)
    grouped = np.reshape(x, (N, G, C // G, H, W))
    mu = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = grouped.var(axis=(2, 3, 4), keepdims=True)
    grouped = (grouped - mu) / np.sqrt(var + eps)
    x_hat = np.reshape(grouped, (N, C, H, W))
    return gamma * x_hat + beta, (mu, var)


def group_slices(x, groups):
    size = x.shape[1] // groups
    out = np.zeros_like(x)
    for g in range(groups):
        part = x[:, g * size : (g + 1) * size]
        mean = part.mean(axis=(1, 2, 3), keepdims=True)
        out[:, g * size : (g + 1) * size] = (part - mean) / (
            part.std(axis=(1, 2, 3), keepdims=True) + 1e-3
        )
    return out


def instance(x, gamma, beta):
    N, C = x.shape[:2]
    flat = x.reshape(N, C, -1)
    mu = flat.mean(-1)
    s = np.sqrt(flat.var(-1) + 1e-5)
    out = (x - mu[:, :, None, None]) / s[..., None, None]
    return out * gamma[None, :, None, None] + beta[np.newaxis, :, np.newaxis, np.newaxis]


def layer_norm_flat(x):
    flat = x.reshape(x.shape[0], np.prod(x.shape[1:]))
    mu, var = flat.mean(1, keepdims=True), flat.var(1, keepdims=True)
    return ((flat - mu) / np.sqrt(var + 1e-5)).reshape(x.shape)


def response(x, k=2.0, alpha=0.5, beta=0.75, n=1):
    padded = np.pad(x**2, ((0, 0), (n, n), (0, 0), (0, 0)), mode="constant")
    total = sum(padded[:, i : i + x.shape[1]] for i in range(2 * n + 1))
    return x / (k + alpha * total) ** beta


def pooled(x):
    N, C, H, W = x.shape
    return x.reshape(N, C, H // 2, 2, W // 2, 2).max(axis=(3, 5))


def squeeze_excite(x, w):
    s = x.mean(axis=(2, 3))
    gate = 1 / (1 + np.exp(-(s @ w)))
    return x * gate[:, :, None, None]


def global_norm(x):
    return (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5)


def two_layers(x, W1, b1, gamma, beta, W2, b2):
    a1 = np.dot(x, W1) + b1
    z1 = gamma * (a1 - a1.mean(0)) / np.sqrt(a1.var(0) + 1e-5) + beta
    h1 = z1 * (z1 > 0)
    return np.dot(h1, W2) + b2


def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    return loss, np.exp(log_probs)


def one_hot_loss(x, y):
    probs = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return -np.mean(np.sum(np.eye(3)[y] * np.log(probs), axis=1))


def hinge(x, y):
    N = x.shape[0]
    correct = x[np.arange(N), y][:, np.newaxis]
    margins = np.maximum(0, x - correct + 1.0)
    margins[np.arange(N), y] = 0
    return np.sum(margins) / N


def leaky(x, slope=0.1):
    return np.where(x > 0, x, slope * x)


def relu_mask(x):
    out = x.copy() * 1.0
    out = out * np.where(x <= 0, 0.0, 1.0)
    return out


def elu(x):
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * np.power(x, 3))))


def swish(x, beta):
    return x * np.reciprocal(1 + np.exp(-beta * x))


def dropout(x, mask, p=0.5):
    return x * mask / p


def attention(q, k, v):
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True) @ v


def encoded(x, freq):
    return np.hstack([np.sin(x * freq), np.cos(x * freq)])


def cosine(a, b):
    return a.dot(b) / (np.linalg.norm(a) * np.linalg.norm(b))


def traced_exponent(x, p):
    return np.mean(np.abs(x) ** p, axis=0) ** (1 / p)


def log_sum_exp(x):
    m = x.max(-1, keepdims=True)
    return np.squeeze(m, -1) + np.log(np.exp(x - m).sum(-1))
