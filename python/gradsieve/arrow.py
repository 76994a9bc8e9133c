"""Detectors over Arrow record batches: the same functions in Ray, Spark and Dask.

A `Job` says what a gradient is, how it is sketched, and which detector scores it. It is
small, pickles, and has two passes that take and give iterators of record batches, as
Spark's `mapInArrow` wants them::

    job = Job(coordinates=50_890, groups=10, seed=7)
    states = frame.mapInArrow(job.observe, STATE_SCHEMA)      # one state a partition
    state = job.merge(row.state for row in states.collect())
    scores = frame.mapInArrow(job.score(state), SCORE_SCHEMA)

The state of "direction" is made of integers: however the rows are parted, and in whatever
order the parts are merged, the bytes of the merged state are the same, and so are the
scores. A part that is computed again, because its worker died, gives the same bytes. The
price is `clip=False`: one row with a huge gradient can own the direction of its group. With
`clip=True` it cannot, but what is clipped depends on the rows before it.

Columns in: `id` (int64), `gradient` or `sketch` (lists of float32, all of one length),
`group` (an integer), if the job has groups, and beside sketches `squared_norm` (float64),
those of their gradients, if they are known. A null, a list of another length and a
group that is not there are errors that name the row. Columns out: `id` and `score`
(float64).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ._gradsieve import Detector, Sketcher, Sketches

STATE_SCHEMA = pa.schema([("rows", pa.int64()), ("state", pa.binary())])
"""What `Job.observe` gives."""
SCORE_SCHEMA = pa.schema([("id", pa.int64()), ("score", pa.float64())])
"""What `Job.score` gives."""

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Job:
    """What gradients are, and what is made of them.

    `coordinates` is the length of a gradient. The `seed` is public: whoever has it can
    make gradients that the sketch does not see. Where rows may be hostile give a secret
    `key` of 16 bytes, and keep it from their makers.
    """

    coordinates: int
    dim: int = 512
    groups: int = 1
    detector: str = "direction"
    projection: str = "sjlt"
    clip: bool = False
    seed: Optional[int] = None
    key: Optional[bytes] = None

    def __post_init__(self) -> None:
        if (self.seed is None) == (self.key is None):
            raise ValueError("expected a seed or a key: workers have to make the same projection")
        self.new_detector(self.sketcher())

    def sketcher(self) -> Sketcher:
        """The sketcher that every worker makes."""
        layers = [(self.coordinates, 1)]
        return Sketcher(layers, self.dim, projection=self.projection, seed=self.seed, key=self.key)

    def new_detector(self, sketcher: Sketcher) -> Detector:
        """A detector that has seen nothing."""
        return Detector(self.detector, sketcher.dim, self.groups, clip=self.clip)

    def observe(self, batches: Iterable[pa.RecordBatch]) -> Batches:
        """Takes batches in, and gives one batch with one row: the state, and how many
        rows it has seen."""
        sketcher = self.sketcher()
        detector, rows = self.new_detector(sketcher), 0
        for batch in batches:
            detector.observe(self._sketches(sketcher, batch, rows), self._groups(batch, rows))
            rows += batch.num_rows
        columns = [pa.array([rows], pa.int64()), pa.array([detector.to_bytes()], pa.binary())]
        yield pa.RecordBatch.from_arrays(columns, schema=STATE_SCHEMA)

    def merge(self, states: Iterable[bytes]) -> bytes:
        """One state of many, in any order."""
        sketcher = self.sketcher()
        merged = self.new_detector(sketcher)
        for state in states:
            part = self.new_detector(sketcher)
            part.restore(bytes(state))
            merged.merge(part)
        return merged.to_bytes()

    def score(self, state: bytes) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
        """A function that scores batches by a state: larger is odder."""

        def scored(batches: Iterable[pa.RecordBatch]) -> Batches:
            sketcher = self.sketcher()
            detector, rows = self.new_detector(sketcher), 0
            detector.restore(state)
            for batch in batches:
                if batch.num_rows == 0:
                    continue
                sketches = self._sketches(sketcher, batch, rows)
                scores = detector.score(sketches, self._groups(batch, rows))
                columns = [batch.column("id").cast(pa.int64()), pa.array(scores, pa.float64())]
                rows += batch.num_rows
                yield pa.RecordBatch.from_arrays(columns, schema=SCORE_SCHEMA)

        return scored

    def _sketches(self, sketcher: Sketcher, batch: pa.RecordBatch, before: int) -> Sketches:
        names = [name for name in ("gradient", "sketch") if name in batch.schema.names]
        if len(names) != 1:
            raise ValueError(f"expected a column gradient or sketch, found {batch.schema.names}")
        width = self.coordinates if names == ["gradient"] else sketcher.dim
        rows = _rows(batch.column(names[0]), width, names[0], before)
        if names == ["gradient"]:
            return sketcher.gradients(rows)
        if "squared_norm" not in batch.schema.names:
            return sketcher.wrap(rows)
        norms = batch.column("squared_norm").cast(pa.float64())
        if norms.null_count:
            raise ValueError(f"expected norms in each row, found none in row {before + _first_null(norms)}")
        return sketcher.wrap(rows, norms.to_numpy(zero_copy_only=False))

    def _groups(self, batch: pa.RecordBatch, before: int) -> Optional[NDArray[np.uint32]]:
        if self.groups == 1:
            return None
        if "group" not in batch.schema.names:
            raise ValueError(f"expected a column group, found {batch.schema.names}")
        column = batch.column("group")
        if column.null_count:
            raise ValueError(
                f"expected a group in each row, found none in row {before + _first_null(column)}"
            )
        groups: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero((groups < 0) | (groups >= self.groups))
        if wrong.size:
            row = before + int(wrong[0])
            raise ValueError(f"expected groups below {self.groups}, found {groups[wrong[0]]} in row {row}")
        return groups.astype(np.uint32)


def _rows(column: Any, width: int, name: str, before: int) -> NDArray[np.float32]:
    """Lists of one length as a matrix, without a copy where they are float32."""
    if column.null_count:
        raise ValueError(f"expected a {name} in each row, found none in row {before + _first_null(column)}")
    if not pa.types.is_fixed_size_list(column.type):
        lengths = np.diff(column.offsets.to_numpy())
        wrong = np.flatnonzero(lengths != width)
        if wrong.size:
            row = before + int(wrong[0])
            raise ValueError(f"expected {name}s of {width} numbers, found {lengths[wrong[0]]} in row {row}")
    elif column.type.list_size != width:
        raise ValueError(f"expected {name}s of {width} numbers, found {column.type.list_size}")
    numbers = column.flatten()
    if numbers.null_count:
        raise ValueError(f"expected numbers in each {name}, found nulls")
    values = numbers.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values).reshape(-1, width)


def _first_null(column: Any) -> int:
    return int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])


def ray_states(job: Job, dataset: Any) -> Any:
    """A Ray dataset of states, one for each batch: for `Job.merge`.

    Each column of lists has to be of Arrow's kind, as Parquet gives it.
    """

    def observe(table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(job.observe(table.to_batches()), STATE_SCHEMA)

    return dataset.map_batches(observe, batch_format="pyarrow")


def ray_scores(job: Job, dataset: Any, state: bytes) -> Any:
    """A Ray dataset of ids and scores."""
    score = job.score(state)

    def scored(table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(score(table.to_batches()), SCORE_SCHEMA)

    return dataset.map_batches(scored, batch_format="pyarrow")
