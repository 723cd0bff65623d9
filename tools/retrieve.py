"""Retrieve: a page's title → its first paragraph, or five similar titles."""

from langchain_core.tools import BaseTool, ToolException

from autoact.tools.corpus import Corpus
from autoact.tools.memory import Result, library_tool, remember

SHOWN = 200


def retrieve(corpus: Corpus, title: str) -> Result:
    """The page's first paragraph. Raises ToolException, naming similar titles, when there is no such page."""
    page = corpus.page(title)
    if page is None:
        similar = "; ".join(corpus.similar(title))
        hint = f"Similar titles: {similar}" if similar else "No title is similar."
        raise ToolException(f"No page is titled {title[:SHOWN]}. {hint}")
    return page.opening, remember(page.text)


def retrieve_tool(corpus: Corpus) -> BaseTool:
    """Retrieve from a corpus (the paper's Wikipedia page, offline)."""

    def run(title: str) -> Result:
        return retrieve(corpus, title)

    return library_tool("Retrieve", "opens a page and shows its first paragraph.", "the exact title of a page.", run)
