"""Watches a torch model's samples while it trains."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.hooks import RemovableHandle

from ._gradsieve import Sieve, Sketcher, Sketches, Visits, largest_label
from .found import Found
from .functional import ENTRIES, Function, is_whole
from .layers import Arrays, Embedding, Layer, Linear, layer_of
from .record import Arrived, Recorder, whole

if TYPE_CHECKING:
    from .verdicts import Verdicts

CLASSES = 2
"""Groups of a sieve before labels are seen; it grows with them."""
LARGE = 1 << 21
"""Entries of an embedding from which writing out its samples' gradients is said aloud."""
TAKES_KEYWORDS = hasattr(nn.Module, "_forward_hooks_with_kwargs") or hasattr(
    nn.Module(), "_forward_hooks_with_kwargs"
)
"""Whether a hook sees a module's arguments that were given by name."""


class Watch:
    """Sketches, judges and scores each sample of a training loop.

    Per-sample gradients are taken apart from the one backward pass that the loop has:
    hooks keep what goes into each layer, and the gradient of what comes out. The model
    and its gradients stay as they are.

    - `dim`: numbers a sketch, at most.
    - `classes`: how many classes the labels have; their gradients are kept apart.
    - `rate`: the share of a clean stream that may be flagged.
    - `half_life`: samples after which what the sieve has learnt counts half, as
      gradients change while a model trains. A tenth of the run is a good choice.
    - `reduction`: "mean" if the loss that is differentiated is the mean of the samples'
      losses, "sum" if it is their sum.
    - `seed`: makes a run one that can be repeated; without it the key is random.
    - `keep`: keeps the sketches of each sample's last visit, for `influence`.

    A module of a kind that no factors are known of is run again on each sample by
    `torch.func`, which is warned of with its cost; in it dropout is drawn anew.
    Modules in training mode see a sample as it is (Dropout) or mixed with others
    (BatchNorm: warned of).
    """

    def __init__(
        self,
        model: nn.Module,
        dim: int = 512,
        *,
        classes: Optional[int] = None,
        rate: float = 0.05,
        half_life: Optional[int] = None,
        reduction: Literal["mean", "sum"] = "mean",
        projection: str = "kronecker",
        seed: Optional[int] = None,
        keep: bool = False,
    ) -> None:
        if reduction not in ("mean", "sum"):
            raise ValueError(f"expected a reduction of mean or sum, found {reduction!r}")
        self.model = model
        self.reduction = reduction
        self.keep = keep
        self.layers = _layers(model)
        shapes = [layer.shape for layer in self.layers]
        self.sketcher = Sketcher(shapes, dim, projection=projection, seed=seed)
        self._sieve_settings: dict[str, Any] = {"rate": rate, "half_life": half_life}
        self._classes = classes
        self.sieve: Optional[Sieve] = None
        self._calls: dict[int, list[tuple[Any, list[Optional[Tensor]]]]] = {}
        self._rerun = False
        self._missed: set[int] = set()
        self._handles: list[RemovableHandle] = []
        self._visits = Visits()
        self._kept: dict[int, tuple[int, Sketches]] = {}
        self._recorder: Optional[Recorder] = None

    def __enter__(self) -> Watch:
        named: dict[str, Any] = {"with_kwargs": True} if TAKES_KEYWORDS else {}
        for index, layer in enumerate(self.layers):
            hook = layer.module.register_forward_hook(self._hook(index, layer), **named)
            self._handles.append(hook)
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes the hooks off the model. What was found stays."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._calls.clear()

    def _hook(self, index: int, layer: Layer) -> Any:
        def forward(module: nn.Module, inputs: tuple[Any, ...], *others: Any) -> None:
            # The gradient comes with the backward pass. Calls without one have none.
            named, output = others if len(others) == 2 else ({}, others[0])
            if isinstance(output, Tensor):
                outputs, has_gradient = [output], output.requires_grad
            else:
                outputs = [out for out in tree_flatten(output)[0] if isinstance(out, Tensor)]
                has_gradient = any(out.requires_grad for out in outputs)
            if not has_gradient or self._rerun or not torch.is_grad_enabled():
                return
            deltas: list[Optional[Tensor]] = [None] * len(outputs)
            kept = _detached((inputs, named)) if is_run_again else _first(inputs, named)
            self._calls.setdefault(index, []).append((kept, deltas))
            for place, out in enumerate(outputs):
                if out.requires_grad:
                    out.register_hook(_arrival(deltas, place))  # type: ignore[no-untyped-call, unused-ignore]

        is_run_again = isinstance(layer, Function)
        return forward

    def step(
        self,
        ids: Any,
        *,
        labels: Optional[Any] = None,
        losses: Optional[Any] = None,
        scale: float = 1.0,
    ) -> Verdicts:
        """Takes in a batch, after its backward pass and before the next forward pass.

        `ids` name the samples: whole numbers, the same at each visit. `labels` are their
        classes, `losses` their own losses. `scale` is what the loss was multiplied by
        beside its reduction: that of a gradient scaler, or one over the steps that
        gradients are accumulated over.

        Returns the verdicts of the batch: arrays `p`, `score`, `flagged`, `reasons`.
        """
        ids = _array(ids, np.int64, "ids")
        samples = len(ids)
        labels = None if labels is None else _fitting(_array(labels, np.int64, "labels"), samples, "labels")
        losses = None if losses is None else _fitting(_array(losses, np.float32, "losses"), samples, "losses")
        factor = self._factor(samples, scale)
        if self._recorder is None:
            sketches = self._sketched(self._arrived(samples, 1.0), factor)
        else:
            if scale != 1:
                raise ValueError(f"expected a scale of 1 while a run is recorded, found {scale}")
            parts = list(self._arrived(samples, factor))
            self._recorder.write(ids, parts)
            sketches = self._sketched(parts, 1.0)
        verdicts = self._sieve_of(labels).judge(sketches, labels, losses)
        self._visits.add(ids, verdicts["score"], verdicts["p"], verdicts["flagged"], labels, losses)
        if self.keep:
            self._kept.update({int(sample): (place, sketches) for place, sample in enumerate(ids)})
        return verdicts

    def sketch(self, samples: int, *, scale: float = 1.0) -> Sketches:
        """The sketches of the gradients of the last backward pass, neither judged nor
        kept: of targets, for `influence`."""
        return self._sketched(self._arrived(samples, 1.0), self._factor(samples, scale))

    def factors(
        self, samples: int, *, scale: float = 1.0
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """What the last backward pass has of each linear layer, for `ekfac`: inputs, with
        a 1 behind them if there is a bias, and deltas, the gradients of the samples'
        losses by what came out."""
        found: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
        for index, inputs, deltas in next(iter(self._arrived(samples, self._factor(samples, scale)))):
            layer = self.layers[index]
            if deltas is None or not isinstance(layer, Linear):
                raise ValueError(f"expected linear layers of few positions alone, found {layer.name}")
            has_ones = inputs.shape[-1] < layer.shape[1]
            ones = np.ones((*inputs.shape[:-1], int(has_ones)), np.float32)
            # A copy in either case: the model may change its inputs in place.
            found.append((np.concatenate([inputs, ones], -1), deltas))
        return found

    def gradients(self, samples: int, *, scale: float = 1.0) -> NDArray[np.float32]:
        """The samples' gradients of the last backward pass, written out (samples ×
        parameters): layer after layer, each outputs × inputs, a bias being one more
        input. They fit a run that `record` has written."""
        shapes = [layer.shape for layer in self.layers]
        parts = self._arrived(samples, self._factor(samples, scale))
        return np.concatenate([whole(part, shapes) for part in parts])

    def record(
        self,
        directory: Union[str, os.PathLike[str]],
        optimizer: torch.optim.Optimizer,
        *,
        append: bool = False,
        fit: bool = True,
    ) -> None:
        """From now on each `step` writes the factors of its batch to `directory`, for data
        value embedding and in-run Shapley values: `gradsieve influence --trajectory`.

        The optimizer is to be SGD, for data value embedding with or without momentum,
        Nesterov's and weight decay. Its name, settings and learning rates are written down;
        `step` comes before the optimizer's. `append` goes on behind the steps of a run that
        was interrupted. `fit` keeps how far the steps are from the optimizer's formula,
        which costs four copies of the parameters and is checked by the program. Linear
        layers take batch · (inputs + outputs) numbers a step; a layer of another kind has
        all gradients written out, which is said. `curvature` adds what makes the values
        exact.
        """
        names = [layer.name for layer in self.layers]
        shapes = [layer.shape for layer in self.layers]
        is_mean = self.reduction == "mean"
        self._recorder = Recorder(directory, optimizer, names, shapes, append, is_mean, fit)

    def curvature(self, logits: Tensor) -> None:
        """Adds to the next step of a run that is recorded the exact curvature of a
        classifier's cross-entropy: before the backward pass, of the batch's logits
        (samples × classes). Data value embedding takes the batch's own gradients without
        it, which is less exact while a model learns fast. Costs a backward pass a class,
        and in the file samples · classes · outputs numbers of each layer, or samples ·
        classes · parameters where a layer's gradients are written out.
        """
        if self._recorder is None:
            raise RuntimeError("expected a run that is recorded: call record first")
        if logits.ndim != 2:
            raise ValueError(f"expected logits of samples × classes, found shape {tuple(logits.shape)}")
        samples, classes = logits.shape
        shares = logits.detach().softmax(1)
        trained = [p for p in self.model.parameters() if p.requires_grad]
        calls = self._calls
        found: list[Arrived] = []
        for label in range(classes):
            own = nn.functional.log_softmax(logits, 1)[:, label]
            # Hooks see this pass as they see every other.
            loss = -(own * shares[:, label].sqrt()).sum()
            torch.autograd.grad(loss, trained, retain_graph=True, allow_unused=True)
            self._calls = calls
            found.extend(self._arrived(samples, 1.0))
            for seen in calls.values():
                for _, deltas in seen:
                    deltas[:] = [None] * len(deltas)
        self._calls = calls
        self._recorder.curvature = found

    def _sketched(self, parts: Iterable[Arrived], factor: float) -> Sketches:
        """The sketches of what has arrived, times a factor."""
        first, *others = [self.sketcher.factors(part, factor) for part in parts]
        return first.concat(*others) if others else first

    def _factor(self, samples: int, scale: float) -> float:
        """What a sample's part of the loss is multiplied by to be its own loss."""
        return (samples if self.reduction == "mean" else 1) / scale

    def _arrived(self, samples: int, factor: float) -> Iterator[Arrived]:
        """What the last backward pass has of each layer, times a factor, for some samples
        at a time."""
        calls, self._calls = self._calls, {}
        if not calls:
            raise RuntimeError(
                "no backward pass was seen: call step after backward(), inside of `with watch(model)`"
            )
        found_calls: list[list[Any]] = []
        entries = 1
        for index, layer in enumerate(self.layers):
            found = [call for call in calls.get(index, ()) if _has_come(call[1])]
            found_calls.append(found)
            if not found:
                self._miss(index)
                continue
            for call in found:
                axis, count = layer.samples(call)
                if count != samples:
                    raise ValueError(
                        f"expected {samples} samples, as there are ids, found {count} in {layer.name}: "
                        f"is {'the first' if axis == 0 else 'the second'} axis that of the batch?"
                    )
            entries += layer.written(found[0])
        share = max(ENTRIES // entries, 1)
        for start in range(0, samples, share):
            yield self._some(found_calls, start, min(start + share, samples), samples, factor)

    def _some(self, calls: list[list[Any]], start: int, stop: int, samples: int, factor: float) -> Arrived:
        """The same for the samples from start to stop."""
        arrived: Arrived = []
        for index, layer in enumerate(self.layers):
            if not calls[index]:
                zeros = np.zeros((stop - start, layer.shape[0] * layer.shape[1]), dtype=np.float32)
                arrived.append((index, zeros, None))
            elif isinstance(layer, Function):
                arrived.append(
                    (index, self._run_again(layer, calls[index], start, stop, samples, factor), None)
                )
            else:
                floats = [
                    (_floats(_part(inputs, start, stop)), _floats(_part(deltas[0], start, stop)))
                    for inputs, deltas in calls[index]
                ]
                found: Arrays = floats[0]
                if not layer.is_at_hand(floats):
                    with torch.no_grad():
                        found = layer.factors(floats)
                inputs, deltas = found
                # A gradient and its deltas alike grow with the loss.
                if deltas is None:
                    arrived.append((index, _times(_numpy(inputs), factor), None))
                else:
                    arrived.append((index, _numpy(inputs), _times(_numpy(deltas), factor)))
        return arrived

    def _run_again(
        self, layer: Function, calls: list[Any], start: int, stop: int, samples: int, factor: float
    ) -> NDArray[np.float32]:
        """Gradients of a layer of which no factors are known."""
        # What runs again is neither seen by the hooks nor by later random draws.
        self._rerun = True
        try:
            with torch.no_grad(), torch.random.fork_rng():
                return _numpy(layer.gradients(calls, start, stop, samples, factor))
        finally:
            self._rerun = False

    def _miss(self, index: int) -> None:
        """Says once that a layer has a gradient, though its module was never called."""
        layer = self.layers[index]
        if index in self._missed:
            return
        gradients = [p.grad for p in layer.module.parameters(recurse=False) if p.requires_grad]
        if any(gradient is not None and bool(gradient.any()) for gradient in gradients):
            self._missed.add(index)
            warnings.warn(
                f"{layer.name} has a gradient, but was not called as a module: its part of the samples' "
                "gradients is missing",
                stacklevel=5,
            )

    def _sieve_of(self, labels: Optional[NDArray[np.int64]]) -> Sieve:
        """The sieve, with a group for each of the labels."""
        classes = 0 if labels is None else largest_label(labels) + 1
        if self.sieve is None:
            self._classes = self._classes or (1 if labels is None else max(CLASSES, classes))
            self.sieve = Sieve(self.sketcher.dim, self._classes, **self._sieve_settings)
        if self._classes is not None and classes > self._classes:
            self._grow(classes)
        return self.sieve

    def _grow(self, classes: int) -> None:
        """A sieve of more classes, with what the one before has learnt."""
        assert self.sieve is not None
        grown = Sieve(self.sketcher.dim, classes, **self._sieve_settings)
        grown.carry_over(self.sieve.to_bytes())
        self.sieve, self._classes = grown, classes

    def merge(self, other: Watch) -> None:
        """Takes in what a watch of the same model and settings has found on other samples
        or steps: of another process or rank. Both need the same `seed`."""
        if other.sieve is not None:
            if self.sieve is None:
                self.sieve = Sieve(self.sketcher.dim, other._classes or 1, **self._sieve_settings)
                self._classes = other._classes
            self.sieve.merge(other.sieve)
        self._visits.merge(other._visits)
        self._kept.update(other._kept)

    def outliers(self) -> Found:
        """A score for each sample, over all visits."""
        return Found(**self._visits.found())

    def kept(self) -> tuple[NDArray[np.int64], Sketches]:
        """Ids, and the sketches of each sample's last visit, if `keep` was set."""
        if not self._kept:
            raise ValueError("no sketches were kept: make the watch with keep=True")
        ids = np.array(sorted(self._kept), dtype=np.int64)
        batches: dict[int, Sketches] = {}
        starts: dict[int, int] = {}
        length = 0
        for _, sketches in self._kept.values():
            if id(sketches) not in batches:
                batches[id(sketches)] = sketches
                starts[id(sketches)] = length
                length += len(sketches)
        first, *others = batches.values()
        rows = first.concat(*others)
        places = [starts[id(sketches)] + place for place, sketches in (self._kept[i] for i in ids.tolist())]
        return ids, rows.take(np.array(places, dtype=np.int64))


def _layers(model: nn.Module) -> list[Layer]:
    """The trainable layers of a model, in its order; says aloud what costs more, what is
    mixed and what is left out."""
    layers: list[Layer] = []
    seen: set[int] = set()
    said = []
    for name, module in model.named_modules():
        trained = {id(p): p for p in module.parameters(recurse=is_whole(module)) if p.requires_grad}
        own = {key: p for key, p in trained.items() if key not in seen}
        title = f"{name or 'the model'} ({type(module).__name__})"
        if len(own) < len(trained) and not _covered(module, layers):
            said.append(f"{title} shares parameters with a module before: its own part is left out")
        if not own:
            continue
        seen.update(own)
        if isinstance(module, nn.Embedding) and module.scale_grad_by_freq:
            said.append(f"{title} divides by what the batch has of a token: it is left out")
            continue
        layer = layer_of(name, module) or Function(name or "the model", module)
        entries = layer.shape[0] * layer.shape[1]
        if isinstance(layer, Function):
            said.append(
                f"{title} is run again on each sample by torch.func: one more forward and backward pass "
                f"of it, and {4 * entries} bytes a sample, {max(ENTRIES // entries, 1)} samples at a time"
            )
        elif isinstance(layer, Embedding) and entries > LARGE:
            said.append(
                f"{title} is written out for each sample, {4 * entries} bytes: freeze it to save that"
            )
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.training:
            said.append(
                f"{title} is in training mode: it mixes the samples of a batch, and so do their gradients"
            )
        layers.append(layer)
    for sentence in said:
        warnings.warn(sentence, stacklevel=4)
    if not layers:
        raise ValueError("expected a model with trainable parameters, found none")
    return layers


def _covered(module: nn.Module, layers: list[Layer]) -> bool:
    """Whether the module is a part of one that is taken as a whole."""
    return any(is_whole(layer.module) and module in layer.module.modules() for layer in layers)


def _arrival(deltas: list[Optional[Tensor]], place: int) -> Any:
    """What keeps a gradient that comes, or adds it to what has come."""

    def arrive(gradient: Tensor) -> None:
        before = deltas[place]
        if gradient.requires_grad:
            gradient = gradient.detach()
        deltas[place] = gradient if before is None else before + gradient

    return arrive


def _first(inputs: tuple[Any, ...], named: dict[str, Any]) -> Tensor:
    """A module's input, given by place or by name."""
    found: Tensor = inputs[0] if inputs else next(iter(named.values()))
    return found.detach()


def _detached(values: Any) -> Any:
    leaves, shape = tree_flatten(values)
    return tree_unflatten([leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in leaves], shape)


def _has_come(deltas: list[Optional[Tensor]]) -> bool:
    """Whether a call has taken part in the backward pass."""
    return deltas[0] is not None or any(delta is not None for delta in deltas)


def _times(values: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    return values if factor == 1 else values * np.float32(factor)


def _array(values: Any, dtype: Any, name: str) -> Any:
    if isinstance(values, Tensor):
        if values.requires_grad or not values.is_cpu:
            values = values.detach().cpu()
        values = _floats(values).numpy()
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"expected {name} of one axis, a number for each sample, found shape {values.shape}")
    return np.ascontiguousarray(values, dtype=dtype)


def _fitting(values: Any, samples: int, name: str) -> Any:
    if len(values) != samples:
        raise ValueError(f"expected {samples} {name}, as there are ids, found {len(values)}")
    return values


def _part(values: Tensor, start: int, stop: int) -> Tensor:
    return values if start == 0 and stop == len(values) else values[start:stop]


def _floats(values: Tensor) -> Tensor:
    is_so = values.dtype is torch.float32 or not values.is_floating_point()
    return values if is_so else values.float()


def _numpy(values: Tensor) -> NDArray[np.float32]:
    if values.dtype is not torch.float32 or not values.is_cpu or not values.is_contiguous():
        values = values.float().contiguous().cpu()
    array: NDArray[np.float32] = values.numpy()
    return array
