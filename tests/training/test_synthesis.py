"""Play of a round: by one model or a team, in draws of its own, within a budget."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.budget import Spending
from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import ROLES, QAPair, Scored
from autoact.core.task import Task
from autoact.tools.toolbox import chosen_tools
from autoact.training.synthesis import batch_of, synthesize


@pytest.fixture
def task(town: ModuleType, tmp_path: Path) -> Task:
    made: Task = town.town_task(tmp_path)
    return made


@pytest.fixture
def questions(town: ModuleType) -> list[QAPair]:
    return [QAPair(f"q{i}", f"Who is the mayor of {name}?", town.mayor(name)) for i, name in enumerate(town.TOWNS[:8])]


def play(task: Task, model: Any, questions: list[QAPair], folder: Path, **given: Any) -> list[Scored]:
    return synthesize(task, model, chosen_tools(task, ["Retrieve"]), questions, folder, Silent(), **given)


def test_a_team_plays_as_a_model_does_and_each_turn_names_who_wrote_it(
    town: ModuleType, task: Task, questions: list[QAPair], tmp_path: Path
) -> None:
    team = {role: town.meta_agent().model_copy(update={"model_name": f"{role}-1"}) for role in ROLES}
    by_team = play(task, team, questions, tmp_path / "team")
    by_one = play(task, town.meta_agent(), questions, tmp_path / "one")
    assert [scored.reward for scored in by_team] == [scored.reward for scored in by_one]
    assert {name for s in by_team for step in s.trajectory.steps for name in step.wrote.values()} == {
        f"{role}-1" for role in ROLES
    }


def test_a_later_round_has_draws_of_its_own(task: Task, questions: list[QAPair]) -> None:
    first, same, later = (
        {(job.id, job.seed) for _, job in batch_of(task, questions, number).jobs()} for number in (0, 0, 1)
    )
    assert first == same
    assert not {name for name, _ in first} & {name for name, _ in later}
    assert not {seed for _, seed in first} & {seed for _, seed in later}


def test_samples_lie_as_far_apart_as_the_task_says(town: ModuleType, questions: list[QAPair], tmp_path: Path) -> None:
    task = town.town_task(tmp_path, samples=3, temperature=1.0, temperature_spread=0.3)
    for number in (0, 1):
        assert [job.temperature for _, job in batch_of(task, questions, number).jobs()][:3] == [0.7, 1.0, 1.3]


def test_a_budget_that_leaves_no_play_is_one_line_and_can_be_raised(
    town: ModuleType, task: Task, questions: list[QAPair], tmp_path: Path
) -> None:
    def within(requests: int) -> list[Scored]:
        spending = Spending(tmp_path / "spent.json", {"synthesis": Budget(requests=requests)})
        with spending.stage("synthesis, round 1", Silent(), "synthesis") as meter:
            meter.add(requests=1)
            return play(task, town.meta_agent(), questions, tmp_path / "run", meter=meter)

    with pytest.raises(RunError, match=r"the budget of 1 requests left no play; raise learn\.budgets of synthesis$"):
        within(1)
    assert len(within(1000)) == len(questions)
