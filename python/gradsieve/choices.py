"""What dicts of the compiled half hold: a choice of `plan`, and a step of a `Run`."""

from __future__ import annotations

from typing import Optional, TypedDict

import numpy as np
from numpy.typing import NDArray


class Choice(TypedDict):
    """What fits a device, and the error to expect: see `gradsieve.plan`."""

    detector: str
    codec: Optional[str]
    dim: int
    exact: bool
    error: float
    detector_bytes: int
    store_bytes: int
    sketch_bytes: int
    bytes: int


class Step(TypedDict):
    """A step of a recorded run: see `gradsieve.Run`."""

    ids: NDArray[np.uint32]
    learning_rate: float
    grads: Optional[NDArray[np.float32]]
    layers: Optional[list[tuple[NDArray[np.float32], NDArray[np.float32]]]]
    factors: Optional[NDArray[np.float32]]
    target: Optional[NDArray[np.float32]]
    curvature: Optional[NDArray[np.float32]]
