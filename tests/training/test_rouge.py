"""ROUGE-L is that of the textbook, and no list that is alike goes unfound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.training.rouge import Nearest, rouge_l

WORDS = st.lists(st.sampled_from("abcde"), max_size=9)


def textbook(words: list[str], others: list[str]) -> float:
    table = [[0] * (len(others) + 1) for _ in range(len(words) + 1)]
    for i, word in enumerate(words):
        for j, other in enumerate(others):
            table[i + 1][j + 1] = table[i][j] + 1 if word == other else max(table[i][j + 1], table[i + 1][j])
    total = len(words) + len(others)
    return 2 * table[-1][-1] / total if total else 0.0


@given(WORDS, WORDS)
def test_it_is_the_longest_common_subsequence_over_both_lengths(words: list[str], others: list[str]) -> None:
    assert rouge_l(words, others) == textbook(words, others)


def test_order_counts() -> None:
    assert rouge_l(["a", "b", "c"], ["a", "b", "c"]) == 1
    assert rouge_l(["a", "b", "c"], ["c", "b", "a"]) == pytest.approx(1 / 3)


@given(st.lists(WORDS, max_size=12), WORDS, st.sampled_from([0.3, 0.5, 0.7, 0.75, 0.9]))
def test_a_list_is_found_exactly_when_comparing_with_all_finds_one(
    known: list[list[str]], words: list[str], above: float
) -> None:
    near = Nearest(above)
    for number, others in enumerate(known):
        near.add(str(number), others)
    alike = {str(number) for number, others in enumerate(known) if textbook(words, others) > above}
    found = near.find(words)
    assert found in alike if alike else found is None


def test_groups_are_apart() -> None:
    near = Nearest(0.5)
    near.add("1", ["a", "b"], group="x")
    assert near.find(["a", "b"], group="x") == "1"
    assert near.find(["a", "b"], group="y") is None
