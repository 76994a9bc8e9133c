"""What works without torch: sketchers, the sieve, detectors, influence, the estimator."""

import sys

import numpy as np
import pytest

import gradsieve

GRADIENTS = np.random.default_rng(0).normal(size=(300, 60)).astype(np.float32)


def sketcher(dim=32, **settings):
    return gradsieve.Sketcher([(5, 8), (4, 5)], dim, **{"seed": 1, **settings})


def test_sketches_carry_the_norms_of_their_gradients():
    sketches = sketcher().gradients(GRADIENTS)
    assert sketches.values.shape == (300, sketches.dim)
    np.testing.assert_allclose(sketches.l2, np.linalg.norm(GRADIENTS.astype(float), axis=1), rtol=1e-6)
    np.testing.assert_allclose(sketches.l1, np.abs(GRADIENTS.astype(float)).sum(1), rtol=1e-6)
    assert (sketches.max == np.abs(GRADIENTS).max(1)).all()


def test_factors_give_the_sketch_of_their_product():
    random = np.random.default_rng(1)
    a, b = (random.normal(size=(7, n)).astype(np.float32) for n in (7, 5))
    c, d = (random.normal(size=(7, 3, n)).astype(np.float32) for n in (5, 4))
    found = sketcher().factors([(1, c, d), (0, a, b)])
    with_ones = np.concatenate([a, np.ones((7, 1), np.float32)], 1)
    first, second = b[:, :, None] * with_ones[:, None], np.einsum("bto,bti->boi", d, c)
    rows = np.concatenate([first.reshape(7, -1), second.reshape(7, -1)], 1)
    np.testing.assert_allclose(found.values, sketcher().gradients(rows).values, atol=1e-5)
    # Times a scale they are those of factors, or of gradients, that were multiplied.
    parts, times = [(1, second.reshape(7, -1), None), (0, a, b)], np.float32(0.3)
    scaled = sketcher().factors([(1, second.reshape(7, -1) * times, None), (0, a, b * times)])
    assert (sketcher().factors(parts, 0.3).values == scaled.values).all()
    assert (sketcher().factors(parts, scale=0.3).l2 == scaled.l2).all()


def test_a_layer_that_comes_twice_in_the_place_of_another_is_refused():
    twice = gradsieve.Sketcher([(5, 9), (5, 9)], 32, seed=1)
    part = (np.ones((3, 8), np.float32), np.ones((3, 5), np.float32))
    with pytest.raises(ValueError, match="expected each coordinate of the gradient once, found some twice"):
        twice.factors([(0, *part), (0, *part)])
    assert len(twice.factors([(1, *part), (0, *part)])) == 3


