"""A prompt that does not fit is asked again with its oldest observations cut, and is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver

from autoact.core.errors import PromptTooLong, UserError
from autoact.core.records import Step
from autoact.graph.group import group_planning
from autoact.graph.speaking import Asked, shortened
from autoact.models.scripted import ScriptedChatModel

RIGHT = "Thought: v\nVerdict: right"
LONG = "word " * 100


@tool
def page(title: str) -> str:
    """opens a page."""
    return f"{title} {LONG}"


def with_room_for(characters: int, script: list[str], problem: type[Exception]) -> ScriptedChatModel:
    """A scripted model that refuses longer prompts."""
    left = iter(script)

    def reply(messages: list[BaseMessage]) -> str:
        if sum(len(str(message.text)) for message in messages) > characters:
            raise problem("too long")
        return next(left)

    return ScriptedChatModel(replies=reply)


def played(model: ScriptedChatModel) -> dict[str, Any]:
    return group_planning(model, [page], "Answer.").compile().invoke({"question": "which?"})


def aplayed(model: ScriptedChatModel) -> dict[str, Any]:
    return asyncio.run(group_planning(model, [page], "Answer.").compile().ainvoke({"question": "which?"}))


def script() -> list[str]:
    opened = [turn for title in "abc" for turn in ("Thought: t\nAction: page", title)]
    return [*opened, "Thought: t\nAction: Finish", "sol", RIGHT]


@pytest.mark.parametrize("play", [played, aplayed])
@pytest.mark.parametrize("problem", [PromptTooLong, ContextOverflowError])
def test_the_oldest_observation_is_cut_first(
    play: Callable[[ScriptedChatModel], dict[str, Any]], problem: type[Exception]
) -> None:
    model = with_room_for(2200, script(), problem)
    state = play(model)
    assert state["status"] == "answered"
    texts = [str(message.text) for message in model.calls[-1] if str(message.text).startswith("Observation:")]
    assert [len(text) > 200 for text in texts] == [False, True, True]
    assert texts[0].endswith(" […]")
    assert "Question: which?" in [message.text for message in model.calls[-1]]
    assert sum(spent.get("shortened", 0) for spent in state["usage"].values()) > 0


def test_the_steps_stay_as_they_were() -> None:
    state = played(with_room_for(2200, script(), PromptTooLong))
    assert [step["observation"] for step in state["steps"][:3]] == [f"{title} {LONG}".strip() for title in "abc"]


def test_a_prompt_that_fits_counts_nothing() -> None:
    assert "shortened" not in played(with_room_for(10**6, script(), PromptTooLong))["usage"]["plan"]


def test_what_cannot_be_cut_enough_halts_with_the_first_refusal() -> None:
    state = played(with_room_for(1300, script(), PromptTooLong))
    assert (state["status"], state["error"]) == ("halted", "scripted: PromptTooLong: too long")
    assert state["steps"]


def test_the_last_turn_stays_whole() -> None:
    steps = [Step("t", "page", title, f"{title} {LONG}") for title in "abc"]
    cut = [[step.observation.endswith("[…]") for step in shorter] for shorter in map(list, shortened(steps))]
    assert cut == [[False] * 3, [True, False, False], [True, True, False]]


def test_short_observations_are_not_cut() -> None:
    assert len(list(shortened([Step("t", "page", "a", "short")] * 4))) == 1


def test_a_prompt_that_cutting_does_not_change_is_not_sent_again() -> None:
    steps = [Step("t", "page", title, LONG) for title in "abc"]
    asked = Asked()
    prompts = asked.prompts(steps, lambda _: [HumanMessage("which?")])
    next(prompts)
    with asked:
        raise PromptTooLong("too long")
    with pytest.raises(PromptTooLong):
        next(prompts)


@pytest.mark.parametrize(
    "content",
    [
        "<think>hm\nAction: Fly</think>Thought: t\nAction: Finish",
        "hm, so\n</think>\n\nThought: t\nAction: Finish",
        [{"type": "reasoning", "reasoning": "Action: Fly"}, {"type": "text", "text": "Thought: t\nAction: Finish"}],
        [{"type": "thinking", "thinking": "Action: Fly"}, {"type": "text", "text": "Thought: t\nAction: Finish"}],
        ["Thought: t\n", {"type": "text", "text": "Action: Finish"}],
    ],
)
def test_a_reasoning_models_thinking_is_no_turn(library: tuple[BaseTool, ...], content: Any) -> None:
    from langchain_core.language_models import GenericFakeChatModel

    model = GenericFakeChatModel(messages=iter([AIMessage(content), AIMessage("sol"), AIMessage(RIGHT)]))
    state = group_planning(model, library, "Answer.").compile().invoke({"question": "q"})
    assert (state["answer"], state["steps"][0]["thought"]) == ("sol", "t")


def test_a_question_begun_by_another_version_is_not_gone_on_with(library: tuple[BaseTool, ...]) -> None:
    thread: Any = {"configurable": {"thread_id": "1"}}
    replies = ["Thought: t\nAction: Retrieve", "Peru"]
    graph = group_planning(ScriptedChatModel(replies=replies), library, "Answer.").compile(
        checkpointer=InMemorySaver(), interrupt_after=["executor"]
    )
    graph.invoke({"question": "q"}, thread)
    graph.update_state(thread, {"version": 99})
    with pytest.raises(UserError, match=r"begun by version 99 of the graph, .* ask it again on a new thread"):
        graph.invoke(None, thread)
