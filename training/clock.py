"""What each stage of a run cost in time.

with clock.stage("synthesis", progress):
    …
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autoact.core.errors import RunError
from autoact.core.progress import Progress
from autoact.core.store import read_json, write_json


class Clock:
    """Seconds spent in each stage, over all the times it came to an end; a kill -9 loses what it had not noted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = read_json(path) if path.exists() else {}

    @contextmanager
    def stage(self, name: str, progress: Progress) -> Iterator[None]:
        """Announce a stage and count its seconds."""
        progress.stage(name)
        began = time.monotonic()
        try:
            yield
        except BaseException:
            with suppress(RunError):  # a full disk is reported by what met it first
                self._note(name, began)
            raise
        self._note(name, began)

    def _note(self, name: str, began: float) -> None:
        spent = self.seconds.get(name, 0.0) + time.monotonic() - began
        self.seconds[name] = round(spent, 1)
        write_json(self.path, self.seconds)
