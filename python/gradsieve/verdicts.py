"""What a sieve says of a batch."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray


class Verdicts(TypedDict):
    """An entry for each sample of a batch."""

    p: NDArray[np.float32]
    """The rank of the score in the stream so far, as a share: small is odd."""
    score: NDArray[np.float32]
    """Larger is odder."""
    flagged: NDArray[np.bool_]
    """Whether p is at most the rate."""
    reasons: NDArray[np.uint16]
    """What stands out, in bits: see `reason_names`."""
