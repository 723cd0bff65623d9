"""A turn that is held to its form is a turn that the parser reads as it was meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.prompts.grammar import plan_regex, react_regex, reflect_regex
from autoact.prompts.parse import PlanTurn, ReflectTurn, parse_plan, parse_verdict
from autoact.prompts.react import parse_react, react_turn
from autoact.prompts.render import plan_turn, reflect_turn

TOOLS = ("Retrieve", "Look-up", "Finish")
LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs", "Cc", "Zl", "Zp"))).filter(
    lambda text: text == text.strip() and text and "think>" not in text
)


def test_the_forms_are_those_of_the_templates() -> None:
    assert plan_regex(TOOLS) == r"[ \n]?Thought: [^\n]+\nAction: (Retrieve|Look\-up|Finish)"
    assert reflect_regex() == r"[ \n]?Thought: [^\n]+\nVerdict: (right|wrong)"


@given(LINES, st.sampled_from(TOOLS))
def test_a_rendered_plan_has_the_form(thought: str, tool: str) -> None:
    text = plan_turn(thought, tool).text
    assert re.fullmatch(plan_regex(TOOLS), text)
    assert parse_plan(text, TOOLS).tool == tool


@given(st.from_regex(re.compile(plan_regex(TOOLS)), fullmatch=True))
def test_whatever_has_the_form_names_a_tool(text: str) -> None:
    turn = parse_plan(text, TOOLS)
    assert isinstance(turn, PlanTurn)
    assert turn.tool in TOOLS


@given(LINES, st.sampled_from(TOOLS), LINES)
def test_a_rendered_turn_of_one_agent_has_the_form(thought: str, tool: str, argument: str) -> None:
    text = react_turn(thought, tool, argument).text
    assert re.fullmatch(react_regex(TOOLS), text)
    assert parse_react(text, TOOLS).tool == tool


@given(st.from_regex(re.compile(react_regex(TOOLS)), fullmatch=True))
def test_whatever_has_the_form_gives_a_tool_its_input(text: str) -> None:
    turn = parse_react(text, TOOLS)
    assert turn.tool in TOOLS
    assert turn.argument is not None


@given(LINES, st.sampled_from(["right", "wrong"]))
def test_a_rendered_verdict_has_the_form(thought: str, verdict: str) -> None:
    text = reflect_turn(thought, verdict).text
    assert re.fullmatch(reflect_regex(), text)
    assert parse_verdict(text) == ReflectTurn(parse_verdict(text).thought, verdict)


@pytest.mark.parametrize("text", ["Thought: t\nAction: Fly", "Action: Finish", "Thought: t\nAction: Finish now"])
def test_other_turns_have_not(text: str) -> None:
    assert not re.fullmatch(plan_regex(TOOLS), text)
