"""Stores of sketches, lists of the largest scores, what fits a device, and files."""

import json
import zlib

import numpy as np
import pytest

import gradsieve

CODECS = ["f32", "f16", "bf16", "int8", "4-bit", "2-bit", "1-bit"]
ROWS = np.random.default_rng(0).normal(size=(300, 60)).astype(np.float32)
IDS = np.arange(1000, 1300, dtype=np.uint64)


def sketches(rows=ROWS, seed=1):
    return gradsieve.Sketcher([(60, 1)], 32, projection="sjlt", seed=seed).gradients(rows)


def stored(codec="int8", ids=IDS, rows=ROWS):
    store = gradsieve.Store(32, codec)
    store.append(ids, sketches(rows))
    return store


@pytest.mark.parametrize(("codec", "tolerance"), list(zip(CODECS, [0, 1e-3, 1e-2, 1e-2, None])))
def test_a_store_scores_as_its_sketches_do(codec, tolerance):
    targets, store = sketches(ROWS[:3]), stored(codec)
    scores = store.score(targets)
    exact = sketches().values @ targets.values.T
    assert scores.shape == (300, 3) and scores.dtype == np.float32
    if tolerance is None:
        assert np.corrcoef(scores.ravel(), exact.ravel())[0, 1] > 0.7
    else:
        np.testing.assert_allclose(scores, exact, atol=tolerance * np.abs(exact).max() + 1e-3)
    np.testing.assert_array_equal(store.squared_norms, sketches().squared_norms)


@pytest.mark.parametrize("codec", CODECS)
def test_the_largest_are_those_of_all_scores(codec):
    targets, store = sketches(ROWS[:3]), stored(codec)
    scores = store.score(targets)
    for target, top in enumerate(store.top(targets, 7)):
        best = np.lexsort((IDS, -scores[:, target]))[:7]
        assert (top.ids == IDS[best]).all() and (top.scores == scores[best, target]).all()


@pytest.mark.parametrize("codec", CODECS)
def test_a_store_that_grew_in_parts_has_the_bytes_of_one_that_did_not(codec):
    parts = [stored(codec, IDS[:37], ROWS[:37]), stored(codec, IDS[37:], ROWS[37:])]
    parts[0].merge(parts[1])
    assert parts[0].to_bytes() == stored(codec).to_bytes()
    other = gradsieve.Store(32, codec)
    other.restore(parts[0].to_bytes())
    assert len(other) == 300 and other.to_bytes() == parts[0].to_bytes()
    assert (other.ids == IDS).all() and (other.score(sketches()) == parts[0].score(sketches())).all()


def test_rows_come_back_with_their_groups_and_norms():
    store = gradsieve.Store(32, "f32", rows=300)
    store.append(IDS, sketches(), np.arange(300, dtype=np.uint32))
    assert (store.groups == np.arange(300)).all()
    back = store.sketches()
    assert (back.values == sketches().values).all() and (back.l2 == sketches().l2).all()
    assert (
        gradsieve.influence(back, back, "dot") == gradsieve.influence(sketches(), sketches(), "dot")
    ).all()


def test_a_batch_is_added_whole_or_not_at_all():
    store = stored()
    with pytest.raises(ValueError, match="expected 300 ids, one for each sketch, found 299"):
        store.append(IDS[1:], sketches())
    with pytest.raises(ValueError, match="expected 300 groups"):
        store.append(IDS, sketches(), np.zeros(2, np.uint32))
    rows = ROWS.copy()
    rows[7, 3] = np.nan
    with pytest.raises(ValueError, match="finite numbers, found others in row 7"):
        store.append(IDS, sketches(rows))
    with pytest.raises(ValueError, match="differ"):
        store.append(IDS, sketches(seed=2))
    assert len(store) == 300


