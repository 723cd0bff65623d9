"""ReAct: one agent that thinks and acts in turn (Yao et al. 2023); FireAct when that agent was trained on it.

    START → act → executor → act …      Thought, Action: Tool[input]; its observation
            act → input → executor      the turn left the input out
                  executor → END        Finish

FireAct (Chen et al. 2023) is the same graph by a model that was fine-tuned on whole trajectories, without shots.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph

from autoact.agents.chat import to_messages
from autoact.core.records import Step
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, onward
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of
from autoact.prompts.grammar import react_regex
from autoact.prompts.react import input_chat, parse_asked, parse_react, react_chat
from autoact.prompts.render import Brief


def react(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph; the team's plan model is the agent, and the setup's demonstrations are its examples."""
    episode = Episode(setup, entry="act")
    graph = episode.graph()
    graph.add_node("act", episode.speaking("act", ask, acted(setup), act_form), error_handler=episode.failed)
    graph.add_node("input", episode.speaking("input", ask_for_input, filled_in), error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_edge(START, "act")
    graph.add_conditional_edges("act", onward(), ["input", "executor"])
    graph.add_edge("input", "executor")
    graph.add_conditional_edges("executor", onward(), ["act", "executor", END])
    return graph


def ask(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent."""
    return to_messages(react_chat(brief, question_of(state), steps))


def act_form(brief: Brief) -> str:
    """What a turn of the agent is held to."""
    return react_regex(brief.names())


def acted(setup: Setup) -> Any:
    """The update after the agent's turn."""

    def read(_state: State, reply: AIMessage, wrote: str, settings: Context) -> Update:
        names = setup.brief(settings).names()
        turn = parse_react(str(reply.text), names)
        pending = {"thought": turn.thought, "tool": turn.tool, "argument": turn.argument or "", "waits": False}
        wants_input = turn.tool in names and turn.argument is None
        return {**pending, "wrote": {"act": wrote}, "next": "input" if wants_input else "executor"}

    return read


def ask_for_input(state: State, brief: Brief, steps: list[Step]) -> list[BaseMessage]:
    """What the agent is sent when its turn had no input."""
    return to_messages(input_chat(brief, question_of(state), steps, state["thought"], state["tool"]))


def filled_in(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the input."""
    return {"argument": parse_asked(str(reply.text)), "wrote": {**state["wrote"], "input": wrote}, "next": "executor"}
