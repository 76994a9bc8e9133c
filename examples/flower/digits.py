"""Digits, shared out among twenty clients of whom six are hostile: what they train, and what
the hostile send instead. `attacks.py` runs it."""

import functools

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from sklearn.datasets import load_digits

CLIENTS, HOSTILE = 20, 6
WIDTHS = (64, 64, 10)
TEST, TRUSTED = 360, 100
EPOCHS, BATCH, RATE = 2, 10, 0.1
ATTACKS = ("none", "noise", "sign-flip", "label-flip", "alie", "inner-product", "min-max")


@functools.cache
def data(alpha):
    """Test and trusted samples, and a part for each client."""
    digits = load_digits()
    draw = np.random.default_rng(0)
    order = draw.permutation(len(digits.target))
    x, y = (digits.data[order] / 16).astype(np.float32), digits.target[order]
    test, trusted = (x[:TEST], y[:TEST]), (x[TEST : TEST + TRUSTED], y[TEST : TEST + TRUSTED])
    parts = [[] for _ in range(CLIENTS)]
    for label in range(10):
        own = np.flatnonzero(y[TEST + TRUSTED :] == label) + TEST + TRUSTED
        shares = draw.dirichlet(np.full(CLIENTS, alpha))
        for part, some in zip(parts, np.split(own, (np.cumsum(shares)[:-1] * len(own)).astype(int))):
            part.extend(some)
    # Nobody is without samples.
    spare = max(parts, key=len)
    for part in parts:
        while len(part) < BATCH:
            part.append(spare.pop())
    return test, trusted, [(x[part], y[part]) for part in parts]


def first_model():
    draw = np.random.default_rng(1)
    pairs = zip(WIDTHS, WIDTHS[1:])
    layers = [(draw.normal(size=(a, b)) * np.sqrt(2 / a), np.zeros(b)) for a, b in pairs]
    return [array.astype(np.float32) for layer in layers for array in layer]


def logits(model, x):
    hidden = np.maximum(x @ model[0] + model[1], 0)
    return hidden, hidden @ model[2] + model[3]


def trained(model, x, y, seed):
    """The model after some epochs of SGD on the cross-entropy."""
    model = [array.copy() for array in model]
    draw = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        for batch in np.array_split(draw.permutation(len(y)), -(-len(y) // BATCH)):
            hidden, out = logits(model, x[batch])
            delta = np.exp(out - out.max(1, keepdims=True))
            delta /= delta.sum(1, keepdims=True)
            delta[np.arange(len(batch)), y[batch]] -= 1
            delta /= len(batch)
            back = (delta @ model[2].T) * (hidden > 0)
            for array, change in zip(model, (x[batch].T @ back, back.sum(0), hidden.T @ delta, delta.sum(0))):
                array -= (RATE * change).astype(np.float32)
    return model


def update(model, client, server_round, alpha, flipped=False):
    x, y = data(alpha)[2][client]
    after = trained(model, x, 9 - y if flipped else y, (client, server_round))
    return np.concatenate([(a - b).ravel() for a, b in zip(after, model)])


def hostile_update(attack, model, client, server_round, alpha):
    """What hostile client `client` sends, who knows all that the honest send."""
    if attack == "none":
        return update(model, client, server_round, alpha)
    if attack == "label-flip":
        return update(model, client, server_round, alpha, flipped=True)
    honest = np.stack([update(model, other, server_round, alpha) for other in range(HOSTILE, CLIENTS)])
    mean, spread = honest.mean(0), honest.std(0)
    draw = np.random.default_rng((client, server_round, 2))
    if attack == "noise":
        return 5 * np.linalg.norm(mean) / np.sqrt(len(mean)) * draw.normal(size=len(mean))
    if attack == "sign-flip":
        return -3 * update(model, client, server_round, alpha)
    if attack == "alie":  # Baruch et al. 2019: as far from the mean as supporters allow.
        return mean - 0.7 * spread
    if attack == "inner-product":  # Xie et al. 2020: a small step backwards.
        return -0.5 * mean
    # Min-Max, Shejwalkar & Houmansadr 2021: as far as the honest are from each other.
    widest = max(np.linalg.norm(one - other) for one in honest for other in honest)
    low, high = 0.0, 100.0
    for _ in range(30):
        middle = (low + high) / 2
        farthest = np.linalg.norm(honest - (mean - middle * spread), axis=1).max()
        low, high = (middle, high) if farthest <= widest else (low, middle)
    return mean - low * spread


def record(model):
    return ArrayRecord({str(place): Array(array) for place, array in enumerate(model)})


def arrays(found):
    return [found[str(place)].numpy() for place in range(2 * (len(WIDTHS) - 1))]


client_app = ClientApp()


@client_app.train()
def train(message, context):
    client = context.node_config["partition-id"]
    config, model = message.content["config"], arrays(message.content["arrays"])
    make = hostile_update if client < HOSTILE else lambda attack, *rest: update(*rest)
    moved = make(config["attack"], model, client, config["server-round"], config["alpha"])
    sizes = np.cumsum([array.size for array in model])[:-1]
    after = [array + part.reshape(array.shape) for array, part in zip(model, np.split(moved, sizes))]
    sent = record([array.astype(np.float32) for array in after])
    metrics = MetricRecord({"num-examples": len(data(config["alpha"])[2][client][1])})
    return Message(RecordDict({"arrays": sent, "metrics": metrics}), reply_to=message)
