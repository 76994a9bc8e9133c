"""Sketches of watched models against gradients that were written out, one sample at a time."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import gradsieve  # noqa: E402
from gradsieve import watcher  # noqa: E402
from gradsieve.functional import Function  # noqa: E402

SAMPLES = 5


class Tokens(nn.Module):
    """Embeds, normalises and classifies sequences; one layer is used twice."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=0)
        self.norm = nn.LayerNorm(6)
        self.mix = nn.Linear(6, 6)
        self.output = nn.Linear(6, 3)

    def forward(self, x):
        h = self.norm(self.embedding(x))
        h = torch.tanh(self.mix(torch.tanh(self.mix(h))))
        return self.output(h.mean(1))


def images(*shape):
    return lambda: torch.randn(SAMPLES, *shape)


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 3)), images(7)),
    "inplace": (lambda: nn.Sequential(nn.Linear(7, 9), nn.ReLU(inplace=True), nn.Linear(9, 3)), images(7)),
    "without bias": (
        lambda: nn.Sequential(nn.Linear(7, 9, bias=False), nn.Tanh(), nn.Linear(9, 3)),
        images(7),
    ),
    "positions": (
        lambda: nn.Sequential(nn.Linear(7, 12), nn.Tanh(), nn.Flatten(), nn.Linear(24, 3)),
        images(2, 7),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, stride=2),
            nn.ReLU(),
            nn.GroupNorm(2, 4),
            nn.Conv2d(4, 6, (3, 1), groups=2, dilation=(1, 2)),
            nn.Flatten(),
            nn.LazyLinear(3),
        ),
        images(2, 8, 9),
    ),
    "padding": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect"),
            nn.Tanh(),
            nn.Conv2d(3, 3, 2, padding="same"),
            nn.Flatten(),
            nn.LazyLinear(3),
        ),
        images(2, 5, 6),
    ),
    "one axis": (
        lambda: nn.Sequential(
            nn.Conv1d(3, 4, 5, padding=2, stride=2, bias=False),
            nn.Tanh(),
            nn.Conv1d(4, 4, 3, groups=4),
            nn.Flatten(),
            nn.LazyLinear(3),
        ),
        images(3, 16),
    ),
    "tokens": (Tokens, lambda: torch.randint(0, 11, (SAMPLES, 5))),
    "normalised": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(3)).eval(),
        images(2, 5, 5),
    ),
}


def made(name):
    torch.manual_seed(3)
    make, inputs = MODELS[name]
    model, x = make(), inputs()
    model(x)
    return model, x, torch.arange(SAMPLES) % 3


def written_out(watch, model, x, y):
    """The gradient of each sample, as the watch lays it out."""
    rows = []
    for i in range(SAMPLES):
        model.zero_grad()
        functional.cross_entropy(model(x[i : i + 1]), y[i : i + 1]).backward()
        parts = []
        for layer in watch.layers:
            outputs = layer.shape[0]
            if isinstance(layer, Function):
                parts += [p.grad.flatten() for p in layer.parameters.values()]
                continue
            own = [layer.module.weight.grad.reshape(outputs, -1)] if layer.has_weight else []
            own += [layer.module.bias.grad.reshape(outputs, 1)] if layer.has_bias else []
            parts.append(torch.cat(own, 1).flatten())
        rows.append(torch.cat(parts))
    return torch.stack(rows).numpy()


def close(found, expected):
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-6)


@pytest.mark.parametrize("projection", ["kronecker", "sjlt", "exact"])
@pytest.mark.parametrize("name", MODELS)
def test_sketches_are_those_of_the_gradients_written_out(name, projection):
    model, x, y = made(name)
    dim = {"kronecker": 256, "sjlt": 64, "exact": 1}[projection]
    watch = gradsieve.watch(model, dim, projection=projection, seed=1)
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    model.zero_grad()
    with watch:
        functional.cross_entropy(model(x), y).backward()
        found = watch.sketch(SAMPLES)
    close(found.values, expected.values)
    close(found.l2, expected.l2)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_may_be_a_mean_or_a_sum_and_may_be_scaled(reduction):
    model, x, y = made("mlp")
    watch = gradsieve.watch(model, 64, seed=1, reduction=reduction)
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    with watch:
        (128 * functional.cross_entropy(model(x), y, reduction=reduction)).backward()
        close(watch.sketch(SAMPLES, scale=128).values, expected.values)


