"""How long work says where it is; the command line shows it with rich, tests stay silent.

progress.stage("synthesis")
progress.advance(12, 400, "kept 5")
"""

from typing import Protocol


class Progress(Protocol):
    """What long work reports to."""

    def stage(self, name: str) -> None:
        """A stage begins."""

    def advance(self, done: int, total: int, note: str = "") -> None:
        """So much of the stage is done; `note` says how it goes."""

    def say(self, line: str) -> None:
        """A line that stays."""


class Silent:
    """Reports nothing."""

    def stage(self, name: str) -> None:
        pass

    def advance(self, done: int, total: int, note: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        pass
