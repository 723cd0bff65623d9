"""Case studies, as in the paper's Fig. 5: one question, two methods side by side, and where they part.

    for case in cases(records, zero_shot_records, pairs, count=3):
        case.left.reward.value, case.right.reward.value     # 1.0, 0.0
        case.parts                                          # 2: the third step is not the same action

Chosen without a hand in it: `count` questions that the first method won and as many that it lost, the largest
difference first, then the shortest to read, then the benchmark's order. Only the first play of each is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from autoact.core.records import QAPair, Scored, Step
from autoact.eval.scores import plays_of


@dataclass(frozen=True, slots=True)
class Case:
    """A question as two methods played it; from step `parts` on they do something else."""

    pair: QAPair
    left: Scored
    right: Scored
    parts: int

    @property
    def gap(self) -> float:
        """How much the left one won by; below 0 when it lost."""
        return self.left.reward.value - self.right.reward.value


def cases(ours: Iterable[Scored], theirs: Iterable[Scored], pairs: Iterable[QAPair], count: int) -> tuple[Case, ...]:
    """Questions won by the first method, then questions lost."""
    left, right = plays_of(ours), plays_of(theirs)
    met = [_case(pair, left[pair.id][0], right[pair.id][0]) for pair in pairs if pair.id in left and pair.id in right]
    won = sorted((case for case in met if case.gap > 0), key=_telling)
    lost = sorted((case for case in met if case.gap < 0), key=_telling)
    return (*won[:count], *lost[:count])


def parting(ours: Sequence[Step], theirs: Sequence[Step]) -> int:
    """The first step whose tool or input differs; the length of the shorter one when the other goes on from there."""
    steps = enumerate(zip_longest(ours, theirs))
    return next((place for place, (left, right) in steps if _action(left) != _action(right)), len(ours))


def _case(pair: QAPair, left: Scored, right: Scored) -> Case:
    return Case(pair, left, right, parting(left.trajectory.steps, right.trajectory.steps))


def _action(step: Step | None) -> tuple[str, str] | None:
    return (step.tool, step.argument) if step else None


def _telling(case: Case) -> tuple[float, int]:
    return -abs(case.gap), len(case.left.trajectory.steps) + len(case.right.trajectory.steps)
