"""The Arrow functions on real clusters of two workers, one of which dies.

Engines are not in the check, which says so: `pip install ray pyspark dask
distributed`, Java for Spark, and this file.
"""

import os
import sys

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402

from gradsieve.arrow import (  # noqa: E402
    SCORE_SCHEMA,
    STATE_SCHEMA,
    STORE_SCHEMA,
    TOP_SCHEMA,
    Job,
    dask_batches,
    ray_scores,
    ray_states,
    ray_tops,
)

ROWS = 4000
JOB = Job(coordinates=60, dim=32, groups=4, seed=3)


def table():
    random = np.random.default_rng(0)
    gradients = random.normal(size=(ROWS, 60)).astype(np.float32)
    return pa.table(
        {
            "id": pa.array(np.arange(ROWS)),
            "gradient": pa.FixedSizeListArray.from_arrays(pa.array(gradients.ravel()), 60).cast(
                pa.list_(pa.float32())
            ),
            "group": pa.array(random.integers(0, 4, ROWS)),
        }
    )


@pytest.fixture(scope="module")
def alone():
    """What one process finds."""
    (batch,) = JOB.observe(table().to_batches())
    state = batch.column("state")[0].as_py()
    scored = pa.Table.from_batches(JOB.score(state)(table().to_batches()))
    return state, dict(zip(scored["id"].to_pylist(), scored["score"].to_pylist()))


TARGETS = JOB.sketcher().gradients(np.random.default_rng(1).normal(size=(3, 60)).astype(np.float32))


def tops(batches):
    """The bytes of the merged lists of what `Job.top` gave."""
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [top.to_bytes() for top in JOB.merge_top(((row["target"], row["top"]) for row in rows), 9)]


@pytest.fixture(scope="module")
def best():
    """The lists of one process, of a store in one segment."""
    return tops(JOB.top(TARGETS, 9)(JOB.store(ROWS)(table().to_batches())))


@pytest.fixture
def folder(tmp_path):
    """Seven Parquet files of segments of 100 rows, as workers leave them."""
    for part in range(7):
        rows = table().slice(part * 600, 600).to_batches()
        store = pa.Table.from_batches(JOB.store(100)(rows), STORE_SCHEMA)
        pq.write_table(store, tmp_path / f"part-{part}.parquet")
    return [str(path) for path in tmp_path.glob("*.parquet")]


class DiesOnce:
    """Kills the first worker that comes to a batch in the middle."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __call__(self, ids):
        if max(ids.to_pylist()) >= ROWS // 2:
            try:
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os._exit(1)


def spark_schema(schema):
    kinds = {pa.int64(): "long", pa.binary(): "binary", pa.float64(): "double"}
    return ", ".join(f"{field.name} {kinds[field.type]}" for field in schema)


def test_ray_gives_the_bytes_of_one_process_though_a_worker_dies(alone, best, folder, tmp_path):
    ray = pytest.importorskip("ray")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not have this file
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir="/tmp/ray_gradsieve")
    try:
        dies = DiesOnce(tmp_path / "died")
        dataset = ray.data.from_arrow(table()).repartition(10)

        def check(part):
            dies(part["id"])
            return part

        deadly = dataset.map_batches(check, batch_format="pyarrow", batch_size=200)
        state = JOB.merge(row["state"] for row in ray_states(JOB, deadly).take_all())
        assert os.path.exists(dies.mark)
        assert state == alone[0]
        scored = ray_scores(JOB, dataset, state).take_all()
        assert {row["id"]: row["score"] for row in scored} == alone[1]
        paths = ray.data.from_arrow(pa.table({"path": folder})).repartition(3)
        found = ray_tops(JOB, paths, TARGETS, 9).take_all()
        merged = JOB.merge_top(((row["target"], row["top"]) for row in found), 9)
        assert [top.to_bytes() for top in merged] == best
    finally:
        ray.shutdown()


def test_spark_gives_the_bytes_of_one_process_though_a_worker_dies(alone, best, tmp_path):
    sql = pytest.importorskip("pyspark.sql")
    cloudpickle = pytest.importorskip("pyspark.cloudpickle")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers do not have this file
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    spark = (
        sql.SparkSession.builder.master("local[2, 4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    try:
        rows = table()
        frame = spark.createDataFrame(
            list(zip(rows["id"].to_pylist(), rows["gradient"].to_pylist(), rows["group"].to_pylist())),
            "id long, gradient array<float>, group int",
        ).repartition(7)
        dies = DiesOnce(tmp_path / "died")

        def observe(batches):
            def each():
                for batch in batches:
                    dies(batch.column("id"))
                    yield batch

            return JOB.observe(each())

        found = frame.mapInArrow(observe, spark_schema(STATE_SCHEMA)).collect()
        assert os.path.exists(dies.mark)
        state = JOB.merge(row.state for row in found)
        assert sum(row.rows for row in found) == ROWS
        assert state == alone[0]
        scored = frame.mapInArrow(JOB.score(state), spark_schema(SCORE_SCHEMA)).collect()
        assert {row.id: row.score for row in scored} == alone[1]
        store = tmp_path / "store"
        frame.mapInArrow(JOB.store(100), spark_schema(STORE_SCHEMA)).write.parquet(str(store))
        files = [(str(path),) for path in store.glob("*.parquet")]
        paths = spark.createDataFrame(files, "path string").repartition(3)
        found = paths.mapInArrow(JOB.top(TARGETS, 9), spark_schema(TOP_SCHEMA)).collect()
        merged = JOB.merge_top(((row.target, row.top) for row in found), 9)
        assert [top.to_bytes() for top in merged] == best
    finally:
        spark.stop()


def test_dask_gives_the_bytes_of_one_process(alone, best, folder):
    bag = pytest.importorskip("dask.bag")
    distributed = pytest.importorskip("dask.distributed")
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        rows = bag.from_sequence(table().to_batches(max_chunksize=100), npartitions=7)
        state = JOB.merge(batch["state"][0].as_py() for batch in dask_batches(JOB.observe, rows).compute())
        assert state == alone[0]
        scored = pa.Table.from_batches(dask_batches(JOB.score(state), rows).compute())
        assert dict(zip(scored["id"].to_pylist(), scored["score"].to_pylist())) == alone[1]
        paths = bag.from_sequence([pa.record_batch({"path": [path]}) for path in folder], npartitions=3)
        assert tops(dask_batches(JOB.top(TARGETS, 9), paths).compute()) == best
        segments = dask_batches(JOB.store(100), rows)
        assert tops(dask_batches(JOB.top(TARGETS, 9), segments).compute()) == best
