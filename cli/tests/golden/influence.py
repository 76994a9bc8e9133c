"""Makes golden/influence/: small gradients, and what NumPy says of them, for tests/all/program.

    pip install numpy==2.4.6
    python influence.py

Everything is computed in f64 from the numbers as stored. `scale` is sum |g_i| |v_i|, which errors are measured by.
"""

from pathlib import Path

import numpy as np

here = Path(__file__).parent / "influence"
here.mkdir(exist_ok=True)
random = np.random.default_rng(7)
rows, targets, columns = 12, 3, 67


def save(name, array):
    np.save(here / f"{name}.npy", array)


def wide(array):
    return array.astype("f8")


train = random.normal(size=(rows, columns)) * np.exp(random.normal(size=(rows, 1)))
target = random.normal(size=(targets, columns))
train2 = train * 0.5 + 0.1 * random.normal(size=train.shape)
target2 = target * 0.5 + 0.1 * random.normal(size=target.shape)
for kind in ["f2", "f4", "f8"]:
    save(f"train-{kind}", train.astype(kind))
    save(f"target-{kind}", target.astype(kind))
    t, v = wide(train.astype(kind)), wide(target.astype(kind))
    save(f"dot-{kind}", t @ v.T)
    save(f"scale-{kind}", np.abs(t) @ np.abs(v).T)
    save(f"l1-{kind}", np.abs(t).sum(axis=1))
    save(f"l2-{kind}", (t**2).sum(axis=1))
save("train2-f4", train2.astype("f4"))
save("target2-f4", target2.astype("f4"))

t, v, t2, v2 = (wide(a.astype("f4")) for a in (train, target, train2, target2))
save("cosine", (t @ v.T) / np.linalg.norm(t, axis=1)[:, None] / np.linalg.norm(v, axis=1)[None, :])
save("tracin", 0.1 * (t @ v.T) + 0.02 * (t2 @ v2.T))
second = t.T @ t / rows
damped = second + 0.1 * np.trace(second) / columns * np.eye(columns)
save("ridge", t @ np.linalg.solve(damped, v.T))
save("ridge-strong", t @ np.linalg.solve(second + np.trace(second) / columns * np.eye(columns), v.T))
# With so small a damping by the Gram matrix of the rows, which is well-conditioned.
ridge = 1e-6 * np.trace(second) / columns * np.eye(rows)
save("ridge-slight", np.linalg.solve(t @ t.T / rows + ridge, t @ v.T))


def unit(array):
    return array / np.linalg.norm(array, axis=1)[:, None]


# Both checkpoints, their learning rates 0.1 and 0.02. Targets 0 and 2 are subtask 5, target 1 is subtask 3.
save("retrac", (unit(t) + unit(t2)) @ (unit(v) + unit(v2)).T / 4)
less = (0.1 * unit(t) @ unit(v).T + 0.02 * unit(t2) @ unit(v2).T) / 0.12
save("less", less)
save("subtasks", np.array([5, 3, 5], "u1"))
save("less-subtasks", np.maximum(less[:, [0, 2]].mean(axis=1), less[:, 1])[:, None])
one_minus_p, one_minus_p2 = random.uniform(0, 1, size=(2, rows)).astype("f4")
save("one_minus_p", one_minus_p)
save("one_minus_p2", one_minus_p2.astype("f8"))


def trak(a, b):
    gram = a.T @ a
    return a @ np.linalg.inv(gram + 0.1 * np.trace(gram) / columns * np.eye(columns)) @ b.T


# Twelve rows span twelve dimensions: the pseudo-inverse.
save("trak-undamped", t @ np.linalg.pinv(t) @ np.linalg.pinv(t).T @ v.T * wide(one_minus_p)[:, None])
save("trak", trak(t, v) * wide(one_minus_p)[:, None])
save("trak2", (trak(t, v) + trak(t2, v2)) / 2 * ((wide(one_minus_p) + wide(one_minus_p2)) / 2)[:, None])


def datainf(layers):
    """By the definition: the mean of each sample's own inverse."""
    total = 0
    for layer in np.split(np.arange(columns), np.cumsum(layers)[:-1]):
        a, b = t[:, layer], v[:, layer]
        damping = 0.1 * np.mean(a**2) * np.eye(len(layer))
        total = total + a @ np.mean([np.linalg.inv(np.outer(x, x) + damping) for x in a], axis=0) @ b.T
    return total


save("datainf", datainf([columns]))
save("datainf-layers", datainf([40, 20, 7]))
recursion, alpha = v.T, 1 / (np.trace(second) + 0.1 * np.trace(second) / columns)
for _ in range(12):
    recursion = v.T + recursion - alpha * damped @ recursion
save("lissa12", alpha * t @ recursion)
save("self-influence", np.einsum("ij,ji->i", t, np.linalg.solve(damped, t.T)))
centred = t - t.mean(axis=0)
covariance = centred.T @ centred / rows
shrunk = 0.9 * covariance + 0.1 * np.trace(covariance) / columns * np.eye(columns)
save("mahalanobis", np.einsum("ij,ji->i", centred, np.linalg.solve(shrunk, centred.T)))
