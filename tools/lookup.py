"""Lookup: a keyword → the next sentence with it in the page last found, as `(Result 1/3) …`."""

import re
from typing import Annotated, Any

from langchain_core.tools import BaseTool, ToolException
from langgraph.prebuilt import InjectedState

from autoact.tools.memory import Memory, Output, Result, library_tool

DEFINITION = "shows the next sentence of the open page that has a keyword."
USAGE = "the keyword alone."
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def lookup(memory: Memory | None, keyword: str) -> Result:
    """The next sentence with the keyword, whatever its case; a new keyword starts from the first.

    Raises ToolException without an open page, and when no (more) sentence has the keyword.
    """
    keyword = keyword.strip()
    folded = keyword.casefold()
    if not memory or not memory.get("text"):
        raise ToolException("No page is open. Find a page first.")
    if not keyword:
        raise ToolException("The input is empty. Give a keyword.")
    found = [s for s in _SENTENCE_END.split(memory["text"]) if folded in s.casefold()]
    seen = memory["cursor"] if memory["keyword"] == folded else 0
    if seen >= len(found):
        more = "more " if seen else ""
        raise ToolException(f"The open page has no {more}sentence with {keyword[:200]}.")
    after = Memory(text=memory["text"], keyword=folded, cursor=seen + 1)
    return f"(Result {seen + 1}/{len(found)}) {found[seen].strip()}", after


def lookup_tool() -> BaseTool:
    """Lookup in the page that the state remembers."""

    def run(keyword: str, state: Annotated[dict[str, Any], InjectedState]) -> Output:
        return Output(*lookup(state.get("memory"), keyword))

    return library_tool("Lookup", DEFINITION, USAGE, run)
