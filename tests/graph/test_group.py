"""Group planning, told by a scripted model: who speaks when, what is remembered, and how an episode ends."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from autoact.core.errors import UserError
from autoact.core.records import REFLECT
from autoact.graph.context import Context
from autoact.graph.group import group_planning
from autoact.graph.run_folder import Planner
from autoact.graph.setup import brief_of
from autoact.graph.state import Input
from autoact.models.scripted import ScriptedChatModel

Library = tuple[BaseTool, ...]
RIGHT, WRONG = "Thought: v\nVerdict: right", "Thought: v\nVerdict: wrong"
ASKED: Input = {"question": "What is the currency of Peru?"}


def act(tool: str) -> str:
    return f"Thought: t\nAction: {tool}"


STORY = [act("Retrieve"), "Peru", act("Lookup"), "currency", act("Finish"), "sol", RIGHT]


def scripted(replies: list[str], library: Library) -> tuple[Planner, ScriptedChatModel]:
    model = ScriptedChatModel(replies=replies)
    return group_planning(model, library, "Answer.").compile(), model


def played(replies: list[str], library: Library, **settings: Any) -> dict[str, Any]:
    graph, model = scripted(replies, library)
    state = graph.invoke(ASKED, context=Context(**settings))
    assert len(model.calls) == len(replies)
    return state


def actions(state: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["tool"], step["argument"]) for step in state["steps"]]


def test_a_question_is_answered_by_the_nodes_in_turn(library: Library) -> None:
    graph, _ = scripted(STORY, library)
    nodes = [node for update in graph.stream(ASKED, stream_mode="updates") for node in update]
    assert nodes == ["plan", "tool", "executor"] * 3 + ["reflect"]


def test_the_final_state_holds_the_trajectory(library: Library) -> None:
    state = played(STORY, library)
    assert (state["answer"], state["status"], state["next"], state["reflections"]) == (
        "sol",
        "answered",
        END,
        0,
    )
    assert actions(state) == [
        ("Retrieve", "Peru"),
        ("Lookup", "currency"),
        ("Finish", "sol"),
        (REFLECT, "right"),
    ]
    assert [step["observation"] for step in state["steps"]] == [
        "Peru is a country.",
        "(Result 1/1) Its currency is the sol.",
        "",
        "",
    ]
    assert all(step["ok"] for step in state["steps"])


def test_sync_and_async_end_in_the_same_state(library: Library) -> None:
    graph, _ = scripted(STORY, library)
    assert graph.invoke(ASKED) == asyncio.run(scripted(STORY, library)[0].ainvoke(ASKED))


def test_the_state_is_plain_json(library: Library) -> None:
    state = played(STORY, library)
    assert json.loads(json.dumps(state)) == state


def test_every_call_is_a_longer_version_of_the_last(library: Library) -> None:
    graph, model = scripted(STORY, library)
    graph.invoke(ASKED)
    texts = [[str(message.text) for message in call] for call in model.calls]
    assert all(after[: len(before)] == before for before, after in pairwise(texts))
    assert [call[-1].text for call in model.calls][:3] == [
        "Question: What is the currency of Peru?",
        "Input for Retrieve:",
        "Observation: Peru is a country.",
    ]


def test_each_role_is_asked_its_own_model_and_signs_its_part(library: Library) -> None:
    plan = ScriptedChatModel(replies=[act("Finish")], model_name="planner")
    tool = ScriptedChatModel(replies=["sol"], model_name="filler")
    reflect = ScriptedChatModel(replies=[RIGHT], model_name="judge")
    graph = group_planning({"plan": plan, "tool": tool, "reflect": reflect}, library, "Answer.").compile()
    wrote = [step["wrote"] for step in graph.invoke(ASKED)["steps"]]
    assert wrote == [{"plan": "planner", "tool": "filler"}, {"reflect": "judge"}]


def test_usage_is_summed_per_role(library: Library) -> None:
    graph, model = scripted(STORY, library)
    usage = graph.invoke(ASKED)["usage"]
    assert {role: spent["calls"] for role, spent in usage.items()} == {"plan": 3, "tool": 3, "reflect": 1}
    words = sum(len(str(message.text).split()) for call in model.calls for message in call)
    assert sum(spent["input_tokens"] for spent in usage.values()) == words


def test_what_comes_beside_a_question_is_shown(library: Library) -> None:
    graph, model = scripted([act("Finish"), "B", RIGHT], library)
    graph.invoke({"question": "What is ice?", "choices": ["gas", "solid"], "context": "Ice melts."})
    assert model.calls[0][1].text == "Context: Ice melts.\nQuestion: What is ice?\nChoices: (A) gas (B) solid"


# ── verdicts and budgets ──


def test_a_wrong_verdict_sends_the_plan_back_to_work(library: Library) -> None:
    state = played([act("Finish"), "euro", WRONG, act("Finish"), "sol", RIGHT], library)
    assert actions(state) == [("Finish", "euro"), (REFLECT, "wrong"), ("Finish", "sol"), (REFLECT, "right")]
    assert (state["answer"], state["status"], state["reflections"]) == ("sol", "answered", 1)


def test_the_plan_is_told_that_its_answer_was_judged_wrong(library: Library) -> None:
    graph, model = scripted([act("Finish"), "euro", WRONG, act("Finish"), "sol", RIGHT], library)
    graph.invoke(ASKED)
    assert model.calls[3][-1].text == "The answer was judged wrong. Try again."


def test_reflection_that_doubts_too_often_leaves_the_answer_unsure(library: Library) -> None:
    state = played([act("Finish"), "a", WRONG] * 2, library, max_reflections=1)
    assert (state["answer"], state["status"], state["reflections"]) == ("a", "unsure", 2)


def test_a_doubt_with_no_steps_left_leaves_the_answer_unsure(library: Library) -> None:
    state = played([act("Retrieve"), "Peru", act("Finish"), "a", WRONG], library, max_steps=3)
    assert (state["answer"], state["status"]) == ("a", "unsure")


def test_a_malformed_verdict_leaves_the_answer_unsure(library: Library) -> None:
    state = played([act("Finish"), "sol", "Thought: hm"], library)
    assert (state["answer"], state["status"]) == ("sol", "unsure")
    assert (state["steps"][-1]["thought"], state["steps"][-1]["argument"], state["steps"][-1]["ok"]) == (
        "hm",
        "",
        False,
    )


def test_without_a_finish_the_budget_of_steps_halts(library: Library) -> None:
    state = played([act("Retrieve"), "Peru"] * 2, library, max_steps=2)
    assert (state["status"], state["next"], len(state["steps"])) == ("halted", END, 2)
    assert "answer" not in state


def test_without_reflection_a_finish_is_the_end(library: Library) -> None:
    state = played([act("Finish"), "sol"], library, reflect=False)
    assert (state["answer"], state["status"], len(state["steps"])) == ("sol", "answered", 1)


# ── settings ──


def test_the_teams_own_settings_hold_when_a_run_brings_none(library: Library) -> None:
    model = ScriptedChatModel(replies=[act("Finish"), "sol"])
    graph = group_planning(model, library, "Answer.", Context(reflect=False)).compile()
    assert graph.invoke(ASKED)["status"] == "answered"


def test_inside_a_graph_with_other_settings_the_teams_own_hold(library: Library) -> None:
    class Shared(TypedDict, total=False):
        question: str
        answer: str

    class Theirs(BaseModel):
        reflect: int = 5

    model = ScriptedChatModel(replies=[act("Finish"), "sol"])
    child = group_planning(model, library, "Answer.", Context(reflect=False)).compile()
    parent = StateGraph(Shared, context_schema=Theirs)
    parent.add_node("autoact", child)
    parent.add_edge(START, "autoact")
    assert parent.compile().invoke({"question": "q"}, context=Theirs())["answer"] == "sol"


@pytest.mark.parametrize("wrong", [{"max_steps": 0}, {"temperature": 3}, {"max_reflections": -1}, {"steps": 5}])
def test_settings_that_make_no_sense_are_refused_before_anything_runs(library: Library, wrong: dict[str, Any]) -> None:
    graph, model = scripted(STORY, library)
    with pytest.raises(UserError, match=next(iter(wrong))):
        graph.invoke(ASKED, context=wrong)
    assert model.calls == []


# ── building ──


def test_a_role_without_a_model_is_refused_when_the_graph_is_built(library: Library) -> None:
    with pytest.raises(UserError, match="no model speaks as reflect"):
        group_planning({role: ScriptedChatModel(replies=[]) for role in ("plan", "tool")}, library, "Answer.")


@pytest.mark.parametrize("name", ["Retrieve", "retrieve", "Finish", "finish", "Reflect"])
def test_a_name_that_is_taken_is_refused_when_the_graph_is_built(library: Library, name: str) -> None:
    double = StructuredTool.from_function(lambda query: query, name=name, description="is one too many.")
    with pytest.raises(UserError, match="two tools share a name, or one is called Reflect"):
        brief_of("Answer.", (*library, double))


def test_finish_is_the_last_tool_on_offer(library: Library) -> None:
    assert brief_of("Answer.", library).names() == ("Retrieve", "Lookup", "Finish")


def test_a_tool_with_a_model_of_its_own_is_asked_of_that_model(library: Library) -> None:
    plan = ScriptedChatModel(replies=[act("Retrieve"), act("Finish")], model_name="plan")
    retriever = ScriptedChatModel(replies=["Peru"], model_name="retriever")
    others = ScriptedChatModel(replies=["sol"], model_name="others")
    team = {"plan": plan, "tool": others, "reflect": plan, "tool:Retrieve": retriever}
    state = group_planning(team, library, "Answer.").compile().invoke(ASKED, context=Context(reflect=False))
    assert [step["wrote"]["tool"] for step in state["steps"]] == ["retriever", "others"]
