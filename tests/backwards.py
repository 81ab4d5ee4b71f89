"""Backward passes as people write them: each for a forward pass, with what must be said of it.

An entry is (forward pass, parameters, body, words of the message); for one that is right the words
are "". The functions are written for these tests, in styles that are common.
"""

import linecache
import textwrap

import numpy as np

import batchnorm as bn


def plain(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = (xmu**2).mean(axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    out = gamma * xhat + beta
    return out


def kept(x, gamma, beta, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    variance = np.mean((x - mean) ** 2, axis=0, keepdims=True)
    std = np.sqrt(variance + eps)
    x_norm = (x - mean) / std
    y = gamma * x_norm + beta
    return y


def layer_norm(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=1, keepdims=True)
    centred = x - mu
    var = np.mean(centred * centred, axis=1, keepdims=True)
    s = np.sqrt(var + eps)
    x_hat = centred / s
    y = x_hat * gamma + beta
    return y


def images(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = ((x - mu) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    s = np.sqrt(var + eps)
    x_hat = (x - mu) / s
    y = gamma * x_hat + beta
    return y


def instance_norm(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(2, 3), keepdims=True)
    xc = x - mu
    var = np.mean(xc**2, axis=(2, 3), keepdims=True)
    s = (var + eps) ** 0.5
    x_hat = xc / s
    y = gamma * x_hat + beta
    return y


def grouped(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(2, 3), keepdims=True)
    xc = x - mu
    var = np.mean(xc**2, axis=(2, 3), keepdims=True)
    s = np.sqrt(var + eps)
    x_hat = xc / s
    y = gamma * x_hat + beta
    return y


def rms_norm(x, g, eps=1e-5):
    rms = np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)
    x_hat = x / rms
    y = g * x_hat
    return y


def affine(x, w, b):
    z = x @ w
    y = z + b
    return y


def net(x, w1, b1, w2):
    h = np.tanh(x @ w1 + b1)
    y = h @ w2
    return y


def course(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.get("running_var", np.zeros(x.shape[1], dtype=x.dtype))
    out, cache = None, None
    if mode == "train":
        sample_mean = np.mean(x, axis=0)
        sample_var = np.var(x, axis=0)
        normed = (x - sample_mean) / np.sqrt(sample_var + eps)
        out = gamma * normed + beta
        running_mean = momentum * running_mean + (1 - momentum) * sample_mean
        running_var = momentum * running_var + (1 - momentum) * sample_var
        cache = (x, normed, sample_mean, sample_var, gamma, eps)
    bn_param["running_mean"] = running_mean
    bn_param["running_var"] = running_var
    return out, cache


def group_norm(x, gamma, beta, G=2, eps=1e-5):
    N, C, H, W = x.shape
    groups = x.reshape(N, G, C // G * H * W)
    mean = groups.mean(axis=2, keepdims=True)
    var = groups.var(axis=2, keepdims=True)
    std = np.sqrt(var + eps)
    xn = ((groups - mean) / std).reshape(N, C, H, W)
    out = xn * gamma[None, :, None, None] + beta[None, :, None, None]
    return out, (xn, std, gamma, G)


def flat_images(x, gamma, beta, eps=1e-5):
    N, C, H, W = x.shape
    flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
    mu, var = flat.mean(0), flat.var(0)
    ivar = 1 / np.sqrt(var + eps)
    xhat = (flat - mu) * ivar
    out = gamma * xhat + beta
    out = out.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return out, (xhat, ivar, gamma)


def by_std(x, gamma, beta, eps=1e-5):
    mu = np.mean(x, 0)
    std = np.std(x, 0)
    xhat = (x - mu) / (std + eps)
    return gamma * xhat + beta, {"xhat": xhat, "std": std, "gamma": gamma, "eps": eps, "xc": x - mu}


FORWARD = {
    f.__name__: f
    for f in (
        *(bn.batch_norm, plain, kept, layer_norm, images, instance_norm, grouped, rms_norm),
        *(affine, net, course, group_norm, flat_images, by_std),
    )
}


def inputs(name):
    rng = np.random.default_rng(7)

    def about(centre, *shape):
        return rng.normal(centre, 1.3, size=shape)

    if name == "affine":
        return {"x": about(0, 5, 3), "w": about(0, 3, 2), "b": about(0, 2)}
    if name == "net":
        return {"x": about(0, 5, 3), "w1": about(0, 3, 4), "b1": about(0, 4), "w2": about(0, 4, 2)}
    if name == "rms_norm":
        return {"x": about(1, 4, 3), "g": rng.uniform(0.5, 2, 3)}
    if name == "course":
        given = {"x": about(2, 6, 4), "gamma": rng.uniform(0.5, 2, 4), "beta": about(0, 4)}
        return {**given, "bn_param": {"mode": "train"}}
    shape, small = {
        **dict.fromkeys(("group_norm", "flat_images"), ((3, 4, 2, 3), (4,))),
        "images": ((3, 2, 4, 5), (1, 2, 1, 1)),
        "instance_norm": ((3, 2, 4, 5), (1, 2, 1, 1)),
        "grouped": ((3, 2, 2, 5), (2, 2, 1)),
    }.get(name, ((6, 4), (4,)))
    return {
        "x": about(2, *shape),
        "gamma": rng.uniform(0.5, 2, size=small),
        "beta": about(0, *small),
    }


def written(parameters, body):
    """The function ``backward`` with these parameters and this body, whose lines can be read."""
    source = (
        f"def backward({parameters}):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    )
    file = f"<backward {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"np": np}
    exec(compile(source, file, "exec"), space)
    return space["backward"]


# Pieces that many share
STAGED = """
    N, D = dout.shape
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / np.sqrt(var + eps)
    dsq = np.ones((N, D)) / N * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -np.sum(dx1, axis=0)
    dx2 = np.ones((N, D)) / N * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta
"""
STAGED_FOR = "dout, xhat, gamma, xmu, ivar, sqrtvar, var, eps"


def staged(old, new):
    """The staged pass with one line changed."""
    assert STAGED.count(old) == 1, old
    return STAGED.replace(old, new)


PAPER = """
    m = x.shape[0]
    dxhat = dy * gamma
    dvar = np.sum(dxhat * (x - mean) * -0.5 * std**-3, axis=0)
    dmean = np.sum(-dxhat / std, axis=0) + dvar * np.sum(-2 * (x - mean), axis=0) / m
    dx = dxhat / std + dvar * 2 * (x - mean) / m + dmean / m
    dgamma = np.sum(dy * x_norm, axis=0)
    dbeta = np.sum(dy, axis=0)
    return dx, dgamma, dbeta
"""
PAPER_FOR = "dy, x, x_norm, gamma, mean, std"


def paper(old, new):
    assert PAPER.count(old) == 1, old
    return PAPER.replace(old, new)


COMPACT = """
    m = dy.shape[0]
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(dy * x_hat, axis=0)
    dx = gamma / (m * s) * (m * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta
"""
COMPACT_FOR = "dy, x_hat, gamma, s"


def short(dx, dgamma="(dy * x_hat).sum(0)", dbeta="dy.sum(0)"):
    return f"dx = {dx}\nreturn dx, {dgamma}, {dbeta}"


LAYER = """
    g = dy * gamma
    a = g.mean(axis=1, keepdims=True)
    b = (g * x_hat).mean(axis=1, keepdims=True)
    dx = (g - a - x_hat * b) / s
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)
"""


def layer(old, new):
    assert LAYER.count(old) == 1, old
    return LAYER.replace(old, new)


IMAGES = """
    m = dy.shape[0] * dy.shape[2] * dy.shape[3]
    a = (0, 2, 3)
    dbeta = dy.sum(axis=a, keepdims=True)
    dgamma = (dy * x_hat).sum(axis=a, keepdims=True)
    dx = gamma / s * (dy - dbeta / m - x_hat * dgamma / m)
    return dx, dgamma, dbeta
"""


def image(old, new):
    assert IMAGES.count(old) == 1, old
    return IMAGES.replace(old, new)


COURSE = """
    x, xn, mu, var, gamma, eps = cache
    N = dout.shape[0]
    std = np.sqrt(var + eps)
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xn, axis=0)
    dxn = dout * gamma
    dvar = np.sum(dxn * (x - mu), axis=0) * -0.5 * (var + eps)**(-1.5)
    dmu = -np.sum(dxn / std, axis=0) - 2 * dvar * np.mean(x - mu, axis=0)
    dx = dxn / std + 2 * dvar * (x - mu) / N + dmu / N
    return dx, dgamma, dbeta
"""


def course_with(old, new):
    assert COURSE.count(old) == 1, old
    return COURSE.replace(old, new)


GROUPS = """
    xn, std, gamma, G = cache
    N, C, H, W = dout.shape
    dgamma = (dout * xn).sum(axis=(0, 2, 3))
    dbeta = dout.sum((0, 2, 3))
    g = (dout * gamma.reshape(1, C, 1, 1)).reshape(N, G, -1)
    h = xn.reshape(N, G, -1)
    dx = (g - g.mean(2, keepdims=True) - h * (g * h).mean(2, keepdims=True)) / std
    return dx.reshape(dout.shape), dgamma, dbeta
"""


def groups(old, new):
    assert GROUPS.count(old) == 1, old
    return GROUPS.replace(old, new)


FLAT = """
    xhat, ivar, gamma = cache
    N, C, H, W = dout.shape
    d = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx = gamma * ivar * (d - d.mean(0) - xhat * (d * xhat).mean(0))
    dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
    return dx, (d * xhat).sum(0), d.sum(0)
"""


def flat(old, new):
    assert FLAT.count(old) == 1, old
    return FLAT.replace(old, new)


BY_STD = """
    xhat, std, gamma, eps, xc = (cache[k] for k in ("xhat", "std", "gamma", "eps", "xc"))
    N = len(dout)
    dxhat = dout * gamma
    dstd = -(dxhat * xc).sum(0) / (std + eps) ** 2
    dx = dxhat / (std + eps) + dstd * xc / (N * std)
    dx = dx - dx.mean(0)
    return dx, (dout * xhat).sum(0), dout.sum(0)
"""

RIGHT = [
    ("course", "dout, cache", COURSE),
    ("group_norm", "dout, cache", GROUPS),
    ("flat_images", "dout, cache", FLAT),
    ("by_std", "dout, cache", BY_STD),
    ("plain", STAGED_FOR, STAGED),
    ("batch_norm", COMPACT_FOR, COMPACT),
    ("kept", PAPER_FOR, PAPER),
    ("layer_norm", "dy, x_hat, gamma, s", LAYER),
    ("images", "dy, x_hat, gamma, s", IMAGES),
    (  # s is 1/std, mu the mean with keepdims, dmu the positive sum that is subtracted
        "batch_norm",
        "dout, x, gamma, eps",
        """
        mu = x.mean(0, keepdims=True)
        var = x.var(0, keepdims=True) + eps
        s = 1 / np.sqrt(var)
        x_hat = (x - mu) * s
        dx_hat = dout * gamma
        dvar = (dx_hat * (x - mu) * -0.5 * s**3).sum(0, keepdims=True)
        dmu = (dx_hat * s).sum(0, keepdims=True)
        dx = dx_hat * s + dvar * 2 * (x - mu) / len(x) - dmu / len(x)
        return dx, (dout * x_hat).sum(0), dout.sum(0)
        """,
    ),
    (  # dvar is spread to (N, D), s is x - mu
        "batch_norm",
        "dy, x, gamma, eps",
        """
        N = x.shape[0]
        mu = np.mean(x, axis=0)
        s = x - mu
        var = np.mean(s**2, axis=0)
        std = np.sqrt(var + eps)
        dstd = -np.sum(dy * gamma * s, axis=0) / std**2
        dvar = np.ones_like(x) * dstd / (2 * std)
        dsq = dvar / N
        ds = dy * gamma / std + 2 * s * dsq
        dmu = ds.sum(axis=0)
        return ds - dmu / N
        """,
    ),
    (
        "kept",
        "dout, x, gamma, eps=1e-5",
        """
        N, D = x.shape
        dx = np.zeros_like(x)
        dgamma, dbeta = np.zeros(D), np.zeros(D)
        for j in range(D):
            col = x[:, j]
            mu, var = col.mean(), col.var()
            s = (var + eps) ** -0.5
            h = (col - mu) * s
            g = dout[:, j]
            dgamma[j], dbeta[j] = g @ h, g.sum()
            J = s * (np.eye(N) - 1 / N - np.outer(h, h) / N)
            dx[:, j] = gamma[j] * J @ g
        return dx, dgamma, dbeta
        """,
    ),
    (
        "plain",
        "dy, cache=None, *, xhat, gamma, ivar",
        """
        t = gamma * ivar
        dx = t * (dy - np.mean(dy, 0) - xhat * np.mean(xhat * dy, 0))
        return {"dx": dx, "dgamma": np.einsum("nd,nd->d", dy, xhat), "dbeta": dy.sum(0)}
        """,
    ),
    (
        "plain",
        "dy, xhat, gamma, ivar",
        "return np.float32(gamma * ivar * (dy - dy.mean(0) - xhat * (xhat * dy).mean(0)))",
    ),
    (
        "kept",
        "grad_output, xnorm, gamma, std",
        """
        grad_beta = grad_output.sum(axis=0)
        grad_gamma = (grad_output * xnorm).sum(axis=0)
        n = len(grad_output)
        grad_x = gamma / std / n * (n * grad_output - grad_beta - xnorm * grad_gamma)
        return grad_x, grad_gamma, grad_beta
        """,
    ),
    (
        "batch_norm",
        "dy, x_hat",
        "dgamma = (dy * x_hat).sum(0)\ndbeta = dy.sum(0)\nreturn dgamma, dbeta",
    ),
    (
        "layer_norm",
        "dout, x_hat, gamma, s",
        """
        D = dout.shape[1]
        dxhat = dout * gamma
        var = dxhat.sum(1, keepdims=True)
        mu = (dxhat * x_hat).sum(1, keepdims=True)
        dx = (D * dxhat - var - x_hat * mu) / (D * s)
        return dx, (dout * x_hat).sum(0), dout.sum(0)
        """,
    ),
    (
        "layer_norm",
        "dy, x, gamma, eps",
        """
        x, g = x.T, (dy * gamma).T
        m = len(x)
        mu, var = x.mean(0), x.var(0)
        s = np.sqrt(var + eps)
        h = (x - mu) / s
        dvar = (g * (x - mu)).sum(0) * -0.5 / s**3
        dmu = -(g / s).sum(0)
        dx = (g / s + 2 * dvar * (x - mu) / m + dmu / m).T
        return dx, (dy * h.T).sum(0), dy.sum(0)
        """,
    ),
    (
        "images",
        "dout, x, gamma, eps",
        """
        N, C, H, W = x.shape
        flat = x.transpose(0, 2, 3, 1).reshape(-1, C)
        d = dout.transpose(0, 2, 3, 1).reshape(-1, C)
        mu, var = flat.mean(0), flat.var(0)
        s = np.sqrt(var + eps)
        h = (flat - mu) / s
        g = gamma.reshape(C)
        dx = g / s * (d - d.mean(0) - h * (d * h).mean(0))
        dx = dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)
        shape = (1, C, 1, 1)
        return dx, (d * h).sum(0).reshape(shape), d.sum(0).reshape(shape)
        """,
    ),
    (
        "instance_norm",
        "dy, x_hat, gamma, s",
        """
        a = (2, 3)
        g = dy * gamma
        dx = (g - g.mean(a, keepdims=True) - x_hat * (g * x_hat).mean(a, keepdims=True)) / s
        b = (0, 2, 3)
        return dx, (dy * x_hat).sum(b, keepdims=True), dy.sum(b, keepdims=True)
        """,
    ),
    (
        "grouped",
        "dy, x_hat, gamma, s",
        """
        n, G = dy.shape[:2]
        g, h = (dy * gamma).reshape(n, G, -1), x_hat.reshape(n, G, -1)
        dx = g - g.mean(2, keepdims=True) - h * (g * h).mean(2, keepdims=True)
        dx = dx.reshape(dy.shape) / s
        return dx, (dy * x_hat).sum((0, 3))[..., None], dy.sum((0, 3))[..., None]
        """,
    ),
    (
        "rms_norm",
        "dy, x_hat, g, rms",
        "d = dy * g\nreturn (d - x_hat * (d * x_hat).mean(1, keepdims=True)) / rms, "
        "(dy * x_hat).sum(0)",
    ),
    ("affine", "dy, x, w", "return dy @ w.T, x.T @ dy, dy.sum(0)"),
    (
        "net",
        "dy, x, h, w1, w2",
        "dz = dy @ w2.T * (1 - h**2)\nreturn dz @ w1.T, x.T @ dz, dz.sum(0), h.T @ dy",
    ),
    ("net", "dy, h", "dw2 = h.T @ dy\nreturn dw2"),
]

WRONG = [
    # --- The paths through the moments
    (
        "plain",
        STAGED_FOR,
        staged("dx = dx1 + dx2", "dx = dx1"),
        "path through the mean (mu) is cut",
    ),
    ("plain", STAGED_FOR, staged("dx = dx1 + dx2", "dx = dx1 - dx2"), "wrong sign"),
    (
        "plain",
        STAGED_FOR,
        staged("dx1 = dxmu1 + dxmu2", "dx1 = dxmu1"),
        "path through the variance (var) is cut",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("2 * xmu * dsq", "xmu * dsq"),
        "dx is what you get when the gradient through the variance (var) is halved",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("0.5 * dsqrtvar", "dsqrtvar"),
        "line 9: every entry of dvar is 2 times what it should be",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("-divar / sqrtvar**2", "divar / sqrtvar**2"),
        "line 8: every entry of dsqrtvar has the wrong sign",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("dxhat = dout * gamma", "dxhat = dout"),
        "line 5: dxhat is what you get when the factor gamma is left out",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("dsq = np.ones((N, D)) / N * dvar", "dsq = np.ones((N, D)) * dvar"),
        "the 1/m of mean(dout * xhat) is left out",
    ),
    (
        "plain",
        STAGED_FOR,
        staged("dx2 = np.ones((N, D)) / N * dmu", "dx2 = np.ones((N, D)) * dmu"),
        "the 1/m of",
    ),
    ("batch_norm", COMPACT_FOR, short("dy / s"), "the paths through the mean and through the"),
    ("batch_norm", COMPACT_FOR, short("gamma * dy / s"), "the paths through the mean and through"),
    ("batch_norm", COMPACT_FOR, short("gamma * dy"), "the paths through the mean and through"),
    (
        "kept",
        PAPER_FOR,
        paper("+ dmean / m", ""),
        "the path through the mean (mean) is cut",
    ),
    (
        "kept",
        PAPER_FOR,
        paper("dx = dxhat / std + dvar * 2 * (x - mean) / m", "dx = dxhat / std"),
        "the path through the variance (variance) is cut",
    ),
    # --- m
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.sum(0) - x_hat * (dy * x_hat).mean(0))"),
        "the 1/m of mean(dy) is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).sum(0))"),
        "the 1/m of mean(dy * x_hat) is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.sum(0) - x_hat * (dy * x_hat).sum(0))"),
        "the 1/m of every mean is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        "m = len(dy)\n" + short("gamma / s * (m*dy - dy.sum(0) - x_hat * (dy*x_hat).sum(0))"),
        "m times what it should be",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        "m = len(dy) - 1\n"
        + short("gamma / s * (dy - dy.sum(0) / m - x_hat * (dy * x_hat).sum(0) / m)"),
        "every mean divides by m - 1 instead of m",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        "m = dy.shape[1]\n"
        + short("gamma / s * (dy - dy.sum(0) / m - x_hat * (dy * x_hat).sum(0) / m)"),
        "every mean divides by the size of the wrong axis",
    ),
    (
        "layer_norm",
        "dy, x_hat, gamma, s",
        layer("g.mean(axis=1, keepdims=True)", "g.sum(axis=1, keepdims=True) / len(g)"),
        "divides by the size of the wrong axis",
    ),
    (
        "layer_norm",
        "dy, x_hat, gamma, s",
        """
        N = dy.shape[0]
        g = dy * gamma
        a, b = g.sum(1, keepdims=True), (g * x_hat).sum(1, keepdims=True)
        dx = (N * g - a - x_hat * b) / (N * s)
        return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)
        """,
        "size of the wrong axis",
    ),
    # --- Axes
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(1, keepdims=True) - x_hat * (dy * x_hat).mean(0))"),
        "mean(dy) runs over the wrong axis",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(1, keepdims=True))"),
        "mean(dy * x_hat) runs over the wrong axis",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean() - x_hat * (dy * x_hat).mean(0))"),
        "mean(dy) has no axis",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean() - x_hat * (dy * x_hat).mean())"),
        "every mean has no axis",
    ),
    (
        "layer_norm",
        "dy, x_hat, gamma, s",
        """
        g = dy * gamma
        dx = (g - g.mean(0) - x_hat * (g * x_hat).mean(0)) / s
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "every mean runs over the wrong axis",
    ),
    (
        "layer_norm",
        "dy, x_hat, gamma, s",
        """
        a, k = 1, {"keepdims": True}
        dx = gamma / s * (dy - dy.mean(a, **k) - x_hat * (dy * x_hat).mean(a, **k))
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "gamma is pulled out of the means",
    ),
    (
        "layer_norm",
        "dy, x_hat, gamma, s",
        layer("(dy * x_hat).sum(axis=0)", "(dy * x_hat).sum(axis=1)"),
        "dgamma has shape (6,), want (4,). Was the sum taken over the wrong axis?",
    ),
    ("images", "dy, x_hat, gamma, s", image("a = (0, 2, 3)", "a = (2, 3)"), "dgamma has shape"),
    (
        "images",
        "dy, x_hat, gamma, s",
        """
        k = {"axis": (2, 3), "keepdims": True}
        dx = gamma / s * (dy - dy.mean(**k) - x_hat * (dy * x_hat).mean(**k))
        return dx
        """,
        "every mean runs over the wrong axes",
    ),
    (
        "images",
        "dy, x_hat, gamma, s",
        image("m = dy.shape[0] * dy.shape[2] * dy.shape[3]", "m = dy.shape[0]"),
        "divides by the size of the wrong axis",
    ),
    (
        "instance_norm",
        "dy, x_hat, gamma, s",
        """
        k = {"axis": (0, 2, 3), "keepdims": True}
        dx = gamma / s * (dy - dy.mean(**k) - x_hat * (dy * x_hat).mean(**k))
        return dx
        """,
        "every mean runs over the wrong axes",
    ),
    # --- eps
    (
        "batch_norm",
        "dy, x_hat, x, gamma, eps",
        "s = x.std(0) + eps\n"
        + short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "eps is outside the root",
    ),
    (
        "batch_norm",
        "dy, x_hat, x, gamma",
        "s = x.std(0)\n" + short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "eps is left out",
    ),
    (
        "batch_norm",
        "dy, x, gamma",
        "s = x.std(0)\nx_hat = (x - x.mean(0)) / s\n"
        + short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "eps is left out",
    ),
    (
        "batch_norm",
        "dy, x, gamma, eps",
        "s = np.sqrt(x.var(0) - eps)\nx_hat = (x - x.mean(0)) / s\n"
        + short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "eps has the wrong sign",
    ),
    (
        "batch_norm",
        "dy, x_hat, var, gamma, eps",
        "s = np.sqrt(var + eps + eps)\n"
        + short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "eps is counted twice",
    ),
    ("plain", STAGED_FOR, staged("np.sqrt(var + eps)", "np.sqrt(var)"), "eps is left out"),
    (
        "plain",
        STAGED_FOR,
        staged("np.sqrt(var + eps)", "(np.sqrt(var) + eps)"),
        "eps is outside",
    ),
    (
        "kept",
        "dy, x, gamma, mean, variance, eps",
        """
        m = x.shape[0]
        std = np.sqrt(variance) + eps
        dxhat = dy * gamma
        dvar = np.sum(dxhat * (x - mean) * -0.5 / np.sqrt(variance) / std**2, axis=0)
        dmean = np.sum(-dxhat / std, axis=0)
        dx = dxhat / std + dvar * 2 * (x - mean) / m + dmean / m
        return dx
        """,
        "eps is outside the root",
    ),
    (
        "kept",
        "dy, x, gamma, mean, variance, eps",
        """
        m = x.shape[0]
        std = np.sqrt(variance + eps)
        dxhat = dy * gamma
        dvar = np.sum(dxhat * (x - mean) * -0.5 * variance**-1.5, axis=0)
        dmean = np.sum(-dxhat / std, axis=0)
        dx = dxhat / std + dvar * 2 * (x - mean) / m + dmean / m
        return dx
        """,
        "eps is left out",
    ),
    # --- Factors
    (
        "batch_norm",
        COMPACT_FOR,
        short("(dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) / s"),
        "the factor gamma is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma**2 / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "the factor gamma is multiplied in twice",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "the division by s is left out",
    ),
    (
        "batch_norm",
        "dy, x_hat, gamma, var, eps",
        short("gamma / (var + eps) * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "the division by s is done twice",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma * s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "multiplied by s where it is divided",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - (dy * x_hat).mean(0))"),
        "the factor x_hat of x_hat * mean(dy * x_hat) is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - x_hat * dy.mean(0))"),
        "the factor x_hat of dy * x_hat is left out",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - s * dy.mean(0) - x_hat * (dy * x_hat).mean(0))"),
        "mean(dy) is multiplied by s",
    ),
    ("kept", PAPER_FOR, paper("-dxhat / std", "-dxhat * std"), "is multiplied by std"),
    (
        "kept",
        PAPER_FOR,
        paper("-dxhat / std", "-dxhat"),
        "the 1/std is left out on the way back to x - mean",
    ),
    ("kept", PAPER_FOR, paper("-0.5 * std**-3", "-0.5 * std**-2"), "is multiplied by std"),
    ("kept", PAPER_FOR, paper("-0.5 * std**-3", "-0.5 * std**-1.5"), "dx"),
    ("kept", PAPER_FOR, paper("-0.5 * std**-3", "0.5 * std**-3"), "wrong sign"),
    ("kept", PAPER_FOR, paper("-0.5 * std**-3", "-(std**-3)"), "counted twice"),
    ("kept", PAPER_FOR, paper("dvar * 2 * (x - mean) / m", "dvar * (x - mean) / m"), "halved"),
    ("kept", PAPER_FOR, paper("dvar * 2 * (x - mean) / m", "dvar * 2 * x / m"), "x is used where"),
    # --- Jacobians that are not summed
    (
        "batch_norm",
        COMPACT_FOR,
        "m = len(dy)\n" + short("gamma / s * dy * (1 - 1 / m - x_hat**2 / m)"),
        "only the diagonal of the Jacobian",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        "m = len(dy)\n" + short("gamma / s * dy * (1 - 1 / m)"),
        "only each sample's own share",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        "m = len(dy)\n" + short("gamma / s * (dy - dy.mean(0) - x_hat * x_hat * dy / m)"),
        "only each sample's own share",
    ),
    (
        "kept",
        PAPER_FOR,
        paper(
            "np.sum(dxhat * (x - mean) * -0.5 * std**-3, axis=0)",
            "dxhat * (x-mean) * -.5 * std**-3",
        ),
        "mean(dy * x_norm) is no sum: only each sample's own share",
    ),
    # --- Parameters
    (
        "batch_norm",
        "dy, x, x_hat, gamma, s",
        short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))", "(dy * x).sum(0)"),
        "dgamma is what you get when x is used where x_hat belongs",
    ),
    (
        "batch_norm",
        "dy, centred, x_hat, gamma, s",
        short(
            "gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))", "(dy * centred).sum(0)"
        ),
        "centred is used where x_hat belongs",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("return dx, dgamma, dbeta", "return dx, dgamma / m, dbeta / m"),
        "dgamma is 1/m of what it should be",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("return dx, dgamma, dbeta", "return dx, dgamma, dy.mean(0)"),
        "dbeta is 1/m of what it should be",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("return dx, dgamma, dbeta", "return dx, dbeta, dgamma"),
        "in another order: your function returns dx, dbeta, dgamma",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("return dx, dgamma, dbeta", "return dgamma, dbeta, dx"),
        "in another order",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("return dx, dgamma, dbeta", "return dx, dgamma, dgamma"),
        "dbeta holds what dgamma should be",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        COMPACT.replace("(dy * x_hat, axis=0)", "(dy * x_hat, axis=0, keepdims=True)"),
        "The numbers of dgamma are right; its shape is (1, 4), want (4,): drop keepdims",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))", "(dy*x_hat).sum()"),
        "A sum without an axis adds up everything",
    ),
    (
        "batch_norm",
        COMPACT_FOR,
        short("gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))", "dy * x_hat"),
        "What was broadcast on the way forward is summed on the way back",
    ),
    # --- Running statistics
    (
        "batch_norm",
        "dy, x_hat, gamma, running_var=np.array([0.5, 1.5, 2.0, 0.7]), eps=1e-5",
        "return gamma / np.sqrt(running_var + eps) * dy",
        "dx",
    ),
    (
        "course",
        "dout, bn_param, gamma",
        "return gamma * dout / np.sqrt(bn_param['running_var'] + 1e-5)",
        "the running statistics are used where those of the batch belong",
    ),
    (
        "course",
        "dout, x, bn_param, gamma",
        """
        s = np.sqrt(bn_param["running_var"] + 1e-5)
        h = (x - bn_param["running_mean"]) / s
        return gamma / s * (dout - dout.mean(0) - h * (dout * h).mean(0))
        """,
        "the running statistics are used where those of the batch belong",
    ),
    # --- A course's layer
    ("course", "dout, cache", course_with("+ dmu / N", "+ dmu"), "1/m of mean(dout) is left out"),
    ("course", "dout, cache", course_with("+ dmu / N", ""), "path through the mean"),
    (
        "course",
        "dout, cache",
        course_with("np.sqrt(var + eps)", "np.sqrt(var) + eps"),
        "eps is outside",
    ),
    ("course", "dout, cache", course_with("(var + eps)**(-1.5)", "var**(-1.5)"), "eps is left out"),
    ("course", "dout, cache", course_with("* xn, axis=0", "* x, axis=0"), "x is used where normed"),
    ("course", "dout, cache", course_with("dxn = dout * gamma", "dxn = dout"), "factor gamma"),
    (
        "course",
        "dout, cache",
        course_with("2 * dvar * (x - mu) / N", "2 * dvar * (x - mu)"),
        "the 1/m of mean(dout * normed) is left out",
    ),
    # --- Layouts
    ("group_norm", "dout, cache", groups("g.mean(2,", "g.mean(1,"), "runs over the wrong axes"),
    (
        "group_norm",
        "dout, cache",
        groups("dout * gamma.reshape(1, C, 1, 1)", "dout"),
        "gamma is left",
    ),
    (
        "group_norm",
        "dout, cache",
        groups(" - h * (g * h).mean(2, keepdims=True)", ""),
        "the path through the variance (var) is cut",
    ),
    (
        "group_norm",
        "dout, cache",
        groups("(dout * xn).sum(axis=(0, 2, 3))", "(dout * xn).sum(axis=(0, 2, 3), keepdims=True)"),
        "The numbers of dgamma are right",
    ),
    ("flat_images", "dout, cache", flat("d.mean(0)", "d.sum(0)"), "the 1/m of mean(dout)"),
    (
        "flat_images",
        "dout, cache",
        flat(
            "d - d.mean(0) - xhat * (d * xhat).mean(0)", "d - d.sum(0)/N - xhat * (d*xhat).sum(0)/N"
        ),
        "every mean divides by the size of the wrong axis",
    ),
    (
        "flat_images",
        "dout, cache",
        flat("dx.reshape(N, H, W, C).transpose(0, 3, 1, 2)", "dx.reshape(N, C, H, W)"),
        "dx holds the right numbers in the wrong places",
    ),
    (
        "by_std",
        "dout, cache",
        BY_STD.replace("dx = dx - dx.mean(0)", ""),
        "the path through the mean",
    ),
    (
        "by_std",
        "dout, cache",
        BY_STD.replace("+ dstd * xc / (N * std)", ""),
        "cut",
    ),
    # --- Other graphs
    ("affine", "dy, x, w", "return dy @ w, x.T @ dy, dy.sum(0)", "stopped with ValueError"),
    ("affine", "dy, x, w", "return dy @ w.T, dy.T @ x, dy.sum(0)", "Is it transposed?"),
    ("affine", "dy, x, w", "return dy @ w.T, x.T @ dy, dy.mean(0)", "1/m of what it should be"),
    (
        "net",
        "dy, x, h, w1, w2",
        "dz = dy @ w2.T\nreturn dz @ w1.T, x.T @ dz, dz.sum(0), h.T @ dy",
        "the slope of tanh is left out",
    ),
    (
        "rms_norm",
        "dy, x_hat, g, rms",
        "return dy * g / rms, (dy * x_hat).sum(0)",
        "path through",
    ),
]
