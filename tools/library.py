"""The library: from the names in a task file to tools, and from tools to what a model reads about them.

tools = build_tools(("Search", "Retrieve", "Lookup"), Path("corpus.jsonl"))
cards = [card(tool) for tool in tools] + [FINISH_CARD]
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from autoact.core.errors import TaskError
from autoact.core.records import FINISH, ToolCard
from autoact.tools.calculator import calculator_tool
from autoact.tools.corpus import load_corpus
from autoact.tools.lookup import lookup_tool
from autoact.tools.retrieve import retrieve_tool
from autoact.tools.search import search_tool

FINISH_CARD = ToolCard(FINISH, "ends with the answer.", "the answer alone.")

OVER_CORPUS = {"Search": search_tool, "Retrieve": retrieve_tool}
STANDALONE = {"Lookup": lookup_tool, "Calculator": calculator_tool}
NAMES = (*OVER_CORPUS, *STANDALONE)


def build_tools(names: Sequence[str], corpus: Path | None) -> tuple[BaseTool, ...]:
    """The named tools, in that order. Raises TaskError on an unknown name or a missing corpus."""
    for name in names:
        if name not in NAMES:
            raise TaskError(f"tools: {name} is not in the library; choose from {', '.join(NAMES)}")
        if name in OVER_CORPUS and corpus is None:
            raise TaskError(f"corpus: is missing, and {name} reads it; add a JSONL of title and text")
    pages = load_corpus(corpus) if corpus else None
    tools = []
    for name in names:
        tools.append(OVER_CORPUS[name](pages) if name in OVER_CORPUS and pages else STANDALONE[name]())
    return tuple(tools)


def card(tool: BaseTool) -> ToolCard:
    """What a model reads about a tool; one without a usage line shows the fields of its input."""
    usage = (tool.metadata or {}).get("usage")
    if usage is None:
        fields = input_fields(tool)
        listed = ", ".join(f"{name} ({kind})" for name, kind in fields.items()) or "no field"
        usage = f"the {next(iter(fields))} alone." if takes_text(fields) else f"one JSON object with {listed}."
    return ToolCard(tool.name, tool.description, str(usage))


def input_fields(tool: BaseTool) -> dict[str, str]:
    """Name and JSON type of each field that a model fills in (what the graph injects is not among them)."""
    schema: Any = tool.tool_call_schema
    properties = (schema if isinstance(schema, dict) else schema.model_json_schema()).get("properties", {})
    return {name: str(spec.get("type", "any")) for name, spec in properties.items()}


def takes_text(fields: Mapping[str, str]) -> bool:
    """Whether a model writes a tool's input as it is, rather than as a JSON object."""
    return list(fields.values()) == ["string"]
