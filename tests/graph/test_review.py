"""A human approves, edits or rejects a call before it runs."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.models.scripted import ScriptedChatModel

Library = tuple[BaseTool, ...]
THREAD: Any = {"configurable": {"thread_id": "1"}}
RIGHT = "Thought: v\nVerdict: right"
APPROVE = {"type": "approve"}
CALLS = ["Thought: t\nAction: Retrieve", "Peru", "Thought: t\nAction: Retrieve", "Lima"]
FINISH = ["Thought: t\nAction: Finish", "sol", RIGHT]


def waiting(library: Library, *tools: str, replies: list[str] | None = None) -> tuple[Planner, dict[str, Any]]:
    """A graph that has stopped at the first call of one of the tools, and what it returned."""
    model = ScriptedChatModel(replies=replies or [*CALLS, *FINISH])
    graph = group_planning(model, library, "Answer.").compile(checkpointer=InMemorySaver())
    return graph, graph.invoke({"question": "q"}, THREAD, context={"approve_tools": list(tools)})


def decide(graph: Planner, *decisions: Any) -> dict[str, Any]:
    return graph.invoke(Command(resume={"decisions": list(decisions)}), THREAD)


def edit(tool: str, text: str) -> dict[str, Any]:
    return {"type": "edit", "edited_action": {"name": tool, "args": {"input": text}}}


def test_the_pending_call_is_shown(library: Library) -> None:
    _, state = waiting(library, "Retrieve")
    request = state["__interrupt__"][0].value
    assert request["action_requests"] == [{"name": "Retrieve", "args": {"input": "Peru"}, "description": "t"}]
    assert request["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject"]
    assert state["steps"] == []


def test_an_approved_call_runs_and_the_next_waits_again(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve")
    state = decide(graph, APPROVE)
    assert state["steps"][0]["observation"] == "Peru is a country."
    assert state["__interrupt__"][0].value["action_requests"][0]["args"] == {"input": "Lima"}
    assert decide(graph, APPROVE)["answer"] == "sol"


def test_an_edited_call_is_what_runs_and_is_signed_by_the_human(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve")
    step = decide(graph, edit("Retrieve", "Lima"))["steps"][0]
    assert (step["argument"], step["observation"]) == ("Lima", "Lima is a city.")
    assert step["wrote"] == {"plan": "scripted", "tool": "human"}


def test_an_edit_may_take_another_tool(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve")
    step = decide(graph, edit("Lookup", "Lima"))["steps"][0]
    assert (step["tool"], step["observation"]) == ("Lookup", "No page is open. Find a page first.")
    assert step["wrote"] == {"plan": "human", "tool": "human"}


def test_a_rejection_is_an_observation(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve")
    step = decide(graph, {"type": "reject", "message": "Not that page."})["steps"][0]
    assert (step["observation"], step["ok"]) == ("Retrieve was not allowed: Not that page.", False)


def test_a_rejection_without_a_reason_says_so(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve")
    assert decide(graph, {"type": "reject"})["steps"][0]["observation"].endswith("no reason was given")


def test_a_finish_that_is_rejected_is_no_answer(library: Library) -> None:
    graph, state = waiting(library, "Finish", replies=["Thought: t\nAction: Finish", "euro", *FINISH])
    assert not state.get("answer")
    assert not decide(graph, {"type": "reject", "message": "Look again."}).get("answer")
    assert decide(graph, APPROVE)["answer"] == "sol"


def test_a_finish_that_is_edited_is_the_humans_answer(library: Library) -> None:
    graph, _ = waiting(library, "Finish", replies=["Thought: t\nAction: Finish", "euro", RIGHT])
    assert decide(graph, edit("Finish", "sol"))["answer"] == "sol"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("yes", "resume with"),
        ({"decisions": []}, "resume with"),
        ({"decisions": [APPROVE, APPROVE]}, "resume with"),
        ({"decisions": [{"type": "respond", "message": "x"}]}, "resume with"),
        ({"decisions": [edit("rm", "x")]}, "one of Retrieve, Lookup, Finish"),
        ({"decisions": [{"type": "edit", "edited_action": {"name": "Lookup", "args": {"city": 5}}}]}, "an edit needs"),
    ],
)
def test_what_is_no_decision_is_asked_again_and_runs_nothing(library: Library, wrong: Any, said: str) -> None:
    graph, _ = waiting(library, "Retrieve")
    state = graph.invoke(Command(resume=wrong), THREAD)
    assert said in state["__interrupt__"][0].value["action_requests"][0]["description"]
    assert state["steps"] == []
    assert len(decide(graph, APPROVE)["steps"]) == 1


def test_other_tools_do_not_wait(library: Library) -> None:
    _, state = waiting(library, "Lookup")
    assert (state["answer"], "__interrupt__" in state) == ("sol", False)


def test_a_name_that_is_no_tool_does_not_wait(library: Library) -> None:
    _, state = waiting(library, "Retrieve", replies=["Thought: t\nAction: Fly", *FINISH])
    assert state["steps"][0]["observation"].startswith("Fly is not a tool")


REJECT = {"type": "reject", "message": "no"}


def told(graph: Planner) -> list[str]:
    """What came of the calls that were rejected without the context in which they had to wait."""
    return [step["observation"] for step in decide(graph, REJECT)["steps"] if step["tool"] == "Retrieve"]


def test_a_rejection_holds_whatever_context_the_run_is_resumed_with(library: Library) -> None:
    graph, _ = waiting(library, "Lookup", replies=["Thought: t\nAction: Lookup", "x", *CALLS[:2], *FINISH])
    approve_and_more: Command[Any] = Command(resume={"decisions": [APPROVE]})
    graph.invoke(approve_and_more, THREAD, context={"approve_tools": ["Retrieve"]})
    assert told(graph) == ["Retrieve was not allowed: no"]


def test_a_rejection_holds_for_a_question_that_was_cut_off_and_asked_again(library: Library) -> None:
    model = ScriptedChatModel(replies=[*CALLS, *FINISH])
    graph = group_planning(model, library, "Answer.").compile(checkpointer=InMemorySaver())
    graph.invoke({"question": "q"}, THREAD, interrupt_after=["executor"])
    graph.invoke({"question": "q"}, THREAD, context={"approve_tools": ["Retrieve"]})
    assert told(graph) == ["Peru is a country.", "Retrieve was not allowed: no"]


def test_a_rejection_holds_after_an_interrupt_of_langgraphs_own(library: Library) -> None:
    model = ScriptedChatModel(replies=[*CALLS[:2], *FINISH])
    graph = group_planning(model, library, "Answer.").compile(checkpointer=InMemorySaver())
    graph.invoke({"question": "q"}, THREAD, interrupt_before=["executor"])
    graph.invoke(None, THREAD, context={"approve_tools": ["Retrieve"]})
    assert told(graph) == ["Retrieve was not allowed: no"]


def test_no_context_takes_back_what_the_graph_was_built_to_ask(library: Library) -> None:
    model = ScriptedChatModel(replies=[*CALLS[:2], *FINISH])
    built = group_planning(model, library, "Answer.", Context(approve_tools=["Retrieve"]))
    graph = built.compile(checkpointer=InMemorySaver())
    assert "__interrupt__" in graph.invoke({"question": "q"}, THREAD, context={"approve_tools": []})


def test_what_a_human_approves_is_made_however_often_it_was_refused(library: Library) -> None:
    graph, _ = waiting(library, "Retrieve", replies=[*CALLS[:2] * 3, *FINISH])
    decide(graph, REJECT)
    decide(graph, REJECT)
    assert decide(graph, APPROVE)["steps"][2]["observation"] == "Peru is a country."
