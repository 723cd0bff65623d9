"""Whatever a tool does, the planner reads a text of bounded size and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from autoact.core.records import Step
from autoact.graph.acting import looping
from autoact.graph.group import group_planning
from autoact.graph.review import Pending
from autoact.models.scripted import ScriptedChatModel
from autoact.prompts.template import fill
from autoact.tools.library import build_tools

Library = tuple[BaseTool, ...]
FINISH = ["Thought: t\nAction: Finish", "sol", "Thought: v\nVerdict: right"]


@tool
def hang(query: str) -> str:
    """hangs for a minute."""
    time.sleep(60)
    return query


@tool
async def sleep(query: str) -> str:
    """sleeps for a minute."""
    await asyncio.sleep(60)
    return query


@tool
async def nap(query: str) -> str:
    """sleeps for a moment."""
    await asyncio.sleep(0.01)
    return query


@tool
async def stubborn(query: str) -> str:
    """goes on when it is cancelled."""
    for _ in range(20):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)
    return query


@tool
def leaving(query: str) -> str:
    """ends the process."""
    raise SystemExit(3 if query else 0)


@tool
async def cancelling(query: str) -> str:
    """cancels itself."""
    raise asyncio.CancelledError(*query[:0])


@tool
def commanding(query: str) -> Any:
    """gives orders to the graph."""
    return Command(update={"answer": query, "messages": [ToolMessage(query, tool_call_id="call")]})


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


HANGS = """
import asyncio, sys, time
from langchain_core.tools import tool
from autoact.graph import group_planning
from autoact.models.scripted import ScriptedChatModel
from autoact.prompts.template import fill

@tool
def hang(query: str) -> str:
    \'\'\'hangs.\'\'\'
    time.sleep(600)

turns = ["Thought: t\\nAction: hang", "x", "Thought: t\\nAction: Finish", "sol", "Thought: v\\nVerdict: right"]
graph = group_planning(ScriptedChatModel(replies=turns), [hang], "Answer.").compile()
asked, context = {"question": "q"}, {"tool_timeout": 0.2}
play = {"invoke": lambda: graph.invoke(asked, context=context),
        "ainvoke": lambda: asyncio.run(graph.ainvoke(asked, context=context))}
print(play[sys.argv[1]]()["steps"][0]["observation"])
"""


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_tool_that_hangs_does_not_keep_the_process(way: str) -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS, way], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "hang took longer than 0.2 seconds.\n"


def test_a_coroutine_that_swallows_its_cancellation_is_left_behind() -> None:
    began = time.monotonic()
    assert afirst_step(stubborn, tool_timeout=0.2)["observation"] == "stubborn took longer than 0.2 seconds."
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("first", [first_step, afirst_step])
@pytest.mark.parametrize("way", ["exit", "cancel", "command"])
def test_a_tool_cannot_end_its_caller(first: Any, way: str) -> None:
    step = first({"exit": leaving, "cancel": cancelling, "command": commanding}[way])
    told = {"exit": "SystemExit: 3", "cancel": "CancelledError: ", "command": "(no output)"}[way]
    assert (step["observation"], step["ok"]) == (told.strip(), False)


def test_a_tool_with_a_coroutine_alone_runs_without_an_event_loop_too() -> None:
    assert first_step(nap)["observation"] == "x"


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
    assert (len(cut.encode()), cut[-4:]) == (64, " […]")
    assert len(first_step(endless)["observation"].encode()) == 4000


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
    assert not looping(Pending("t", "Lookup", "sol", approved=True), [*read, read[1]])


def test_what_was_learned_since_ends_a_loop_and_being_told_of_it_does_not() -> None:
    again = [Step("t", "Lookup", "sol", "No sentence.", ok=False)] * 2
    assert looping(Pending("t", "Lookup", "sol"), again)
    assert not looping(Pending("t", "Lookup", "sol"), [*again, Step("t", "Retrieve", "Peru", "A country.")])
    assert looping(Pending("t", "Lookup", "sol"), [*again, Step("t", "Lookup", "sol", fill("loop"), ok=False)])


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
