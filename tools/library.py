"""The library: from the names in a task file to tools, and from tools to what a model reads about them.

    tools = build_tools(("Search", "Retrieve", "Lookup"), Path("corpus.jsonl"))
    cards = [card(tool) for tool in tools] + [FINISH_CARD]
"""

from collections.abc import Sequence
from pathlib import Path

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
    """The named tools, in that order. Raises TaskError on an unknown name or a corpus that is needed and missing."""
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
    """What a model reads about a tool; a tool without a usage line shows its input schema as JSON."""
    usage = (tool.metadata or {}).get("usage")
    if usage is None:
        fields = {name: spec.get("type", "any") for name, spec in tool.args.items()}
        usage = f"one JSON object with {', '.join(f'{n} ({t})' for n, t in fields.items()) or 'no field'}."
    return ToolCard(tool.name, tool.description, str(usage))


def input_fields(tool: BaseTool) -> list[str]:
    """The fields of a tool's input that a model fills in (what the graph injects is not among them)."""
    return list(tool.tool_call_schema.model_json_schema().get("properties", {}))  # type: ignore[union-attr]
