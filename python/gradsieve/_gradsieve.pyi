from collections.abc import Sequence
from typing import Any, Literal, Optional, final

import numpy as np
from numpy.typing import NDArray

from .verdicts import Verdicts

__all__ = [
    "Detector",
    "Sieve",
    "Sketcher",
    "Sketches",
    "client_rules",
    "client_weights",
    "influence",
    "reason_names",
    "report_page",
]

@final
class Sketches:
    def __len__(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def values(self) -> NDArray[np.float32]: ...
    @property
    def l1(self) -> NDArray[np.float64]: ...
    @property
    def l2(self) -> NDArray[np.float64]: ...
    @property
    def squared_norms(self) -> NDArray[np.float64]: ...
    @property
    def max(self) -> NDArray[np.float64]: ...
    @property
    def non_finite(self) -> NDArray[np.uint64]: ...
    def take(self, places: NDArray[np.int64]) -> Sketches: ...
    def concat(self, other: Sketches) -> Sketches: ...

@final
class Sketcher:
    def __new__(
        cls,
        layers: Sequence[tuple[int, int]],
        dim: int = 512,
        *,
        projection: str = "kronecker",
        seed: Optional[int] = None,
        key: Optional[bytes] = None,
    ) -> Sketcher: ...
    @property
    def dim(self) -> int: ...
    @property
    def coordinates(self) -> int: ...
    @property
    def seed(self) -> Optional[int]: ...
    @property
    def key(self) -> Optional[bytes]: ...
    def factors(
        self,
        layers: Sequence[tuple[int, NDArray[np.float32], Optional[NDArray[np.float32]]]],
    ) -> Sketches: ...
    def gradients(self, gradients: NDArray[np.float32]) -> Sketches: ...
    def wrap(
        self, values: NDArray[np.float32], squared_norms: Optional[NDArray[np.float64]] = None
    ) -> Sketches: ...

@final
class Sieve:
    def __new__(
        cls,
        dim: int,
        groups: int = 1,
        *,
        rate: float = 0.01,
        half_life: Optional[int] = None,
        loss: Literal["cross-entropy", "squared"] = "cross-entropy",
        duplicates: Optional[int] = None,
        learn_flagged: bool = False,
        warm_up: int = 64,
    ) -> Sieve: ...
    @property
    def count(self) -> int: ...
    @property
    def flagged(self) -> int: ...
    def judge(
        self,
        sketches: Sketches,
        groups: Optional[NDArray[np.uint32]] = None,
        losses: Optional[NDArray[np.float32]] = None,
    ) -> Verdicts: ...
    def to_bytes(self) -> bytes: ...
    def restore(self, bytes: bytes) -> None: ...
    def carry_over(self, bytes: bytes) -> None: ...
    def merge(self, other: Sieve) -> None: ...

@final
class Detector:
    def __new__(cls, name: str, dim: int, groups: int = 1, *, clip: bool = True) -> Detector: ...
    @property
    def name(self) -> str: ...
    def observe(self, sketches: Sketches, groups: Optional[NDArray[np.uint32]] = None) -> None: ...
    def score(
        self, sketches: Sketches, groups: Optional[NDArray[np.uint32]] = None
    ) -> NDArray[np.float64]: ...
    def merge(self, other: Detector) -> None: ...
    def to_bytes(self) -> bytes: ...
    def restore(self, bytes: bytes) -> None: ...

def client_rules() -> list[str]: ...
def client_weights(
    updates: Sketches,
    rule: str,
    *,
    hostile: Optional[int] = None,
    ids: Optional[NDArray[np.uint64]] = None,
    server: Optional[Sketches] = None,
    keep: Optional[int] = None,
    norm: Optional[float] = None,
) -> NDArray[np.float64]: ...
def influence(
    train: Sketches, targets: Sketches, method: str = "ridge", *, damping: Optional[float] = None
) -> NDArray[np.float64]: ...
def reason_names(bits: int) -> list[str]: ...
def report_page(
    *,
    title: str,
    notes: list[str],
    ids: list[str],
    scores: NDArray[np.float64],
    flagged: list[bool],
    threshold: Optional[float],
    p: NDArray[np.float64],
    visits: NDArray[np.float64],
    labels: Optional[NDArray[np.uint32]],
    classes: list[str],
    predicted: Optional[NDArray[np.uint32]],
    losses: Optional[NDArray[np.float64]],
    history: NDArray[np.float64],
    shown: list[int],
    contents: list[Any],
    targets: list[Any],
) -> str: ...
