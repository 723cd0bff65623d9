"""What models read about tools, as hashes, and where the tools come from.

    card_hashes(tools)      # {"Retrieve": "3fa9…", "Finish": "1c2e…"}
    origins(tools)          # {"Retrieve": "langgraph-autoact 0.1.0, corpus", "find": "docs 1.2"}

The toolbox notes the origin of each tool that it makes; one that was made elsewhere has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from langchain_core.tools import BaseTool

from autoact.core.records import ToolCard
from autoact.tools.library import FINISH_CARD, card

ORIGIN = "origin"


def card_hashes(tools: Sequence[BaseTool]) -> dict[str, str]:
    """Name → sha256 of what models read about the tool, Finish among them."""
    return {item.name: _hash(item) for item in (*map(card, tools), FINISH_CARD)}


def origins(tools: Sequence[BaseTool]) -> dict[str, str]:
    """Name → the package or server that the tool is of, its version and its backend, as far as they are known."""
    known = {tool.name: str((tool.metadata or {}).get(ORIGIN, "")) for tool in tools}
    return {name: origin for name, origin in known.items() if origin}


def noted(tool: BaseTool, origin: str) -> BaseTool:
    """The tool with its origin, unless it has one."""
    return tool.model_copy(update={"metadata": {ORIGIN: origin, **(tool.metadata or {})}}) if origin else tool


def _hash(item: ToolCard) -> str:
    return hashlib.sha256(json.dumps([item.name, item.definition, item.usage]).encode()).hexdigest()
