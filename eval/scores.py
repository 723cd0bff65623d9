"""From scored trajectories to figures: means with intervals, and paired differences between methods.

    scores = score(records, pairs)
    scores.reward, scores.interval                    # 0.71, (0.62, 0.78)
    difference(records, zero_shot_records, "zero-shot", seed=0).mean

The unit is the question: with more epochs a question's reward is its mean over them (pass@1), so playing a
question again narrows no interval as if it were another question.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from autoact.core.records import REFLECT, QAPair, Scored

Z95 = 1.959964
RESAMPLES = 5000
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Level:
    """How the questions of one level went."""

    questions: int
    reward: float


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of one method. `standard_error` is None for a single question.

    rounds: actions per question, Finish among them; reflections: verdicts per question.
    usage: per role, calls and tokens summed over everything played.
    """

    questions: int
    epochs: int
    reward: float
    standard_error: float | None
    interval: Interval
    exact_match: float
    levels: Mapping[str, Level]
    statuses: Mapping[str, int]
    rounds: float
    reflections: float
    usage: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A method's mean reward minus another's on the same questions, with a 95% bootstrap interval."""

    to: str
    mean: float
    interval: Interval
    wins: int
    losses: int
    ties: int


def score(records: Sequence[Scored], pairs: Iterable[QAPair]) -> Scores:
    """The figures of everything one method played on `pairs`. Raises ValueError without records."""
    rewards = question_rewards(records)
    mean = fmean(rewards.values())
    trajectories = [record.trajectory for record in records]
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    verdicts = sum(step.tool == REFLECT for step in steps)
    return Scores(
        questions=len(rewards),
        epochs=len(records) // len(rewards),
        reward=mean,
        standard_error=stdev(rewards.values()) / sqrt(len(rewards)) if len(rewards) > 1 else None,
        interval=wilson(mean, len(rewards)),
        exact_match=fmean(record.reward.exact for record in records),
        levels=by_level(rewards, pairs),
        statuses=dict(Counter(trajectory.status for trajectory in trajectories)),
        rounds=(len(steps) - verdicts) / len(records),
        reflections=verdicts / len(records),
        usage=total_usage(trajectory.usage for trajectory in trajectories),
    )


def question_rewards(records: Iterable[Scored]) -> dict[str, float]:
    """Question id → mean reward over its epochs."""
    rewards: dict[str, list[float]] = {}
    for record in records:
        rewards.setdefault(record.trajectory.question_id, []).append(record.reward.value)
    return {question: fmean(values) for question, values in rewards.items()}


def wilson(mean: float, questions: int) -> Interval:
    """The 95% score interval of a mean of values in [0, 1]; never empty, also at 0 and 1, and never outside.

    Exact in form for right-or-wrong rewards; wider than needed for values in between, such as F1.
    """
    spread = Z95**2 / questions
    middle = (mean + spread / 2) / (1 + spread)
    half = Z95 * sqrt(mean * (1 - mean) / questions + spread / (4 * questions)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(records: Iterable[Scored], others: Iterable[Scored], to: str, seed: int) -> Difference:
    """How much better than `others`, question by question. Raises ValueError unless both played the same."""
    ours, theirs = question_rewards(records), question_rewards(others)
    if ours.keys() != theirs.keys():
        raise ValueError(f"{len(ours.keys() ^ theirs.keys())} questions were played by one method only")
    gaps = [ours[question] - theirs[question] for question in sorted(ours)]
    return Difference(
        to=to,
        mean=fmean(gaps),
        interval=bootstrap(gaps, seed),
        wins=sum(gap > 0 for gap in gaps),
        losses=sum(gap < 0 for gap in gaps),
        ties=sum(gap == 0 for gap in gaps),
    )


def bootstrap(values: Sequence[float], seed: int) -> Interval:
    """The 95% percentile interval of the mean, resampling whole questions; the same seed gives the same."""
    rng = random.Random(seed)
    means = sorted(fmean(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    tail = round(RESAMPLES * 0.025)
    return means[tail], means[-1 - tail]


def by_level(rewards: Mapping[str, float], pairs: Iterable[QAPair]) -> dict[str, Level]:
    """Level → its questions and mean reward, for the questions that have a level."""
    groups: dict[str, list[float]] = {}
    for pair in pairs:
        if pair.level and pair.id in rewards:
            groups.setdefault(pair.level, []).append(rewards[pair.id])
    return {level: Level(len(values), fmean(values)) for level, values in sorted(groups.items())}


def total_usage(usages: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Calls and tokens per role, summed."""
    totals: dict[str, Counter[str]] = {}
    for usage in usages:
        for role, counts in usage.items():
            totals.setdefault(role, Counter()).update(counts)
    return {role: dict(counts) for role, counts in totals.items()}
