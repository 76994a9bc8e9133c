"""Targets of influence, for a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np


@dataclass(frozen=True)
class Targets:
    """Targets that a report shows, each with the training samples that help and harm it
    most beside it.

    `scores` (training samples × targets) are what `gradsieve.influence` returns, `ids` name
    their rows, as `Watch.kept` does. `images`, `texts` or `rows` have an entry for each
    target, `names` what it is called; `beside` is how many samples are shown on each side.
    """

    scores: Any
    ids: Any
    images: Optional[Any] = None
    texts: Optional[Sequence[str]] = None
    rows: Optional[Any] = None
    names: Optional[Sequence[str]] = None
    beside: int = 5

    def __post_init__(self) -> None:
        scores, ids = np.asarray(self.scores), np.asarray(self.ids)
        if scores.ndim != 2 or ids.shape != scores.shape[:1]:
            raise ValueError(
                "expected scores of training samples × targets and an id for each row, found shapes "
                f"{scores.shape} and {ids.shape}"
            )
        if sum(shown is not None for shown in (self.images, self.texts, self.rows)) > 1:
            raise ValueError("expected one of images, texts and rows")
        if self.names is not None and len(self.names) != scores.shape[1]:
            raise ValueError(
                f"expected {scores.shape[1]} names, one for each target, found {len(self.names)}"
            )
