"""Several machines play a round together: all of it, once, and as one would have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.errors import RunError
from autoact.core.lock import locked
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored
from autoact.core.shard import shard_of
from autoact.core.store import Store
from autoact.core.task import Task
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.toolbox import chosen_tools
from autoact.training.sharding import learn_shard
from autoact.training.synthesis import synthesize

ROUND = "rounds/00"


@pytest.fixture
def run(learned: Any, tmp_path: Path) -> Path:
    """A run that has come as far as tool selection."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("task.json", "questions.jsonl", "tools.json"):
        shutil.copy(learned.path / name, folder)
    return folder


@pytest.fixture
def shard(town: ModuleType, learned: Any, run: Path) -> Callable[[str], ScriptedChatModel]:
    """`shard("1/2")` plays it; the model has what it was asked."""

    def play(name: str, task: Task | None = None) -> ScriptedChatModel:
        model: ScriptedChatModel = town.meta_agent()
        learn_shard(task or learned.task, run, shard_of(name), Silent(), model)
        return model

    return play


def whole(task: Task, run: Path, model: ScriptedChatModel) -> list[Scored]:
    """What the command without --shard makes of the round."""
    questions = list(Store(run / "questions.jsonl", QAPair))
    with locked(run):
        return synthesize(task, model, chosen_tools(task, ["Retrieve"]), questions, run / ROUND, Silent())


def silent() -> ScriptedChatModel:
    return ScriptedChatModel(replies=[])


def records(folder: Path) -> dict[str, Scored]:
    return {scored.id: scored for scored in Store(folder / "trajectories.jsonl", Scored)}


def requests(played: dict[str, Scored]) -> int:
    return sum(counts["calls"] for scored in played.values() for counts in scored.trajectory.usage.values())


def test_shards_together_are_one_run_record_for_record(learned: Any, run: Path, shard: Any) -> None:
    shard("1/2"), shard("2/2")
    parts = [records(run / ROUND / "shards" / name) for name in ("1-of-2", "2-of-2")]
    assert all(parts)
    assert not parts[0].keys() & parts[1].keys()
    whole(learned.task, run, silent())
    assert records(run / ROUND) == records(learned.path / ROUND)


def test_what_no_shard_has_played_is_played(learned: Any, town: ModuleType, run: Path, shard: Any) -> None:
    asked = len(shard("1/3").calls)
    model = town.meta_agent()
    whole(learned.task, run, model)
    assert records(run / ROUND) == records(learned.path / ROUND)
    assert len(model.calls) + asked == requests(records(run / ROUND))
    assert asked > 0


def test_what_the_round_has_played_is_not_played_by_a_shard(learned: Any, run: Path, shard: Any) -> None:
    (run / ROUND).mkdir(parents=True)
    shutil.copy(learned.path / ROUND / "trajectories.jsonl", run / ROUND)
    assert shard("1/2").calls == []
    assert records(run / ROUND / "shards" / "1-of-2").items() <= records(run / ROUND).items()


def test_a_shard_that_was_stopped_goes_on(run: Path, shard: Any) -> None:
    first = len(shard("1/2").calls)
    path = run / ROUND / "shards" / "1-of-2" / "trajectories.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]) + lines[-3][:40])  # kill -9 in the middle of a line
    assert 0 < len(shard("1/2").calls) < first
    assert sorted(map(_without_seconds, path.read_bytes().splitlines())) == sorted(map(_without_seconds, lines))


def _without_seconds(line: bytes) -> str:
    data = json.loads(line)
    del data["trajectory"]["seconds"]
    return json.dumps(data)


def test_a_shard_needs_and_holds_no_lock_but_its_own(run: Path, shard: Any) -> None:
    with locked(run), locked(run / ROUND / "shards" / "1-of-2"):
        shard("2/2")
        with pytest.raises(RunError, match="1-of-2 is in use by another process"):
            shard("1/2")


def test_a_shard_that_is_still_at_play_is_waited_for(learned: Any, run: Path, shard: Any) -> None:
    shard("1/2")
    with locked(run / ROUND / "shards" / "1-of-2"), pytest.raises(RunError, match="1-of-2 is in use"):
        whole(learned.task, run, silent())


@pytest.mark.parametrize("name", ["task.json", "questions.jsonl", "tools.json"])
def test_a_shard_of_a_run_without_questions_and_tools_says_what_makes_them(run: Path, shard: Any, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(RunError, match=rf'has no {name} yet, .* --until "tool selection"` first'):
        shard("1/2")
    assert not (run / "rounds").exists()


def test_a_shard_of_a_run_of_another_task_is_refused(town: ModuleType, tmp_path: Path, shard: Any) -> None:
    with pytest.raises(RunError, match="another task or of other settings"):
        shard("1/2", town.town_task(tmp_path / "other", max_steps=3))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("task", "for another task"),
        ("questions", "for other questions"),
        ("tools", "for other tools"),
        ("round", "for another round"),
    ],
)
def test_a_folder_that_was_played_for_something_else_is_refused(
    learned: Any, run: Path, shard: Any, field: str, told: str
) -> None:
    shard("1/2")
    path = run / ROUND / "shards" / "1-of-2" / "shard.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: "x"}))
    with pytest.raises(RunError, match=told):
        whole(learned.task, run, silent())
    with pytest.raises(RunError, match=told):
        shard("1/2")


def test_a_folder_that_does_not_say_what_it_was_played_for_is_refused(learned: Any, run: Path, shard: Any) -> None:
    shard("1/2")
    (run / ROUND / "shards" / "1-of-2" / "shard.json").unlink()
    with pytest.raises(RunError, match="1-of-2 was played for another task"):
        whole(learned.task, run, silent())


def test_more_shards_than_questions_leave_some_with_nothing_to_do(shard: Any) -> None:
    asked = [len(shard(f"{number}/97").calls) for number in range(1, 98, 32)]
    assert 0 in asked


def test_a_budget_is_shared_out_and_a_shard_spends_its_part(learned: Any, shard: Any) -> None:
    settings = {"budgets": {"synthesis": {"requests": 40}}, "workers": 1}
    learn = learned.task.learn.model_validate({**learned.task.learn.model_dump(), **settings})
    task = learned.task.model_copy(update={"learn": learn})
    assert 20 <= len(shard("1/2", task).calls) < 20 + learn.max_steps * 2
    assert shard("1/2", task).calls == []
