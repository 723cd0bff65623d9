"""BOLAA as a graph: a controller and a labour agent for each tool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from autoact.core.errors import EndpointError
from autoact.core.records import Demonstration, Question, Step
from autoact.graph.bolaa import bolaa
from autoact.graph.context import Context
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel

PERU = {"question": "What is the currency of Peru?"}
REPLIES = ["Retrieve", "Peru", "Finish", "sol"]
Script = Sequence[str] | Callable[[list[BaseMessage]], str]


def played(tools: Sequence[BaseTool], replies: Script, shots: Sequence[Demonstration] = (), **settings: Any) -> Any:
    """The final state, and the model."""
    model = ScriptedChatModel(replies=replies if callable(replies) else list(replies))
    return bolaa(Setup(model, "Answer.", tools, Context(**settings), shots)).compile().invoke(PERU), model


def told(state: Any) -> list[tuple[str, str]]:
    return [(step["tool"], step["argument"]) for step in state["steps"]]


def test_the_controller_names_an_agent_and_the_agent_writes_the_input(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, REPLIES)
    assert told(state) == [("Retrieve", "Peru"), ("Finish", "sol")]
    assert (state["status"], state["answer"], len(model.calls)) == ("answered", "sol", 4)
    assert state["steps"][0]["wrote"] == {"controller": "scripted", "labour": "scripted"}


def test_calls_are_counted_for_each_agent(library: tuple[BaseTool, ...]) -> None:
    usage = played(library, REPLIES)[0]["usage"]
    assert {name: spent["calls"] for name, spent in usage.items()} == {
        "controller": 2,
        "Retrieve agent": 1,
        "Finish agent": 1,
    }


def test_it_runs_in_an_event_loop(library: tuple[BaseTool, ...]) -> None:
    model = ScriptedChatModel(replies=REPLIES)
    graph = bolaa(Setup(model, "Answer.", library, Context())).compile()
    assert asyncio.run(graph.ainvoke(PERU))["answer"] == "sol"


def test_the_inputs_of_a_tool_in_the_demonstrations_are_its_agents_examples(library: tuple[BaseTool, ...]) -> None:
    steps = (Step("I open Japan.", "Retrieve", "Japan", "Japan is a country."), Step("I know.", "Finish", "yen"))
    _, model = played(library, REPLIES, [Demonstration(Question("Of Japan?"), "yen", steps)])
    assert [str(message.text) for message in model.calls[0] if message.type == "ai"] == ["Retrieve", "Finish"]
    assert [str(message.text) for message in model.calls[1] if message.type == "ai"] == ["Japan"]
    assert [str(message.text) for message in model.calls[3] if message.type == "ai"] == ["yen"]


def test_a_controller_that_names_no_agent_is_asked_again(library: tuple[BaseTool, ...]) -> None:
    state, model = played(library, ["Let me see.", *REPLIES])
    assert told(state)[0] == ("", "")
    assert "No agent was named" in str(model.calls[1][-1].text)
    assert state["answer"] == "sol"


def test_an_agent_that_there_is_not_is_an_observation(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(library, ["Fly", *REPLIES])
    assert state["steps"][0]["observation"] == "Fly is not a tool. Use one of: Retrieve, Lookup, Finish."


def test_it_halts_when_its_steps_are_spent(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(library, lambda _: "Retrieve", max_steps=3)
    assert (state["status"], len(state["steps"]), state.get("answer", "")) == ("halted", 3, "")


def test_a_server_that_is_down_ends_the_episode_without_an_answer(library: tuple[BaseTool, ...]) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "Input for" in str(messages[-1].text):
            raise EndpointError("down")
        return "Retrieve"

    state, _ = played(library, reply)
    assert (state["status"], state["down"], state["answer"], state["steps"]) == ("error", True, "", [])
