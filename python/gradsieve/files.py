"""Files that are there whole, or as they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, Union


@contextmanager
def replaced(path: Union[str, os.PathLike[str]], newline: Union[str, None] = None) -> Iterator[TextIO]:
    """A file beside its place, which takes it at the end. After an error nothing is left
    of it, and what stood there stays."""
    beside = f"{os.fspath(path)}.partial"
    try:
        with open(beside, "w", newline=newline, encoding="utf-8") as file:
            yield file
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise
