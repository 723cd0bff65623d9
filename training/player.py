"""Plays questions in a process of its own, such as one of a Ray cluster: all that goes in and out is JSON.

    player = Player(order_of(task, ["Retrieve"]))
    await player.ready()                    # "", or why it cannot play
    await player.play(job, settings)        # '{"trajectory": …, "tools": …}'

Models and tools are built there, once, from the task, whose files must lie under the same path on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from platform import node

from autoact.core.errors import UserError
from autoact.core.records import Team, from_json, to_json
from autoact.core.task import Task, check_task
from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run import Job, play_one
from autoact.graph.run_folder import Planner
from autoact.graph.setup import Models
from autoact.models.load import load_model
from autoact.models.team import team_models
from autoact.tools.log import ToolLog
from autoact.tools.toolbox import chosen_tools


def order_of(task: Task, tools: Sequence[str], team: Team | None = None, run: Path = Path()) -> str:
    """Who plays, and with which tools: a team of a run folder, or the META-AGENT in every role."""
    return json.dumps(
        {
            "task": task.model_dump(mode="json"),
            "file": str(task.file.resolve()),
            "fingerprint": task.fingerprint(),
            "tools": list(tools),
            "team": to_json(team) if team else None,
            "run": str(run.resolve()),
        }
    )


class Player:
    """Many questions at once, each played as any other process would play it."""

    def __init__(self, order: str) -> None:
        self._order = json.loads(order)
        self._graph: Planner | None = None

    async def ready(self) -> str:
        """Build models and tools; what stands in the way of it, in one line, or nothing."""
        try:
            self._graph = self._built()
        except UserError as problem:
            return str(problem)
        return ""

    async def play(self, job: str, settings: str) -> str:
        """The trajectory of a job, and what was counted of its tool calls."""
        if self._graph is None:  # this process stands in for one that was killed
            self._graph = self._built()
        log = ToolLog()
        trajectory = await play_one(self._graph, from_json(Job, json.loads(job)), Context(**json.loads(settings)), log)
        return json.dumps({"trajectory": to_json(trajectory), "tools": log.to_json()})

    def _built(self) -> Planner:
        task = check_task(self._order["task"], Path(self._order["file"]))
        if task.fingerprint() != self._order["fingerprint"]:
            raise UserError(f"the files that {task.file} names are others on {node()}; bring the same there")
        tools = chosen_tools(task, self._order["tools"])
        return group_planning(self._speakers(task), tools, task.description).compile(name="synthesis")

    def _speakers(self, task: Task) -> Models:
        if self._order["team"] is None:
            return load_model(task.model_spec(), task.endpoint)
        return team_models(from_json(Team, self._order["team"]), Path(self._order["run"]))
