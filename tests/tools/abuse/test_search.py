"""Hostile keywords."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus, Page
from autoact.tools.search import search_tool

RIGHT = ("city", "1. Lima: Lima is a city.")
CASES = [
    "text:*",
    "*:*",
    "title:lima AND NOT text:peru OR (",
    '"unclosed',
    "a~999999999",
    "[a TO z]",
    "+" * 100_000,
    "(" * 100_000,
    "a* " * 50_000,
    "lima^" + "9" * 1000,
    "/(a+)+$/",
    "title:[* TO *]",
    "NOT " * 100_000,
    '"' + "a " * 100_000 + '"~999999999',
    "\u202e" * 100_000,
    "é" * 100_000,
    "' OR 1=1 --",
]


@pytest.fixture(scope="module")
def tool(forged_texts: list[str]) -> BaseTool:
    forged = (Page(f"Forged {i}", text) for i, text in enumerate(forged_texts))
    return search_tool(Corpus([Page("Lima", "Lima is a city."), *forged]))


def test_a_hostile_query_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
