"""Golden figures of rules for clients' updates, for tests/all/clients.rs: clients.csv beside this file.

    pip install numpy && python clients.py

Each line is a round under one rule: the rule, clients, numbers a sketch, hostile clients, then a weight for each client, then the rows
(of FLTrust the server's row before them). Everything is float64 of NumPy, from the papers' formulas: singular vectors by numpy.linalg.svd,
the geometric median by Weiszfeld's steps from the plain mean until nothing moves.
"""

from pathlib import Path

import numpy as np

draw = np.random.default_rng(2017)


def krum_scores(x, f):
    n = len(x)
    squares = ((x[:, None] - x[None]) ** 2).sum(2)
    return np.array([np.sort(np.delete(squares[i], i))[: max(n - f - 2, 1)].sum() for i in range(n)])


def share(chosen, n):
    weights = np.zeros(n)
    weights[chosen] = 1 / len(chosen)
    return weights


def krum(x, f):
    return share(np.argsort(krum_scores(x, f), kind="stable")[:1], len(x))


def multi_krum(x, f):
    return share(np.argsort(krum_scores(x, f), kind="stable")[: len(x) - f], len(x))


def bulyan(x, f):
    left = list(range(len(x)))
    chosen = []
    for _ in range(len(x) - 2 * f):
        chosen.append(left.pop(int(np.argmin(krum_scores(x[left], f)))))
    return share(chosen, len(x))


def geometric_median(x, _):
    z = x.mean(0)
    for _ in range(200_000):
        inverse = 1 / np.linalg.norm(x - z, axis=1)
        weights = inverse / inverse.sum()
        before, z = z, weights @ x
        if (before == z).all():
            break
    return weights


def dnc(x, f):
    centred = x - x.mean(0)
    v = np.linalg.svd(centred, full_matrices=False)[2][0]
    return share(np.argsort((centred @ v) ** 2, kind="stable")[: len(x) - f], len(x))


def fltrust(x, _, server):
    norms, own = np.linalg.norm(x, axis=1), np.linalg.norm(server)
    trust = np.maximum(x @ server / (norms * own), 0)
    return trust / trust.sum() * own / norms


def foolsgold(x, _):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = np.maximum(unit @ unit.T, 0)
    np.fill_diagonal(cosines, 0)
    v = cosines.max(1)
    pardoned = np.where(v[None] > v[:, None], cosines * v[:, None] / np.where(v > 0, v, 1)[None], cosines)
    alpha = 1 - pardoned.max(1)
    alpha = np.where(alpha < 1e-9, 0, alpha) / alpha.max()
    with np.errstate(divide="ignore"):
        alpha = np.clip(np.log(alpha / (1 - alpha)) + 0.5, 0, 1)
    return alpha / alpha.sum()


def clip(x, _):
    norms = np.linalg.norm(x, axis=1)
    median = np.sort(norms)[(len(norms) - 1) // 2]
    return np.minimum(1, median / norms) / len(norms)


def rounds():
    for n, k, f in [(7, 3, 1), (15, 16, 3), (20, 24, 4), (23, 12, 5)]:
        honest = draw.normal(size=k)
        x = honest + draw.normal(size=(n, k))
        for attack in range(3):
            y = x.copy()
            if attack == 0:
                y[:f] = -3 * honest + 0.1 * draw.normal(size=(f, k))
            elif attack == 1:
                y[:f] = 1e3 * draw.normal(size=(f, k))
            else:
                y[:f] = x[f:].mean(0) - 0.7 * x[f:].std(0) + 0.05 * draw.normal(size=(f, k))
            yield np.float32(y)[draw.permutation(n)].astype(float), f, np.float32(honest).astype(float)


if __name__ == "__main__":
    with Path(__file__).with_suffix(".csv").open("w") as file:
        file.write("rule,clients,width,hostile,numbers\n")
        for x, f, server in rounds():
            for rule in [krum, multi_krum, bulyan, geometric_median, dnc, fltrust, foolsgold, clip]:
                if rule is fltrust:
                    numbers = [fltrust(x, f, server), server, x.ravel()]
                else:
                    numbers = [rule(x, f), x.ravel()]
                row = [rule.__name__, *x.shape, f, *(f"{one:.9g}" for one in np.concatenate(numbers))]
                file.write(",".join(map(str, row)) + "\n")
