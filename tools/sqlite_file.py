"""Reads a SQLite file for hostile SQL: the work that the Database tool has done in a box.

    prepare("geo.sqlite", "1.0", "30").answer("SELECT name FROM country")
    # {"columns": ["name"], "rows": [["Peru"], ["Bolivia"]], "more": False}

The file is opened read-only for every query; an authorizer lets reading and a list of functions through, a progress
handler ends a query in time, and sqlite's own limits bound what a query may build. Not covered: virtual tables (FTS).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from autoact.tools.box_server import Prepared

LONGEST_CELL = 200
MOST_COLUMNS = 50
STEPS_BETWEEN_LOOKS = 1000
WAL_HEADER = b"\x02\x02"  # bytes 18 and 19 of a file in write-ahead-log mode
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 50_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
HARMLESS = """
    abs char coalesce concat concat_ws format glob hex ifnull iif instr length like likelihood likely lower ltrim max
    min nullif octet_length printf quote random replace round rtrim sign substr substring trim typeof unicode unlikely
    upper zeroblob unhex date time datetime julianday strftime timediff unixepoch current_date current_time
    current_timestamp avg count group_concat median percentile string_agg sum total row_number rank dense_rank
    percent_rank cume_dist ntile lag lead first_value last_value nth_value acos asin atan atan2 ceil ceiling cos
    degrees exp floor ln log log10 log2 mod pi pow power radians sin sqrt tan trunc json json_array json_array_length
    json_extract json_group_array json_group_object json_object json_type json_valid -> ->>
"""
FUNCTIONS = frozenset(HARMLESS.split())


def prepare(path: str, seconds: str, rows: str) -> Prepared:
    """The tables of the file, and how a query is answered. Raises ValueError when it is no database."""
    file = Path(path)
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} is no file")
    try:
        tables = _tables(file)
    except sqlite3.Error as problem:
        raise ValueError(f"{path} cannot be read as a SQLite file ({problem})") from None
    if not tables:
        raise ValueError(f"{path} has no table")
    return Prepared(tables, lambda sql: _answer(file, sql, float(seconds), int(rows)))


def _tables(file: Path) -> list[str]:
    """Each table and view with its columns, such as `country(name TEXT, capital TEXT)`."""
    with closing(_connect(file)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        ).fetchall()
        return [table for (name,) in names if (table := _table(connection, name))]


def _table(connection: sqlite3.Connection, name: str) -> str:
    """A table with its columns; empty for one that cannot be read, such as a view over a table that is gone."""
    columns = "SELECT trim(name || ' ' || type) FROM pragma_table_info(?)"
    try:
        return f"{name}({', '.join(column for (column,) in connection.execute(columns, (name,)))})"
    except sqlite3.Error:
        return ""


def _connect(file: Path) -> sqlite3.Connection:
    # A file in write-ahead-log mode without a log has no writer; opened as it is, it would be given a log.
    with file.open("rb") as opened:
        logged = opened.read(20)[18:] == WAL_HEADER
    quiet = logged and not file.with_name(f"{file.name}-wal").exists()
    address = f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if quiet else ''}"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _answer(file: Path, sql: str, seconds: float, limit: int) -> dict[str, Any]:
    late = time.monotonic() + seconds
    with closing(_connect(file)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA temp_store = MEMORY")  # a box writes no file
        for category, most in LIMITS.items():
            connection.setlimit(category, most)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(lambda: time.monotonic() > late, STEPS_BETWEEN_LOOKS)
        try:
            cursor = connection.execute(sql)
            columns = [name[:LONGEST_CELL] for name, *_ in cursor.description or ()]
            if not 0 < len(columns) <= MOST_COLUMNS:
                raise ValueError(f"A query has 1 to {MOST_COLUMNS} columns, and this one {len(columns)}.")
            rows = [[_cell(value) for value in row] for row in islice(cursor, limit)]
            more = cursor.fetchone() is not None
        except (sqlite3.Error, sqlite3.Warning) as problem:
            raise ValueError(_reason(problem, seconds)) from None
    return {"columns": columns, "rows": rows, "more": more}


def _authorize(action: int, _first: str | None, second: str | None, _database: str | None, _by: str | None) -> int:
    called = action == sqlite3.SQLITE_FUNCTION and second is not None and second.lower() in FUNCTIONS
    return sqlite3.SQLITE_OK if called or action in READING else sqlite3.SQLITE_DENY


def _cell(value: Any) -> str | int | float | None:
    if isinstance(value, bytes):
        return f"x'{value[: LONGEST_CELL // 2].hex()}'"
    return value[:LONGEST_CELL] if isinstance(value, str) else value


def _reason(problem: Exception, seconds: float) -> str:
    text = str(problem)
    if text == "interrupted":
        return f"The query took longer than {seconds:g} seconds."
    if text in ("not authorized", "authorization denied"):
        return "Only reading is allowed: one SELECT."
    return f"The query is wrong: {text[:300].rstrip('.')}."
