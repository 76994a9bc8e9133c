"""A report on one's own data: one file, no network, for a desk, a phone and the dark."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from .files import replaced
from .found import Found

GRAY = "#888888"
BLUE = "#3b82f6"
ORANGE = "#ea580c"


def write(
    found: Found,
    path: Union[str, os.PathLike[str]],
    *,
    images: Optional[Any],
    texts: Optional[Sequence[str]],
    rows: Optional[Any],
    classes: Optional[Sequence[str]],
    predicted: Optional[Any],
    top: int,
    title: str,
) -> None:
    """What `Found.to_html` does."""
    try:
        import jinja2
    except ImportError as error:
        raise ImportError("a report needs `pip install gradsieve[report]`") from error
    if len(found) == 0:
        raise ValueError("expected samples to report on, found none: was step called?")
    if sum(shown is not None for shown in (images, texts, rows)) > 1:
        raise ValueError("expected one of images, texts and rows")
    order = found.order()[:top]
    predicted = None if predicted is None else np.asarray(predicted)

    def name(label: int) -> str:
        if label < 0:
            return "without a label"
        return str(label) if classes is None or label >= len(classes) else str(classes[label])

    samples = []
    for place in order:
        sample = int(found.ids[place])
        loss = float(found.losses[place])
        samples.append(
            {
                "id": sample,
                "score": float(found.scores[place]),
                "p": float(found.p[place]),
                "visits": int(found.visits[place]),
                "loss": None if np.isnan(loss) else loss,
                "label": name(int(found.labels[place])),
                "predicted": None if predicted is None else name(int(_at(predicted, sample, "predicted"))),
                "image": None if images is None else _png(_at(images, sample, "images")),
                "text": _text(texts, rows, sample),
            }
        )
    environment = jinja2.Environment(autoescape=True)
    template = environment.from_string(files("gradsieve").joinpath("report.html").read_text("utf-8"))
    page = template.render(
        title=title,
        summary=_summary(found),
        charts=_charts(found),
        classes=_by_class(found, order, name),
        confusion=None if predicted is None else _confusion(found, order, predicted, name),
        pictures=images is not None,
        samples=samples,
    )
    with replaced(path) as file:
        file.write(page)


def _at(values: Any, sample: int, name: str) -> Any:
    if not 0 <= sample < len(values):
        raise ValueError(f"expected {name} to have an entry {sample}, found {len(values)} of them")
    return values[sample]


def _text(texts: Optional[Sequence[str]], rows: Optional[Any], sample: int) -> Optional[str]:
    if texts is not None:
        return str(_at(texts, sample, "texts"))
    if rows is None:
        return None
    if hasattr(rows, "iloc"):
        row = _at(rows.iloc, sample, "rows") if hasattr(rows.iloc, "__len__") else rows.iloc[sample]
        return "\n".join(f"{key}: {value}" for key, value in row.items())
    return ", ".join(f"{value:.4g}" for value in np.asarray(_at(rows, sample, "rows"), dtype=float))


def _png(image: Any) -> str:
    """A picture as base64: gray or coloured, channels first or last, any range."""
    from PIL import Image

    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
    pixels = np.squeeze(np.asarray(image))
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.ndim not in (2, 3):
        raise ValueError(f"expected pictures of two or three axes, found shape {np.shape(image)}")
    if pixels.dtype != np.uint8:
        pixels = pixels.astype(np.float64)
        low, high = np.nanmin(pixels), np.nanmax(pixels)
        pixels = np.nan_to_num(255 * (pixels - low) / (high - low if high > low else 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def _summary(found: Found) -> str:
    visits = int(found.visits.sum())
    flagged = float((found.flagged * found.visits).sum() / max(visits, 1))
    often = int((found.flagged > 0.5).sum())
    return (
        f"{len(found)} samples, {visits} visits, of which {100 * flagged:.1f} % were flagged; "
        f"{often} samples were flagged on more than half of their visits. "
        "A high score says that a sample's gradient is unlike those of its class, for its loss: a wrong "
        "label, a rare or a broken sample. Look before you drop."
    )


def _by_class(found: Found, order: NDArray[np.int64], name: Any) -> list[dict[str, Any]]:
    rows = []
    for label in np.unique(found.labels[found.labels >= 0]):
        own = found.labels == label
        visits = found.visits[own]
        rows.append(
            {
                "name": name(int(label)),
                "samples": int(own.sum()),
                "flagged": float((found.flagged[own] * visits).sum() / max(int(visits.sum()), 1)),
                "worst": int((found.labels[order] == label).sum()),
            }
        )
    return rows


def _confusion(found: Found, order: NDArray[np.int64], predicted: NDArray[Any], name: Any) -> dict[str, Any]:
    given = found.labels[order]
    guessed = predicted[found.ids[order]].astype(np.int64)
    labels = np.unique(np.concatenate([given[given >= 0], guessed]))
    counts = [
        {
            "name": name(int(own)),
            "counts": [int(((given == own) & (guessed == other)).sum()) for other in labels],
        }
        for own in labels
    ]
    return {"names": [name(int(label)) for label in labels], "rows": counts}


def _charts(found: Found) -> list[dict[str, str]]:
    from matplotlib.figure import Figure

    def chart(label: str, draw: Any) -> dict[str, str]:
        figure = Figure(figsize=(5.2, 3.0), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(label, color=GRAY, fontsize=11)
        axes.tick_params(colors=GRAY)
        axes.xaxis.label.set_color(GRAY)
        axes.yaxis.label.set_color(GRAY)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(GRAY)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg = file.getvalue()
        return {"label": label, "svg": svg[svg.index("<svg") :]}

    def scores(axes: Any) -> None:
        axes.hist(found.scores, bins=60, color=BLUE, log=True)
        axes.set_xlabel("mean score")
        axes.set_ylabel("samples")

    def p_values(axes: Any) -> None:
        window = max(len(found.history) // 200, 1)
        count = len(found.history) // window
        small = (found.history[: count * window] <= 0.05).reshape(count, window).mean(1)
        axes.plot(np.arange(count) * window, 100 * small, color=ORANGE, linewidth=1)
        axes.axhline(5, color=GRAY, linewidth=1, linestyle="--")
        axes.set_ylim(0)
        axes.set_xlabel("visits")
        axes.set_ylabel("% with p ≤ 0.05")

    charts = [chart("Scores", scores), chart("Small p-values over the stream", p_values)]
    losses = np.isfinite(found.losses)
    if losses.any():

        def against(axes: Any) -> None:
            axes.scatter(
                found.losses[losses], found.scores[losses], s=4, color=BLUE, alpha=0.4, rasterized=True
            )
            axes.set_xlabel("mean loss")
            axes.set_ylabel("mean score")

        charts.append(chart("Score against loss", against))
    return charts
