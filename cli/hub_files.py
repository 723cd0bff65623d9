"""What of a finished run is pushed to a hub: adapters, team.json and a model card, and nothing else unless asked for.

    for file in hub_files(pushed, model_card(pushed)):
        file.path, file.content          # "adapters/plan-3fa9c1d2e4b5/adapter_model.safetensors", a path or bytes

Paths of this machine are left out: the base is called by its name on the hub, or by that of its folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from autoact.core.errors import RunError
from autoact.core.records import Team, to_json
from autoact.core.store import read_json, read_record
from autoact.core.task import Task
from autoact.graph.run_folder import read_task
from autoact.models.team import adapter_of
from autoact.models.weights import HUB_NAME
from autoact.training.provenance import DATA

ON_HUB = re.compile(r"[\w.-]+/[\w.-]+")
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as it will lie in the repository; `content` is where it is here, or what is in it."""

    path: str
    content: Path | bytes

    @property
    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A finished run that is to be pushed as `repo`; `team` is what others will read of it.

    `license` is a licence's identifier on the hub, empty if there is none.
    """

    run: Path
    repo: str
    task: Task
    team: Team
    license: str = ""
    with_data: bool = False

    @property
    def base_is_on_hub(self) -> bool:
        """Whether others find the base on the hub under its name."""
        return bool(ON_HUB.fullmatch(self.team.base))


def pushed_run(run: Path, repo: str, base: str = "", license: str = "", with_data: bool = False) -> Pushed:
    """The run, all of it checked. Raises RunError when it is not finished or an adapter is not the trained one."""
    task = read_task(run)
    if not (run / "team.json").exists():
        raise RunError(f"{run} is not finished; run the same `autoact learn` command again to go on")
    team = read_record(run / "team.json", Team)
    if not team.adapters:
        raise RunError(f"{run} has no adapter to push; its team is the base itself")
    for role in team.adapters:
        adapter_of(team, role, run)
    return Pushed(run, repo, task, _for_others(team, run, base), license, with_data)


def hub_files(pushed: Pushed, card: str) -> list[HubFile]:
    """All files of the repository, of which the card is the README.md. Raises RunError on one that is damaged."""
    files = [
        HubFile("README.md", card.encode()),
        HubFile("team.json", _json(to_json(pushed.team))),
        *_adapters(pushed),
    ]
    return [*files, *_data(pushed.run)] if pushed.with_data else files


def folders(team: Team) -> dict[str, str]:
    """Path in the repository → name, of each adapter once."""
    return {path: PurePath(path).name for path in team.adapters.values()}


def is_ours(path: str) -> bool:
    """Whether a file of a repository is of the kind that is pushed, so that one of an earlier push may be replaced."""
    folders = ("adapters/", "rounds/", "selection/")
    return path.startswith(folders) or path in ("questions.jsonl", "instruct.jsonl", "tools.json")


def _adapters(pushed: Pushed) -> Iterator[HubFile]:
    for path in folders(pushed.team):
        folder = pushed.run / path
        config = read_json(folder / CONFIG)
        named = {**config, "base_model_name_or_path": pushed.team.base}
        yield HubFile(f"{path}/{CONFIG}", _json(named) if named != config else folder / CONFIG)
        yield HubFile(f"{path}/{WEIGHTS}", folder / WEIGHTS)


def _data(run: Path) -> Iterator[HubFile]:
    for path in sorted(path for pattern in DATA for path in run.glob(pattern)):
        yield HubFile(path.relative_to(run).as_posix(), path)


def _for_others(team: Team, run: Path, base: str) -> Team:
    """The team without paths of this machine."""
    places = (run / team.base, Path(team.base).expanduser())
    here = any(place.exists() for place in places) or not HUB_NAME.fullmatch(team.base)
    name = base or (PurePath(team.base).name if here else team.base)
    return replace(team, base=name, settings=_without_paths(team.settings))


def _without_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in which a file is called by its name alone."""
    return {
        name: PurePath(value).name if isinstance(value, str) and PurePath(value).name not in ("", value) else value
        for name, value in settings.items()
    }


def _json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")
