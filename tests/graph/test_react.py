"""ReAct, CoT and Reflexion as graphs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver

from autoact.core.records import Demonstration, Question, Step
from autoact.graph.context import Context
from autoact.graph.cot import cot
from autoact.graph.react import react
from autoact.graph.reflexion import reflexion, reflexion_fair
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel

PERU = {"question": "What is the currency of Peru?"}
OPEN, DONE = "Thought: I open Peru.\nAction: Retrieve[Peru]", "Thought: It is the sol.\nAction: Finish[sol]"
GUESS = "Thought: I guess.\nAction: Finish[yen]"
Script = Sequence[str] | Callable[[list[BaseMessage]], str]


def played(build: Any, tools: Sequence[BaseTool], replies: Script, asked: Any = PERU, **settings: Any) -> Any:
    """The final state, and the model."""
    model = ScriptedChatModel(replies=replies if callable(replies) else list(replies))
    graph = build(Setup(model, "Answer.", tools, Context(**settings))).compile()
    return graph.invoke(asked), model


def told(state: Any) -> list[tuple[str, str]]:
    return [(step["tool"], step["argument"]) for step in state["steps"]]


def test_react_acts_in_one_turn_and_ends_with_finish(library: tuple[BaseTool, ...]) -> None:
    state, model = played(react, library, [OPEN, DONE])
    assert (state["status"], state["answer"], len(model.calls)) == ("answered", "sol", 2)
    assert told(state) == [("Retrieve", "Peru"), ("Finish", "sol")]
    assert state["steps"][0]["observation"] == "Peru is a country."
    assert state["usage"]["act"]["calls"] == 2


def test_react_asks_for_an_input_that_was_left_out(library: tuple[BaseTool, ...]) -> None:
    state, model = played(react, library, ["Thought: I open Peru.\nAction: Retrieve", "Peru", DONE])
    assert told(state) == [("Retrieve", "Peru"), ("Finish", "sol")]
    assert str(model.calls[1][-1].text) == "Input for Retrieve:"
    assert state["steps"][0]["wrote"] == {"act": "scripted", "input": "scripted"}


@pytest.mark.parametrize("build", [react, cot])
def test_an_input_that_was_asked_for_holds_no_observation_that_was_made_up(
    library: tuple[BaseTool, ...], build: Any
) -> None:
    state, _ = played(build, library, ["Thought: t\nAction: Finish", "sol\nObservation: gold"])
    assert state["answer"] == "sol"


def test_react_reads_what_it_did_in_the_form_it_writes(library: tuple[BaseTool, ...]) -> None:
    _, model = played(react, library, ["Thought: I open Peru.\nAction: Retrieve", "Peru", DONE])
    assert [str(message.text) for message in model.calls[2][2:]] == [OPEN, "Observation: Peru is a country."]


def test_react_runs_in_an_event_loop(library: tuple[BaseTool, ...]) -> None:
    model = ScriptedChatModel(replies=[OPEN, DONE])
    graph = react(Setup(model, "Answer.", library, Context())).compile()
    assert asyncio.run(graph.ainvoke(PERU))["answer"] == "sol"


def test_react_halts_when_its_steps_are_spent(library: tuple[BaseTool, ...]) -> None:
    state, _ = played(react, library, lambda _: "I wonder.", max_steps=3)
    assert (state["status"], len(state["steps"]), state.get("answer", "")) == ("halted", 3, "")


def test_react_is_shown_the_demonstrations_of_its_setup(library: tuple[BaseTool, ...]) -> None:
    shot = Demonstration(Question("Of Japan?"), "yen", (Step("I know.", "Finish", "yen"),))
    model = ScriptedChatModel(replies=[DONE])
    react(Setup(model, "Answer.", library, Context(), [shot])).compile().invoke(PERU)
    assert [str(message.text) for message in model.calls[0][1:3]] == [
        "Question: Of Japan?",
        "Thought: I know.\nAction: Finish[yen]",
    ]


def test_chain_of_thought_answers_in_one_call_and_uses_no_tool(library: tuple[BaseTool, ...]) -> None:
    state, model = played(cot, library, [DONE])
    assert (state["status"], told(state), len(model.calls)) == ("answered", [("Finish", "sol")], 1)
    assert "Retrieve" not in str(model.calls[0][0].text)


def test_chain_of_thought_is_asked_for_an_answer_that_it_left_out(library: tuple[BaseTool, ...]) -> None:
    state, model = played(cot, library, [OPEN, "sol"])
    assert (state["answer"], told(state), len(model.calls)) == ("sol", [("Finish", "sol")], 2)


def test_a_trial_that_failed_teaches_the_next_one(library: tuple[BaseTool, ...]) -> None:
    first, _ = played(reflexion, library, [GUESS])
    again, model = played(reflexion, library, ["Read before\nguessing.", OPEN, DONE], {**PERU, "tried": first["steps"]})
    assert told(again) == [("Finish", "yen"), ("Reflect", "wrong"), ("Retrieve", "Peru"), ("Finish", "sol")]
    assert (again["status"], again["answer"]) == ("answered", "sol")
    assert "Finish[yen]" in str(model.calls[0][1].text)
    assert "- Read before guessing." in str(model.calls[1][1].text)
    assert "yen" not in str(model.calls[1])


def test_a_question_on_a_used_thread_begins_with_the_steps_of_its_own_failed_trial(
    library: tuple[BaseTool, ...],
) -> None:
    model = ScriptedChatModel(replies=[DONE, "Read first.", OPEN, DONE])
    graph = reflexion(Setup(model, "Answer.", library, Context())).compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    first = graph.invoke({"question": "What is the currency of Japan?"}, thread)
    again = graph.invoke({**PERU, "tried": first["steps"]}, thread)
    assert [name for name, _ in told(again)] == ["Finish", "Reflect", "Retrieve", "Finish"]


def test_each_trial_has_the_whole_budget_of_steps(library: tuple[BaseTool, ...]) -> None:
    tried = [{"thought": "t", "tool": "Fly", "argument": "", "observation": "no", "ok": False, "wrote": {}}] * 3
    state, _ = played(reflexion, library, ["Open it.", OPEN, DONE], {**PERU, "tried": tried}, max_steps=3)
    assert (state["status"], state["answer"]) == ("answered", "sol")


def test_the_fair_variant_judges_its_own_answer_and_tries_once_more(library: tuple[BaseTool, ...]) -> None:
    wrong, right = "Thought: no.\nVerdict: wrong", "Thought: yes.\nVerdict: right"
    state, _ = played(reflexion_fair, library, [GUESS, wrong, "Read first.", OPEN, DONE, right])
    assert told(state)[1:] == [("Reflect", "wrong"), ("Retrieve", "Peru"), ("Finish", "sol"), ("Reflect", "right")]
    assert (state["status"], state["answer"], state["steps"][1]["thought"]) == ("answered", "sol", "Read first.")


@pytest.mark.parametrize(("verdict", "status"), [("wrong", "unsure"), ("maybe", "unsure"), ("right", "answered")])
def test_after_the_last_trial_the_verdict_stands(library: tuple[BaseTool, ...], verdict: str, status: str) -> None:
    replies = [GUESS, "Thought: no.\nVerdict: wrong", "Read first.", GUESS, f"Thought: t\nVerdict: {verdict}"]
    assert played(reflexion_fair, library, replies)[0]["status"] == status


def test_a_trial_that_comes_to_no_end_is_tried_again(library: tuple[BaseTool, ...]) -> None:
    replies = ["I wonder.", "I wonder.", "Act.", DONE, "Thought: t\nVerdict: right"]
    state, _ = played(reflexion_fair, library, replies, max_steps=2)
    assert (state["status"], state["answer"], len(state["steps"])) == ("answered", "sol", 5)
