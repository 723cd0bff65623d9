"""CoT: the model thinks and answers in one turn, without tools (Wei et al. 2022).

START → think → executor → END        Thought, Action: Finish[answer]
        think → answer → executor     the turn left the answer out
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph

from autoact.agents.chat import to_messages
from autoact.core.records import FINISH, Step
from autoact.graph.context import Context
from autoact.graph.episode import Episode, Update, onward
from autoact.graph.setup import Setup
from autoact.graph.state import State, question_of
from autoact.prompts.cot import answer_chat, cot_chat, parse_cot
from autoact.prompts.grammar import react_regex
from autoact.prompts.react import parse_asked
from autoact.prompts.render import Brief


def cot(setup: Setup) -> StateGraph[Any, Any, Any, Any]:
    """The uncompiled graph; the team's plan model speaks, and the setup's demonstrations are its examples."""
    episode = Episode(setup, "think")
    graph = episode.graph()
    graph.add_node("think", episode.speaking("think", ask, thought, think_form), error_handler=episode.failed)
    graph.add_node("answer", episode.speaking("answer", ask_for_answer, answered), error_handler=episode.failed)
    graph.add_node("executor", episode.executor(), error_handler=episode.failed)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", onward(), ["answer", "executor"])
    graph.add_edge("answer", "executor")
    graph.add_conditional_edges("executor", onward(), ["executor", END])
    return graph


def ask(state: State, brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the model is sent."""
    return to_messages(cot_chat(brief, question_of(state)))


def think_form(_brief: Brief) -> str:
    """What the model's turn is held to."""
    return react_regex((FINISH,))


def thought(_state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the model's turn."""
    turn = parse_cot(str(reply.text))
    pending = {"thought": turn.thought, "tool": turn.tool, "argument": turn.argument or "", "waits": False}
    return {**pending, "wrote": {"think": wrote}, "next": "answer" if turn.argument is None else "executor"}


def ask_for_answer(state: State, brief: Brief, _steps: list[Step]) -> list[BaseMessage]:
    """What the model is sent when its turn had no answer."""
    return to_messages(answer_chat(brief, question_of(state), state["thought"]))


def answered(state: State, reply: AIMessage, wrote: str, _settings: Context) -> Update:
    """The update after the answer."""
    return {"argument": parse_asked(str(reply.text)), "wrote": {**state["wrote"], "answer": wrote}, "next": "executor"}
