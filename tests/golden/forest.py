"""Golden figures of scikit-learn's IsolationForest for tests/all/forest.rs: forest_rows.csv and forest_seeds.csv beside this file.

    pip install numpy scikit-learn && python forest.py

The rows: 300 of 8 columns, 15 of them planted outliers. Column 6 is constant and column 7 takes few values, so that nodes
with constant features occur; rows 290 to 299 are one row ten times over, so that leaves of equal rows occur.
"""

from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest

SEEDS, ROWS, COLUMNS, OUTLIERS = 20, 300, 8, 15
here = Path(__file__).parent

draw = np.random.default_rng(2008)
rows = draw.normal(size=(ROWS, COLUMNS)) * [1, 1, 2, 0.1, 1, 5, 0, 1]
rows[:, 6] = 3
rows[:OUTLIERS, :6] *= 2.2
rows[:, 7] = np.round(rows[:, 7])
rows[290:] = rows[290]
rows = np.array([[float(f"{value:.4f}") for value in row] for row in rows], dtype=np.float32)
outlier = np.arange(ROWS) < OUTLIERS


def auroc(scores):
    """The chance that an outlier scores above another row, ties counted half."""
    above = scores[outlier][:, None] - scores[~outlier][None, :]
    return np.mean((above > 0) + 0.5 * (above == 0))


scores = np.array([-IsolationForest(random_state=seed).fit(rows).score_samples(rows) for seed in range(SEEDS)])

with open(here / "forest_rows.csv", "w") as file:
    file.write("outlier,x0,x1,x2,x3,x4,x5,x6,x7,mean,sd\n")
    for flag, row, mean, sd in zip(outlier, rows, scores.mean(0), scores.std(0, ddof=1)):
        values = ",".join(f"{value:.4f}" for value in row)
        file.write(f"{int(flag)},{values},{mean:.9f},{sd:.9f}\n")
with open(here / "forest_seeds.csv", "w") as file:
    file.write("seed,auroc,mean_score\n")
    for seed in range(SEEDS):
        file.write(f"{seed},{auroc(scores[seed]):.9f},{scores[seed].mean():.9f}\n")
