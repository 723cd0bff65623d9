"""Group planning: the graph that everything else exists for.

    START → plan → tool → executor → plan …            an action and its observation
                            executor → reflect → END   a Finish that reflection agrees with
                                       reflect → plan  one that it doubts
            plan → executor                            an action that is no tool
            executor → executor                        an action that waits for a human

The edges read `state["next"]`, so that a state edited in LangGraph Studio goes on from the edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.tools import BaseTool
from langgraph.graph import END, START, StateGraph

from autoact.graph.context import Context
from autoact.graph.episode import onward
from autoact.graph.nodes import Nodes
from autoact.graph.setup import Models, Setup
from autoact.graph.state import Input, State


def group_planning(
    models: Models, tools: Sequence[BaseTool], description: str, defaults: Context | None = None
) -> StateGraph[State, Any, Input, State]:
    """The uncompiled graph of a team; `.compile()` makes it a Runnable.

    `models` is one chat model, which then speaks in all three roles (that is the META-AGENT), or a mapping with a
    model for plan, tool and reflect, and any more that a run's context may choose by name; a model may be written
    `provider:name`. `defaults` are the settings of a run that gives none.

    Raises UserError when a role has no model, two tools share a name, or the settings name what is not there.
    """
    return graph_of(Setup(models, description, tools, defaults or Context()))


def graph_of(setup: Setup) -> StateGraph[State, Any, Input, State]:
    """The uncompiled graph over a setup; its context is a `Context`, or a dict of its fields."""
    nodes = Nodes(setup)
    graph = nodes.graph()
    graph.add_node("plan", nodes.plan(), metadata={"agent": "PLAN-AGENT"}, error_handler=nodes.failed)
    graph.add_node("tool", nodes.tool(), metadata={"agent": "TOOL-AGENT"}, error_handler=nodes.failed)
    graph.add_node("executor", nodes.executor(), error_handler=nodes.failed)
    graph.add_node("reflect", nodes.reflect(), metadata={"agent": "REFLECT-AGENT"}, error_handler=nodes.failed)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", onward(), ["tool", "executor"])
    graph.add_conditional_edges("tool", onward(), ["executor"])
    graph.add_conditional_edges("executor", onward(), ["plan", "executor", "reflect", END])
    graph.add_conditional_edges("reflect", onward(), ["plan", END])
    return graph
