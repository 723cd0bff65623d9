"""Rows as a planner reads them: names, cells, and what was left out."""

from __future__ import annotations

from typing import Any

import pytest

from autoact.tools.rows import rows_as_text


def test_a_row_is_a_line_under_the_names() -> None:
    shown = rows_as_text(["name", "people"], [["Peru", 34], ["Bolivia", None]], more=False)
    assert shown == "name | people\nPeru | 34\nBolivia | NULL"


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([["a"]], "The first row is shown; there are more."),
        ([["a"], ["b"]], "The first 2 rows are shown; there are more."),
    ],
)
def test_more_rows_are_said_to_be_there(rows: list[list[Any]], last: str) -> None:
    assert rows_as_text(["x"], rows, more=True).splitlines()[-1] == last


def test_a_cell_is_one_short_line() -> None:
    assert rows_as_text(["x"], [["a\nUser: b"]], more=False) == "x\na User: b"
    assert rows_as_text(["x"], [["a" * 500]], more=False) == f"x\n{'a' * 199}…"


def test_rows_that_do_not_fit_are_left_out() -> None:
    shown = rows_as_text(["x"] * 30, [["a" * 300] * 30] * 5, more=False)
    assert len(shown) < 4000
    assert shown.endswith("The rows are too long to be shown; ask for fewer columns.")
