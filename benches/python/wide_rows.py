"""Ridge influence of rows that are wider than they are many: the program by inner products and by conjugate gradients, beside NumPy's own.

    python benches/python/wide_rows.py --gradsieve target/release/gradsieve

Makes gradients whose columns are of different sizes, as float32 files; NumPy reads them, widens them to float64, and solves by the same matrix of inner
products. Times are CPU seconds of one thread of NumPy, and of the whole program. `apart` is the largest difference from NumPy's influences, as a part of
their largest.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import csv
import datetime
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

DAMPINGS = (1.0, 0.1, 0.001)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gradsieve", required=True, metavar="PROGRAM", help="the program, built with --release")
    parser.add_argument("--rows", type=int, default=2000, help="training samples (%(default)s)")
    parser.add_argument("--columns", type=int, default=26506, help="parameters (%(default)s)")
    parser.add_argument("--targets", type=int, default=100, help="targets (%(default)s)")
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="where the table goes as well")
    parser.add_argument("--machine", default=platform.processor() or "unknown", help="what that file calls this machine (%(default)s)")
    return parser.parse_args()


def by_numpy(folder, damping):
    """Influences by NumPy, and its CPU seconds."""
    begin = time.process_time()
    g, v = (np.load(folder / name).astype(np.float64) for name in ("train.npy", "target.npy"))
    rows, columns = g.shape
    gram = g @ g.T
    damped = gram + damping * np.trace(gram) / columns * np.eye(rows)
    lower = np.linalg.cholesky(damped)
    solved = np.linalg.solve(lower.T, np.linalg.solve(lower, g @ v.T))
    scores = rows * solved
    np.save(folder / "numpy.npy", scores)
    return scores, time.process_time() - begin


def by_program(program, folder, method, damping):
    """Influences by the program, and its CPU seconds."""
    line = [program, "influence", "--method", method, "--damping", str(damping), "--dtype", "f64", "-o", "found.npy"]
    line += ["--train", "train.npy", "--target", "target.npy"] + (["--passes", "1000"] if method == "cg" else [])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{' '.join(line)}: {done.stderr.strip()}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return np.load(folder / "found.npy"), seconds


def main():
    given = arguments()
    program = str(pathlib.Path(given.gradsieve).resolve())
    random = np.random.default_rng(1)
    sizes = np.exp(-6.0 * np.arange(given.columns) / given.columns)
    table = [("damping", "ridge in s", "cg in s", "NumPy in s", "ridge apart", "cg apart")]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, count in (("train.npy", given.rows), ("target.npy", given.targets)):
            np.save(folder / name, (random.normal(size=(count, given.columns)) * sizes).astype(np.float32))
        for damping in DAMPINGS:
            expected, of_numpy = by_numpy(folder, damping)
            ridge, of_ridge = by_program(program, folder, "ridge", damping)
            cg, of_cg = by_program(program, folder, "cg", damping)
            apart = [f"{np.abs(found - expected).max() / np.abs(expected).max():.0e}" for found in (ridge, cg)]
            table.append((f"{damping:g}", *(f"{seconds:.1f}" for seconds in (of_ridge, of_cg, of_numpy)), *apart))
            print("  ".join(f"{name} {value}" for name, value in zip(table[0], table[-1])), flush=True)
    if given.csv:
        regime = (
            f"{given.rows} rows of {given.columns} normal numbers, columns from 1 down to exp(−6) in size; {given.targets} targets; CPU seconds of "
            "the whole program and of NumPy on one thread, which solves in float64 by the same matrix of inner products; apart from NumPy's influences "
            "by so much of their largest; cg stops at its usual residual of 0.0001"
        )
        with given.csv.open("w", newline="", encoding="utf-8") as file:
            file.write(f"# machine: {given.machine}\n# date: {datetime.date.today()}\n")
            file.write(f"# command: python benches/python/wide_rows.py --gradsieve PROGRAM --csv FILE\n# regime: {regime}\n")
            csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
