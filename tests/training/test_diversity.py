"""How varied questions are as they grow, and what each stage lets through."""

from __future__ import annotations

import pytest

from autoact.core.records import QAPair
from autoact.training.diversity import diversity_curve, yields
from autoact.training.self_instruct import Round


def round_of(
    number: int, questions: list[str], malformed: int = 0, duplicate: int = 0, near: int = 0, over: int = 0
) -> Round:
    pairs = tuple(QAPair(f"{number}-{n}", text, text[-2]) for n, text in enumerate(questions))
    return Round(f"{number:04d}", pairs, malformed, duplicate, excluded=0, near_duplicate=near, over_quota=over)


ROUNDS = [
    round_of(0, ["Who wrote book x?", "Where lies the city y?"], malformed=1, duplicate=1),
    round_of(1, ["Who wrote book y?"], near=3, over=1),
    round_of(2, []),
]


def test_yields_go_from_what_was_written_to_what_was_kept() -> None:
    assert yields(ROUNDS) == {"generated": 9, "parsed": 8, "unique": 4, "kept": 3}
    assert yields([]) == {"generated": 0, "parsed": 0, "unique": 0, "kept": 0}


def test_the_curve_grows_with_the_number_generated() -> None:
    curve = diversity_curve(ROUNDS)
    assert [point.generated for point in curve] == [4, 9, 9]
    assert [point.kept for point in curve] == [2, 3, 3]
    assert [point.openings for point in curve] == [2, 2, 2]
    assert [point.answers for point in curve] == [2, 2, 2]
    assert [point.novelty for point in curve] == [pytest.approx(2 / 3), pytest.approx(1 / 5), 0]


def test_words_that_come_again_side_by_side_lower_the_share_of_new_ones() -> None:
    first, second, _ = diversity_curve(ROUNDS)
    assert first.bigrams == 1
    assert second.bigrams == pytest.approx(7 / 9)


def test_nearness_is_to_what_came_in_earlier_rounds() -> None:
    nearness = [point.nearness for point in diversity_curve(ROUNDS)]
    assert nearness == [None, pytest.approx(3 / 4), None]


def test_questions_that_repeat_are_seen_to() -> None:
    fresh = diversity_curve([round_of(n, [f"{'abcdef'[n]} {'uvwxyz'[n]}?"]) for n in range(6)])[-1]
    stale = diversity_curve([round_of(n, ["Who wrote book a?"]) for n in range(6)])[-1]
    assert (fresh.nearness, stale.nearness) == (0, 1)
    assert fresh.bigrams > stale.bigrams
    assert fresh.openings > stale.openings
