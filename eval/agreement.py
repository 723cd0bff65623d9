"""Votes of judges on trajectories: when a question is decided, who won, and how far the judges agree.

    poll = Poll(("autoact", "zero-shot"), ("q1", "q2"), judges=5, seed=0)
    votes = [Vote("Ann", "q1", "rounds", "autoact"), Vote("Ben", "q1", "rounds", NO_DIFFERENCE), …]
    results_of(poll, votes)     # by aspect: questions won, undecided, Krippendorff's alpha

A judge that is a model decides nothing: its votes are reported apart, beside the majority of the humans.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autoact.prompts.judging import ASPECTS

NO_DIFFERENCE = "no difference"


@dataclass(frozen=True, slots=True)
class Poll:
    """What is judged: methods, ids of questions, how many judges a question needs, and the seed of every order."""

    methods: tuple[str, ...]
    questions: tuple[str, ...]
    judges: int
    seed: int

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be voted for."""
        return (*self.methods, NO_DIFFERENCE)


@dataclass(frozen=True, slots=True)
class Vote:
    """A judge's choice in one respect: a method, or NO_DIFFERENCE."""

    judge: str
    question_id: str
    aspect: str
    choice: str
    model: bool = False


@dataclass(frozen=True, slots=True)
class AspectResult:
    """The humans on one aspect. `won` counts closed questions and `votes` votes, by method and for no difference.

    undecided: closed questions without a majority.
    alpha: Krippendorff's, nominal, over all votes; None where there is but one choice, or no question of two judges.
    """

    aspect: str
    won: Mapping[str, int]
    undecided: int
    votes: Mapping[str, int]
    alpha: float | None


@dataclass(frozen=True, slots=True)
class ModelResult:
    """A model on one aspect: its votes, and how often it chose what the majority of humans did."""

    judge: str
    aspect: str
    votes: Mapping[str, int]
    agreed: int
    compared: int


@dataclass(frozen=True, slots=True)
class Results:
    """What a poll has come to."""

    poll: Poll
    judges: int
    closed: int
    aspects: tuple[AspectResult, ...]
    models: tuple[ModelResult, ...]


def majority(choices: Sequence[str], judges: int) -> str | None:
    """The choice of more than half of the judges that a question needs, if there is one."""
    choice, count = Counter(choices).most_common(1)[0] if choices else ("", 0)
    return choice if 2 * count > judges else None


def is_closed(votes: Iterable[Vote], judges: int) -> bool:
    """Whether the humans' votes on one question decide it: a majority in every aspect, or all judges heard."""
    choices = _choices((vote for vote in votes if not vote.model), by="aspect").values()
    heard = max(map(len, choices), default=0) >= judges
    return heard or (len(choices) == len(ASPECTS) and all(majority(each, judges) for each in choices))


def closed_questions(poll: Poll, votes: Iterable[Vote]) -> set[str]:
    """The ids of the questions that are decided."""
    by_question = defaultdict(list)
    for vote in votes:
        by_question[vote.question_id].append(vote)
    return {question for question, cast in by_question.items() if is_closed(cast, poll.judges)}


def results_of(poll: Poll, votes: Sequence[Vote]) -> Results:
    """The poll as it stands."""
    humans = [vote for vote in votes if not vote.model]
    closed = closed_questions(poll, humans)
    decided = {aspect.id: _decided(poll, closed, _on(aspect.id, humans)) for aspect in ASPECTS}
    aspects = tuple(_aspect_result(poll, _on(name, humans), name, won) for name, won in decided.items())
    models = sorted({vote.judge for vote in votes if vote.model})
    return Results(
        poll,
        judges=len({vote.judge for vote in humans}),
        closed=len(closed),
        aspects=aspects,
        models=tuple(_model_result(poll, votes, judge, name, won) for judge in models for name, won in decided.items()),
    )


def alpha(votes: Iterable[Vote]) -> float | None:
    """Krippendorff's alpha of the votes on one aspect; None where it is not defined."""
    import krippendorff
    import numpy as np

    shared = [Counter(choices) for choices in _choices(votes, by="question_id").values() if len(choices) > 1]
    choices = sorted({choice for counts in shared for choice in counts})
    if len(choices) < 2:
        return None
    counts = np.array([[counts[choice] for choice in choices] for counts in shared])
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def _decided(poll: Poll, closed: set[str], votes: Iterable[Vote]) -> dict[str, str | None]:
    """By closed question, the choice of the majority on one aspect."""
    choices = _choices(votes, by="question_id")
    return {question: majority(choices.get(question, ()), poll.judges) for question in closed}


def _aspect_result(poll: Poll, votes: list[Vote], aspect: str, decided: Mapping[str, str | None]) -> AspectResult:
    winners = list(decided.values())
    won = {choice: winners.count(choice) for choice in poll.choices}
    return AspectResult(aspect, won, winners.count(None), _counts(poll, votes), alpha(votes))


def _model_result(
    poll: Poll, votes: Iterable[Vote], judge: str, aspect: str, decided: Mapping[str, str | None]
) -> ModelResult:
    own = [vote for vote in _on(aspect, votes) if vote.model and vote.judge == judge]
    compared = [vote for vote in own if decided.get(vote.question_id)]
    agreed = sum(vote.choice == decided[vote.question_id] for vote in compared)
    return ModelResult(judge, aspect, _counts(poll, own), agreed, len(compared))


def _counts(poll: Poll, votes: Iterable[Vote]) -> dict[str, int]:
    counted = Counter(vote.choice for vote in votes)
    return {choice: counted[choice] for choice in poll.choices}


def _on(aspect: str, votes: Iterable[Vote]) -> list[Vote]:
    return [vote for vote in votes if vote.aspect == aspect]


def _choices(votes: Iterable[Vote], by: Literal["aspect", "question_id"]) -> dict[str, list[str]]:
    choices: dict[str, list[str]] = defaultdict(list)
    for vote in votes:
        choices[getattr(vote, by)].append(vote.choice)
    return choices
