"""Hostile keywords."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.lookup import lookup_tool
from autoact.tools.memory import remember

RIGHT = ("city", "(Result 1/1) Lima is a city.")
STATE = {"memory": remember("Lima is a city.\n" + "It lies by the sea.\n" * 40_000)}
CASES = [".*", "(a+)+$", "\\", "[", "{0.__class__}", "%s" * 1000, "İ" * 100_000, ".\n" * 1000]


@pytest.fixture(scope="module")
def tool() -> BaseTool:
    return lookup_tool()


def test_a_hostile_keyword_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
