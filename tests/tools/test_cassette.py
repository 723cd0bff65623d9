"""What live tools answered is kept once, found again, and never overwritten."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autoact.core.errors import TaskError
from autoact.tools.cassette import Answer, Call, Cassette

LIMA = Call("Search", "brave https://x", '{"query": "Lima"}')


@pytest.fixture
def cassette(tmp_path: Path) -> Cassette:
    return Cassette(tmp_path / "cassette.sqlite")


def test_an_answer_is_found_again_by_another_process_run(cassette: Cassette) -> None:
    answer = Answer("1. Lima: …", {"memory": None, "raw": [1, "é", None]})
    cassette.keep(LIMA, answer)
    cassette.close()
    again = Cassette(cassette.path)
    assert again.find(LIMA) == answer
    assert len(again) == 1


def test_a_refusal_is_an_answer_too(cassette: Cassette) -> None:
    cassette.keep(LIMA, Answer("No page is titled Lma.", ok=False))
    assert cassette.find(LIMA) == Answer("No page is titled Lma.", None, ok=False)


@pytest.mark.parametrize(
    "other",
    [
        Call("Retrieve", LIMA.backend, LIMA.input),
        Call("Search", "tavily https://x", LIMA.input),
        Call("Search", LIMA.backend, '{"query": "lima"}'),
    ],
)
def test_tool_backend_and_input_make_the_key(cassette: Cassette, other: Call) -> None:
    cassette.keep(LIMA, Answer("x"))
    assert cassette.find(other) is None


def test_an_answer_that_has_changed_is_noticed_and_kept_beside_the_first(
    cassette: Cassette, caplog: pytest.LogCaptureFixture
) -> None:
    cassette.keep(LIMA, Answer("old"))
    cassette.keep(LIMA, Answer("old", artifact="a time stamp, say"))
    assert cassette.drifts() == []
    with caplog.at_level(logging.WARNING):
        cassette.keep(LIMA, Answer("new"))
        cassette.keep(LIMA, Answer("newer"))
    (drift,) = cassette.drifts()
    assert (drift.tool, drift.recorded, drift.now, drift.times) == ("Search", "old", "newer", 2)
    assert cassette.find(LIMA) == Answer("old")
    assert "Search no longer answers as recorded" in caplog.text


def test_an_answer_that_became_a_refusal_has_changed(cassette: Cassette) -> None:
    cassette.keep(LIMA, Answer("x"))
    cassette.keep(LIMA, Answer("x", ok=False))
    assert len(cassette.drifts()) == 1


def test_an_answer_too_large_is_not_kept_and_said_so(cassette: Cassette, caplog: pytest.LogCaptureFixture) -> None:
    cassette.keep(LIMA, Answer("x", "y" * 1_000_001))
    assert cassette.find(LIMA) is None
    assert "too large for the cassette" in caplog.text


def test_an_input_of_any_length_is_a_key(cassette: Cassette) -> None:
    call = Call("Search", "b", "x" * 10_000_000)
    cassette.keep(call, Answer("y"))
    assert cassette.find(call) == Answer("y")
    assert cassette.path.stat().st_size < 100_000


def test_a_full_disk_costs_the_recording_and_not_the_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cassette = Cassette(tmp_path / "small.sqlite", largest=32_768)
    for number in range(50):
        cassette.keep(Call("Search", "b", str(number)), Answer("x" * 4000))
    assert "does not record: database or disk is full" in caplog.text
    assert 0 < len(cassette) < 50


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database" * 100)
    for path in (tmp_path / "notes.txt", tmp_path, tmp_path / "no" / "folder.sqlite"):
        with pytest.raises(TaskError, match=r"^cassette: .* cannot be used .*; give the path of an SQLite file$"):
            Cassette(path)


def test_many_threads_record_at_once(cassette: Cassette) -> None:
    calls = [Call("Search", "b", str(number % 50)) for number in range(400)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda call: cassette.keep(call, Answer(call.input)), calls))
    assert len(cassette) == 50
    assert cassette.drifts() == []


RECORD = """
import sys
from pathlib import Path
from autoact.tools.cassette import Answer, Call, Cassette

cassette = Cassette(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 50):
    cassette.keep(Call("Search", "b", str(number)), Answer(str(number)))
"""


def test_many_processes_record_at_once(cassette: Cassette) -> None:
    command = [sys.executable, "-c", RECORD, str(cassette.path)]
    workers = [subprocess.Popen([*command, start]) for start in ("0", "25", "50")]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert len(cassette) == 100
    assert sqlite3.connect(cassette.path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_of_others_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE answers (question TEXT)")
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(TaskError, match=r"theirs\.sqlite is a database, but no cassette"):
            Cassette(path, read_only=read_only)
    assert path.read_bytes() == before


def test_damaged_pages_are_one_line_that_names_the_file(cassette: Cassette) -> None:
    for number in range(100):
        cassette.keep(Call("Search", "b", str(number)), Answer("x" * 1000))
    cassette.close()
    content = cassette.path.read_bytes()
    cassette.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    damaged = Cassette(cassette.path, read_only=True)
    for read in (damaged.drifts, damaged.__len__, lambda: damaged.find(LIMA)):
        with pytest.raises(TaskError, match=r"^cassette: .*cassette\.sqlite cannot be read"):
            read()


def test_a_cassette_that_is_only_read_is_not_written(cassette: Cassette, caplog: pytest.LogCaptureFixture) -> None:
    cassette.keep(LIMA, Answer("x"))
    reader = Cassette(cassette.path, read_only=True)
    reader.keep(LIMA, Answer("y"))
    assert (reader.find(LIMA), reader.drifts()) == (Answer("x"), [])
    assert "does not record" in caplog.text
