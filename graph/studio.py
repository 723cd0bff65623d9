"""What `langgraph dev` serves: a team, as group planning and as a chat.

AUTOACT_RUN=runs/mine langgraph dev     # a run of one's own
langgraph dev                           # runs/atlas if it is finished, else Atlas's seed model in all roles

docs/studio.md walks through it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.graph import Graph
from langgraph.graph.state import CompiledStateGraph
from langgraph_sdk.runtime import ServerRuntime

from autoact.core.errors import UserError
from autoact.core.records import Team
from autoact.core.task import load_task
from autoact.graph.chat import chat_planning
from autoact.graph.context import Context
from autoact.graph.run_folder import META, Planner, RunFolder, open_run

ATLAS = Path(__file__).parent.parent / "examples" / "atlas" / "task.yaml"
# What the server and Studio put among the settings on their own account.
THEIRS = ("__", "langgraph_", "checkpoint_", "thread_id", "assistant_id", "graph_id", "run_id", "user_id")
_building = Lock()


@asynccontextmanager
async def group(runtime: ServerRuntime[Any]) -> AsyncIterator[Planner]:
    """Group planning, for as long as the server has a use for it.

    Raises ValueError for what is a UserError elsewhere: of other errors than Python's own the server tells no word.
    """
    run = runtime.execution_runtime
    try:
        check_names(run.context if run else None)
        # In a thread, since loading a model would hold up the server's loop.
        yield await asyncio.to_thread(team, os.environ.get("AUTOACT_RUN", ""))
    except UserError as problem:
        raise ValueError(str(problem)) from None


@asynccontextmanager
async def chat(runtime: ServerRuntime[Any]) -> AsyncIterator[Planner]:
    """The same team behind a chat."""
    async with group(runtime) as planner:
        yield chat_planning(planner).compile(name="chat")


def check_names(given: Mapping[str, Any] | None) -> None:
    """Raises UserError on a setting that there is not; the server itself would leave it out and say nothing."""
    Context(**{name: value for name, value in (given or {}).items() if not name.startswith(THEIRS)})


def team(named: str) -> Planner:
    """The team of the run in a folder; built once, however many ask for it at once."""
    with _building:
        return _built(named)


@cache
def _built(named: str) -> Planner:
    run = Path(named or "runs/atlas")
    if named or (run / "team.json").exists():
        return drawn(open_run(run).planner())
    task = load_task(ATLAS)
    untrained = RunFolder(run, task, Team("", "", {}, task.tools, task.name))
    return drawn(untrained.planner(META))


def drawn(planner: Planner) -> Planner:
    """The same graph, drawn without the error handlers: LangGraph makes a node of each, which no edge leads to."""
    return _Drawn(**{name: value for name, value in vars(planner).items() if name != "__orig_class__"})


class _Drawn(CompiledStateGraph[Any, Any, Any, Any]):
    async def aget_graph(self, config: RunnableConfig | None = None, *, xray: int | bool = False) -> Graph:
        graph = await super().aget_graph(config, xray=xray)
        for name in [name for name in graph.nodes if name.startswith("__error_handler__")]:
            graph.remove_node(graph.nodes[name])
        return graph
