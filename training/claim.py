"""Whose run a folder is: task.json says of which task, with which settings and tools, and on which weights.

refuse_strangers(task, run)             # before anything is loaded
claim(task, run, base, progress)        # with the run's lock held
claim_tools(run, ["Retrieve"])          # before it plays with them
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autoact.core.budget import Spending
from autoact.core.errors import RunError
from autoact.core.learning import LearnConfig
from autoact.core.progress import Progress
from autoact.core.store import read_json, write_json
from autoact.core.task import UNHEEDED, Task
from autoact.core.text import line_of
from autoact.models.weights import model_hash

FIRST = "00"
OURS = (".lock", "task.json.part")
BEGUN_AGAIN = ("filtering", "training", "preferences", "dev reward")


def refuse_strangers(task: Task, run: Path) -> None:
    """Raises RunError when the folder holds anything but a run of this task."""
    path = run / "task.json"
    if path.exists():
        found = read_json(path)
        if not isinstance(found, dict) or not (_same(task, found) or _studied_anew(task, run, found)):
            raise RunError(f"{run} is a run of {_otherness(task, found)}, or choose another --out")
    elif run.exists() and not run.is_dir():
        raise RunError(f"{run} is a file; choose a folder for --out")
    elif run.exists():
        strangers = [item.name for item in run.iterdir() if item.name not in OURS]
        if strangers:
            raise RunError(f"{run} holds {strangers[0]} and is no run folder; choose another --out")


def _same(task: Task, found: Mapping[str, Any]) -> bool:
    return found.get("fingerprint") == task.fingerprint()


def _studied_anew(task: Task, run: Path, found: Mapping[str, Any]) -> bool:
    """Whether only filtering and training differ, of a run that has not come beyond its first."""
    beyond = (run / "team.json", *(folder for folder in run.glob("rounds/*") if folder.name != FIRST))
    return found.get("play") == task.fingerprint(play=True) and not any(path.exists() for path in beyond)


def _otherness(task: Task, found: Any) -> str:
    """In what the run that `found` tells of differs from the task, and what to do; of several settings the first."""
    known = found.get("task") if isinstance(found, dict) else None
    if not isinstance(known, dict) or known.get("name") != task.name:
        return "another task; give its task file"
    settings = {**task.model_dump(mode="json"), **_named("learn.", task.learn.model_dump(mode="json"))}
    before = {**known, **_named("learn.", known.get("learn"))}
    unheeded = {*UNHEEDED, "learn", *(f"learn.{name}" for name in LearnConfig.UNHEEDED)}
    for name, value in settings.items():
        if name not in unheeded and value != before.get(name):
            was, is_now = (line_of(json.dumps(each, ensure_ascii=False), 60) for each in (before.get(name), value))
            return f"other settings: {name} was {was} and is {is_now}; set it back"
    return "other files: the corpus, an excluded file or one that the toolbox names has changed; put it back"


def _named(prefix: str, section: Any) -> dict[str, Any]:
    return {prefix + name: value for name, value in section.items()} if isinstance(section, dict) else {}


def claim(task: Task, run: Path, base: str, progress: Progress) -> None:
    """Note the task in the folder, as it was last given.

    Where only filtering and training have other settings, what they left is removed, and they begin again. Raises
    RunError when the base is not what it was.
    """
    refuse_strangers(task, run)
    path, base_hash = run / "task.json", model_hash(base)
    found = read_json(path) if path.exists() else {}
    if found.get("base_hash", base_hash) != base_hash:
        raise RunError(f"{run}: {base} has changed since the run began; put the weights back, or choose another --out")
    if found and not _same(task, found):
        progress.say("other settings of filtering and training: they begin again, on the same play")
        for left in (run / "rounds" / FIRST).glob("*.json*"):
            if not left.name.startswith("trajectories."):
                left.unlink()
        Spending(run / "spent.json").forget(*BEGUN_AGAIN)
    known = {"fingerprint": task.fingerprint(), "play": task.fingerprint(play=True), "file": str(task.file)}
    write_json(path, found | known | {"base_hash": base_hash, "task": task.model_dump(mode="json")})


def claim_tools(run: Path, tools: Sequence[str]) -> None:
    """Note which tools the run plays with; a run of an older version, which noted none, played with these.

    Raises RunError when it has played with others.
    """
    refuse_other_tools(run, tools)
    path = run / "task.json"
    write_json(path, read_json(path) | {"tools": list(tools)})


def refuse_other_tools(run: Path, tools: Sequence[str]) -> None:
    """Raises RunError when the run has played, and not with these tools."""
    before = read_json(run / "task.json").get("tools", list(tools))
    if before != list(tools) and any((run / "rounds").glob("**/trajectories.jsonl")):
        raise RunError(
            f"{run} has played with {', '.join(before)}, and tools.json now names {', '.join(tools)}; put back the "
            f"tools.json of that play, or move {run / 'rounds'} away to play anew"
        )
