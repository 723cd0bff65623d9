"""Search: keywords → the openings of the best pages, numbered; over the task's corpus, or on the web.

task.yaml:  tools: [Search]
            toolbox: {Search: {backend: brave}}     # the key is BRAVE_API_KEY in the environment
"""

from collections.abc import Sequence
from typing import Protocol

from langchain_core.tools import BaseTool

from autoact.tools.corpus import Page
from autoact.tools.memory import Output, Result, library_tool, remember

DEFINITION = "finds pages by keywords and shows how each begins."
USAGE = "keywords."
RESULTS = 3
SNIPPET = 300


class Searchable(Protocol):
    """What Search searches: a corpus, or a service on the web."""

    def search(self, words: str, limit: int) -> Sequence[Page]:
        """The pages that match best, best first."""


def search(source: Searchable, query: str) -> Result:
    """The openings of the pages that match best, cut to 300 characters each."""
    return _listed(query, source.search(query, RESULTS))


def _listed(query: str, pages: Sequence[Page]) -> Result:
    if not pages:
        return f"No page matches {query[:SNIPPET]}.", None
    lines = [f"{i}. {page.title}: {page.opening[:SNIPPET]}" for i, page in enumerate(pages, start=1)]
    return "\n".join(lines), remember("\n".join(page.opening for page in pages))


def search_tool(source: Searchable) -> BaseTool:
    """Search (the paper's BingSearch)."""

    def run(query: str) -> Output:
        pages = source.search(query, RESULTS)
        return Output(*_listed(query, pages), raw=[{"title": page.title, "url": page.url} for page in pages])

    return library_tool("Search", DEFINITION, USAGE, run, slow=True)
