"""What Lookup reads: the page last found and how far it was read. It lives in the state, not in a tool.

memory = Memory(text="Lima is the capital of Peru. …", keyword="", cursor=0)
"""

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool
from typing_extensions import TypedDict


class Memory(TypedDict):
    """JSON-safe. `cursor` counts the sentences with `keyword` that were shown."""

    text: str
    keyword: str
    cursor: int


Result = tuple[str, Memory | None]


def remember(text: str) -> Memory:
    """The memory after a page was found; it resets the cursor."""
    return Memory(text=text, keyword="", cursor=0)


def library_tool(name: str, definition: str, usage: str, run: Any) -> BaseTool:
    """A LangChain tool from a function that returns its observation and the new memory (None: unchanged).

    `usage` says what the input is; it is shown to models after the definition (paper Table 5).
    """

    async def arun(**inputs: Any) -> Result:
        result: Result = run(**inputs)
        return result

    return StructuredTool.from_function(
        func=run,
        coroutine=arun,
        name=name,
        description=definition,
        response_format="content_and_artifact",
        metadata={"usage": usage},
    )
