"""Writes a run down, step after step, for methods that follow the trajectory."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import warnings
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Arrived = list[tuple[int, NDArray[np.float32], Optional[NDArray[np.float32]]]]
"""Of each layer its index, and inputs and deltas of a batch's samples, or their gradients."""

_STEP = re.compile(r"step-(\d+)\.safetensors")
_RUN = "run.json"
_FOLLOWED = ("momentum", "dampening", "nesterov", "weight_decay")
"""Settings of SGD that data value embedding follows."""


class Recorder:
    """A directory with one `.safetensors` file a step, and `run.json`, which names the
    optimizer: what `gradsieve influence --trajectory` reads. A file appears under its name
    when it is whole."""

    def __init__(
        self,
        directory: Union[str, os.PathLike[str]],
        optimizer: Any,
        names: list[str],
        shapes: list[tuple[int, int]],
        append: bool,
        is_mean: bool,
        fit: bool,
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
        self.curvature: list[Arrived] = []
        """What arrived for the exact curvature of the next step, class after class, if that
        was asked for."""
        self._said = False
        self.is_mean = is_mean
        self.moves = _Moves() if fit else None
        about: dict[str, Any] = {"optimizer": _about(optimizer), "reduction": "mean" if is_mean else "sum"}
        self._name(about, bool(steps))
        _check(about["optimizer"])

    def _name(self, about: dict[str, Any], is_begun: bool) -> None:
        """Writes down what takes the steps; of a run that goes on, compares it."""
        path = self.directory / _RUN
        if not is_begun:
            under_way = self.directory / f".{_RUN}.partial"
            under_way.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
            os.replace(under_way, path)
        elif path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found != about:
                raise ValueError(
                    f"expected what the run began with, {json.dumps(found)}, found {json.dumps(about)}"
                )

    def write(self, ids: NDArray[np.int64], parts: list[Arrived]) -> None:
        """Writes the next step: before the optimizer makes it."""
        if len(ids) and ids.min() < 0:
            raise ValueError(f"expected ids from 0 on in a run that is recorded, found {ids.min()}")
        rates = {float(group["lr"]) for group in self.optimizer.param_groups}
        if len(rates) != 1:
            raise ValueError(f"expected one learning rate, found {sorted(rates)}")
        rate = rates.pop() / (len(ids) if self.is_mean else 1)
        tensors = {"ids": ids, "learning_rate": np.array([rate])}
        curvature, self.curvature = self.curvature, []
        is_outer = _all_outer(parts)
        if is_outer:
            for place, index in enumerate(layer[0] for layer in parts[0]):
                inputs = np.concatenate([part[place][1] for part in parts])
                deltas = [part[place][2] for part in parts]
                tensors[f"a.{self.names[index]}"] = _with_ones(inputs, self.shapes[index][1])
                tensors[f"b.{self.names[index]}"] = np.concatenate([own for own in deltas if own is not None])
        else:
            rows = np.concatenate([whole(part, self.shapes) for part in parts])
            self._say(rows.nbytes)
            tensors["grads"] = rows
        if curvature and is_outer and _all_outer(curvature) and _have_inputs_of(curvature, parts):
            for place, index in enumerate(layer[0] for layer in parts[0]):
                deltas = [part[place][2] for part in curvature]
                outputs = np.concatenate([own for own in deltas if own is not None])
                tensors[f"factors.b.{self.names[index]}"] = outputs
        elif curvature:
            tensors["factors"] = np.concatenate([whole(part, self.shapes) for part in curvature])
        if self.moves is not None:
            products = self.moves.see(self.optimizer)
            if products is not None:
                tensors["products"] = products
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


def _all_outer(parts: list[Arrived]) -> bool:
    return all(_is_outer(*layer[1:]) for part in parts for layer in part)


def _have_inputs_of(curvature: list[Arrived], batch: list[Arrived]) -> bool:
    """Whether each class of the curvature has the inputs of the batch, sample by sample."""
    pairs = zip(curvature, itertools.cycle(batch))
    return len(curvature) % len(batch) == 0 and all(
        len(ours) == len(theirs)
        and all(one[0] == other[0] and np.array_equal(one[1], other[1]) for one, other in zip(ours, theirs))
        for ours, theirs in pairs
    )


def _about(optimizer: Any) -> dict[str, Any]:
    """The optimizer's name and settings; the learning rate stands in each step. What is
    not the same for all parameters is named as such."""
    groups = optimizer.param_groups
    about: dict[str, Any] = {"name": type(optimizer).__name__}
    varies = []
    for key in sorted(set().union(*groups) - {"params", "lr", "initial_lr", "param_names"}):
        values = [_plain(group.get(key)) for group in groups]
        if any(value != values[0] for value in values):
            varies.append(key)
        elif values[0] is not None:
            about[key] = values[0]
    if varies:
        about["varies"] = varies
    return about


def _plain(value: Any) -> Any:
    """A setting as JSON has it; None for one that it cannot have."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None


def _check(about: dict[str, Any]) -> None:
    """Says where the run is none that is followed: methods know SGD, with momentum,
    Nesterov's and weight decay, and in-run Shapley values know it plain."""
    name = about["name"]
    unfollowed = [key for key in (*_FOLLOWED, "maximize") if key in about.get("varies", ())]
    unfollowed += [key for key in ("dampening", "maximize") if about.get(key)]
    if name != "SGD" or unfollowed:
        found = name if name != "SGD" else f"SGD with {', '.join(sorted(unfollowed))}"
        if "varies" in about and name == "SGD":
            found += " that differ between its groups of parameters"
        warnings.warn(
            "data value embedding and in-run Shapley values follow SGD with one momentum and weight decay: "
            f"of a run by {found} they are not exact",
            stacklevel=4,
        )


class _Moves:
    """What the parameters did from step to step: the inner products of a step's change,
    its gradient, both of the step before, and the parameters. Copies each of them once
    more than training does."""

    def __init__(self) -> None:
        self.before: dict[Tensor, tuple[Tensor, Optional[Tensor], Optional[Tensor], Optional[Tensor]]] = {}

    def see(self, optimizer: Any) -> Optional[NDArray[np.float64]]:
        """Before a step: the products of the one before it, if that was seen."""
        products = torch.zeros(5, 5, dtype=torch.float64)
        seen, self.before = self.before, {}
        with torch.no_grad():
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                change = gradient = None
                if parameter in seen:
                    theta, gradient, *before = seen[parameter]
                    change = parameter - theta
                    products += _products([change, gradient, *before, theta]).cpu()
                now = None if parameter.grad is None else parameter.grad.detach().clone()
                self.before[parameter] = (parameter.detach().clone(), now, change, gradient)
        return products.numpy() if seen else None


def _products(vectors: list[Optional[Tensor]]) -> Tensor:
    """Inner products in f64; None stands for zeros."""
    like = next(vector for vector in vectors if vector is not None)
    rows = [torch.zeros_like(like) if vector is None else vector for vector in vectors]
    wide = torch.stack([row.reshape(-1).double() for row in rows])
    products = wide @ wide.T
    return (products + products.T) / 2