def test_frozen_parameters_are_not_looked_at():
    model, x, y = made("mlp")
    model[0].weight.requires_grad_(False)
    model[2].bias.requires_grad_(False)
    watch = gradsieve.watch(model, 64, seed=1)
    assert [layer.shape for layer in watch.layers] == [(9, 1), (3, 9)]
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    with watch:
        functional.cross_entropy(model(x), y).backward()
        close(watch.sketch(SAMPLES).values, expected.values)


def test_a_layer_that_is_not_used_has_a_gradient_of_zero():
    model, x, y = made("mlp")
    model.spare = nn.Linear(3, 3)
    model.forward = lambda x: model[2](model[1](model[0](x)))
    with gradsieve.watch(model, 64, seed=1) as watch:
        functional.cross_entropy(model(x), y).backward()
        sketches = watch.sketch(SAMPLES)
    assert np.isfinite(sketches.l2).all()


def test_half_precision_is_taken_as_it_comes():
    model, x, y = made("mlp")
    watch = gradsieve.watch(model, 64, seed=1)
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    with watch, torch.autocast("cpu", torch.bfloat16):
        functional.cross_entropy(model(x).float(), y).backward()
        found = watch.sketch(SAMPLES)
    scale = np.abs(expected.values).max()
    np.testing.assert_allclose(found.values / scale, expected.values / scale, atol=0.05)


def trained(watch, model, x, y, ids, epochs=12):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    order = torch.Generator().manual_seed(5)
    with watch:
        for _ in range(epochs):
            for batch in torch.randperm(len(x), generator=order).split(20):
                each = functional.cross_entropy(model(x[batch]), y[batch], reduction="none")
                optimizer.zero_grad()
                each.mean().backward()
                watch.step(ids[batch], labels=y[batch], losses=each.detach())
                optimizer.step()
    return watch.outliers()


def blobs():
    torch.manual_seed(0)
    centres = 2 * torch.randn(4, 10)
    truth = torch.arange(400) % 4
    x = centres[truth] + torch.randn(400, 10)
    wrong = torch.zeros(400, dtype=torch.bool)
    wrong[torch.randperm(400)[:40]] = True
    return x, torch.where(wrong, (truth + 1) % 4, truth), wrong


def mlp():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))


def test_wrong_labels_come_first_under_the_ids_that_were_given():
    x, y, wrong = blobs()
    ids = 1_000_000 + 3 * torch.arange(400)
    model = mlp()
    found = trained(gradsieve.watch(model, 64, seed=1), model, x, y, ids)
    assert len(found) == 400 and (found.visits == 12).all()
    of_wrong = set(ids[wrong].tolist())
    assert len(of_wrong.intersection(found.top(40))) >= 32
    assert found.top(3) == [int(i) for i in found.table()["ids"][:3]]


def test_a_run_of_the_same_seed_gives_the_same_bits_and_leaves_the_model_alone():
    x, y, _ = blobs()
    runs = []
    for watched in (True, True, False):
        model = mlp()
        if watched:
            scores = trained(gradsieve.watch(model, 64, seed=1), model, x, y, torch.arange(400)).scores
        else:
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            order = torch.Generator().manual_seed(5)
            for _ in range(12):
                for batch in torch.randperm(len(x), generator=order).split(20):
                    optimizer.zero_grad()
                    functional.cross_entropy(model(x[batch]), y[batch], reduction="none").mean().backward()
                    optimizer.step()
        runs.append((scores, model[0].weight.detach().numpy()))
    assert (runs[0][0] == runs[1][0]).all()
    assert (runs[0][1] == runs[2][1]).all()


def test_watches_of_two_ranks_are_merged():
    x, y, _ = blobs()
    ids = torch.arange(400)
    parts = []
    for half in (slice(0, 200), slice(200, 400)):
        model = mlp()
        watch = gradsieve.watch(model, 64, seed=1, classes=4)
        trained(watch, model, x[half], y[half], ids[half])
        parts.append(watch)
    parts[0].merge(parts[1])
    found = parts[0].outliers()
    assert sorted(found.ids.tolist()) == list(range(400))
    assert parts[0].sieve.count == 2 * 12 * 200


