"""Rounds: what is asked, when they end, whose team is kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoact.core.budget import Spending
from autoact.core.errors import RunError
from autoact.core.learning import Budget
from autoact.core.progress import Silent
from autoact.core.records import ROLES, Example, QAPair, Scored
from autoact.core.store import Store, read_json
from autoact.graph.run_folder import open_run
from autoact.tools.toolbox import chosen_tools
from autoact.training.filtering import Kept
from autoact.training.learn import learn
from autoact.training.rounds import Lesson, Work, best, measured, rising
from autoact.training.self_instruct import Round
from autoact.training.variants import fireact, played, student
from autoact.training.verification import Verified


def lesson(number: int, reward: float | None) -> Lesson:
    return Lesson(number, [], [], [], Kept([], [], []), {}, {}, reward)


def lessons(*rewards: float) -> list[Lesson]:
    return [lesson(number, reward) for number, reward in enumerate(rewards)]


@pytest.mark.parametrize(
    ("rewards", "goes_on"), [((0.5,), True), ((0.5, 0.6), True), ((0.5, 0.5), False), ((0.5, 0.4), False)]
)
def test_rounds_go_on_while_the_reward_rises(rewards: tuple[float, ...], goes_on: bool) -> None:
    assert rising(lessons(*rewards)) is goes_on


def test_the_best_round_is_the_first_of_equals() -> None:
    assert best(lessons(0.5, 0.7, 0.7)).number == 1
    assert best([lesson(0, None)]).number == 0


@pytest.fixture(scope="module")
def twice(town: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy task, learned with two rounds at most."""
    folder = tmp_path_factory.mktemp("twice")
    learn(town.town_task(folder, rounds=2, questions=20), folder / "run", Silent(), town.meta_agent())
    return folder / "run"


def records(path: Path, kind: type[Any]) -> list[Any]:
    return list(Store(path, kind))


def test_a_second_round_asks_new_questions_and_those_without_a_kept_trajectory(twice: Path) -> None:
    written = [pair.id for pair in records(twice / "questions.jsonl", QAPair)]
    solved = {s.trajectory.question_id for s in records(twice / "rounds/00/kept.jsonl", Scored)}
    played = [s.trajectory.question_id for s in records(twice / "rounds/01/trajectories.jsonl", Scored)]
    assert sorted(played) == sorted([*written[20:40], *(name for name in written[:20] if name not in solved)])


def test_a_finished_run_goes_on_when_more_rounds_are_asked_for(town: ModuleType, twice: Path, tmp_path: Path) -> None:
    for rounds in (1, 2, 2, 1):
        team = learn(
            town.town_task(tmp_path, rounds=rounds, questions=20), tmp_path / "run", Silent(), town.meta_agent()
        )
    assert team == open_run(tmp_path / "run").team
    assert open_run(tmp_path / "run").task.learn.rounds == 2
    assert team.adapters == open_run(twice).team.adapters
    files = [path.relative_to(twice) for path in twice.glob("rounds/*/*.jsonl")]
    for file in files:
        one, other = ((path / file).read_bytes().splitlines() for path in (twice, tmp_path / "run"))
        assert len(one) == len(other) > 0, file


