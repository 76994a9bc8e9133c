"""Golden figures of the influence methods for tests/all/influence_golden.rs: influence.csv beside this file.

    pip install numpy && python influence.py

Each line is a matrix: name, rows, columns, and its entries row by row. Inputs have four decimals and are taken as f32;
everything else is computed from them in f64, by definitions and not by the library's own way: inverses are
inverted, recursions are run, Shapley values are taken over all orders of the batch.
"""

from itertools import permutations
from pathlib import Path

import numpy as np

N, K, TARGETS, MODELS, STEPS, BATCH = 24, 12, 3, 3, 4, 4
draw = np.random.default_rng(405)
lines = []


def write(name, matrix, form="{:.17g}"):
    matrix = np.atleast_2d(np.asarray(matrix, dtype=np.float64))
    entries = ",".join(form.format(entry) for entry in matrix.ravel())
    lines.append(f"{name},{matrix.shape[0]},{matrix.shape[1]},{entries}\n")


def given(name, matrix):
    """An input: four decimals, as f32, and from there on in f64."""
    matrix = np.round(np.asarray(matrix), 4)
    write(name, matrix, "{:.4f}")
    return matrix.astype(np.float32).astype(np.float64)


scales = np.exp(draw.normal(size=(N, 1)) / 2)
train = [given(f"train{m}", scales * draw.normal(size=(N, K))) for m in range(MODELS)]
target = [given(f"target{m}", draw.normal(size=(TARGETS, K))) for m in range(MODELS)]
doubt = [given(f"doubt{m}", draw.uniform(0.05, 0.95, size=N)) for m in range(MODELS)]
weights = given("weights", [0.3, 0.1, 0.05])


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# IP and its ensemble; ReTrac.
write("ip", train[0] @ target[0].T)
write("ip_ensemble", sum(g @ v.T for g, v in zip(train, target)))
write("retrac", np.mean([unit(g) for g in train], axis=0) @ np.mean([unit(v) for v in target], axis=0).T)

# LESS: targets 0 and 1 are one subtask, 2 is another.
first, second = given("moment1", 0.1 * draw.normal(size=K)), given("moment2", draw.uniform(0.01, 0.5, size=K))
b1, b2, epsilon = 0.9, 0.999, 1e-8
adam = [(b1 * first + (1 - b1) * g) / np.sqrt(b2 * second + (1 - b2) * g**2 + epsilon) for g in train]
write("adam", adam[0])
share = weights / weights.sum()
cosines = sum(w * unit(gamma) @ unit(v).T for w, gamma, v in zip(share, adam, target))
write("less", np.maximum(cosines[:, :2].mean(axis=1), cosines[:, 2]))

# In-Run Data Shapley, by the definition of the Shapley value: the marginal drop of the loss, expanded at the step, over all
# orders of the batch. In step t the batch is samples 3t to 3t + 3, its gradients are those of model t mod MODELS.
hessian = given("hessian", (lambda a: a @ a.T / K)(draw.normal(size=(K, K))))
rates = given("rates", [0.1, 0.2, 0.05, 0.3])
scores = np.zeros((2, N))
for t in range(STEPS):
    ids, g, v = [(3 * t + i) % N for i in range(BATCH)], train[t % MODELS], target[t % MODELS][0]
    for order in (0, 1):

        def drop(members):
            total = g[members].sum(axis=0)
            return rates[t] * v @ total - order * rates[t] ** 2 / 2 * total @ hessian @ total

        orders = list(permutations(ids))
        for one in orders:
            for i, sample in enumerate(one):
                scores[order, sample] += (drop(list(one[: i + 1])) - drop(list(one[:i]))) / len(orders)
write("in_run", scores)

# Curvature: C = GᵀG/n, λ a tenth of its mean eigenvalue.
g, v = train[0], target[0]
second_moment = g.T @ g / N
damped = second_moment + 0.1 * np.linalg.eigvalsh(second_moment).mean() * np.eye(K)
write("ridge", g @ np.linalg.inv(damped) @ v.T)

alpha = 0.15
r = v.T.copy()
for _ in range(7):
    r = v.T + (np.eye(K) - alpha * damped) @ r
write("lissa7", alpha * g @ r)
write("largest", [np.linalg.eigvalsh(damped).max()])

trak = []
for phi, target_phi in zip(train, target):
    gram = phi.T @ phi
    trak.append(phi @ np.linalg.inv(gram + 0.1 * np.trace(gram) / K * np.eye(K)) @ target_phi.T)
write("trak1", trak[0] * doubt[0][:, None])
write("trak3", np.mean(trak, axis=0) * np.mean(doubt, axis=0)[:, None])
write("trak_undamped", g @ np.linalg.inv(g.T @ g) @ v.T * doubt[0][:, None])


def datainf(layers):
    total = np.zeros((N, TARGETS))
    for layer in layers:
        rows, values = g[:, layer], v[:, layer]
        damping = 0.1 * np.mean(rows**2)
        size = rows.shape[1]
        inverse = np.mean([np.linalg.inv(np.outer(x, x) + damping * np.eye(size)) for x in rows], axis=0)
        total += rows @ inverse @ values.T
    return total


write("datainf", datainf([slice(0, K)]))
write("datainf_layers", datainf([slice(0, 5), slice(5, 6), slice(8, 12)]))

(Path(__file__).parent / "influence.csv").write_text("".join(lines))