def test_labels_are_groups_of_any_whole_type():
    sketches = sketcher().gradients(GRADIENTS)
    labels = np.arange(len(sketches)) % 3
    one, other = (gradsieve.Sieve(sketches.dim, 3) for _ in range(2))
    verdicts = one.judge(sketches, labels.astype(np.uint32))
    assert (other.judge(sketches, labels.astype(np.int64))["score"] == verdicts["score"]).all()
    assert one.to_bytes() == other.to_bytes()
    with pytest.raises(ValueError, match="expected labels of 0 or more, found -2"):
        other.judge(sketches, labels.astype(np.int64) - 2)
    with pytest.raises(ValueError, match="expected a group id below 3, found 3"):
        other.judge(sketches, labels.astype(np.int64)[::-1].copy() + np.arange(300) // 299 * 3)
    assert one.to_bytes() == other.to_bytes()
    with pytest.raises(TypeError):
        other.judge(sketches, labels.astype(np.float32))


def test_the_key_is_secret_unless_there_is_a_seed():
    one, two = (gradsieve.Sketcher([(5, 12)], 32, projection="sjlt") for _ in range(2))
    assert one.seed is None and one.key != two.key
    again = gradsieve.Sketcher([(5, 12)], 32, projection="sjlt", key=one.key)
    assert (again.gradients(GRADIENTS).values == one.gradients(GRADIENTS).values).all()
    with pytest.raises(ValueError, match="differ"):
        one.gradients(GRADIENTS).concat(two.gradients(GRADIENTS))
    assert sketcher().seed == 1 and sketcher().key is None


def test_batches_put_together_at_once_are_those_put_together_one_by_one():
    parts = [sketcher().gradients(rows) for rows in np.array_split(GRADIENTS, 4)]
    at_once = parts[0].concat(*parts[1:])
    one_by_one = parts[0].concat(parts[1]).concat(parts[2]).concat(parts[3])
    whole = sketcher().gradients(GRADIENTS)
    for found in (at_once, one_by_one):
        assert len(found) == len(GRADIENTS)
        assert (found.values == whole.values).all() and (found.l2 == whole.l2).all()
    assert (parts[0].concat().values == parts[0].values).all()
    other = gradsieve.Sketcher([(5, 12)], 32, projection="sjlt", seed=2).gradients(GRADIENTS)
    with pytest.raises(ValueError, match="differ"):
        parts[0].concat(parts[1], other)


def test_a_sieve_flags_what_is_odd_and_travels_as_bytes():
    rows = GRADIENTS + 2
    rows[250:260] = -rows[250:260]
    sketches = sketcher(64, projection="sjlt").gradients(rows)
    sieve = gradsieve.Sieve(sketches.dim, rate=0.05)
    verdicts = sieve.judge(sketches)
    assert verdicts["flagged"][250:260].mean() > 0.7 and verdicts["flagged"].mean() < 0.15
    assert "direction" in gradsieve.reason_names(int(verdicts["reasons"][250]))
    other = gradsieve.Sieve(sketches.dim, rate=0.05)
    other.restore(sieve.to_bytes())
    assert other.count == 300
    more = sketcher(64, projection="sjlt").gradients(rows[:20])
    assert (other.judge(more)["score"] == sieve.judge(more)["score"]).all()
    with pytest.raises(ValueError, match="differ"):
        gradsieve.Sieve(sketches.dim, 3).restore(sieve.to_bytes())


@pytest.mark.parametrize("name", ["direction", "mahalanobis", "self-influence", "l1", "l2"])
def test_detectors_of_parts_are_merged(name):
    sketches = sketcher().gradients(GRADIENTS)
    whole, left, right = (gradsieve.Detector(name, sketches.dim) for _ in range(3))
    whole.observe(sketches)
    left.observe(sketches.take(np.arange(100)))
    right.observe(sketches.take(np.arange(100, 300)))
    left.merge(right)
    scores = whole.score(sketches)
    np.testing.assert_allclose(left.score(sketches), scores, rtol=1e-5)
    restored = gradsieve.Detector(name, sketches.dim)
    restored.restore(whole.to_bytes())
    assert (restored.score(sketches) == scores).all()


def test_ridge_influence_is_the_formula():
    sketches = sketcher(projection="exact").gradients(GRADIENTS)
    targets = sketches.take(np.array([3, 200]))
    rows = GRADIENTS.astype(float)
    for method, expected in [
        ("dot", rows @ rows[[3, 200]].T),
        (
            "ridge",
            rows
            @ np.linalg.solve((h := rows.T @ rows) + 0.1 * np.trace(h) / 60 * np.eye(60), rows[[3, 200]].T),
        ),
    ]:
        damping = {"damping": 0.1} if method == "ridge" else {}
        found = gradsieve.influence(sketches, targets, method, **damping)
        scale = np.abs(expected).max() / np.abs(found).max()
        np.testing.assert_allclose(
            found * scale / np.abs(expected).max(), expected / np.abs(expected).max(), atol=1e-5
        )
    with pytest.raises(ValueError, match="one of dot, cosine, ridge and trak"):
        gradsieve.influence(sketches, targets, "guess")


def test_the_estimator_has_the_interface_of_scikit_learn():
    rows = GRADIENTS + 1
    rows[:10] *= -1
    detector = gradsieve.OutlierDetector(contamination=10 / 300, seed=1)
    assert (detector.fit_predict(rows)[:10] == -1).mean() > 0.7
    assert detector.score_samples(rows).shape == (300,)
    assert detector.set_params(dim=32).get_params()["dim"] == 32
    labels = np.array(["cat", "dog"])[np.arange(300) % 2]
    assert (detector.fit(rows, labels).predict(rows, labels) == -1).sum() == pytest.approx(10, abs=1)
    with pytest.raises(ValueError, match="classes that it was fitted with, found"):
        detector.predict(rows[:1], ["bird"])
    with pytest.raises(ValueError, match="fit the detector first"):
        gradsieve.OutlierDetector().score_samples(rows)


def test_wrong_arrays_are_refused_with_what_was_expected():
    with pytest.raises(ValueError, match="expected gradients of 60 entries, found 59"):
        sketcher().gradients(GRADIENTS[:, :59].copy())
    with pytest.raises(ValueError, match="layer 0: expected 8 inputs and 5 outputs"):
        sketcher().factors([(0, np.zeros((2, 9), np.float32), np.zeros((2, 5), np.float32))])
    with pytest.raises(ValueError, match="expected a layer below 2, found 2"):
        sketcher().factors([(2, np.zeros((2, 9), np.float32), None)])
    with pytest.raises(ValueError, match="expected a gradient of 60 coordinates, found 40"):
        sketcher().factors([(0, np.zeros((2, 40), np.float32), None)])
    with pytest.raises(ValueError, match="expected a detector of"):
        gradsieve.Detector("forest", 3)
    with pytest.raises(ValueError, match="expected 300 groups"):
        gradsieve.Sieve(32).judge(sketcher().gradients(GRADIENTS), np.zeros(3, np.uint32))


def test_without_torch_watch_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"watch needs torch: pip install gradsieve\[torch\]"):
        gradsieve.watch(None)
