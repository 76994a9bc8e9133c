"""Runs that are written down."""

import json
import os
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.numpy", reason="pip install safetensors")

from torch import nn  # noqa: E402
from torch.func import functional_call, grad, vmap  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

import gradsieve  # noqa: E402

BATCH, WIDTH, CLASSES = 6, 5, 3


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(WIDTH, 4), nn.Tanh(), nn.Linear(4, CLASSES, bias=False))


def convolution():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Unflatten(1, (1, WIDTH)), nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(2 * (WIDTH - 1), CLASSES)
    )


def batch(seed):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, WIDTH, generator=draw), torch.arange(BATCH) % CLASSES


def by_func(model, x, y):
    """The samples' gradients by torch.func: a weight's rows with its bias behind each."""
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters, x, y):
        return cross_entropy(functional_call(model, parameters, (x[None],)), y[None])

    found = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    columns = []
    for name, module in model.named_modules():
        if getattr(module, "weight", None) is None:
            continue
        own = found[f"{name}.weight"].flatten(2)
        if module.bias is not None:
            own = torch.cat([own, found[f"{name}.bias"][:, :, None]], 2)
        columns.append(own.flatten(1))
    return torch.cat(columns, 1).numpy()


def recorded(make, directory, steps=2, append=False, first=0, optimizer=None, clip=None, **settings):
    """Trains for some steps; what each file should hold."""
    # The twin has no hooks, which would see what torch.func calls.
    model, twin = make(), make()
    optimizer = (optimizer or torch.optim.SGD)(model.parameters(), lr=0.25, **settings)
    expected = []
    with gradsieve.watch(model, dim=32, seed=1) as watch:
        watch.record(directory, optimizer, append=append)
        for step in range(first, first + steps):
            x, y = batch(step)
            twin.load_state_dict(model.state_dict())
            expected.append(by_func(twin, x, y))
            optimizer.zero_grad()
            cross_entropy(model(x), y).backward()
            watch.step(torch.arange(BATCH) + step)
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
    return expected


def apart(directory, momentum=0.0, weight_decay=0.0, nesterov=False, rate=0.25):
    """How far the steps are from those of SGD, by their products."""
    apart = moved = 0.0
    for step in sorted(directory.glob("step-*.safetensors"))[1:]:
        products = safetensors.load_file(step)["products"]
        own = rate * (1 + momentum) if nesterov else rate
        factors = np.array([1, own, 0, 0, own * weight_decay])
        if step.name != "step-000001.safetensors":
            ahead = rate * momentum if nesterov else 0.0
            factors[2:] = ahead * weight_decay - momentum, -ahead, rate * weight_decay
        apart += factors @ products @ factors
        moved += products[0, 0]
    return max(apart / moved, 0.0) ** 0.5