def test_a_run_that_is_ended_with_fewer_rounds_reports_their_questions(
    town: ModuleType, twice: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(twice, tmp_path / "run")
    (run / "team.json").unlink()
    learn(town.town_task(tmp_path, rounds=1, questions=20), run, Silent(), town.meta_agent())
    kept = [read_json(path / "report.json")["questions"]["kept"] for path in (run, twice)]
    first = [len(each.pairs) for each in records(twice / "instruct.jsonl", Round) if each.learning == 0]
    assert kept[0] == sum(first) < kept[1]


def test_without_a_question_held_out_there_is_one_round(town: ModuleType, tmp_path: Path) -> None:
    task = town.town_task(tmp_path, rounds=2, questions=20, held_out=1e-9)
    team = learn(task, tmp_path / "run", Silent(), town.meta_agent())
    assert team is not None
    assert not (tmp_path / "run" / "rounds" / "01").exists()


def test_no_two_plays_of_a_run_share_an_id(twice: Path) -> None:
    names = [s.id for path in twice.glob("rounds/*/trajectories.jsonl") for s in records(path, Scored)]
    assert len(names) == len(set(names)) > 0


def test_a_second_round_is_trained_on_what_the_first_kept_too(twice: Path) -> None:
    for role in ROLES[:2]:
        first, second = ({e.id for e in records(twice / f"rounds/{n}/{role}.jsonl", Example)} for n in ("00", "01"))
        assert first <= second


def test_the_team_is_that_of_the_round_with_the_higher_reward(twice: Path) -> None:
    rounds = read_json(twice / "report.json")["rounds"]
    team = open_run(twice).team
    assert team.round == max(rounds, key=lambda each: each["dev"])["round"]
    assert team.adapters == {role: each["path"] for role, each in rounds[team.round]["adapters"].items()}


def test_rounds_are_measured_on_the_same_questions_that_nothing_is_trained_on(twice: Path) -> None:
    dev = [
        {s.trajectory.question_id for s in records(path, Scored)} for path in sorted(twice.glob("rounds/*/dev.jsonl"))
    ]
    trained = {e.id.split("/")[0] for e in records(twice / "rounds/01/plan.jsonl", Example) if not e.held_out}
    assert dev[0] == dev[1]
    assert dev[0]
    assert not dev[0] & trained


@pytest.mark.parametrize("number", [0, 1])
def test_teams_for_comparison_learn_from_what_the_rounds_up_to_the_teams_have_played(twice: Path, number: int) -> None:
    run = open_run(twice)
    run = replace(run, team=replace(run.team, round=number))
    known = played(run)
    rounds = [twice / "rounds" / f"{each:02d}" for each in range(number + 1)]
    for found, file in ((known.trajectories, "trajectories"), (known.kept, "kept")):
        assert {s.id for s in found} == {s.id for path in rounds for s in records(path / f"{file}.jsonl", Scored)}
    learned = {e.id for e in records(rounds[-1] / "plan.jsonl", Example) if not e.held_out}
    assert {e.id for e in student(run, run).examples["plan"]} == learned
    assert {e.id for e in fireact(run).examples["fireact"]} == learned


def test_a_budget_of_plays_leaves_fewer_and_the_run_goes_on_with_them(town: ModuleType, tmp_path: Path) -> None:
    budgets = {"synthesis": {"requests": 150}, "training": {"seconds": 0.001}}
    task = town.town_task(tmp_path, budgets=budgets, workers=1, min_kept=1)
    team = learn(task, tmp_path / "run", Silent(), town.meta_agent())
    spent = read_json(tmp_path / "run" / "spent.json")
    played = records(tmp_path / "run/rounds/00/trajectories.jsonl", Scored)
    assert 0 < len(played) < 40
    assert spent["synthesis"]["closed"] == "150 requests"
    assert team is not None
    assert team.adapters.keys() <= {"plan"}  # a step of it may fit
    assert read_json(tmp_path / "run" / "report.json")["held_out_losses"]["tool"].keys() <= {"base", "plan"}
    assert spent["training"]["closed"] == "0.001 seconds"


def test_a_budget_of_the_dev_reward_stops_the_run_and_a_larger_one_goes_on(learned: Any, tmp_path: Path) -> None:
    run = shutil.copytree(learned.path, tmp_path / "run")
    verified = records(run / "rounds/00/verified.jsonl", Verified)
    first = replace(lesson(0, None), questions=records(run / "questions.jsonl", QAPair), verified=verified)

    def measure(**budget: int) -> Lesson:
        budgets = {"dev reward": Budget(**budget)}
        learning = learned.task.learn.model_copy(update={"workers": 1})
        task, tools = learned.task.model_copy(update={"learn": learning}), chosen_tools(learned.task, ["Retrieve"])
        work = Work(task, run, "", tools, Spending(run / "spent.json", budgets), Silent())
        return measured(work, first, first, learned.model)

    with pytest.raises(RunError, match=r"budget of 5 requests for dev reward .* to go on, or end with --rounds 1"):
        measure(requests=5)
    before = (run / "rounds/00/dev.jsonl").read_bytes()
    assert measure(requests=1000).reward is not None
    assert (run / "rounds/00/dev.jsonl").read_bytes().startswith(before)
    assert before


def test_preferences_go_on_from_the_adapters(town: ModuleType, tmp_path: Path) -> None:
    learning: dict[str, Any] = {"prefer": "dpo", "prefer_learning_rate": 1e-3, "prefer_epochs": 2}
    task, run = town.town_task(tmp_path, **learning), tmp_path / "run"
    short = town.town_task(tmp_path, **learning, budgets={"preferences": {"seconds": 0.01}})
    with pytest.raises(RunError, match=r"budget of 0\.01 seconds for preferences is spent .* to go on"):
        learn(short, run, Silent(), town.meta_agent())
    team = learn(task, run, Silent(), town.meta_agent())
    preferred = read_json(run / "rounds/00/preferred.json")
    began = read_json(run / "rounds/00/adapters.json")
    went_on = [role for role, each in preferred.items() if "began_as" in each]
    assert went_on
    assert all(preferred[role]["began_as"] == began[role]["path"] != preferred[role]["path"] for role in went_on)
    assert team is not None
    assert team.adapters == {role: each["path"] for role, each in preferred.items()}


def test_a_run_can_be_left_after_a_stage_and_gone_on_with(town: ModuleType, tmp_path: Path) -> None:
    task, run = town.town_task(tmp_path), tmp_path / "run"
    assert learn(task, run, Silent(), town.meta_agent(), until="tool selection") is None
    assert json.loads((run / "tools.json").read_text())["tools"] == ["Retrieve"]
    assert not (run / "rounds").exists()
    assert learn(task, run, Silent(), town.meta_agent(), until="synthesis") is None
    assert not (run / "rounds" / "00" / "kept.jsonl").exists()
