"""Group planning as a Runnable: run, streamed, batched, and inside graphs with a context of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from operator import add
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command
from pydantic import BaseModel
from typing_extensions import TypedDict

from autoact.graph.context import Context

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
APPROVE: Command[Any] = Command(resume={"decisions": [{"type": "approve"}]})


class Shared(TypedDict, total=False):
    question: str
    answer: str
    settings: dict[str, Any]


@dataclass
class Data:
    max_steps: str


class Model(BaseModel):
    max_steps: str


class Typed(TypedDict):
    max_steps: str


class Mine(Context):
    """A parent's context that is one of ours as well."""

    tenant: str = "a"


def parent_of(child: Any, schema: Any = None) -> StateGraph[Any, Any, Any, Any]:
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(Shared, context_schema=schema)
    graph.add_node("autoact", child)
    graph.add_edge(START, "autoact")
    return graph


def invoked(graph: Any, *given: Any, **more: Any) -> dict[str, Any]:
    return dict(graph.invoke(*given, **more))


def ainvoked(graph: Any, *given: Any, **more: Any) -> dict[str, Any]:
    return dict(asyncio.run(graph.ainvoke(*given, **more)))


async def collected(stream: Any) -> list[Any]:
    return [part async for part in stream]


def test_a_builder_is_compiled_as_often_as_one_likes(countries: SimpleNamespace) -> None:
    for checkpointer in (None, InMemorySaver(), False):
        graph = countries.builder.compile(checkpointer=checkpointer)
        assert graph.invoke(countries.PERU, THREAD)["answer"] == "sol"


def test_what_is_streamed_is_the_same_in_both_worlds(countries: SimpleNamespace) -> None:
    def shown(parts: list[Any]) -> list[Any]:
        return [part[0].text if mode == "messages" else list(part) for mode, part in parts]

    modes = ["updates", "custom", "messages"]
    parts = list(countries.planner.stream(countries.PERU, stream_mode=modes))
    again = asyncio.run(collected(countries.planner.astream(countries.PERU, stream_mode=modes)))
    assert shown(parts) == shown(again)
    assert len(parts) > 20


def test_no_token_is_empty_and_each_names_its_agent(countries: SimpleNamespace) -> None:
    parts = list(countries.planner.stream(countries.PERU, stream_mode="messages"))
    assert all(message.text for message, _ in parts)
    said = {about["agent"]: "" for _, about in parts}
    for message, about in parts:
        said[about["agent"]] += message.text
    assert said.keys() == {"PLAN-AGENT", "TOOL-AGENT", "REFLECT-AGENT"}
    assert said["TOOL-AGENT"] == "Perusol"


def test_threads_that_are_played_at_once_do_not_mix(countries: SimpleNamespace) -> None:
    graph = countries.builder.compile(checkpointer=InMemorySaver())
    threads: list[RunnableConfig] = [{"configurable": {"thread_id": str(number)}} for number in range(20)]
    asked = [countries.PERU, countries.JAPAN] * 10
    for states in (graph.batch(asked, threads), asyncio.run(graph.abatch(asked[::-1], threads))):
        assert [state["steps"][0]["argument"] for state in states] == [
            state["question"].split()[-1].strip("?") for state in states
        ]
    assert [graph.get_state(thread).values["answer"] for thread in threads] == ["yen", "sol"] * 10


# ── inside another graph ──


@pytest.mark.parametrize("invoke", [invoked, ainvoked])
@pytest.mark.parametrize(
    ("schema", "context"),
    [
        (Data, Data("few")),
        (Model, Model(max_steps="few")),
        (Typed, {"max_steps": "few"}),
        (None, {"max_steps": "few"}),
    ],
)
def test_a_context_of_the_parents_changes_nothing(
    countries: SimpleNamespace, schema: Any, context: Any, invoke: Callable[..., dict[str, Any]]
) -> None:
    graph = parent_of(countries.planner, schema).compile()
    assert invoke(graph, countries.PERU, context=context)["answer"] == "sol"


def test_a_parent_whose_context_is_one_of_ours_gives_us_settings(countries: SimpleNamespace) -> None:
    graph = parent_of(countries.planner, Mine).compile(checkpointer=InMemorySaver())
    graph.invoke(countries.PERU, THREAD, context={"approve_tools": ["Currency"], "tenant": "b"})
    state = graph.invoke(APPROVE, THREAD)
    assert (state["answer"], state["settings"]) == ("sol", {"approve_tools": ["Currency"]})


def test_a_node_that_calls_the_planner_gives_it_settings(countries: SimpleNamespace) -> None:
    def ask(state: Shared) -> dict[str, Any]:
        settings = {"approve_tools": ["Currency"]}
        return dict(countries.planner.invoke({"question": state["question"]}, context=settings))

    graph = parent_of(ask, Data).compile(checkpointer=InMemorySaver())
    assert graph.invoke(countries.PERU, THREAD, context=Data("few"))["__interrupt__"]
    assert graph.invoke(APPROVE, THREAD, context=Data("few"))["answer"] == "sol"


def test_a_parents_thread_asks_clean_questions_too(countries: SimpleNamespace) -> None:
    class Long(Shared, total=False):
        steps: Annotated[list[dict[str, Any]], add]
        usage: dict[str, dict[str, int]]

    graph: Any = StateGraph(Long).add_node("autoact", countries.planner).add_edge(START, "autoact")
    graph = graph.compile(checkpointer=InMemorySaver())
    first = graph.invoke(countries.PERU, THREAD)
    second = graph.invoke(countries.JAPAN, THREAD)
    assert (second["answer"], second["usage"]["plan"]["calls"]) == ("yen", first["usage"]["plan"]["calls"])
    assert [len(state["steps"]) for state in (first, second)] == [3, 6]


def test_a_pending_call_inside_a_parent_is_edited_and_gone_on_from(countries: SimpleNamespace) -> None:
    planner = countries.builder.compile(interrupt_before=["executor"])
    graph = parent_of(planner).compile(checkpointer=InMemorySaver())
    graph.invoke(countries.PERU, THREAD)
    inside: Any = graph.get_state(THREAD, subgraphs=True).tasks[0].state
    assert (inside.next, inside.values["argument"]) == (("executor",), "Peru")
    graph.update_state(inside.config, {"argument": "Japan"})
    graph.invoke(None, THREAD)
    assert graph.invoke(None, THREAD)["answer"] == "yen"
