"""A question is taken apart into names, numbers, negations and the rest."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.training.wording import wording_of


def names(question: str) -> tuple[str, ...]:
    return wording_of(question).names


def test_a_question_has_its_parts_in_order() -> None:
    parts = wording_of("Who didn't win the World Cup in 1998?")
    assert (parts.names, parts.numbers, parts.negations) == (("world", "cup"), ("1998",), 1)
    assert parts.words == ("who", "win")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Peru's currency is what?", ("peru",)),
        ("Name the capital of Peru.", ("peru",)),
        ("Is it so? Which one does Lima have?", ("lima",)),
        ("Who wrote 'the sun also rises'?", ("the", "sun", "also", "rises")),
        ("Who sang “don't stop” in dogs' ears?", ("don't", "stop")),
        ("Does vitamin A help?", ("a",)),
        ("Who leads IT at the BBC?", ("it", "bbc")),
        ("Who was in The Beatles?", ("beatles",)),
        ("Which of iOS and U.S. is it?", ("ios", "u.s")),
        ("秘鲁的货币是什么", ("秘鲁的货币是什么",)),
    ],
)
def test_names_are_capitals_quotes_and_words_of_scripts_without_capitals(question: str, found: tuple[str, ...]) -> None:
    assert names(question) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is 3 * 4?", ("3", "*", "4")),
        ("What is 1,000.5 or 15%?", ("1,000.5", "15", "%")),
        ("Who was the second of two?", ("second", "two")),
        ("Which B2 is the 3rd?", ("3rd",)),
    ],
)
def test_numbers_are_digits_number_words_and_signs(question: str, found: tuple[str, ...]) -> None:
    assert wording_of(question).numbers == found


@pytest.mark.parametrize("question", ["Is it not red?", "Isn't it red?", "Is it never red?", "Isn’t it red?"])
def test_a_negation_is_counted_however_it_is_said(question: str) -> None:
    assert wording_of(question).negations == 1
    assert wording_of(question).words == ("red",)


def test_one_and_many_are_the_same_word_and_little_words_are_none() -> None:
    assert wording_of("What are the glasses of these kings?").words == wording_of("which glasse has king").words


@pytest.mark.parametrize("text", ["'a " * 30000, '"a ' * 30000, "a-" * 50000, "'" * 100000, "x" * 100000])
def test_a_hundred_kilobytes_of_the_worst_are_read_within_two_seconds(text: str) -> None:
    began = process_time()
    wording_of(text)
    assert process_time() - began < 2


@given(st.text())
def test_any_text_has_a_wording(text: str) -> None:
    assert wording_of(text).guard()[2] == wording_of(text).negations
