"""The Arrow functions on real clusters of two workers, one of which dies.

Ray and Spark are not in the check, which says so: `pip install ray pyspark`, Java for
Spark, and this file.
"""

import os
import sys

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")

from gradsieve.arrow import SCORE_SCHEMA, STATE_SCHEMA, Job, ray_scores, ray_states  # noqa: E402

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


def test_ray_gives_the_bytes_of_one_process_though_a_worker_dies(alone, tmp_path):
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
    finally:
        ray.shutdown()


def test_spark_gives_the_bytes_of_one_process_though_a_worker_dies(alone, tmp_path):
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

        def spark_schema(schema):
            kinds = {pa.int64(): "long", pa.binary(): "binary", pa.float64(): "double"}
            return ", ".join(f"{field.name} {kinds[field.type]}" for field in schema)

        found = frame.mapInArrow(observe, spark_schema(STATE_SCHEMA)).collect()
        assert os.path.exists(dies.mark)
        state = JOB.merge(row.state for row in found)
        assert sum(row.rows for row in found) == ROWS
        assert state == alone[0]
        scored = frame.mapInArrow(JOB.score(state), spark_schema(SCORE_SCHEMA)).collect()
        assert {row.id: row.score for row in scored} == alone[1]
    finally:
        spark.stop()
