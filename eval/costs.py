"""What a method spends on a question: rounds, calls and tokens by role, and time.

costs = costs_of(records)
costs.rounds, costs.tokens            # 3.2 actions and 1480 tokens a question
costs.roles["plan"].calls             # 3.2
costs.latency.p95                     # seconds; None when no play was timed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from autoact.core.records import REFLECT, Scored


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one role: model calls and tokens, a question."""

    calls: float
    input_tokens: float
    output_tokens: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a play took, beside others at the same time."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Costs:
    """A mean over everything played. `rounds` are actions, Finish among them; `reflections` are verdicts.

    `tokens` are read and written ones, over all roles; `usage` is the sum of everything, by role.
    """

    rounds: float
    reflections: float
    calls: float
    tokens: float
    roles: Mapping[str, Spent]
    latency: Latency | None
    usage: Mapping[str, Mapping[str, int]]


def costs_of(records: Sequence[Scored]) -> Costs:
    """The costs of what a method played. Raises ValueError without records."""
    if not records:
        raise ValueError("nothing was played")
    trajectories = [record.trajectory for record in records]
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    verdicts = sum(step.tool == REFLECT for step in steps)
    usage = total_usage(trajectory.usage for trajectory in trajectories)
    roles = {role: _spent(counts, len(records)) for role, counts in usage.items()}
    return Costs(
        rounds=(len(steps) - verdicts) / len(records),
        reflections=verdicts / len(records),
        calls=sum(spent.calls for spent in roles.values()),
        tokens=sum(spent.input_tokens + spent.output_tokens for spent in roles.values()),
        roles=roles,
        latency=latency([trajectory.seconds for trajectory in trajectories if trajectory.seconds]),
        usage=usage,
    )


def latency(seconds: Sequence[float]) -> Latency | None:
    """Mean and nearest-rank percentiles; None when nothing was timed."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return Latency(fmean(ranked), *(ranked[ceil(len(ranked) * share) - 1] for share in (0.5, 0.95)))


def total_usage(usages: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Calls and tokens per role, summed."""
    totals: dict[str, Counter[str]] = {}
    for usage in usages:
        for role, counts in usage.items():
            totals.setdefault(role, Counter()).update(counts)
    return {role: dict(counts) for role, counts in totals.items()}


def _spent(counts: Mapping[str, int], plays: int) -> Spent:
    return Spent(*(counts.get(name, 0) / plays for name in ("calls", "input_tokens", "output_tokens")))
