"""The coordinates of largest moment in the eigenbases of two layers' factors, in float64, written with matrices.

Factors are float32 values of falling scale, so that moments are apart; samples differ in length, too, so that sums of
absolute values or products of eigenvalues, which are no moments, would choose other coordinates. `widths` says how many
coordinates each layer has of the K of largest moment, and `gram` has the inner products of what is left of the samples'
gradients: neither depends on the signs of eigenvectors.

python eigen.py > eigen.json   (NumPy 2.4.6)
"""

import json

import numpy as np

rng = np.random.default_rng(11)
samples, kept = 24, 13
layers, columns, owners = [], [], []
moments, absolute, eigenvalues = [], [], []
for number, (outputs, inputs) in enumerate([(5, 7), (3, 6)]):
    sides = []
    for size in (inputs, outputs):
        mixed = rng.normal(size=(samples, size)) * 0.7 ** np.arange(size) @ rng.normal(size=(size, size))
        sides.append((mixed * np.exp(rng.normal(size=(samples, 1)))).astype(np.float32))
    layers.append({"outputs": outputs, "inputs": inputs, "a": sides[0].tolist(), "b": sides[1].tolist()})
    a, b = (side.astype(float) for side in sides)
    (of_a, basis_a), (of_b, basis_b) = np.linalg.eigh(a.T @ a), np.linalg.eigh(b.T @ b)
    coordinates = np.einsum("ni,nj->nij", b @ basis_b, a @ basis_a).reshape(samples, -1)
    columns += list(coordinates.T)
    owners += [number] * outputs * inputs
    moments += list((coordinates**2).sum(0))
    absolute += list(np.abs(coordinates).sum(0))
    eigenvalues += list(np.outer(of_b, of_a).ravel())


def gram(ranking):
    """Inner products of the samples' coordinates that rank first."""
    rows = np.stack([columns[i] for i in np.argsort(ranking)[::-1][:kept]], axis=1)
    return rows @ rows.T


largest = np.argsort(moments)[::-1]
assert moments[largest[kept - 1]] > 1.01 * moments[largest[kept]]
expected = gram(moments)
for other in (absolute, eigenvalues):
    assert np.abs(gram(other) - expected).max() > 1e-3 * np.abs(expected).max()
widths = [sum(owners[i] == layer for i in largest[:kept]) for layer in range(2)]
print(json.dumps({"kept": kept, "layers": layers, "widths": widths, "gram": expected.tolist()}))
