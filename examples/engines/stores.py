"""Stores on a shared folder, scored by one process and by the workers of an engine.

    python stores.py [--rows 1000000] [--engines ray spark dask] [--folder FOLDER]

Makes rows of 512 int8 in Parquet files, 65,536 a file, and finds the 100 rows with the
largest inner products with each of 8 targets: in this process, then on Ray Data, Spark and
Dask, each with one worker and with two. An engine's bytes have to be those of this process.
Times are wall times of a pass, the engine already running; of three the least is printed.
With --times 8 a pass reads each file eight times, as if there were so many more rows.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gradsieve.arrow import STORE_SCHEMA, Job, dask_batches, ray_tops

DIM = 512
FILE = 65_536
TARGETS, LARGEST = 8, 100
JOB = Job(coordinates=50_890, dim=DIM, seed=7)
ROUNDS = 3
TASKS = 8  # of a pass; each costs an engine some time of its own


def sketches(begin, rows, step=8192):
    """Batches of random sketches: what `JOB.store()` takes in."""
    for start in range(begin, begin + rows, step):
        count = min(step, begin + rows - start)
        values = np.random.default_rng(start).standard_normal((count, DIM), np.float32)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), DIM)
        yield pa.record_batch({"id": np.arange(start, start + count), "sketch": lists})


def make(folder, rows):
    """The files of a store of so many rows; those that are there stay."""
    paths = []
    for begin in range(0, rows, FILE):
        count = min(FILE, rows - begin)
        path = folder / f"store-{begin:010}-{count}.parquet"
        if not path.exists():
            part = path.with_suffix(".part")
            with pq.ParquetWriter(part, STORE_SCHEMA, compression="none") as file:
                for batch in JOB.store()(sketches(begin, count)):
                    file.write_batch(batch)
            part.rename(path)
        paths.append(str(path))
    return paths


def parts(files):
    """Which files each task reads."""
    return np.array_split(np.arange(files), min(TASKS, files))


@contextmanager
def ray_pass(workers, top, targets):
    import ray

    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False

    def run(paths):
        table = pa.table({"path": paths})
        dataset = ray.data.from_arrow([table.take(part) for part in parts(len(paths))])
        return [(row["target"], row["top"]) for row in ray_tops(JOB, dataset, targets, LARGEST).take_all()]

    try:
        yield run
    finally:
        ray.shutdown()


@contextmanager
def spark_pass(workers, top, targets):
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local[{workers}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")

    def run(paths):
        rows = spark.sparkContext.parallelize([(path,) for path in paths], TASKS)
        frame = spark.createDataFrame(rows, "path string")
        found = frame.mapInArrow(top, "target long, top binary").collect()
        return [(row.target, row.top) for row in found]

    try:
        yield run
    finally:
        spark.stop()


@contextmanager
def dask_pass(workers, top, targets):
    from dask import bag
    from dask.distributed import Client

    client = Client(n_workers=workers, threads_per_worker=1, dashboard_address=None)

    def run(paths):
        batches = [pa.record_batch({"path": paths}).take(part) for part in parts(len(paths))]
        found = dask_batches(top, bag.from_sequence(batches, npartitions=TASKS)).compute()
        return pairs(found)

    try:
        yield run
    finally:
        client.close()


def pairs(batches):
    return [
        pair
        for batch in batches
        for pair in zip(batch.column("target").to_pylist(), batch.column("top").to_pylist())
    ]


def merged(found):
    return [top.to_bytes() for top in JOB.merge_top(found, LARGEST)]


def least(run, paths):
    """The least wall time of a pass, and its bytes."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = merged(run(paths))
        times.append(time.perf_counter() - start)
    return min(times), found


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--times", type=int, default=1)
    words.add_argument("--engines", nargs="*", default=["ray", "spark", "dask"])
    words.add_argument("--folder", type=Path)
    wanted = words.parse_args()
    folder = wanted.folder or Path(tempfile.gettempdir()) / "gradsieve-stores"
    folder.mkdir(parents=True, exist_ok=True)
    paths = make(folder, wanted.rows) * wanted.times
    size = sum(os.path.getsize(path) for path in paths)

    values = np.random.default_rng(wanted.rows).standard_normal((TARGETS, DIM), np.float32)
    targets = JOB.sketcher().wrap(values)
    top = JOB.top(targets, LARGEST)
    print("engine,workers,rows,MB,seconds,MB a second", flush=True)

    def told(name, workers, seconds):
        rows = wanted.rows * wanted.times
        figures = f"{rows},{size / 1e6:.0f},{seconds:.2f},{size / 1e6 / seconds:.0f}"
        print(f"{name},{workers},{figures}", flush=True)

    seconds, alone = least(lambda paths: pairs(top([pa.record_batch({"path": paths})])), paths)
    told("none: one process", 1, seconds)
    engines = {"ray": ("Ray Data", ray_pass), "spark": ("Spark", spark_pass), "dask": ("Dask", dask_pass)}
    for key in wanted.engines:
        name, engine = engines[key]
        for workers in (1, 2):
            with engine(workers, top, targets) as run:
                seconds, found = least(run, paths)
            if found != alone:
                raise SystemExit(f"{name} with {workers} workers: the bytes are not those of one process")
            told(name, workers, seconds)


if __name__ == "__main__":
    main()
