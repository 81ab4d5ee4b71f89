import { given, literal } from "../take/lines.js";

/** @import { Get } from "../take/lines.js" */

const STARTS = `
m = len(x)
centred = x - x.mean(axis=0)
S = centred.T @ centred / m + eps * np.eye(2)`;

// Eigenvalues fall; axis k points towards feature k
const EIGEN = `
values, U = np.linalg.eigh(S)
order = np.argsort(-values, kind="stable")
values, U = values[order], U[:, order]
ahead = np.diag(U).copy()
flat = np.abs(ahead) < 1e-9
ahead[flat] = U[np.abs(U).argmax(axis=0), np.arange(2)][flat]
U = U * np.where(ahead < 0, -1.0, 1.0)
root = np.sqrt(values)`;

const ITERATE = `
size = np.trace(S)
Y, Z, before = S / size, np.eye(2), []
for _ in range(iterations):
    before.append((Y, Z))
    T = 1.5 * np.eye(2) - 0.5 * Z @ Y
    Y, Z = Y @ T, T @ Z
W = Z / np.sqrt(size)`;

// How W is made; then the share of a change of S that turns the samples (see whitening.py)
const WAYS = [
  [["W = np.diag(1 / np.sqrt(np.diag(S)))"], ["weights, basis = np.eye(2) / 2, np.eye(2)"]],
  [
    [...EIGEN.split("\n"), "W = U / root"],
    [
      "gap = values[:, None] - values + np.diag(2 * values)",
      "if m == 2:  # nothing varies along the second axis",
      "    gap[1, 1] = np.inf",
      "if m == 1:",
      "    gap = np.full((2, 2), np.inf)",
      "weights, basis = values[:, None] / gap, np.eye(2)",
    ],
  ],
  [
    [...EIGEN.split("\n"), "W = U / root @ U.T"],
    ["weights, basis = root[:, None] / (root[:, None] + root), U"],
  ],
  [
    ["W = np.linalg.inv(np.linalg.cholesky(S)).T"],
    ["weights, basis = np.triu(np.ones((2, 2))) - np.eye(2) / 2, np.eye(2)"],
  ],
  [ITERATE.split("\n"), []],
];

const GRADIENT = `
M = weights * (basis.T @ (x_hat.T @ dy) @ basis)
M = basis @ (M + M.T) @ basis.T
dx = (dy - dy.mean(axis=0) - x_hat @ M / m) @ W.T`;

const UNROLLED = `
dW = centred.T @ dy  # back through the iterations
dZ, dY = dW / np.sqrt(size), np.zeros((2, 2))
dsize = -np.sum(dW * W) / (2 * size)
for Y, Z in reversed(before):
    T = 1.5 * np.eye(2) - 0.5 * Z @ Y
    dT = Y.T @ dY + dZ @ Z.T
    dY, dZ = dY @ T.T - 0.5 * Z.T @ dT, T.T @ dZ - 0.5 * dT @ Y.T
dsize = dsize - np.sum(dY * S) / size**2
dS = dY / size + dsize * np.eye(2)
dx = dy @ W.T + centred @ (dS + dS.T) / m
dx = dx - dx.mean(axis=0)`;

/** Upstream gradients by their index. @param {Get} get */
function upstream(get) {
  const turn = ["[[0.6, 0], [0, -0.3]]", "[[0, 0.5], [0.5, 0]]", "[[0, 0.5], [-0.5, 0]]"];
  const kind = get("upstream");
  if (kind > 1) return [`dy = x_hat @ np.array(${turn[kind - 2]})`];
  if (kind === 1) return ["dy = np.tile([0.8, 0.4], (m, 1))"];
  const at = Math.min(get("selected"), get("x").length - 1);
  return ["dy = np.zeros((m, 2))", `dy[${at}] = ${literal(get("pull"))}`];
}

/** The batch, whitened, and the gradient on its way back. @param {Get} get */
export function lines(get) {
  const start = given({ x: get("x"), eps: get("eps") });
  if (!get("x_hat").length) return start;
  const method = get("method");
  const [root, weights] = WAYS[method];
  const iterated = method === WAYS.length - 1;
  const back = iterated ? UNROLLED : GRADIENT;
  return [
    ...start,
    ...(iterated ? [`iterations = ${get("iterations")}`] : []),
    ...STARTS.split("\n"),
    ...root,
    "x_hat = centred @ W",
    "",
    ...upstream(get),
    ...weights,
    ...back.split("\n"),
  ];
}
