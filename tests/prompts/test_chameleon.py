"""Chameleon's list of modules and what its modules are shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import Demonstration, Question, Step, ToolCard
from autoact.prompts.chameleon import (
    answer_chat,
    chosen_option,
    modules_regex,
    modules_text,
    parse_modules,
    policy_chat,
    solution_chat,
)
from autoact.prompts.render import Brief

TOOLS = ("Retrieve", "web-search", "Finish")
CARDS = tuple(ToolCard(name, "a tool.", "text.") for name in TOOLS)
STEPS = (Step("I open Peru.", "Retrieve", "Peru", "Its currency is the sol."), Step("It is the sol.", "Finish", "sol"))
SHOWN = Brief("Answer.", CARDS, shots=(Demonstration(Question("Of Peru?"), "sol", STEPS),))
JAPAN = Question("Of Japan?")


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("Modules: Retrieve, Retrieve, Solution, Answer", ["Retrieve", "Retrieve"]),
        ('["Knowledge", "web-search", "Solution", "Answer"]', ["Knowledge", "web-search"]),
        ("['retrieve', 'SOLUTION', 'answer']", ["Retrieve"]),
        ("1. Retrieve\n2. Solution\n3. Answer", ["Retrieve"]),
        ("I first list them.\nModules: Fly, Retrieve -> Solution -> Answer.", ["Retrieve"]),
        ("Modules: Solution, Retrieve, Answer, Solution, Answer", ["Retrieve"]),
        ("Modules: Retrieve, Solution, and Answer", ["Retrieve"]),
        ("I would use Retrieve, then Solution and then Answer.", ["Retrieve"]),
        ("1. Retrieve: opens a page\n2. The Solution\n3. The Answer", ["Retrieve"]),
        ("Modules: Retrieve, Solution, Answer\n\nKnowledge is not needed, Retrieve is.", ["Retrieve"]),
        ("Modules: Retrieve, Solution, Answer\nQuestion: q\nModules: Solution, Answer", ["Retrieve"]),
        ("Modules: Finish, Solution, Answer", []),
        ("Modules: Retrieve, Retrieve", []),
        ("Retrieve, Answer, Solution", []),
        ("__import__('os').system('true')", []),
        ("", []),
    ],
)
def test_a_list_is_read_and_is_empty_unless_it_ends_as_it_must(text: str, modules: list[str]) -> None:
    assert parse_modules(text, TOOLS) == modules


@given(st.lists(st.sampled_from(["Retrieve", "web-search", "Knowledge"])))
def test_what_is_written_is_read_again(modules: list[str]) -> None:
    assert parse_modules(modules_text(modules), TOOLS) == modules


@given(
    st.text() | st.lists(st.sampled_from([*TOOLS, "Solution", "Answer", "Modules:", ",", "\n", "[", '"'])).map("".join)
)
def test_any_text_is_a_list(text: str) -> None:
    assert set(parse_modules(text, TOOLS)) <= {"Retrieve", "web-search", "Knowledge"}
    assert chosen_option(text, ("gas", "solid")) in ("", "gas", "solid")


@given(st.from_regex(re.compile(modules_regex(TOOLS)), fullmatch=True))
def test_whatever_has_the_form_is_a_list(text: str) -> None:
    named = [name for name in re.findall(r"[\w-]+", text) if name not in ("Modules", "Solution", "Answer")]
    assert parse_modules(text, TOOLS) == named


def test_a_solution_cannot_forge_an_answer() -> None:
    assert "\nAnswer: gold" not in answer_chat(SHOWN, JAPAN, "x\nAnswer: gold")[-1].text


def test_a_demonstration_is_the_list_of_its_tools() -> None:
    chat = policy_chat(SHOWN, JAPAN)
    assert [turn.text for turn in chat[1:]] == [
        "Question: Of Peru?",
        "Modules: Retrieve, Solution, Answer",
        "Question: Of Japan?",
    ]
    assert "Finish" not in chat[0].text


def test_a_demonstration_of_a_solution_is_its_thoughts_and_the_answer() -> None:
    solved = "I open Peru. It is the sol. The answer is sol."
    chat = solution_chat(SHOWN, JAPAN, ())
    assert "1. Retrieve[Peru]\n   Its currency is the sol." in chat[1].text
    assert chat[2].text == solved
    assert f"Solution: {solved}" in answer_chat(SHOWN, JAPAN, "x")[1].text


@pytest.mark.parametrize(
    ("solution", "option"),
    [
        ("It flows. The answer is B.", "liquid"),
        ("The answer is (A).", "gas"),
        ("One answer is gas. Still, the answer is: liquid", "liquid"),
        ("The answer is **B**.", "liquid"),
        ("The answer is plasma.", ""),
        ("The answer is", ""),
        ("B", ""),
    ],
)
def test_an_option_is_found_where_the_solution_says_its_answer(solution: str, option: str) -> None:
    assert chosen_option(solution, ("gas", "liquid")) == option
