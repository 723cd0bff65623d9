"""Teams for comparison, trained: what is on disk, what is not done twice, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from autoact.core.budget import Spending
from autoact.core.errors import ModelError, RunError, UserError
from autoact.core.learning import Budget
from autoact.core.lock import locked
from autoact.core.progress import Silent
from autoact.core.records import ROLES, Example
from autoact.core.store import Store
from autoact.graph.run_folder import RunFolder, open_run
from autoact.models.team import team_models
from autoact.training.teams import Trained, choose_teams, train_team, train_teams
from autoact.training.variants import Variant, fireact, tool_agents

NAMES = ("tool-agents", "fireact", "trajectories-3")


class Told(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def trained(learned: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, Trained]]:
    """A copy of the toy run, and the teams that were trained from it."""
    run = open_run(shutil.copytree(learned.path, tmp_path_factory.mktemp("teams") / "run"))
    return run, {team.name: team for team in train_teams(run, NAMES, Silent())}


@pytest.fixture
def run(learned: Any, tmp_path: Path) -> RunFolder:
    """A copy of the toy run without such teams."""
    return open_run(shutil.copytree(learned.path, tmp_path / "run"))


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_a_trained_team_is_one_of_the_runs_teams(trained: Any) -> None:
    run, teams = trained
    assert run.teams() == tuple(sorted(NAMES))
    assert {name: run.team_of(name) for name in NAMES} == {name: team.team for name, team in teams.items()}


def test_beside_a_team_lies_what_it_was_trained_on(trained: Any) -> None:
    run, _ = trained
    for tool in ("Retrieve", "Finish"):
        path = run.path / "teams" / "tool-agents" / f"tool-{tool}.jsonl"
        assert list(Store(path, Example)) == tool_agents(run).examples[f"tool:{tool}"]
    assert list(Store(run.path / "teams/fireact/fireact.jsonl", Example)) == fireact(run).examples["fireact"]


def test_tool_agents_speak_for_their_tools_beside_the_runs_own_plan_and_reflect(trained: Any) -> None:
    run, teams = trained
    adapters = teams["tool-agents"].team.adapters
    assert adapters.keys() == {"plan", "reflect", "tool:Retrieve", "tool:Finish"}
    assert {role: adapters[role] for role in ("plan", "reflect")} == {
        role: run.team.adapters[role] for role in ("plan", "reflect")
    }
    assert adapters["tool:Finish"].startswith("adapters/tool-Finish-")


def test_each_team_can_be_loaded(trained: Any) -> None:
    run, teams = trained
    for team in teams.values():
        models = team_models(team.team, run.path)
        assert set(ROLES) < models.keys()
        models["plan"].engine.close()  # type: ignore[attr-defined]


def test_a_team_that_is_there_is_not_trained_again(trained: Any) -> None:
    run, teams = trained
    before, told = stamps(run.path), Told()
    assert train_teams(run, NAMES, told) == list(teams.values())
    assert stamps(run.path) == before
    assert told.lines == [f"{name} is trained already" for name in NAMES]


def test_the_runs_own_team_is_left_as_it_was(trained: Any, learned: Any) -> None:
    run, _ = trained
    assert open_run(run.path).team == learned.team
    own, before = (path / "rounds/00/adapters.json" for path in (run.path, learned.path))
    assert own.read_bytes() == before.read_bytes()


def test_what_is_compared_is_computed_with_one_thread_here_and_in_processes_of_their_own() -> None:
    assert torch.get_num_threads() == 1
    assert {os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}


def test_a_kill_in_training_costs_no_adapter_that_was_done(trained: Any, run: RunFolder) -> None:
    _, teams = trained
    folder = run.path / "teams" / "tool-agents"
    command = [sys.executable, "-c", "from autoact.cli.main import app; app()", "train", str(run.path), "--teams"]
    process = subprocess.Popen([*command, "tool-agents"], stderr=subprocess.PIPE)
    while not (folder / "adapters.json").exists():
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "team.json").exists()
    first = json.loads((folder / "adapters.json").read_text())["tool:Retrieve"]
    before = stamps(run.path / first["path"])
    (again,) = train_teams(run, ("tool-agents",), Silent())
    assert again.team == teams["tool-agents"].team
    assert again.adapters["tool:Retrieve"] == first
    assert stamps(run.path / first["path"]) == before


def test_each_team_has_the_budget_of_the_runs_own_training(run: RunFolder) -> None:
    learning, told = run.task.learn.model_copy(update={"budgets": {"training": Budget(seconds=0.1)}}), Told()
    run = replace(run, task=run.task.model_copy(update={"learn": learning}))
    for team in train_teams(run, ("tool-agents", "trajectories-3"), told):
        spent = Spending(run.path / "teams" / team.name / "spent.json").spent(f"train {team.name}")
        assert spent.closed == "0.1 seconds"
        assert len(team.adapters) < 2  # a step of the first may fit
    assert told.lines[-1].endswith("the budget left nothing to train it with, so the base speaks in this role")


def test_a_team_that_trains_nothing_of_its_own_is_there_the_second_time_too(run: RunFolder) -> None:
    once, again = (train_team("borrowed", Variant({}, {}, ("reflect",)), run, Silent()) for _ in range(2))
    assert once == again
    assert once.adapters == {}
    assert once.team.adapters == {"reflect": run.team.adapters["reflect"]}


def test_a_team_of_other_examples_is_not_mixed_with_new_ones(trained: Any, run: RunFolder) -> None:
    shutil.copytree(trained[0].path / "teams", run.path / "teams")
    path = run.path / "teams" / "tool-agents" / "tool-Finish.jsonl"
    path.write_text(path.read_text().replace("Mayor", "Major"))
    with pytest.raises(RunError, match=r"tool-Finish\.jsonl is not what tool-agents would be trained on now; remove"):
        train_teams(run, NAMES, Silent())


def test_nothing_is_trained_when_one_of_the_teams_cannot_be(run: RunFolder) -> None:
    with pytest.raises(RunError, match="1000 cannot be drawn"):
        train_teams(run, ("fireact", "trajectories-1000"), Silent())
    assert not (run.path / "teams").exists()


def test_a_base_that_has_changed_is_refused(run: RunFolder) -> None:
    team = json.loads((run.path / "team.json").read_text())
    (run.path / "team.json").write_text(json.dumps(team | {"base_hash": "0" * 64}))
    with pytest.raises(ModelError, match=r"is not the one that .* was trained on; bring it back"):
        train_teams(open_run(run.path), ("fireact",), Silent())


def test_one_process_at_a_time_trains_in_a_run(run: RunFolder) -> None:
    with locked(run.path), pytest.raises(RunError, match="in use by another process"):
        train_teams(run, ("fireact",), Silent())


def test_all_teams_are_those_that_need_no_number_and_no_other_run() -> None:
    assert choose_teams("all,trajectories-50") == (
        "one-agent",
        "no-filtering",
        "tool-agents",
        "fireact",
        "trajectories-50",
    )


@pytest.mark.parametrize("names", ["", ",", "react", "50", "trajectories-", "trajectories-many", "fireact,x"])
def test_a_wrong_list_says_what_there_is(names: str) -> None:
    with pytest.raises(UserError, match="choose from all, one-agent, no-filtering, tool-agents, fireact, traj"):
        choose_teams(names)


def test_a_student_needs_a_teacher_and_a_teacher_a_student(run: RunFolder) -> None:
    for names, teacher in (("student", None), ("fireact", run)):
        with pytest.raises(UserError, match="--teams student and --from RUN go together"):
            choose_teams(names, teacher)
