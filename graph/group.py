"""Group planning: the graph that everything else exists for.

    START → plan → tool → executor → plan …            an action and its observation
                            executor → reflect → END   a Finish that reflection agrees with
                                       reflect → plan  one that it doubts
            plan → executor                            an action that is no tool

The edges read `state["next"]`, so that a state edited in LangGraph Studio goes on from the edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph
from langgraph.types import RetryPolicy

from autoact.core.records import REFLECT, ROLES
from autoact.graph.nodes import Nodes
from autoact.graph.state import Context, Input, State
from autoact.models.failures import ATTEMPTS, transient_errors
from autoact.prompts.render import Brief
from autoact.tools.library import FINISH_CARD, card


def group_planning(
    models: Mapping[str, BaseChatModel] | BaseChatModel,
    tools: Sequence[BaseTool],
    description: str,
    defaults: Context | None = None,
) -> StateGraph[State, Context, Input, State]:
    """The uncompiled graph of a team; one model alone speaks in all three roles (that is the META-AGENT).

    Raises KeyError when a role has no model, ValueError when two tools share a name.
    """
    team = {role: models if isinstance(models, BaseChatModel) else models[role] for role in ROLES}
    brief = brief_of(description, tools)
    nodes = Nodes(team, brief, tools, defaults or Context())
    graph = StateGraph(State, context_schema=Context, input_schema=Input)
    graph.set_node_defaults(
        retry_policy=RetryPolicy(max_attempts=ATTEMPTS, jitter=False, retry_on=transient_errors()),
        error_handler=nodes.failed,  # type: ignore[arg-type]  # the annotation leaves out the error it is given
    )
    graph.add_node("plan", nodes.plan(), metadata={"agent": "PLAN-AGENT"})
    graph.add_node("tool", nodes.tool(), metadata={"agent": "TOOL-AGENT"})
    graph.add_node("executor", nodes.executor())
    graph.add_node("reflect", nodes.reflect(), metadata={"agent": "REFLECT-AGENT"})
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", _next, ["tool", "executor"])
    graph.add_conditional_edges("tool", _next, ["executor"])
    graph.add_conditional_edges("executor", _next, ["plan", "reflect", END])
    graph.add_conditional_edges("reflect", _next, ["plan", END])
    return graph


def brief_of(description: str, tools: Sequence[BaseTool]) -> Brief:
    """What the agents read about the task and its tools, Finish last.

    Raises ValueError on a name used twice, whatever its case, or called Reflect.
    """
    cards = (*(card(tool) for tool in tools), FINISH_CARD)
    names = [item.name for item in cards]
    if len({name.lower() for name in (*names, REFLECT)}) <= len(names):
        raise ValueError(f"two tools share a name, or one is called {REFLECT}: {', '.join(names)}")
    return Brief(description, cards)


def _next(state: dict[str, Any]) -> str:
    return str(state["next"])
