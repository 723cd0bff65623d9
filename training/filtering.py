"""Filtering: which trajectories are learned from, and why the others are not (paper §2.3).

kept = keep(trajectories, enough=100)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoact.core.records import Scored


@dataclass(frozen=True, slots=True)
class Kept:
    """The trajectories to learn from, and why the others were dropped."""

    trajectories: list[Scored]
    dropped: dict[str, int]


def keep(trajectories: Sequence[Scored], enough: int) -> Kept:
    """Those with reward 1, played on whole prompts, that came to an end by themselves and in which no action failed.

    Where `enough` such are not to be had, ones with failed actions are kept too.
    """
    right = [scored for scored in trajectories if scored.reward.value == 1]
    whole = [scored for scored in right if not scored.trajectory.shortened]
    ended = [scored for scored in whole if scored.trajectory.status != "halted"]
    clean = [scored for scored in ended if all(step.ok for step in scored.trajectory.steps)]
    kept = clean if len(clean) >= enough else ended
    dropped = {
        "reward below 1": len(trajectories) - len(right),
        "a shortened prompt": len(right) - len(whole),
        "halted": len(whole) - len(ended),
        "a failed action": len(ended) - len(kept),
    }
    return Kept(kept, dropped)
