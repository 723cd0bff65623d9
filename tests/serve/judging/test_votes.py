"""Votes on disk: a form is there whole once it was answered, whoever else writes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autoact.core.errors import UserError
from autoact.eval.agreement import Poll
from autoact.prompts.judging import ASPECTS
from autoact.serve.judging.votes import Votes

POLL = Poll(("ours", "theirs"), ("q1", "q2"), judges=3, seed=0)
OURS = {aspect.id: "ours" for aspect in ASPECTS}
THEIRS = {aspect.id: "theirs" for aspect in ASPECTS}

# Says the number of each vote once it is kept, until it is killed.
VOTER = """
import sys, itertools
from pathlib import Path
from autoact.eval.agreement import Poll
from autoact.serve.judging.votes import Votes
votes = Votes(Path(sys.argv[1]))
for number in itertools.count():
    votes.cast(votes.poll(), f"{sys.argv[2]} {number}", f"q{number}", {"rounds": "ours", "inputs": "theirs"})
    print(number, flush=True)
"""


@pytest.fixture
def votes(tmp_path: Path) -> Votes:
    """A poll that was begun."""
    votes = Votes(tmp_path / "votes.sqlite")
    votes.begin(POLL)
    return votes


def test_a_form_is_five_votes_and_a_later_one_takes_its_place(votes: Votes) -> None:
    assert votes.cast(POLL, "Ann", "q1", OURS)
    assert votes.cast(POLL, "Ann", "q1", THEIRS)
    assert [(vote.judge, vote.choice, vote.model) for vote in votes.all()] == [("Ann", "theirs", False)] * 5


def test_a_closed_question_takes_no_more_votes_but_a_models(votes: Votes) -> None:
    assert votes.cast(POLL, "Ann", "q1", OURS)
    assert votes.cast(POLL, "Ben", "q1", OURS)
    assert not votes.cast(POLL, "Cem", "q1", OURS)
    assert not votes.cast(POLL, "Ann", "q1", THEIRS)
    assert votes.cast(POLL, "m:1", "q1", OURS, model=True)
    assert votes.cast(POLL, "Cem", "q2", OURS)


def test_a_human_who_takes_a_models_name_does_not_take_its_votes(votes: Votes) -> None:
    votes.cast(POLL, "m:1", "q1", OURS, model=True)
    votes.cast(POLL, "m:1", "q1", THEIRS)
    assert sorted({(vote.choice, vote.model) for vote in votes.all()}) == [("ours", True), ("theirs", False)]


def test_the_same_poll_goes_on_and_another_is_a_line(votes: Votes) -> None:
    votes.begin(POLL)
    assert votes.poll() == POLL
    with pytest.raises(
        UserError, match=r"has votes on ours, theirs \(2 questions, 3 judges, seed 0\); go on with those"
    ):
        votes.begin(replace(POLL, judges=5))


def test_forms_stay_signed_alike_when_a_poll_goes_on(votes: Votes) -> None:
    secret = votes.secret()
    votes.begin(POLL)
    assert votes.secret() == secret
    assert len(secret) == 64


def test_a_file_without_a_poll_is_a_line_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there are no votes in .*none\.sqlite; begin with: autoact judge TRIAL"):
        Votes(tmp_path / "none.sqlite").poll()
    assert not (tmp_path / "none.sqlite").exists()


def test_a_file_of_another_kind_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "votes.txt").write_text("Ann likes ours. " * 100, "utf-8")
    with pytest.raises(UserError, match=r"cannot be used \(file is not a database\); name another --votes FILE"):
        Votes(tmp_path / "votes.txt").begin(POLL)


def test_many_at_once_begin_and_vote_and_no_more_count_than_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite"

    def judge(name: int) -> bool:
        Votes(path).begin(POLL)
        return Votes(path).cast(POLL, str(name), "q1", OURS if name % 2 else THEIRS)

    with ThreadPoolExecutor(12) as pool:
        counted = list(pool.map(judge, range(12)))
    assert 2 <= sum(counted) <= 3
    assert len(Votes(path).all()) == 5 * sum(counted)


def test_killed_processes_lose_no_vote_that_they_have_answered(votes: Votes) -> None:
    command = [sys.executable, "-c", VOTER, str(votes.path)]
    voters = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("a", "b")]
    said = [[voter.stdout.readline() for _ in range(20)] for voter in voters if voter.stdout]
    for voter in voters:
        os.kill(voter.pid, signal.SIGKILL)
        voter.communicate()
    kept = {vote.judge for vote in votes.all()}
    assert {f"{name} {line.strip()}" for name, lines in zip("ab", said, strict=True) for line in lines} <= kept
    assert len(votes.all()) == 2 * len(kept)


@pytest.mark.parametrize("row", ["UPDATE poll SET poll = '{}'", "UPDATE poll SET poll = '[1'", "DELETE FROM poll"])
def test_a_file_that_holds_no_poll_is_a_line(votes: Votes, row: str) -> None:
    with closing(sqlite3.connect(votes.path)) as database, database:
        database.execute(row)
    with pytest.raises(UserError, match="holds no poll; name another --votes FILE"):
        votes.poll()
