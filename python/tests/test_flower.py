"""The strategy for Flower, on a grid without a network."""

import numpy as np
import pytest

pytest.importorskip("flwr", reason="pip install flwr")
# Messages name the run that they belong to, which Flower keeps there.
identity = pytest.importorskip("flwr.supercore.task_identity", reason="another flwr than 1.42").TaskIdentity

from flwr.app import Array, ArrayRecord, Error, Message, MetricRecord, RecordDict  # noqa: E402
from flwr.serverapp import Grid  # noqa: E402

from gradsieve.flower import RobustFedAvg  # noqa: E402

identity.run_id = identity.task_id = identity.node_id = 1
NODES = [7, 3, 11, 5, 2, 13, 17, 19, 23]
HOSTILE = {7, 3}
SHAPES = {"weight": (30, 40), "bias": (30,)}


class Here(Grid):
    """Clients as a function of the node, the round and the model's arrays."""

    def __init__(self, client, order=None):
        self.client, self.order = client, order or NODES

    run = property(lambda self: None)

    def set_run(self, run):
        pass

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None):
        raise NotImplementedError

    def get_node_ids(self):
        return self.order

    def push_messages(self, messages):
        raise NotImplementedError

    def pull_messages(self, message_ids):
        raise NotImplementedError

    def send_and_receive(self, messages, *, timeout=None):
        for message in messages:
            node = message.metadata.dst_node_id
            if message.metadata.message_type != "train":
                yield reply(message, node, MetricRecord({"loss": 1.0, "num-examples": 5}))
                continue
            content = self.client(node, message.content["config"]["server-round"], message.content["arrays"])
            yield reply(message, node, content)


def reply(message, node, content):
    """The answer of a node, as if it had come over the wire."""
    if isinstance(content, Error):
        answer = Message(content, reply_to=message)
    else:
        record = content if isinstance(content, RecordDict) else RecordDict({"metrics": content})
        answer = Message(record, reply_to=message)
    answer.metadata._src_node_id = node
    return answer


def model(value=0.0, dtype=np.float32):
    return ArrayRecord({name: Array(np.full(shape, value, dtype)) for name, shape in SHAPES.items()})


def change(node, server_round):
    """What a client adds: honest ones about 1, hostile ones -9."""
    draw = np.random.default_rng((node, server_round))
    centre = -9.0 if node in HOSTILE else 1.0
    return {name: centre + 0.1 * draw.normal(size=shape) for name, shape in SHAPES.items()}


def honest_reply(node, server_round, arrays, metrics=None):
    moved = change(node, server_round)
    sent = {name: Array((arrays[name].numpy() + moved[name]).astype(np.float32)) for name in SHAPES}
    metrics = metrics or {"loss": 1.0 + node, "num-examples": node}
    return RecordDict({"arrays": ArrayRecord(sent), "metrics": MetricRecord(metrics)})


def start(strategy, client=honest_reply, rounds=2, order=None):
    return strategy.start(Here(client, order), initial_arrays=model(), num_rounds=rounds)


def test_the_model_is_the_sum_of_whole_updates_times_the_weights():
    strategy = RobustFedAvg("multi-krum", hostile=2, dim=64)
    result = start(strategy)
    first, second = strategy.rounds
    assert sorted(first.kept) == sorted(set(NODES) - HOSTILE) == sorted(second.kept)
    assert list(first.weights) == sorted(NODES) and not first.refused
    for name in SHAPES:
        moved = sum(
            weight * change(node, found.server_round)[name]
            for found in strategy.rounds
            for node, weight in found.weights.items()
        )
        assert np.allclose(result.arrays[name].numpy(), moved, atol=1e-5)
    # Metrics are those of clients that counted, by the examples that they claim.
    kept = np.array(first.kept)
    assert result.train_metrics_clientapp[1]["loss"] == pytest.approx((kept * (1 + kept)).sum() / kept.sum())
    assert result.evaluate_metrics_clientapp[1]["loss"] == pytest.approx(1.0)


def test_the_order_of_replies_changes_no_bit():
    def arrays(order):
        result = start(RobustFedAvg("geometric-median", dim=64, seed=1), order=order)
        return [result.arrays[name].numpy() for name in SHAPES]

    for one, other in zip(arrays(NODES), arrays(NODES[::-1])):
        assert (one == other).all()


