"""The samples' gradients of a module that no factors are known of: the module is run again
on each sample's own input, and differentiated by its own parameters.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Optional

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from .layers import Layer

transforms: Any
"""torch.func, where torch has it; the older way to call a module with other parameters."""
try:
    transforms = import_module("torch.func")
except ImportError:
    transforms = import_module("torch.nn.utils.stateless")

ENTRIES = 1 << 22
"""Numbers of gradients that are written out at a time."""


class Function(Layer):
    """A module of any kind, with the parameters that are its own.

    Of `MultiheadAttention`, which reads its children's weights itself, also those.
    """

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module
        whole = is_whole(module)
        self.main = 3 if whole else 1
        """How many of its inputs come first that have the samples on one axis."""
        own = dict(module.named_parameters(recurse=whole))
        self.parameters = {name: p for name, p in own.items() if p.requires_grad}
        self.entries = sum(p.numel() for p in self.parameters.values())
        self.shape = (self.entries, 1)
        self.refused: Optional[str] = None
        """Why vmap does not take the module, once that is known."""

    def unfold(self, inputs: Tensor, deltas: Tensor) -> Any:
        raise NotImplementedError("a function has no factors")

    def written(self, call: tuple[Any, Any]) -> int:
        return int(self.entries)

    def samples(self, call: tuple[Any, Any]) -> tuple[int, int]:
        arguments, _ = call
        axis = self._axis(0, self.main)
        tensor = next(leaf for leaf in tree_flatten(arguments)[0] if isinstance(leaf, Tensor))
        return axis, tensor.shape[axis]

    def _axis(self, place: int, main: int) -> int:
        """The samples' axis of a tensor, by its place among the others."""
        if place < main:
            return 0 if getattr(self.module, "batch_first", True) else 1
        return int(isinstance(self.module, nn.RNNBase))

    def _split(self, values: list[Any], samples: int, main: int) -> tuple[list[int], list[Tensor]]:
        """Which values have an entry for each sample, and those with that axis first."""
        places, tensors = [], []
        for place, value in enumerate(values):
            axis = self._axis(place, main)
            if isinstance(value, Tensor) and value.dim() > axis and value.shape[axis] == samples:
                places.append(place)
                tensors.append(value.movedim(axis, 0))
        return places, tensors

    def gradients(self, calls: list[Any], start: int, stop: int, samples: int, factor: float) -> Tensor:
        """The gradients of the samples from start to stop, one a row."""
        found = None
        for arguments, deltas in calls:
            part = self._of_call(arguments, deltas, start, stop, samples)
            found = part if found is None else found + part
        assert found is not None
        return factor * found

    def _of_call(
        self, arguments: Any, deltas: list[Optional[Tensor]], start: int, stop: int, samples: int
    ) -> Tensor:
        leaves, shape = tree_flatten(arguments)
        places, inputs = self._split(leaves, samples, self.main)
        outs, given = self._split(list(deltas), samples, 1)
        if len(given) < sum(delta is not None for delta in deltas):
            raise ValueError(f"expected outputs of {samples} samples, as there are ids, from {self.name}")
        parameters = {name: _float(p.detach()) for name, p in self.parameters.items()}
        fixed = {name: _float(p.detach()) for name, p in self.module.named_parameters()}
        fixed.update({name: _float(b.detach()).clone() for name, b in self.module.named_buffers()})

        def loss(parameters: dict[str, Tensor], inputs: list[Tensor], given: list[Tensor]) -> Tensor:
            filled = [_float(leaf) if isinstance(leaf, Tensor) else leaf for leaf in leaves]
            for place, tensor in zip(places, inputs):
                filled[place] = tensor.unsqueeze(self._axis(place, self.main))
            args, kwargs = tree_unflatten(filled, shape)
            outputs = transforms.functional_call(self.module, {**fixed, **parameters}, args, kwargs)
            found = tree_flatten(outputs)[0]
            products = [
                (found[place] * delta.unsqueeze(self._axis(place, 1))).sum()
                for place, delta in zip(outs, given)
            ]
            return torch.stack(products).sum()

        inputs = [_float(tensor[start:stop]) for tensor in inputs]
        given = [_float(tensor[start:stop]) for tensor in given]
        if hasattr(transforms, "vmap") and self.refused is None:
            try:
                each = transforms.vmap(transforms.grad(loss), in_dims=(None, 0, 0), randomness="different")
                rows = each(parameters, inputs, given)
                return torch.cat([rows[name].flatten(1) for name in self.parameters], 1)
            except RuntimeError as error:
                self.refused = str(error).splitlines()[0]
        rows_one = []
        for sample in range(stop - start):
            with torch.enable_grad():
                leaf = {name: p.clone().requires_grad_() for name, p in parameters.items()}
                own = [tensor[sample] for tensor in inputs], [tensor[sample] for tensor in given]
                value = loss(leaf, *own)
                found = torch.autograd.grad(value, list(leaf.values()), allow_unused=True)
            zipped = zip(found, leaf.values())
            rows_one.append(
                torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in zipped])
            )
        return torch.stack(rows_one)


def is_whole(module: nn.Module) -> bool:
    """Whether a module reads its children's weights itself, so that it is taken with them."""
    return isinstance(module, nn.MultiheadAttention)


def _float(values: Tensor) -> Tensor:
    return values.float() if values.is_floating_point() else values
