"""Answers to the exercises: wrong ones, each a plausible slip, and right ones in other styles.

A wrong answer is (exercise, its body, what the message must say). A body is what stands under the
stub's first line.
"""

import textwrap

import numpy as np

WRONG = [
    # --- broadcast
    ("broadcast", "return dy * w, dy * x, dy.sum(axis=0)", "dw has shape (5, 3), want (3,)"),
    ("broadcast", "return dy, (dy * x).sum(0), dy.sum(0)", "the factor w is left out"),
    ("broadcast", "return dy * w, dy.sum(0), dy.sum(0)", "dw holds what db should be"),
    (
        "broadcast",
        "return dy * w, (dy * x).mean(0), dy.sum(0)",
        "dw is 1/m of what it should be (m samples)",
    ),
    ("broadcast", "return dy * w, (dy * x).sum(1), dy.sum(1)", "Was the sum taken over the wrong"),
    # --- only the mean
    ("only_mean", "return dy", "the path through the mean (mu) is cut"),
    ("only_mean", "return dy - dy.sum(axis=0)", "the 1/m of mean(dy) is left out"),
    (
        "only_mean",
        "return dy + dy.mean(axis=0)",
        "the gradient through the mean (mu) has the wrong",
    ),
    ("only_mean", "return dy.mean(axis=0) - dy", "every entry of dx has the wrong sign"),
    (
        "only_mean",
        "return dy - dy.mean(axis=1, keepdims=True)",
        "mean(dy) runs over the wrong axis",
    ),
    ("only_mean", "return dy - dy.sum(axis=0) / (len(dy) - 1)", "divides by m - 1 instead of m"),
    ("only_mean", "return (dy - dy.mean(axis=0)).sum(axis=0)", "dx has shape (3,), want (5, 3)"),
    ("only_mean", "return 0 * dy", "is 0."),
    # --- two samples
    (
        "two_samples",
        "s = np.sqrt(x.var() + eps)\nreturn gamma / s * (dy - dy.mean())",
        "the path through the variance (var) is cut",
    ),
    (
        "two_samples",
        "s = np.sqrt(x.var() + eps)\nreturn eps / s**3 * (dy - dy.mean())",
        "the factor gamma is left out",
    ),
    (
        "two_samples",
        "s = np.sqrt(x.var() + eps)\nreturn gamma * eps / s**2 * (dy - dy.mean())",
        "the power of s is one too low",
    ),
    (
        "two_samples",
        "s = np.sqrt(x.var() + eps)\nreturn gamma * eps / s**3 * dy",
        "mean(dy) is left out",
    ),
    # --- scale and shift
    (
        "gamma_beta",
        "return (dy * x_hat).sum(0), (dy * x_hat).sum(0)",
        "holds what dgamma should be",
    ),
    ("gamma_beta", "return dy.sum(0), (dy * x_hat).sum(0)", "in another order"),
    ("gamma_beta", "return (dy * x_hat).mean(0), dy.sum(0)", "dgamma is 1/m of what"),
    ("gamma_beta", "return x_hat.sum(0), dy.sum(0)", "dgamma is 0."),
    # --- evaluation mode
    ("evaluation", "return gamma / (var + eps) * dy", "the root of"),
    ("evaluation", "return gamma / np.sqrt(var) * dy", "eps is left out"),
    ("evaluation", "return dy / np.sqrt(var + eps)", "the factor gamma is left out"),
    ("evaluation", "return gamma * dy", "the division by s is left out"),
    (
        "evaluation",
        "return gamma / np.sqrt(var + eps) * (dy - dy.mean(axis=0))",
        "dx[0, 0] is",
    ),
    ("evaluation", "return gamma * dy * np.sqrt(var + eps)", "multiplied by s where it is divided"),
    # --- step by step
    (
        "staged",
        """
        mu = x.mean(axis=0)
        centred = x - mu
        var = (centred**2).mean(axis=0)
        s = np.sqrt(var + eps)
        dx_hat = gamma * dy
        dvar = (dx_hat * centred).sum(axis=0) * -(s**-3)
        dmu = -(dx_hat / s).sum(axis=0)
        return dx_hat / s + dvar * 2 * centred / len(x) + dmu / len(x)
        """,
        "line 7: every entry of dvar is 2 times what it should be",
    ),
    (
        "staged",
        """
        mu = x.mean(axis=0)
        centred = x - mu
        var = (centred**2).mean(axis=0)
        s = np.sqrt(var + eps)
        dx_hat = dy
        ds = -(dx_hat * centred).sum(axis=0) / s**2
        dvar = ds / (2 * s)
        dcentred = dx_hat / s + dvar * 2 * centred / len(x)
        return dcentred - dcentred.mean(axis=0)
        """,
        "line 6: dx_hat is what you get when the factor gamma is left out",
    ),
    (
        "staged",
        """
        mu = x.mean(axis=0)
        centred = x - mu
        s = np.sqrt((centred**2).mean(axis=0) + eps)
        dx_hat = gamma * dy
        ds = (dx_hat * centred).sum(axis=0) / s**2
        dvar = ds / (2 * s)
        dcentred = dx_hat / s + dvar * 2 * centred / len(x)
        dmu = -dcentred.sum(axis=0)
        return dcentred + dmu / len(x)
        """,
        "line 6: every entry of ds has the wrong sign",
    ),
    (
        "staged",
        """
        mu = x.mean(axis=0)
        centred = x - mu
        var = (centred**2).mean(axis=0)
        s = np.sqrt(var + eps)
        dx_hat = gamma * dy
        ds = -(dx_hat * centred).sum(axis=0) / s**2
        dvar = ds / (2 * s)
        dmu = -(dx_hat / s).sum(axis=0)
        return dx_hat / s + dvar * 2 * centred / len(x)
        """,
        "Not yet, line 10: dx is what you get when the path through the mean (mu) is cut",
    ),
    # --- one line
    ("one_line", "return gamma / s * dy", "the paths through the mean and through the variance"),
    (
        "one_line",
        "return gamma / s * (dy - dy.mean(0))",
        "the path through the variance (var) is cut",
    ),
    (
        "one_line",
        "return gamma / s * (dy - x_hat * (dy * x_hat).mean(0))",
        "the path through the mean (mu) is cut",
    ),
    (
        "one_line",
        "return (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)) / s",
        "the factor gamma is left out",
    ),
    (
        "one_line",
        "return gamma * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))",
        "the division by s is left out",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.mean(0) + x_hat * (dy * x_hat).mean(0))",
        "the gradient through the variance (var) has the wrong sign",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.mean(0) - (dy * x_hat).mean(0))",
        "the factor x_hat of x_hat * mean(dy * x_hat) is left out",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.sum(0) - x_hat * (dy * x_hat).mean(0))",
        "the 1/m of mean(dy) is left out",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.sum(0) - x_hat * (dy * x_hat).sum(0))",
        "the 1/m of every mean is left out",
    ),
    (
        "one_line",
        "m = len(dy)\nreturn gamma / s * (m * dy - dy.sum(0) - x_hat * (dy * x_hat).sum(0))",
        "dx is m times what it should be",
    ),
    (
        "one_line",
        "m = len(dy)\nreturn gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).sum(0) / (m - 1))",
        "mean(dy * x_hat) divides by m - 1 instead of m",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.mean(0) - x_hat * dy.mean(0))",
        "the factor x_hat of dy * x_hat is left out",
    ),
    (
        "one_line",
        "return (dy - x_hat * (dy * x_hat).mean(0)) / s",
        "mean(dy) is left out, and the factor gamma is left out",
    ),
    (
        "one_line",
        "return gamma / s**2 * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))",
        "the division by s is done twice",
    ),
    (
        "one_line",
        "return gamma / s * (dy - dy.mean(0) - dy * (dy * x_hat).mean(0))",
        "dy is used where x_hat belongs",
    ),
    # --- E[x**2] - mu**2
    (
        "raw_moments",
        "dmu = -(dx_hat / s).sum(0)\nreturn dmu, dx_hat / s + 2 * x * dvar / len(x) + dmu / len(x)",
        "the path through the variance (var) is cut",
    ),
    (
        "raw_moments",
        """
        dmu = -(dx_hat / s).sum(0) - 2 * mu * dvar
        return dmu, dx_hat / s + 2 * (x - mu) * dvar / len(x) + dmu / len(x)
        """,
        "2 (x - mu) / m, an edge of the other graph",
    ),
    (
        "raw_moments",
        """
        dmu = -(dx_hat / s).sum(0) + 2 * mu * dvar
        return dmu, dx_hat / s + 2 * x * dvar / len(x) + dmu / len(x)
        """,
        "has the wrong sign",
    ),
    # --- m - 1
    (
        "bessel",
        "return gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))",
        "sum(dx_hat * x_hat) is divided by m instead of m - 1",
    ),
    (
        "bessel",
        "m = len(dy)\nreturn gamma / s * (dy - dy.sum(0) / (m - 1)"
        " - x_hat * (dy * x_hat).sum(0) / (m - 1))",
        "divides by m - 1 instead of m",
    ),
    # --- layer norm
    (
        "layer_norm",
        """
        dx = gamma / s * (dy - dy.mean(1, keepdims=True)
                          - x_hat * (dy * x_hat).mean(1, keepdims=True))
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "gamma is pulled out of the means",
    ),
    (
        "layer_norm",
        """
        g = gamma * dy
        dx = (g - g.mean(1, keepdims=True) - x_hat * (g * x_hat).mean(1, keepdims=True)) / s
        return dx, (dy * x_hat).sum(1), dy.sum(1)
        """,
        "dgamma has shape (5,), want (3,)",
    ),
    (
        "layer_norm",
        """
        g = gamma * dy
        dx = (g - g.mean(0) - x_hat * (g * x_hat).mean(0)) / s
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "every mean runs over the wrong axis",
    ),
    (
        "layer_norm",
        """
        g = gamma * dy
        dx = (g - g.mean(1, keepdims=True)) / s
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "the path through the variance (var) is cut",
    ),
    # --- group norm
    (
        "group_norm",
        """
        g = gamma * dy
        a = (2, 3)
        dx = (g - g.mean(a, keepdims=True) - x_hat * (g * x_hat).mean(a, keepdims=True)) / s
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "dgamma has shape (2, 2, 4), want (2, 2, 1)",
    ),
    (
        "group_norm",
        """
        a = (2, 3)
        dx = (dy - dy.mean(a, keepdims=True) - x_hat * (dy * x_hat).mean(a, keepdims=True)) / s
        return dx, (dy * x_hat).sum((0, 3))[..., None], dy.sum((0, 3))[..., None]
        """,
        "the factor gamma is left out",
    ),
    # --- batch renormalization
    (
        "renorm",
        """
        dx = gamma * r / s * dy
        return dx, (dy * (x_hat * r + delta)).sum(0), dy.sum(0)
        """,
        "r and delta are not held: this is the gradient of evaluation mode",
    ),
    (
        "renorm",
        """
        dx = gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))
        return dx, (dy * (x_hat * r + delta)).sum(0), dy.sum(0)
        """,
        "the factor r of dx_hat is left out",
    ),
    (
        "renorm",
        """
        dx = gamma * r / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))
        return dx, (dy * x_hat).sum(0), dy.sum(0)
        """,
        "dgamma is what you get when delta is left out, and the factor r of x_hat * r",
    ),
    (
        "renorm",
        """
        y_hat = x_hat * r + delta
        dx = gamma * r / s * (dy - dy.mean(0) - y_hat * (dy * y_hat).mean(0))
        return dx, (dy * y_hat).sum(0), dy.sum(0)
        """,
        "corrected is used where x_hat belongs",
    ),
    (
        "renorm",
        """
        dx = gamma * r / s * (dy - x_hat * (dy * x_hat).mean(0))
        return dx, (dy * (x_hat * r + delta)).sum(0), dy.sum(0)
        """,
        "the path through the mean (mu) is cut",
    ),
    # --- merge
    ("merge", "return (mean_a + mean_b) / 2, m2_a + m2_b", "n_b is used where n_a belongs"),
    (
        "merge",
        "n = n_a + n_b\nreturn (n_a * mean_a + n_b * mean_b) / n, m2_a + m2_b",
        "delta ** 2 * n_a * n_b / n is left out",
    ),
    (
        "merge",
        "n = n_a + n_b\nreturn (n_b * mean_a + n_a * mean_b) / n, m2_a + m2_b",
        "n_a is used where n_b belongs",
    ),
    # --- workers
    (
        "workers",
        """
        def one(dy, h):
            return gamma / s * (dy - dy.mean(0) - h * (dy * h).mean(0))
        return one(dy_a, x_hat_a), one(dy_b, x_hat_b)
        """,
        "each worker uses the sums of its own part only",
    ),
    (
        "workers",
        """
        m = len(dy_a) + len(dy_b)
        shared = (dy_a.sum(0) + dy_b.sum(0)) / m
        return gamma / s * (dy_a - shared), gamma / s * (dy_b - shared)
        """,
        "the path through the variance (var) is cut",
    ),
    # --- ZCA
    ("zca", "W = (axes / roots) @ axes.T\nreturn dy @ W", "left out"),
    (
        "zca",
        """
        W = (axes / roots) @ axes.T
        d = dy @ W
        return d - d.mean(0)
        """,
        "is left out",
    ),
    # --- second derivative
    ("second_derivative", "return 0.0", "is 0."),
]
"""(exercise, body, part of the message)"""

