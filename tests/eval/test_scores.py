"""Figures against values worked out by hand, and against what must always hold."""

from __future__ import annotations

from math import sqrt
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import QAPair, Reward, Scored, Trajectory
from autoact.eval.scores import best_of_two, bootstrap, difference, gap_of, plays_of, reward_over, score, wilson

REWARDS = st.floats(0, 1)
PAIRS = [QAPair("a", "?", "x", level="easy"), QAPair("b", "?", "x", level="hard"), QAPair("c", "?", "x", level="hard")]


def played(question: str, *rewards: float) -> list[Scored]:
    return [
        Scored(Trajectory(f"{question}/{i}", question, (), "x", "answered"), Reward(reward, reward > 0.9))
        for i, reward in enumerate(rewards)
    ]


def test_the_figures_of_two_questions_are_those_worked_out_by_hand() -> None:
    got = score([*played("a", 1, 0), *played("b", 0.95, 0.25)], PAIRS)
    assert (got.epochs, got.overall.questions) == (2, 2)
    assert got.overall.reward == pytest.approx(0.55)
    assert got.overall.standard_error == pytest.approx(0.05)  # sd of (0.5, 0.6) is 0.0707, over the root of 2
    assert (got.overall.exact_match, got.overall.pass_at_1) == (0.5, 0.25)
    assert got.overall.oracle_best_of_two == pytest.approx(0.975)  # the mean of 1 and 0.95
    assert [level.reward for level in got.levels.values()] == pytest.approx([0.5, 0.6])


def test_the_mean_of_levels_is_not_the_mean_of_questions() -> None:
    got = score([*played("a", 1), *played("b", 0), *played("c", 0.5)], PAIRS)
    assert got.overall.reward == 0.5
    assert got.mean_of_levels == pytest.approx((1 + 0.25) / 2)


def test_levels_come_in_the_benchmarks_order() -> None:
    records = [*played("c", 1), *played("b", 1), *played("a", 1)]
    assert list(score(records, PAIRS).levels) == ["easy", "hard"]
    assert list(score(records, PAIRS[::-1]).levels) == ["hard", "easy"]


def test_a_single_question_has_no_standard_error_and_one_play_no_better_one() -> None:
    got = score(played("q", 0.4), [])
    assert (got.overall.reward, got.overall.standard_error, got.overall.oracle_best_of_two) == (0.4, None, None)
    assert (got.levels, got.mean_of_levels) == ({}, None)


def test_the_better_of_two_looks_at_the_first_two_plays_only() -> None:
    assert best_of_two([played("a", 0, 0.5, 1), played("b", 0.25, 0)]) == pytest.approx(0.375)


def test_more_epochs_do_not_count_as_more_questions() -> None:
    once = score([*played("a", 1), *played("b", 0)], []).overall
    often = score([*played("a", 1, 1, 1), *played("b", 0, 0, 0)], []).overall
    assert (once.standard_error, once.interval) == (often.standard_error, often.interval)


def test_nothing_played_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was played"):
        score([], PAIRS)


def test_the_score_interval_is_the_published_one() -> None:
    # Newcombe (1998), Table I, method 3: 81/263, 15/148 and 0/20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(REWARDS, st.integers(1, 10_000))
def test_an_interval_holds_its_mean_lies_within_0_and_1_and_is_never_empty(mean: float, n: int) -> None:
    low, high = wilson(mean, n)
    assert 0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1
    assert low < high


@given(st.dictionaries(st.text(min_size=1), st.lists(REWARDS, min_size=1, max_size=4), min_size=1, max_size=8))
def test_a_questions_reward_is_its_mean_over_epochs(rewards: dict[str, list[float]]) -> None:
    plays = plays_of(record for name, values in rewards.items() for record in played(name, *values))
    assert plays.keys() == rewards.keys()
    assert all(reward_over(plays[name]) == pytest.approx(sum(v) / len(v)) for name, v in rewards.items())


def test_a_difference_is_paired_by_question_overall_and_by_level() -> None:
    ours = [*played("a", 1), *played("b", 0.5), *played("c", 0)]
    theirs = [*played("c", 1), *played("b", 0), *played("a", 0)]
    gap = difference(ours, theirs, PAIRS, "zero-shot", seed=0)
    assert gap.mean == pytest.approx(1 / 6)
    assert (gap.to, gap.wins, gap.losses, gap.ties) == ("zero-shot", 2, 1, 0)
    assert {level: each.mean for level, each in gap.levels.items()} == {"easy": 1, "hard": -0.25}


def test_equal_methods_differ_by_nothing() -> None:
    records = [*played("a", 1), *played("b", 0.25)]
    assert difference(records, records, PAIRS, "x", seed=1).mean == 0


@pytest.mark.parametrize(("gaps", "tells"), [([0, 1] * 5, True), ([0, 1, 1] * 3, False), ([1] * 200, False)])
def test_few_questions_or_equal_gaps_have_no_interval(gaps: list[float], tells: bool) -> None:
    gap = gap_of(gaps, seed=0)
    assert (gap.interval is not None) is tells
    assert gap.interval is None or gap.interval[0] < gap.mean < gap.interval[1]


def test_methods_that_played_other_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="1 questions were played by one method only"):
        difference(played("a", 1), [*played("a", 1), *played("b", 1)], PAIRS, "x", seed=0)


def test_the_bootstrap_repeats_itself_and_agrees_with_the_normal_interval() -> None:
    values = [1.0] * 60 + [0.0] * 140
    low, high = bootstrap(values, seed=3)
    assert (low, high) == bootstrap(values, seed=3)
    half = 1.96 * sqrt(0.3 * 0.7 / 200)
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.012)


def test_many_questions_are_resampled_in_parts() -> None:
    low, high = bootstrap([0.0, 1.0] * 1500, seed=0)  # 3000 questions: 1333 resamples fit a block
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.5 / sqrt(3000), 0.5 + 1.96 * 0.5 / sqrt(3000)), abs=0.002)


@given(gaps=st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_a_bootstrap_interval_lies_within_the_values(gaps: list[float]) -> None:
    low, high = bootstrap(gaps, seed=0)
    assert min(gaps) - 1e-9 <= low <= high <= max(gaps) + 1e-9


@given(groups=st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=9), min_size=1, max_size=8))
def test_groups_of_any_sizes_are_resampled_whole(groups: list[list[float]]) -> None:
    low, high = bootstrap([fmean(group) for group in groups], seed=0, sizes=[*map(len, groups)])
    assert min(map(fmean, groups)) - 1e-9 <= low <= high <= max(map(fmean, groups)) + 1e-9


def test_groups_of_one_are_questions() -> None:
    values = [1.0] * 60 + [0.0] * 140
    assert bootstrap(values, seed=3, sizes=[1] * 200) == bootstrap(values, seed=3)