def test_no_reply_makes_a_round_fail():
    def client(node, server_round, arrays):
        content = honest_reply(node, server_round, arrays)
        if node == 7 and server_round == 1:
            content["arrays"]["bias"] = Array(np.zeros(31, np.float32))
        if node == 7 and server_round == 2:
            content["arrays"]["weight"] = Array(np.full(SHAPES["weight"], np.inf, np.float32))
        if node == 7 and server_round == 3:
            del content["metrics"]
        if node == 7 and server_round == 4:
            del content["arrays"]
        if node == 7 and server_round == 5:
            content["arrays"]["weight"] = Array("float32", SHAPES["weight"], "numpy.ndarray", b"\x93NUMPY")
        if node == 7 and server_round == 6:
            return Error(0, "gone")
        return content

    strategy = RobustFedAvg("dnc", hostile=2, dim=64)
    result = start(strategy, client, rounds=6)
    assert np.isfinite(result.arrays["weight"].numpy()).all()
    expected = ["found float32 (31,)", None, None, "expected one record of arrays, found 0", "cannot be read"]
    for found, said in zip(strategy.rounds, expected):
        assert found.weights[7] == 0 and found.weights[3] == 0
        assert sorted(found.kept) == sorted(set(NODES) - HOSTILE)
        assert (said is None and not found.refused) or said in found.refused[7]
    assert 7 not in strategy.rounds[5].weights


def test_a_round_with_too_few_updates_changes_nothing():
    def client(node, server_round, arrays):
        if server_round == 1 or node in (2, 3, 5):
            return honest_reply(node, server_round, arrays)
        return Error(0, "gone")

    strategy = RobustFedAvg("krum", hostile=2)
    result = start(strategy, client)
    assert strategy.rounds[1].kept == []
    once = RobustFedAvg("krum", hostile=2, seed=5)
    assert len(strategy.rounds) == 2 and len(strategy.rounds[0].kept) == 1
    assert not (start(once, client, rounds=1).arrays["bias"].numpy() == 0).any()
    assert (result.arrays["bias"].numpy() == model_of(strategy.rounds[0])["bias"]).all()


def model_of(found):
    (node,) = found.kept
    return {name: change(node, found.server_round)[name].astype(np.float32) for name in SHAPES}


@pytest.mark.parametrize(("rule", "expected"), [("multi-krum", [4]), ("clip", range(4, 7))])
def test_whole_numbers_are_means_and_not_part_of_an_update(rule, expected):
    def client(node, server_round, arrays):
        content = honest_reply(node, server_round, arrays)
        content["arrays"]["steps"] = Array(np.array(10 if node in HOSTILE else 4, np.int64))
        return content

    initial = model()
    initial["steps"] = Array(np.array(0, np.int64))
    strategy = RobustFedAvg(rule, hostile=2)
    result = strategy.start(Here(client), initial_arrays=initial, num_rounds=1)
    steps = result.arrays["steps"].numpy()
    assert steps in expected and steps.dtype == np.int64


def test_fltrust_asks_for_the_update_that_the_server_trusts():
    def trusted(server_round, arrays):
        return ArrayRecord({name: Array(arrays[name].numpy() + np.float32(0.5)) for name in SHAPES})

    strategy = RobustFedAvg("fltrust", server_update=trusted)
    result = start(strategy, rounds=1)
    assert sorted(strategy.rounds[0].kept) == sorted(set(NODES) - HOSTILE)
    size = sum(np.prod(shape) for shape in SHAPES.values())
    norm = np.sqrt(sum((result.arrays[name].numpy() ** 2).sum() for name in SHAPES))
    assert norm == pytest.approx(0.5 * np.sqrt(size), rel=0.05)


def test_foolsgold_remembers_the_sum_of_what_a_client_sent():
    """Sybils whose noise hides them in single rounds are alike over all of them."""

    def client(node, server_round, arrays):
        draw = np.random.default_rng((node, server_round))
        own = np.random.default_rng(0 if node in HOSTILE else node)
        sent = {}
        for name, shape in SHAPES.items():
            moved = 0.5 * own.normal(size=shape) + draw.normal(size=shape)
            sent[name] = Array((arrays[name].numpy() + moved).astype(np.float32))
        return RecordDict({"arrays": ArrayRecord(sent), "metrics": MetricRecord({"num-examples": 1})})

    strategy = RobustFedAvg("foolsgold", dim=None)
    start(strategy, client, rounds=12)
    share = [sum(found.weights[node] for node in HOSTILE) for found in strategy.rounds]
    assert share[-1] < 0.5 * share[0]


@pytest.mark.parametrize("settings", [{"hostile": 10**6}, {"hostile": 2, "keep": 10**6}])
def test_settings_for_many_clients_are_taken(settings):
    strategy = RobustFedAvg("multi-krum", **settings)
    # With nine clients there are too few, and the model stays.
    start(strategy, rounds=1)
    assert strategy.rounds[0].kept == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rule": "average"}, "expected a rule of krum"),
        ({"rule": "krum"}, "expected hostile"),
        ({"rule": "fltrust"}, "expected server_update"),
        ({"rule": "dnc", "hostile": 1, "keep": 3}, "expected keep beside the rule multi-krum"),
        ({"rule": "clip", "norm": 0.0}, "finite and above 0"),
    ],
)
def test_settings_are_refused_before_the_first_round(settings, said):
    with pytest.raises(ValueError, match=said):
        RobustFedAvg(**settings)
