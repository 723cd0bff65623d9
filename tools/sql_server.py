"""Reads a PostgreSQL server for hostile SQL, by SQLAlchemy and psycopg.

    server = SqlServer("postgresql+psycopg://reader@localhost/geo", "GEO_PASSWORD", rows=30, seconds=1.0)
    server.select("SELECT name FROM country")    # {"columns": ["name"], "rows": [["Peru"]], "more": False}

Give it a role that can only read: we add a read-only transaction, a time limit, a bound on rows and cells, and refuse a
superuser, but a function that the role may call is called. Each query has a connection of its own, since what a query
sets or locks must not outlive it. Other servers are not covered: read-only and time limits are spelt their own way.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from threading import Timer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langchain_core.tools import ToolException

from autoact.tools.failures import ToolFailure, ToolUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = 5
GRACE = 0.5
LONGEST_CELL = 200
LONGEST_QUERY = 10_000
MOST_COLUMNS = 50
TABLES = (
    "SELECT table_name || '(' || string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) || ')' "
    "FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema') "
    "GROUP BY table_schema, table_name ORDER BY table_schema, table_name LIMIT 100"
)


def check_url(url: str) -> None:
    """Raises ValueError saying what is wrong with a URL, without showing a password."""
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("has a port that is no number up to 65535; correct it") from None
    if parts.scheme != DRIVER or not parts.path.strip("/"):
        raise ValueError(f"is not covered; write {DRIVER}://USER@HOST/NAME")
    if parts.password or "password" in parts.query:
        raise ValueError("must not hold the password; put it into the environment and name it in password_variable")


class SqlServer:
    """A server and how much of it a query may take; connections live as long as a query."""

    def __init__(self, url: str, password_variable: str, rows: int, seconds: float) -> None:
        self._url = url
        self._variable = password_variable
        self._rows = rows
        self._seconds = seconds

    def select(self, query: str) -> dict[str, Any]:
        """The first rows of a query, every cell as text. Raises ToolException for what is not one SELECT."""
        query = query.replace("\x00", " ").encode("utf-8", "replace").decode().strip().rstrip(";")
        if len(query) > LONGEST_QUERY:
            raise ToolException(f"The query is too long: at most {LONGEST_QUERY:,} characters.")
        with self._reading() as connection:
            names = _names(connection, query)
            # A cell may be of any size: the server cuts it. No line of the query can comment out what follows.
            cells = ", ".join(f"left(c{i}::text, {LONGEST_CELL})" for i in range(len(names)))
            columns = ", ".join(f"c{i}" for i in range(len(names)))
            bounded = f"SELECT {cells} FROM (\n{query}\n) AS q({columns}) LIMIT {self._rows + 1}"
            # In one go: each fetch begins a time limit of its own, and the query may have set it.
            with closing(connection.exec_driver_sql(bounded)) as found:
                rows = [list(row) for row in found.fetchmany(self._rows + 1)]
        return {"columns": names, "rows": rows[: self._rows], "more": len(rows) > self._rows}

    def tables(self) -> list[str]:
        """Each table and view that the role may see, with its columns."""
        with self._reading() as connection:
            return [str(line) for (line,) in connection.exec_driver_sql(TABLES)]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection in a read-only transaction that is never committed."""
        from sqlalchemy.exc import DBAPIError

        try:
            with self._engine.connect() as connection:
                # A server-side cursor takes exactly one statement, and only one that selects.
                connection = connection.execution_options(
                    postgresql_readonly=True, no_parameters=True, stream_results=True
                )
                if connection.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").scalar():
                    raise ToolFailure("The database is not asked, since its role is a superuser; use one that reads.")
                with _cancelled_after(self._seconds + GRACE, connection):
                    yield connection
        except DBAPIError as problem:
            raise self._explained(problem) from None

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import NullPool, create_engine, event
        from sqlalchemy.engine import make_url

        url = make_url(self._url)
        if self._variable:
            url = url.set(password=os.environ.get(self._variable, ""))
        limits = {
            "statement_timeout": round(self._seconds * 1000),
            "lock_timeout": round(self._seconds * 1000),
            "idle_in_transaction_session_timeout": round(self._seconds * 1000) + 5000,
        }
        options = " ".join(f"-c {name}={value}" for name, value in limits.items())
        engine = create_engine(
            url,
            poolclass=NullPool,
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": options},
        )
        event.listen(engine, "connect", _close_whatever_happens)
        return engine

    def _explained(self, problem: Any) -> ToolException:
        """The error of a query for the planner; that of the server as a failure. No password is in it."""
        state = getattr(problem.orig, "sqlstate", None)
        line = (str(problem.orig).strip().splitlines() or [type(problem.orig).__name__])[0][:300]
        secret = os.environ.get(self._variable, "") if self._variable else ""
        line = line.replace(secret, "[password]") if secret else line
        if state == "57014":  # query_canceled
            return ToolException(f"The query took longer than {self._seconds:g} seconds.")
        if state is None or state[:2] in ("08", "28", "53", "57", "58", "XX"):  # connection, login, resources, system
            return ToolUnreachable(f"The database does not answer: {line}")
        return ToolException(f"The query is wrong: {line}")


def _close_whatever_happens(driver: Any, _record: Any) -> None:
    """Cursors that close when the server has hung up too; SQLAlchemy would print a traceback of each that does not."""
    from psycopg import OperationalError, ServerCursor

    class Cursor(ServerCursor[Any]):
        def close(self) -> None:
            try:
                super().close()
            except OperationalError:
                driver.close()
                super().close()  # without asking the server

        def __del__(self, *_: Any) -> None:
            """No warning: SQLAlchemy leaves a cursor open when its connection is lost, and nothing is left to close."""

    driver.server_cursor_factory = Cursor


@contextmanager
def _cancelled_after(seconds: float, connection: Connection) -> Iterator[None]:
    """Has the server cancel what it does for us by then, whatever became of its own time limit."""
    driver: Any = connection.connection.driver_connection

    def cancel() -> None:
        with suppress(Exception):  # the connection may have ended meanwhile
            driver.cancel_safe(timeout=CONNECT_SECONDS)

    timer = Timer(seconds, cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _names(connection: Connection, query: str) -> list[str]:
    with closing(connection.exec_driver_sql(query)) as described:
        names = list(described.keys())
    if not 0 < len(names) <= MOST_COLUMNS:
        raise ToolException(f"A query has 1 to {MOST_COLUMNS} columns, and this one {len(names)}.")
    return names
