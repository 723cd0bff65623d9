"""What an engine did and for whom: tokens by speaker, how long requests queued, how full the batches were.

    engine.profile()
    # {"steps": 812, "rows": 9310,           rows / steps is the mean batch
    #  "spent": {"plan-3fa9c1d2e4b5": {"requests": 140, "prefilled": 9120, "reused": 31040, "decoded": 4410,
    #                                  "queued": 0.8}}}

prefilled and reused are prompt tokens, computed and taken from what was kept; queued is in seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Spent:
    """What one speaker – an adapter, or the base – has cost."""

    requests: int = 0
    prefilled: int = 0
    reused: int = 0
    decoded: int = 0
    queued: float = 0.0


class Profile:
    """Written by the engine's thread alone; anyone may read it."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._spent: dict[str, Spent] = {}
        self._steps = 0
        self._rows = 0

    def of(self, adapter: str | None) -> Spent:
        """The count of a speaker."""
        return self._spent.setdefault(adapter or self._base, Spent())

    def stepped(self, rows: int) -> None:
        """One decoding step of so many rows."""
        self._steps += 1
        self._rows += rows

    def to_json(self) -> dict[str, Any]:
        """The counts so far."""
        spent = {name: asdict(count) for name, count in sorted(self._spent.copy().items())}
        return {"steps": self._steps, "rows": self._rows, "spent": spent}
