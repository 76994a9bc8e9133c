"""Golden figures for tests/all/ghost.rs: ghost.csv beside this file.

    pip install numpy && python ghost.py

Factors are small whole numbers, so that every product and sum is exact in single precision, by every route.
"""

from pathlib import Path

import numpy as np

draw = np.random.default_rng(1)
with open(Path(__file__).parent / "ghost.csv", "w") as file:

    def write(name, values):
        file.write(name + "," + ",".join(str(int(value)) for value in np.ravel(values)) + "\n")

    # Outputs, inputs, positions of the first gradient and of the second.
    for case, (outputs, inputs, t, u) in {"one": (7, 5, 1, 1), "few": (9, 11, 2, 3), "many": (6, 8, 13, 17)}.items():
        a, b = draw.integers(-5, 6, (t, inputs)), draw.integers(-5, 6, (t, outputs))
        c, d = draw.integers(-5, 6, (u, inputs)), draw.integers(-5, 6, (u, outputs))
        x, y = np.einsum("to,ti->oi", b, a), np.einsum("to,ti->oi", d, c)
        for name, values in {"a": a, "b": b, "c": c, "d": d, "sizes": (outputs, inputs, t, u)}.items():
            write(f"{case} {name}", values)
        write(f"{case} answers", (np.vdot(x, y), np.vdot(x, x), np.vdot(y, y)))
