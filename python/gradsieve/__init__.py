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

Without torch: `Sketcher`, `Sieve`, `Detector`, `Store` and `influence` take NumPy arrays,
`OutlierDetector` has the interface of scikit-learn, and `plan` says what fits a device.
`StoreFile` and `Run` read what the program and recorded runs have on disk.
`client_weights` weighs federated clients, and `gradsieve.flower` has a strategy for
Flower that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._gradsieve import (
    Detector,
    Run,
    Sieve,
    Sketcher,
    Sketches,
    Store,
    StoreFile,
    TopK,
    client_rules,
    client_weights,
    ekfac,
    influence,
    plan,
    reason_names,
)
from .choices import Choice, Step
from .estimator import OutlierDetector
from .found import Found
from .targets import Targets
from .verdicts import Verdicts

if TYPE_CHECKING:
    from .watcher import Watch

__all__ = [
    "Choice",
    "Detector",
    "Found",
    "OutlierDetector",
    "Run",
    "Sieve",
    "Sketcher",
    "Sketches",
    "Step",
    "Store",
    "StoreFile",
    "Targets",
    "TopK",
    "Verdicts",
    "client_rules",
    "client_weights",
    "ekfac",
    "influence",
    "plan",
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
