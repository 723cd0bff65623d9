"""A dead model is never a wrong answer; bad input is said at once; a prompt that is too long halts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, tool

from autoact.core.errors import ModelError, PromptTooLong, UserError
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.graph.state import Input
from autoact.models.failures import ATTEMPTS
from autoact.models.scripted import ScriptedChatModel

Library = tuple[BaseTool, ...]
ASKED: Input = {"question": "q"}


def ask(messages: list[BaseMessage]) -> str:
    """A reply that fits: Finish, then its input, then the verdict."""
    last = str(messages[-1].text)
    if last == "Input for Finish:":
        return "sol"
    return "Thought: v\nVerdict: right" if last == "Is this answer right?" else "Thought: t\nAction: Finish"


def failing_at(turn: str, problem: Exception, times: int = 100) -> Callable[[list[BaseMessage]], str]:
    """Replies like `ask`, but raises the first times that the last message starts with `turn`."""
    left = times

    def reply(messages: list[BaseMessage]) -> str:
        nonlocal left
        if str(messages[-1].text).startswith(turn) and left:
            left -= 1
            raise problem
        return ask(messages)

    return reply


def graph_of(reply: Any, library: Library) -> Planner:
    return group_planning(ScriptedChatModel(replies=reply), library, "Answer.").compile()


def test_a_model_that_raises_ends_the_episode_without_an_answer(library: Library) -> None:
    state = graph_of(failing_at("Question", RuntimeError("no GPU")), library).invoke(ASKED)
    assert (state["status"], state["error"]) == ("error", "scripted: RuntimeError: no GPU")
    assert not state.get("answer")


def test_a_model_that_raises_later_leaves_the_steps_taken(library: Library) -> None:
    state = asyncio.run(graph_of(failing_at("Is this", RuntimeError("no GPU")), library).ainvoke(ASKED))
    assert (state["status"], state["error"], len(state["steps"])) == (
        "error",
        "scripted: RuntimeError: no GPU",
        1,
    )


def test_a_tool_that_breaks_is_an_observation() -> None:
    @tool
    def broken(query: str) -> str:
        """breaks."""
        raise ZeroDivisionError(query)

    replies = ["Thought: t\nAction: broken", "x", "Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: right"]
    state = graph_of(replies, (broken,)).invoke(ASKED)
    assert (state["steps"][0]["observation"], state["steps"][0]["ok"]) == ("ZeroDivisionError: x", False)
    assert state["status"] == "answered"


def test_a_prompt_that_is_too_long_halts(library: Library) -> None:
    state = graph_of(failing_at("Input", PromptTooLong("5000 tokens")), library).invoke(ASKED)
    assert (state["status"], state["error"]) == ("halted", "scripted: PromptTooLong: 5000 tokens")
    assert not state.get("answer")


@pytest.mark.parametrize(
    "asked",
    [{"question": ""}, {"question": " "}, {"question": 5}, {"question": "q", "choices": 5}, {"context": "c"}],
)
def test_what_is_no_question_is_said_to_the_caller(library: Library, asked: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="the input is not a question"):
        graph_of(ask, library).invoke(asked)
    with pytest.raises(UserError, match="the input is not a question"):
        asyncio.run(graph_of(ask, library).ainvoke(asked))


def test_a_model_that_cannot_be_used_as_asked_is_said_to_the_caller(library: Library) -> None:
    with pytest.raises(ModelError, match="no such adapter"):
        graph_of(failing_at("Question", ModelError("no such adapter")), library).invoke(ASKED)


def test_a_passing_failure_is_asked_again_a_bounded_number_of_times(library: Library) -> None:
    passing = ScriptedChatModel(replies=failing_at("Input", ConnectionError("refused"), ATTEMPTS - 1))
    lasting = ScriptedChatModel(replies=failing_at("Input", ConnectionError("refused")))

    async def both() -> list[dict[str, Any]]:
        graphs = [group_planning(model, library, "Answer.").compile() for model in (passing, lasting)]
        return list(await asyncio.gather(*(graph.ainvoke(ASKED) for graph in graphs)))

    well, badly = asyncio.run(both())
    assert (well["status"], well["answer"], len(passing.calls)) == ("answered", "sol", ATTEMPTS + 2)
    assert (badly["status"], badly["error"], len(lasting.calls)) == (
        "error",
        "scripted: ConnectionError: refused",
        ATTEMPTS + 1,
    )
    assert [len(step["wrote"]) for step in well["steps"]] == [2, 1]
