"""A report on one's own data: one file, no network, for a desk, a phone and the dark."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from ._gradsieve import report_page
from .files import replaced
from .found import Found
from .targets import Targets

NO_LABEL = np.iinfo(np.uint32).max


def write(
    found: Found,
    path: Union[str, os.PathLike[str]],
    *,
    images: Optional[Any],
    texts: Optional[Sequence[str]],
    rows: Optional[Any],
    classes: Optional[Sequence[str]],
    predicted: Optional[Any],
    targets: Optional[Targets],
    top: int,
    title: str,
) -> None:
    """What `Found.to_html` does."""
    if len(found) == 0:
        raise ValueError("expected samples to report on, found none: was step called?")
    if sum(shown is not None for shown in (images, texts, rows)) > 1:
        raise ValueError("expected one of images, texts and rows")
    order = found.order()
    shown = order[:top]
    often = int((found.flagged > 0.5).sum())
    flagged = np.zeros(len(found), dtype=bool)
    flagged[order[:often]] = True
    guesses = None
    if predicted is not None:
        predicted = np.asarray(predicted)
        guesses = np.array([int(_at(predicted, int(sample), "predicted")) for sample in found.ids])
    known = np.concatenate([found.labels] if guesses is None else [found.labels, guesses])
    labels = np.unique(known[known >= 0])
    page = report_page(
        title=title,
        notes=[_summary(found, often)],
        ids=[str(sample) for sample in found.ids],
        scores=np.ascontiguousarray(found.scores, dtype=np.float64),
        flagged=flagged.tolist(),
        threshold=float(found.scores[order[often]]) if often < len(found) else None,
        p=np.ascontiguousarray(found.p, dtype=np.float64),
        visits=found.visits.astype(np.float64),
        labels=_places(found.labels, labels) if len(labels) else None,
        classes=[_name(int(label), classes) for label in labels],
        predicted=None if guesses is None else _places(guesses, labels),
        losses=np.ascontiguousarray(found.losses, dtype=np.float64),
        history=found.history.astype(np.float64),
        shown=shown.tolist(),
        contents=[_content(images, texts, rows, int(sample)) for sample in found.ids[shown]],
        targets=[] if targets is None else _beside(found, targets, images, texts, rows),
    )
    with replaced(path) as file:
        file.write(page)


def _beside(
    found: Found,
    targets: Targets,
    images: Optional[Any],
    texts: Optional[Sequence[str]],
    rows: Optional[Any],
) -> list[Any]:
    """Each target: its name, what there is to see of it, and who helps and harms it most."""
    scores, ids = np.asarray(targets.scores, dtype=np.float64), np.asarray(targets.ids)
    places = {int(sample): place for place, sample in enumerate(found.ids)}

    def sample(row: int, influence: float) -> tuple[int, float, Any]:
        own = int(ids[row])
        if own not in places:
            raise ValueError(f"expected ids of samples that were watched, found {own}")
        return places[own], influence, _content(images, texts, rows, own)

    def target(place: int) -> tuple[str, Any, list[Any], list[Any]]:
        # NaN is neither above nor below zero. Of equals the smaller id comes first.
        own = scores[:, place]
        best = [row for row in np.lexsort((ids, -own)) if own[row] > 0][: targets.beside]
        worst = [row for row in np.lexsort((ids, own)) if own[row] < 0][: targets.beside]
        name = str(place) if targets.names is None else str(targets.names[place])
        seen = _content(targets.images, targets.texts, targets.rows, place)
        sides = ([sample(int(row), float(own[row])) for row in side] for side in (best, worst))
        helpful, harmful = sides
        return name, seen, helpful, harmful

    return [target(place) for place in range(scores.shape[1])]


def _at(values: Any, sample: int, name: str) -> Any:
    if not 0 <= sample < len(values):
        raise ValueError(f"expected {name} to have an entry {sample}, found {len(values)} of them")
    return values[sample]


def _places(of: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.uint32]:
    return np.where(of < 0, NO_LABEL, np.searchsorted(labels, of)).astype(np.uint32)


def _name(label: int, classes: Optional[Sequence[str]]) -> str:
    return str(label) if classes is None or label >= len(classes) else str(classes[label])


def _content(
    images: Optional[Any], texts: Optional[Sequence[str]], rows: Optional[Any], sample: int
) -> Optional[Any]:
    if images is not None:
        return _pixels(_at(images, sample, "images"))
    if texts is not None:
        return str(_at(texts, sample, "texts"))
    if rows is None:
        return None
    if hasattr(rows, "iloc"):
        row = _at(rows.iloc, sample, "rows") if hasattr(rows.iloc, "__len__") else rows.iloc[sample]
        return [(str(key), str(value)) for key, value in row.items()]
    values = np.asarray(_at(rows, sample, "rows")).tolist()
    shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values]
    return [(f"column {number + 1}", value) for number, value in enumerate(shown)]


def _pixels(image: Any) -> NDArray[Any]:
    """A picture as an array of bytes or floats, without axes of length 1."""
    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
    pixels = np.squeeze(np.asarray(image))
    kind = np.uint8 if pixels.dtype == np.uint8 else np.float64
    return np.ascontiguousarray(pixels, dtype=kind)


def _summary(found: Found, often: int) -> str:
    visits = int(found.visits.sum())
    flagged = float((found.flagged * found.visits).sum() / max(visits, 1))
    return (
        f"{len(found)} samples, {visits} visits, of which {100 * flagged:.1f} % were flagged. "
        "The score is the mean over a sample's visits. "
        f"Flagged in this page are the {often} highest, as so many samples were flagged on more than half "
        "of their visits. A high score says that a sample's gradient is unlike those of its class, "
        "for its loss: a wrong label, a rare or a broken sample."
    )
