"""Makes golden/influence/: small gradients, and what NumPy says of them, for tests/program.rs.

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
save("self-influence", np.einsum("ij,ji->i", t, np.linalg.solve(damped, t.T)))
centred = t - t.mean(axis=0)
covariance = centred.T @ centred / rows
shrunk = 0.9 * covariance + 0.1 * np.trace(covariance) / columns * np.eye(columns)
save("mahalanobis", np.einsum("ij,ji->i", centred, np.linalg.solve(shrunk, centred.T)))
