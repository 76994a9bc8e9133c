"""What each kind of layer has of its samples' gradients.

A layer's weight gradient is, for one sample, the sum over positions of delta inputᵀ:
`inputs` went into the layer, `deltas` are the gradients of the sample's loss by what came
out. Both are there after one ordinary backward pass.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Optional

import torch
from torch import Tensor, nn
from torch.nn import functional

Arrays = tuple[Tensor, Optional[Tensor]]
"""Inputs and deltas: (samples, positions, width) each. Or gradients, and None."""


class Layer(ABC):
    """A module's trainable weight and bias, as a layer of the gradient."""

    def __init__(self, name: str, module: nn.Module, outputs: int, inputs: int) -> None:
        self.name = name
        self.module = module
        weight, bias = (getattr(module, own, None) for own in ("weight", "bias"))
        self.has_weight = weight is not None and weight.requires_grad
        self.has_bias = bias is not None and bias.requires_grad
        self.shape = (outputs, (inputs if self.has_weight else 0) + int(self.has_bias))
        """Outputs and inputs; a bias is the weight of one more input."""

    def samples(self, call: tuple[Any, Any]) -> tuple[int, int]:
        """The axis of the samples in a call, and how many there are."""
        return 0, call[0].shape[0]

    def written(self, call: tuple[Any, Any]) -> int:
        """About how many numbers of a sample are made from its call, beside it."""
        return 0

    def is_at_hand(self, calls: list[tuple[Tensor, Tensor]]) -> bool:
        """Whether the only call has what `factors` would find."""
        return False

    @abstractmethod
    def unfold(self, inputs: Tensor, deltas: Tensor) -> Arrays:
        """What one call of the module has, from its input and its output's gradient."""

    def factors(self, calls: list[tuple[Tensor, Tensor]]) -> Arrays:
        """What all calls of a step have."""
        parts = [self.unfold(inputs, deltas) for inputs, deltas in calls]
        if parts[0][1] is None:
            return parts[0][0] if len(parts) == 1 else torch.stack([own for own, _ in parts]).sum(0), None
        inputs = _joined([inputs for inputs, _ in parts])
        deltas = _joined([deltas for _, deltas in parts if deltas is not None])
        outputs, width = self.shape
        positions = inputs.shape[1]
        if positions == 1:
            return inputs[:, 0], deltas[:, 0]
        if positions * (outputs + width) < outputs * width:
            return inputs, deltas
        # The gradient itself is shorter than its factors.
        if inputs.shape[2] < width:
            inputs = torch.cat([inputs, inputs.new_ones(*inputs.shape[:2], 1)], 2)
        return torch.einsum("bto,bti->boi", deltas, inputs), None


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)


class Linear(Layer):
    """nn.Linear over any number of positions."""

    def __init__(self, name: str, module: nn.Linear) -> None:
        super().__init__(name, module, module.out_features, module.in_features)

    def unfold(self, inputs: Tensor, deltas: Tensor) -> Arrays:
        samples = inputs.shape[0]
        deltas = deltas.reshape(samples, -1, deltas.shape[-1])
        if not self.has_weight:
            return deltas.sum(1), None
        return inputs.reshape(samples, -1, inputs.shape[-1]), deltas

    def is_at_hand(self, calls: list[tuple[Tensor, Tensor]]) -> bool:
        return self.has_weight and len(calls) == 1 and calls[0][0].ndim == 2