def test_classes_may_turn_up_later():
    model, x, _ = made("mlp")
    with gradsieve.watch(model, 64, seed=1) as watch:
        for labels in ([0, 0, 1, 0, 1], [0, 1, 2, 1, 2]):
            labels = torch.tensor(labels)
            functional.cross_entropy(model(x), labels).backward()
            watch.step(range(SAMPLES), labels=labels)
    assert watch.outliers().labels.tolist() == [0, 1, 2, 1, 2]


def test_kept_sketches_are_those_of_the_last_visit():
    model, x, y = made("mlp")
    with gradsieve.watch(model, 64, seed=1, keep=True) as watch:
        for ids in ([4, 9, 2, 7, 5], [9, 1, 4, 8, 3]):
            functional.cross_entropy(model(x), y).backward()
            watch.step(ids)
        functional.cross_entropy(model(x), y).backward()
        again = watch.sketch(SAMPLES)
    ids, train = watch.kept()
    assert ids.tolist() == [1, 2, 3, 4, 5, 7, 8, 9]
    rows = dict(zip(ids.tolist(), train.values))
    for place, sample in enumerate([9, 1, 4, 8, 3]):
        assert (rows[sample] == again.values[place]).all()
    assert gradsieve.influence(train, again, "ridge").shape == (8, 5)


def test_what_is_wrong_with_a_step_is_told():
    model, x, y = made("mlp")
    watch = gradsieve.watch(model, 64, seed=1)
    with pytest.raises(RuntimeError, match="no backward pass was seen"):
        watch.step(range(SAMPLES))
    with watch:
        functional.cross_entropy(model(x), y).backward()
        with pytest.raises(ValueError, match="expected 4 samples, as there are ids, found 5 in 0"):
            watch.step(range(4))
        functional.cross_entropy(model(x), y).backward()
        with pytest.raises(ValueError, match="expected 5 labels, as there are ids, found 3"):
            watch.step(range(SAMPLES), labels=[0, 1, 2])
        with pytest.raises(ValueError, match="expected labels of 0 or more, found -1"):
            watch.step(range(SAMPLES), labels=[0, 1, 2, -1, 0])
    with pytest.raises(ValueError, match="expected a reduction of mean or sum"):
        gradsieve.watch(model, reduction="none")
    with pytest.raises(ValueError, match="trainable parameters, found none"):
        gradsieve.watch(nn.ReLU())


def test_what_costs_more_and_what_mixes_samples_is_said_aloud():
    with pytest.warns(UserWarning, match=r"1 \(GRU\) is run again on each sample by torch.func: .*144 bytes"):
        gradsieve.watch(nn.Sequential(nn.Linear(2, 2), nn.GRU(2, 2)), 32)
    with pytest.warns(UserWarning, match="mixes the samples of a batch"):
        gradsieve.watch(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), 32)


def test_the_model_is_free_after_the_block():
    model, x, y = made("mlp")
    with gradsieve.watch(model, 64) as watch:
        pass
    functional.cross_entropy(model(x), y).backward()
    assert not model[0]._forward_hooks
    with pytest.raises(RuntimeError):
        watch.step(range(SAMPLES))


