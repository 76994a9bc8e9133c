"""Watches the samples of Hugging Face's Trainer.

    from gradsieve.huggingface import WatchCallback

    watched = WatchCallback(id="id", dim=512)
    trainer = Trainer(model, args, train_dataset=dataset, callbacks=[watched])
    trainer.train()
    watched.outliers().top(50)

The dataset has a column of whole numbers that name its samples, here "id", and the
arguments `remove_unused_columns=False`, or the Trainer takes it away. The model does not
see it: a hook, which stays on the model, takes it out of what the model is called with.
"""

from __future__ import annotations

import warnings
from typing import Any, Optional

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from .found import Found
from .watcher import Watch

__all__ = ["WatchCallback"]


class WatchCallback(TrainerCallback):
    """Judges each sample after the backward pass of its batch.

    `id` is the argument that names samples, `settings` are those of `gradsieve.watch`. The
    model's argument `labels` gives classes, and its `logits` the losses of samples, where
    there is one label a sample. Gradients that are accumulated count as those of single
    batches.

    In a run of several processes each has a callback of its own, with what it saw: give
    them one `seed`, and put them together by `watch.merge`.
    """

    def __init__(self, id: str = "id", **settings: Any) -> None:
        self.id = id
        self.settings = settings
        self.watch: Optional[Watch] = None
        self._taker: Optional[RemovableHandle] = None
        self._answers: Optional[RemovableHandle] = None
        self._ids: Optional[Tensor] = None
        self._labels: Optional[Tensor] = None
        self._losses: Optional[Tensor] = None

    def outliers(self) -> Found:
        """A score for each sample, over all visits."""
        if self.watch is None:
            raise RuntimeError("expected a Trainer that was run, found none")
        return self.watch.outliers()

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Optional[nn.Module] = None,
        **others: Any,
    ) -> None:
        """Puts hooks on the model; a second run goes on with what the first has found."""
        assert model is not None
        if args.fp16:
            warnings.warn(
                "fp16 scales gradients by a power of two that changes in a run, and so are norms here: "
                "bf16 does not",
                stacklevel=2,
            )
        if self.watch is None:
            self.watch = Watch(model, **self.settings)
        self.watch.__enter__()
        if self._taker is None:
            self._taker = model.register_forward_pre_hook(self._called, with_kwargs=True, prepend=True)
        self._answers = model.register_forward_hook(self._answered)

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After a backward pass whose gradients go on to be accumulated."""
        self._step(args)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """After the last backward pass before a step."""
        self._step(args)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Takes the hooks of the watch off the model. What was found stays."""
        if self._answers is not None:
            self._answers.remove()
            self._answers = None
        if self.watch is not None:
            self.watch.close()

    def _called(self, model: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Takes the ids out of what the model is called with."""
        ids = named.pop(self.id, None)
        if self._answers is not None and torch.is_grad_enabled() and model.training:
            if ids is None:
                raise ValueError(
                    f"expected samples with a column {self.id!r} of whole numbers, found "
                    f"{', '.join(named)}: is remove_unused_columns=False?"
                )
            self._ids, self._losses = ids, None
            labels = named.get("labels")
            is_class = isinstance(labels, Tensor) and labels.ndim == 1 and not labels.is_floating_point()
            self._labels = labels if is_class else None
        return inputs, named

    def _answered(self, model: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """The losses of samples, where the answer has a row of logits for each."""
        logits = getattr(output, "logits", None)
        if self._labels is None or logits is None or logits.ndim != 2 or not torch.is_grad_enabled():
            return
        with torch.no_grad():
            rows = logits.detach().float()
            self._losses = nn.functional.cross_entropy(rows, self._labels, reduction="none")

    def _step(self, args: TrainingArguments) -> None:
        if self.watch is None or self._ids is None:
            return
        ids, self._ids = self._ids, None
        scale = 1 / args.gradient_accumulation_steps
        self.watch.step(ids, labels=self._labels, losses=self._losses, scale=scale)
