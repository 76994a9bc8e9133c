"""Arrow batches: any partitioning gives the same bytes, and wrong rows are named."""

import pickle

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")

from gradsieve.arrow import SCORE_SCHEMA, STATE_SCHEMA, Job  # noqa: E402

JOB = Job(coordinates=40, dim=32, groups=3, seed=7)
RANDOM = np.random.default_rng(2)
GRADIENTS = RANDOM.normal(size=(500, 40)).astype(np.float32)
GROUPS = RANDOM.integers(0, 3, 500)


def batches(places, size=64, kind="fixed"):
    for start in range(0, len(places), size):
        own = places[start : start + size]
        flat = pa.array(GRADIENTS[own].ravel())
        if kind == "fixed":
            gradients = pa.FixedSizeListArray.from_arrays(flat, 40)
        else:
            gradients = pa.ListArray.from_arrays(pa.array(np.arange(len(own) + 1) * 40, pa.int32()), flat)
        columns = {"id": pa.array(own), "gradient": gradients, "group": pa.array(GROUPS[own], pa.int8())}
        yield pa.RecordBatch.from_pydict(columns)


def states(parts):
    found = []
    for part in parts:
        (batch,) = JOB.observe(batches(part))
        assert batch.schema == STATE_SCHEMA
        assert batch.column("rows")[0].as_py() == len(part)
        found.append(batch.column("state")[0].as_py())
    return found


def scores(state, places, **settings):
    found = {}
    for batch in JOB.score(state)(batches(places, **settings)):
        assert batch.schema == SCORE_SCHEMA
        found.update(zip(batch.column("id").to_pylist(), batch.column("score").to_pylist()))
    return found


def test_any_partitioning_gives_the_same_bytes():
    everything = np.arange(500)
    whole = JOB.merge(states([everything]))
    for seed in range(5):
        random = np.random.default_rng(seed)
        cuts = np.sort(random.choice(np.arange(1, 500), 6, replace=False))
        parts = np.split(random.permutation(everything), cuts)
        found = states(parts)
        order = random.permutation(len(found))
        assert JOB.merge([found[i] for i in order]) == whole
        halves = [JOB.merge(found[:3]), JOB.merge(found[3:])]
        assert JOB.merge(halves) == whole


def test_scores_do_not_depend_on_batches_or_on_the_kind_of_list():
    everything = np.arange(500)
    state = JOB.merge(states([everything]))
    expected = scores(state, everything, size=500)
    assert scores(state, everything, size=7, kind="lists") == expected
    assert scores(state, everything[::-1], size=33) == expected
    assert len(expected) == 500


def test_a_job_travels_and_an_empty_part_counts_nothing():
    job = pickle.loads(pickle.dumps(JOB))
    assert job == JOB
    (empty,) = job.observe(iter([]))
    everything = states([np.arange(500)])
    assert job.merge([*everything, empty.column("state")[0].as_py()]) == JOB.merge(everything)


def test_sketches_may_come_as_they_are():
    sketches = JOB.sketcher().gradients(GRADIENTS)
    columns = {
        "id": pa.array(np.arange(500)),
        "sketch": pa.FixedSizeListArray.from_arrays(pa.array(sketches.values.ravel()), sketches.dim),
        "group": pa.array(GROUPS),
        "squared_norm": pa.array(sketches.squared_norms),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    (state,) = JOB.observe([batch])
    assert state.column("state")[0].as_py() == states([np.arange(500)])[0]
    found = next(JOB.score(JOB.merge(states([np.arange(500)])))([batch]))
    assert dict(zip(range(500), found.column("score").to_pylist())) == scores(
        state.column("state")[0].as_py(), np.arange(500)
    )


def test_wrong_rows_are_named():
    good = next(batches(np.arange(20)))
    with pytest.raises(ValueError, match="expected a column group, found"):
        list(JOB.observe([good.drop_columns(["group"])]))
    with pytest.raises(ValueError, match="expected a column gradient or sketch, found"):
        list(JOB.observe([good.drop_columns(["gradient"])]))
    wrong = good.set_column(2, "group", pa.array([0] * 19 + [3]))
    with pytest.raises(ValueError, match="expected groups below 3, found 3 in row 39"):
        list(JOB.observe([good, wrong]))
    wrong = good.set_column(2, "group", pa.array([0] * 4 + [None] + [0] * 15))
    with pytest.raises(ValueError, match="expected a group in each row, found none in row 4"):
        list(JOB.observe([wrong]))
    lists = pa.array([[0.0] * 40] * 19 + [[0.0] * 39], pa.list_(pa.float32()))
    with pytest.raises(ValueError, match="expected gradients of 40 numbers, found 39 in row 19"):
        list(JOB.observe([good.set_column(1, "gradient", lists)]))
    with pytest.raises(ValueError, match="expected a seed or a key"):
        Job(coordinates=40)


def table_of_sketches(rows=1000):
    random = np.random.default_rng(5)
    values = random.normal(size=(rows, JOB.sketcher().dim)).astype(np.float32)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    groups = pa.array(random.integers(0, JOB.groups, rows))
    return pa.table({"id": pa.array(np.arange(rows)), "sketch": lists, "group": groups})


def test_segments_give_the_same_lists_however_they_are_parted(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    table, targets = table_of_sketches(), JOB.sketcher().gradients(GRADIENTS[:3])

    def lists(segments):
        pairs = []
        for batch in segments:
            (found,) = JOB.top(targets, 7)([batch])
            pairs += zip(found["target"].to_pylist(), found["top"].to_pylist())
        return [top.to_bytes() for top in JOB.merge_top(pairs, 7)]

    whole = lists(JOB.store(4096)(table.to_batches()))
    assert len(whole) == 3
    parts = [batch for n in (0, 400) for batch in JOB.store(64)(table.slice(n, 400 + n).to_batches(50))]
    assert sum(batch["rows"][0].as_py() for batch in parts) == 1000 and lists(parts[::-1]) == whole
    pq.write_table(pa.Table.from_batches(parts), tmp_path / "segments.parquet")
    assert lists([pa.record_batch({"path": [str(tmp_path / "segments.parquet")]})]) == whole


def test_what_is_wrong_with_segments_is_named():
    targets = JOB.sketcher().gradients(GRADIENTS[:1])
    with pytest.raises(ValueError, match="expected a column store or path"):
        list(JOB.top(targets, 2)([pa.record_batch({"x": [1]})]))
    with pytest.raises(ValueError, match="found none for target 0"):
        JOB.merge_top([(1, next(JOB.top(targets, 2)([]))["top"][0].as_py())], 2)
    with pytest.raises(ValueError, match="at least 1 row"):
        JOB.store(0)
    wrong = table_of_sketches(3).set_column(0, "id", pa.array([0, -1, 2]))
    with pytest.raises(ValueError, match="expected ids from 0 on, found -1 in row 1"):
        list(JOB.store()(wrong.to_batches()))
