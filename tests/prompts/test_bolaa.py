"""What BOLAA's controller is shown, and what is read of its reply."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import Demonstration, Question, Step, ToolCard
from autoact.prompts.bolaa import SEEN, AgentTurn, controller_chat, controller_regex, parse_agent
from autoact.prompts.render import Brief

NAMES = ("Retrieve", "web-search", "Finish")
PERU = Question("What is the currency of Peru?")
STEPS = (Step("I open Peru.", "Retrieve", "Peru", "Its currency is the sol."), Step("It is the sol.", "Finish", "sol"))
CARDS = tuple(ToolCard(name, "a tool.", "text.") for name in NAMES)
BRIEF = Brief("Answer.", CARDS, shots=(Demonstration(Question("Of Japan?"), "sol", STEPS),))


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("Retrieve", AgentTurn("", "Retrieve")),
        ("retrieve\n", AgentTurn("retrieve", "Retrieve")),
        ("<think>Finish?</think>web-search", AgentTurn("", "web-search")),
        (
            "I read on. Next agent: Retrieve, then Finish",
            AgentTurn("I read on. Next agent: Retrieve, then Finish", "Retrieve"),
        ),
        ("Fly", AgentTurn("", "Fly")),
        ("Reflect", AgentTurn("Reflect", "")),
        ("I do not know.", AgentTurn("I do not know.", "")),
        ("", AgentTurn("", "")),
    ],
)
def test_an_agent_is_read(text: str, turn: AgentTurn) -> None:
    assert parse_agent(text, NAMES) == turn


@given(st.text() | st.lists(st.sampled_from([*NAMES, "Reflect", ":", "\n", "[", "Fly"])).map(" ".join))
def test_any_text_names_an_agent_or_none(text: str) -> None:
    assert parse_agent(text, NAMES).tool != "Reflect"


@pytest.mark.parametrize("name", NAMES)
def test_what_the_form_allows_is_read(name: str) -> None:
    assert re.fullmatch(controller_regex(NAMES), f" {name}")
    assert parse_agent(f" {name}", NAMES) == AgentTurn("", name)


def test_each_choice_in_a_demonstration_is_an_example() -> None:
    chat = controller_chat(BRIEF, PERU, ())
    assert [turn.text for turn in chat[2:5:2]] == ["Retrieve", "Finish"]
    assert chat[-1].text == "Question: What is the currency of Peru?\n\nNext agent:"


def test_the_controller_sees_the_beginning_of_an_observation() -> None:
    told = controller_chat(BRIEF, PERU, [Step("", "Retrieve", "Peru", "long " * SEEN)])[-1].text
    assert "1. Retrieve[Peru]\n   long long" in told
    assert len(told) < 2 * SEEN


def test_a_controller_that_named_no_agent_is_told_the_names() -> None:
    told = controller_chat(BRIEF, PERU, [Step("Hm.", "", "", "No action was named.")])[-1].text
    assert "1. No agent was named. Write one of: Retrieve, web-search, Finish." in told
