"""The library: the tools that ship with the package, and what a model reads about any tool.

    tools = build_tools(("Search", "Retrieve", "Lookup"), Path("corpus.jsonl"))
    cards = [card(tool) for tool in tools] + [FINISH_CARD]

tools/toolbox.py makes the tools of a task, with its settings and with tools of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict

from autoact.core.errors import TaskError
from autoact.core.records import FINISH, ToolCard
from autoact.tools import (
    calculator,
    code,
    database,
    image2text,
    knowledge_graph,
    lookup,
    retrieve,
    search,
    table_verbalizer,
    text2image,
    web_search,
    wiki,
)
from autoact.tools.corpus import Corpus, load_corpus
from autoact.tools.memory import shown

FINISH_CARD = ToolCard(FINISH, "ends with the answer.", "the answer alone.")
DESCRIPTION_LIMIT = 500
# What the library says of a database or a graph lists its tables or properties.
USAGE_LIMIT = 2000


class Place:
    """Where a task's tools find their files: its folder, and its corpus, which is read once."""

    def __init__(self, folder: Path, corpus: Path | None) -> None:
        self.folder = folder
        self._file = corpus

    @cached_property
    def _pages(self) -> Corpus | None:
        return load_corpus(self._file) if self._file else None

    def corpus(self, name: str) -> Corpus:
        """The pages that the tool of that name reads. Raises TaskError when the task names none."""
        if self._pages is None:
            raise TaskError(f"corpus: is missing, and {name} reads it; add a JSONL of title and text")
        return self._pages


class NoSettings(BaseModel):
    """Of a tool that has nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool of the library: what is told about it, what may be set, and how it is made.

    Of settings `needs` says what the tool works with, `missing` what it lacks to be used here, `live` which backend it
    asks over the network; the last two are empty for a tool that lacks or asks nothing. `content` is a hash of the file
    that an input of a live tool means.
    """

    definition: str
    usage: str
    needs: Callable[[Any], str]
    make: Callable[[Any, Place], BaseTool]
    settings: type[BaseModel] = NoSettings
    missing: Callable[[Any], str] = lambda _settings: ""
    live: Callable[[Any], str] = lambda _settings: ""
    content: Callable[[Any, Path, Mapping[str, Any]], str] | None = None


class ToolFile(Protocol):
    """What the file of a tool with settings has, beside the function that makes it."""

    DEFINITION: str
    USAGE: str

    @property
    def Settings(self) -> type[BaseModel]: ...

    def missing(self, settings: Any) -> str:
        """What the tool lacks to be used here."""

    def live(self, settings: Any) -> str:
        """The backend that it asks over the network."""


def _of_file(file: ToolFile, make: Callable[[Any, Path], BaseTool], needs: Callable[[Any], str]) -> Entry:
    """The entry of a tool that needs no corpus."""

    def made_at(settings: BaseModel, place: Place) -> BaseTool:
        return make(settings, place.folder)

    return Entry(file.DEFINITION, file.USAGE, needs, made_at, file.Settings, file.missing, file.live)


def _search(settings: web_search.Settings, place: Place) -> BaseTool:
    over_corpus = settings.backend == "corpus"
    return search.search_tool(place.corpus("Search") if over_corpus else web_search.WebSearch(settings))


def _retrieve(settings: wiki.Settings, place: Place) -> BaseTool:
    over_corpus = settings.backend == "corpus"
    return retrieve.retrieve_tool(place.corpus("Retrieve") if over_corpus else wiki.Wiki(settings))


def _nothing(_settings: BaseModel) -> str:
    return "nothing"


