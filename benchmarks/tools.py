"""Latency of each tool, one call after the other, and 1000 mixed calls at once in one event loop.

    python benchmarks/tools.py [--json]

Everything is local: a corpus of 10,000 pages, a SQLite file and an RDF file of 1,000 rows, a loopback search service.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from autoact.core.task import check_task
from autoact.tools.log import ToolLog
from autoact.tools.memory import remember
from autoact.tools.toolbox import offered_tools

CALLS = 200
AT_ONCE = 1000
STATE: dict[str, Any] = {"memory": remember("One fact. Another fact. A third."), "caption": "a hill"}
TOOLS = (
    "Search",
    "Retrieve",
    "Lookup",
    "Image2Text",
    "KnowledgeGraph",
    "Database",
    "Calculator",
    "TableVerbalizer",
    "Code",
)


class Service(BaseHTTPRequestHandler):
    """A SearXNG that always finds the same page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"results": [{"title": "T", "url": "u", "content": self.path}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def inputs(tool: str, number: int) -> dict[str, Any]:
    """The input of a call; no two are the same."""
    text = {
        "Search": f"word{number} word{number + 1}",
        "BingSearch": f"word{number}",
        "Retrieve": f"Page {number}",
        "Lookup": "fact",
        "Image2Text": "image",
        "KnowledgeGraph": f"SELECT ?o WHERE {{ <http://x/{number % 1000}> <http://x/is> ?o }}",
        "Database": f"SELECT name FROM place WHERE id = {number % 1000}",
        "Calculator": f"{number} * 3",
        "TableVerbalizer": f"name,size\nLima,{number}",
        "Code": f"sum(range({number}))",
    }[tool]
    return {"text": text}


def world(folder: Path, url: str) -> Any:
    """A task with every tool that can be had without a network, and a live Search on the loopback."""
    rng = random.Random(0)
    pages = (
        {"title": f"Page {number}", "text": " ".join(f"word{rng.randrange(5000)}" for _ in range(80))}
        for number in range(10_000)
    )
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, pages)), "utf-8")
    facts = (f'<http://x/{number}> <http://x/is> "thing {number}" .' for number in range(1000))
    (folder / "facts.ttl").write_text("\n".join(facts), "utf-8")
    with sqlite3.connect(folder / "places.sqlite") as file:
        file.execute("CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT)")
        file.executemany("INSERT INTO place VALUES (?, ?)", ((number, f"place {number}") for number in range(1000)))
    task = {
        "name": "bench",
        "description": "d",
        "model": "openai:m",
        "tools": [*TOOLS, "BingSearch"],
        "toolbox": {
            "KnowledgeGraph": {"file": "facts.ttl"},
            "Database": {"file": "places.sqlite"},
            "BingSearch": {"backend": "searxng", "url": url},
        },
        "corpus": "corpus.jsonl",
        "cassette": "cassette.sqlite",
        "examples": [{"question": "q", "answer": "a"}],
    }
    return check_task(task, folder / "task.yaml")


def asked(tool: Any, number: int) -> dict[str, Any]:
    """The input under the names of the tool's own fields."""
    names = [name for name in tool.get_input_jsonschema()["properties"] if name != "state"]
    given = dict.fromkeys(names, inputs(tool.name, number)["text"])
    return given | ({"state": STATE} if tool.name in ("Lookup", "Image2Text") else {})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", action="store_true")
    as_json = options.parse_args().json
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        tools = offered_tools(world(Path(folder), f"http://127.0.0.1:{server.server_port}")).tools
        alone = ToolLog()
        for tool in tools:
            tool.invoke(asked(tool, 0))  # an index, a sandbox or a box is started by the first call
            for number in range(1, CALLS + 1):
                tool.invoke(asked(tool, number), {"callbacks": [alone]})
        together = ToolLog()
        began = time.perf_counter()
        asyncio.run(at_once(tools, together))
        seconds = time.perf_counter() - began
    server.shutdown()
    ended = list(together.stats().values())
    rows = {name: {"p50_ms": stats.p50 * 1000, "p95_ms": stats.p95 * 1000} for name, stats in alone.stats().items()}
    mixed = {
        "calls": sum(stats.calls for stats in ended),
        "failed": sum(stats.failed + stats.refused + stats.unfinished for stats in ended),
        "seconds": round(seconds, 2),
    }
    if as_json:
        print(json.dumps({"tools": rows, "at_once": mixed}))
        return
    for name, row in rows.items():
        print(f"{name:16} p50 {row['p50_ms']:7.2f} ms   p95 {row['p95_ms']:7.2f} ms")
    print(f"{mixed['calls']} mixed calls at once: {mixed['seconds']} s, {mixed['failed']} failed")


async def at_once(tools: Any, log: ToolLog) -> None:
    """A thousand calls, all started before the first has ended."""
    calls = (
        tools[number % len(tools)].ainvoke(asked(tools[number % len(tools)], 1000 + number), {"callbacks": [log]})
        for number in range(AT_ONCE)
    )
    await asyncio.gather(*calls)


if __name__ == "__main__":
    main()
