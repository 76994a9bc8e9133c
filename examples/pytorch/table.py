"""Wrong labels in a table: tumours, benign or malignant by 30 numbers each.

    pip install gradsieve[torch] scikit-learn cleanlab
    python table.py

The table is the breast cancer set that scikit-learn carries: 400 rows to train an MLP of
30-32-2, 169 to test it.
"""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from wrong_labels import Task, compare, influence, options

TRAIN = 400
SHOWN = ("mean radius", "mean texture", "mean concavity", "worst area")


def main():
    chosen = options(__doc__).parse_args()
    data = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.target))
    rows = torch.from_numpy(data.data[order]).float()
    y = torch.from_numpy(data.target[order])
    centre, spread = rows[:TRAIN].mean(0), rows[:TRAIN].std(0)
    x = (rows - centre) / spread
    task = Task(
        name="tumours",
        y=y[:TRAIN],
        y_test=y[TRAIN:],
        classes=2,
        make=lambda: nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2)),
        logits=lambda model, split, ids: model(x[ids if split == "train" else ids + TRAIN]),
        optimizer=lambda parameters: torch.optim.SGD(parameters, 0.05, momentum=0.9),
        epochs=20,
        batch=20,
    )
    last = compare(task, chosen.seeds, chosen.wrong, chosen.csv)
    cases = torch.arange(3)
    scores = influence(task, last, cases)
    columns = [list(data.feature_names).index(name) for name in SHOWN]

    def told(place, label):
        numbers = ", ".join(f"{name} {rows[place, column]:.4g}" for name, column in zip(SHOWN, columns))
        return f"{numbers}: {data.target_names[label]}"

    for place, case in enumerate(cases.tolist()):
        print(f"\n{told(TRAIN + case, y[TRAIN + case])}")
        ranked = np.argsort(-scores[:, place], kind="stable")
        for title, found in (("helpful", ranked[:3]), ("harmful", ranked[::-1][:3])):
            for i in found.tolist():
                wrong = ", wrong label" if last.wrong[i] else ""
                print(f"  {title} {scores[i, place]:+.3g}: {told(i, last.given[i])}{wrong}")


if __name__ == "__main__":
    main()
