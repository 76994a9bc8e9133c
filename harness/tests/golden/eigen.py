"""The coordinates of largest moment in the eigenbases of two layers' factors, in float64, written with matrices.

Factors are float32 values of falling scale, so that moments are apart. `widths` says how many coordinates each layer has
of the K of largest moment, and `gram` has the inner products of what is left of the samples' gradients: neither
depends on the signs of eigenvectors.

python eigen.py > eigen.json   (NumPy 2.4.6)
"""

import json

import numpy as np

rng = np.random.default_rng(11)
samples, kept = 24, 13
layers, pairs = [], []
for number, (outputs, inputs) in enumerate([(5, 7), (3, 6)]):
    sides = []
    for size in (inputs, outputs):
        mixed = rng.normal(size=(samples, size)) * 0.7 ** np.arange(size) @ rng.normal(size=(size, size))
        sides.append(mixed.astype(np.float32))
    layers.append({"outputs": outputs, "inputs": inputs, "a": sides[0].tolist(), "b": sides[1].tolist()})
    a, b = (side.astype(float) for side in sides)
    along_a = a @ np.linalg.eigh(a.T @ a)[1]
    along_b = b @ np.linalg.eigh(b.T @ b)[1]
    coordinates = np.einsum("ni,nj->nij", along_b, along_a).reshape(samples, -1)
    pairs += [(moment, number, column) for moment, column in zip((coordinates**2).sum(0), coordinates.T)]
pairs.sort(key=lambda pair: -pair[0])
assert pairs[kept - 1][0] > 1.01 * pairs[kept][0]
rows = np.stack([column for _, _, column in pairs[:kept]], axis=1)
widths = [sum(layer == number for _, layer, _ in pairs[:kept]) for number in range(2)]
print(json.dumps({"kept": kept, "layers": layers, "widths": widths, "gram": (rows @ rows.T).tolist()}))
