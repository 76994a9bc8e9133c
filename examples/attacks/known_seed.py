"""What a known seed costs: gradients made so that their sketches are those of harmless ones.

    pip install numpy
    python known_seed.py --program gradsieve --csv known-seed.csv

One constructed task: 2,000 gradients of 4,096 numbers about the directions of two classes, of
which 100 are hostile and have a direction of their own. Who knows the seed knows the matrix of
the projection, R: by the sketches of the unit vectors. A hostile client takes a harmless gradient
g, keeps the least-norm gradient with its sketch, and fills up its length with the part of the
harmful direction that R maps to nothing. The detectors of the program see sketches of 512
numbers, or the norm; printed is the AUROC of the 100, where 0.5 is blind. Below 0.5 the hostile
are *more* usual than the others: a cluster of them that has become the statistic, and no success.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

P, K, ROWS, HOSTILE = 4096, 512, 2000, 100
DETECTORS = ("direction", "forest", "mahalanobis", "self-influence", "l2")


def auroc(hostile: np.ndarray, scores: np.ndarray) -> float:
    """The share of pairs of a hostile and a harmless row that are in order; half of equal ones."""
    worse, others = scores[hostile][:, None], scores[~hostile]
    return float(((worse > others) + 0.5 * (worse == others)).mean())


class Program:
    """The program, in a folder of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, *words: str) -> None:
        """Runs it, and insists that it succeeds."""
        line = [self.program, *words]
        subprocess.run(line, check=True, capture_output=True, cwd=self.folder)

    def sketches(self, rows: np.ndarray) -> np.ndarray:
        """The sketches of rows by the public seed 0."""
        np.save(self.folder / "rows.npy", rows.astype("f4"))
        self.run("sketch", "rows.npy", "-o", "sketches.npy", "--dim", str(K), "--seed", "0")
        return np.load(self.folder / "sketches.npy").astype("f8")

    def aurocs(self, hostile: np.ndarray, rows: np.ndarray, drawn: list[str]) -> list[float]:
        """The AUROC of each detector whose projection is drawn by a seed or a key."""
        np.save(self.folder / "rows.npy", rows.astype("f4"))
        found = []
        for detector in DETECTORS:
            words = ["outliers", "rows.npy", "--detector", detector, "-o", "scores.npy"]
            if detector != "l2":
                words += ["--dim", str(K), *drawn]
            if detector == "direction":
                words += ["--groups", "classes.npy"]
            self.run(*words)
            found.append(auroc(hostile, np.load(self.folder / "scores.npy")))
        return found


def main() -> None:
    """Makes the gradients, attacks, and tells what is seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="gradsieve")
    parser.add_argument("--keys", type=int, default=5, help="secret keys to take the mean over")
    parser.add_argument("--csv", type=Path, help="where the figures go")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = attack(Program(given.program, Path(folder)), given.keys)
    print("\n".join(lines))
    if given.csv:
        given.csv.write_text("\n".join(lines) + "\n")


def attack(program: Program, keys: int) -> list[str]:
    """The figures, as lines of CSV."""
    rng = np.random.default_rng(0)
    ways = rng.standard_normal((2, P))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    classes = rng.integers(0, 2, ROWS)
    noise = 1.5 / np.sqrt(P)
    honest = 2 * ways[classes] + noise * rng.standard_normal((ROWS, P))
    hostile = np.zeros(ROWS, bool)
    hostile[rng.choice(ROWS, HOSTILE, replace=False)] = True
    harmful = rng.standard_normal(P)
    harmful /= np.linalg.norm(harmful)
    plain = honest.copy()
    plain[hostile] = 2 * harmful + noise * rng.standard_normal((HOSTILE, P))

    matrix = program.sketches(np.eye(P)).T
    back = np.linalg.pinv(matrix)
    unseen = harmful - back @ (matrix @ harmful)
    unseen /= np.linalg.norm(unseen)
    hidden = honest.copy()
    for i in np.flatnonzero(hostile):
        least = back @ (matrix @ honest[i])
        left = max(0.0, honest[i] @ honest[i] - least @ least)
        hidden[i] = least + np.sqrt(left) * unseen

    np.save(program.folder / "classes.npy", classes.astype("u4"))
    secret = []
    for number in range(keys):
        program.run("key", "new", f"{number}.key")
        secret.append(program.aurocs(hostile, hidden, ["--key", f"{number}.key"]))
    figures = [
        ("do not hide", "seed 0", program.aurocs(hostile, plain, ["--seed", "0"])),
        ("hide from seed 0", "seed 0", program.aurocs(hostile, hidden, ["--seed", "0"])),
        ("hide from seed 0", "a secret key", list(np.mean(secret, axis=0))),
    ]
    lines = ["hostile gradients,sketched with," + ",".join(DETECTORS)]
    for way, drawn, found in figures:
        lines.append(",".join([way, drawn, *(f"{x:.3f}" for x in found)]))
    return lines


if __name__ == "__main__":
    main()
