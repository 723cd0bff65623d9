"""A table becomes a sentence per row, in whatever form it is written."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.tools import ToolException

from autoact.tools.table_verbalizer import Settings, live, missing, read_table, table_verbalizer_tool, verbalize


def words(table: str, limit: int = 100) -> str:
    return verbalize(read_table(table), limit)


@pytest.mark.parametrize(
    "table",
    [
        "name,capital\nPeru,Lima\nBolivia,Sucre",
        "name;capital\nPeru;Lima\nBolivia;Sucre\n",
        "name\tcapital\nPeru\tLima\nBolivia\tSucre",
        '"name", "capital"\n"Peru", "Lima"\n\n"Bolivia", "Sucre"',
        "| name | capital |\n|:--|--:|\n| Peru | Lima |\n| Bolivia | Sucre |",
        "name | capital\n--- | ---\nPeru | Lima\nBolivia | Sucre",
        '[{"name": "Peru", "capital": "Lima"}, {"name": "Bolivia", "capital": "Sucre"}]',
        '[["name", "capital"], ["Peru", "Lima"], ["Bolivia", "Sucre"]]',
        '{"name": ["Peru", "Bolivia"], "capital": ["Lima", "Sucre"]}',
        "\ufeffname,capital\nPeru,Lima\nBolivia,Sucre",
        '\ufeff [["name", "capital"], ["Peru", "Lima"], ["Bolivia", "Sucre"]]',
        "```csv\nname,capital\r\nPeru,Lima\r\nBolivia,Sucre\n```\n",
        "```\n| name | capital |\n|---|---|\n| Peru | Lima |\n| Bolivia | Sucre |",
        '```json\n[["name", "capital"], ["Peru", "Lima"], ["Bolivia", "Sucre"]]```',
        "Table 1. Capitals\n| name | capital |\n|---|---|\n| Peru | Lima |\n| Bolivia | Sucre |",
        "+------+---+\n| name | capital |\n+---+---+\n| Peru | Lima |\n| Bolivia | Sucre |\n+---+---+",
    ],
)
def test_every_form_of_a_table_gives_the_same_sentences(table: str) -> None:
    assert words(table) == "Row 1: name is Peru; capital is Lima.\nRow 2: name is Bolivia; capital is Sucre."


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ('{"name": "Peru", "sea": true}', "Row 1: name is Peru; sea is yes."),
        ('[{"n": 1.10, "id": 12345678901234567890}]', "Row 1: n is 1.10; id is 12345678901234567890."),
        ('[{"a": 1}, {"b": null}]', "Row 1: a is 1.\nRow 2: all cells are empty."),
        ("price;date\n1,5;2026-11-21", "Row 1: price is 1,5; date is 2026-11-21."),
        ("a,b\n1,2,3", "Row 1: a is 1; b is 2; column 3 is 3."),
        ("a,b\n1", "Row 1: a is 1."),
        ("a,\n1,2", "Row 1: a is 1; column 2 is 2."),
        ("a,a (2),a\n1,2,3", "Row 1: a is 1; a (2) is 2; a (3) is 3."),
        ("column 2,\n1,2", "Row 1: column 2 is 1; column 2 (2) is 2."),
        ("\tb\n1\t2", "Row 1: column 1 is 1; b is 2."),
        ("a|b,c\n1,2", "Row 1: a|b is 1; c is 2."),
        ("a,b\n1\u20282,3", "Row 1: a is 1 2; b is 3."),
        ("a,b\n ,\n,1", "Row 1: all cells are empty.\nRow 2: b is 1."),
        ("|a|b|\n|-|-|\n|-|-|", "Row 1: a is -; b is -."),
        ("a | b\n-|-\nx\\|y | z", "Row 1: a is x|y; b is z."),
        ('"two\nlines",b\n1,"3\n4"', "Row 1: two lines is 1; b is 3 4."),
        ('{"a": [1, 2], "b": [3]}', "Row 1: a is 1; b is 3.\nRow 2: a is 2."),
        ('{"of": "Peru", "a": [1, 2]}', "Row 1: of is Peru; a is 1.\nRow 2: of is Peru; a is 2."),
        ('[{"a\\nRow 2: b": "1\\n2"}]', "Row 1: a Row 2: b is 1 2."),
        ('[{"a": {"b": [1, true], "c": [[[2]]]}, "d": NaN}]', "Row 1: a is b: 1, yes, c: …; d is NaN."),
    ],
)
def test_cells_are_left_as_they_are_written(table: str, sentence: str) -> None:
    assert words(table) == sentence


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "There is no table"),
        ("[]", "There is no table"),
        ("{}", "There is no table"),
        ("|||", "There is no table"),
        ("|---|\n|---|", "There is no table"),
        ("```\n```", "There is no table"),
        ("I am a text.\nI have two lines.", "There is no table"),
        ("<html>\n<body>\n</html>", "There is no table"),
        ("name,capital", "The table has no row under name, capital"),
        ("[1, 2]", "neither a list of objects nor a list of lists"),
        ("[", "The table is not JSON"),
        ("[" * 50_000, "The table is not JSON"),
        ("a" * 100_001, "too long: 100,001 characters"),
        (",".join("a" * 101) + "\n1", "too many columns: 101"),
    ],
)
def test_what_is_no_table_is_said_to_be_none(table: str, reason: str) -> None:
    with pytest.raises(ToolException, match=reason):
        words(table)


@pytest.mark.parametrize("table", ["a,b\n" + "1,2\n" * 20_000, "a,b\n" + f"{'x' * 5000},{'y' * 5000}\n" * 9])
def test_many_rows_and_long_cells_are_left_out(table: str) -> None:
    shown = words(table, 1000)
    assert len(shown) < 4000
    assert max(map(len, shown.splitlines())) < 500


def test_a_first_row_that_does_not_fit_is_cut() -> None:
    names, cells = (",".join([mark * 300] * 100) for mark in "ab")
    shown = words(f"{names}\n{cells}\n1").splitlines()
    assert shown[0].startswith(f"Row 1: {'a' * 199}… is {'b' * 199}…; ")
    assert (len(shown[0]), shown[1]) == (3600, "The rows after these are left out.")


def test_cells_past_the_most_columns_are_said_to_be_left_out() -> None:
    assert words("a\n" + ",".join("1" * 101)).endswith("; column 100 is 1; the cells after these are left out.")


@pytest.mark.parametrize("depth", range(850, 1000, 10))
def test_no_nesting_is_too_deep(depth: int) -> None:
    with suppress(ToolException):
        assert words(f'[{{"a": {"[" * depth}{"]" * depth}}}]') == "Row 1: a is …."


def test_rows_past_the_limit_are_left_out() -> None:
    assert words("a\n1\n2\n3", 2) == "Row 1: a is 1.\nRow 2: a is 2.\nThe rows after these are left out."
    assert words("a\n1\n2", 2) == "Row 1: a is 1.\nRow 2: a is 2."


@pytest.mark.parametrize("line", ["|a\n" + "-" * 90_000 + "a", "|" + "\\|" * 45_000 + "\n|1", "a\n" + '"' * 90_000])
def test_no_table_takes_long(line: str) -> None:
    began = time.monotonic()
    words(line)
    assert time.monotonic() - began < 0.5


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_a_table_or_said_to_be_none(text: str) -> None:
    with suppress(ToolException):
        assert words(text).startswith("Row 1: ")


def test_the_tool_gives_lookup_its_sentences() -> None:
    tool = table_verbalizer_tool(Settings(rows=1), Path())
    call = {"type": "tool_call", "id": "1", "name": "TableVerbalizer", "args": {"table": "a\n1\n2"}}
    reply = tool.invoke(call)
    assert reply.text == reply.artifact["memory"]["text"] == "Row 1: a is 1.\nThe rows after these are left out."
    assert missing(Settings()) == live(Settings()) == ""
