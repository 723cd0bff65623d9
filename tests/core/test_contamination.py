"""A question that must not be learned from is recognised however it is dressed."""

from autoact.core.contamination import question_key, question_keys


def test_case_punctuation_articles_and_spacing_do_not_count() -> None:
    barred = question_keys(["What is the capital of Peru?"])
    assert question_key("what is  CAPITAL of Peru") in barred


def test_a_different_word_counts() -> None:
    assert question_key("What is the capital of Chile?") not in question_keys(
        ["What is the capital of Peru?"]
    )


def test_the_question_itself_is_not_kept() -> None:
    key = question_key("What is the capital of Peru?")
    assert len(key) == 64
    assert "peru" not in key


def test_half_a_character_has_a_key_too() -> None:
    assert question_key("\ud800") != question_key("\ud801")
