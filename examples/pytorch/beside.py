"""The same influence by others: dot products of gradients, by whoever computes them.

    pip install gradsieve[torch] opacus dattri bergson scikit-learn scipy
    python beside.py --csv beside.csv

An MLP of 784-64-10 (50,890 parameters) has learnt 1,500 of scikit-learn's digits, made as
large as MNIST's. Influence on 100 others is g·v at the end of training, from data to scores.
Each way runs in a process of its own, on one thread, in batches of 64; the shortest time of
some runs and the largest memory are printed, and how the scores rank the training samples
against the exact ones, as the mean of Spearman's coefficient over targets. What is not
installed is left out, and named.
"""

import argparse
import copy
import functools
import importlib.util
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from figures import write
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

TRAIN, TARGETS, BATCH, RUNS = 1500, 100, 64, 3


def data():
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x = torch.tensor(digits.images[order] / 16, dtype=torch.float32)[:, None]
    x = nn.functional.interpolate(x, (28, 28), mode="bilinear").flatten(1)
    y = torch.tensor(digits.target[order])
    return x[:TRAIN], y[:TRAIN], x[TRAIN:][:TARGETS], y[TRAIN:][:TARGETS]


def trained(x, y):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(5):
        for batch in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model


def batches(x, y):
    return zip(x.split(BATCH), y.split(BATCH))


def sketches(watch, samples, loss=cross_entropy):
    """The sketches of the gradients of some samples."""
    found = []
    for x, y in batches(*samples):
        loss(watch.model(x), y).backward()
        found.append(watch.sketch(len(y)))
    return found[0].concat(*found[1:])


def gradsieve(model, train, targets, projection="kronecker", dim=512):
    import gradsieve

    with gradsieve.watch(model, dim=dim, projection=projection, seed=1) as watch:
        return gradsieve.influence(sketches(watch, train), sketches(watch, targets), "dot")


def torch_func(model, train, targets):
    from torch.func import functional_call, grad, vmap

    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters, x, y):
        return cross_entropy(functional_call(model, parameters, (x[None],)), y[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))

    def gradients(x, y):
        return torch.cat([g.flatten(1) for g in each(parameters, x, y).values()], 1)

    aims = gradients(*targets).T
    return torch.cat([gradients(*batch) @ aims for batch in batches(*train)]).numpy()


def opacus(model, train, targets):
    from opacus import GradSampleModule

    watched = GradSampleModule(copy.deepcopy(model))

    def gradients(x, y):
        watched.zero_grad()
        cross_entropy(watched(x), y).backward()
        return torch.cat([p.grad_sample.flatten(1) for p in watched.parameters()], 1)

    aims = gradients(*targets).T
    return torch.cat([gradients(*batch) @ aims for batch in batches(*train)]).numpy()


def dattri(model, train, targets, projector=None):
    from dattri.algorithm.tracin import TracInAttributor
    from dattri.task import AttributionTask
    from torch.utils.data import DataLoader, TensorDataset

    def loss(parameters, batch):
        x, y = batch
        return cross_entropy(torch.func.functional_call(model, parameters, (x,)), y)

    task = AttributionTask(loss_func=loss, model=model, checkpoints=model.state_dict())
    attributor = TracInAttributor(
        task, weight_list=torch.ones(1), normalized_grad=False, projector_kwargs=projector
    )
    # Without a word it projects by a projector of its own.
    attributor.projector_kwargs = projector
    loaders = [DataLoader(TensorDataset(*part), batch_size=BATCH) for part in (train, targets)]
    return attributor.attribute(*loaders).detach().numpy()


def bergson_gradients(model, samples, processor, loss=cross_entropy):
    """The gradients of some samples, as bergson has them in memory."""
    from bergson import IndexConfig, InMemoryCollector
    from datasets import Dataset

    # It is for language models: they say where they are, and have sequences.
    watched = copy.deepcopy(model)
    watched.device = torch.device("cpu")
    collector = InMemoryCollector(
        model=watched,
        processor=processor,
        data=Dataset.from_dict({"length": [1] * len(samples[1])}),
        cfg=IndexConfig(run_path="unused"),
    )
    indices = torch.arange(len(samples[1])).split(BATCH)
    for at, (x, y) in zip(indices, batches(*samples)):
        with collector:
            losses = loss(watched(x[:, None])[:, 0], y, reduction="none")
            losses.sum().backward()
        collector.process_batch(at.tolist(), losses=losses)
    collector.teardown()
    return torch.cat(list(collector.gradients.values()), 1)


def bergson(model, train, targets, side=None):
    from bergson import GradientProcessor

    processor = GradientProcessor(projection_dim=side, include_bias=True)
    rows, aims = (bergson_gradients(model, part, processor) for part in (train, targets))
    return (rows @ aims.T).numpy()


def dattri_projected(model, train, targets):
    projector = {"proj_dim": 512, "proj_max_batch_size": BATCH, "proj_type": "rademacher", "device": "cpu"}
    return dattri(model, train, targets, projector)


WAYS = {
    "gradsieve, Kronecker": gradsieve,
    "gradsieve, SJLT 512": functools.partial(gradsieve, projection="sjlt"),
    "torch.func, exact": torch_func,
    "Opacus, exact": opacus,
    "bergson, exact": bergson,
    "bergson, 2 × 16 × 16": functools.partial(bergson, side=16),
    "dattri's TracIn, exact": dattri,
    "dattri's TracIn, Rademacher 512": dattri_projected,
}
NEEDS = ("opacus", "bergson", "dattri")


def measure(way, path):
    """Runs one way, and writes its scores; prints seconds and the bytes that it took more."""
    torch.set_num_threads(1)
    x, y, x_test, y_test = data()
    model = trained(x, y)
    # What is loaded when it is first wanted is nobody's gradients.
    WAYS[way](model, (x[:2], y[:2]), (x_test[:2], y_test[:2]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(RUNS):
        began = time.process_time()
        scores = WAYS[way](model, (x, y), (x_test, y_test))
        seconds.append(time.process_time() - began)
        if sum(seconds) > 20:
            break
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    np.save(path, np.asarray(scores, dtype=np.float64))
    print(min(seconds), taken * 1024)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--csv", help="a file for the table")
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.way:
        measure(*chosen.way)
        return
    header = ["way", "CPU seconds", "MB more", "Spearman against exact"]
    rows, exact = [], None
    print("  ".join(header))
    with tempfile.TemporaryDirectory() as place:
        for way in sorted(WAYS, key=lambda way: way != "torch.func, exact"):
            need = next((name for name in NEEDS if way.lower().startswith(name)), None)
            if need and importlib.util.find_spec(need) is None:
                print(f"skipped: {way}: pip install {need}")
                continue
            path = f"{place}/scores.npy"
            ran = subprocess.run(
                [sys.executable, __file__, "--way", way, path], stdout=subprocess.PIPE, text=True
            )
            if ran.returncode:
                print(f"failed: {way}")
                continue
            seconds, taken = map(float, ran.stdout.split()[-2:])
            scores = np.load(path)
            exact = scores if exact is None else exact
            ranks = np.mean([spearmanr(a, b)[0] for a, b in zip(scores.T, exact.T)])
            rows.append([way, f"{seconds:.3f}", f"{taken / 1e6:.0f}", f"{ranks:.3f}"])
            print(*rows[-1], sep="  ", flush=True)
    write(chosen.csv, [header, *rows])


if __name__ == "__main__":
    main()