class Conv(Layer):
    """nn.Conv1d and nn.Conv2d, in groups or not."""

    def __init__(self, name: str, module: nn.Conv1d | nn.Conv2d) -> None:
        self.fan = module.in_channels // module.groups * math.prod(module.kernel_size)
        super().__init__(name, module, module.out_channels, self.fan)

    def written(self, call: tuple[Any, Any]) -> int:
        assert isinstance(self.module, (nn.Conv1d, nn.Conv2d))
        return int(self.fan * self.module.groups * call[1][0].shape[2:].numel())

    def unfold(self, inputs: Tensor, deltas: Tensor) -> Arrays:
        module = self.module
        assert isinstance(module, (nn.Conv1d, nn.Conv2d))
        samples, groups = inputs.shape[0], module.groups
        deltas = deltas.flatten(2)
        if not self.has_weight:
            return deltas.sum(2), None
        if module.padding_mode != "zeros" or isinstance(module.padding, str):
            around = module._reversed_padding_repeated_twice
            mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
            inputs = functional.pad(inputs, around, mode=mode)
            padding: tuple[int, ...] = (0,) * len(module.kernel_size)
        else:
            padding = module.padding
        settings = [module.kernel_size, module.dilation, padding, module.stride]
        if isinstance(module, nn.Conv1d):
            inputs = inputs.unsqueeze(2)
            settings = [(1, *kernel) for kernel in settings[:2]] + [(0, *padding), (1, *module.stride)]
        kernel, dilation, pad, stride = settings
        patches = functional.unfold(inputs, kernel, dilation, pad, stride)
        if groups == 1:
            return patches.transpose(1, 2), deltas.transpose(1, 2)
        patches = patches.reshape(samples, groups, self.fan, -1)
        each = deltas.reshape(samples, groups, -1, deltas.shape[2])
        weight = torch.einsum("bgot,bgit->bgoi", each, patches).reshape(samples, -1, self.fan)
        if self.has_bias:
            weight = torch.cat([weight, deltas.sum(2, keepdim=True)], 2)
        return weight, None


class Affine(Layer):
    """The weight and bias behind a normalisation."""

    def __init__(self, name: str, module: nn.Module) -> None:
        assert isinstance(module.weight, Tensor)
        super().__init__(name, module, module.weight.numel(), 1)

    def normal(self, inputs: Tensor) -> Tensor:
        """What the weight is multiplied with."""
        module = self.module
        if isinstance(module, nn.LayerNorm):
            return functional.layer_norm(inputs, module.normalized_shape, eps=module.eps)
        if isinstance(module, nn.GroupNorm):
            return functional.group_norm(inputs, module.num_groups, eps=module.eps)
        assert isinstance(module, nn.modules.batchnorm._BatchNorm)
        fixed = not module.training and module.running_mean is not None
        mean, variance = (module.running_mean, module.running_var) if fixed else (None, None)
        return functional.batch_norm(inputs, mean, variance, training=not fixed, eps=module.eps)

    def unfold(self, inputs: Tensor, deltas: Tensor) -> Arrays:
        samples, outputs = inputs.shape[0], self.shape[0]
        if isinstance(self.module, nn.LayerNorm):

            def sums(values: Tensor) -> Tensor:
                return values.reshape(samples, -1, outputs).sum(1)
        else:

            def sums(values: Tensor) -> Tensor:
                return values.reshape(samples, outputs, -1).sum(2)

        parts = [sums(deltas * self.normal(inputs))] if self.has_weight else []
        if self.has_bias:
            parts.append(sums(deltas))
        return torch.stack(parts, 2), None


class Embedding(Layer):
    """nn.Embedding: a row of the weight for each token."""

    def __init__(self, name: str, module: nn.Embedding) -> None:
        super().__init__(name, module, module.num_embeddings, module.embedding_dim)

    def written(self, call: tuple[Any, Any]) -> int:
        return math.prod(self.shape)

    def unfold(self, inputs: Tensor, deltas: Tensor) -> Arrays:
        samples, (tokens, width) = inputs.shape[0], self.shape
        indices, deltas = inputs.reshape(samples, -1), deltas.reshape(samples, -1, width)
        module = self.module
        assert isinstance(module, nn.Embedding)
        if module.padding_idx is not None:
            deltas = deltas * (indices != module.padding_idx).unsqueeze(2)
        gradient = deltas.new_zeros(samples, tokens, width)
        gradient.scatter_add_(1, indices.unsqueeze(2).expand_as(deltas), deltas)
        return gradient, None


def layer_of(name: str, module: nn.Module) -> Optional[Layer]:
    """The layer that a module is, or None if it is of no known kind."""
    if isinstance(module, nn.Linear):
        return Linear(name, module)
    if isinstance(module, (nn.Conv1d, nn.Conv2d)):
        return Conv(name, module)
    if isinstance(module, (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)):
        return Affine(name, module)
    if isinstance(module, nn.Embedding):
        return Embedding(name, module)
    return None
