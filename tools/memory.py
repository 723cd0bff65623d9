"""How a library tool is made, and what it leaves behind: an observation, a memory for Lookup, the raw result.

    def run(title: str) -> Output:
        return Output("Lima is the capital of Peru.", remember(page), raw={"title": "Lima"})

    tool = library_tool("Retrieve", "opens a page.", "the exact title of a page.", run)

The memory is the page last found and how far it was read; it lives in the state, not in a tool.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from typing_extensions import TypedDict

from autoact.core.text import storable
from autoact.tools.threads import Threads

OBSERVATION_LIMIT = 4000
# Of a page; it is kept with every step of a question.
MEMORY_LIMIT = 1_000_000
# Control characters but tab and newline, and halves of characters, which no tokenizer takes.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Memory(TypedDict):
    """JSON-safe. `cursor` counts the sentences with `keyword` that were shown."""

    text: str
    keyword: str
    cursor: int


Result = tuple[str, Memory | None]


@dataclass(frozen=True, slots=True)
class Output:
    """What a tool gives: the text a model reads, the new memory (None: unchanged), the raw result as JSON."""

    observation: str
    memory: Memory | None = None
    raw: Any = None


def remember(text: str) -> Memory:
    """The memory after a page was found, of which it keeps the first million characters; it resets the cursor."""
    return Memory(text=storable(text[:MEMORY_LIMIT]), keyword="", cursor=0)


def memory_of(artifact: Any) -> Memory | None:
    """The memory in a tool's artifact; None when it left none, or is no tool of the library."""
    memory = artifact.get("memory") if isinstance(artifact, dict) else None
    if not isinstance(memory, dict) or memory.keys() != Memory.__annotations__.keys():
        return None
    return Memory(text=memory["text"], keyword=memory["keyword"], cursor=memory["cursor"])


def library_tool(
    name: str,
    definition: str,
    usage: str,
    run: Callable[..., Output],
    *,
    slow: bool = False,
    places: Threads | None = None,
) -> BaseTool:
    """A LangChain tool from a function with typed arguments; its artifact is `{"memory": …, "raw": …}`.

    `usage` says what the input is; it is shown to models after the definition (paper Table 5). A slow tool (network,
    files, sandbox) runs in threads of its own when called from an event loop. With `places` every call runs in one of
    those, and who waits for a place in an event loop holds no thread. What models read is bounded and printable.
    """
    apart = places or (Threads() if slow else None)

    @wraps(run)
    def call(**inputs: Any) -> tuple[str, dict[str, Any]]:
        return places.submit(partial(_told, run, inputs)).result() if places else _told(run, inputs)

    async def acall(**inputs: Any) -> tuple[str, dict[str, Any]]:
        return await apart.run(_told, run=run, inputs=inputs) if apart else _told(run, inputs)

    return StructuredTool.from_function(
        func=call,
        coroutine=acall,
        name=name,
        description=definition,
        response_format="content_and_artifact",
        metadata={"usage": usage},
    )


def _told(run: Callable[..., Output], inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Content and artifact of a call."""
    try:
        output = run(**inputs)
    except ToolException as problem:
        raise type(problem)(shown(str(problem))) from None
    return shown(output.observation), {"memory": output.memory, "raw": output.raw}


def shown(text: str) -> str:
    """The text as a model may read it: at most 4000 characters, control characters as spaces."""
    return _CONTROL.sub(" ", text[:OBSERVATION_LIMIT])
