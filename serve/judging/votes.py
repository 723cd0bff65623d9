"""The votes on disk: one SQLite file, which any number of processes may share.

    votes = Votes(trial / "judging.sqlite")
    votes.begin(poll)                                             # another poll on the same file is refused
    votes.cast(poll, "Ann", "q7", {"rounds": "autoact", …})       # on disk once it returns

A form is one transaction, in which it is also found out whether the question is still open.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from autoact.core.errors import UserError
from autoact.core.records import from_json, to_json
from autoact.eval.agreement import Poll, Vote, is_closed

PATIENCE = 30
TABLES = (
    """CREATE TABLE IF NOT EXISTS poll (
        only INTEGER PRIMARY KEY CHECK (only = 1), poll TEXT NOT NULL, secret TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS votes (
        judge TEXT NOT NULL, model INTEGER NOT NULL, question_id TEXT NOT NULL, aspect TEXT NOT NULL,
        choice TEXT NOT NULL, PRIMARY KEY (question_id, model, judge, aspect)
    ) WITHOUT ROWID""",
)
READ = "SELECT judge, question_id, aspect, choice, model FROM votes"


class Votes:
    """The votes of one poll."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, poll: Poll) -> None:
        """Begin the poll, or go on with it. Raises UserError when the file is another's."""
        with self._transaction() as database:
            for table in TABLES:
                database.execute(table)
            row = (json.dumps(to_json(poll)), secrets.token_hex(32))
            database.execute("INSERT OR IGNORE INTO poll VALUES (1, ?, ?)", row)
        self.check(poll)

    def check(self, poll: Poll) -> None:
        """Raises UserError unless the poll is the one that was begun."""
        if (kept := self.poll()) != poll:
            raise UserError(f"{self.path} has votes on {_told(kept)}; go on with those, or name another --votes FILE")

    def poll(self) -> Poll:
        """The poll that was begun. Raises UserError when none was."""
        if not self.path.is_file():
            raise UserError(f"there are no votes in {self.path}; begin with: autoact judge TRIAL METHOD METHOD")
        with self._opened() as database:
            row = database.execute("SELECT poll FROM poll").fetchone()
        try:
            return from_json(Poll, json.loads(row[0]))
        except (LookupError, TypeError, ValueError) as problem:
            raise UserError(f"{self.path} holds no poll; name another --votes FILE") from problem

    def secret(self) -> str:
        """What this poll's forms are signed with, and its orders drawn with."""
        with self._opened() as database:
            return str(database.execute("SELECT secret FROM poll").fetchone()[0])

    def cast(
        self, poll: Poll, judge: str, question_id: str, choices: Mapping[str, str], *, model: bool = False
    ) -> bool:
        """Keep a judge's choices by aspect, in place of earlier ones; a human's not once the question is closed."""
        with self._transaction() as database:
            rows = database.execute(f"{READ} WHERE question_id = ?", (question_id,)).fetchall()
            if not model and is_closed(map(_vote, rows), poll.judges):
                return False
            database.executemany(
                "INSERT OR REPLACE INTO votes (judge, model, question_id, aspect, choice) VALUES (?, ?, ?, ?, ?)",
                [(judge, model, question_id, aspect, choice) for aspect, choice in choices.items()],
            )
            return True

    def all(self) -> list[Vote]:
        """Every vote."""
        with self._opened() as database:
            return [_vote(row) for row in database.execute(READ)]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The database, its lock held from the first statement on."""
        with self._opened() as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The database, for as long as it takes: nothing of it stays open between two requests."""
        try:
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                yield database
        except sqlite3.Error as problem:
            raise UserError(
                f"the votes in {self.path} cannot be used ({problem}); name another --votes FILE"
            ) from problem


def _vote(row: tuple[str, str, str, str, int]) -> Vote:
    judge, question_id, aspect, choice, model = row
    return Vote(judge, question_id, aspect, choice, bool(model))


def _told(poll: Poll) -> str:
    methods, count = ", ".join(poll.methods), len(poll.questions)
    return f"{methods} ({count} questions, {poll.judges} judges, seed {poll.seed})"
