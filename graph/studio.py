"""What `langgraph dev` serves: a team, as group planning and as a chat.

AUTOACT_RUN=runs/mine langgraph dev     # a run of one's own
langgraph dev                           # runs/atlas if it is finished, else Atlas's seed model in all roles
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from autoact.core.task import load_task
from autoact.graph.chat import chat_planning
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner, corpus_of, open_run, settings_of
from autoact.models.load import load_model
from autoact.tools.library import build_tools

ROOT = Path(__file__).parent.parent


async def group(config: RunnableConfig) -> Planner:  # noqa: ARG001 - the server passes it
    """The graph; built once, in a thread, since loading a model would hold up the server's loop."""
    return await asyncio.to_thread(_group, os.environ.get("AUTOACT_RUN", ""))


async def chat(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The same graph behind a chat."""
    return chat_planning(await group(config)).compile(name="chat")


@cache
def _group(named: str) -> Planner:
    run = Path(named) if named else ROOT / "runs" / "atlas"
    if named or (run / "team.json").exists():
        return open_run(run).planner()
    task = load_task(ROOT / "examples" / "atlas" / "task.yaml")
    model = load_model(task.model_spec(), task.endpoint)
    tools = build_tools(task.tools, corpus_of(task))
    return group_planning(model, tools, task.description, settings_of(task)).compile(name="autoact")
