import { given, literal } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

const WAYS = `
# One pass: the mean of the squares less the square of the mean
total = squares = np.float32(0)
for v in x:
    total, squares = total + v, squares + v * v
mean = total / m
one_pass = squares / m - mean * mean

# Two passes: first the mean, then the deviations
squares = np.float32(0)
for v in x:
    squares = squares + (v - mean) * (v - mean)
two_passes = squares / m


def welford(x):
    count, mean, m2 = np.float32(0), np.float32(0), np.float32(0)
    for v in x:
        count, d = count + np.float32(1), v - mean
        mean = mean + d / count
        m2 = m2 + d * (v - mean)
    return count, mean, m2


def merge(a, b):
    n, d = a[0] + b[0], b[1] - a[1]
    m2 = a[2] + b[2] + d * d * (a[0] * b[0] / n)
    return n, a[1] + d * (b[0] / n), m2


parts = min(4, len(x))
moments = welford(x[: len(x) // parts])
for k in range(1, parts):
    part = x[len(x) * k // parts : len(x) * (k + 1) // parts]
    moments = merge(moments, welford(part))

computed = [one_pass, two_passes, welford(x)[2] / m, moments[2] / moments[0]]
exact = x.astype(float).var()`;

/** Four ways to a variance, in float32 after each operation. @param {Get} get */
export const lines = (get) => [
  ...given({ offset: get("offset") }),
  `noise = np.array(${literal(get("noise").slice(0, get("m")))})`,
  "x = (offset + noise).astype(np.float32)",
  "m = np.float32(len(x))",
  ...WAYS.split("\n"),
];
