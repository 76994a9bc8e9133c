"""Leave-one-out of softmax regression at its optimum, foretold by the program alone.

    pip install numpy scipy scikit-learn safetensors
    cargo build --release -p gradsieve-cli
    python leave_one_out.py --gradsieve target/release/gradsieve --csv leave-one-out.csv

500 of scikit-learn's digits, 650 parameters, a ridge term of 0.01: for each sample the model
is brought to its optimum without it, by Newton's steps, and the losses of 50 other digits are
compared with what they were. The program has the gradients of the samples (train.npy) and of
the targets, and for the curvature the pseudo-gradients sqrt(p)·grad(-ln p), one a sample and
class (factors.npy), or the layer's inputs and output gradients with labels drawn from the
model's prediction. Correlations are means over targets.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from figures import write
from safetensors.numpy import save_file
from scipy.linalg import cho_factor, cho_solve
from scipy.special import log_softmax, softmax
from scipy.stats import pearsonr, spearmanr
from sklearn.datasets import load_digits

TRAIN, TARGETS, CLASSES, RIDGE = 500, 50, 10, 0.01
ROWS = ["--train", "train.npy", "--target", "target.npy"]


def data():
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))[: TRAIN + TARGETS]
    x = np.hstack([digits.data[order] / 16, np.ones((len(order), 1))])
    y = digits.target[order]
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def output_gradients(weights, x, y):
    """The loss gradient of the logits."""
    return softmax(x @ weights.T, axis=1) - np.eye(CLASSES)[y]


def rows(outputs, x):
    """A gradient a sample, outputs times inputs."""
    return np.einsum("ni,nj->nij", outputs, x).reshape(len(x), -1)


def factors(weights, x):
    """sqrt(p)·grad(-ln p) of each sample and class."""
    p = softmax(x @ weights.T, axis=1)
    outputs = np.sqrt(p)[:, :, None] * (p[:, None, :] - np.eye(CLASSES))
    return np.einsum("nci,nj->ncij", outputs, x).reshape(len(x) * CLASSES, -1)


def losses(weights, x, y):
    return -log_softmax(x @ weights.T, axis=1)[np.arange(len(y)), y]


def hessian(weights, x):
    f = factors(weights, x)
    return f.T @ f / len(x) + RIDGE * np.eye(f.shape[1])


def optimum(weights, x, y, keep, solve=None):
    """Newton's steps; with `solve`, the inverse that it stands for at each of them."""
    for _ in range(100):
        gradient = (keep * output_gradients(weights, x, y).T) @ x / len(x) + RIDGE * weights
        if np.abs(gradient).max() < 1e-12:
            return weights
        step = solve or cho_factor(hessian(weights, x))
        weights = weights - cho_solve(step, gradient.ravel()).reshape(weights.shape)
    raise RuntimeError("no optimum was found")


def write_layers(path, x, outputs):
    save_file({"a.0": x.astype("f4"), "b.0": outputs.astype("f4")}, path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gradsieve", default="gradsieve", help="the program")
    parser.add_argument("--csv", help="a file for the table")
    chosen = parser.parse_args()

    x, y, x_target, y_target = data()
    weights = optimum(np.zeros((CLASSES, x.shape[1])), x, y, np.ones(TRAIN))
    at_optimum = losses(weights, x_target, y_target)
    solve = cho_factor(hessian(weights, x))
    truth = np.empty((TRAIN, TARGETS))
    for i in range(TRAIN):
        without = optimum(weights, x, y, np.arange(TRAIN) != i, solve)
        truth[i] = losses(without, x_target, y_target) - at_optimum

    curvature = ["--factors", "factors.npy", "--samples", str(TRAIN), "--lambda", str(RIDGE)]
    layers = ["--train", "train.safetensors", "--target", "target.safetensors"]
    ways = {
        "dot": ["--method", "dot"],
        "ridge; one matrix for both": ["--method", "ridge", "--lambda", str(RIDGE)],
        "ridge --factors": ["--method", "ridge", *curvature],
        "cg --factors": ["--method", "cg", *curvature],
        "auto --factors": ["--method", "auto", *curvature],
        "arnoldi --factors": ["--method", "arnoldi", *curvature[:4], "--accept-inexact"],
        "ek-fac --factors": [*layers, "--factors", "factors.safetensors", *curvature[4:]],
    }
    header = ["way", "Pearson", "Spearman", "seconds"]
    table = []
    print("  ".join(header))
    with tempfile.TemporaryDirectory() as place:
        own = output_gradients(weights, x, y)
        of_targets = output_gradients(weights, x_target, y_target)
        np.save(f"{place}/train.npy", rows(own, x).astype("f4"))
        np.save(f"{place}/target.npy", rows(of_targets, x_target).astype("f4"))
        np.save(f"{place}/factors.npy", factors(weights, x).astype("f4"))
        write_layers(f"{place}/train.safetensors", x, own)
        write_layers(f"{place}/target.safetensors", x_target, of_targets)
        draw = np.random.default_rng(1)
        p = softmax(x @ weights.T, axis=1)
        drawn = np.array([draw.choice(CLASSES, p=one) for one in p])
        write_layers(f"{place}/factors.safetensors", x, output_gradients(weights, x, drawn))
        program = chosen.gradsieve
        if Path(program).exists():
            program = str(Path(program).resolve())
        for way, arguments in ways.items():
            if "--train" not in arguments:
                arguments = [*ROWS, *arguments]
            start = time.perf_counter()
            line = [program, "influence", *arguments, "-o", "out.npy"]
            subprocess.run(line, cwd=place, check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - start
            scores = np.load(f"{place}/out.npy").astype("f8")
            pairs = list(zip(scores.T, truth.T))
            values = [np.mean([measure(a, b)[0] for a, b in pairs]) for measure in (pearsonr, spearmanr)]
            table.append([way, *(f"{value:.3f}" for value in values), f"{seconds:.2f}"])
            print(*table[-1], sep="  ", flush=True)
    write(chosen.csv, [header, *table])


if __name__ == "__main__":
    main()
