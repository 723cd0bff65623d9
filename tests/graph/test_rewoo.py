"""ReWOO as a graph: one plan, its calls, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from autoact.core.errors import EndpointError, PromptTooLong
from autoact.graph.context import Context
from autoact.graph.rewoo import rewoo
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel

LIMA = {"question": "What is the currency of the country whose capital is Lima?"}
PLAN = (
    "Plan: I open Lima.\n#E1 = Retrieve[Lima]\n"
    "Plan: I name its country.\n#E2 = LLM[Name the country. Read #E1]\n"
    "Plan: I open it.\n#E3 = Retrieve[#E2]"
)
Script = Sequence[str] | Callable[[list[BaseMessage]], str]


def graph_of(tools: Sequence[BaseTool], replies: Script, **settings: Any) -> Any:
    model = ScriptedChatModel(replies=replies if callable(replies) else list(replies))
    return rewoo(Setup(model, "Answer.", tools, Context(**settings))), model


def played(tools: Sequence[BaseTool], replies: Script, **settings: Any) -> Any:
    """The final state, and the model."""
    graph, model = graph_of(tools, replies, **settings)
    return graph.compile().invoke(LIMA), model


def told(state: Any) -> list[tuple[str, str]]:
    return [(step["tool"], step["argument"]) for step in state["steps"]]


def test_a_plan_is_carried_out_without_a_look_in_between(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, [PLAN, "Peru", "sol"])
    assert told(state) == [
        ("Retrieve", "Lima"),
        ("LLM", "Name the country. Read Lima is a city."),
        ("Retrieve", "Peru"),
        ("Finish", "sol"),
    ]
    assert [step["thought"] for step in state["steps"][:3]] == ["I open Lima.", "I name its country.", "I open it."]
    assert (state["status"], state["answer"], len(model.calls)) == ("answered", "sol", 3)
    assert {node: spent["calls"] for node, spent in state["usage"].items()} == {"plan": 1, "llm": 1, "solve": 1}


def test_the_solver_sees_the_plan_and_all_evidence(library: tuple[BaseTool, ...]) -> None:
    _, model = played(library, [PLAN, "Peru", "sol"])
    shown = str(model.calls[2][-1].text)
    assert "Plan: I open it.\n#E3 = Retrieve[#E2]\nEvidence: Peru is a country." in shown
    assert "#E2 = LLM[Name the country. Read #E1]\nEvidence: Peru" in shown


def test_it_runs_in_an_event_loop(library: tuple[BaseTool, ...]) -> None:
    graph, _ = graph_of(library, [PLAN, "Peru", "sol"])
    assert asyncio.run(graph.compile().ainvoke(LIMA))["answer"] == "sol"


def test_without_a_plan_the_question_is_answered_at_once(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(library, ["I need none.", "The answer is sol."])
    assert (state["status"], told(state)) == ("answered", [("Finish", "sol")])


def test_an_unknown_tool_is_evidence_that_says_so(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, ["Plan: p\n#E1 = Fly[Peru]", "sol"])
    assert state["steps"][0]["observation"] == "Fly is not a tool. Use one of: Retrieve, Lookup, Finish."
    assert "Fly is not a tool" in str(model.calls[1][-1].text)


@pytest.mark.parametrize("id", ["#E1", "#E2", "#E9"])
def test_evidence_that_is_not_there_yet_is_said_to_be_missing(library: tuple[BaseTool, ...], id: str) -> None:
    state, _ = played(library, [f"#E1 = Retrieve[{id}]\n#E2 = Retrieve[Peru]", "sol"])
    assert state["steps"][0]["argument"] == f"(no evidence {id})"


def test_a_long_plan_leaves_the_last_step_for_the_answer(library: tuple[BaseTool, ...]) -> None:
    plan = "\n".join(f"Plan: p\n#E{n} = Retrieve[page {n}]" for n in range(1, 30))
    state, _ = played(library, [plan, "sol"], max_steps=4)
    assert (state["status"], len(state["steps"])) == ("answered", 4)


def test_evidence_within_an_input_is_of_bounded_size() -> None:
    @tool
    def Write() -> str:
        """Writes."""
        return "long " * 1000

    plan = "#E1 = Write[{}]\n#E2 = LLM[" + "#E1" * 50 + "]"
    state, _ = played([Write], [plan, "short", "sol"], observation_tokens=16)
    assert len(state["steps"][1]["argument"]) <= 64


def test_evidence_within_json_is_escaped() -> None:
    @tool
    def Say(words: str, times: int) -> str:
        """Says."""
        return f'"{words}"\n' * times

    state, _ = played([Say], ['#E1 = Say[{"words": "a", "times": 1}]\n#E2 = Say[{"words": "#E1", "times": 2}]', "x"])
    assert [step["ok"] for step in state["steps"]] == [True, True, True]


def test_a_server_that_is_down_ends_the_episode_without_an_answer(library: tuple[BaseTool, ...]) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "Evidence:" in str(messages[-1].text):
            raise EndpointError("down")
        return "Plan: p\n#E1 = Retrieve[Peru]"

    state, _ = played(library, reply)
    assert (state["status"], state["down"], state["answer"], len(state["steps"])) == ("error", True, "", 1)


def test_a_second_question_on_a_thread_has_its_own_plan(library: tuple[BaseTool, ...]) -> None:
    graph, _ = graph_of(library, [PLAN, "Peru", "sol", "#E1 = Retrieve[Peru]", "Lima"])
    kept, thread = graph.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    kept.invoke(LIMA, thread)
    state = kept.invoke({"question": "What is the capital of Peru?"}, thread)
    assert told(state) == [("Retrieve", "Peru"), ("Finish", "Lima")]


def test_a_call_of_the_plan_waits_for_a_human_and_the_plan_goes_on(library: tuple[BaseTool, ...]) -> None:
    graph, _ = graph_of(library, ["#E1 = Retrieve[Lima]\n#E2 = Retrieve[Peru]", "sol"], approve_tools=["Retrieve"])
    kept, thread = graph.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    kept.invoke(LIMA, thread)
    kept.invoke(Command(resume={"decisions": [{"type": "reject", "message": "not that"}]}), thread)
    state = kept.invoke(Command(resume={"decisions": [{"type": "approve"}]}), thread)
    assert told(state) == [("Retrieve", "Lima"), ("Retrieve", "Peru"), ("Finish", "sol")]
    assert [step["ok"] for step in state["steps"]] == [False, True, True]


def test_evidence_that_does_not_fit_is_cut_for_the_solver_alone() -> None:
    @tool
    def page(title: str) -> str:
        """Opens a page."""
        return f"{title} " + "word " * 100

    def reply(messages: list[BaseMessage]) -> str:
        if sum(len(str(message.text)) for message in messages) > 1200:
            raise PromptTooLong("too long")
        return "sol" if "Evidence:" in str(messages[-1].text) else "\n".join(f"#E{n} = page[{n}]" for n in range(1, 4))

    state, model = played([page], reply)
    assert (state["answer"], state["usage"]["solve"]["shortened"]) == ("sol", 1)
    assert len(state["steps"][0]["observation"]) > 500
    assert str(model.calls[-1][-1].text).count("[…]") == 2