def test_what_does_not_fit_a_store_is_named():
    with pytest.raises(ValueError, match=r"expected a codec of .* found .int4."):
        gradsieve.Store(32, "int4")
    with pytest.raises(ValueError, match="width"):
        gradsieve.Store(0)
    with pytest.raises(ValueError, match="differ"):
        stored().score(sketches(seed=2))
    with pytest.raises(ValueError, match="codec"):
        stored().merge(stored("f16"))
    with pytest.raises(ValueError, match="found an empty one"):
        gradsieve.Store(32).sketches()


def test_bytes_that_are_no_such_store_leave_it_as_it_was():
    store, good = stored(), stored().to_bytes()
    torn = bytearray(good)
    torn[200] ^= 1
    # A header that claims more bytes than there are.
    longer = bytearray(good)
    at = good.index(len(good).to_bytes(4, "little"))
    longer[at : at + 4] = (1 << 31).to_bytes(4, "little")
    for wrong in [b"", good[:50], good[:-1], bytes(torn), bytes(longer), stored("f16").to_bytes()]:
        with pytest.raises(ValueError):
            store.restore(wrong)
    other = gradsieve.Store(32)
    other.append(IDS, sketches(seed=2))
    with pytest.raises(ValueError, match="differ"):
        other.restore(good)
    assert store.to_bytes() == good


def test_lists_of_the_largest_do_not_depend_on_order_or_parts():
    random = np.random.default_rng(3)
    scores = random.integers(0, 20, 200).astype(np.float64)  # many are equal
    ids = random.permutation(200).astype(np.uint64)
    whole = gradsieve.TopK(9)
    whole.push(ids, scores)
    best = np.lexsort((ids, -scores))[:9]
    assert (whole.ids == ids[best]).all() and (whole.scores == scores[best]).all()
    for parts in [3, 50]:
        merged = gradsieve.TopK(9)
        for places in np.array_split(random.permutation(200), parts):
            part = gradsieve.TopK(9)
            part.push(ids[places], scores[places])
            again = gradsieve.TopK(9)
            again.restore(part.to_bytes())
            merged.merge(again)
        assert merged.to_bytes() == whole.to_bytes() and len(merged) == merged.k == 9


def test_what_does_not_fit_a_list_is_named():
    top = gradsieve.TopK(2)
    with pytest.raises(ValueError, match="found NaN in row 1"):
        top.push(np.arange(2, dtype=np.uint64), np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="expected 1 ids, one for each score, found 2"):
        top.push(np.arange(2, dtype=np.uint64), np.array([1.0]))
    with pytest.raises(ValueError, match="expected a list of the 2 largest, found one of 3"):
        top.merge(gradsieve.TopK(3))
    with pytest.raises(ValueError):
        top.restore(gradsieve.TopK(3).to_bytes())
    assert len(top) == 0


def test_scores_beyond_float32_are_left_out_with_a_warning():
    store = gradsieve.Store(1, "f32")
    large = gradsieve.Sketcher([(1, 1)], 1, projection="exact", seed=1)
    rows = large.gradients(np.array([[3e38], [1.0]], np.float32))
    store.append(np.arange(2, dtype=np.uint64), rows)
    with pytest.warns(RuntimeWarning, match="1 scores beyond float32"):
        (top,) = store.top(large.gradients(np.array([[100.0]], np.float32)), 2)
    assert top.ids.tolist() == [1]


def test_a_plan_fits_its_budget_and_says_the_least_that_one_must_be():
    choices = gradsieve.plan(1_000_000, 64 << 10, rows=200)
    assert choices and all(choice["bytes"] <= 64 << 10 for choice in choices)
    errors = [choice["error"] for choice in choices]
    assert errors == sorted(errors)
    for choice in choices:
        parts = choice["detector_bytes"] + choice["store_bytes"] + choice["sketch_bytes"]
        assert choice["bytes"] == parts and choice["codec"] in CODECS
    assert all(choice["codec"] is None for choice in gradsieve.plan(1000, 64 << 10))
    with pytest.raises(ValueError, match=r"expected a budget of at least [0-9]+ bytes, found 16"):
        gradsieve.plan(1000, 16)


