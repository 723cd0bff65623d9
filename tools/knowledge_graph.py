"""KnowledgeGraph: an entity's name → its facts, or a SPARQL query → its rows; from an RDF file, or from Wikidata.

toolbox:
  KnowledgeGraph: {file: geo.ttl}
  # or {backend: wikidata, contact: me@example.org}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ConfigDict, Field

from autoact.core.errors import TaskError
from autoact.tools.box import Box, Limits
from autoact.tools.memory import Output, library_tool, remember
from autoact.tools.rows import rows_as_text
from autoact.tools.wikidata import API, SPARQL, Wikidata

DEFINITION = "shows the facts of an entity, or answers a SPARQL query."
USAGE = "the name of an entity alone, or one SPARQL query, SELECT or ASK."
USAGE_TERMS = 1000


class Settings(BaseModel):
    """What `toolbox: {KnowledgeGraph: …}` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["file", "wikidata"] = Field("file", description="Whose facts are shown.")
    file: str = Field("", description="RDF file: Turtle, N-Triples, N-Quads, TriG, RDF/XML or JSON-LD by its ending.")
    rows: int = Field(30, gt=0, le=100, description="Rows shown at most.")
    seconds: float = Field(1.0, gt=0, le=60, description="Seconds a query of a file may take.")
    url: str = Field(SPARQL, description="The query service of Wikidata.")
    api: str = Field(API, description="The api.php of Wikidata, which finds entities by name.")
    contact: str = Field("", description="A mail address or page by which Wikidata can reach you.")
    language: str = Field("en", pattern="^[a-z-]{2,12}$", description="Language of names in Wikidata.")
    timeout: float = Field(30.0, gt=0, le=120, description="Seconds an answer of Wikidata may take.")


def missing(settings: Settings) -> str:
    """What a knowledge graph lacks to be used here; empty when nothing."""
    if settings.backend == "wikidata":
        unknown = "toolbox.KnowledgeGraph.contact: a mail address or page by which Wikidata can reach you"
        return "" if settings.contact.strip() else unknown
    return "" if settings.file else "toolbox.KnowledgeGraph.file: an RDF file, or backend: wikidata"


def live(settings: Settings) -> str:
    """The address of Wikidata; empty for a file."""
    return f"wikidata {settings.url} {settings.language}" if settings.backend == "wikidata" else ""


def knowledge_graph_tool(settings: Settings, folder: Path) -> BaseTool:
    """A graph that can only be read."""
    if settings.backend == "wikidata":
        wikidata = Wikidata(settings.url, settings.api, settings.contact, settings.language, settings.timeout)
        usage = f"{USAGE[:-1]} with the prefixes of Wikidata (wd:, wdt:, p:, ps:, rdfs:)."
        return _tool(lambda request: wikidata.answer(request, settings.rows), usage)
    if not settings.file:
        raise TaskError("toolbox.KnowledgeGraph.file: is missing; give an RDF file, or backend: wikidata")
    try:
        path = str(folder / settings.file)
        box = Box("autoact.tools.rdf_file", (path, str(settings.rows)), Limits(settings.seconds))
    except ValueError as problem:
        raise TaskError(f"toolbox.KnowledgeGraph.file: {problem}; give an RDF file with facts") from None
    return _tool(box.ask, f"{USAGE[:-1]}; {_terms(box.about)}.")


def _tool(answer: Callable[[str], Mapping[str, Any]], usage: str) -> BaseTool:
    def run(query: str) -> Output:
        found = answer(query)
        if "rows" in found:
            return Output(rows_as_text(found["columns"], found["rows"], more=found["more"]), raw=found)
        facts = "\n".join(found["facts"]) or "The graph says nothing about it."
        more = "\nThere are more facts; a SPARQL query finds them." if found["more"] else ""
        return Output(facts + more, remember(facts), raw=found)

    return library_tool("KnowledgeGraph", DEFINITION, usage, run, slow=True)


def _terms(about: Mapping[str, Any]) -> str:
    """The prefixes and the common properties of a file, which a query is written with."""
    prefixes = ", ".join(f"{name}: <{start}>" for name, start in about["prefixes"].items())
    listed = f"prefixes: {prefixes or 'none'}; properties: {', '.join(about['properties'])}"
    return listed if len(listed) <= USAGE_TERMS else f"{listed[: USAGE_TERMS - 1]}…"
