"""A run folder, as `autoact learn` leaves it, opened for asking and evaluating.

run = open_run(Path("runs/atlas"))
run.planner().invoke({"question": "…"})        # the trained team
run.planner(META).invoke({"question": "…"})    # the META-AGENT in every role

task.json           the task, and where its files are
questions.jsonl     self-instructed questions            instruct.jsonl   the rounds they came in
tools.json          the selected tools
rounds/00/          trajectories.jsonl, kept.jsonl, plan.jsonl, tool.jsonl, reflect.jsonl, adapters.json; then 01/ …
adapters/           <role>-<first 12 of its hash>/
team.json           base, adapters, tools, what they were made with; its presence says that the run is finished
teams/<name>/       team.json of a team that was trained otherwise, for comparison, and what it was trained on
eval/               evaluations
report.json         yields, costs, losses
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.graph.state import CompiledStateGraph, StateGraph

from autoact.core.errors import RunError, TaskError
from autoact.core.records import Demonstration, Team
from autoact.core.store import read_json, read_record
from autoact.core.task import Task, check_task
from autoact.graph.context import Context
from autoact.graph.group import graph_of
from autoact.graph.provenance import refuse_other_prompts, refuse_other_tools
from autoact.graph.setup import Models, Setup
from autoact.models.load import load_model
from autoact.models.team import served_models, team_models
from autoact.tools.toolbox import chosen_tools

Planner = CompiledStateGraph[Any, Any, Any, Any]
Builder = StateGraph[Any, Any, Any, Any]
TEAM = "team"
META = "meta"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A finished run."""

    path: Path
    task: Task
    team: Team
    endpoint: str = ""

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the selected tools."""
        return self.team.tools

    def report(self) -> dict[str, Any]:
        """What the run measured."""
        report: dict[str, Any] = read_json(self.path / "report.json")
        return report

    def round_folder(self, number: int | None = None) -> Path:
        """Where a round's files are; without a number, those of the round that trained the team."""
        return round_folder(self.path, self.team.round if number is None else number)

    def settings(self) -> Context:
        """Greedy play within the task's budgets."""
        return settings_of(self.task)

    def teams(self) -> tuple[str, ...]:
        """The names of the teams that were trained for comparison."""
        return tuple(sorted(path.parent.name for path in (self.path / "teams").glob("*/team.json")))

    def team_of(self, speakers: str) -> Team:
        """The run's own team, or one that was trained for comparison. Raises RunError."""
        return self.team if speakers == TEAM else read_record(self.path / "teams" / speakers / "team.json", Team)

    def planner(self, speakers: str = TEAM) -> Planner:
        """`builder`, compiled: a Runnable without a checkpointer."""
        return self.builder(speakers).compile(name="autoact")

    def builder(self, speakers: str = TEAM) -> Builder:
        """Group planning by a team, or by the META-AGENT in all three roles, not compiled yet."""
        return graph_of(self.setup(speakers))

    def setup(
        self,
        speakers: str = TEAM,
        corpus: Path | None = None,
        shots: Sequence[Demonstration] = (),
        models: Models | None = None,
    ) -> Setup:
        """What a graph is built with; an endpoint is asked for each model of a team by its folder's name.

        `corpus` is searched instead of the task's own; `shots` are shown before every question; `models` are those
        of these speakers if they are loaded already.
        """
        task = self.task.model_copy(update={"corpus": str(corpus.resolve())}) if corpus else self.task
        tools = chosen_tools(task, self.tools)
        if speakers != META:
            refuse_other_tools(self.path, self.team, tools)
        if models is None:
            models = self._models(speakers)
        return Setup(models, self.task.description, tools, self.settings(), shots)

    def _models(self, speakers: str) -> Models:
        if speakers == META:
            return load_model(self.task.model_spec(), self.task.endpoint)
        if self.endpoint:
            return served_models(self.team_of(speakers), self.path, self.endpoint)
        return team_models(self.team_of(speakers), self.path)


def round_folder(run: Path, number: int) -> Path:
    """Where the files of a run's round are, counted from nought."""
    return run / "rounds" / f"{number:02d}"


def open_run(path: Path, endpoint: str = "") -> RunFolder:
    """The run in a folder, its team served in process or at an endpoint.

    Raises RunError when there is none, it is not finished, or its team was trained on other prompts than these.
    """
    task = read_task(path)
    if not (path / "team.json").exists():
        raise RunError(f"{path} is not finished; run the same `autoact learn` command again to go on")
    team = read_record(path / "team.json", Team)
    refuse_other_prompts(path, team)
    return RunFolder(path, task, team, endpoint)


def read_task(path: Path) -> Task:
    """The task of a run folder. Raises RunError."""
    data = read_json(path / "task.json")
    try:
        return check_task(data["task"], Path(data["file"]))
    except (KeyError, TypeError, TaskError) as problem:
        raise RunError(f"{path / 'task.json'} is not a task ({problem}); restore it or learn again") from None


def corpus_of(task: Task) -> Path | None:
    """The task's corpus file, if it has one."""
    return task.path(task.corpus) if task.corpus else None


def settings_of(task: Task) -> Context:
    """Greedy play within a task's budgets."""
    learn = task.learn
    return Context(
        max_steps=learn.max_steps,
        max_reflections=learn.max_reflections,
        max_tokens=learn.max_tokens,
        constrain=learn.constrain,
    )
