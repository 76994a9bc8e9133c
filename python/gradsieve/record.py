"""Writes a run down, step after step, for methods that follow the trajectory."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

Arrived = list[tuple[int, NDArray[np.float32], Optional[NDArray[np.float32]]]]
"""Of each layer its index, and inputs and deltas of a batch's samples, or their gradients."""

_STEP = re.compile(r"step-(\d+)\.safetensors")


class Recorder:
    """A directory with one `.safetensors` file a step: what `gradsieve influence
    --trajectory` reads. A file appears under its name when it is whole."""

    def __init__(
        self,
        directory: Union[str, os.PathLike[str]],
        optimizer: Any,
        names: list[str],
        shapes: list[tuple[int, int]],
        append: bool,
    ) -> None:
        try:
            import safetensors.numpy
        except ImportError as error:
            raise ImportError("record needs safetensors: pip install gradsieve[record]") from error
        self._save = safetensors.numpy.save_file
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        found = (_STEP.fullmatch(name) for name in os.listdir(self.directory))
        steps = [int(step[1]) for step in found if step]
        if steps and not append:
            raise FileExistsError(
                f"expected a directory without steps, found {len(steps)} in {self.directory}: "
                "append=True goes on behind them"
            )
        self.next = max(steps, default=-1) + 1
        self.optimizer = optimizer
        # The layers of a run stand in the order of their names.
        self.names = [f"{index:04}.{name}" for index, name in enumerate(names)]
        self.shapes = shapes
        self.factors: Optional[NDArray[np.float32]] = None
        """The curvature of the next step, if it was asked for."""
        self._said = False
        _check(optimizer)

    def write(self, ids: NDArray[np.int64], parts: list[Arrived], is_mean: bool) -> None:
        """Writes the next step: before the optimizer makes it."""
        if len(ids) and ids.min() < 0:
            raise ValueError(f"expected ids from 0 on in a run that is recorded, found {ids.min()}")
        rates = {float(group["lr"]) for group in self.optimizer.param_groups}
        if len(rates) != 1:
            raise ValueError(f"expected one learning rate, found {sorted(rates)}")
        rate = rates.pop() / (len(ids) if is_mean else 1)
        tensors = {"ids": ids, "learning_rate": np.array([rate])}
        if all(_is_outer(*layer[1:]) for part in parts for layer in part):
            for place, index in enumerate(layer[0] for layer in parts[0]):
                inputs = np.concatenate([part[place][1] for part in parts])
                deltas = [part[place][2] for part in parts]
                tensors[f"a.{self.names[index]}"] = _with_ones(inputs, self.shapes[index][1])
                tensors[f"b.{self.names[index]}"] = np.concatenate([own for own in deltas if own is not None])
        else:
            rows = np.concatenate([whole(part, self.shapes) for part in parts])
            self._say(rows.nbytes)
            tensors["grads"] = rows
        if self.factors is not None:
            tensors["factors"], self.factors = self.factors, None
        name = f"step-{self.next:06}.safetensors"
        under_way = self.directory / f".{name}.partial"
        contiguous = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
        try:
            self._save(contiguous, under_way)
            os.replace(under_way, self.directory / name)
        except BaseException:
            under_way.unlink(missing_ok=True)
            raise
        self.next += 1

    def _say(self, size: int) -> None:
        if not self._said:
            self._said = True
            warnings.warn(
                f"a layer has no factors of one position a sample: whole gradients are recorded, {size} "
                "bytes a step",
                stacklevel=4,
            )


def whole(part: Arrived, shapes: list[tuple[int, int]]) -> NDArray[np.float32]:
    """The gradients of a batch's samples, written out: layer after layer, each outputs ×
    inputs, a bias being one more input."""
    rows = []
    for index, inputs, deltas in part:
        if deltas is not None:
            samples = len(inputs)
            outputs, width = shapes[index]
            inputs = _with_ones(inputs.reshape(samples, -1, inputs.shape[-1]), width)
            deltas = deltas.reshape(samples, -1, outputs)
            inputs = np.einsum("bto,bti->boi", deltas, inputs)
        rows.append(inputs.reshape(len(inputs), -1))
    return np.concatenate(rows, axis=1, dtype=np.float32)


def _with_ones(inputs: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Inputs, and behind them a 1 where the layer has one input more."""
    if inputs.shape[-1] == width:
        return inputs
    return np.concatenate([inputs, np.ones((*inputs.shape[:-1], 1), np.float32)], axis=-1)


def _is_outer(inputs: NDArray[np.float32], deltas: Optional[NDArray[np.float32]]) -> bool:
    return deltas is not None and inputs.ndim == 2 and deltas.ndim == 2


def _check(optimizer: Any) -> None:
    """Says where the run is none that is followed: methods know plain SGD alone."""
    name = type(optimizer).__name__
    settings = ("momentum", "weight_decay", "dampening", "nesterov")
    given = {key for group in optimizer.param_groups for key in settings if group.get(key)}
    if name != "SGD" or given:
        found = name if name != "SGD" else f"SGD with {', '.join(sorted(given))}"
        warnings.warn(
            f"data value embedding and in-run Shapley values follow plain SGD: of a run by {found} they "
            "are not exact",
            stacklevel=3,
        )