def write_store(path, codec):
    """A store on disk of two segments, as docs/src/formats/states.md describes it."""
    parts = [slice(0, 200), slice(200, 300)]
    segments = [stored(codec, np.arange(300, dtype=np.uint64)[part], ROWS[part]).to_bytes() for part in parts]
    manifest = {
        "format": "gradsieve store",
        "version": 1,
        "codec": codec,
        "sketch": {"gradsieve.projection": "sjlt"},
        "samples": 300,
        "runs": [{"segments": 1, "rows": n, "bytes": len(s)} for n, s in zip((200, 100), segments)],
    }
    manifest["crc32"] = zlib.crc32(json.dumps(manifest, separators=(",", ":")).encode())
    path.mkdir()
    (path / "gradients.bin").write_bytes(b"".join(segments))
    (path / "store.json").write_text(json.dumps(manifest))
    return path


@pytest.mark.parametrize("codec", CODECS)
def test_a_store_on_disk_is_read_and_scored_as_one_in_memory(codec, tmp_path):
    file = gradsieve.StoreFile(write_store(tmp_path / "run.store", codec))
    assert (len(file), file.samples, file.codec, file.dim) == (300, 300, codec, 32)
    assert file.settings == {"gradsieve.projection": "sjlt"}
    store, targets = stored(codec, np.arange(300, dtype=np.uint64)), sketches(ROWS[:3])
    assert file.read().to_bytes() == store.to_bytes()
    assert (file.score(targets) == store.score(targets)).all()
    found, expected = file.top(targets, 5), store.top(targets, 5)
    assert [top.to_bytes() for top in found] == [top.to_bytes() for top in expected]
    with pytest.raises(ValueError, match="differ"):
        file.top(sketches(seed=2), 5)


def test_a_store_on_disk_that_was_altered_is_refused(tmp_path):
    path = write_store(tmp_path / "run.store", "int8")
    values = bytearray((path / "gradients.bin").read_bytes())
    values[-100] ^= 1
    (path / "gradients.bin").write_bytes(values)
    with pytest.raises(ValueError, match="segment 1"):
        gradsieve.StoreFile(path).read()
    (path / "gradients.bin").write_bytes(values[:-1])
    with pytest.raises(ValueError, match="the end is missing"):
        gradsieve.StoreFile(path)


def write_step(path, tensors):
    header, values = {}, b""
    for name, array in tensors.items():
        end = len(values) + array.nbytes
        kind = {"<i8": "I64", "<f4": "F32"}[array.dtype.str]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(values), end]}
        values += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + values)


def test_a_recorded_run_is_read_step_by_step(tmp_path):
    both = {"ids": np.array([4, 2]), "learning_rate": np.array([0.5], np.float32)}
    write_step(tmp_path / "step-0.safetensors", {**both, "grads": ROWS[:2], "target": ROWS[2:3]})
    layer = {
        "a.one": ROWS[:2, :3].copy(),
        "b.one": ROWS[:2, :4].copy(),
        "factors.b.one": ROWS[:4, 4:8].copy(),
    }
    write_step(tmp_path / "step-1.safetensors", {**both, **layer})
    run = gradsieve.Run(tmp_path)
    assert len(run) == 2
    first, second = run.step(0), run.step(1)
    assert first["ids"].tolist() == [4, 2] and first["learning_rate"] == 0.5
    assert (first["grads"] == ROWS[:2]).all() and (first["target"] == ROWS[2:3]).all()
    assert first["layers"] is None and first["factors"] is None and second["grads"] is None
    ((a, b),) = second["layers"]
    assert (a == ROWS[:2, :3]).all() and (b == ROWS[:2, :4]).all()
    (outputs,) = second["factor_outputs"]
    assert (outputs == ROWS[:4, 4:8]).all() and first["factor_outputs"] is None
    with pytest.raises(IndexError, match="expected a step below 2, found 2"):
        run.step(2)
    (tmp_path / "step-1.safetensors").rename(tmp_path / "step-3.safetensors")
    with pytest.raises(ValueError, match="expected a file for step 1, found step 3"):
        gradsieve.Run(tmp_path)


