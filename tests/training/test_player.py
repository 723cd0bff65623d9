"""A process that is given questions as JSON plays them as this one does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.errors import UserError
from autoact.core.progress import Silent
from autoact.core.records import QAPair, Scored, Trajectory, from_json
from autoact.core.task import Task
from autoact.models.load import load_model
from autoact.tools.log import ToolLog
from autoact.tools.toolbox import chosen_tools
from autoact.training.player import Player, order_of
from autoact.training.ray_play import require_ray
from autoact.training.synthesis import batch_of, synthesize


@pytest.fixture
def task(town: ModuleType, town_server: str, tmp_path: Path) -> Task:
    made: Task = town.town_task(tmp_path).model_copy(update={"model": "openai:town", "endpoint": town_server})
    return made


@pytest.fixture
def questions(town: ModuleType) -> list[QAPair]:
    return [QAPair(f"q{i}", f"Who is the mayor of {name}?", town.mayor(name)) for i, name in enumerate(town.TOWNS[:4])]


def played_here(task: Task, questions: list[QAPair], folder: Path) -> list[Scored]:
    model = load_model(task.model, task.endpoint)
    return synthesize(task, model, chosen_tools(task, ["Retrieve"]), questions, folder, Silent())


def played_there(task: Task, questions: list[QAPair], order: str) -> list[dict[str, Any]]:
    batch = batch_of(task, questions, 0)

    async def play() -> list[str]:
        player, settings = Player(order), batch.settings.model_dump_json()
        assert await player.ready() == ""
        jobs = [json.dumps(asdict(job)) for _, job in batch.jobs()]
        return await asyncio.gather(*(player.play(job, settings) for job in jobs))

    return [json.loads(said) for said in asyncio.run(play())]


def test_a_play_elsewhere_is_the_play_here(task: Task, questions: list[QAPair], tmp_path: Path) -> None:
    said = played_there(task, questions, order_of(task, ["Retrieve"]))
    here = played_here(task, questions, tmp_path / "round")
    assert [from_json(Trajectory, each["trajectory"]) for each in said] == [scored.trajectory for scored in here]
    calls = [ToolLog.from_json(each["tools"]).counts() for each in said]
    assert calls == [scored.trajectory.tools for scored in here]
    assert any(calls)


def test_no_answer_goes_out(task: Task, questions: list[QAPair]) -> None:
    sent = order_of(task, ["Retrieve"]) + "".join(
        json.dumps(asdict(job)) for _, job in batch_of(task, questions[1:], 0).jobs()
    )
    assert not [pair.answer for pair in questions[1:] if pair.answer in sent]


def test_a_process_that_stands_in_for_a_dead_one_plays_at_once(task: Task, questions: list[QAPair]) -> None:
    batch = batch_of(task, questions, 0)
    job = json.dumps(asdict(next(batch.jobs())[1]))
    said = asyncio.run(Player(order_of(task, ["Retrieve"])).play(job, batch.settings.model_dump_json()))
    assert json.loads(said)["trajectory"]["id"] == "q0/0"


def test_a_machine_with_other_files_does_not_play(task: Task) -> None:
    order = order_of(task, ["Retrieve"])
    (task.folder / "corpus.jsonl").write_text('{"title": "T", "text": "T."}\n')
    assert "are others on" in asyncio.run(Player(order).ready())


def test_a_machine_without_the_files_says_so(task: Task) -> None:
    order = order_of(task, ["Retrieve"])
    (task.folder / "corpus.jsonl").unlink()
    assert "corpus.jsonl cannot be read" in asyncio.run(Player(order).ready())


def test_a_team_is_loaded_from_its_run(learned: Any) -> None:
    player = Player(order_of(learned.task, learned.team.tools, learned.team, learned.path))
    assert asyncio.run(player.ready()) == ""


@pytest.mark.parametrize("address", ["nonsense", "local:0", "local:", "127.0.0.1", "127.0.0.1:port", ""])
def test_an_address_that_is_none_is_one_line(address: str) -> None:
    with pytest.raises(UserError, match="is no cluster: write local, local:4 for four processes, or HOST:PORT"):
        require_ray(address)