RIGHT = [
    ("broadcast", "return np.einsum('ij,j->ij', dy, w), np.einsum('ij,ij->j', dy, x), sum(dy)"),
    ("broadcast", "return {'db': dy.sum(0), 'dw': (dy * x).sum(0), 'dx': dy * w}"),
    ("only_mean", "m = len(dy)\nreturn (np.eye(m) - np.ones((m, m)) / m) @ dy"),
    ("only_mean", "dx = dy * 1\ndx -= dy.mean(axis=0)\nreturn dx"),
    (
        "only_mean",
        """
        dx = dy.copy()
        for j in range(dy.shape[1]):
            for i in range(dy.shape[0]):
                for k in range(dy.shape[0]):
                    dx[i, j] -= dy[k, j] / dy.shape[0]
        return dx
        """,
    ),
    ("only_mean", "return (dy - dy.mean(axis=0)).astype(np.float32)"),
    ("only_mean", "return (dy - dy.mean(axis=0)).tolist()"),
    (
        "two_samples",
        """
        h = (x[0] - x[1]) / 2
        d = gamma * (dy[0] - dy[1]) * eps / (h * h + eps) ** 1.5 / 2
        return np.array([d, -d])
        """,
    ),
    (
        "two_samples",
        """
        s = np.sqrt(x.var() + eps)
        n = (x - x.mean()) / s
        return gamma / s * (dy - dy.mean() - n * (dy * n).mean())
        """,
    ),
    ("gamma_beta", "return np.einsum('ij,ij->j', dy, x_hat), np.ones(len(dy)) @ dy"),
    ("gamma_beta", "return [(dy * x_hat).sum(0), dy.sum(0)]"),
    ("evaluation", "return dy * (gamma * (var + eps) ** -0.5)"),
    ("evaluation", "return dy @ np.diag(gamma / np.sqrt(var + eps))"),
    (
        "staged",
        """
        m, mean = len(x), x.mean(0)
        xc = x - mean
        r = 1 / np.sqrt((xc * xc).mean(0) + eps)
        g = gamma * dy
        dxc = g * r
        dr = (g * xc).sum(0)
        dxc += xc * dr * -(r**3) / m
        return dxc - dxc.mean(0)
        """,
    ),
    (
        "staged",
        """
        s = np.sqrt(x.var(axis=0) + eps)
        x_hat = (x - x.mean(axis=0)) / s
        dx_hat = dy * gamma
        dvar = (dx_hat * (x - x.mean(0))).sum(0) * -0.5 * s**-3
        dmu = -dx_hat.sum(0) / s
        return dx_hat / s + dvar * 2 * (x - x.mean(0)) / len(x) + dmu / len(x)
        """,
    ),
    (
        "one_line",
        "m = len(dy)\nreturn gamma / (m * s) * (m * dy - dy.sum(0) - x_hat * (dy * x_hat).sum(0))",
    ),
    (
        "one_line",
        """
        out = np.empty_like(dy)
        for j, (g, h) in enumerate(zip(dy.T, x_hat.T)):
            m = len(g)
            P = np.eye(m) - np.ones((m, m)) / m - np.outer(h, h) / m
            out[:, j] = gamma[j] / s[j] * (P @ g)
        return out
        """,
    ),
    (
        "one_line",
        """
        t = (dy * x_hat).mean(0)
        dx = x_hat * -t
        dx += dy
        dx -= dy.mean(0)
        dx *= gamma / s
        return dx
        """,
    ),
    (
        "one_line",
        """
        dy, x_hat = dy.astype(np.float32), x_hat.astype(np.float32)
        g, s = gamma.astype(np.float32), s.astype(np.float32)
        return g / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))
        """,
    ),
    (
        "raw_moments",
        """
        m = len(x)
        dmu = (-dx_hat / s).sum(axis=0) - 2 * dvar * mu
        return dmu, dx_hat / s + (2 * x * dvar + dmu) / m
        """,
    ),
    (
        "bessel",
        """
        d = dy * gamma
        t = np.einsum('ij,ij->j', d, x_hat) / (len(d) - 1)
        return (d - d.mean(0) - x_hat * t) / s
        """,
    ),
    (
        "layer_norm",
        """
        dx = np.zeros_like(dy)
        for i in range(len(dy)):
            g = gamma * dy[i]
            dx[i] = (g - g.mean() - x_hat[i] * (g @ x_hat[i]) / len(g)) / s[i]
        return dx, np.einsum('ij,ij->j', dy, x_hat), dy.sum(0)
        """,
    ),
    (
        "group_norm",
        """
        n, G = dy.shape[:2]
        g = (gamma * dy).reshape(n * G, -1)
        h = x_hat.reshape(n * G, -1)
        dx = g - g.mean(1)[:, None] - h * (g * h).mean(1)[:, None]
        dx = dx.reshape(dy.shape) / s
        return dx, (dy * x_hat).sum((0, 3), keepdims=True)[0], dy.sum((0, 3), keepdims=True)[0]
        """,
    ),
    (
        "renorm",
        """
        gain = gamma * r / s
        dx = gain * (dy - dy.mean(0)) - gain * x_hat * np.einsum("ij,ij->j", dy, x_hat) / len(dy)
        return {"dx": dx, "dgamma": (dy * x_hat).sum(0) * r + dy.sum(0) * delta, "dbeta": sum(dy)}
        """,
    ),
    (
        "merge",
        """
        mean = (n_a * mean_a + n_b * mean_b) / (n_a + n_b)
        return mean, m2_a + m2_b + n_a * (mean_a - mean) ** 2 + n_b * (mean_b - mean) ** 2
        """,
    ),
    (
        "workers",
        """
        dy, h = np.concatenate([dy_a, dy_b]), np.concatenate([x_hat_a, x_hat_b])
        dx = gamma / s * (dy - dy.mean(0) - h * (dy * h).mean(0))
        return np.split(dx, [len(dy_a)])[0], np.split(dx, [len(dy_a)])[1]
        """,
    ),
    (
        "zca",
        """
        m, r = len(centred), roots[0]
        W = axes @ np.diag(1 / r) @ axes.T
        F = axes.T @ (centred.T @ dy) @ axes
        F = -(F + F.T) / 2 / (r[:, None] * r * (r[:, None] + r))
        d = dy @ W + centred @ (2 * axes @ F @ axes.T / m)
        return d - d.mean(axis=0)
        """,
    ),
    (
        "second_derivative",
        """
        def first(t):
            z = x + t * v
            z = z - z.mean(0)
            s = np.sqrt((z * z).mean(0) + eps)
            h, w = z / s, v - v.mean(0)
            return (c * (w - h * (h * w).mean(0)) / s).sum()
        return first(1e-30j).imag * 1e30
        """,
    ),
]
"""(exercise, body)"""


def written(exercise, body):
    """The function that a reader makes of a stub's first line and this body."""
    head = exercise.stub.strip().splitlines()[0]
    text = f"{head}\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
    space = {"np": np}
    exec(compile(text, f"<answer to {exercise.name}>", "exec"), space)
    return space[head.removeprefix("def ").partition("(")[0]]
