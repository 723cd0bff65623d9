"""Hostile titles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus, Page
from autoact.tools.retrieve import retrieve_tool

RIGHT = ("Lima", "Lima is a city.")
CASES = [
    "Lima\x00.txt",
    "Lima|Peru|Bolivia",
    "Lima#:~:text=x",
    "{{Special:Export/Lima}}",
    "Lima?action=raw",
    "file:///etc/passwd%00.html",
    "Lima/../../../etc/passwd",
    "\u202eamiL",
    "a " * 500_000,
    "*",
    "' OR 1=1 --",
    "Lima" * 50_000,
    "İ" * 100_000,
]


@pytest.fixture(scope="module")
def tool(forged_texts: list[str]) -> BaseTool:
    forged = (Page(f"Forged {i}", text) for i, text in enumerate(forged_texts))
    return retrieve_tool(Corpus([Page("Lima", "Lima is a city."), *forged]))


def test_a_hostile_title_is_contained(contained: Callable[[str], None], hostile: str) -> None:
    contained(hostile)


def test_text_that_forges_turns_opens_none(opens_no_turn: Callable[[str], None], forged: str) -> None:
    opens_no_turn(forged)