class Scaled(nn.Module):
    """Has parameters of its own, and children."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.randn(1, 6))
        self.mix = nn.Linear(6, 5)

    def forward(self, x, *, twice=False):
        h = torch.tanh(self.mix(x + self.shift))
        return self.mix(h[:, [0, 1, 2, 3, 4, 4]]) if twice else h


class Recurrent(nn.Module):
    """A GRU, attention in both orders of axes, a child with parameters of its own."""

    def __init__(self, batch_first):
        super().__init__()
        self.batch_first = batch_first
        self.gru = nn.GRU(4, 6, batch_first=batch_first)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=batch_first)
        self.scaled = Scaled()
        self.activation = nn.PReLU(5)
        self.output = nn.Linear(5, 3)

    def forward(self, x):
        axis = 1 if self.batch_first else 0
        h, last = self.gru(x if self.batch_first else x.transpose(0, 1))
        h, _ = self.attention(h, h, h)
        return self.output(self.activation(self.scaled(h.mean(axis) + last[0], twice=True)))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("projection", ["kronecker", "sjlt"])
def test_what_has_no_factors_is_run_again_on_each_sample(batch_first, projection, monkeypatch):
    if not watcher.TAKES_KEYWORDS:
        pytest.skip("hooks of this torch do not see arguments that were given by name")
    monkeypatch.setattr(watcher, "ENTRIES", 1000)  # two or so samples at a time
    torch.manual_seed(3)
    model, x, y = Recurrent(batch_first), torch.randn(SAMPLES, 7, 4), torch.arange(SAMPLES) % 3
    with pytest.warns(UserWarning, match="run again on each sample by torch.func"):
        watch = gradsieve.watch(model, 64, projection=projection, seed=1)
    assert sum(layer.shape[0] * layer.shape[1] for layer in watch.layers) == sum(
        p.numel() for p in model.parameters()
    )
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    model.zero_grad()
    with watch:
        functional.cross_entropy(model(x), y).backward()
        before = torch.get_rng_state()
        found = watch.sketch(SAMPLES)
    close(found.values, expected.values)
    close(found.l2, expected.l2)
    assert (torch.get_rng_state() == before).all()


def test_one_sample_at_a_time_gives_what_vmap_gives():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Bilinear(4, 4, 3)).eval()
    model.forward = lambda x: model[0](x, x * x)
    x, y = torch.randn(SAMPLES, 4), torch.arange(SAMPLES) % 3
    rows = []
    for refused in (None, "as a test wants it"):
        with pytest.warns(UserWarning, match="run again"):
            watch = gradsieve.watch(model, 64, seed=1)
        watch.layers[0].refused = refused
        with watch:
            functional.cross_entropy(model(x), y).backward()
            rows.append(watch.sketch(SAMPLES).values)
    expected = watch.sketcher.gradients(written_out(watch, model, x, y)).values
    close(rows[0], expected)
    close(rows[1], expected)


def test_large_layers_are_written_out_for_a_few_samples_at_a_time(monkeypatch):
    monkeypatch.setattr(watcher, "ENTRIES", 150)
    for name in ("tokens", "convolutions"):
        model, x, y = made(name)
        watch = gradsieve.watch(model, 64, seed=1)
        expected = watch.sketcher.gradients(written_out(watch, model, x, y))
        with watch:
            functional.cross_entropy(model(x), y).backward()
            close(watch.sketch(SAMPLES).values, expected.values)


def test_gradients_may_be_accumulated_over_steps():
    model, x, y = made("mlp")
    watch = gradsieve.watch(model, 64, seed=1)
    expected = watch.sketcher.gradients(written_out(watch, model, x, y)).values
    model.zero_grad()
    with watch:
        for part in (slice(0, 2), slice(2, 5)):
            (functional.cross_entropy(model(x[part]), y[part]) / 2).backward()
            close(watch.sketch(len(x[part]), scale=1 / 2).values, expected[part])


def test_memory_grows_with_the_layers_widths_and_not_with_gradients():
    width, batch = 512, 32
    model = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))
    x, y = torch.randn(batch, width), torch.arange(batch) % 2
    with gradsieve.watch(model, 64, seed=1) as watch:
        functional.cross_entropy(model(x), y).backward()
        held = {}
        for calls in watch._calls.values():
            for kept, deltas in calls:
                held.update({t.data_ptr(): t.numel() for t in (kept, *deltas)})
        watch.sketch(batch)
    assert sum(held.values()) <= batch * (width + width + width + 2)
    assert not watch._calls


def test_the_adapters_of_lora_are_watched_and_their_base_is_not():
    peft = pytest.importorskip("peft")
    torch.manual_seed(3)
    base = nn.Sequential()
    base.add_module("first", nn.Linear(7, 9))
    base.add_module("activation", nn.Tanh())
    base.add_module("head", nn.Linear(9, 3))
    config = peft.LoraConfig(r=2, target_modules=["first"], modules_to_save=["head"], init_lora_weights=False)
    model = peft.get_peft_model(base, config)
    x, y = torch.randn(SAMPLES, 7), torch.arange(SAMPLES) % 3
    watch = gradsieve.watch(model, 64, seed=1)
    assert sorted(layer.shape for layer in watch.layers) == [(2, 7), (3, 10), (9, 2)]
    expected = watch.sketcher.gradients(written_out(watch, model, x, y))
    model.zero_grad()
    with watch:
        functional.cross_entropy(model(x), y).backward()
        close(watch.sketch(SAMPLES).values, expected.values)


def test_a_layer_whose_module_is_never_called_is_said_aloud():
    model, x, y = made("mlp")
    model.forward = lambda x: functional.linear(model[1](model[0](x)), model[2].weight, model[2].bias)
    with gradsieve.watch(model, 64, seed=1) as watch:
        functional.cross_entropy(model(x), y).backward()
        with pytest.warns(UserWarning, match="2 has a gradient, but was not called"):
            watch.sketch(SAMPLES)


def test_shared_weights_are_said_aloud():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5, bias=False))
    model[1].weight = model[0].weight
    with pytest.warns(UserWarning, match="1 \\(Linear\\) shares parameters with a module before"):
        gradsieve.watch(model, 32)


def ekfac_by_hand(train, targets, curvature, damping):
    """EK-FAC influence with NumPy, layer by layer, of (inputs, deltas)."""
    scores = 0
    for (a, b), (c, d), (e, f) in zip(train, targets, curvature):
        q_a, q_b = (np.linalg.eigh(own.T @ own)[1] for own in (e.astype(float), f.astype(float)))
        squares = np.einsum("ni,no->noi", e @ q_a, f @ q_b) ** 2
        divisor = squares.mean(0) + damping * squares.mean()
        rows, aims = (np.einsum("ni,no->noi", x @ q_a, y @ q_b) for x, y in ((a, b), (c, d)))
        scores = scores + np.einsum("noi,moi->nm", rows, aims / divisor)
    return scores


def linear_factors(samples, seed, watch, model, drawn=False):
    torch.manual_seed(seed)
    x = torch.randn(samples, 7)
    y = torch.randint(0, 3, (samples,))
    logits = model(x)
    if drawn:
        y = torch.distributions.Categorical(logits=logits.detach()).sample()
    functional.cross_entropy(logits, y).backward()
    return watch.factors(samples)


def test_ek_fac_of_a_watched_model_is_that_of_numpy():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3, bias=False))
    with gradsieve.watch(model) as watch:
        train = [linear_factors(samples, seed, watch, model) for seed, samples in ((1, 70), (2, 13))]
        targets = [linear_factors(4, 3, watch, model)]
        curvature = [linear_factors(80, 4, watch, model, drawn=True)]
    whole = [tuple(np.concatenate(parts) for parts in zip(*layer)) for layer in zip(*train)]
    assert [own.shape for layer in whole for own in layer] == [(83, 8), (83, 5), (83, 5), (83, 3)]
    for given, used in ((curvature, curvature[0]), (None, whole)):
        found = gradsieve.ekfac(train, targets, given, damping=0.5)
        assert found.shape == (83, 4)
        expected = ekfac_by_hand(whole, targets[0], used, 0.5)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert (gradsieve.ekfac(train, targets) == gradsieve.ekfac([whole], targets, damping=0.1)).all()


def test_ek_fac_sums_a_sample_over_its_positions():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((9, 2, width)).astype(np.float32) for width in (6, 4))
    targets = [[(a[:2], b[:2])]]
    found = gradsieve.ekfac([[(a, b)]], targets, damping=1.0)
    # Scores of positions one by one, with the curvature of whole samples, add up.
    halves = [gradsieve.ekfac([[(a[:, [t]], b[:, [t]])]], targets, [[(a, b)]], damping=1.0) for t in range(2)]
    np.testing.assert_allclose(found, halves[0] + halves[1], rtol=1e-5, atol=1e-4)


def test_ek_fac_says_what_does_not_fit():
    a, b = np.ones((5, 4), np.float32), np.ones((5, 2), np.float32)
    for train, targets, sentence in (
        ([], [[(a, b)]], "a batch of train"),
        ([[(a, b)]], [[(a[:, :3].copy(), b)]], "in all of targets"),
        ([[(a, b[:4])]], [[(a, b)]], "the same samples"),
        ([[(a, b), (a[:4], b[:4])]], [[(a, b)]], "the same samples in all layers"),
        ([[(a, b)], [(a, b), (a, b)]], [[(a, b)]], "1 layers in each batch"),
    ):
        with pytest.raises(ValueError, match=sentence):
            gradsieve.ekfac(train, targets)
    with pytest.raises(ValueError, match="damping"):
        gradsieve.ekfac([[(a, b)]], [[(a, b)]], damping=0.0)
    model = nn.Sequential(nn.Linear(7, 5), nn.LayerNorm(5))
    with gradsieve.watch(model) as watch:
        model(torch.randn(3, 7)).sum().backward()
        with pytest.raises(ValueError, match="linear layers"):
            watch.factors(3)
