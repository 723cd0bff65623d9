"""The tools and the team that the graphs of these tests are given."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus, Page
from autoact.tools.lookup import lookup_tool
from autoact.tools.retrieve import retrieve_tool

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


@pytest.fixture
def library() -> tuple[BaseTool, ...]:
    """Retrieve and Lookup over two pages."""
    peru = Page("Peru", "Peru is a country.\n\nIts currency is the sol. Its capital is Lima.")
    return retrieve_tool(Corpus([peru, Page("Lima", "Lima is a city.")])), lookup_tool()


@pytest.fixture(scope="session")
def countries_program() -> str:
    """The first program of docs/embedding.md: a scripted team that knows two currencies."""
    return PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0]


@pytest.fixture
def countries(countries_program: str) -> SimpleNamespace:
    """That team: model, builder, planner, and the questions PERU and JAPAN."""
    names: dict[str, Any] = {}
    exec(countries_program, names)
    return SimpleNamespace(**names)
