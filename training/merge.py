"""Take over what shards played: their records, by id, become those of the round.

    RUN/rounds/00/shards/1-of-2/trajectories.jsonl  ┐
    RUN/rounds/00/shards/2-of-2/trajectories.jsonl  ┴→  RUN/rounds/00/trajectories.jsonl

Folders of other machines are put beside one another before. Each says in shard.json what it was played for: ids of
another task's questions, or of the same task's that another model wrote, may well be the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from autoact.core.errors import RunError
from autoact.core.lock import locked
from autoact.core.progress import Progress
from autoact.core.records import QAPair, Scored, to_json
from autoact.core.shard import take_over
from autoact.core.store import Store, read_json, write_json
from autoact.core.task import Task

Origin = dict[str, Any]


def origin_of(task: Task, tools: Sequence[BaseTool], questions: Sequence[QAPair], number: int) -> Origin:
    """What a shard of a round is played for, as its shard.json says it."""
    asked = json.dumps([to_json(pair) for pair in questions], sort_keys=True)
    return {
        "task": task.fingerprint(play=True),
        "questions": hashlib.sha256(asked.encode()).hexdigest()[:16],
        "tools": [tool.name for tool in tools],
        "round": number,
    }


def claim(shard: Path, origin: Origin) -> None:
    """Say in a shard's folder what it is played for. Raises RunError when it was something else."""
    path = shard / "shard.json"
    if path.exists():
        _refuse_strange(shard, origin)
    else:
        write_json(path, origin)


def take_shards(folder: Path, origin: Origin, store: Store[Scored], progress: Progress) -> None:
    """Append what the store of the round in `folder` lacks; of two records of one play the first is kept.

    Raises RunError when a shard was played for something else, or is still at play.
    """
    for path in sorted(folder.glob("shards/*/trajectories.jsonl")):
        with locked(path.parent):
            _refuse_strange(path.parent, origin)
            take_over(store, Store(path, Scored), progress)


def _refuse_strange(shard: Path, origin: Origin) -> None:
    path = shard / "shard.json"
    found = read_json(path) if path.exists() else {}
    named = found if isinstance(found, dict) else {}
    changed = [name for name in origin if named.get(name) != origin[name]]
    if changed:
        other = "another " if changed[0] in ("task", "round") else "other "
        raise RunError(f"{shard} was played for {other}{changed[0]}; remove it, or bring the folder that belongs here")
