"""The tools that the graphs of these tests are given."""

from __future__ import annotations

import pytest
from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus, Page
from autoact.tools.lookup import lookup_tool
from autoact.tools.retrieve import retrieve_tool


@pytest.fixture
def library() -> tuple[BaseTool, ...]:
    """Retrieve and Lookup over two pages."""
    peru = Page("Peru", "Peru is a country.\n\nIts currency is the sol. Its capital is Lima.")
    return retrieve_tool(Corpus([peru, Page("Lima", "Lima is a city.")])), lookup_tool()
