"""BOLAA: a controller that calls labour agents, each of which knows one tool (Liu et al. 2023).

START → controller → Retrieve agent → executor → controller …     the agent writes its tool's input, no more
                     Finish agent   → executor → END              the one that answers
        controller → executor                                     no such agent
"""

from __future__ import annotations

from functools import partial
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph

from autoact.agents.chat import to_messages
from autoact.core.records import Step
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, onward
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of
from autoact.prompts.bolaa import controller_chat, controller_regex, parse_agent
from autoact.prompts.parse import parse_input
from autoact.prompts.render import Brief
from autoact.prompts.specialist import specialist_chat


def bolaa(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph; the team's plan model is the controller, its tool model speaks as every labour agent."""
    episode = Episode(setup, entry="controller")
    graph = episode.graph()
    controller = episode.speaking("controller", ask, chosen(setup), lambda brief: controller_regex(brief.names()))
    graph.add_node("controller", controller, error_handler=episode.failed)
    agents = [agent_of(tool) for tool in setup.cards]
    for tool, agent in zip(setup.cards, agents, strict=True):
        labour = episode.speaking(agent, partial(ask_for_input, tool), filled_in, speaker="tool")
        graph.add_node(agent, labour, error_handler=episode.failed)
        graph.add_edge(agent, "executor")
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_edge(START, "controller")
    graph.add_conditional_edges("controller", onward(), [*agents, "executor"])
    graph.add_conditional_edges("executor", onward(), ["controller", "executor", END])
    return graph


def agent_of(tool: str) -> str:
    """The node of a tool's labour agent."""
    return f"{tool} agent"


def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the controller is sent."""
    return to_messages(controller_chat(brief, question_of(state), steps))


def chosen(setup: Setup) -> Any:
    """The update after the controller's choice."""

    def read(_state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        names = setup.brief(settings).names()
        turn = parse_agent(str(reply.text), names)
        pending = {"thought": turn.thought, "tool": turn.tool, "argument": "", "waits": False}
        onto = agent_of(turn.tool) if turn.tool in names else "executor"
        return {**pending, "wrote": {"controller": wrote}, "next": onto}

    return read


def ask_for_input(tool: str, state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What a labour agent is sent."""
    return to_messages(specialist_chat(brief, question_of(state), steps, tool))


def filled_in(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after a labour agent's turn."""
    return {"argument": parse_input(str(reply.text)), "wrote": {**state["wrote"], "labour": wrote}, "next": "executor"}
