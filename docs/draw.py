"""Draws the graphs as Studio shows them: what LangGraph gives as Mermaid text, and a picture of it.

    python docs/draw.py      # needs npx (Node), npm's registry and a Chromium; nothing else here does

tests/graph/test_drawings.py fails while a text is not that of its graph.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from autoact.graph import chat_planning, group_planning
from autoact.graph.studio import drawn
from autoact.models.scripted import ScriptedChatModel

IMAGES = Path(__file__).parent / "images"


def texts() -> dict[str, str]:
    """The Mermaid text of each graph, the chat's with the planning inside it."""
    planner = drawn(group_planning(ScriptedChatModel(replies=[]), [], "").compile())
    chat = chat_planning(planner).compile()
    graphs = {"autoact": planner.aget_graph(), "chat": chat.aget_graph(xray=True)}
    return {name: asyncio.run(graph).draw_mermaid() for name, graph in graphs.items()}


def main() -> None:
    for name, text in texts().items():
        source, picture = IMAGES / f"{name}.mmd", IMAGES / f"{name}.svg"
        source.write_text(text, "utf-8")
        with TemporaryDirectory() as folder:
            browser = Path(folder) / "browser.json"
            browser.write_text(json.dumps({"executablePath": shutil.which("chromium"), "args": ["--no-sandbox"]}))
            npx("@mermaid-js/mermaid-cli@11", "--puppeteerConfigFile", browser, "--input", source, "--output", picture)
        npx("svgo@4", "--quiet", "--multipass", picture)


def npx(*words: object) -> None:
    subprocess.run(["npx", "--yes", *map(str, words)], check=True)


if __name__ == "__main__":
    main()
