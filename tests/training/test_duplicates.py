"""Alike questions are found, and those that differ in what is asked are not taken for alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import process_time
from typing import Literal

import pytest

from autoact.core.records import QAPair
from autoact.examples.atlas.atlas import atlas
from autoact.examples.atlas.world import pair_of, questions
from autoact.training.duplicates import Known, Like

PERU = "What is the currency of Peru?"


def alike(first: str, second: str, answers: tuple[str, str] = ("sol", "sol"), how: str = "guarded") -> str:
    kind: Literal["exact", "guarded", "rouge"] = how  # type: ignore[assignment]
    like = Known(kind, [QAPair("1", first, answers[0])]).like(QAPair("2", second, answers[1]))
    return "" if like is None else "near" if like.near else "exact"


@pytest.mark.parametrize("how", ["exact", "guarded", "rouge"])
def test_the_same_words_are_found_whatever_is_asked_for(how: str) -> None:
    assert alike(PERU, "what is  CURRENCY of Peru", how=how) == "exact"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PERU, "What is Peru's currency?"),
        (PERU, "Please: which is the currency in Peru?"),
        ("In 1998, who won the World Cup?", "Who won the World Cup in 1998?"),
        ("Who is the author of the novel Emma?", "Who was the author of the novel 'Emma'?"),
        ("How many moons does Mars have?", "Mars has how many moons?"),
    ],
)
def test_another_order_and_other_little_words_are_near_whatever_the_answer(first: str, second: str) -> None:
    assert alike(first, second) == "near"
    assert alike(first, second, ("sol", "peso")) == "near"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PERU, "What is the currency of Chile?"),
        ("Who won the World Cup in 1998?", "Who won the World Cup in 2002?"),
        ("Who wrote the song 'let go'?", "Who wrote the song 'let it go'?"),
        ("Which of the two metals is magnetic?", "Which of the two metals is not magnetic?"),
        ("Did France beat Germany?", "Did Germany beat France?"),
        ("What is 5 - 3?", "What is 3 - 5?"),
        ("What is the second city of Peru?", "What is the third city of Peru?"),
        (
            "Who directed the very first and best known film of it?",
            "Who directed the very last and best known film of it?",
        ),
        ("पेरू की मुद्रा क्या है", "चिली की मुद्रा क्या है"),
    ],
)
def test_another_name_number_quote_negation_or_order_of_them_is_another_question(first: str, second: str) -> None:
    assert alike(first, second) == ""


def test_other_words_are_near_only_with_the_same_open_answer() -> None:
    first = "Which spoken language is official in the country whose capital is Lima?"
    second = "Which spoken language is now official in the country whose capital is Lima?"
    assert alike(first, second, ("Spanish", "Spanish")) == "near"
    assert alike(first, second, ("Spanish", "Quechua")) == ""
    assert alike(first, second, ("yes", "yes")) == ""


def test_relations_that_change_places_are_another_question_when_the_answer_is_another() -> None:
    first, second = (
        f"What is the {a} of the country whose {b} is Lima?" for a, b in (("capital", "port"), ("port", "capital"))
    )
    assert alike(first, second, ("Quito", "Callao")) == ""
    assert alike(first, second, ("Callao", "Callao")) == "near"


def test_rouge_takes_another_name_for_a_duplicate() -> None:
    assert alike(PERU, "What is the currency of Chile?", how="rouge") == "near"
    assert alike(PERU, "Who wrote Emma?", how="rouge") == ""


@pytest.mark.parametrize("field", ["context", "caption", "ocr", "choices"])
def test_what_comes_beside_a_question_makes_it_another(field: str) -> None:
    first = QAPair("1", "Which is it?", "ice", ("ice", "gas"), "One text.", "One picture.", "One word.")
    second = replace(first, id="2", **{field: ("ice", "air") if field == "choices" else "Another."})  # type: ignore[arg-type]
    assert Known("guarded", [first]).like(replace(first, id="2")) is not None
    assert Known("guarded", [first]).like(second) is None


def test_a_barred_question_is_barred_with_another_picture_and_its_choices_in_another_order() -> None:
    first = QAPair("1", "Which is it?", "ice", ("ice", "gas"), caption="One picture.")
    other = replace(first, id="2", choices=("gas", "ice"), caption="Another.")
    assert Known("guarded", [first], beside=False).like(other) is not None


def test_a_letter_and_its_accent_may_be_one_character_or_two() -> None:
    first, second = "Which city is the capital of Que\u0301bec?", "Of Qu\u00e9bec, which city is the capital?"
    assert alike(first, second, ("a", "b")) == alike(second, first, ("a", "b")) == "near"


MEANINGS = {
    "What is the currency of Peru?": (1.0, 0.0),
    "Which money do people in Peru pay with?": (0.95, 0.3),
    "Which bank prints what people in Peru pay with?": (0.6, 0.8),
}


def meaning(texts: Sequence[str]) -> list[tuple[float, ...]]:
    return [MEANINGS[text] for text in texts]


@pytest.mark.parametrize(
    ("second", "answer", "found"),
    [
        ("Which money do people in Peru pay with?", "sol", True),
        ("Which money do people in Peru pay with?", "inti", False),
        ("Which bank prints what people in Peru pay with?", "sol", False),
        ("Which money do people in Chile pay with?", "sol", False),  # another name: it is not even embedded
    ],
)
def test_embeddings_find_the_same_meaning_with_the_same_names_and_answer(second: str, answer: str, found: bool) -> None:
    known = Known("guarded", [QAPair("1", PERU, "sol")], embed=meaning)
    assert (known.like(QAPair("2", second, answer)) == Like("1", near=True)) == found
    assert Known("guarded", [QAPair("1", PERU, "sol")]).like(QAPair("2", second, answer)) is None


def test_a_question_is_embedded_once_and_only_beside_another() -> None:
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> list[tuple[float, ...]]:
        asked.extend(texts)
        return meaning(texts)

    known = Known("guarded", embed=embed)
    for number, question in enumerate(MEANINGS):
        known.like(QAPair(str(number), question, "sol"))
        known.add(QAPair(str(number), question, "sol"))
    assert sorted(asked) == sorted(MEANINGS)
    known.like(QAPair("4", "Who wrote Emma?", "Jane Austen"))
    assert len(asked) == 3


def test_no_two_questions_of_atlas_are_alike() -> None:
    world, known = atlas(), Known("guarded")
    for pair in (pair_of(world, asked) for thing in world.things for asked in questions(world, thing)):
        assert known.like(pair) is None, pair.question
        known.add(pair)


def rare(number: int) -> str:
    """A word of letters for a number."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{number:05d}")


@pytest.mark.parametrize("how", ["guarded", "rouge"])
def test_ten_times_the_questions_take_about_ten_times_as_long(how: Literal["guarded", "rouge"]) -> None:
    def seconds(count: int) -> float:
        known, start = Known(how), process_time()
        for number in range(count):
            words = (rare(number), rare(number * 7 % 99991), rare(number * 13 % 99991))
            pair = QAPair(str(number), "which {} of long {} turns when {} stops".format(*words), "axle")
            assert known.like(pair) is None
            known.add(pair)
        return process_time() - start

    seconds(100)
    assert seconds(5000) < 30 * seconds(500)
