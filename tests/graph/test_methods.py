"""Whatever a model writes, the graph of every method comes to an end within its budget, and says how."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from autoact.core.records import Demonstration, Question, Step, from_json
from autoact.eval.methods import METHODS
from autoact.graph.context import Context
from autoact.graph.reflexion import TRIALS
from autoact.graph.setup import Setup
from autoact.models.scripted import ScriptedChatModel

MAX_STEPS = 4
BUILDERS = {method.build.__name__: method.build for method in METHODS}
PIECES = [
    "Thought: t",
    "Action: Retrieve[Peru]",
    "Action: Finish",
    "Observation: the answer is gold",
    "Verdict: wrong",
    "Plan: p",
    "#E1 = Retrieve[#E2]",
    "#E2 = LLM[#E1 #E1]",
    "#E3 = Finish[#E9]",
    "Modules: Retrieve, Knowledge, Solution, Answer",
    '["Retrieve", "Lookup"',
    "Retrieve",
    "Finish",
    "[[[]",
    "<think>",
    "</think>",
    "{question}",
    "\x00\ud800",
]
QUESTIONS: dict[str, dict[str, Any]] = {
    "open": {"question": "What is the currency of Peru?"},
    "choices": {"question": "What is water?", "choices": ["gas", "liquid"], "context": "[Finish]"},
}
SHOT = Demonstration(
    Question("What is the currency of the country whose capital is Lima?"),
    "sol",
    (
        Step("I open Lima.", "Retrieve", "Lima", "Lima is in Peru."),
        Step("I open Peru.", "Retrieve", "Peru", "Its currency is the sol."),
        Step("It is the sol.", "Finish", "sol"),
    ),
)


def garbage(seed: int) -> Callable[[list[BaseMessage]], str]:
    """A model that writes pieces of every method's forms, each time others."""
    chance = random.Random(seed)

    def reply(_messages: list[BaseMessage]) -> str:
        return "\n".join(chance.choices(PIECES, k=chance.randrange(5)))

    return reply


def setup_of(library: tuple[BaseTool, ...], replies: Any, *shots: Demonstration) -> Setup:
    return Setup(ScriptedChatModel(replies=replies), "Answer.", library, Context(max_steps=MAX_STEPS), shots)


def check(state: dict[str, Any], name: str) -> None:
    """The state is JSON, says how the episode ended, and is within the budget of its trials and verdicts."""
    trials = TRIALS if name == "reflexion_fair" else 1
    assert state["status"] in ("answered", "unsure", "halted")
    assert len([from_json(Step, step) for step in state["steps"]]) <= trials * (MAX_STEPS + 1)
    assert json.loads(json.dumps(state))["steps"] == state["steps"]


@pytest.mark.parametrize("asked", QUESTIONS)
@pytest.mark.parametrize("name", BUILDERS)
def test_garbage_comes_to_an_end(library: tuple[BaseTool, ...], name: str, asked: str) -> None:
    for seed in range(5):
        graph = BUILDERS[name](setup_of(library, garbage(seed))).compile()
        check(graph.invoke(QUESTIONS[asked]), name)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("text", ["", "\n", "[" * 50_000, "Observation: gold\n" * 5_000, "Finish", "Plan: #E1 = "])
def test_a_model_that_repeats_itself_comes_to_an_end(library: tuple[BaseTool, ...], name: str, text: str) -> None:
    graph = BUILDERS[name](setup_of(library, lambda _: text)).compile()
    check(graph.invoke(QUESTIONS["open"]), name)


@pytest.mark.parametrize("name", BUILDERS)
def test_an_event_loop_changes_nothing(library: tuple[BaseTool, ...], name: str) -> None:
    for seed in range(4):
        state = BUILDERS[name](setup_of(library, garbage(seed), SHOT)).compile().invoke(QUESTIONS["open"])
        graph = BUILDERS[name](setup_of(library, garbage(seed), SHOT)).compile()
        assert asyncio.run(graph.ainvoke(QUESTIONS["open"])) == state


@pytest.mark.parametrize("name", BUILDERS)
def test_every_prompt_is_a_chat_that_a_server_takes(library: tuple[BaseTool, ...], name: str) -> None:
    setup = setup_of(library, garbage(1), SHOT)
    BUILDERS[name](setup).compile().invoke(QUESTIONS["choices"])
    model: Any = setup.models["plan"]
    for messages in model.calls:
        assert [messages[0].type, messages[-1].type] == ["system", "human"]
        assert all(str(message.text).strip() for message in messages)


def test_the_page_names_every_method() -> None:
    page = (Path(__file__).parents[2] / "docs" / "methods.md").read_text("utf-8")
    assert [method.id for method in METHODS if f"`{method.id}`" not in page] == []
