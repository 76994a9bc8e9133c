"""What it costs to watch a training step, beside the ways that users have without hooks.

    python overhead.py

For an MLP (784-64-10) and a small CNN, batches of 64, one thread: CPU time of a step by
itself, watched, and with the samples' gradients written out by torch.func; and the bytes
that the gradients of 5,000 samples take, against those of their sketches. The four are
timed in turns, after two steps that do not count, and the median of the ratios is printed.
"""

import statistics
import time

import numpy as np
import torch
from mnist import cnn
from torch import nn
from torch.nn import functional

import gradsieve

BATCH = 64
ROUNDS = 15
STEPS = 16


def models():
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    return {"MLP 784-64-10": mlp, "small CNN": cnn()}


def step(model, optimizer, x, y, watch=None, ids=None):
    each = functional.cross_entropy(model(x), y, reduction="none")
    optimizer.zero_grad()
    each.mean().backward()
    if watch is not None:
        watch.step(ids, labels=y, losses=each.detach())
    optimizer.step()


def written_out(model):
    """The gradients of a batch's samples, by torch.func."""
    from torch.func import functional_call, grad, vmap

    def loss(parameters, x, y):
        return functional.cross_entropy(functional_call(model, parameters, (x[None],)), y[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))

    def gradients(x, y):
        parameters = {name: p.detach() for name, p in model.named_parameters()}
        return torch.cat([g.flatten(1) for g in each(parameters, x, y).values()], dim=1)

    return gradients


def main():
    torch.set_num_threads(1)
    x, y, ids = torch.randn(BATCH, 1, 28, 28), torch.arange(BATCH) % 10, np.arange(BATCH)
    print("| model | parameters | watched step | step and torch.func | gradients, 5,000 | sketches, 5,000 |")
    print("|---|---|---|---|---|---|")
    for name, model in models().items():
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        parameters = sum(p.numel() for p in model.parameters())
        watch = gradsieve.watch(model, seed=1, classes=10)
        gradients = written_out(model)

        def watched(watch=watch, model=model, optimizer=optimizer):
            step(model, optimizer, x, y, watch, ids)

        def with_func(gradients=gradients, model=model, optimizer=optimizer):
            gradients(x, y)
            step(model, optimizer, x, y)

        def timed(run, steps=STEPS):
            # What ran before has the caches and the allocator's pages: two steps for them.
            run()
            run()
            start = time.process_time()
            for _ in range(steps):
                run()
            return time.process_time() - start

        ratios = []
        for _ in range(ROUNDS):
            plain = timed(lambda model=model, optimizer=optimizer: step(model, optimizer, x, y))
            with watch:
                own = timed(watched)
            ratios.append((own / plain, timed(with_func) / plain))
        own, other = (statistics.median(column) for column in zip(*ratios))
        sketch = watch.sketcher.dim
        print(
            f"| {name} | {parameters} | {own:.2f} | {other:.2f} "
            f"| {5000 * parameters * 4 / 1e6:.0f} MB | {5000 * sketch * 4 / 1e6:.1f} MB |"
        )


if __name__ == "__main__":
    main()
