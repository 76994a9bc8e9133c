"""AUROC, average precision and Spearman's correlation as scikit-learn and SciPy compute them.

python measures.py > measures.json   (scikit-learn 1.9.1, SciPy 1.17.1)
"""

import json

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

rng = np.random.default_rng(20240531)
cases = []
for samples, levels in [(10, None), (50, None), (50, 6), (200, 20), (400, 3), (1258, None)]:
    truth = rng.random(samples) < 0.25
    truth[0], truth[1] = True, False
    scores = rng.normal(size=samples) + truth
    other = scores + rng.normal(size=samples)
    if levels:  # few distinct values: many ties
        scores, other = np.round(scores * levels / 8), np.round(other * levels / 8)
    fpr, tpr, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    cases.append(
        {
            "scores": scores.tolist(),
            "other": other.tolist(),
            "truth": truth.tolist(),
            "auroc": roc_auc_score(truth, scores),
            "average_precision": average_precision_score(truth, scores),
            "spearman": spearmanr(scores, other).statistic,
            "roc": np.stack([thresholds[1:], fpr[1:], tpr[1:]], 1).tolist() if samples <= 50 else None,
        }
    )
print(json.dumps(cases))
