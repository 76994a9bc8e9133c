"""Runs that are written down."""

import os

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


def recorded(make, directory, steps=2, append=False, first=0):
    """Trains for some steps; what each file should hold."""
    # The twin has no hooks, which would see what torch.func calls.
    model, twin = make(), make()
    optimizer = torch.optim.SGD(model.parameters(), 0.25)
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
            optimizer.step()
    return expected


def test_linear_layers_are_recorded_as_factors(tmp_path):
    expected = recorded(network, tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["step-000000.safetensors", "step-000001.safetensors"]
    for step, gradients in enumerate(expected):
        found = safetensors.load_file(tmp_path / f"step-{step:06}.safetensors")
        assert (found["ids"] == np.arange(BATCH) + step).all() and found["learning_rate"] == 0.25 / BATCH
        layers = sorted(name[2:] for name in found if name.startswith("a."))
        assert layers == ["0000.0", "0001.2"] and len(found) == 2 + 2 * len(layers)
        outer = [np.einsum("bo,bi->boi", found[f"b.{name}"], found[f"a.{name}"]) for name in layers]
        rows = np.concatenate([layer.reshape(BATCH, -1) for layer in outer], 1)
        assert np.allclose(rows, gradients, atol=1e-6)


def test_other_layers_are_recorded_as_gradients_and_said(tmp_path):
    with pytest.warns(UserWarning, match="whole gradients are recorded"):
        expected = recorded(convolution, tmp_path)
    for step, gradients in enumerate(expected):
        found = safetensors.load_file(tmp_path / f"step-{step:06}.safetensors")
        assert sorted(found) == ["grads", "ids", "learning_rate"]
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
        assert np.allclose(found["factors"], np.concatenate(rows), atol=1e-6)
        if "grads" in found:
            assert np.allclose(found["grads"], own, atol=1e-6)
        cross_entropy(model(x), y).backward()
        watch.step(np.arange(BATCH))
    assert "factors" not in safetensors.load_file(tmp_path / "step-000001.safetensors")


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
    assert len(os.listdir(tmp_path)) == 4
    last = safetensors.load_file(tmp_path / "step-000003.safetensors")
    assert (last["ids"] == np.arange(BATCH) + 3).all()


def test_what_is_not_plain_sgd_is_said(tmp_path):
    model = network()
    with gradsieve.watch(model, dim=32) as watch:
        with pytest.warns(UserWarning, match="of a run by SGD with momentum, weight_decay"):
            watch.record(tmp_path / "m", torch.optim.SGD(model.parameters(), 0.1, 0.9, weight_decay=0.1))
        with pytest.warns(UserWarning, match="of a run by AdamW they are not exact"):
            watch.record(tmp_path / "a", torch.optim.AdamW(model.parameters()))


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
    assert os.listdir(tmp_path) == []
