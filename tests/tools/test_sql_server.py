"""A real PostgreSQL is read and never changed, whatever is asked of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, ToolException

from autoact.tools.database import Settings, database_tool
from autoact.tools.failures import ToolFailure, ToolUnreachable

pytestmark = pytest.mark.long

SETUP = """
CREATE ROLE reader LOGIN PASSWORD 'hunter2';
CREATE ROLE writer LOGIN PASSWORD 'hunter2';
CREATE TABLE country(name text, capital text, people int);
INSERT INTO country VALUES ('Peru', 'Lima', 34), ('Bolivia', NULL, 12);
GRANT SELECT ON country TO reader;
GRANT ALL ON country TO writer;
"""


def program(name: str) -> str:
    """A program of PostgreSQL, wherever the system keeps it."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(kept[0]) if kept else shutil.which(name) or f"{name} is not installed"


def as_nobody(*command: str) -> None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() == 0:
        command = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of our own on the loopback, with a role that reads and one that writes."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o777)
        data, secret = f"{folder}/data", Path(folder) / "secret"
        secret.write_text("postgres")
        secret.chmod(0o644)
        as_nobody(program("initdb"), "-D", data, "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={secret}", "-N")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        as_nobody(program("pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            run_as("postgres", "postgres", port, SETUP)
            yield port
        finally:
            as_nobody(program("pg_ctl"), "-D", data, "-m", "immediate", "stop")


def run_as(role: str, password: str, port: int, sql: str) -> list[tuple[Any, ...]]:
    import psycopg

    address = {"host": "127.0.0.1", "port": port, "user": role, "password": password, "dbname": "postgres"}
    with psycopg.connect(**address, autocommit=True) as connection:  # type: ignore[arg-type]
        found = connection.execute(sql.encode())
        return found.fetchall() if found.description else []


@pytest.fixture
def tool(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`tool(role)`: the database as that role."""
    monkeypatch.setenv("GEO_PASSWORD", "hunter2")

    def make(role: str = "reader", **changes: Any) -> BaseTool:
        url = f"postgresql+psycopg://{role}@127.0.0.1:{port}/postgres"
        return database_tool(Settings(url=url, password_variable="GEO_PASSWORD", **changes), tmp_path)

    return make


def test_rows_are_shown_under_their_names(tool: Any) -> None:
    shown = tool().invoke({"query": "SELECT * FROM country ORDER BY people DESC;"})
    assert shown == "name | capital | people\nPeru | Lima | 34\nBolivia | NULL | 12"


def test_rows_past_the_limit_are_left_out(tool: Any) -> None:
    shown = tool(rows=3).invoke({"query": "SELECT * FROM generate_series(1, 1000000) AS n -- a lot"})
    assert shown == "n\n1\n2\n3\nThe first 3 rows are shown; there are more."


def test_a_cell_is_cut_by_the_server(tool: Any) -> None:
    assert len(tool().invoke({"query": "SELECT repeat('x', 10000000) AS x, 'a%s' AS y"})) < 300


def test_what_is_wrong_is_said_with_the_tables(tool: Any) -> None:
    with pytest.raises(ToolException) as caught:
        tool().invoke({"query": "SELECT nme FROM country"})
    assert str(caught.value) == (
        'The query is wrong: column "nme" does not exist '
        "The tables are: country(name text, capital text, people integer)."
    )


@pytest.mark.parametrize("role", ["reader", "writer"])
@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM country",
        "INSERT INTO country VALUES ('x', 'y', 1)",
        "WITH gone AS (DELETE FROM country RETURNING *) SELECT * FROM gone",
        "SELECT 1; DELETE FROM country",
        "SELECT 1; COMMIT; DELETE FROM country",
        "SELECT 1) AS q(c0); DELETE FROM country; --",
        "COMMIT",
        "SET default_transaction_read_only = off",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "COPY (SELECT 1) TO PROGRAM 'touch /tmp/written'",
        "CREATE TEMP TABLE t(x int)",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "DO $$ BEGIN DELETE FROM country; END $$",
        "EXPLAIN ANALYZE DELETE FROM country",
    ],
)
def test_nothing_but_reading_is_done(tool: Any, port: int, role: str, query: str) -> None:
    with pytest.raises(ToolException, match=r"The query is wrong: "):
        tool(role).invoke({"query": query})
    assert run_as("postgres", "postgres", port, "SELECT count(*) FROM country") == [(2,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_sleep(60)",
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
        "SELECT repeat('x', 900000000) FROM generate_series(1, 100)",
    ],
)
def test_a_query_that_takes_too_long_is_ended_by_the_server(tool: Any, query: str) -> None:
    began = time.monotonic()
    with pytest.raises(ToolException, match=r"The query took longer than 0\.5 seconds\."):
        tool(seconds=0.5).invoke({"query": query})
    assert time.monotonic() - began < 2


def test_a_query_cannot_switch_its_time_limit_off_for_later_rows(tool: Any) -> None:
    query = (
        "SELECT set_config('statement_timeout', '0', false), CASE WHEN i > 3 THEN pg_sleep(30) END "
        "FROM generate_series(1, 30) AS i"
    )
    began = time.monotonic()
    with pytest.raises(ToolException, match=r"The query took longer than 0\.5 seconds\."):
        tool(seconds=0.5).invoke({"query": query})
    assert time.monotonic() - began < 2


def test_a_lock_does_not_outlive_its_query(tool: Any, port: int) -> None:
    tool().invoke({"query": "SELECT pg_advisory_lock(7)"})
    assert run_as("postgres", "postgres", port, "SELECT pg_try_advisory_lock(7)") == [(True,)]


def test_a_superuser_is_not_used(tool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    superuser = tool("postgres")
    monkeypatch.setenv("GEO_PASSWORD", "postgres")
    with pytest.raises(ToolFailure, match="role is a superuser; use one that reads"):
        superuser.invoke({"query": "SELECT 1"})


def test_a_wrong_password_is_a_failure_that_does_not_show_it(tool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = tool()
    monkeypatch.setenv("GEO_PASSWORD", "hunter3")
    with pytest.raises(ToolUnreachable, match="password authentication failed") as caught:
        reader.invoke({"query": "SELECT 1"})
    assert "hunter3" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(0.2)",
        "SELECT pg_terminate_backend(pg_backend_pid()) FROM generate_series(1, 10000)",
    ],
)
def test_a_connection_that_the_server_ends_is_a_failure_in_one_line(
    tool: Any, query: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    reader = tool()
    with pytest.raises(ToolUnreachable, match="The database does not answer: ") as caught:
        reader.invoke({"query": query})
    assert "\n" not in str(caught.value)
    assert (caplog.records, capfd.readouterr().err) == ([], "")
    assert reader.invoke({"query": "SELECT 1 AS n"}) == "n\n1"
