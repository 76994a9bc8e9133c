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

**Stores.** `store` keeps sketches as segments of some thousand rows in a codec, one a row of
a table, for Parquet on a folder that all workers see. Later passes read a byte a number and
no gradient, as often as there are targets::

    frame.mapInArrow(job.store(), STORE_SCHEMA).write.parquet(folder)
    tops = paths.mapInArrow(job.top(targets, k=100), TOP_SCHEMA)
    best = job.merge_top(((row.target, row.top) for row in tops.collect()), k=100)

`top` takes segments, in a column `store`, or Parquet files of them, in a column `path`. The
k largest scores depend on the rows alone, so that any partitioning gives the same bytes.

In Dask a pass runs over a bag of batches: `dask_batches(job.observe, bag)`.

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

from ._gradsieve import Detector, Sketcher, Sketches, Store, TopK

STATE_SCHEMA = pa.schema([("rows", pa.int64()), ("state", pa.binary())])
"""What `Job.observe` gives."""
SCORE_SCHEMA = pa.schema([("id", pa.int64()), ("score", pa.float64())])
"""What `Job.score` gives."""
STORE_SCHEMA = pa.schema([("rows", pa.int64()), ("store", pa.binary())])
"""What `Job.store` gives: a segment a row."""
TOP_SCHEMA = pa.schema([("target", pa.int64()), ("top", pa.binary())])
"""What `Job.top` gives: the state of a `TopK` for each target."""

Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True)
class Job:
    """What gradients are, and what is made of them.

    `coordinates` is the length of a gradient. The `seed` is public: whoever has it can
    make gradients that the sketch does not see. Where rows may be hostile give a secret
    `key` of 16 bytes, and keep it from their makers. The `codec` is that of stores.
    """

    coordinates: int
    dim: int = 512
    groups: int = 1
    detector: str = "direction"
    projection: str = "sjlt"
    clip: bool = False
    seed: Optional[int] = None
    key: Optional[bytes] = None
    codec: str = "int8"

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

    def store(self, rows: int = 4096) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
        """A function that takes batches in, and gives segments of so many rows each: the
        last one of a partition has what is left.

        Where groups are there they are kept. Segments of 4,096 rows of 512 int8 have 2.2
        MB: large enough that nothing is lost between them, small enough for a batch of
        some.
        """
        if rows < 1:
            raise ValueError(f"expected segments of at least 1 row, found {rows}")

        def stored(batches: Iterable[pa.RecordBatch]) -> Batches:
            sketcher = self.sketcher()
            store, seen = Store(sketcher.dim, self.codec, rows=rows), 0
            for batch in batches:
                start = 0
                while start < batch.num_rows:
                    part = batch.slice(start, rows - len(store))
                    groups = self._groups(part, seen)
                    store.append(_ids(part, seen), self._sketches(sketcher, part, seen), groups)
                    start += part.num_rows
                    seen += part.num_rows
                    if len(store) == rows:
                        yield _segment(store)
                        store = Store(sketcher.dim, self.codec, rows=rows)
            if len(store):
                yield _segment(store)

        return stored

    def top(self, targets: Sketches, k: int) -> Callable[[Iterable[pa.RecordBatch]], Batches]:
        """A function that takes segments in (a column `store`), or Parquet files of them
        (`path`), and gives for each target the k rows with the largest inner products:
        their states, for `merge_top`. One segment of each worker is in memory at a time,
        beside the batch."""
        self.sketcher().wrap(targets.values)  # Refused here, if they are of another width.
        values, norms = targets.values, targets.squared_norms

        def found(batches: Iterable[pa.RecordBatch]) -> Batches:
            sketcher = self.sketcher()
            queries = sketcher.wrap(values, norms)
            best = [TopK(k) for _ in range(len(queries))]
            for state in _segments(batches):
                store = Store(sketcher.dim, self.codec)
                store.restore(state)
                for merged, part in zip(best, store.top(queries, k)):
                    merged.merge(part)
            columns = [
                pa.array(range(len(best)), pa.int64()),
                pa.array([top.to_bytes() for top in best], pa.binary()),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=TOP_SCHEMA)

        return found

    def merge_top(self, rows: Iterable[tuple[int, bytes]], k: int) -> list[TopK]:
        """The k largest of each target, of all parts, in any order: `rows` are pairs of a
        target and a state, as `top` gives them."""
        merged: dict[int, TopK] = {}
        for target, state in rows:
            part = TopK(k)
            part.restore(bytes(state))
            merged.setdefault(target, TopK(k)).merge(part)
        missing = sorted(set(range(max(merged, default=-1) + 1)) - set(merged))
        if missing:
            raise ValueError(f"expected a state for each target, found none for target {missing[0]}")
        return [merged[target] for target in sorted(merged)]

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


def _ids(batch: pa.RecordBatch, before: int) -> NDArray[np.uint64]:
    """The samples' ids."""
    if "id" not in batch.schema.names:
        raise ValueError(f"expected a column id, found {batch.schema.names}")
    column = batch.column("id").cast(pa.int64())
    if column.null_count:
        raise ValueError(f"expected an id in each row, found none in row {before + _first_null(column)}")
    ids: NDArray[np.int64] = column.to_numpy(zero_copy_only=False)
    wrong = np.flatnonzero(ids < 0)
    if wrong.size:
        row = before + int(wrong[0])
        raise ValueError(f"expected ids from 0 on, found {ids[wrong[0]]} in row {row}")
    return ids.astype(np.uint64)


def _segment(store: Store) -> pa.RecordBatch:
    columns = [pa.array([len(store)], pa.int64()), pa.array([store.to_bytes()], pa.binary())]
    return pa.RecordBatch.from_arrays(columns, schema=STORE_SCHEMA)


def _segments(batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """The segments of batches, or of the files that they name."""
    for batch in batches:
        names = [name for name in ("store", "path") if name in batch.schema.names]
        if len(names) != 1:
            raise ValueError(f"expected a column store or path, found {batch.schema.names}")
        for value in batch.column(names[0]):
            if not value.is_valid:
                raise ValueError(f"expected a {names[0]} in each row, found none")
            if names == ["path"]:
                yield from _segments_of(value.as_py())
            else:
                yield value.as_py()


def _segments_of(path: str) -> Iterator[bytes]:
    """The segments of a Parquet file, one at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if "store" not in file.schema_arrow.names:
            raise ValueError(f"{path}: expected a column store, found {file.schema_arrow.names}")
        for batch in file.iter_batches(batch_size=1, columns=["store"]):
            for value in batch.column(0):
                yield value.as_py()


def dask_batches(function: Callable[[Iterable[pa.RecordBatch]], Batches], bag: Any) -> Any:
    """A Dask bag of the batches that a pass of a job gives: `Job.observe`, or what
    `Job.score`, `Job.store` and `Job.top` return. The bag has record batches."""
    # Workers send lists to each other, and no generators.
    return bag.map_partitions(lambda batches: list(function(batches)))


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


def ray_tops(job: Job, dataset: Any, targets: Sketches, k: int) -> Any:
    """A Ray dataset of targets and states, some for each batch: for `Job.merge_top`. The
    dataset has a column `path` or `store`."""
    top = job.top(targets, k)

    def found(table: pa.Table) -> pa.Table:
        return pa.Table.from_batches(top(table.to_batches()), TOP_SCHEMA)

    return dataset.map_batches(found, batch_format="pyarrow")
