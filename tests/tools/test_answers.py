"""The latest answers are remembered, as many as there is room for."""

from __future__ import annotations

from autoact.tools.answers import Answers
from autoact.tools.cassette import Answer


def known(answers: Answers, keys: str) -> str:
    """Those of the keys under which there is an answer."""
    return "".join(key for key in keys if answers.find(key))


def test_the_answer_longest_unused_is_left_out() -> None:
    answers = Answers(most=2, largest=1000)
    for key in "ab":
        answers.keep(key, Answer(key))
    assert answers.find("a") == Answer("a")
    answers.keep("c", Answer("c"))
    assert known(answers, "abc") == "ac"


def test_answers_are_left_out_until_all_have_room() -> None:
    answers = Answers(most=100, largest=1000)
    for key in "abc":
        answers.keep(key, Answer("x" * 300))
    answers.keep("d", Answer("y", artifact={"raw": "x" * 500}))
    assert known(answers, "abcd") == "cd"


def test_an_answer_too_large_is_not_remembered() -> None:
    answers = Answers(most=100, largest=1000)
    answers.keep("a", Answer("x" * 1001))
    assert known(answers, "a") == ""


def test_an_answer_that_is_kept_again_takes_its_room_once() -> None:
    answers = Answers(most=100, largest=1000)
    answers.keep("a", Answer("x" * 300))
    for _ in range(10):
        answers.keep("b", Answer("x" * 300))
    assert known(answers, "ab") == "ab"
