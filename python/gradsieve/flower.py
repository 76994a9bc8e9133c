"""A strategy for Flower that weighs clients by a robust rule, on sketches of their updates.

    from gradsieve.flower import RobustFedAvg

    strategy = RobustFedAvg("multi-krum", hostile=6)
    result = strategy.start(grid, initial_arrays=arrays, num_rounds=30)
    strategy.rounds[-1].kept        # the clients of the last round that counted

The server sketches whole updates to `dim` numbers each, by a secret key that is drawn
when the run begins; the weights that the rule finds on sketches are applied to the whole
updates. It is no promise of security: the book's page on clients' updates has each rule's
known holes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from numpy.typing import NDArray

from ._gradsieve import Sketcher, Sketches, client_rules, client_weights

__all__ = ["RobustFedAvg", "Round"]

_log = logging.getLogger("flwr")


@dataclass(frozen=True)
class Round:
    """What the rule said of a round."""

    server_round: int
    weights: dict[int, float]
    """The weight of each client that replied, by its node's id."""
    refused: dict[int, str]
    """Why a reply was no update of this model, by the node's id. Its weight is 0."""

    @property
    def kept(self) -> list[int]:
        """The clients that counted, by id."""
        return [node for node, weight in self.weights.items() if weight > 0]


class RobustFedAvg(FedAvg):
    """FedAvg, but the next model is the last one and the sum of the clients' updates times
    the weights of a robust rule. How many examples a client claims to have does not enter.

    `rule`, `hostile`, `keep` and `norm` are those of `gradsieve.client_weights`. "fltrust"
    needs `server_update`: a function of the round and the model's arrays that trains on
    data which the server trusts, and returns arrays as a client would. "foolsgold" looks
    at the sum of a client's updates over all rounds.

    Sketches have `dim` numbers; None, or a model that is no larger, takes updates as they
    are. The key of the projection is drawn anew for each strategy, unless `key` is one (16
    bytes), or `seed` makes it one that everybody knows, for runs to be made again.

    No reply makes a round fail. One without the model's arrays, with other shapes, or with
    numbers that are not finite has the weight 0 and counts as one of the hostile. A round
    with too few updates for the rule changes nothing, which is logged. Metrics are those of
    clients that counted, and left out where they do not go together.

    `rounds` has what the rule said of each round. The other arguments are FedAvg's.
    """

    def __init__(
        self,
        rule: str = "multi-krum",
        *,
        hostile: Optional[int] = None,
        keep: Optional[int] = None,
        norm: Optional[float] = None,
        server_update: Optional[Callable[[int, ArrayRecord], ArrayRecord]] = None,
        dim: Optional[int] = 512,
        seed: Optional[int] = None,
        key: Optional[bytes] = None,
        **fedavg: Any,
    ) -> None:
        super().__init__(**fedavg)
        if rule not in client_rules():
            raise ValueError(f"expected a rule of {', '.join(client_rules())}, found {rule!r}")
        if rule == "fltrust" and server_update is None:
            raise ValueError("expected server_update beside the rule fltrust, found none")
        self.rule = rule
        self.dim = dim
        self.rounds: list[Round] = []
        self._settings: dict[str, Any] = {"hostile": hostile, "keep": keep, "norm": norm}
        self._server_update = server_update
        self._secret: dict[str, Any] = {"seed": seed, "key": key}
        self._arrays: Optional[ArrayRecord] = None
        self._sketcher: Optional[Sketcher] = None
        self._sums: dict[int, NDArray[np.float64]] = {}
        # What is said before the first round, not after it: a trial of few.
        trial = Sketcher([(2, 1)], 2, projection="exact", seed=0)
        one = trial.gradients(np.ones((1, 2), np.float32)) if rule == "fltrust" else None
        few: dict[str, Any] = {
            "hostile": hostile and min(hostile, 1),
            "keep": keep and min(keep, 7),
            "norm": norm,
        }
        rows = np.stack([np.ones(7), np.arange(7)], axis=1).astype(np.float32)
        client_weights(trial.gradients(rows), rule, server=one, **few)

    def summary(self) -> None:
        """Logs the settings."""
        settings = {name: value for name, value in self._settings.items() if value is not None}
        said = ", ".join(f"{name} {value}" for name, value in settings.items())
        _log.info("\t├──> Rule: %s%s, on %s", self.rule, said and f" ({said})", self._numbers())
        super().summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """As FedAvg's; updates are differences from these arrays."""
        self._arrays = arrays
        messages: Iterable[Message] = super().configure_train(server_round, arrays, config, grid)
        return messages

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[Optional[ArrayRecord], Optional[MetricRecord]]:
        """The next model, and the metrics of the clients that counted."""
        if self._arrays is None:
            raise RuntimeError("expected configure_train before aggregate_train")
        valid, _ = self._check_and_log_replies(replies, is_train=True, validate=False)
        valid.sort(key=lambda message: message.metadata.src_node_id)
        nodes = [message.metadata.src_node_id for message in valid]
        model = _Model(self._arrays)
        updates: list[Optional[NDArray[np.float32]]] = []
        refused: dict[int, str] = {}
        for node, message in zip(nodes, valid):
            try:
                updates.append(model.update(message.content, self.arrayrecord_key))
            except _NoUpdateError as error:
                updates.append(None)
                refused[node] = str(error)
                _log.warning("aggregate_train: client %s sent no update: %s", node, error)
        if not valid:
            return None, None
        try:
            weights = self._weigh(server_round, model, nodes, updates)
        except (ValueError, MemoryError) as error:
            _log.warning("aggregate_train: the model stays as it was: %s", error)
            self.rounds.append(Round(server_round, dict.fromkeys(nodes, 0.0), refused))
            return None, None
        self.rounds.append(Round(server_round, dict(zip(nodes, weights.tolist())), refused))
        left_out = [node for node, weight in zip(nodes, weights) if not weight > 0]
        kept = len(nodes) - len(left_out)
        _log.info("aggregate_train: %s keeps %s of %s clients", self.rule, kept, len(nodes))
        if left_out:
            _log.info("\t└──> Left out: %s", ", ".join(map(str, left_out)))
        arrays = model.next(weights, [message.content for message in valid], self.arrayrecord_key)
        counted = [message.content for message, weight in zip(valid, weights) if weight > 0]
        return arrays, self._metrics(counted)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> Optional[MetricRecord]:
        """As FedAvg's, and nothing where the metrics of clients do not go together."""
        try:
            return super().aggregate_evaluate(server_round, replies)
        except Exception as error:
            _log.warning("aggregate_evaluate: no metrics: %s", error)
            return None

    def _weigh(
        self,
        server_round: int,
        model: _Model,
        nodes: list[int],
        updates: list[Optional[NDArray[np.float32]]],
    ) -> NDArray[np.float64]:
        """The weight of each update, where None stands for what was no update."""
        if self._sketcher is None:
            self._sketcher = self._made(model.size)
        sketcher = self._sketcher
        none = np.full(model.size, np.nan, np.float32)
        rows = [sketcher.gradients((none if update is None else update)[None]) for update in updates]
        if self.rule == "foolsgold":
            rows = [self._sum(sketcher, node, row) for node, row in zip(nodes, rows)]
        sketches = rows[0].concat(*rows[1:])
        server = None
        if self._server_update is not None and self.rule == "fltrust":
            assert self._arrays is not None
            trusted = RecordDict({self.arrayrecord_key: self._server_update(server_round, self._arrays)})
            server = sketcher.gradients(model.update(trusted, self.arrayrecord_key)[None])
        ids = np.array([node % (1 << 64) for node in nodes], np.uint64)
        return client_weights(sketches, self.rule, ids=ids, server=server, **self._settings)

    def _made(self, size: int) -> Sketcher:
        if self.dim is None or size <= self.dim:
            return Sketcher([(size, 1)], size, projection="exact", seed=0)
        return Sketcher([(size, 1)], self.dim, projection="sjlt", **self._secret)

    def _sum(self, sketcher: Sketcher, node: int, row: Sketches) -> Sketches:
        """The direction of the sum of all that a client has sent; the rule looks at angles."""
        if row.non_finite[0] > 0 or not np.isfinite(row.values).all():
            return row
        total = self._sums.get(node, np.zeros(sketcher.dim)) + row.values[0]
        self._sums[node] = total
        return sketcher.wrap((total / (np.linalg.norm(total) or 1.0)).astype(np.float32)[None])

    def _metrics(self, counted: list[RecordDict]) -> Optional[MetricRecord]:
        """What clients say of themselves is theirs to forge: it may not end a run."""
        try:
            return self.train_metrics_aggr_fn(counted, self.weighted_by_key)
        except Exception as error:
            _log.warning("aggregate_train: no metrics: %s", error)
            return None

    def _numbers(self) -> str:
        return "whole updates" if self.dim is None else f"sketches of {self.dim} numbers"


