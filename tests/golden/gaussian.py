"""Fits the tables of the Gaussian projection (kernels/src/gaussian.rs).

An entry is the sum of four independent numbers, each one of eight magnitudes with a fair sign. The 32 magnitudes are fitted so that the sum's second,
fourth and sixth moments are the normal distribution's exactly, and its distribution function is as near to the normal one as that
leaves, in the mean square. By Parseval's theorem that distance is the integral of |phi(t) - exp(-t^2/2)|^2 / t^2, phi the characteristic function,
which is a product of means of cosines.

What is printed depends on the version of SciPy by its last digits, and the best start by luck: the tables in the kernel are the
definition, and tests/all/projections.rs measures them. Usage: python gaussian.py [STARTS]
"""

import sys
from math import comb

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

TABLES = 4
MOMENTS = np.array([1.0, 3.0, 15.0])
T = np.linspace(0.01, 45, 1500)
WEIGHT = (T[1] - T[0]) / T**2
NORMAL = np.exp(-T * T / 2)


def even_moments(table):
    return [1.0] + [np.mean(table ** (2 * m)) for m in range(1, 4)]


def of_sum(u, v):
    return [sum(comb(2 * k, 2 * j) * u[j] * v[k - j] for j in range(k + 1)) for k in range(4)]


def moments(a):
    """Second, fourth and sixth moment of the sum, and their derivatives."""
    each = [even_moments(table) for table in a]
    total = [1.0, 0.0, 0.0, 0.0]
    for one in each:
        total = of_sum(total, one)
    jacobian = np.zeros((3, TABLES, 8))
    for q in range(TABLES):
        others = [1.0, 0.0, 0.0, 0.0]
        for j in range(TABLES):
            if j != q:
                others = of_sum(others, each[j])
        for m in range(1, 4):
            slope = 2 * m * a[q] ** (2 * m - 1) / 8
            for k in range(m, 4):
                jacobian[k - 1, q] += comb(2 * k, 2 * m) * others[k - m] * slope
    return np.array(total[1:]), jacobian


def distance(flat, penalty):
    a = flat.reshape(TABLES, 8)
    cosines = np.cos(a[:, :, None] * T)
    sines = np.sin(a[:, :, None] * T)
    means = cosines.mean(1)
    miss = means.prod(0) - NORMAL
    value = np.sum(WEIGHT * miss * miss)
    gradient = np.empty_like(a)
    for q in range(TABLES):
        others = np.prod(np.delete(means, q, 0), 0)
        gradient[q] = -(sines[q] * T * 2 * WEIGHT * miss * others).sum(1) / 8
    found, jacobian = moments(a)
    for k in range(3):
        wrong = found[k] / MOMENTS[k] - 1
        value += penalty * wrong * wrong
        gradient += penalty * 2 * wrong * jacobian[k] / MOMENTS[k]
    return value, gradient.ravel()


def exact_moments(a):
    for _ in range(20):
        found, jacobian = moments(a)
        step = np.linalg.lstsq(jacobian.reshape(3, -1), found - MOMENTS, rcond=None)[0]
        a = a - step.reshape(TABLES, 8)
    return a


def largest_gap(a):
    """How far the sum's distribution function is from the normal one, at most."""
    values = np.zeros(1)
    for table in a:
        values = (values[:, None] + np.concatenate([table, -table])).ravel()
    values = np.sort(values)
    steps = np.arange(values.size + 1) / values.size
    return max((norm.cdf(values) - steps[:-1]).max(), (steps[1:] - norm.cdf(values)).max())


def main(starts):
    rng = np.random.default_rng(1)
    quantiles = norm.ppf((np.arange(8) + 8.5) / 16)
    best = 1.0
    for start in range(starts):
        scales = rng.dirichlet(np.ones(TABLES) * rng.choice([1, 3, 10, 50])) ** 0.5
        a = (quantiles * scales[:, None] * (1 + 0.05 * rng.normal(size=(TABLES, 8)))).ravel()
        for penalty in (1e-4, 1e-2):
            options = {"maxiter": 600, "ftol": 1e-16, "gtol": 1e-14}
            a = minimize(distance, a, (penalty,), jac=True, method="L-BFGS-B", options=options).x
        a = exact_moments(np.sort(np.abs(a.reshape(TABLES, 8)), 1))
        gap = largest_gap(a)
        if gap < best:
            best = gap
            a = a[np.argsort(-np.mean(a**2, 1))].astype(np.float32)
            print(f"start {start}: largest gap {gap:.2e}")
            for table in a:
                print("    [" + ", ".join(np.format_float_positional(x, unique=True) for x in table) + "],")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 13)
