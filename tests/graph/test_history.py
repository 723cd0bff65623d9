"""Threads over time: a question that is left for another, what the history keeps, and forks of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command, Interrupt, Overwrite, StateSnapshot

from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.models.scripted import ScriptedChatModel

THREAD: RunnableConfig = {"configurable": {"thread_id": "1"}}
APPROVE: Command[Any] = Command(resume={"decisions": [{"type": "approve"}]})
WAIT = {"approve_tools": ["Currency"]}


def on_a_thread(countries: SimpleNamespace, *stops: str) -> Any:
    return countries.builder.compile(checkpointer=InMemorySaver(), interrupt_before=list(stops))


def tools(state: dict[str, Any]) -> list[str]:
    return [step["tool"] for step in state["steps"]]


def moment(graph: Planner, node: str, steps: int) -> StateSnapshot:
    """The moment of the history at which so many steps were taken and the node was next."""
    return next(
        found
        for found in graph.get_state_history(THREAD)
        if found.next == (node,) and len(found.values.get("steps", [])) == steps
    )


# ── a question that is left for another ──


def test_a_question_asked_while_another_waits_starts_clean(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU, THREAD, context=WAIT)
    state = graph.invoke(countries.JAPAN, THREAD)
    assert (state["answer"], tools(state)) == ("yen", ["Currency", "Finish", "Reflect"])
    assert (state["status"], state["settings"], state["usage"]["plan"]["calls"]) == ("answered", {}, 2)


@pytest.mark.parametrize("stop", ["plan", "tool", "executor", "reflect"])
def test_wherever_it_stood_nothing_of_it_is_shown_with_the_next(countries: SimpleNamespace, stop: str) -> None:
    graph = on_a_thread(countries, stop)
    graph.invoke(countries.PERU | {"choices": ["sol", "yen"]}, THREAD)
    graph.invoke(None, THREAD)
    said = len(countries.model.calls)
    graph.invoke(countries.JAPAN, THREAD)
    while graph.get_state(THREAD).next:
        graph.invoke(None, THREAD)
    shown = [message.text for message in countries.model.calls[said]]
    assert shown[1:] == ["Question: What is the currency of Japan?"]
    assert graph.get_state(THREAD).values["answer"] == "yen"


def test_the_same_question_asked_again_goes_on_from_its_steps(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    asked = countries.PERU | {"choices": ["yen", "Peru?"]}
    graph.invoke(asked, THREAD, context={"approve_tools": ["Finish"]})
    graph.invoke(asked, THREAD, context={"approve_tools": []})
    state = graph.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
    assert tools(state) == ["Currency", "Finish", "Reflect"]
    assert len(countries.model.calls) == 7


def test_other_choices_make_another_question(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU | {"choices": ["yen", "Japan"]}, THREAD, context=WAIT)
    state = graph.invoke(countries.PERU | {"choices": ["sol", "Peru"]}, THREAD)
    assert (state["steps"][0]["argument"], len(state["steps"])) == ("Peru", 3)


def test_a_question_that_fails_where_another_waited_keeps_nothing_of_it(countries: SimpleNamespace) -> None:
    def reply(messages: list[BaseMessage]) -> str:
        if "Japan" in str(messages[1].text):
            raise RuntimeError("down")
        return str(countries.reply(messages))

    builder = group_planning(ScriptedChatModel(replies=reply), [countries.Currency], "Answer.")
    graph: Planner = builder.compile(checkpointer=InMemorySaver())
    graph.invoke(countries.PERU, THREAD, context={"approve_tools": ["Finish"]})
    state = graph.invoke(countries.JAPAN, THREAD)
    assert (state["status"], state["answer"], state["steps"]) == ("error", "", [])
    assert graph.invoke(countries.PERU, THREAD)["answer"] == "sol"


# ── what is kept ──


def test_settings_are_kept_from_the_first_turn_on_and_given_again_before_it(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries, "plan")
    graph.invoke(countries.PERU, THREAD, context=WAIT)
    assert graph.invoke(None, THREAD, context=WAIT)["__interrupt__"]
    assert graph.get_state(THREAD).values["settings"] == WAIT


def test_the_history_keeps_how_each_question_ended(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU, THREAD)
    graph.invoke(countries.PERU, THREAD, context={"max_steps": 1})
    graph.invoke(countries.JAPAN, THREAD)
    ended = [found.values for found in graph.get_state_history(THREAD) if not found.next]
    assert [(values["status"], values.get("answer")) for values in ended] == [
        ("answered", "yen"),
        ("halted", ""),
        ("answered", "sol"),
    ]


class Strict(JsonPlusSerializer):
    """Notes the types of all that is written, and reads nothing that would have to be imported."""

    def __init__(self) -> None:
        super().__init__(allowed_msgpack_modules=None, pickle_fallback=False)
        self.seen: set[str] = set()

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        self.seen |= kinds(obj)
        return super().dumps_typed(obj)


def kinds(value: Any) -> set[str]:
    """The types of a value and of all that is in it."""
    inner: list[Any] = []
    if isinstance(value, Interrupt | Overwrite):
        inner = [value.value]
    elif isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        inner = [*value]
    return {type(value).__name__}.union(*map(kinds, inner))


def test_a_checkpoint_holds_plain_values_alone(countries: SimpleNamespace) -> None:
    serializer = Strict()
    graph = countries.builder.compile(checkpointer=InMemorySaver(serde=serializer))
    settings = WAIT | {"temperature": 0.5, "seed": 3, "task_prompt": "Be brief."}
    graph.invoke(countries.PERU | {"choices": ["sol", "Peru"]}, THREAD, context=settings)
    assert graph.invoke(APPROVE, THREAD)["answer"] == "sol"
    assert graph.invoke(countries.JAPAN, THREAD)["answer"] == "yen"
    assert serializer.seen <= {
        *("str", "int", "float", "bool", "NoneType", "list", "dict", "tuple"),
        *("Interrupt", "Overwrite"),
    }


# ── forks ──


def test_a_fork_at_plan_answers_the_edited_question(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU, THREAD)
    for steps in (0, 1):
        edited = graph.update_state(moment(graph, "plan", steps).config, countries.JAPAN)
        state = graph.invoke(None, edited)
        assert (state["answer"], tools(state)) == ("yen", ["Currency", "Finish", "Reflect"])


def test_a_fork_at_tool_takes_the_edited_action(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU, THREAD)
    edited = graph.update_state(moment(graph, "tool", 0).config, {"thought": "I know it.", "tool": "Finish"})
    state = graph.invoke(None, edited)
    assert (tools(state), state["steps"][0]["thought"]) == (["Finish", "Reflect"], "I know it.")


def test_a_fork_at_executor_runs_the_edited_input_and_leaves_the_first_run_be(countries: SimpleNamespace) -> None:
    graph = on_a_thread(countries)
    graph.invoke(countries.PERU, THREAD)
    before = graph.get_state(THREAD)
    edited = graph.update_state(moment(graph, "executor", 0).config, {"argument": "Japan"})
    assert graph.invoke(None, edited)["answer"] == "yen"
    assert graph.get_state(before.config).values["answer"] == "sol"
