"""Figures against values worked out by hand, and against what must always hold."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoact.core.records import QAPair, Reward, Scored, Step, Trajectory
from autoact.eval import scores
from autoact.eval.scores import Level, bootstrap, difference, question_rewards, score, wilson

REWARDS = st.floats(0, 1)


def played(question: str, *rewards: float, status: str = "answered") -> list[Scored]:
    steps = (Step("t", "Retrieve", "x", "o"), Step("t", "Finish", "a"), Step("t", "Reflect", "right"))
    usage = {"plan": {"calls": 2, "input_tokens": 10}, "reflect": {"calls": 1, "input_tokens": 7}}
    return [
        Scored(
            Trajectory(f"{question}/{i}", question, steps, "a", status, usage=usage),  # type: ignore[arg-type]
            Reward(reward, reward == 1),
        )
        for i, reward in enumerate(rewards)
    ]


def test_the_figures_of_two_questions_are_those_worked_out_by_hand() -> None:
    pairs = [
        QAPair("q1", "?", "a", level="easy"),
        QAPair("q2", "?", "a", level="hard"),
        QAPair("q3", "?", "a"),
    ]
    got = score([*played("q1", 1, 0), *played("q2", 1, 1, status="unsure")], pairs)
    assert (got.questions, got.epochs, got.reward, got.exact_match) == (2, 2, 0.75, 0.75)
    assert got.standard_error == pytest.approx(0.25)  # sd of (0.5, 1) is 0.3536, over the root of 2
    assert got.levels == {"easy": Level(1, 0.5), "hard": Level(1, 1.0)}
    assert got.statuses == {"answered": 2, "unsure": 2}
    assert (got.rounds, got.reflections) == (2, 1)
    assert got.usage == {
        "plan": {"calls": 8, "input_tokens": 40},
        "reflect": {"calls": 4, "input_tokens": 28},
    }


def test_a_single_question_has_no_standard_error() -> None:
    got = score(played("q", 0.4), [])
    assert (got.reward, got.standard_error, got.levels) == (0.4, None, {})


def test_more_epochs_do_not_count_as_more_questions() -> None:
    once = score([*played("a", 1), *played("b", 0)], [])
    often = score([*played("a", 1, 1, 1), *played("b", 0, 0, 0)], [])
    assert (once.standard_error, once.interval) == (often.standard_error, often.interval)


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
    records = [record for name, values in rewards.items() for record in played(name, *values)]
    means = question_rewards(records)
    assert means.keys() == rewards.keys()
    assert all(means[name] == pytest.approx(sum(v) / len(v)) for name, v in rewards.items())


def test_a_difference_is_paired_by_question() -> None:
    ours = [*played("a", 1), *played("b", 0.5), *played("c", 0), *played("d", 1)]
    theirs = [*played("d", 1), *played("c", 1), *played("b", 0), *played("a", 0)]
    gap = difference(ours, theirs, "zero-shot", seed=0)
    assert (gap.to, gap.mean, gap.wins, gap.losses, gap.ties) == ("zero-shot", 0.125, 2, 1, 1)
    assert gap.interval[0] < gap.mean < gap.interval[1]


def test_equal_methods_differ_by_nothing() -> None:
    records = [*played("a", 1), *played("b", 0.25)]
    assert difference(records, records, "x", seed=1).interval == (0, 0)


def test_methods_that_played_other_questions_are_not_compared() -> None:
    with pytest.raises(ValueError, match="1 questions were played by one method only"):
        difference(played("a", 1), [*played("a", 1), *played("b", 1)], "x", seed=0)


def test_the_bootstrap_repeats_itself_and_agrees_with_the_normal_interval() -> None:
    values = [1.0] * 60 + [0.0] * 140
    low, high = bootstrap(values, seed=3)
    assert (low, high) == bootstrap(values, seed=3)
    half = 1.96 * sqrt(0.3 * 0.7 / 200)
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), abs=0.012)


@given(gaps=st.lists(st.floats(-1, 1), min_size=1, max_size=12))
def test_a_bootstrap_interval_lies_within_the_values(gaps: list[float]) -> None:
    scores_of = bootstrap(gaps, seed=0)
    assert min(gaps) - 1e-9 <= scores_of[0] <= scores_of[1] <= max(gaps) + 1e-9


def test_usage_is_summed_over_roles_that_differ() -> None:
    got = scores.total_usage([{"plan": {"calls": 1}}, {}, {"plan": {"calls": 2, "x": 1}, "tool": {"calls": 1}}])
    assert got == {"plan": {"calls": 3, "x": 1}, "tool": {"calls": 1}}
