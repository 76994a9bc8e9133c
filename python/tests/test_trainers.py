"""The callbacks for Hugging Face's and Lightning's Trainers: what they find is what a loop
of one's own finds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

import gradsieve  # noqa: E402

SAMPLES, WIDTH, CLASSES, BATCH, EPOCHS = 48, 12, 3, 8, 2
SETTINGS = {"dim": 64, "seed": 4, "classes": CLASSES, "keep": True}


def data():
    draw = np.random.default_rng(5)
    y = draw.integers(CLASSES, size=SAMPLES)
    x = draw.normal(size=(SAMPLES, WIDTH)) + 2 * np.eye(CLASSES, WIDTH)[y]
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y), torch.arange(SAMPLES) * 10


def network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(WIDTH, 16), nn.Tanh(), nn.Linear(16, CLASSES))


def by_hand(accumulate=1):
    """The same training, written out."""
    x, y, ids = data()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with gradsieve.watch(model, **SETTINGS) as watch:
        for _ in range(EPOCHS):
            for place, start in enumerate(range(0, SAMPLES, BATCH)):
                batch = slice(start, start + BATCH)
                each = cross_entropy(model(x[batch]), y[batch], reduction="none")
                (each.mean() / accumulate).backward()
                watch.step(ids[batch], labels=y[batch], losses=each.detach(), scale=1 / accumulate)
                if (place + 1) % accumulate == 0:
                    optimizer.step()
                    optimizer.zero_grad()
    return watch, model


def assert_same(watched, model, accumulate, with_losses=True):
    loop, trained = by_hand(accumulate)
    found, expected = watched.outliers(), loop.outliers()
    for one, other in zip(model.parameters(), trained.parameters()):
        assert torch.allclose(one, other, atol=1e-6)
    order = np.argsort(found.ids)
    assert (found.ids[order] == expected.ids).all() and (found.visits == EPOCHS).all()
    if with_losses:
        assert np.allclose(found.losses[order], expected.losses, atol=1e-4)
        assert np.allclose(found.scores[order], expected.scores, rtol=0.05, atol=0.02)
    assert (found.labels[order] == expected.labels).all()
    assert np.allclose(watched.watch.kept()[1].l2, loop.kept()[1].l2, rtol=1e-3)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_hugging_face(accumulate, tmp_path):
    transformers = pytest.importorskip("transformers", reason="pip install transformers accelerate")
    pytest.importorskip("accelerate", reason="pip install accelerate")
    from gradsieve.huggingface import WatchCallback

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def forward(self, x, labels):
            logits = self.inner(x)
            return transformers.utils.ModelOutput(loss=cross_entropy(logits, labels), logits=logits)

    class InOrder(transformers.Trainer):
        def _get_train_sampler(self, *_):
            return torch.utils.data.SequentialSampler(self.train_dataset)

    def trained(watched, **more):
        x, y, ids = data()
        rows = [{"x": x[i], "labels": int(y[i]), "id": int(ids[i])} for i in range(SAMPLES)]
        arguments = transformers.TrainingArguments(
            output_dir=str(tmp_path),
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=BATCH,
            gradient_accumulation_steps=accumulate,
            learning_rate=0.1,
            lr_scheduler_type="constant",
            optim="sgd",
            max_grad_norm=0,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            **{"remove_unused_columns": False, **more},
        )
        model = Model()
        trainer = InOrder(model, arguments, train_dataset=rows, eval_dataset=rows, callbacks=[watched])
        trainer.train()
        return model, trainer

    watched = WatchCallback("id", **SETTINGS)
    with pytest.raises(RuntimeError, match="expected a Trainer that was run"):
        watched.outliers()
    model, trainer = trained(watched)
    assert_same(watched, model.inner, accumulate)
    visits = watched.outliers().visits.sum()
    # The hooks of the watch are gone with the run; ids are still kept from the model.
    assert not any(part._forward_hooks for part in model.modules())
    trainer.evaluate()
    assert watched.outliers().visits.sum() == visits
    # A second run goes on where the first has ended.
    trainer.train()
    assert watched.outliers().visits.sum() == 2 * visits
    with pytest.raises(ValueError, match=r"expected samples with a column 'number' .* found x, labels"):
        trained(WatchCallback("number", **SETTINGS), remove_unused_columns=True)


@pytest.mark.parametrize("accumulate", [1, 3])
def test_lightning(accumulate, tmp_path):
    lightning = pytest.importorskip("lightning.pytorch", reason="pip install lightning")
    from gradsieve.lightning import WatchCallback

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.inner = network()

        def training_step(self, batch, _):
            return cross_entropy(self.inner(batch[0]), batch[1])

        def validation_step(self, batch, _):
            self.inner(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    watched = WatchCallback(ids=lambda batch: batch[2], labels=lambda batch: batch[1], **SETTINGS)
    trainer = lightning.Trainer(
        max_epochs=EPOCHS,
        accumulate_grad_batches=accumulate,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        callbacks=[watched],
    )
    module = Module()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=BATCH)
    trainer.fit(module, loader, loader)
    assert_same(watched, module.inner, accumulate, with_losses=False)
    assert not any(part._forward_hooks for part in module.modules())
