"""Golden figures of Arnoldi, GIF and EK-FAC influence for tests/all/curvature.rs: curvature.csv and ekfac.csv beside this file.

    pip install numpy && python curvature.py

curvature.csv: 60 rows of 8 numbers of a falling spectrum, of which the first is also the target, each with its influence on it by the three largest
eigenpairs and by all of the rows' second moment C = GᵀG/n (numpy.linalg.eigh); and, with C + 0.1·(tr C/8)·I, by least squares
(numpy.linalg.lstsq) over the coordinates 1, 3, 4 and 6, and by numpy.linalg.solve.

ekfac.csv: 40 samples of two positions each, inputs a of 5 numbers (the last one 1) and output gradients b of 3; each sample's influence on the first one through the
whole 15×15 matrix that EK-FAC stands for.
"""

from pathlib import Path

import numpy as np

here = Path(__file__).parent
draw = np.random.default_rng(2022)

N, K, J = 60, 8, [1, 3, 4, 6]
mix = np.linalg.qr(draw.normal(size=(K, K)))[0]
rows = (draw.normal(size=(N, K)) * 0.7 ** np.arange(K) @ mix).astype(np.float32)
g = rows.astype(float)
second = g.T @ g / N
values, vectors = np.linalg.eigh(second)


def arnoldi(keep):
    u, value = vectors[:, ::-1][:, :keep], values[::-1][:keep]
    return (g @ u / value) @ (u.T @ g[0])


damped = second + 0.1 * np.trace(second) / K * np.eye(K)
restricted = [np.linalg.lstsq(damped[:, J], row, rcond=None)[0] @ g[0][J] for row in g]
full = g @ np.linalg.solve(damped, g[0])
with open(here / "curvature.csv", "w") as file:
    file.write(",".join([*(f"x{i}" for i in range(K)), "arnoldi3", "arnoldi8", "gif", "gif_all"]) + "\n")
    for row, *scores in zip(rows, arnoldi(3), arnoldi(K), restricted, full):
        file.write(",".join([*(f"{v:.9g}" for v in row), *(f"{v:.12g}" for v in scores)]) + "\n")

SAMPLES, POSITIONS, INPUTS, OUTPUTS = 40, 2, 5, 3
a = draw.normal(size=(SAMPLES, POSITIONS, INPUTS)) * [1, 2, 0.5, 1, 0]
a[..., -1] = 1
b = draw.normal(size=(SAMPLES, POSITIONS, OUTPUTS)) @ draw.normal(size=(OUTPUTS, OUTPUTS))
a, b = a.astype(np.float32), b.astype(np.float32)
wide_a, wide_b = a.astype(float), b.astype(float)
count = SAMPLES * POSITIONS
of_a = np.einsum("nti,ntj->ij", wide_a, wide_a) / count
of_b = np.einsum("nti,ntj->ij", wide_b, wide_b) / count
gradients = np.einsum("nto,nti->noi", wide_b, wide_a).reshape(SAMPLES, -1)
basis = np.kron(np.linalg.eigh(of_b)[1], np.linalg.eigh(of_a)[1])
corrected = ((gradients @ basis) ** 2).mean(0)
curvature = basis @ np.diag(corrected + 0.1 * corrected.mean()) @ basis.T
scores = gradients @ np.linalg.solve(curvature, gradients[0])
with open(here / "ekfac.csv", "w") as file:
    columns = [f"{name}{t}{i}" for t in range(POSITIONS) for name, n in (("a", INPUTS), ("b", OUTPUTS)) for i in range(n)]
    file.write(",".join([*columns, "score"]) + "\n")
    for one_a, one_b, score in zip(a, b, scores):
        numbers = [v for t in range(POSITIONS) for v in [*one_a[t], *one_b[t]]]
        file.write(",".join([*(f"{v:.9g}" for v in numbers), f"{score:.12g}"]) + "\n")
