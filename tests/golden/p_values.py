"""Golden figures of p-values, e-LOND and the simple jumper for tests/all/p_values.rs: p_values.csv beside this file.

    pip install numpy && python p_values.py

Each line is a score and what is said of it by the scores of the lines before, whose cells are found by numpy.searchsorted among their edges: uniform, the
random number of its id by splitmix64; frozen, the p-value with ties; smoothed, the one with the random number; rank, the share above it. Then a p-value of
another stream, which halfway turns too small: whether e-LOND flags it (Xu & Ramdas 2024, by its e-value), and the jumper's capital (Vovk 2021) after it at level 0.01.
"""

from pathlib import Path

import numpy as np

LINES, ALPHA, LEVEL, JUMP = 300, 0.2, 0.01, 0.01
WORD = (1 << 64) - 1
draw = np.random.default_rng(2005)


def mix(word):
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & WORD
    return word ^ word >> 31


def uniform(seed, i):
    golden = 0x9E3779B97F4A7C15
    key = mix(mix(seed + golden & WORD) ^ int.from_bytes(b"TIES"))
    return ((mix(key + (i + 1) * golden & WORD) >> 12) + 0.5) / 2**52


# In octaves: sixteen cells an octave from a quarter to 64, six octaves a cell beyond.
edges = np.concatenate([[-20, -14, -8], np.arange(-2, 6, 1 / 16), [6, 12, 18]])


# log₂ by straight lines between 33 places of an octave, in units of 2⁻¹⁶.
logarithms = np.round(65536 * np.log2(1 + np.arange(33) / 32)).astype(int)


def place(score):
    """The cell, and how much of it lies below the score."""
    if score <= 0:
        return 0, 0.0
    mantissa, exponent = np.frexp(score)
    fraction = int((2 * mantissa - 1) * 2**22)
    piece, within = fraction >> 17, fraction % 2**17
    digits = logarithms[piece] + ((logarithms[piece + 1] - logarithms[piece]) * within >> 17)
    octaves = exponent - 1 + digits / 65536
    cell = int(np.clip(np.searchsorted(edges, octaves, side="right") - 1, 0, len(edges) - 2))
    return cell, float(np.clip((octaves - edges[cell]) / (edges[cell + 1] - edges[cell]), 0, 1))


scores = np.round(2.0 ** draw.normal(1, 2.5, LINES), 3)
scores[::13] = 2.5
scores[5::60] = 0
scores[7::60] = 1e9
small = draw.random(LINES) ** np.where(np.arange(LINES) < LINES // 2, 1, 12)
other = small.astype(np.float32).astype(float)

counts = np.zeros(len(edges) - 1)
bets = np.array([-1.0, 0.0, 1.0])
capital, flags = np.full(3, 1 / 3), 0
with open(Path(__file__).parent / "p_values.csv", "w") as file:
    file.write("score,uniform,frozen,smoothed,rank,p,flagged,capital\n")
    for i, (score, p) in enumerate(zip(scores, other)):
        cell, below = place(score)
        u, n, above, own = uniform(7, i), counts.sum(), counts[cell + 1 :].sum(), counts[cell]
        frozen, smoothed = (above + own + 1) / (n + 1), (above + u * (own + 1)) / (n + 1)
        rank = (above + own * (1 - below) + u) / (n + 1)
        counts[cell] += 1

        gamma = 0.4739 / ((i + 2) * np.log(i + 2) ** 2)
        flagged = 0.5 / np.sqrt(p) >= 1 / (ALPHA * gamma * (flags + 1))
        flags += flagged

        capital = ((1 - JUMP) * capital + JUMP / 3 * capital.sum()) * (1 + bets * (p - 0.5))
        if capital.sum() >= 1 / LEVEL:
            capital = np.full(3, 1 / 3)
        figures = [score, u, frozen, smoothed, rank, p, flagged, capital.sum()]
        file.write(",".join(f"{v:.12g}" for v in figures) + "\n")
