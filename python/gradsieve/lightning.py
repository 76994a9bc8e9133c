"""Watches the samples of Lightning's Trainer.

from gradsieve.lightning import WatchCallback

watched = WatchCallback(ids=lambda batch: batch[2], labels=lambda batch: batch[1])
trainer = Trainer(max_epochs=5, callbacks=[watched])
trainer.fit(module, loader)
watched.outliers().top(50)
"""

from __future__ import annotations

from typing import Any, Callable, Optional

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    from pytorch_lightning import (  # type: ignore[assignment, unused-ignore]
        Callback,
        LightningModule,
        Trainer,
    )

from .found import Found
from .watcher import Watch

__all__ = ["WatchCallback"]


class WatchCallback(Callback):
    """Judges each sample after the backward pass of its batch.

    `ids` says which of a batch are the whole numbers that name samples, `labels` which are
    their classes. `settings` are those of `gradsieve.watch`. Gradients that are accumulated
    count as those of single batches. The module's loss is a mean over samples, unless
    `reduction="sum"`. Optimisation by hand is not watched.

    In a run of several processes each has a callback of its own, with what it saw: give
    them one `seed`, and put them together by `watch.merge`.
    """

    def __init__(
        self,
        ids: Callable[[Any], Any],
        labels: Optional[Callable[[Any], Any]] = None,
        **settings: Any,
    ) -> None:
        self.ids = ids
        self.labels = labels
        self.settings = settings
        self.watch: Optional[Watch] = None
        self._batch: Optional[Any] = None

    def outliers(self) -> Found:
        """A score for each sample, over all visits."""
        if self.watch is None:
            raise RuntimeError("expected a Trainer that was run, found none")
        return self.watch.outliers()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Puts hooks on the module; a second run goes on with what the first has found."""
        if not pl_module.automatic_optimization:
            raise ValueError("expected a module with automatic optimisation, found one without it")
        if self.watch is None:
            self.watch = Watch(pl_module, **self.settings)
        self.watch.__enter__()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Remembers the batch whose backward pass comes."""
        self._batch = batch

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judges the samples of the batch."""
        if self.watch is None or self._batch is None:
            return
        batch, self._batch = self._batch, None
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        scale = 1.0 if scaler is None else float(scaler.get_scale())
        labels = None if self.labels is None else self.labels(batch)
        self.watch.step(self.ids(batch), labels=labels, scale=scale / trainer.accumulate_grad_batches)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes the hooks off the module. What was found stays."""
        if self.watch is not None:
            self.watch.close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """The same when a run breaks off."""
        self.on_train_end(trainer, pl_module)
