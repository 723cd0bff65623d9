"""What goes over the wire is the graph's own records, whole."""

from __future__ import annotations

from dataclasses import fields

from autoact.core.records import Question, Step
from autoact.graph.state import State
from autoact.serve import schema


def test_a_step_is_the_record_of_a_step() -> None:
    assert list(schema.Step.model_fields) == [field.name for field in fields(Step)]


def test_a_question_is_the_record_of_one_without_the_picture() -> None:
    known = {field.name for field in fields(Question)}
    assert known - set(schema.Ask.model_fields) == {"image"}
    assert set(schema.Ask.model_fields) - known == {"thread", "settings"}


def test_an_answer_is_the_state_of_an_ended_question() -> None:
    assert set(schema.Answer.model_fields) - {"thread", "interrupt"} <= State.__annotations__.keys()
