"""Outlier scores with the interface of scikit-learn."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from ._gradsieve import Detector, Sketcher, Sketches


class OutlierDetector:
    """Scores gradients (or any rows) against those that it was fitted on.

    As in scikit-learn, `score_samples` is larger for what is usual, and `predict` is 1
    for it and -1 for outliers, of which there is a share `contamination` in the rows that
    it was fitted on.

    `detector` is "direction", "mahalanobis", "self-influence", "l1" or "l2"; `y` are
    classes, which "direction" keeps apart. `dim` is the width of the sketches; rows that
    are no longer than that are taken as they are.
    """

    def __init__(
        self,
        detector: str = "direction",
        *,
        dim: int = 512,
        contamination: float = 0.1,
        seed: Optional[int] = None,
    ) -> None:
        self.detector = detector
        self.dim = dim
        self.contamination = contamination
        self.seed = seed

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by their names."""
        names = ("detector", "dim", "contamination", "seed")
        return {name: getattr(self, name) for name in names}

    def set_params(self, **settings: Any) -> OutlierDetector:
        """Changes settings."""
        for name, value in settings.items():
            if name not in self.get_params():
                raise ValueError(f"expected one of {', '.join(self.get_params())}, found {name!r}")
            setattr(self, name, value)
        return self

    def fit(self, X: Any, y: Optional[Any] = None) -> OutlierDetector:
        """Learns what is usual from rows (samples × numbers)."""
        if not 0 < self.contamination < 1:
            raise ValueError(f"expected a contamination above 0 and below 1, found {self.contamination}")
        X = _rows(X)
        width = X.shape[1]
        if width <= self.dim:
            self.sketcher_ = Sketcher([(width, 1)], width, projection="exact", seed=0)
        else:
            self.sketcher_ = Sketcher([(width, 1)], self.dim, projection="sjlt", seed=self.seed)
        self.classes_ = np.zeros(1, dtype=np.int64) if y is None else np.unique(np.asarray(y))
        self.detector_ = Detector(self.detector, self.sketcher_.dim, len(self.classes_))
        sketches, groups = self._sketch(X, y)
        self.detector_.observe(sketches, groups)
        scores = -self.detector_.score(sketches, groups)
        self.offset_ = float(np.quantile(scores, self.contamination))
        return self

    def score_samples(self, X: Any, y: Optional[Any] = None) -> NDArray[np.float64]:
        """Larger is more usual."""
        if not hasattr(self, "detector_"):
            raise ValueError("fit the detector first")
        return -self.detector_.score(*self._sketch(_rows(X), y))

    def decision_function(self, X: Any, y: Optional[Any] = None) -> NDArray[np.float64]:
        """Below 0 for outliers."""
        return self.score_samples(X, y) - self.offset_

    def predict(self, X: Any, y: Optional[Any] = None) -> NDArray[np.int64]:
        """1 for what is usual, -1 for outliers."""
        return np.where(self.decision_function(X, y) < 0, -1, 1).astype(np.int64)

    def fit_predict(self, X: Any, y: Optional[Any] = None) -> NDArray[np.int64]:
        """`fit` and `predict` of the same rows."""
        return self.fit(X, y).predict(X, y)

    def _sketch(
        self, X: NDArray[np.float32], y: Optional[Any]
    ) -> tuple[Sketches, Optional[NDArray[np.uint32]]]:
        sketches = self.sketcher_.gradients(X)
        if y is None:
            if len(self.classes_) > 1:
                raise ValueError("expected classes, as the detector was fitted with them")
            return sketches, None
        y = np.asarray(y)
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ValueError(f"expected classes that it was fitted with, found {y[~known][0]!r}")
        return sketches, np.searchsorted(self.classes_, y).astype(np.uint32)


def _rows(X: Any) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.ascontiguousarray(X, dtype=np.float32)
    if rows.ndim != 2:
        raise ValueError(f"expected rows (samples × numbers), found an array of shape {rows.shape}")
    return rows
