"""A pair is in the form of the task's examples, or what is wrong with it is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoact.core.records import QAPair
from autoact.prompts.parse import PairDraft, Pairs, parse_pairs
from autoact.prompts.render import pair_text
from autoact.training.form import form_of, problem_of, spelt

ICE = QAPair("1", "What is it?", "solid", ("gas", "solid"), caption="a cube")
FORM = {"caption": True, "choices": True}


def test_the_form_says_what_some_examples_have_and_what_all_have() -> None:
    assert form_of([ICE, replace(ICE, caption="", ocr="H2O")]) == {"caption": False, "ocr": False, "choices": True}
    assert form_of([QAPair("1", "q", "a")]) == {}


def test_a_picture_asks_for_a_caption() -> None:
    assert form_of([replace(ICE, caption="", image="ice.png")])["caption"]


def test_a_pair_in_form_has_no_problem() -> None:
    assert problem_of(ICE, FORM) == ""
    assert problem_of(replace(ICE, caption=""), {"caption": False, "choices": True}) == ""


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"caption": ""}, "it has no caption"),
        ({"choices": ()}, "it has no choices"),
        ({"ocr": "H2O"}, "it has ocr, and the task's examples have not"),
        ({"choices": ("solid", "solid ")}, "two choices are the same"),
        ({"answer": "C"}, "the answer is none of the choices"),
        ({"answer": "liquid"}, "the answer is none of the choices"),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, object], problem: str) -> None:
    assert problem_of(replace(ICE, **changed), FORM) == problem  # type: ignore[arg-type]


@pytest.mark.parametrize("choices", [("1.5", "15"), ("Dear Ann,", "dear Ann,")])
def test_choices_that_differ_in_a_point_or_a_capital_are_two(choices: tuple[str, ...]) -> None:
    assert problem_of(replace(ICE, choices=choices, answer=choices[0]), FORM) == ""


def test_an_answer_of_articles_and_marks_could_never_be_right() -> None:
    assert problem_of(QAPair("1", "q", "the ?"), {}) == "no answer could be right"


def test_an_answer_by_letter_is_spelt_out() -> None:
    assert spelt(replace(ICE, answer="(b)")).answer == spelt(replace(ICE, answer="B. solid")).answer == "solid"
    assert spelt(QAPair("1", "q", "B")).answer == "B"


def test_a_pair_of_many_lines_comes_back_whole_from_its_text() -> None:
    whole = QAPair(
        "1",
        "Which words?\nSelect one.",
        "The ice (a solid).",
        ("gas\nor air", "The ice (a solid)."),
        "A\ntext.",
        "a",
        "b c",
    )
    (draft,) = parse_pairs(pair_text(whole)).drafts
    assert draft == PairDraft(
        "Which words? Select one.", "The ice (a solid).", ("gas or air", "The ice (a solid)."), "A text.", "a", "b c"
    )
    assert parse_pairs(pair_text(QAPair("1", "q", "a"))) == Pairs((PairDraft("q", "a"),))
