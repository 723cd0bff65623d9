"""What the stages of a run have spent – seconds, tokens, requests to models – and whether they may go on.

    spending = Spending(run / "spent.json", task.learn.budgets)
    with spending.stage("synthesis", progress) as meter:
        while work and not meter.stop():                    # asked before each piece of work
            meter.add(tokens=812, requests=7)               # told after it

self-instruct   asks before each round of prompts, and tells what they cost
synthesis       asks before each play, and tells of each (graph/run.py); those at play when it must stop still end
training        asks after each optimiser step; adapter 1 of 3 with `part=1/3`, so that some is left for the others; a
                process of its own is told when that part is over (`until`)
preferences     asks after each optimiser step
dev reward      asks before each play

The figures are noted at most once a second and at the end, so kill -9 loses no more. A stage that had to stop and ended
well is closed: resumed, it does nothing more, so that the stages after it go on from the same input, whatever its
budget is by then. Where they could not go on from it, it is reopened; the last two end the run instead, which goes on
with a larger budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.progress import Progress
from autoact.core.records import from_json, to_json
from autoact.core.store import read_json, write_json

SECONDS_BETWEEN_NOTES = 1.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stage has spent in all; `closed` is the limit that ended it, such as "600 seconds"."""

    seconds: float = 0.0
    tokens: int = 0
    requests: int = 0
    closed: str = ""


class Meter:
    """What one stage spends. Its time runs from when it is made; `before` is what it had spent until then."""

    def __init__(
        self,
        name: str = "",
        limits: Budget | None = None,
        before: Spent | None = None,
        note: Callable[[Spent], None] = lambda _: None,
        every: float = SECONDS_BETWEEN_NOTES,
    ) -> None:
        self.name = name
        self._limits = limits or Budget()
        self._spent = before or Spent()
        self._note, self._every = note, every
        self._began = self._noted = monotonic()
        self._before = self._spent.seconds
        self.stopped = False

    @property
    def spent(self) -> Spent:
        """What the stage has spent up to now."""
        return replace(self._spent, seconds=round(self._before + monotonic() - self._began, 1))

    @property
    def closed(self) -> str:
        """The limit that ended the stage in an earlier process; empty if none did."""
        return self._spent.closed

    @property
    def exhausted(self) -> str:
        """The limit that is spent, such as "600 seconds", or that closed the stage before; empty if none is."""
        return self.closed or self._limit(1.0)

    def add(self, tokens: int = 0, requests: int = 0) -> None:
        """So much more was spent. Raises RunError when the disk takes no more."""
        self._spent = replace(self._spent, tokens=self._spent.tokens + tokens, requests=self._spent.requests + requests)
        self._now_and_then()

    def at_least(self, tokens: int, requests: int) -> None:
        """What records on disk say was spent; after kill -9 the notes may know of less."""
        spent = self._spent
        self._spent = replace(spent, tokens=max(spent.tokens, tokens), requests=max(spent.requests, requests))

    def stop(self, part: float = 1.0) -> bool:
        """Whether there must be no more work, since a limit, or this part of it, is spent. Raises as `add` does."""
        self._now_and_then()
        must = bool(self.closed or self._limit(part))
        self.stopped = self.stopped or must
        return must

    def until(self, part: float = 1.0) -> float:
        """When this part of the seconds is spent, by `monotonic`, which all processes share; infinite if never."""
        return self._began - self._before + part * (self._limits.seconds or inf)

    def end(self) -> None:
        """The stage has ended well; closed, if it was stopped."""
        if self.stopped:
            self._spent = replace(self._spent, closed=self.exhausted)
        self.note()

    def note(self) -> None:
        """Write down what was spent. Raises RunError when the disk takes no more."""
        self._noted = monotonic()
        self._note(self.spent)

    def _now_and_then(self) -> None:
        if monotonic() - self._noted >= self._every:
            self.note()

    def _limit(self, part: float) -> str:
        spent = self.spent
        for unit in ("seconds", "tokens", "requests"):
            limit = getattr(self._limits, unit)
            if limit and getattr(spent, unit) >= limit * part:
                return f"{limit:.15g} {unit}"
        return ""


class Spending:
    """What every stage of a run has spent, over all the times it was gone on with; `path` is where it is noted."""

    def __init__(self, path: Path, budgets: Mapping[Any, Budget] | None = None) -> None:
        self.path = path
        self._budgets = budgets or {}
        self._stages = _read(path)

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds of each stage."""
        return {name: spent.seconds for name, spent in self._stages.items()}

    def spent(self, name: str) -> Spent:
        """What a stage has spent."""
        return self._stages.get(name, Spent())

    def reopen(self, name: str) -> None:
        """Let a stage that its budget closed go on; a limit that is spent still stops it."""
        self._note(name, replace(self.spent(name), closed=""))

    def forget(self, *names: str) -> None:
        """What stages that begin again have spent counts no more."""
        self._stages = {name: spent for name, spent in self._stages.items() if name not in names}
        self._write()

    @contextmanager
    def stage(self, name: str, progress: Progress, budget: str = "") -> Iterator[Meter]:
        """Announce a stage and measure it; `budget` is the stage whose limits it has, if not its own name."""
        progress.stage(name)
        limits = self._budgets.get(budget or name)
        meter = Meter(name, limits, self.spent(name), partial(self._note, name))
        try:
            yield meter
        except BaseException:
            with suppress(RunError):  # a full disk is reported by what met it first
                meter.note()
            raise
        meter.end()

    def _note(self, name: str, spent: Spent) -> None:
        self._stages[name] = spent
        self._write()

    def _write(self) -> None:
        write_json(self.path, {name: to_json(each) for name, each in self._stages.items()})


def _read(path: Path) -> dict[str, Spent]:
    if not path.exists():
        return {}
    data = read_json(path)
    try:
        return {name: from_json(Spent, spent) for name, spent in data.items()}
    except (AttributeError, ValueError) as problem:
        raise RunError(f"{path} does not say what was spent ({problem}); restore it, or delete it") from None


def cost_of(*usages: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Tokens and requests of trajectories, from their usage, as `add` takes them."""
    spent = [counts for usage in usages for counts in usage.values()]
    return {
        "tokens": sum(counts.get("input_tokens", 0) + counts.get("output_tokens", 0) for counts in spent),
        "requests": sum(counts.get("calls", 0) for counts in spent),
    }