def test_linear_layers_are_recorded_as_factors(tmp_path):
    expected = recorded(network, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["run.json", "step-000000.safetensors", "step-000001.safetensors"]
    for step, gradients in enumerate(expected):
        found = safetensors.load_file(tmp_path / f"step-{step:06}.safetensors")
        assert (found["ids"] == np.arange(BATCH) + step).all() and found["learning_rate"] == 0.25 / BATCH
        layers = sorted(name[2:] for name in found if name.startswith("a."))
        assert layers == ["0000.0", "0001.2"] and len(found) - ("products" in found) == 2 + 2 * len(layers)
        outer = [np.einsum("bo,bi->boi", found[f"b.{name}"], found[f"a.{name}"]) for name in layers]
        rows = np.concatenate([layer.reshape(BATCH, -1) for layer in outer], 1)
        assert np.allclose(rows, gradients, atol=1e-6)


def test_other_layers_are_recorded_as_gradients_and_said(tmp_path):
    with pytest.warns(UserWarning, match="whole gradients are recorded"):
        expected = recorded(convolution, tmp_path)
    for step, gradients in enumerate(expected):
        found = safetensors.load_file(tmp_path / f"step-{step:06}.safetensors")
        assert sorted(found.keys() - {"products"}) == ["grads", "ids", "learning_rate"]
        assert np.allclose(found["grads"], gradients, atol=1e-6)


@pytest.mark.parametrize("make", [network, convolution])
def test_curvature_is_that_of_every_label_by_its_probability(make, tmp_path):
    model, (x, y), step = make(), batch(3), tmp_path / "step-000000.safetensors"
    shares = model(x).softmax(1).detach()
    labels = [torch.full_like(y, label) for label in range(CLASSES)]
    rows = [by_func(model, x, label) * shares[:, label[0], None].sqrt().numpy() for label in labels]
    own = by_func(model, x, y)
    with gradsieve.watch(model, dim=32) as watch:
        watch.record(tmp_path, torch.optim.SGD(model.parameters(), 0.1))
        logits = model(x)
        watch.curvature(logits)
        assert all(p.grad is None for p in model.parameters())
        cross_entropy(logits, y).backward()
        watch.step(np.arange(BATCH))
        found = safetensors.load_file(step)
        layers = sorted(name.removeprefix("factors.b.") for name in found if name.startswith("factors.b."))
        factors = found.get("factors")
        if factors is None:
            # Row k with the input of sample k modulo the batch.
            sides = [(found[f"factors.b.{name}"], found[f"a.{name}"]) for name in layers]
            outer = [np.einsum("cbo,bi->cboi", b.reshape(CLASSES, BATCH, -1), a) for b, a in sides]
            factors = np.concatenate([layer.reshape(CLASSES * BATCH, -1) for layer in outer], 1)
        assert (make is network) == bool(layers)
        assert np.allclose(factors, np.concatenate(rows), atol=1e-6)
        if "grads" in found:
            assert np.allclose(found["grads"], own, atol=1e-6)
        cross_entropy(model(x), y).backward()
        watch.step(np.arange(BATCH))
    after = safetensors.load_file(tmp_path / "step-000001.safetensors")
    assert not any(name.startswith("factors") for name in after)


def test_curvature_of_other_samples_than_the_batch_is_written_out(tmp_path):
    model, (x, y), (other, _) = network(), batch(3), batch(4)
    shares = model(other).softmax(1).detach()
    labels = [torch.full_like(y, label) for label in range(CLASSES)]
    rows = [by_func(model, other, label) * shares[:, label[0], None].sqrt().numpy() for label in labels]
    with gradsieve.watch(model, dim=32) as watch:
        watch.record(tmp_path, torch.optim.SGD(model.parameters(), 0.1))
        watch.curvature(model(other))
        cross_entropy(model(x), y).backward()
        watch.step(np.arange(BATCH))
    found = safetensors.load_file(tmp_path / "step-000000.safetensors")
    assert not any(name.startswith("factors.b.") for name in found)
    assert np.allclose(found["factors"], np.concatenate(rows), atol=1e-6)


@pytest.mark.parametrize("make", [network, convolution])
def test_gradients_are_those_of_torch_func(make):
    model, (x, y) = make(), batch(7)
    with gradsieve.watch(model, dim=32) as watch:
        cross_entropy(model(x), y).backward()
        found = watch.gradients(BATCH)
    assert found.dtype == np.float32 and np.allclose(found, by_func(model, x, y), atol=1e-6)


def test_a_run_goes_on_behind_its_steps_if_asked_to(tmp_path):
    recorded(network, tmp_path)
    with pytest.raises(FileExistsError, match="expected a directory without steps, found 2"):
        recorded(network, tmp_path)
    recorded(network, tmp_path, append=True, first=2)
    assert len(list(tmp_path.glob("step-*.safetensors"))) == 4
    last = safetensors.load_file(tmp_path / "step-000003.safetensors")
    assert (last["ids"] == np.arange(BATCH) + 3).all()


def test_what_is_not_followed_is_said_and_momentum_is_followed(tmp_path):
    model = network()
    layers = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "weight_decay": 0.5}]
    plain = model.parameters
    with gradsieve.watch(model, dim=32) as watch:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            watch.record(tmp_path / "m", torch.optim.SGD(plain(), 0.1, 0.9, weight_decay=0.1, nesterov=True))
        for place, optimizer, said in [
            ("a", torch.optim.AdamW(plain()), "of a run by AdamW they are not exact"),
            (
                "d",
                torch.optim.SGD(plain(), 0.1, 0.9, 0.5),
                "of a run by SGD with dampening they are not exact",
            ),
            ("g", torch.optim.SGD(layers, 0.1), "weight_decay that differ between its groups"),
        ]:
            with pytest.warns(UserWarning, match=said):
                watch.record(tmp_path / place, optimizer)
    named = {place.name: json.loads((place / "run.json").read_text()) for place in tmp_path.iterdir()}
    momentum = {key: named["m"]["optimizer"][key] for key in ("name", "momentum", "weight_decay", "nesterov")}
    assert momentum == {"name": "SGD", "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}
    assert named["a"]["optimizer"]["betas"] == [0.9, 0.999] and named["a"]["optimizer"]["eps"] == 1e-8
    assert named["g"]["optimizer"]["varies"] == ["weight_decay"]
    assert {run["reduction"] for run in named.values()} == {"mean"}


@pytest.mark.parametrize(
    "settings",
    [{}, {"weight_decay": 0.1}, {"momentum": 0.9}, {"momentum": 0.9, "weight_decay": 0.1, "nesterov": True}],
)
def test_what_steps_did_is_what_the_optimizer_says(settings, tmp_path):
    recorded(network, tmp_path, steps=5, **settings)
    assert apart(tmp_path, **settings) < 1e-4
    if settings:
        assert apart(tmp_path) > 0.02


def test_steps_of_adam_and_clipped_gradients_are_far_from_sgds(tmp_path):
    with pytest.warns(UserWarning, match="of a run by Adam"):
        recorded(network, tmp_path / "adam", steps=4, optimizer=torch.optim.Adam)
    recorded(network, tmp_path / "clipped", steps=4, clip=0.1)
    assert apart(tmp_path / "adam") > 0.5 and apart(tmp_path / "clipped") > 0.5


def test_a_run_goes_on_by_the_optimizer_that_it_began_with(tmp_path):
    recorded(network, tmp_path)
    with pytest.raises(ValueError, match="expected what the run began with"):
        recorded(network, tmp_path, append=True, momentum=0.9)
    # A run of before the name was written down goes on without one.
    (tmp_path / "run.json").unlink()
    recorded(network, tmp_path, append=True, first=2)
    assert not (tmp_path / "run.json").exists()
    # Of the first step behind the gap nothing is known of the one before.
    assert "products" not in safetensors.load_file(tmp_path / "step-000002.safetensors")


def test_rates_and_scales_that_no_step_has_are_refused(tmp_path):
    model, (x, y) = network(), batch(0)
    layers = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.5}]
    with gradsieve.watch(model, dim=32) as watch:
        watch.record(tmp_path, torch.optim.SGD(layers, 0.1))
        for scale, said in [
            (0.5, "expected a scale of 1"),
            (1.0, r"expected one learning rate, found \[0.1, 0.5\]"),
        ]:
            (cross_entropy(model(x), y) * scale).backward()
            with pytest.raises(ValueError, match=said):
                watch.step(np.arange(BATCH), scale=scale)
        cross_entropy(model(x), y).backward()
        with pytest.raises(ValueError, match="expected ids from 0 on in a run that is recorded, found -1"):
            watch.step(np.arange(BATCH) - 1)
    assert os.listdir(tmp_path) == ["run.json"]
