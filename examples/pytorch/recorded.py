"""What a recorded run says of each sample, against the run without that sample.

    pip install gradsieve[torch,record] scikit-learn scipy
    python recorded.py --program target/release/gradsieve --csv recorded.csv

An MLP of 64-24-10 learns 600 digits in two epochs of batches of 20, and the steps are written
down, without and with the exact curvature. The influence of each sample on the mean loss of
300 others, by data value embedding, is held against what the loss is after 60 runs, each
without one of the samples.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from figures import write
from scipy.stats import pearsonr, spearmanr
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

import gradsieve

SAMPLES, TESTED, BATCH, EPOCHS, LEFT_OUT = 600, 300, 20, 2, 60
RATES = (0.02, 0.1, 0.3)


def data():
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, y = torch.tensor(digits.data[order] / 16), torch.tensor(digits.target[order])
    return x[:SAMPLES], y[:SAMPLES], x[SAMPLES:][:TESTED], y[SAMPLES:][:TESTED]


def train(x, y, rate, without=None, directory=None, exact=False):
    """The model after the run, whose steps go to a directory, if there is one."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10)).double()
    optimizer = torch.optim.SGD(model.parameters(), rate)
    order = np.random.default_rng(3).permutation(SAMPLES)
    watch = gradsieve.watch(model, dim=64)
    if directory is not None:
        watch.record(directory, optimizer)
        watch.__enter__()
    for batch in np.array_split(order, SAMPLES // BATCH) * EPOCHS:
        ids = torch.from_numpy(batch[batch != without])
        logits = model(x[ids])
        if exact:
            watch.curvature(logits)
        optimizer.zero_grad()
        # As if the sample had no loss, not as if the batch were smaller.
        (cross_entropy(logits, y[ids], reduction="sum") / len(batch)).backward()
        if directory is not None:
            watch.step(ids)
        optimizer.step()
    watch.close()
    return model


def embedded(program, x, y, x_test, y_test, rate, exact):
    """The influence of each sample by the program, and bytes of the run a sample and epoch."""
    with tempfile.TemporaryDirectory() as place:
        model = train(x, y, rate, directory=f"{place}/run", exact=exact)
        with gradsieve.watch(model, dim=64) as watch:
            cross_entropy(model(x_test), y_test).backward()
            np.save(f"{place}/target.npy", watch.gradients(TESTED).mean(0, keepdims=True))
        files = ["--trajectory", f"{place}/run", "--target", f"{place}/target.npy", "-o", f"{place}/i.npy"]
        subprocess.run([program, "influence", "--method", "dvemb", *files], check=True, capture_output=True)
        size = sum(file.stat().st_size for file in pathlib.Path(f"{place}/run").iterdir())
        return np.load(f"{place}/i.npy")[:, 0], size // (SAMPLES * EPOCHS)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--program", default="gradsieve", help="the program: gradsieve")
    parser.add_argument("--csv", help="a file for the table")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    x, y, x_test, y_test = data()
    some = np.random.default_rng(5).choice(SAMPLES, LEFT_OUT, replace=False)
    header = ["learning rate", "curvature", "Pearson", "Spearman", "slope", "bytes a sample"]
    rows = []
    print("  ".join(header))
    for rate in RATES:
        loss = lambda without=None, rate=rate: cross_entropy(
            train(x, y, rate, without)(x_test), y_test
        ).item()
        whole = loss()
        truth = np.array([loss(int(sample)) - whole for sample in some])
        for exact in (False, True):
            found, size = embedded(chosen.program, x, y, x_test, y_test, rate, exact)
            found = found[some]
            numbers = pearsonr(found, truth)[0], spearmanr(found, truth)[0], np.polyfit(found, truth, 1)[0]
            rows.append(
                [rate, "exact" if exact else "own gradients", *(f"{number:.3f}" for number in numbers), size]
            )
            print(*rows[-1], sep="  ", flush=True)
    write(chosen.csv, [header, *rows])


if __name__ == "__main__":
    main()
