"""Threads: a human may edit the pending action, and the next question starts clean."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from autoact.core.errors import UserError
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.models.scripted import ScriptedChatModel

Library = tuple[BaseTool, ...]
RIGHT = "Thought: v\nVerdict: right"
THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}


def act(tool: str) -> str:
    return f"Thought: t\nAction: {tool}"


def on_a_thread(replies: Any, library: Library, *stops: str) -> tuple[Planner, ScriptedChatModel]:
    model = ScriptedChatModel(replies=replies)
    graph = group_planning(model, library, "Answer.")
    return graph.compile(checkpointer=InMemorySaver(), interrupt_before=list(stops)), model


def test_the_second_question_on_a_thread_starts_clean(library: Library) -> None:
    second = [act("Lookup"), "currency", act("Finish"), "city", RIGHT]
    graph, model = on_a_thread([act("Retrieve"), "Peru", act("Finish"), "sol", RIGHT, *second], library)
    graph.invoke({"question": "first?"}, THREAD)
    state = graph.invoke({"question": "second?"}, THREAD)
    assert [message.text for message in model.calls[5][1:]] == ["Question: second?"]
    assert [step["tool"] for step in state["steps"]] == ["Lookup", "Finish", "Reflect"]
    assert state["steps"][0]["observation"] == "No page is open. Find a page first."
    assert (state["answer"], state["status"], state["reflections"]) == ("city", "answered", 0)
    assert {role: spent["calls"] for role, spent in state["usage"].items()} == {
        "plan": 2,
        "tool": 2,
        "reflect": 1,
    }


def test_what_came_beside_the_first_question_is_not_shown_with_the_second(library: Library) -> None:
    graph, model = on_a_thread([act("Finish"), "B", RIGHT] * 2, library)
    beside = {"choices": ["gas", "solid"], "context": "c", "caption": "p", "ocr": "o", "image": "i"}
    graph.invoke({"question": "first?", **beside}, THREAD)
    graph.invoke({"question": "second?"}, THREAD)
    assert model.calls[3][-1].text == "Question: second?"


def test_what_came_beside_a_question_that_never_began_is_not_shown_with_the_next(library: Library) -> None:
    graph, model = on_a_thread([act("Finish"), "B", RIGHT], library)
    for wrong in ({"context": "secret", "choices": ["gas", "solid"]}, {"choices": 5}):
        with pytest.raises(UserError):
            graph.invoke({"question": "first?", **wrong}, THREAD, context={"plan_model": "nobody"})
    assert graph.invoke({"question": "second?"}, THREAD)["answer"] == "B"
    assert model.calls[0][-1].text == "Question: second?"


def test_a_second_question_that_fails_keeps_nothing_of_the_first_answer(library: Library) -> None:
    graph, _ = on_a_thread([act("Finish"), "sol", RIGHT], library)
    graph.invoke({"question": "first?"}, THREAD)
    state = graph.invoke({"question": "second?"}, THREAD)
    assert (state["status"], state["answer"], state["steps"]) == ("error", "", [])


def test_a_question_after_a_failure_starts_clean(library: Library) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "first?" in str(messages[1].text):
            raise RuntimeError("down")
        return {"Question: second?": act("Finish"), "Input for Finish:": "sol"}.get(str(messages[-1].text), RIGHT)

    graph, _ = on_a_thread(reply, library)
    assert graph.invoke({"question": "first?"}, THREAD)["status"] == "error"
    state = graph.invoke({"question": "second?"}, THREAD)
    assert (state["status"], state["error"], state["answer"], len(state["steps"])) == (
        "answered",
        "",
        "sol",
        2,
    )


def test_an_edited_input_is_what_runs(library: Library) -> None:
    graph, model = on_a_thread([act("Retrieve"), "Peru", act("Finish"), "x", RIGHT], library, "executor")
    paused = graph.invoke({"question": "q"}, THREAD)
    assert (paused["tool"], paused["argument"], graph.get_state(THREAD).next) == (
        "Retrieve",
        "Peru",
        ("executor",),
    )
    graph.update_state(THREAD, {"argument": "Lima"})
    step = graph.invoke(None, THREAD)["steps"][0]
    assert (step["argument"], step["observation"]) == ("Lima", "Lima is a city.")
    assert [message.text for message in model.calls[2]][-2:] == ["Lima", "Observation: Lima is a city."]


def test_an_edited_tool_is_what_runs(library: Library) -> None:
    graph, _ = on_a_thread([act("Fly"), act("Finish"), "x", RIGHT], library, "executor")
    graph.invoke({"question": "q"}, THREAD)
    graph.update_state(THREAD, {"tool": "Retrieve", "argument": "Lima"})
    assert graph.invoke(None, THREAD)["steps"][0]["observation"] == "Lima is a city."


def test_an_edited_finish_ends_with_the_humans_answer(library: Library) -> None:
    graph, _ = on_a_thread([act("Finish"), "euro", RIGHT], library, "executor")
    graph.invoke({"question": "q"}, THREAD)
    graph.update_state(THREAD, {"argument": "sol"})
    assert graph.invoke(None, THREAD)["answer"] == "sol"


def test_an_edit_of_next_goes_where_it_says(library: Library) -> None:
    graph, _ = on_a_thread([act("Retrieve"), "Peru", act("Finish"), "x", RIGHT], library, "executor")
    graph.invoke({"question": "q"}, THREAD)
    graph.update_state(THREAD, {"next": "executor", "tool": "Finish", "argument": "sol"}, as_node="tool")
    assert graph.get_state(THREAD).next == ("executor",)


def test_an_earlier_moment_can_be_forked(library: Library) -> None:
    graph, _ = on_a_thread([act("Finish"), "euro", RIGHT, RIGHT], library)
    graph.invoke({"question": "q"}, THREAD)
    before = next(moment for moment in graph.get_state_history(THREAD) if moment.next == ("executor",))
    forked = graph.update_state(before.config, {"argument": "sol"})
    state = graph.invoke(None, forked)
    assert (state["answer"], len(state["steps"])) == ("sol", 2)


@pytest.mark.parametrize(
    ("text", "kept"), [("a \x00", "a \ufffd"), ("日本 🙂", "日本 🙂"), ("half \ud800", "half \ufffd")]
)
def test_any_text_can_be_checkpointed(library: Library, text: str, kept: str) -> None:
    graph, _ = on_a_thread([act("Finish"), text, RIGHT], library)
    assert graph.invoke({"question": "q"}, THREAD)["status"] == "answered"
    assert graph.get_state(THREAD).values["answer"] == kept
