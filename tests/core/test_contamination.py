"""A question that must not be learned from is recognised however it is dressed."""

from autoact.core.contamination import question_key, question_keys
from autoact.core.records import Question


def test_case_punctuation_articles_and_spacing_do_not_count() -> None:
    barred = question_keys([Question("What is the capital of Peru?")])
    assert question_key(Question("what is  CAPITAL of Peru")) in barred


def test_a_letter_and_its_accent_may_be_one_character_or_two() -> None:
    barred = question_keys([Question("What is the capital of Que\u0301bec?")])
    assert question_key(Question("What is the capital of Qu\u00e9bec?")) in barred


def test_a_different_word_counts() -> None:
    barred = question_keys([Question("What is the capital of Peru?")])
    assert question_key(Question("What is the capital of Chile?")) not in barred


def test_numbers_and_signs_count() -> None:
    keys = {
        question_key(Question(text)) for text in ("What is 3 * 4?", "What is 3 + 4?", "What is 1.5?", "What is 15?")
    }
    assert len(keys) == 4


def test_other_choices_make_another_question_and_their_order_does_not() -> None:
    key = question_key(Question("Which is a gas?", ("air", "ice")))
    assert key == question_key(Question("Which is a gas?", ("ice", "air")))
    assert key != question_key(Question("Which is a gas?", ("steam", "ice")))


def test_choices_are_put_in_order_by_what_counts_of_them() -> None:
    key = question_key(Question("Which is a gas?", ("The air", "Ice")))
    assert key == question_key(Question("Which is a gas?", ("ice", "air.")))


def test_the_question_itself_is_not_kept() -> None:
    key = question_key(Question("What is the capital of Peru?"))
    assert len(key) == 64
    assert "peru" not in key


def test_half_a_character_has_a_key_too() -> None:
    assert question_key(Question("\ud800")) != question_key(Question("\ud801"))
