"""Floors by hand, and the one that the paper's questions give."""

from __future__ import annotations

from statistics import fmean
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import QAPair
from autoact.eval.floors import better_of_two, floors

CHOICES = [
    QAPair("a", "?", "gas", choices=("gas", "solid"), level="easy"),
    QAPair("b", "?", "B", choices=("1", "2", "3", "4"), level="hard"),
    QAPair("c", "?", "no", choices=("yes", "no"), level="hard"),
]
OPEN = [QAPair("a", "?", "red car"), QAPair("b", "?", "red"), QAPair("c", "?", "The red")]


def test_a_guess_among_choices_is_right_once_in_their_number() -> None:
    random = floors(CHOICES)[0]
    assert random.overall.reward == pytest.approx((1 / 2 + 1 / 4 + 1 / 2) / 3)
    assert random.levels["hard"].reward == pytest.approx(3 / 8)
    assert random.overall.oracle_best_of_two == pytest.approx((3 / 4 + 7 / 16 + 3 / 4) / 3)


def test_a_guess_at_an_open_question_is_another_questions_answer() -> None:
    random = floors(OPEN)[0]
    # red car: 2/3 from each of the others; red: 2/3 and 1; the red: 2/3 and 1
    assert random.overall.reward == pytest.approx((2 / 3 + 5 / 6 + 5 / 6) / 3)
    assert random.overall.exact_match == pytest.approx((0 + 1 / 2 + 1 / 2) / 3)


def test_who_never_answers_gets_nothing() -> None:
    assert floors([*CHOICES, *OPEN[1:2]])[1].overall.reward == 0


def test_the_most_common_answer_is_a_letter_where_there_are_choices() -> None:
    common = floors([*CHOICES, QAPair("d", "?", "red"), QAPair("e", "?", "Red."), QAPair("f", "?", "blue")])[2]
    assert common.overall.reward == pytest.approx((0 + 1 + 1 + 1 + 1 + 0) / 6)  # B, and red
    assert common.levels["easy"].reward == 0


def test_a_lone_open_question_leaves_nothing_to_guess() -> None:
    assert floors(OPEN[:1])[0].overall.reward == 0


def test_the_most_common_place_is_answered_by_its_text_which_may_be_another_ones_letter() -> None:
    pairs = [QAPair(name, "?", "B", choices=("B", "A")) for name in "ab"]
    assert floors([*pairs, QAPair("c", "?", "x", choices=("x", "A"))])[2].overall.reward == 1


def test_of_many_answers_guesses_are_drawn_the_same_each_time() -> None:
    pairs = [QAPair(str(number), "?", "no" if number % 4 else f"colour {number}") for number in range(1200)]
    exact, drawn = floors(pairs)[0].overall, floors(pairs, exact=100)[0].overall
    assert drawn != exact
    assert drawn == floors(pairs, exact=100)[0].overall
    assert (drawn.reward, drawn.oracle_best_of_two) == pytest.approx((exact.reward, exact.oracle_best_of_two), abs=0.01)


def test_many_questions_take_seconds() -> None:
    pairs = [QAPair(str(number), "?", f"a{number} b{number % 977}") for number in range(20_000)]
    begun = process_time()
    random, _, common = floors(pairs)
    assert process_time() - begun < 12
    assert random.overall.reward == pytest.approx(0.5 / 977, abs=1e-4)
    assert common.overall.exact_match == pytest.approx(1 / 20_000)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_better_of_two_draws_is_the_mean_over_all_pairs_of_draws(values: list[float]) -> None:
    assert better_of_two([(value, 3) for value in values]) == pytest.approx(
        fmean(max(a, b) for a in values for b in values)
    )
