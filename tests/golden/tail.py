"""Golden figures of tails for tests/all/tail.rs: tail.csv beside this file.

    pip install numpy scipy && python tail.py

Each line is a sample: how many scores it stands for, the estimate of Zhang & Stephens (Technometrics 51, 2009) in NumPy, p-values of four scores
and three quantiles by scipy.stats.genpareto, intervals of those quantiles, and behind them the scores, the largest first. The paper's
steps are taken as they stand there, in the scores' own units; intervals are quantiles of the curves that its prior knows, weighed by their likelihood.
"""

from pathlib import Path

import numpy as np
from scipy.stats import genpareto, norm

draw = np.random.default_rng(2009)


def fit(excesses):
    """ξ, σ, and the grid's ξ, σ and weights, from sorted excesses."""
    n = len(excesses)
    m = 30 + int(np.sqrt(n))
    first_quartile = excesses[int(n / 4 + 0.5) - 1]
    theta = 1 / excesses[-1] + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * first_quartile)
    k = -np.log1p(-np.outer(theta, excesses)).mean(1)
    log_likelihood = n * (np.log(theta / k) + k - 1)
    weights = np.array([1 / np.exp(log_likelihood - one).sum() for one in log_likelihood])
    mean = theta @ weights
    own = -np.log1p(-mean * excesses).mean()
    return -own, own / mean, (-k, k / theta, weights)


def weighted(levels, weights, share):
    order = np.argsort(levels)
    return levels[order][np.searchsorted(np.cumsum(weights[order]), share)]


def figures(scores, count):
    scores = np.sort(scores)[::-1]
    threshold = scores[-1]
    excesses = scores[scores > threshold][::-1] - threshold
    shape, scale, (shapes, scales, weights) = fit(excesses)
    share = len(excesses) / count
    asked = threshold + scale * np.array([0.2, 1.0, 2.5, 6.0])
    p = share * genpareto.sf(asked - threshold, shape, scale=scale)
    levels, spread = [], np.exp(norm.ppf(0.95) / np.sqrt(len(excesses)))
    for q in [0.3 * share, 1 / count, 0.11 / count]:
        level = threshold + genpareto.isf(q / share, shape, scale=scale)
        ends = []
        for end, outside in [(q * spread, 0.05), (q / spread, 0.95)]:
            each = genpareto.isf(np.minimum(end / share, 1), shapes, scale=scales)
            ends.append(threshold + weighted(each, weights, outside))
        levels += [q, level, *ends]
    return [count, shape, scale, *np.ravel([asked, p], order="F"), *levels, *scores]


samples = []
for shape, unit in [(-0.4, 1.0), (-0.1, 1e9), (0.0, 1.0), (0.2, 1e-12), (0.5, 3.0), (1.5, 1.0)]:
    for kept, count in [(9, 40), (30, 700), (257, 5000)]:
        scores = 5 * unit + genpareto.rvs(shape, scale=unit, size=count, random_state=draw)
        samples.append((np.sort(scores)[-kept:], count))
# Ties, at the threshold and above.
samples.append((np.concatenate([np.full(12, 2.0), np.arange(3, 15), [20.0, 20.0]]), 300))
with open(Path(__file__).parent / "tail.csv", "w") as file:
    heads = [f"{name}{i}" for i in range(4) for name in ("score", "p")]
    heads += [f"{name}{i}" for i in range(3) for name in ("q", "quantile", "low", "high")]
    file.write(",".join(["count", "shape", "scale", *heads, "scores"]) + "\n")
    for sample in samples:
        file.write(",".join(f"{v:.17g}" for v in figures(*sample)) + "\n")
