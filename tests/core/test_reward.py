"""Rewards are HotpotQA's for words and accuracy for choices, and nothing is no answer."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import QAPair, Reward
from autoact.core.reward import choice_index, exact_match, normalize, reward_of, token_f1

STATES = ("gas", "solid", "liquid")


def pair(answer: str, *choices: str) -> QAPair:
    return QAPair("q", "Which?", answer, choices)


@pytest.mark.parametrize(
    ("answer", "gold", "f1", "exact"),
    [
        ("The Bass Rock", "bass rock", 1.0, True),
        ("Bass, Rock!", "a bass rock.", 1.0, True),
        ("the Bass Rock", "Bass Rock lighthouse", 0.8, False),
        ("rock rock rock", "rock", 0.5, False),
        ("rock", "rock rock rock", 0.5, False),
        ("Theatre an hour", "theatre hour", 1.0, True),
        ("U.S.A.", "usa", 1.0, True),
        ("Paris", "London", 0.0, False),
        ("yes", "yes", 1.0, True),
        ("Yes.", "yes", 1.0, True),
        ("yes it is", "yes", 0.0, False),
        ("yes", "yes it is", 0.0, False),
        ("no", "yes", 0.0, False),
        ("noanswer", "noanswer given", 0.0, False),
        ("", "Paris", 0.0, False),
        ("the", "Paris", 0.0, False),
        ("", "", 0.0, False),
    ],
)
def test_words_are_scored_as_hotpotqa_scores_them(answer: str, gold: str, f1: float, exact: bool) -> None:
    reward = reward_of(answer, pair(gold))
    assert reward.value == pytest.approx(f1)
    assert reward.exact is exact


def test_an_article_inside_a_word_stays() -> None:
    assert normalize("Theatre of an Anthem") == "theatre of anthem"


@pytest.mark.parametrize("answer", ["b", "B", "B.", "b:", "(B)", "(b).", " b ", "solid", "The solid.", "(B) solid"])
def test_a_choice_is_named_by_letter_by_text_or_by_both(answer: str) -> None:
    assert choice_index(answer, STATES) == 1


@pytest.mark.parametrize(
    "answer", ["", " ", ".", "()", "the", "d", "(D)", "B and C", "BC", "(B) liquid", "both", "b c"]
)
def test_what_names_no_choice_is_no_choice(answer: str) -> None:
    assert choice_index(answer, STATES) is None


def test_no_answer_is_never_the_first_option() -> None:
    assert reward_of("", pair("A", *STATES)) == Reward(0.0, False)
    assert reward_of("", pair("", *STATES)) == Reward(0.0, False)


def test_gold_and_answer_may_name_a_choice_differently() -> None:
    assert reward_of("(b)", pair("solid", *STATES)) == Reward(1.0, True)
    assert reward_of("Solid", pair("B", *STATES)) == Reward(1.0, True)
    assert reward_of("gas", pair("B", *STATES)) == Reward(0.0, False)


def test_an_option_whose_text_is_another_ones_letter_is_meant_by_its_text() -> None:
    assert choice_index("B", ("C", "A", "B")) == 2


def test_options_that_differ_only_in_punctuation_are_told_apart() -> None:
    assert choice_index("15 m", ("1.5 m", "15 m")) == 1
    assert choice_index("x < y", ("x > y", "x < y")) == 1
    assert choice_index("-", ("+", "-")) == 1
    assert choice_index("x y", ("x > y", "x < y")) is None


@given(st.text(), st.text())
def test_any_two_texts_have_an_f1_between_nothing_and_all(answer: str, gold: str) -> None:
    assert 0.0 <= token_f1(answer, gold) <= 1.0
    assert token_f1(answer, gold) == pytest.approx(token_f1(gold, answer))
    assert exact_match(answer, gold) <= (token_f1(answer, gold) == 1.0)


@given(st.text(), st.lists(st.text(), max_size=30))
def test_any_answer_names_one_of_the_choices_or_none(answer: str, choices: list[str]) -> None:
    index = choice_index(answer, choices)
    assert index is None or 0 <= index < len(choices)


@given(st.lists(st.text(string.ascii_lowercase, min_size=2), min_size=1, max_size=26, unique=True))
def test_every_letter_names_its_choice(choices: list[str]) -> None:
    named = [choice_index(f"({string.ascii_uppercase[i]})", choices) for i in range(len(choices))]
    assert named == list(range(len(choices)))
