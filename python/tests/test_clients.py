"""Weights of federated clients, without Flower."""

import numpy as np
import pytest

import gradsieve

CLIENTS, HOSTILE, WIDTH = 15, 3, 600


def updates():
    draw = np.random.default_rng(3)
    honest = draw.normal(size=WIDTH)
    rows = honest + 0.5 * draw.normal(size=(CLIENTS, WIDTH))
    rows[:HOSTILE] = -4 * honest + 0.5 * draw.normal(size=(HOSTILE, WIDTH))
    return rows.astype(np.float32), honest.astype(np.float32)


def sketched(rows, dim=128):
    return gradsieve.Sketcher([(WIDTH, 1)], dim, projection="sjlt", seed=1).gradients(rows)


def weights(rule, rows, server, **settings):
    if rule in ("krum", "multi-krum", "bulyan", "dnc"):
        settings["hostile"] = HOSTILE
    if rule == "fltrust":
        settings["server"] = sketched(server[None])
    return gradsieve.client_weights(sketched(rows), rule, **settings)


@pytest.mark.parametrize("rule", gradsieve.client_rules())
def test_each_rule_weighs_every_client_and_ids_make_order_nothing(rule):
    rows, server = updates()
    ids = np.arange(CLIENTS, dtype=np.uint64) * 977 % 101
    found = weights(rule, rows, server, ids=ids)
    assert found.shape == (CLIENTS,) and (found >= 0).all() and found.sum() > 0
    if rule not in ("foolsgold", "bulyan"):
        assert found[:HOSTILE].sum() < 0.06
    order = np.random.default_rng(1).permutation(CLIENTS)
    assert (weights(rule, rows[order], server, ids=ids[order]) == found[order]).all()


def test_multi_krum_on_whole_updates_is_that_of_numpy():
    rows, _ = updates()
    whole = gradsieve.Sketcher([(WIDTH, 1)], WIDTH, projection="exact", seed=0).gradients(rows)
    found = gradsieve.client_weights(whole, "multi-krum", hostile=HOSTILE)
    squares = ((rows[:, None].astype(float) - rows[None]) ** 2).sum(2)
    scores = [np.sort(np.delete(squares[i], i))[: CLIENTS - HOSTILE - 2].sum() for i in range(CLIENTS)]
    kept = np.argsort(scores, kind="stable")[: CLIENTS - HOSTILE]
    assert sorted(np.flatnonzero(found)) == sorted(kept)
    assert np.allclose(found[kept], 1 / len(kept))


def test_an_update_that_is_not_finite_has_no_weight():
    rows, server = updates()
    rows[5, 7] = np.nan
    for rule in gradsieve.client_rules():
        found = weights(rule, rows, server)
        assert found[5] == 0 and np.isfinite(found).all()


@pytest.mark.parametrize(
    ("rule", "settings", "said"),
    [
        ("nobody", {}, 'expected a rule of krum, multi-krum, .*, found "nobody"'),
        ("krum", {}, "expected hostile, how many clients may be hostile, beside the rule krum"),
        ("bulyan", {"hostile": 4}, "expected at least 19 finite updates for the rule bulyan, found 15 of 15"),
        ("fltrust", {}, "expected server, the sketch of an update that the server trusts"),
        ("dnc", {"hostile": 3, "norm": 1.0}, "expected norm beside the rule clip alone, found it beside dnc"),
        ("clip", {"norm": -1.0}, "finite and above 0"),
        ("clip", {"ids": np.zeros(3, np.uint64)}, "expected 15 ids, one for each update, found 3"),
    ],
)
def test_what_makes_no_sense_is_refused(rule, settings, said):
    rows, _ = updates()
    with pytest.raises(ValueError, match=said):
        gradsieve.client_weights(sketched(rows), rule, **settings)


def test_a_server_of_another_key_is_refused():
    rows, server = updates()
    other = gradsieve.Sketcher([(WIDTH, 1)], 128, projection="sjlt", seed=2).gradients(server[None])
    with pytest.raises(ValueError, match="differ in the seed or key of the projection"):
        gradsieve.client_weights(sketched(rows), "fltrust", server=other)


def test_an_id_that_comes_twice_is_refused():
    rows, _ = updates()
    with pytest.raises(ValueError, match="client"):
        gradsieve.client_weights(sketched(rows), "clip", ids=np.zeros(CLIENTS, np.uint64))
