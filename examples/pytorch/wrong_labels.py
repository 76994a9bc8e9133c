"""What the examples with wrong labels share: rankings of the training samples, and what
is won by leaving out those that a ranking has first.

A share of the training labels is replaced by another class. Rankings: the mean of the
sieve's scores over all visits, direction over the sketches of the last visits, the mean
loss over all visits, the loss after training; and from five trainings that each leave out
a fifth, the loss of the model that has not seen the sample, and what cleanlab makes of
those models' probabilities. Then the model is trained anew without the samples that a
ranking has first, as many as there are wrong labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import gradsieve

FOLDS = 5
LEARNT = 500
"""Samples of a forward pass that learns nothing."""


@dataclass
class Task:
    """A classifier, what it learns and what it is tested on."""

    name: str
    y: Tensor
    """The true classes of the training samples."""
    y_test: Tensor
    classes: int
    make: Callable[[], nn.Module]
    logits: Callable[[nn.Module, str, Tensor], Tensor]
    """Of a model, for rows of "train" or "test"."""
    optimizer: Callable[[Any], torch.optim.Optimizer]
    epochs: int
    batch: int
    dim: int = 512


@dataclass
class Trained:
    """A model, and what was seen while it was trained."""

    model: nn.Module
    losses: np.ndarray
    """The sum of each sample's losses over all visits."""
    watch: Optional[gradsieve.watcher.Watch]


