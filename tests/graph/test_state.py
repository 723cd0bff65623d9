"""What the state adds up, and what it takes for a question."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.errors import UserError
from autoact.core.records import Question, Step, to_json
from autoact.graph.context import Context
from autoact.graph.state import State, add_usage, question_of, steps_of

USAGE = st.dictionaries(st.sampled_from("ab"), st.dictionaries(st.sampled_from("xy"), st.integers(0, 9)))


def test_usage_is_added_per_role_and_count() -> None:
    left = {"plan": {"calls": 1, "input_tokens": 5}}
    right = {"plan": {"calls": 2}, "tool": {"calls": 3}}
    assert add_usage(left, right) == {"plan": {"calls": 3, "input_tokens": 5}, "tool": {"calls": 3}}


@given(USAGE, USAGE, USAGE)
def test_usage_adds_up_in_any_order(one: Any, two: Any, three: Any) -> None:
    assert add_usage(one, two) == add_usage(two, one)
    assert add_usage(add_usage(one, two), three) == add_usage(one, add_usage(two, three))


def test_a_question_is_read_from_the_state() -> None:
    state = {"question": "q", "choices": ["a", "b"], "ocr": "o", "answer": "x", "status": ""}
    assert question_of(state) == Question("q", ("a", "b"), ocr="o")


@pytest.mark.parametrize("state", [{}, {"question": None}, {"question": "\n"}, {"question": "q", "choices": [1]}])
def test_what_is_no_question_says_what_to_give(state: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="the input is not a question"):
        question_of(state)


def test_the_steps_of_an_ended_episode_are_over() -> None:
    steps = [to_json(Step("t", "Finish", "sol"))]
    assert steps_of(State(question="q", steps=steps)) == [Step("t", "Finish", "sol")]
    assert steps_of(State(question="q", steps=steps, status="answered")) == []
    assert steps_of(State(question="q")) == []


def test_every_setting_is_described_for_studio() -> None:
    assert all(field.description for field in Context.model_fields.values())
