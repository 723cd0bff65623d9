"""The database answers one SELECT and takes nothing else; a query's limits are the tool's."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.core.errors import TaskError
from autoact.tools.database import Settings, database_tool, live, missing
from autoact.tools.failures import ToolUnreachable

COUNTRIES = [("Peru", "Lima", 34.0), ("Bolivia", None, 12.5), ("Ecuador", "Quito\nde los Chillos", 18.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with closing(sqlite3.connect(folder / "geo.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE country(name TEXT PRIMARY KEY, capital TEXT, people REAL)")
        connection.executemany("INSERT INTO country VALUES (?, ?, ?)", COUNTRIES)
        connection.execute("CREATE TABLE number(n INTEGER)")
        connection.executemany("INSERT INTO number VALUES (?)", [(n,) for n in range(1000)])
        connection.execute("CREATE VIEW big AS SELECT name FROM country WHERE people > 15")
    return folder


@pytest.fixture(scope="module")
def database(folder: Path) -> BaseTool:
    return database_tool(Settings(file="geo.sqlite"), folder)


def test_rows_are_shown_under_their_names(database: BaseTool) -> None:
    shown = database.invoke({"query": "SELECT name, capital, people FROM country ORDER BY name DESC"})
    assert shown.splitlines() == [
        "name | capital | people",
        "Peru | Lima | 34.0",
        "Ecuador | Quito de los Chillos | 18.0",
        "Bolivia | NULL | 12.5",
    ]


def test_the_raw_rows_are_kept(database: BaseTool) -> None:
    call = {"type": "tool_call", "id": "1", "name": "Database", "args": {"query": "SELECT name FROM big"}}
    raw = {"columns": ["name"], "rows": [["Peru"], ["Ecuador"]], "more": False}
    assert database.invoke(call).artifact == {"memory": None, "raw": raw}
    assert asyncio.run(database.ainvoke(call)).artifact["raw"] == raw


def test_the_usage_names_the_tables(database: BaseTool) -> None:
    assert (database.metadata or {})["usage"] == (
        "one SELECT in the SQL of SQLite; tables: "
        "big(name TEXT); country(name TEXT, capital TEXT, people REAL); number(n INTEGER)."
    )


def test_no_row_is_an_answer(database: BaseTool) -> None:
    assert database.invoke({"query": "SELECT name FROM country WHERE people > 99"}) == "name\nNo row matches."


def test_rows_past_the_limit_are_left_out_and_said_to_be(database: BaseTool) -> None:
    lines = database.invoke({"query": "SELECT n FROM number ORDER BY n"}).splitlines()
    assert lines[-2:] == ["29", "The first 30 rows are shown; there are more."]
    assert len(database.invoke({"query": "SELECT n FROM number LIMIT 30"}).splitlines()) == 31


def test_long_rows_and_cells_are_cut(database: BaseTool) -> None:
    shown = database.invoke({"query": "SELECT n, replace(hex(zeroblob(5000)), '0', 'ab') FROM number"})
    assert len(shown) < 4000
    assert shown.endswith("rows are shown; there are more.")


@pytest.mark.parametrize(
    "query",
    [
        "WITH big AS (SELECT * FROM country WHERE people > 20) SELECT name FROM big",
        "SELECT upper(lower(name)) AS name FROM country WHERE name LIKE 'per%'",
        "SELECT name FROM (SELECT name, row_number() OVER (ORDER BY people DESC) AS rank FROM country) WHERE rank = 1",
        "SELECT group_concat(name) AS name FROM country WHERE capital = 'Lima'",
        "SELECT name FROM country -- the largest\nORDER BY people DESC LIMIT 1;",
        "VALUES ('Peru')",
    ],
)
def test_reading_in_all_its_forms_is_allowed(database: BaseTool, query: str) -> None:
    assert database.invoke({"query": query}).splitlines()[1].casefold() == "peru"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT nme FROM country", "The query is wrong: no such column: nme."),
        ("SELECT 1; SELECT 2", "The query is wrong: You can only execute one statement at a time."),
        ("", "A query has 1 to 50 columns, and this one 0."),
        ("DELETE FROM country", "Only reading is allowed: one SELECT."),
        ("SELECT load_extension('x')", "The query is wrong: not authorized to use function: load_extension."),
        ("SELECT count(*) FROM number a, number b, number c, number d", "The query took longer than 1 seconds."),
    ],
)
def test_what_is_wrong_is_said_with_the_tables(database: BaseTool, query: str, reason: str) -> None:
    with pytest.raises(ToolException) as caught:
        database.invoke({"query": query})
    assert str(caught.value).startswith(f"{reason} The tables are: big(name TEXT); country(")


def test_a_sort_of_megabytes_is_done_in_memory(database: BaseTool) -> None:
    numbers = "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t LIMIT 20000)"
    query = f"{numbers} SELECT x, length(y) AS n FROM (SELECT x, hex(zeroblob(400)) AS y FROM t ORDER BY y, -x) LIMIT 1"
    assert database.invoke({"query": query}) == "x | n\n20000 | 800"


def test_a_port_is_a_number(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"^toolbox\.Database\.url: has a port that is no number"):
        database_tool(Settings(url="postgresql+psycopg://reader@localhost:abc/geo"), tmp_path)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TaskError, match=r"toolbox\.Database\.file: .*pipe is no file; give a SQLite file"):
        database_tool(Settings(file="pipe"), tmp_path)


def test_what_is_broken_in_a_file_is_passed_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE word(text TEXT)")
        connection.execute("INSERT INTO word VALUES (CAST(x'4cff' AS TEXT))")
        connection.execute("CREATE VIEW lost AS SELECT * FROM gone")
    tool = database_tool(Settings(file="old.sqlite"), tmp_path)
    assert "tables: word(text TEXT)." in (tool.metadata or {})["usage"]
    assert tool.invoke({"query": "SELECT text FROM word"}) == "text\nL\ufffd"


def test_nothing_is_written_beside_the_file(database: BaseTool, folder: Path) -> None:
    database.invoke({"query": "SELECT 1"})
    assert [path.name for path in folder.iterdir()] == ["geo.sqlite"]


def test_a_file_with_a_write_ahead_log_is_read_without_touching_it(tmp_path: Path) -> None:
    file = tmp_path / "log.sqlite"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t(x)")
    database = database_tool(Settings(file="log.sqlite"), tmp_path)
    assert database.invoke({"query": "SELECT count(*) AS n FROM t"}) == "n\n0"
    assert [path.name for path in tmp_path.iterdir()] == ["log.sqlite"]


def test_what_a_writer_has_committed_is_seen(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t(x)")
        database = database_tool(Settings(file="log.sqlite"), tmp_path)
        writer.execute("INSERT INTO t VALUES (7)")
        assert database.invoke({"query": "SELECT x FROM t"}) == "x\n7"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "unable to open|No such file"),
        (b"not a database at all", "cannot be read as a SQLite file"),
        (b"", "has no table"),
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "x.sqlite").write_bytes(content)
    with pytest.raises(TaskError, match=f"^toolbox.Database.file: .*({reason})"):
        database_tool(Settings(file="x.sqlite"), tmp_path)


@pytest.mark.parametrize("settings", [Settings(), Settings(file="a", url="postgresql+psycopg://h/d")])
def test_a_database_is_a_file_or_a_server(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="needs a file: or a url:, and not both"):
        database_tool(settings, tmp_path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql+psycopg://reader:secret@h/d", "must not hold the password"),
        ("postgresql+psycopg://h/d?password=secret", "must not hold the password"),
        ("mysql://h/d", "is not covered; write postgresql"),
        ("sqlite:///x", "is not covered"),
        ("nonsense", "is not covered"),
    ],
)
def test_a_url_that_cannot_work_is_refused_without_its_password(url: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=f"^toolbox.Database.url: {reason}") as caught:
        database_tool(Settings(url=url), tmp_path)
    assert "secret" not in str(caught.value)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Settings(url="postgresql+psycopg://reader@h/d", password_variable="GEO_PASSWORD")
    monkeypatch.delenv("GEO_PASSWORD", raising=False)
    assert missing(Settings()) == "toolbox.Database.file: a SQLite file, or url: a server"
    assert missing(server) == "GEO_PASSWORD in the environment"
    monkeypatch.setenv("GEO_PASSWORD", "hunter2")
    assert (missing(server), missing(Settings(file="x"))) == ("", "")


def test_a_server_is_live_under_its_address_and_a_file_is_not() -> None:
    assert live(Settings(url="postgresql+psycopg://h/d")) == "database postgresql+psycopg://h/d"
    assert live(Settings(file="x")) == ""


def test_a_server_that_is_down_is_a_failure_that_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEO_PASSWORD", "hunter2")
    settings = Settings(url="postgresql+psycopg://reader@127.0.0.1:1/d", password_variable="GEO_PASSWORD")
    with pytest.raises(ToolUnreachable, match=r"^The database does not answer: .*refused") as caught:
        database_tool(settings, tmp_path).invoke({"query": "SELECT 1"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"rows": 0}, {"rows": 101}, {"seconds": 0}, {"seconds": 61}, {"writable": True}])
def test_settings_have_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Settings(file="x", **changes)