def test_files_that_are_not_there_or_something_else_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such store"):
        gradsieve.StoreFile(tmp_path / "nowhere.store")
    with pytest.raises(ValueError, match="nothing of that name"):
        gradsieve.Run(tmp_path / "nowhere")


def rewritten(path, **changes):
    """The manifest with other entries, and the checksum of what it then says."""
    manifest = json.loads((path / "store.json").read_text())
    manifest.pop("crc32")
    manifest.update(changes)
    manifest["crc32"] = zlib.crc32(json.dumps(manifest, separators=(",", ":")).encode())
    (path / "store.json").write_text(json.dumps(manifest))


def test_counts_that_no_machine_has_the_memory_for_are_errors(tmp_path):
    path = write_store(tmp_path / "run.store", "int8")
    size = len(stored("int8", np.arange(200, dtype=np.uint64), ROWS[:200]).to_bytes())
    # As many bytes as it says, of which the disk has the first alone.
    segments = 1 << 28
    rewritten(path, samples=1 << 40, runs=[{"segments": segments, "rows": 200, "bytes": size}])
    with (path / "gradients.bin").open("r+b") as file:
        file.truncate(segments * size)
    file = gradsieve.StoreFile(path)
    assert len(file) == 200 * segments
    with pytest.raises(MemoryError):
        file.score(sketches())
    with pytest.raises(MemoryError):
        file.read()
    with pytest.raises(ValueError, match="segment 1"):
        file.top(sketches(ROWS[:1]), 3)


@pytest.mark.parametrize(
    "runs",
    [
        [{"segments": 1 << 63, "rows": 1 << 63, "bytes": 1 << 63}],
        [{"segments": 1, "rows": 0, "bytes": 0}],
        [{"segments": 1, "rows": 300, "bytes": 300}],
        [{"segments": -1, "rows": 1, "bytes": 1}],
    ],
)
def test_a_manifest_that_cannot_be_true_is_refused(runs, tmp_path):
    path = write_store(tmp_path / "run.store", "f16")
    rewritten(path, runs=runs)
    with pytest.raises(ValueError, match=r"run\.store"):
        gradsieve.StoreFile(path)


@pytest.mark.parametrize("cut", [0, 1, 40, 150])
def test_files_of_any_other_bytes_are_errors(cut, tmp_path):
    path = write_store(tmp_path / "run.store", "bf16")
    text = (path / "store.json").read_bytes()
    (path / "store.json").write_bytes(text[:cut])
    with pytest.raises(ValueError, match=r"store\.json"):
        gradsieve.StoreFile(path)
    write_step(tmp_path / "step-0.safetensors", {"ids": np.array([1]), "grads": ROWS[:1]})
    step = tmp_path / "step-0.safetensors"
    step.write_bytes(step.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"step-0\.safetensors"):
        gradsieve.Run(tmp_path).step(0)


@pytest.mark.parametrize("columns", [1 << 40, (1 << 61) - 1, 1 << 61, (1 << 62) + 1, (1 << 64) - 1])
def test_columns_of_no_rows_are_refused_where_no_array_has_as_many(columns, tmp_path):
    header = {
        "ids": {"dtype": "I64", "shape": [0], "data_offsets": [0, 0]},
        "learning_rate": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
        "a.one": {"dtype": "F32", "shape": [0, columns], "data_offsets": [4, 4]},
        "b.one": {"dtype": "F32", "shape": [0, columns], "data_offsets": [4, 4]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "step-0.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    run = gradsieve.Run(tmp_path)
    if columns < 1 << 61:
        ((a, _),) = run.step(0)["layers"]
        assert a.shape == (0, columns)
    else:
        with pytest.raises(ValueError, match="columns"):
            run.step(0)