class _NoUpdateError(Exception):
    """A reply that is no update of the model, and why."""


class _Model:
    """The arrays of a model, from which updates differ."""

    def __init__(self, arrays: ArrayRecord) -> None:
        self.before = {name: array.numpy() for name, array in arrays.items()}
        self.parts = [name for name, array in self.before.items() if array.dtype.kind == "f"]
        self.size = sum(self.before[name].size for name in self.parts)

    def update(self, reply: RecordDict, name: str) -> NDArray[np.float32]:
        """What a client changed, as one row of all numbers that are not whole."""
        after = self._arrays(reply, name)
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [(after[part].astype(float) - self.before[part]).ravel() for part in self.parts]
            row: NDArray[np.float32] = np.concatenate(parts).astype(np.float32)
        return row

    def next(self, weights: NDArray[np.float64], replies: list[RecordDict], name: str) -> ArrayRecord:
        """The model, and the weighted sum of updates. Whole numbers are means, rounded."""
        sums = {part: array.astype(float) for part, array in self.before.items()}
        total = weights.sum() or 1.0
        for weight, reply in zip(weights, replies):
            if weight > 0:
                for part, array in self._arrays(reply, name).items():
                    share = weight if part in self.parts else weight / total
                    sums[part] += share * (array.astype(float) - self.before[part])
        arrays = {}
        for part, before in self.before.items():
            exact = sums[part] if before.dtype.kind == "f" else np.rint(sums[part])
            arrays[part] = Array(np.asarray(exact.astype(before.dtype)))
        return ArrayRecord(arrays)

    def _arrays(self, reply: RecordDict, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of a reply, which may say anything."""
        records = list(reply.array_records.values())
        record = reply.array_records.get(name, records[0] if len(records) == 1 else None)
        if record is None:
            raise _NoUpdateError(f"expected one record of arrays, found {len(records)}")
        if set(record) != set(self.before):
            raise _NoUpdateError(f"expected arrays {list(self.before)}, found {list(record)}")
        arrays = {}
        for part, before in self.before.items():
            try:
                arrays[part] = np.asarray(record[part].numpy())
            except Exception as error:
                raise _NoUpdateError(f"array {part!r} cannot be read: {error}") from error
            found = (arrays[part].shape, arrays[part].dtype)
            if found != (before.shape, before.dtype):
                expected = f"{before.dtype} {before.shape}"
                raise _NoUpdateError(f"expected array {part!r} as {expected}, found {found[1]} {found[0]}")
        return arrays
