"""Golden figures of data value embeddings for tests/all/dvemb.rs: dvemb.csv beside this file.

    pip install numpy && python dvemb.py

A softmax regression (4 inputs, 3 classes, 12 parameters) takes 8 steps over batches of 3 by the batch's mean loss, all in f64. Rows of the file
are a step's gradients, rounded to f32, each with its embedding by the literal product of the matrices I − eta_k H_k (later steps on the left),
once with the empirical Fisher and once with the exact Gauss-Newton matrix, which for this model is the Hessian; then the step's factor rows.
"""

from pathlib import Path

import numpy as np

INPUTS, CLASSES, STEPS, BATCH, RATE = 4, 3, 8, 3, 0.9
draw = np.random.default_rng(2412)
x = np.c_[draw.normal(size=(10, INPUTS - 1)), np.ones(10)]
y = draw.integers(CLASSES, size=10)
theta = 0.3 * draw.normal(size=(CLASSES, INPUTS))


def softmax(z):
    p = np.exp(z - z.max())
    return p / p.sum()


def gradient(theta, x, label):
    """Of -ln p[label]."""
    return np.outer(softmax(theta @ x) - np.eye(CLASSES)[label], x).ravel()


eta = RATE / BATCH
steps = []
for s in range(STEPS):
    batch = draw.choice(10, BATCH, replace=False)
    g = np.array([gradient(theta, x[i], y[i]) for i in batch])
    f, hessian = [], 0
    for i in batch:
        p = softmax(theta @ x[i])
        f += [np.sqrt(p[c]) * gradient(theta, x[i], c) for c in range(CLASSES)]
        hessian = hessian + np.kron(np.diag(p) - np.outer(p, p), np.outer(x[i], x[i]))
    f = np.array(f)
    assert np.allclose(f.T @ f, hessian, atol=1e-12), "the factors' products are the Hessian"
    theta = theta - eta * g.sum(0).reshape(theta.shape)
    steps.append((g.astype(np.float32), f.astype(np.float32)))


def embeddings(curvature):
    later, found = np.eye(INPUTS * CLASSES), []
    for g, f in reversed(steps):
        found.append([later @ (eta * row) for row in g.astype(float)])
        later = later @ (np.eye(INPUTS * CLASSES) - eta * curvature(g.astype(float), f.astype(float)))
    return found[::-1]


fisher = embeddings(lambda g, f: sum(np.outer(row, row) for row in g))
exact = embeddings(lambda g, f: sum(np.outer(row, row) for row in f))

width = range(INPUTS * CLASSES)
with open(Path(__file__).parent / "dvemb.csv", "w") as file:
    names = [f"{kind}{i}" for kind in ("row", "fisher", "exact") for i in width]
    file.write(",".join(["step", "eta", *names]) + "\n")
    for s, (g, f) in enumerate(steps):
        for row, a, b in zip(g, fisher[s], exact[s]):
            numbers = [f"{v:.9g}" for v in row] + [f"{v:.12g}" for v in [*a, *b]]
            file.write(",".join([str(s), f"{eta:.9g}", *numbers]) + "\n")
        for row in f:
            file.write(",".join([str(s), f"{eta:.9g}", *(f"{v:.9g}" for v in row)]) + "\n")
