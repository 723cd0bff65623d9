"""Search: keywords → the openings of the best pages, numbered."""

from langchain_core.tools import BaseTool

from autoact.tools.corpus import Corpus
from autoact.tools.memory import Result, library_tool, remember

RESULTS = 3
SNIPPET = 300


def search(corpus: Corpus, query: str) -> Result:
    """The openings of the pages that match best, cut to 300 characters each."""
    pages = corpus.search(query, RESULTS)
    if not pages:
        return f"No page matches {query[:SNIPPET]}.", None
    lines = [f"{i}. {page.title}: {page.opening[:SNIPPET]}" for i, page in enumerate(pages, start=1)]
    return "\n".join(lines), remember("\n".join(page.opening for page in pages))


def search_tool(corpus: Corpus) -> BaseTool:
    """Search over a corpus (the paper's BingSearch, offline)."""

    def run(query: str) -> Result:
        return search(corpus, query)

    return library_tool("Search", "finds pages by keywords and shows how each begins.", "keywords.", run)
