"""What was found: a score for each sample, over all its visits."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from .files import replaced
from .targets import Targets


@dataclass(frozen=True)
class Found:
    """A score for each sample that was seen: larger is odder.

    The score is the mean over the sample's visits of what the sieve gave it. `flagged` is
    the share of visits on which the sample was flagged, and `p` the mean p-value: of a
    clean stream about a share p of samples has so small a p-value at a visit.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]
    p: NDArray[np.float64]
    flagged: NDArray[np.float64]
    visits: NDArray[np.int64]
    labels: NDArray[np.int64]
    """The label at the last visit; -1 without labels."""
    losses: NDArray[np.float64]
    """The mean loss; NaN without losses."""
    history: NDArray[np.float32]
    """The p-values of all visits, in the order of the stream."""

    def __len__(self) -> int:
        return len(self.ids)

    def order(self) -> NDArray[np.int64]:
        """Places of the samples, the most suspicious first; of equals the smaller id."""
        order: NDArray[np.int64] = np.lexsort((self.ids, -self.scores))
        return order

    def top(self, n: int = 50) -> list[int]:
        """The ids of the n most suspicious samples, worst first."""
        return [int(i) for i in self.ids[self.order()[:n]]]

    def table(self) -> dict[str, NDArray[Any]]:
        """The columns of the table, worst sample first."""
        order = self.order()
        columns = ("ids", "scores", "p", "flagged", "visits", "labels", "losses")
        return {name: getattr(self, name)[order] for name in columns}

    def to_csv(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the table, worst sample first."""
        table = self.table()
        with replaced(path, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "score", "p", "flagged", "visits", "label", "loss"])
            writer.writerows(zip(*(column.tolist() for column in table.values())))

    def to_html(
        self,
        path: Union[str, os.PathLike[str]],
        *,
        images: Optional[Any] = None,
        texts: Optional[Sequence[str]] = None,
        rows: Optional[Any] = None,
        classes: Optional[Sequence[str]] = None,
        predicted: Optional[Any] = None,
        targets: Optional[Targets] = None,
        top: int = 50,
        title: str = "Suspicious samples",
    ) -> None:
        """Writes a report in one file that needs no network: the page that the program
        `gradsieve report` writes.

        `images` (n × height × width, or with channels first or last, or a list of
        pictures), `texts` or `rows` are indexed by id. `classes` are the names of the
        labels, `predicted` the model's labels by id. `targets` are shown with the samples
        that help and harm them most beside them.
        """
        from .report import write

        write(
            self,
            path,
            images=images,
            texts=texts,
            rows=rows,
            classes=classes,
            predicted=predicted,
            targets=targets,
            top=top,
            title=title,
        )
