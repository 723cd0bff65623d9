"""Progress on stderr: bars on a terminal, now and then a plain line anywhere else.

with shown_progress() as progress:
    learn(task, run, progress)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autoact.cli.display import console, one_line
from autoact.core.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Progress for as long as the block runs."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with RichProgress(*columns, console=console(stderr=True)) as bars:
        yield Bars(bars)


class Bars:
    """One bar a stage; the clock of a stage stops when the next begins."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars

    def stage(self, name: str) -> None:
        for task in self._bars.task_ids:
            self._bars.stop_task(task)
        self._bars.add_task(one_line(name), total=None, note="")

    def advance(self, done: int, total: int, note: str = "") -> None:
        if not self._bars.task_ids:
            self.stage("")
        self._bars.update(self._bars.task_ids[-1], completed=done, total=total, note=one_line(note))

    def say(self, line: str) -> None:
        self._bars.console.print(one_line(line))


class Lines:
    """A line when a stage begins, at most one every few seconds while it goes on, and one when it is done."""

    def __init__(self) -> None:
        self._name = ""
        self._next = 0.0

    def stage(self, name: str) -> None:
        self._name = one_line(name)
        self._next = time.monotonic() + SECONDS_BETWEEN_LINES
        self.say(f"{self._name} …")

    def advance(self, done: int, total: int, note: str = "") -> None:
        if done >= total or time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_LINES
            self.say(f"{self._name}: {done}/{total} {note}")

    def say(self, line: str) -> None:
        print(one_line(line), file=sys.stderr, flush=True)
