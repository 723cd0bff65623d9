"""Retrieve: a page's title → its first paragraph, or five similar titles; from the corpus, or from a MediaWiki.

task.yaml:  tools: [Retrieve, Lookup]
            toolbox: {Retrieve: {backend: mediawiki, contact: "me@example.org"}}
"""

from typing import Protocol

from langchain_core.tools import BaseTool, ToolException

from autoact.tools.corpus import Page
from autoact.tools.memory import Output, Result, library_tool, remember

DEFINITION = "opens a page and shows its first paragraph."
USAGE = "the exact title of a page."
SHOWN = 200


class Pages(Protocol):
    """What Retrieve opens pages of: a corpus, or a wiki."""

    def page(self, title: str) -> Page | None:
        """The page of that title or other name, or None."""

    def similar(self, title: str) -> list[str]:
        """Titles like it, best first."""


def retrieve(pages: Pages, title: str) -> Result:
    """The page's first paragraph. Raises ToolException, naming similar titles, when there is no such page."""
    page = _found(pages, title)
    return page.opening, remember(page.text)


def _found(pages: Pages, title: str) -> Page:
    page = pages.page(title)
    if page is None:
        similar = "; ".join(pages.similar(title))
        hint = f"Similar titles: {similar}" if similar else "No title is similar."
        raise ToolException(f"No page is titled {title[:SHOWN]}. {hint}")
    return page


def retrieve_tool(pages: Pages) -> BaseTool:
    """Retrieve (the paper's Wikipedia page)."""

    def run(title: str) -> Output:
        page = _found(pages, title)
        return Output(page.opening, remember(page.text), raw={"title": page.title, "url": page.url})

    return library_tool("Retrieve", DEFINITION, USAGE, run, slow=True)
