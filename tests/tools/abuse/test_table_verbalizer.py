"""Hostile tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.table_verbalizer import Settings, table_verbalizer_tool

RIGHT = ("city\nLima", "Row 1: city is Lima.")
CASES = [
    "[" * 50_000,
    '{"a":' * 20_000,
    '[{"a": ' + "[" * 900 + "]" * 900 + "}]",
    '[{"a": ' + "9" * 90_000 + "}]",
    '[{"a": 1e999999999, "b": -Infinity, "c": NaN}]',
    '{"a": [' + "1," * 49_000 + "1]}",
    "{" + ",".join(f'"{i}": [1]' for i in range(7000)) + "}",
    "[" + ",".join(["{}"] * 30_000) + "]",
    '[["a"], [{"a": [{"a": [{"a": []}]}]}]]',
    '["a", ["b"]]',
    "a\n" + '"' * 90_000,
    '"' * 99_999,
    "a," * 49_999,
    "a,b\n" + "," * 90_000,
    "a,b\n" + "\n" * 90_000,
    "a\n" * 49_999,
    "|" * 90_000,
    "|a\n" + "-" * 90_000 + "a",
    "|a|\n" + "|-" * 45_000,
    "|" + "\\|" * 45_000 + "\n|1",
    "```" * 30_000,
    "```\n" * 20_000,
    "\ufeff" * 90_000,
    "a,b\n=cmd|' /C calc'!A0,@SUM(1)",
    "<!DOCTYPE x [<!ENTITY a SYSTEM 'file://SECRET_FILE'>]><x>&a;</x>",
]


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    return table_verbalizer_tool(Settings(), Path())


def test_a_hostile_table_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
