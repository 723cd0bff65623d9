"""Hostile SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.database import Settings, database_tool

RIGHT = ("SELECT capital FROM country", "capital\nLima")
CASES = [
    # joins and recursions without end
    "SELECT count(*) FROM number a, number b, number c, number d",
    "SELECT * FROM number a, number b, number c, number d ORDER BY random()",
    "SELECT count(DISTINCT a.n + b.n * c.n) FROM number a, number b, number c",
    "SELECT a.n FROM number a JOIN number b JOIN number c JOIN number d WHERE a.n + b.n + c.n + d.n < 0",
    "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t",
    "WITH RECURSIVE t(x) AS (SELECT 1 UNION SELECT x + 1 FROM t) SELECT max(x) FROM t",
    "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT * FROM t ORDER BY x DESC",
    "WITH RECURSIVE t(x) AS (SELECT 'a' UNION ALL SELECT x || x FROM t) SELECT length(x) FROM t",
    "SELECT (SELECT count(*) FROM number a, number b, number c WHERE a.n * b.n * c.n > number.n) FROM number",
    # work and memory in one step
    "SELECT instr(hex(zeroblob(4999999)), hex(zeroblob(2499999)) || '1')",
    "SELECT trim(hex(zeroblob(4999999)) || 'x', hex(zeroblob(900000)) || 'y')",
    "SELECT replace(hex(zeroblob(4999999)), '00', '0') LIKE '%0%0%0%0%0%0%0%0%0%0%0%0%0%0%0%1'",
    "SELECT zeroblob(1000000000)",
    "SELECT hex(zeroblob(9000000))",
    "SELECT printf('%1000000000d', 1)",
    "SELECT replace(hex(zeroblob(1000000)), '0', '0000000000')",
    "SELECT group_concat(a.n || b.n) FROM number a, number b, number c",
    "SELECT json_group_array(hex(zeroblob(100000))) FROM number a, number b",
    "SELECT json(replace(hex(zeroblob(1000000)), '0', '['))",
    "SELECT " + ", ".join(["zeroblob(9000000)"] * 49),
    "SELECT hex(zeroblob(100000)) FROM number",
    "SELECT a.n, hex(zeroblob(3000)) AS x FROM number a, number b ORDER BY x, a.n",
    "SELECT DISTINCT hex(zeroblob(3000)) || a.n || b.n FROM number a, number b",
    "SELECT quote(zeroblob(4000000))",
    "SELECT replace(quote(zeroblob(1000000)), '0', quote(zeroblob(100)))",
    "SELECT hex(zeroblob(400000)) GLOB '*0*0*0*0*0*0*0*0*0*0*0*0*0*0*1'",
    "SELECT sum(a.n) OVER (ORDER BY b.n ROWS BETWEEN 999999 PRECEDING AND 999999 FOLLOWING) FROM number a, number b",
    "SELECT a.n, (SELECT max(b.n * c.n) FROM number b, number c WHERE b.n <> a.n) FROM number a ORDER BY 2",
    "SELECT printf('%.*c', 900000000, 'x')",
    "SELECT format('%,!99999999.99999999f', 1e308)",
    "SELECT 1e999, -1e999, 9223372036854775807 + 1, 0xffffffffffffffff",
    "SELECT char(0, 27, 155, 55296, 1114111)",
    "SELECT * FROM generate_series(1, 1000000000000)",
    "SELECT * FROM json_each(replace(hex(zeroblob(1000000)), '00', '[]'))",
    "SELECT * FROM json_tree('[1]')",
    "SELECT * FROM country WHERE country MATCH 'x'",
    # changes and ways out
    "ATTACH DATABASE 'SECRET_FILE' AS secret",
    "ATTACH ':memory:' AS m",
    "DETACH main",
    "PRAGMA writable_schema = ON",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA query_only = OFF",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA mmap_size = 10000000000",
    "SELECT * FROM pragma_table_list",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_dbpage",
    "ANALYZE",
    "REINDEX",
    "EXPLAIN SELECT 1",
    "CREATE VIRTUAL TABLE t USING fts5(x)",
    "ATTACH 'file:SECRET_FILE?mode=ro' AS m",
    "SELECT edit('x', 'sh')",
    "SELECT * FROM pragma_database_list",
    "VACUUM INTO '/tmp/copy.sqlite'",
    "INSERT INTO country VALUES ('x', 'y')",
    "UPDATE country SET name = 'x'",
    "DROP TABLE country",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE TRIGGER t AFTER INSERT ON country BEGIN SELECT 1; END",
    "BEGIN EXCLUSIVE",
    "SELECT 1; DROP TABLE country",
    "SELECT load_extension('SECRET_FILE')",
    "SELECT readfile('SECRET_FILE')",
    "SELECT writefile('/tmp/copy', 'x')",
    "SELECT fts3_tokenizer('x')",
    "REPLACE INTO country VALUES ('x', 'y')",
    # source
    "SELECT " + "(" * 4000 + "1" + ")" * 4000,
    "SELECT " + "+".join(["1"] * 4000),
    "SELECT 1 " + "UNION SELECT 1 " * 600,
    "SELECT ?, :a, @b, $c",
    "SELECT /* " + "x" * 9000,
    "SELECT '" + "'" * 9000,
    "SELECT x'" + "0" * 9001 + "'",
    ";" * 9999,
    "SELECT " + ", ".join("1" * 3 for _ in range(1900)),
    "WITH " + ", ".join(f"t{i} AS (SELECT * FROM t{i + 1})" for i in range(250)) + " SELECT * FROM t0",
    "SELECT CASE WHEN " + "1 THEN CASE WHEN " * 500,
]


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> BaseTool:
    folder = tmp_path_factory.mktemp("task")
    with closing(sqlite3.connect(folder / "geo.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE country(name TEXT, capital TEXT)")
        connection.execute("INSERT INTO country VALUES ('Peru', 'Lima')")
        connection.execute("CREATE TABLE number(n INTEGER)")
        connection.executemany("INSERT INTO number VALUES (?)", [(n,) for n in range(1000)])
    return database_tool(Settings(file="geo.sqlite", seconds=0.4), folder)


def test_hostile_sql_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
