"""A poll while it is judged: what a judge is shown next, and what becomes of a form.

sitting = Sitting(poll, load_cases(trial, poll), votes)
place = sitting.progress("ann").next                # the number of a question, from 1 on
sitting.cast("ann", place, {"rounds": "A", …})      # by the letters that Ann was shown
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoact.eval.agreement import NO_DIFFERENCE, Poll, closed_questions
from autoact.serve.judging.cases import Case, lettered
from autoact.serve.judging.votes import Votes


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a judge stands, in numbers of questions; `next` is None when nothing is left to this judge."""

    judged: tuple[int, ...]
    left: tuple[int, ...]
    closed: tuple[int, ...]

    @property
    def next(self) -> int | None:
        return self.left[0] if self.left else None

    @property
    def changeable(self) -> tuple[int, ...]:
        """What this judge has judged and may still judge otherwise."""
        return tuple(number for number in self.judged if number not in self.closed)


class Sitting:
    """A poll, its cases and its votes."""

    def __init__(self, poll: Poll, cases: Sequence[Case], votes: Votes) -> None:
        self.poll = poll
        self.cases = cases
        self.votes = votes
        self.secret = votes.secret()

    def progress(self, judge: str, *, model: bool = False) -> Progress:
        """Where the judge stands. To a model no question is closed: it is to be compared with what closed it."""
        votes = self.votes.all()
        own = {vote.question_id for vote in votes if (vote.judge, vote.model) == (judge, model)}
        closed = set() if model else closed_questions(self.poll, votes)
        numbered = list(enumerate(self.poll.questions, start=1))
        return Progress(
            judged=tuple(number for number, name in numbered if name in own),
            left=tuple(number for number, name in numbered if name not in own | closed),
            closed=tuple(number for number, name in numbered if name in closed),
        )

    def case(self, number: int) -> Case:
        """The case of a number."""
        return self.cases[number - 1]

    def shown(self, judge: str, number: int) -> dict[str, str]:
        """The methods of a case by the letters that this judge is shown."""
        return lettered(self.poll, self.secret, judge, self.case(number).id)

    def choices(self, judge: str, number: int) -> dict[str, str]:
        """The letters that this judge has chosen before by aspect, nothing for no difference."""
        letters = {method: letter for letter, method in self.shown(judge, number).items()}
        name = self.case(number).id
        own = [vote for vote in self.votes.all() if (vote.judge, vote.model, vote.question_id) == (judge, False, name)]
        return {vote.aspect: letters.get(vote.choice, "") for vote in own}

    def cast(self, judge: str, number: int, letters: Mapping[str, str], *, model: bool = False) -> bool:
        """Keep a judgement by aspect and letter; False when others have closed the question meanwhile."""
        methods = self.shown(judge, number) | {"": NO_DIFFERENCE}
        choices = {aspect: methods[letter] for aspect, letter in letters.items()}
        return self.votes.cast(self.poll, judge, self.case(number).id, choices, model=model)
