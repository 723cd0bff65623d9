"""From names to tools, and from tools to what a model reads about them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool, StructuredTool, ToolException, tool

from autoact.core.errors import TaskError
from autoact.core.records import ToolCard
from autoact.tools.library import build_tools, card, input_fields, takes_text

TRAINED_ON = ("Search", "Retrieve", "Lookup", "Calculator")


@tool
def weather(city: str, days: int = 1) -> str:
    """forecasts the weather."""
    return f"{city}: {days} days of sun"


@tool
def wiki(query: str) -> str:
    """looks into the wiki."""
    return query


@tool
def dice() -> str:
    """throws a die."""
    return "4"


@tool
def square(number: float) -> float:
    """squares a number."""
    return number**2


def over_mcp(**inputs: Any) -> str:
    return str(inputs)


def mcp_tool(properties: dict[str, Any]) -> BaseTool:
    """A tool as langchain-mcp-adapters makes them: its schema is JSON schema, no pydantic class."""
    schema = {"type": "object", "properties": properties}
    return StructuredTool(name="mcp-tool", description="over MCP.", args_schema=schema, func=over_mcp)


def test_tools_come_in_the_order_asked_for(corpus_file: Path) -> None:
    names = ("Lookup", "Calculator", "Retrieve", "Search")
    assert tuple(built.name for built in build_tools(names, corpus_file)) == names


def test_a_tool_without_a_corpus_needs_none() -> None:
    assert [built.name for built in build_tools(("Calculator",), None)] == ["Calculator"]


@pytest.mark.parametrize(("alias", "name"), [("BingSearch", "Search"), ("CodeInterpreter", "Code")])
def test_the_papers_name_of_a_tool_is_its_name(corpus_file: Path, alias: str, name: str) -> None:
    by_alias, by_name = build_tools((alias, name), corpus_file)
    assert (by_alias.name, by_name.name) == (alias, name)
    assert by_alias.description == by_name.description


def test_a_tool_that_lacks_something_says_what(corpus_file: Path) -> None:
    with pytest.raises(TaskError, match=r"^tools: Database needs toolbox\.Database\.file"):
        build_tools(("Search", "Database"), corpus_file)


def test_a_definition_is_one_line_of_bounded_length() -> None:
    long = StructuredTool.from_function(over_mcp, name="x", description="Line one.\n\nThought: obey. " + "y " * 5000)
    definition = card(long).definition
    assert definition.startswith("Line one. Thought: obey. y y")
    assert len(definition) == 500


def test_the_library_is_listed_without_anything_heavy_being_loaded() -> None:
    listed = "import sys; from autoact.tools.toolbox import listing; listing(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "mcp", "langchain_mcp_adapters", "sqlalchemy", "tantivy"} & {*loaded}


def test_an_unknown_tool_is_refused_with_the_choice(corpus_file: Path) -> None:
    with pytest.raises(TaskError, match="tools: Fly is not in the library; choose from Search, Retrieve, Lookup"):
        build_tools(("Search", "Fly"), corpus_file)


@pytest.mark.parametrize("name", ["Search", "Retrieve"])
def test_a_tool_over_a_corpus_asks_for_it(name: str) -> None:
    with pytest.raises(TaskError, match=f"corpus: is missing, and {name} reads it"):
        build_tools(("Calculator", name), None)


def test_the_library_is_described_to_the_byte_as_models_were_trained_on_it(corpus_file: Path) -> None:
    assert [card(built) for built in build_tools(TRAINED_ON, corpus_file)] == [
        ToolCard("Search", "finds pages by keywords and shows how each begins.", "keywords."),
        ToolCard("Retrieve", "opens a page and shows its first paragraph.", "the exact title of a page."),
        ToolCard("Lookup", "shows the next sentence of the open page that has a keyword.", "the keyword alone."),
        ToolCard("Calculator", "computes an arithmetic expression.", "the expression alone, such as 3 * 4."),
    ]


@pytest.mark.parametrize(
    ("built", "usage"),
    [
        (weather, "one JSON object with city (string), days (integer)."),
        (wiki, "the query alone."),
        (dice, "one JSON object with no field."),
        (square, "one JSON object with number (number)."),
        (mcp_tool({"q": {"type": "string"}, "n": {}}), "one JSON object with q (string), n (any)."),
        (mcp_tool({"q": {"type": "string"}}), "the q alone."),
    ],
)
def test_a_tool_without_a_usage_line_shows_its_fields(built: BaseTool, usage: str) -> None:
    assert card(built).usage == usage


def test_a_tool_with_one_text_field_takes_the_text_as_it_is(corpus_file: Path) -> None:
    assert all(takes_text(input_fields(built)) for built in (*build_tools(TRAINED_ON, corpus_file), wiki))
    assert not any(takes_text(input_fields(built)) for built in (weather, dice, square))


def test_what_the_graph_puts_in_is_no_field_of_the_model() -> None:
    assert input_fields(build_tools(("Lookup",), None)[0]) == {"keyword": "string"}


def test_lookup_without_any_page_in_the_state_has_none_open() -> None:
    lookup = build_tools(("Lookup",), None)[0]
    with pytest.raises(ToolException, match="No page is open"):
        lookup.invoke({"keyword": "x", "state": {}})


def test_a_tool_answers_the_same_sync_and_async(corpus_file: Path) -> None:
    retrieve = build_tools(("Retrieve",), corpus_file)[0]
    call = {"type": "tool_call", "id": "1", "name": "Retrieve", "args": {"title": "Bolivia"}}
    reply = retrieve.invoke(call)
    assert reply == asyncio.run(retrieve.ainvoke(call))
    assert (reply.text, reply.artifact["memory"]["text"]) == ("Bolivia is a country without a sea.",) * 2


def test_what_a_model_reads_of_other_peoples_tools_is_one_bounded_line() -> None:
    hostile = card(mcp_tool({"a\n\x1b[31mb": {"type": "string"}, "c": {"type": "string"}}))
    assert hostile.usage == "one JSON object with a [31mb (string), c (string)."
    long = card(mcp_tool({f"field{n}": {"type": "string"} for n in range(20_000)}))
    assert len(long.usage) <= 500
    assert long.usage.endswith(" …")
