"""How well the reflect agent judges: its verdicts against the gold answer.

    judged = judged_by(records, pairs)
    judged.first.recall        # of the first answers that were wrong, the share that it called wrong
    judged.every.precision     # of all answers that it called wrong, the share that were

An answer is wrong when its reward is below 1, which is also what filtering goes by. The gold answer comes in here,
after the episode: the reflect agent never sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autoact.core.records import FINISH, REFLECT, QAPair, Scored, Trajectory
from autoact.core.reward import reward_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict, and whether the answer it was passed on is wrong. `said` is empty when it could not be read."""

    said: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts counted, "wrong" being what is looked for; a share of nothing is None.

    precision: of the answers called wrong, those that are. recall: of the wrong ones, those called so.
    false_alarms: of the right ones, those called wrong. unreadable: verdicts that say neither.
    """

    verdicts: int
    wrong_answers: int
    right_answers: int
    precision: float | None
    recall: float | None
    false_alarms: float | None
    unreadable: int


@dataclass(frozen=True, slots=True)
class Reflection:
    """The verdicts on first answers, and on every answer."""

    first: Judged
    every: Judged


def judged_by(records: Iterable[Scored], pairs: Iterable[QAPair]) -> Reflection | None:
    """The reflection of everything played; None when nothing was judged."""
    golds = {pair.id: pair for pair in pairs}
    by_play = [list(verdicts(record.trajectory, golds)) for record in records]
    every = [verdict for play in by_play for verdict in play]
    return Reflection(counted([play[0] for play in by_play if play]), counted(every)) if every else None


def verdicts(trajectory: Trajectory, golds: Mapping[str, QAPair]) -> Iterator[Verdict]:
    """The verdicts that were passed on an answer, in order."""
    answer: str | None = None
    for step in trajectory.steps:
        if step.tool == FINISH and step.ok:
            answer = step.argument
        elif step.tool == REFLECT and answer is not None:
            wrong = reward_of(answer, golds[trajectory.question_id]).value < 1
            yield Verdict(step.argument if step.ok else "", wrong)
            answer = None


def counted(passed: list[Verdict]) -> Judged:
    """The shares of some verdicts."""
    called = [verdict.wrong for verdict in passed if verdict.said == "wrong"]
    wrong = sum(verdict.wrong for verdict in passed)
    right = len(passed) - wrong
    caught = sum(called)
    return Judged(
        verdicts=len(passed),
        wrong_answers=wrong,
        right_answers=right,
        precision=_share(caught, len(called)),
        recall=_share(caught, wrong),
        false_alarms=_share(len(called) - caught, right),
        unreadable=sum(not verdict.said for verdict in passed),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