def train(task: Task, labels: Tensor, rows: Tensor, seed: int, watched: bool = False) -> Trained:
    """Trains on some rows."""
    torch.manual_seed(seed)
    model = task.make()
    model.train()
    optimizer = task.optimizer([p for p in model.parameters() if p.requires_grad])
    losses = torch.zeros(len(labels))
    watch = None
    if watched:
        half_life = len(rows) * task.epochs // 10
        watch = gradsieve.watch(
            model, task.dim, seed=seed, classes=task.classes, half_life=half_life, keep=True
        )
        watch.__enter__()
    for _ in range(task.epochs):
        for places in torch.randperm(len(rows)).split(task.batch):
            ids = rows[places]
            each = functional.cross_entropy(task.logits(model, "train", ids), labels[ids], reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            if watch is not None:
                watch.step(ids, labels=labels[ids], losses=each.detach())
            optimizer.step()
            losses[ids] += each.detach()
    if watch is not None:
        watch.close()
    model.eval()
    return Trained(model, losses.numpy(), watch)


@torch.no_grad()
def log_probabilities(task: Task, model: nn.Module, split: str, rows: Tensor) -> np.ndarray:
    parts = [task.logits(model, split, part) for part in rows.split(LEARNT)]
    return functional.log_softmax(torch.cat(parts), 1).numpy()


def accuracy(task: Task, model: nn.Module) -> float:
    """The share of test samples that are classified rightly, in percent."""
    found = log_probabilities(task, model, "test", torch.arange(len(task.y_test))).argmax(1)
    return 100 * float((found == task.y_test.numpy()).mean())


def auroc(scores: np.ndarray, wrong: np.ndarray) -> float:
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = wrong.sum()
    over = ranks[wrong].sum() - positives * (positives + 1) / 2
    return float(over / (positives * (len(wrong) - positives)))


def out_of_fold(task: Task, labels: Tensor, seed: int) -> np.ndarray:
    """Log probabilities under models that have not seen the sample."""
    found = np.zeros((len(labels), task.classes), np.float32)
    folds = torch.arange(len(labels)) % FOLDS
    for fold in range(FOLDS):
        model = train(task, labels, torch.nonzero(folds != fold)[:, 0], seed).model
        held = torch.nonzero(folds == fold)[:, 0]
        found[held.numpy()] = log_probabilities(task, model, "train", held)
    return found


def by_cleanlab(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The samples that cleanlab holds for issues first, both parts by its quality."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    issues = find_label_issues(labels, probabilities, n_jobs=1)
    return issues - get_label_quality_scores(labels, probabilities, method="normalized_margin")


def replaced(task: Task, share: float, seed: int) -> tuple[Tensor, np.ndarray]:
    """Labels of which a share is wrong, and which are."""
    random = np.random.default_rng(1000 + seed)
    wrong = random.random(len(task.y)) < share
    other = (task.y + torch.from_numpy(random.integers(1, task.classes, len(task.y)))) % task.classes
    return torch.where(torch.from_numpy(wrong), other, task.y), wrong


@dataclass
class Run:
    """A seed's rows of the table, and what was trained for them."""

    rows: dict[str, tuple[float, float, float]]
    """AUROC, share of wrong among those left out, accuracy after."""
    given: Tensor
    wrong: np.ndarray
    watched: Trained
    scores: dict[str, np.ndarray] = field(default_factory=dict)


def run(task: Task, share: float, seed: int) -> Run:
    everything = torch.arange(len(task.y))
    given, wrong = replaced(task, share, seed)
    watched = train(task, given, everything, seed, watched=True)
    labels, watch = given.numpy(), watched.watch
    assert watch is not None
    found = watch.outliers()
    ids, sketches = watch.kept()
    detector = gradsieve.Detector("direction", sketches.dim, task.classes)
    groups = labels[ids].astype(np.uint32)
    detector.observe(sketches, groups)
    mean_score, direction = np.empty(len(labels)), np.empty(len(labels))
    mean_score[found.ids] = found.scores
    direction[ids] = detector.score(sketches, groups)
    own = np.arange(len(labels)), labels
    unseen = out_of_fold(task, given, seed)
    scores = {
        "sieve: mean over visits": mean_score,
        "direction: last visits": direction,
        "mean loss over visits": watched.losses,
        "loss at the end": -log_probabilities(task, watched.model, "train", everything)[own],
        "loss out of fold": -unseen[own],
        "cleanlab": by_cleanlab(labels, np.exp(unseen)),
    }
    # A watch leaves the model and its bits as they are.
    rows = {"nothing left out": (np.nan, np.nan, accuracy(task, watched.model))}
    count = int(wrong.sum())
    for name, values in scores.items():
        worst = np.argsort(-values, kind="stable")[:count]
        kept = np.ones(len(labels), bool)
        kept[worst] = False
        again = train(task, given, everything[torch.from_numpy(kept)], seed).model
        rows[name] = (auroc(values, wrong), float(wrong[worst].mean()), accuracy(task, again))
    again = train(task, given, everything[torch.from_numpy(~wrong)], seed).model
    rows["the wrong labels left out"] = (1.0, 1.0, accuracy(task, again))
    return Run(rows, given, wrong, watched, scores)


def influence(task: Task, run: Run, cases: Tensor) -> np.ndarray:
    """Of all training samples on test samples: (training samples, cases)."""
    watch = run.watched.watch
    assert watch is not None
    with watch:
        logits = task.logits(run.watched.model, "test", cases)
        functional.cross_entropy(logits, task.y_test[cases]).backward()
        targets = watch.sketch(len(cases))
    ids, train = watch.kept()
    scores = np.empty((len(ids), len(cases)))
    scores[ids] = gradsieve.influence(train, targets, "ridge")
    return scores


def options(text: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how many runs [default: 5]")
    parser.add_argument("--wrong", type=float, default=0.2, help="share of wrong labels [default: 0.2]")
    parser.add_argument("--csv", help="write the table of means here")
    return parser


def compare(task: Task, seeds: int, share: float, csv: Optional[str] = None) -> Run:
    """Runs all seeds, prints the table, and returns the last run."""
    runs = []
    for seed in range(seeds):
        runs.append(run(task, share, seed))
        print(f"{task.name}, run {seed + 1} of {seeds}", flush=True)
    lines = ["ranking,auroc,wrong among those left out in %,test accuracy in %,lowest,highest"]
    for name in runs[0].rows:
        area, part, right = (np.array([run.rows[name][i] for run in runs]) for i in range(3))
        cells = "," if np.isnan(area).any() else f"{area.mean():.4f},{100 * part.mean():.1f}"
        lines.append(f"{name},{cells},{right.mean():.2f},{right.min():.2f},{right.max():.2f}")
    print(f"\n{100 * share:.0f} % wrong labels, means of {seeds} runs")
    print("\n".join(lines))
    if csv:
        with open(csv, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    return runs[-1]