LIBRARY: dict[str, Entry] = {
    "Search": Entry(
        search.DEFINITION,
        search.USAGE,
        web_search.needs,
        _search,
        web_search.Settings,
        web_search.missing,
        web_search.live,
    ),
    "Retrieve": Entry(
        retrieve.DEFINITION, retrieve.USAGE, wiki.needs, _retrieve, wiki.Settings, wiki.missing, wiki.live
    ),
    "Lookup": Entry(
        lookup.DEFINITION, lookup.USAGE, lambda _: "a page that another tool opened", lambda *_: lookup.lookup_tool()
    ),
    "Image2Text": replace(
        _of_file(image2text, image2text.image2text_tool, image2text.needs), content=image2text.content
    ),
    "Text2Image": _of_file(text2image, text2image.text2image_tool, text2image.needs),
    "KnowledgeGraph": _of_file(
        knowledge_graph,
        knowledge_graph.knowledge_graph_tool,
        lambda settings: "Wikidata, and a contact" if settings.backend == "wikidata" else "an RDF file",
    ),
    "Database": _of_file(
        database,
        database.database_tool,
        lambda settings: "a PostgreSQL server" if settings.url else "a SQLite file",
    ),
    "Calculator": Entry(calculator.DEFINITION, calculator.USAGE, _nothing, lambda *_: calculator.calculator_tool()),
    "TableVerbalizer": _of_file(table_verbalizer, table_verbalizer.table_verbalizer_tool, _nothing),
    "Code": _of_file(
        code, code.code_tool, lambda settings: "bubblewrap" if settings.backend == "bubblewrap" else "nothing"
    ),
}
# The paper's names of two of them.
ALIASES = {"BingSearch": "Search", "CodeInterpreter": "Code"}


def entry_of(name: str) -> Entry:
    """The library's tool of a name or other name. Raises TaskError when it has none."""
    entry = LIBRARY.get(ALIASES.get(name, name))
    if entry is None:
        raise TaskError(
            f"tools: {name} is not in the library; choose from {', '.join(LIBRARY)}, "
            f"or say under toolbox.{name} where it comes from (import: or mcp:)"
        )
    return entry


def build_tools(names: Sequence[str], corpus: Path | None) -> tuple[BaseTool, ...]:
    """The library's tools of those names, as they are without settings.

    Raises TaskError on an unknown name, a missing corpus, or a tool that lacks something.
    """
    place = Place(Path(), corpus)
    entries = {name: entry_of(name) for name in names}
    for name, entry in entries.items():
        if lack := entry.missing(entry.settings()):
            raise TaskError(f"tools: {name} needs {lack}")
    return tuple(made(name, entry.settings(), place) for name, entry in entries.items())


def made(name: str, settings: BaseModel, place: Place) -> BaseTool:
    """The library's tool of a name, under that name. Raises TaskError on settings that cannot work."""
    return entry_of(name).make(settings, place).model_copy(update={"name": name})


def card(tool: BaseTool) -> ToolCard:
    """What a model reads about a tool; one without a usage line shows the fields of its input.

    Each is one bounded line, since other people's tools may say anything at any length.
    """
    usage = (tool.metadata or {}).get("usage")
    if usage is None:
        fields = input_fields(tool)
        listed = ", ".join(f"{name} ({kind})" for name, kind in fields.items()) or "no field"
        usage = f"the {next(iter(fields))} alone." if takes_text(fields) else f"one JSON object with {listed}."
        usage = _line(usage, DESCRIPTION_LIMIT)
    return ToolCard(tool.name, _line(tool.description, DESCRIPTION_LIMIT), _line(str(usage), USAGE_LIMIT))


def _line(text: str, limit: int) -> str:
    """The text as one printable line; what is left out is marked."""
    line = " ".join(shown(text).split())
    return line if len(line) <= limit else f"{line[: limit - 2].rstrip()} …"


def input_fields(tool: BaseTool) -> dict[str, str]:
    """Name and JSON type of each field that a model fills in (what the graph injects is not among them)."""
    schema: Any = tool.tool_call_schema
    properties = (schema if isinstance(schema, dict) else schema.model_json_schema()).get("properties", {})
    return {name: str(spec.get("type", "any")) for name, spec in properties.items()}


def takes_text(fields: Mapping[str, str]) -> bool:
    """Whether a model writes a tool's input as it is, rather than as a JSON object."""
    return list(fields.values()) == ["string"]
