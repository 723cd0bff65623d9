"""From scored trajectories to figures: means with intervals, and paired differences between methods.

    scores = score(records, pairs)
    scores.overall.reward, scores.overall.interval    # 0.71, (0.62, 0.78)
    scores.levels["hard"].oracle_best_of_two          # 0.66, or None after a single epoch
    difference(records, zero_shot_records, pairs, "zero-shot", seed=0).mean

The unit is the question: with more epochs a question's reward is its mean over them, so playing a question again
narrows no interval as if it were another question. The better of two plays is a figure of its own, since only gold
can tell which one it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from autoact.core.records import QAPair, Scored

Z95 = 1.959964
RESAMPLES = 5000
FEWEST = 10  # resampling fewer questions says too little of those that were not asked
BLOCK = 4_000_000
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """How a method did on some questions. `standard_error` is None for a single one.

    exact_match: share of answers that are the gold one but for case, articles and punctuation.
    pass_at_1: share of plays with reward 1, a mean over epochs.
    oracle_best_of_two: mean reward of the better of the first two plays, as the paper reports; None after one.
    """

    questions: int
    reward: float
    standard_error: float | None
    interval: Interval
    exact_match: float
    pass_at_1: float
    oracle_best_of_two: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of one method. `overall` is over questions; `mean_of_levels`, the paper's "All", over levels.

    mean_of_levels is None when no question has a level.
    """

    epochs: int
    overall: Figures
    mean_of_levels: float | None
    levels: Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Gap:
    """A mean difference with its 95% interval, paired by question; None where the questions are too few to tell."""

    mean: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A method's mean reward minus another's on the same questions; won, lost and tied ones are counted."""

    to: str
    mean: float
    interval: Interval | None
    wins: int
    losses: int
    ties: int
    levels: Mapping[str, Gap]


def score(records: Sequence[Scored], pairs: Iterable[QAPair]) -> Scores:
    """The figures of everything one method played on `pairs`. Raises ValueError without records."""
    plays = plays_of(records)
    levels = {
        level: figures([plays[question] for question in questions])
        for level, questions in levels_of(pairs, plays).items()
    }
    return Scores(
        epochs=len(records) // len(plays) if plays else 0,
        overall=figures(list(plays.values())),
        mean_of_levels=fmean(level.reward for level in levels.values()) if levels else None,
        levels=levels,
    )


def figures(questions: Sequence[Sequence[Scored]]) -> Figures:
    """The figures of some questions, each given by its plays. Raises ValueError when there is none."""
    if not questions:
        raise ValueError("nothing was played")
    rewards = [reward_over(plays) for plays in questions]
    mean = fmean(rewards)
    return Figures(
        questions=len(rewards),
        reward=mean,
        standard_error=stdev(rewards) / sqrt(len(rewards)) if len(rewards) > 1 else None,
        interval=wilson(mean, len(rewards)),
        exact_match=fmean(fmean(play.reward.exact for play in plays) for plays in questions),
        pass_at_1=fmean(fmean(play.reward.value == 1 for play in plays) for plays in questions),
        oracle_best_of_two=best_of_two(questions),
    )


def plays_of(records: Iterable[Scored]) -> dict[str, list[Scored]]:
    """Question id → its plays, in their order."""
    plays: dict[str, list[Scored]] = {}
    for record in records:
        plays.setdefault(record.trajectory.question_id, []).append(record)
    return plays


def reward_over(plays: Iterable[Scored]) -> float:
    """The mean reward of a question's plays."""
    return fmean(play.reward.value for play in plays)


def best_of_two(questions: Iterable[Sequence[Scored]]) -> float | None:
    """The mean reward of the better of each question's first two plays; None when one was played only once."""
    firsts = [plays[:2] for plays in questions]
    if any(len(plays) < 2 for plays in firsts):
        return None
    return fmean(max(play.reward.value for play in plays) for plays in firsts)


def levels_of(pairs: Iterable[QAPair], played: Iterable[str]) -> dict[str, list[str]]:
    """Level → the ids of its questions that were played, in the benchmark's order."""
    there = set(played)
    levels: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.level and pair.id in there:
            levels.setdefault(pair.level, []).append(pair.id)
    return levels


def wilson(mean: float, questions: int) -> Interval:
    """The 95% score interval of a mean of values in [0, 1]; never empty, also at 0 and 1, and never outside.

    Exact in form for right-or-wrong rewards; wider than needed for values in between, such as F1.
    """
    spread = Z95**2 / questions
    middle = (mean + spread / 2) / (1 + spread)
    half = Z95 * sqrt(max(0.0, mean * (1 - mean)) / questions + spread / (4 * questions)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(
    records: Iterable[Scored], others: Iterable[Scored], pairs: Iterable[QAPair], to: str, seed: int
) -> Difference:
    """How much better than `others`, question by question. Raises ValueError unless both played the same."""
    ours, theirs = plays_of(records), plays_of(others)
    if ours.keys() != theirs.keys():
        raise ValueError(f"{len(ours.keys() ^ theirs.keys())} questions were played by one method only")
    gaps = {question: reward_over(ours[question]) - reward_over(theirs[question]) for question in sorted(ours)}
    overall = gap_of(list(gaps.values()), seed)
    return Difference(
        to=to,
        mean=overall.mean,
        interval=overall.interval,
        wins=sum(gap > 0 for gap in gaps.values()),
        losses=sum(gap < 0 for gap in gaps.values()),
        ties=sum(gap == 0 for gap in gaps.values()),
        levels={
            level: gap_of([gaps[question] for question in questions], seed)
            for level, questions in levels_of(pairs, gaps).items()
        },
    )


def gap_of(values: Sequence[float], seed: int) -> Gap:
    """The mean of differences, with its bootstrap interval unless they are fewer than FEWEST or all the same."""
    tells = len(values) >= FEWEST and len(set(values)) > 1
    return Gap(fmean(values), bootstrap(values, seed) if tells else None)


def bootstrap(values: Sequence[float], seed: int, sizes: Sequence[int] | None = None) -> Interval:
    """The 95% percentile interval of the mean, resampling whole questions; the same seed gives the same.

    With `sizes` the values are the means of groups of so many questions, and whole groups are resampled.
    """
    import numpy as np

    drawn = np.random.default_rng(seed)
    given = np.asarray(values, dtype=float)
    weights = np.ones(len(given)) if sizes is None else np.asarray(sizes, dtype=float)

    def means_of(count: int) -> Any:
        picked = drawn.integers(0, len(given), (count, len(given)))
        return (given[picked] * weights[picked]).sum(axis=1) / weights[picked].sum(axis=1)

    rows = max(1, BLOCK // len(given))  # resamples at a time, so that many questions do not fill the memory
    blocks = [means_of(min(rows, RESAMPLES - start)) for start in range(0, RESAMPLES, rows)]
    low, high = np.percentile(np.concatenate(blocks), [2.5, 97.5])
    return float(low), float(high)
