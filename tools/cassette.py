"""A cassette: what live tools answered, in an SQLite file, to be replayed without a network.

    cassette = Cassette(Path("cassette.sqlite"))
    cassette.keep(Call("Search", "brave https://…", '{"query": "Lima"}'), Answer("1. Lima: …"))
    cassette.find(call)                      # the answer recorded first, or None
    cassette.drifts()                        # live answers that no longer match the recorded ones

A recorded answer is never overwritten: one that has changed since is logged, counted and kept beside it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoact.core.errors import TaskError

LARGEST_ANSWER = 1_000_000
LARGEST_FILE = 1 << 30
SHOWN_INPUT = 1000
_PAGE_BYTES = 4096
_OURS = int.from_bytes(b"AAct", "big")  # the application_id that tells a cassette from the databases of others
_BEGIN = (
    "CREATE TABLE answers (key TEXT PRIMARY KEY, tool TEXT, backend TEXT, input TEXT, ok INTEGER, text TEXT,"
    " artifact TEXT, at REAL) WITHOUT ROWID",
    "CREATE TABLE drifts (key TEXT PRIMARY KEY, ok INTEGER, text TEXT, times INTEGER, at REAL) WITHOUT ROWID",
    f"PRAGMA application_id = {_OURS}",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What an answer is kept under: the tool, its backend and version, its input as JSON."""

    tool: str
    backend: str
    input: str

    @property
    def key(self) -> str:
        """A hash of all three, whatever their length."""
        return hashlib.sha256(json.dumps([self.tool, self.backend, self.input]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool answered: a text with an artifact, or (not ok) why it has none."""

    text: str
    artifact: Any = None
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Drift:
    """A live answer that no longer matches; `now` is the latest of them."""

    tool: str
    backend: str
    input: str
    recorded: str
    now: str
    times: int


class Cassette:
    """Answers by call, shared by threads and processes. Raises TaskError on a file that is no cassette."""

    def __init__(self, path: Path, largest: int = LARGEST_FILE, *, read_only: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        where = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        try:
            self._file = sqlite3.connect(where, timeout=10, check_same_thread=False, isolation_level=None, uri=True)
            if not read_only:
                self._file.execute(f"PRAGMA max_page_count = {largest // _PAGE_BYTES}")
                _begin(self._file)
            (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        except sqlite3.Error as problem:
            raise TaskError(f"cassette: {path} cannot be used ({problem}); give the path of an SQLite file") from None
        if mark != _OURS:
            self.close()
            raise TaskError(f"cassette: {path} is a database, but no cassette; give the path of another file")

    def find(self, call: Call) -> Answer | None:
        """The answer recorded for a call."""
        rows = self._read("SELECT text, artifact, ok FROM answers WHERE key = ?", call.key)
        return Answer(rows[0][0], json.loads(rows[0][1]), bool(rows[0][2])) if rows else None

    def keep(self, call: Call, answer: Answer) -> None:
        """Record an answer, or notice that it is not the one recorded. One too large is not kept, and said so."""
        artifact = json.dumps(answer.artifact)
        if len(artifact) + len(answer.text) > LARGEST_ANSWER:
            log.warning("%s gave an answer too large for the cassette %s", call.tool, self.path)
            return
        row = (call.key, call.tool, call.backend, call.input[:SHOWN_INPUT], answer.ok, answer.text, artifact)
        try:
            with self._lock:
                added = self._file.execute(
                    "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, time.time())
                )
            if not added.rowcount:
                self._compare(call, answer)
        except (sqlite3.Error, TaskError) as problem:  # a full disk must not cost the answer
            log.warning("the cassette %s does not record: %s", self.path, problem)

    def __len__(self) -> int:
        return int(self._read("SELECT count(*) FROM answers")[0][0])

    def drifts(self) -> list[Drift]:
        """Every call whose live answer has changed since it was recorded."""
        rows = self._read(
            "SELECT tool, backend, input, answers.text, drifts.text, times"
            " FROM drifts JOIN answers USING (key) ORDER BY drifts.at"
        )
        return [Drift(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _compare(self, call: Call, answer: Answer) -> None:
        recorded = self.find(call)
        if recorded is None or (recorded.text, recorded.ok) == (answer.text, answer.ok):
            return
        log.warning("%s no longer answers as recorded in %s: %s", call.tool, self.path, call.input[:100])
        with self._lock:
            self._file.execute(
                "INSERT INTO drifts VALUES (?, ?, ?, 1, ?) ON CONFLICT (key) DO UPDATE SET"
                " ok = excluded.ok, text = excluded.text, times = times + 1, at = excluded.at",
                (call.key, answer.ok, answer.text, time.time()),
            )

    def _read(self, query: str, *values: Any) -> list[Any]:
        try:
            with self._lock:
                return self._file.execute(query, values).fetchall()
        except sqlite3.Error as problem:
            raise TaskError(f"cassette: {self.path} cannot be read ({problem}); record a new one") from None


def _begin(file: sqlite3.Connection) -> None:
    """Make an empty file a cassette; two processes may try at once."""
    file.execute("BEGIN IMMEDIATE")
    if not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        for statement in _BEGIN:
            file.execute(statement)
    file.execute("COMMIT")
