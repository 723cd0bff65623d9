"""When a question is closed, who won it, and how far the judges agree."""

from __future__ import annotations

import pytest

from autoact.eval.agreement import NO_DIFFERENCE, Poll, Vote, alpha, is_closed, majority, results_of
from autoact.prompts.judging import ASPECTS

POLL = Poll(("ours", "theirs"), ("q1", "q2", "q3"), judges=3, seed=0)
ROUNDS = ASPECTS[0].id
# The example of the literature: three observers, fifteen units, alpha 0.691.
OBSERVED = ("*****34121133*3", "1*213343*******", "**21344*21133*4")


def form(judge: str, question: str, choice: str, model: bool = False, **other: str) -> list[Vote]:
    """A judge's votes on a question: one choice throughout, but for the aspects that are named."""
    return [Vote(judge, question, aspect.id, other.get(aspect.id, choice), model) for aspect in ASPECTS]


@pytest.mark.parametrize(
    ("choices", "judges", "winner"),
    [
        ("", 3, None),
        ("a", 1, "a"),
        ("ab", 3, None),
        ("aa", 3, "a"),
        ("aa", 4, None),
        ("aab", 4, None),
        ("aaab", 4, "a"),
        ("abc", 3, None),
    ],
)
def test_a_majority_is_more_than_half_of_the_judges_that_are_needed(
    choices: str, judges: int, winner: str | None
) -> None:
    assert majority(choices, judges) == winner


def test_a_majority_in_every_aspect_closes_a_question() -> None:
    assert not is_closed(form("Ann", "q1", "ours"), 3)
    assert is_closed(form("Ann", "q1", "ours") + form("Ben", "q1", "ours"), 3)


def test_one_aspect_without_a_majority_keeps_it_open_until_all_are_heard() -> None:
    votes = form("Ann", "q1", "ours") + form("Ben", "q1", "ours", rounds="theirs")
    assert not is_closed(votes, 3)
    assert is_closed(votes + form("Cem", "q1", "ours", rounds=NO_DIFFERENCE), 3)


def test_a_model_closes_nothing() -> None:
    assert not is_closed(form("Ann", "q1", "ours") + form("m:1", "q1", "ours", model=True), 3)


def test_alpha_is_that_of_the_literature() -> None:
    votes = [
        Vote(str(judge), str(unit), ROUNDS, choice)
        for judge, row in enumerate(OBSERVED)
        for unit, choice in enumerate(row)
        if choice != "*"
    ]
    assert alpha(votes) == pytest.approx(0.691358, abs=1e-6)


@pytest.mark.parametrize(
    "votes",
    [
        [],
        [Vote("Ann", "q1", ROUNDS, "ours"), Vote("Ann", "q2", ROUNDS, "theirs")],
        [Vote("Ann", "q1", ROUNDS, "ours"), Vote("Ben", "q1", ROUNDS, "ours")],
    ],
    ids=["no votes", "no question in common", "one choice throughout"],
)
def test_alpha_is_left_out_where_it_is_not_defined(votes: list[Vote]) -> None:
    assert alpha(votes) is None


def test_only_closed_questions_are_won() -> None:
    votes = [vote for judge in ("Ann", "Ben") for vote in form(judge, "q1", "ours", rounds=NO_DIFFERENCE)]
    votes += form("Ann", "q2", "theirs")
    results = results_of(POLL, votes)
    assert (results.judges, results.closed) == (2, 1)
    assert results.aspects[0].won == {"ours": 0, "theirs": 0, NO_DIFFERENCE: 1}
    assert results.aspects[1].won == {"ours": 1, "theirs": 0, NO_DIFFERENCE: 0}
    assert results.aspects[1].votes == {"ours": 2, "theirs": 1, NO_DIFFERENCE: 0}


def test_a_closed_question_on_which_judges_differ_is_undecided() -> None:
    choices = {"Ann": "ours", "Ben": "theirs", "Cem": NO_DIFFERENCE}
    results = results_of(POLL, [vote for judge, choice in choices.items() for vote in form(judge, "q1", choice)])
    assert [(row.undecided, sum(row.won.values())) for row in results.aspects] == [(1, 0)] * 5


def test_a_model_stands_apart_and_beside_the_majority_of_humans() -> None:
    votes = [vote for judge in ("Ann", "Ben") for vote in form(judge, "q1", "ours")]
    votes += form("m:1", "q1", "ours", model=True, rounds="theirs") + form("m:1", "q2", "ours", model=True)
    results = results_of(POLL, votes)
    assert results.aspects[0].votes["theirs"] == 0
    assert [(row.agreed, row.compared) for row in results.models] == [(0, 1)] + [(1, 1)] * 4
    assert results.models[0].votes == {"ours": 1, "theirs": 1, NO_DIFFERENCE: 0}
