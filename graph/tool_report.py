"""How the tools did over many trajectories: counts from the records, times from the process that played last.

    tool_report(trajectories, Path("rounds/00/trajectories.jsonl"))
    # {"Retrieve": {"calls": 812, "refused": 31, "failed": 0, "timeouts": 0, "p50": 0.0002, "p95": 0.0004}}

Times, in seconds, lie in a file of their own, since records are the same each time the same is played.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autoact.core.errors import RunError
from autoact.core.records import Trajectory
from autoact.core.store import read_json, write_json
from autoact.tools.log import ToolLog


def note_times(records: Path, log: ToolLog) -> None:
    """Write down how long the tools took, beside the records of what they were called for."""
    times = {name: {"p50": stats.p50, "p95": stats.p95} for name, stats in log.stats().items()}
    if times:
        with suppress(RunError):  # a full disk is reported by what met it first
            write_json(_times(records), times)


def tool_report(trajectories: Iterable[Trajectory], records: Path) -> dict[str, dict[str, Any]]:
    """Calls by tool, and how long they took if this is known."""
    counted: dict[str, Counter[str]] = {}
    for trajectory in trajectories:
        for name, counts in trajectory.tools.items():
            counted.setdefault(name, Counter()).update(counts)
    times = read_json(_times(records)) if _times(records).exists() else {}
    return {name: {**counts, **times.get(name, {})} for name, counts in sorted(counted.items())}


def _times(records: Path) -> Path:
    return records.with_suffix(".tools.json")
