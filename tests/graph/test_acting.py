"""Whatever a tool does, the planner reads a text of bounded size and goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from autoact.core.records import Step
from autoact.graph.acting import looping
from autoact.graph.group import group_planning
from autoact.graph.review import Pending
from autoact.models.scripted import ScriptedChatModel
from autoact.tools.library import build_tools

Library = tuple[BaseTool, ...]
FINISH = ["Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: right"]
released = threading.Event()


@tool
def hang(query: str) -> str:
    """hangs until it is released."""
    released.wait(60)
    return query


@tool
async def sleep(query: str) -> str:
    """sleeps for a minute."""
    await asyncio.sleep(60)
    return query


@tool
def impatient(query: str) -> str:
    """gives up by itself."""
    raise TimeoutError(f"no reply to {query}")


@tool
def asking(query: str) -> str:
    """asks a human."""
    return str(interrupt(query))


@tool
def endless(query: str) -> str:
    """says a lot."""
    return f"{query} " * 2_000_000


def call(name: str, times: int = 1) -> list[str]:
    return [f"Thought: t\nAction: {name}", "x"] * times


def first_step(item: BaseTool, **context: Any) -> dict[str, Any]:
    model = ScriptedChatModel(replies=[*call(item.name), *FINISH])
    graph = group_planning(model, [item], "Answer.").compile()
    state = graph.invoke({"question": "q"}, context=context)
    assert state["answer"] == "sol"
    return dict(state["steps"][0])


def afirst_step(item: BaseTool, **context: Any) -> dict[str, Any]:
    model = ScriptedChatModel(replies=[*call(item.name), *FINISH])
    graph = group_planning(model, [item], "Answer.").compile()
    state = asyncio.run(graph.ainvoke({"question": "q"}, context=context))
    assert state["answer"] == "sol"
    return dict(state["steps"][0])


def test_a_tool_that_hangs_is_left_behind() -> None:
    began = time.monotonic()
    step = first_step(hang, tool_timeout=0.2)
    assert (step["observation"], step["ok"]) == ("hang took longer than 0.2 seconds.", False)
    assert time.monotonic() - began < 5
    released.set()


def test_a_tool_that_sleeps_in_an_event_loop_is_cancelled() -> None:
    began = time.monotonic()
    step = afirst_step(sleep, tool_timeout=0.2)
    assert (step["observation"], step["ok"]) == ("sleep took longer than 0.2 seconds.", False)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("first", [first_step, afirst_step])
def test_a_tools_own_timeout_is_told_as_such(first: Any) -> None:
    assert first(impatient)["observation"] == "TimeoutError: no reply to x"


def test_a_tool_may_interrupt_the_graph() -> None:
    model = ScriptedChatModel(replies=[*call("asking"), *FINISH])
    graph = group_planning(model, [asking], "Answer.").compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    assert graph.invoke({"question": "q"}, thread)["__interrupt__"][0].value == "x"
    assert graph.invoke(Command(resume="yes"), thread)["steps"][0]["observation"] == "yes"


def test_an_observation_is_cut_to_its_tokens() -> None:
    cut = first_step(endless, observation_tokens=16)["observation"]
    assert (len(cut), cut[-4:]) == (64, " […]"[-4:])
    assert len(first_step(endless)["observation"]) == 4000


def test_the_third_call_of_a_loop_is_not_made(library: Library) -> None:
    model = ScriptedChatModel(replies=[*call("Retrieve", 3), *FINISH])
    steps = group_planning(model, library, "Answer.").compile().invoke({"question": "q"})["steps"]
    told = "This was tried twice with the same input and gave the same. Do something else."
    assert [step["observation"] == told for step in steps] == [False, False, True, False, False]
    assert steps[2]["ok"] is False


def test_the_same_call_with_another_result_is_no_loop() -> None:
    read = [Step("t", "Lookup", "sol", f"(Result {number}/3) …") for number in (1, 2)]
    assert not looping(Pending("t", "Lookup", "sol"), read)
    assert looping(Pending("t", "Lookup", "sol"), [*read, read[1]])
    assert not looping(Pending("t", "Lookup", "euro"), [*read, read[1]])


def test_what_is_not_a_tool_may_be_named_twice_but_not_thrice(library: Library) -> None:
    model = ScriptedChatModel(replies=["Thought: t\nAction: Fly"] * 3 + FINISH)
    steps = group_planning(model, library, "Answer.").compile().invoke({"question": "q"})["steps"]
    assert [step["observation"][:4] for step in steps[:3]] == ["Fly ", "Fly ", "This"]


def test_whoever_follows_is_told_of_calls_observations_and_the_end(library: Library) -> None:
    model = ScriptedChatModel(replies=["Thought: t\nAction: Retrieve", "Lima", *FINISH])
    graph = group_planning(model, library, "Answer.").compile()
    events = [dict(event) for event in graph.stream({"question": "q"}, stream_mode="custom")]
    assert events[1].pop("seconds") > 0
    assert events == [
        {"event": "action", "tool": "Retrieve", "input": "Lima"},
        {"event": "observation", "tool": "Retrieve", "ok": True, "observation": "Lima is a city."},
        {"event": "end", "status": "answered", "answer": "sol"},
    ]


def test_a_tool_sees_what_came_beside_the_question() -> None:
    model = ScriptedChatModel(replies=[*call("Image2Text", 2), *FINISH])
    graph = group_planning(model, build_tools(("Image2Text",), None), "Answer.").compile()
    steps = graph.invoke({"question": "q", "caption": "A lighthouse.", "ocr": "BASS ROCK"})["steps"]
    assert steps[1]["observation"] == steps[0]["observation"]
    assert "A lighthouse." in steps[1]["observation"]
    assert "BASS ROCK" in steps[1]["observation"]
