"""Chameleon as a graph: a list of modules, run in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.memory import InMemorySaver

from autoact.core.errors import EndpointError, UserError
from autoact.graph.chameleon import chameleon
from autoact.graph.context import Context
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel

LIMA = {"question": "What is the currency of the country whose capital is Lima?"}
WATER = {"question": "What is water?", "choices": ["gas", "liquid"]}
LIST = "Modules: Retrieve, Retrieve, Solution, Answer"
SOLVED = "Lima is in Peru. The answer is the sol."
Script = Sequence[str] | Callable[[list[BaseMessage]], str]


def graph_of(tools: Sequence[BaseTool], replies: Script, **settings: Any) -> Any:
    model = ScriptedChatModel(replies=replies if callable(replies) else list(replies))
    return chameleon(Setup(model, "Answer.", tools, Context(**settings))), model


def played(tools: Sequence[BaseTool], replies: Script, asked: Any = LIMA, **settings: Any) -> Any:
    """The final state, and the model."""
    graph, model = graph_of(tools, replies, **settings)
    return graph.compile().invoke(asked), model


def told(state: Any) -> list[tuple[str, str]]:
    return [(step["tool"], step["argument"]) for step in state["steps"]]


def test_the_modules_run_in_order_and_each_sees_what_came_before(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, [LIST, "Lima", "Peru", SOLVED, "sol"])
    assert told(state) == [("Retrieve", "Lima"), ("Retrieve", "Peru"), ("Finish", "sol")]
    assert [step["thought"] for step in state["steps"]] == [LIST, "", SOLVED]
    assert (state["status"], state["answer"]) == ("answered", "sol")
    assert "1. Retrieve[Lima]\n   Lima is a city.\n\nInput for Retrieve:" in str(model.calls[2][-1].text)
    assert "2. Retrieve[Peru]\n   Peru is a country." in str(model.calls[3][-1].text)
    calls = {node: spent["calls"] for node, spent in state["usage"].items()}
    assert calls == {"policy": 1, "input": 2, "solution": 1, "answer": 1}


def test_it_runs_in_an_event_loop(library: tuple[BaseTool, ...]) -> None:
    graph, _ = graph_of(library, [LIST, "Lima", "Peru", SOLVED, "sol"])
    assert asyncio.run(graph.compile().ainvoke(LIMA))["answer"] == "sol"


def test_a_list_that_does_not_end_as_it_must_leaves_solution_and_answer(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(library, ["Retrieve, Retrieve", SOLVED, "sol"])
    assert told(state) == [("Finish", "sol")]


def test_what_the_model_knows_is_a_step_that_later_modules_see(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, ["Knowledge, Solution, Answer", "Lima is the capital of Peru.", SOLVED, "sol"])
    assert told(state) == [("Knowledge", ""), ("Finish", "sol")]
    assert "Lima is the capital of Peru." in str(model.calls[2][-1].text)


def test_each_step_says_who_listed_it_and_who_wrote_it(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(library, ["Modules: Retrieve, Knowledge, Solution, Answer", "Lima", "A city.", SOLVED, "sol"])
    assert [list(step["wrote"]) for step in state["steps"]] == [
        ["policy", "input"],
        ["policy", "knowledge"],
        ["solution", "answer"],
    ]


@pytest.mark.parametrize("name", ["answer", "Solution", "KNOWLEDGE"])
def test_a_tool_cannot_stand_in_for_a_module(name: str) -> None:
    @tool(name)
    def own(text: str) -> str:
        """Says."""
        return text

    with pytest.raises(UserError, match=f"{name} is a module of its own"):
        graph_of([own], [])


def test_an_option_that_the_solution_names_needs_no_further_call(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, ["Solution, Answer", "It flows. The answer is B."], WATER)
    assert (state["answer"], len(model.calls)) == ("liquid", 2)


def test_a_solution_that_names_no_option_is_asked_for_one(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, ["Solution, Answer", "It flows.", "B"], WATER)
    assert (state["answer"], state["steps"][0]["thought"], len(model.calls)) == ("B", "It flows.", 3)


@pytest.mark.parametrize("max_steps", [1, 3])
def test_a_long_list_leaves_the_last_step_for_the_answer(library: tuple[BaseTool, ...], max_steps: int) -> None:
    modules = f"Modules: {'Knowledge, ' * 20}Solution, Answer"
    state, _ = played(library, lambda messages: modules if len(messages) == 2 else "x", max_steps=max_steps)
    assert (state["status"], len(state["steps"])) == ("answered", max_steps)


def test_a_server_that_is_down_ends_the_episode_without_an_answer(library: tuple[BaseTool, ...]) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "Input for" in str(messages[-1].text):
            raise EndpointError("down")
        return LIST

    state, _ = played(library, reply)
    assert (state["status"], state["down"], state["answer"], state["steps"]) == ("error", True, "", [])


def test_a_second_question_on_a_thread_has_its_own_list(library: tuple[BaseTool, ...]) -> None:
    graph, _ = graph_of(library, [LIST, "Lima", "Peru", SOLVED, "sol", "Solution, Answer", "A city.", "Lima"])
    kept, thread = graph.compile(checkpointer=InMemorySaver()), {"configurable": {"thread_id": "1"}}
    kept.invoke(LIMA, thread)
    assert told(kept.invoke({"question": "What is the capital of Peru?"}, thread)) == [("Finish", "Lima")]
