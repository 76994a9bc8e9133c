"""Which training samples are harmful, odd or influential, told while a model trains.

In a PyTorch loop, around the backward pass that it has already::

    with gradsieve.watch(model) as watch:
        for x, y, ids in loader:
            each = cross_entropy(model(x), y, reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            watch.step(ids, labels=y, losses=each.detach())
            optimizer.step()
    found = watch.outliers()
    found.top(50)

A batch-mean gradient is not a per-sample gradient: what is scored here are the gradients
of single samples, taken apart from the pass over the batch.

Without torch: `Sketcher`, `Sieve`, `Detector` and `influence` take NumPy arrays, and
`OutlierDetector` has the interface of scikit-learn. `client_weights` weighs federated
clients, and `gradsieve.flower` has a strategy for Flower that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._gradsieve import (
    Detector,
    Sieve,
    Sketcher,
    Sketches,
    client_rules,
    client_weights,
    influence,
    reason_names,
)
from .estimator import OutlierDetector
from .found import Found
from .targets import Targets
from .verdicts import Verdicts

if TYPE_CHECKING:
    from .watcher import Watch

__all__ = [
    "Detector",
    "Found",
    "OutlierDetector",
    "Sieve",
    "Sketcher",
    "Sketches",
    "Targets",
    "Verdicts",
    "client_rules",
    "client_weights",
    "influence",
    "reason_names",
    "watch",
]


def watch(model: Any, dim: int = 512, **settings: Any) -> Watch:
    """Watches the gradients of a torch model's samples: see `gradsieve.watcher.Watch`."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError("watch needs torch: pip install gradsieve[torch]") from error
    from .watcher import Watch

    return Watch(model, dim, **settings)
