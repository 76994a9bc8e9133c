"""Loss and gradient of one sample for small ReLU networks, in float64, written with matrices.

Softmax cross-entropy; parameters layer by layer from the input, weights (outputs x inputs, row-major)
and then biases. Inputs and parameters are float32 values, so that both sides start from the same numbers.

python gradients.py > gradients.json   (NumPy 2.4.6)
"""

import json

import numpy as np

rng = np.random.default_rng(7)
cases = []
for inputs, hidden, classes in [(3, [], 2), (5, [], 4), (6, [4], 3), (20, [33, 17], 10), (4, [8, 8, 8], 2)]:
    widths = [inputs, *hidden, classes]
    shapes = list(zip(widths[1:], widths[:-1]))
    weights = [rng.normal(0, 0.7, s).astype(np.float32).astype(float) for s in shapes]
    biases = [rng.normal(0, 0.3, s[0]).astype(np.float32).astype(float) for s in shapes]
    x = rng.normal(size=inputs).astype(np.float32).astype(float)
    label = int(rng.integers(classes))

    activations = [x]
    for number, (w, c) in enumerate(zip(weights, biases)):
        z = w @ activations[-1] + c
        activations.append(z if number == len(weights) - 1 else np.maximum(z, 0))
    z = activations[-1]
    log_p = z - z.max() - np.log(np.exp(z - z.max()).sum())
    delta = np.exp(log_p) - np.eye(classes)[label]
    parts = []
    for w, a in zip(reversed(weights), reversed(activations[:-1])):
        parts = [np.outer(delta, a).ravel(), delta, *parts]
        delta = (w.T @ delta) * (a > 0)
    flat = [part for w, c in zip(weights, biases) for part in (w.ravel(), c)]
    cases.append(
        {
            "inputs": inputs,
            "hidden": hidden,
            "classes": classes,
            "x": x.tolist(),
            "label": label,
            "parameters": np.concatenate(flat).tolist(),
            "loss": -log_p[label],
            "gradient": np.concatenate(parts).tolist(),
        }
    )
print(json.dumps(cases))
